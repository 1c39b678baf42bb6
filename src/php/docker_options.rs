//! The arguments of `\Towline\Docker\Client::__construct`.

use super::class::{self, parse};
use super::errors::{self, Answer};
use super::{event_loop, ffi, options, value};
use crate::docker::DockerOptions;
use crate::net::TlsFiles;
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::ffi::zend_string;
use ext_php_rs::flags::DataType;
use ext_php_rs::types::Zval;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What a client is made of.
pub struct Given {
    /// The loop's object, when one was given.
    pub owner: Option<Zval>,
    pub options: DockerOptions,
}

/// Declares the arguments.
pub fn arguments(function: FunctionBuilder) -> FunctionBuilder {
    let string = |name: &str| Arg::new(name, DataType::String).allow_null().default("null");
    let float = |name: &str, default: &str| Arg::new(name, DataType::Double).default(default);
    let int = |name: &str, default: &str| Arg::new(name, DataType::Long).default(default);
    function
        .not_required()
        .arg(string("address"))
        .arg(Arg::new("loop", DataType::object("Towline\\Loop")).allow_null().default("null"))
        .arg(string("caFile"))
        .arg(string("certFile"))
        .arg(string("keyFile"))
        .arg(string("apiVersion"))
        .arg(float("connectTimeout", "5.0"))
        .arg(float("timeout", "30.0"))
        .arg(int("maxConnections", "32"))
        .arg(int("maxResponse", "64 * 1024 * 1024"))
}

/// Reads and checks them.
pub fn parse(arguments: u32) -> Answer<Given> {
    let defaults = DockerOptions::default();
    let (mut address, mut ca, mut cert, mut key, mut version): (
        *mut zend_string,
        *mut zend_string,
        *mut zend_string,
        *mut zend_string,
        *mut zend_string,
    ) = Default::default();
    let mut owner: *mut Zval = std::ptr::null_mut();
    let (mut connect, mut timeout) = (5.0f64, 30.0f64);
    let (mut max_connections, mut max_response) = (32i64, 64 * 1024 * 1024i64);
    parse!(
        arguments,
        c"|S!O!S!S!S!S!ddll",
        &raw mut address,
        &raw mut owner,
        class::entry::<event_loop::Loop>(),
        &raw mut ca,
        &raw mut cert,
        &raw mut key,
        &raw mut version,
        &raw mut connect,
        &raw mut timeout,
        &raw mut max_connections,
        &raw mut max_response,
    )?;
    let address = if address.is_null() { None } else { Some(options::address(value::bytes(address))?) };
    // SAFETY: the parser succeeded, so this is null or an argument of the running function.
    let owner = unsafe { owner.as_ref() };
    Ok(Given {
        owner: owner.map(Zval::shallow_clone),
        options: DockerOptions {
            address,
            tls: TlsFiles { ca: file(3, ca)?, cert: file(4, cert)?, key: file(5, key)? },
            api_version: super::strings::optional(6, version)?,
            connect_timeout: errors::seconds(7, connect)?,
            timeout: errors::seconds(8, timeout)?,
            max_connections: options::at_least(9, max_connections, 1)?,
            max_response: options::at_least(10, max_response, 1)?,
            ..defaults
        },
    })
}

/// The path of a file that the core will read, which PHP's own functions might not be allowed to.
fn file(number: u32, path: *const zend_string) -> Answer<Option<PathBuf>> {
    if path.is_null() {
        return Ok(None);
    }
    let bytes = value::bytes(path);
    let Ok(c_path) = CString::new(bytes) else {
        return Err(errors::argument(number, "must be the path of a file, one with a NUL byte given"));
    };
    // SAFETY: the path lives through the call.
    if !unsafe { ffi::towline_open_basedir_allows(c_path.as_ptr()) } {
        return Err(errors::argument(number, "must be the path of a file that open_basedir allows"));
    }
    Ok(Some(PathBuf::from(OsStr::from_bytes(bytes))))
}
