//! The arguments of `\Towline\WebSocket\Server::__construct`.

use super::class::{self, parse};
use super::errors::{self, Answer};
use super::{event_loop, options, strings, value};
use crate::websocket::{Origins, ServerOptions};
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::ffi::zend_string;
use ext_php_rs::flags::DataType;
use ext_php_rs::types::{ZendHashTable, Zval};
use std::ptr::null_mut;

/// What a server is made of.
pub struct Given {
    pub address: String,
    /// The loop's object, when one was given.
    pub owner: Option<Zval>,
    pub options: ServerOptions,
}

/// Declares the arguments.
pub fn arguments(function: FunctionBuilder) -> FunctionBuilder {
    let float = |name: &str, default: &str| Arg::new(name, DataType::Double).default(default);
    let int = |name: &str, default: &str| Arg::new(name, DataType::Long).default(default);
    function
        .arg(Arg::new("address", DataType::String))
        .not_required()
        .arg(Arg::new("loop", DataType::object("Towline\\Loop")).allow_null().default("null"))
        .arg(Arg::new("allowedOrigins", DataType::Array).allow_null().default("null"))
        .arg(int("maxMessage", "16 * 1024 * 1024"))
        .arg(int("maxConnections", "10000"))
        .arg(float("pingInterval", "30.0"))
        .arg(float("handshakeTimeout", "10.0"))
        .arg(int("highWatermark", "1024 * 1024"))
        .arg(Arg::new("subprotocols", DataType::Array).default("['tty']"))
        .arg(int("maxBody", "1024 * 1024"))
}

/// Reads and checks them.
pub fn parse(arguments: u32) -> Answer<Given> {
    let defaults = ServerOptions::default();
    let mut address: *mut zend_string = null_mut();
    let mut owner: *mut Zval = null_mut();
    let (mut origins, mut subprotocols): (*mut ZendHashTable, *mut ZendHashTable) = (null_mut(), null_mut());
    let (mut max_message, mut max_connections) = (16 * 1024 * 1024i64, 10_000i64);
    let (mut high_watermark, mut max_body) = (1024 * 1024i64, 1024 * 1024i64);
    let (mut ping, mut handshake) = (30.0f64, 10.0f64);
    parse!(
        arguments,
        c"S|O!h!llddlhl",
        &raw mut address,
        &raw mut owner,
        class::entry::<event_loop::Loop>(),
        &raw mut origins,
        &raw mut max_message,
        &raw mut max_connections,
        &raw mut ping,
        &raw mut handshake,
        &raw mut high_watermark,
        &raw mut subprotocols,
        &raw mut max_body,
    )?;
    // SAFETY: the parser succeeded, so this is null or an argument of the running function.
    let owner = unsafe { owner.as_ref() };
    let high_watermark = options::at_least(8, high_watermark, 1)?;
    let ping = errors::seconds(6, ping)?;
    Ok(Given {
        address: options::address(value::bytes(address))?,
        owner: owner.map(Zval::shallow_clone),
        options: ServerOptions {
            origins: self::origins(origins)?,
            subprotocols: match subprotocols.is_null() {
                true => vec![crate::terminal::SUBPROTOCOL.to_owned()],
                false => strings::list(9, subprotocols)?,
            },
            max_message: options::at_least(4, max_message, 1)?,
            max_body: options::at_least(10, max_body, 0)?,
            max_connections: options::at_least(5, max_connections, 1)?,
            ping_interval: Some(ping).filter(|ping| !ping.is_zero()),
            handshake_timeout: errors::seconds(7, handshake)?,
            high_watermark,
            max_buffered: defaults.max_buffered.max(high_watermark),
            ..defaults
        },
    })
}

fn origins(given: *mut ZendHashTable) -> Answer<Origins> {
    if given.is_null() {
        return Ok(Origins::Same);
    }
    let list = strings::list(3, given)?;
    Ok(if list.iter().any(|origin| origin == "*") { Origins::Any } else { Origins::These(list) })
}
