//! The arguments of `Client::__construct`.

use super::balance::Balance;
use super::class::{self, parse};
use super::errors::{self, Answer};
use super::{event_loop, value};
use crate::fastcgi::{self, ClientOptions};
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::convert::FromZval;
use ext_php_rs::flags::DataType;
use ext_php_rs::types::Zval;

/// What a client is made of.
pub struct Given {
    pub addresses: Vec<String>,
    /// The loop's object, when one was given.
    pub owner: Option<Zval>,
    pub options: ClientOptions,
}

/// Declares the arguments.
pub fn arguments(function: FunctionBuilder) -> FunctionBuilder {
    let float = |name: &str, default: &str| Arg::new(name, DataType::Double).default(default);
    let optional = |name: &str| Arg::new(name, DataType::Double).allow_null().default("null");
    let int = |name: &str, default: &str| Arg::new(name, DataType::Long).default(default);
    function
        .arg(Arg::new("address", DataType::String))
        .not_required()
        .arg(Arg::new("loop", DataType::object("Towline\\Loop")).allow_null().default("null"))
        .arg(int("maxConnections", "8"))
        .arg(int("maxPending", "100000"))
        .arg(Arg::new("keepAlive", DataType::Bool).default("true"))
        .arg(float("idleClose", "1.0"))
        .arg(float("connectTimeout", "5.0"))
        .arg(optional("firstByteTimeout"))
        .arg(optional("idleTimeout"))
        .arg(optional("timeout"))
        .arg(int("maxResponse", "64 * 1024 * 1024"))
        .arg(
            Arg::new("balance", DataType::object("Towline\\FastCgi\\Balance"))
                .default("Towline\\FastCgi\\Balance::LeastConnections"),
        )
        .arg(float("failTimeout", "10.0"))
}

/// Reads and checks them.
pub fn parse(arguments: u32) -> Answer<Given> {
    let defaults = ClientOptions::default();
    let (mut address, mut owner, mut balance): (*mut Zval, *mut Zval, *mut Zval) =
        (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
    let (mut max_connections, mut max_pending, mut max_response) = (8i64, 100_000i64, 64 * 1024 * 1024i64);
    let mut keep_alive = true;
    let (mut idle_close, mut connect, mut fail) = (1.0f64, 5.0f64, 10.0f64);
    let (mut first_byte, mut no_first_byte) = (0.0f64, true);
    let (mut idle, mut no_idle) = (0.0f64, true);
    let (mut total, mut no_total) = (0.0f64, true);
    parse!(
        arguments,
        c"z|O!llbddd!d!d!lOd",
        &raw mut address,
        &raw mut owner,
        class::entry::<event_loop::Loop>(),
        &raw mut max_connections,
        &raw mut max_pending,
        &raw mut keep_alive,
        &raw mut idle_close,
        &raw mut connect,
        &raw mut first_byte,
        &raw mut no_first_byte,
        &raw mut idle,
        &raw mut no_idle,
        &raw mut total,
        &raw mut no_total,
        &raw mut max_response,
        &raw mut balance,
        class::entry::<Balance>(),
        &raw mut fail,
    )?;
    // SAFETY: the parser succeeded, so these are null or arguments of the running function.
    let (address, owner, balance): (Option<&mut Zval>, Option<&mut Zval>, Option<&mut Zval>) =
        unsafe { (address.as_mut(), owner.as_mut(), balance.as_mut()) };
    Ok(Given {
        addresses: addresses(address)?,
        owner: owner.map(|owner| owner.shallow_clone()),
        options: ClientOptions {
            max_connections: at_least(3, max_connections, 1)?,
            max_pending: at_least(4, max_pending, 1)?,
            keep_alive,
            idle_close: errors::seconds(6, idle_close)?,
            connect_timeout: errors::seconds(7, connect)?,
            first_byte_timeout: errors::optional_seconds(8, first_byte, no_first_byte)?,
            idle_timeout: errors::optional_seconds(9, idle, no_idle)?,
            timeout: errors::optional_seconds(10, total, no_total)?,
            max_response: at_least(11, max_response, 1)? as u64,
            balance: balance.and_then(|case| Balance::from_zval(case)).map_or(defaults.balance, fastcgi::Balance::from),
            fail_timeout: errors::seconds(13, fail)?,
        },
    })
}

/// An argument that counts things.
pub fn at_least(number: u32, given: i64, least: i64) -> Answer<usize> {
    match usize::try_from(given) {
        Ok(count) if given >= least => Ok(count),
        _ => Err(errors::argument(number, &format!("must be at least {least}, {given} given"))),
    }
}

/// An argument that counts things, of which there may not be any number.
pub fn at_most(number: u32, given: usize, most: usize) -> Answer<usize> {
    if given <= most {
        return Ok(given);
    }
    Err(errors::argument(number, &format!("must be at most {most}, {given} given")))
}

fn addresses(given: Option<&mut Zval>) -> Answer<Vec<String>> {
    let Some(given) = given else { return Ok(Vec::new()) };
    if !given.is_array() {
        return Ok(vec![address(value::string_argument(1, c"array|string", given)?)?]);
    }
    let Some(table) = given.array() else { return Ok(Vec::new()) };
    let mut all = Vec::with_capacity(table.len());
    for (_, element) in value::elements(table) {
        match value::bytes_of(element) {
            Some(bytes) => all.push(address(bytes)?),
            None => return Err(errors::argument_type(1, c"list of strings", element)),
        }
    }
    if all.is_empty() {
        return Err(errors::argument(1, "must hold at least one address"));
    }
    Ok(all)
}

/// The first argument, an address.
pub fn address(bytes: &[u8]) -> Answer<String> {
    String::from_utf8(bytes.to_vec())
        .map_err(|_| errors::argument(1, "must be an address, bytes that are no UTF-8 given"))
}
