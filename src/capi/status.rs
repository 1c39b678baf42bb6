//! What functions return, and the one place where core errors become it.

use crate::docker;
use crate::fastcgi::{Error, FpmError};
use crate::net::Phase;
use std::ffi::{CStr, c_char};
use std::io;
use towline_status::{
    TOWLINE_ERR_API, TOWLINE_ERR_CANCELLED, TOWLINE_ERR_CLOSED, TOWLINE_ERR_CONNECT, TOWLINE_ERR_FPM,
    TOWLINE_ERR_INVALID, TOWLINE_ERR_KILL, TOWLINE_ERR_PROTOCOL, TOWLINE_ERR_QUEUE_FULL, TOWLINE_ERR_SOURCE,
    TOWLINE_ERR_STALE, TOWLINE_ERR_SYSTEM, TOWLINE_ERR_TIMEOUT_CONNECT, TOWLINE_ERR_TIMEOUT_FIRST_BYTE,
    TOWLINE_ERR_TIMEOUT_IDLE, TOWLINE_ERR_TIMEOUT_TOTAL,
};

/// How a call or an operation ended. Numbers are never changed or used again; new ones may come.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum towline_status {
    /// It worked.
    TOWLINE_OK = 0,
    /// An argument cannot be used: NULL, out of range, contradictory.
    TOWLINE_ERR_INVALID = -1,
    /// The handle names nothing: it ended, or was never given out. Also: the loop was freed inside a callback.
    TOWLINE_ERR_STALE = -2,
    /// The loop was made before a fork(), and this is the child.
    TOWLINE_ERR_FORKED = -3,
    /// The loop belongs to another thread.
    TOWLINE_ERR_THREAD = -4,
    /// A fault in Towline itself; please report it.
    TOWLINE_ERR_INTERNAL = -5,
    /// The operating system refused (descriptors, memory).
    TOWLINE_ERR_SYSTEM = -6,
    /// Nothing of that name or index.
    TOWLINE_ERR_NOT_FOUND = -7,
    /// No connection: refused, not found, no permission, name not resolved, TLS failed.
    TOWLINE_ERR_CONNECT = -8,
    /// The connect deadline passed.
    TOWLINE_ERR_TIMEOUT_CONNECT = -9,
    /// The deadline for the answer's first byte passed.
    TOWLINE_ERR_TIMEOUT_FIRST_BYTE = -10,
    /// The deadline between two bytes passed.
    TOWLINE_ERR_TIMEOUT_IDLE = -11,
    /// The deadline for the whole operation passed.
    TOWLINE_ERR_TIMEOUT_TOTAL = -12,
    /// The peer broke the protocol, or its answer exceeds a limit.
    TOWLINE_ERR_PROTOCOL = -13,
    /// The connection ended before the answer did.
    TOWLINE_ERR_CLOSED = -14,
    /// Cancelled, or its client was closed.
    TOWLINE_ERR_CANCELLED = -15,
    /// As many requests as max_pending, or as many bytes as max_buffered, are waiting already; nothing was sent.
    TOWLINE_ERR_QUEUE_FULL = -16,
    /// The source of the request's body reported a failure, or gave more or less than was announced.
    TOWLINE_ERR_SOURCE = -17,
    /// The private php-fpm did not start.
    TOWLINE_ERR_FPM = -18,
    /// The Engine answered with an error; the text is its own, and callbacks receive the HTTP status.
    TOWLINE_ERR_API = -19,
    /// The process in the container could not be signalled.
    TOWLINE_ERR_KILL = -20,
}

const TEXTS: [&CStr; 21] = [
    c"ok",
    c"invalid argument",
    c"stale handle",
    c"the loop belongs to the parent process",
    c"the loop belongs to another thread",
    c"internal fault",
    c"refused by the operating system",
    c"not found",
    c"cannot connect",
    c"connect deadline passed",
    c"first-byte deadline passed",
    c"idle deadline passed",
    c"total deadline passed",
    c"protocol error",
    c"connection closed early",
    c"cancelled",
    c"queue full",
    c"body source failed",
    c"php-fpm did not start",
    c"refused by the Engine",
    c"cannot signal the process",
];

/// A few English words for a status; never NULL, valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn towline_status_text(status: i32) -> *const c_char {
    let text = usize::try_from(status.unsigned_abs()).ok().filter(|_| status <= 0).and_then(|n| TEXTS.get(n));
    text.map_or(c"unknown status".as_ptr(), |text| text.as_ptr())
}

/// The version of the library that is running, such as "1.2.3"; TOWLINE_VERSION is the header's.
#[unsafe(no_mangle)]
pub extern "C" fn towline_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };
    VERSION.as_ptr()
}

/// Why a call failed: the status it returns and the text for `towline_loop_error`.
#[derive(Debug)]
pub(super) struct Failure {
    pub status: towline_status,
    pub text: String,
}

impl Failure {
    pub fn new(status: towline_status, text: impl Into<String>) -> Self {
        Failure { status, text: text.into() }
    }

    pub fn invalid(text: impl Into<String>) -> Self {
        Failure::new(TOWLINE_ERR_INVALID, text)
    }

    pub fn null(argument: &str) -> Self {
        Failure::invalid(format!("{argument} is NULL"))
    }

    pub fn stale(noun: &'static str) -> Self {
        Error::Stale(noun).into()
    }
}

pub(super) fn status_of(error: &Error) -> towline_status {
    match error {
        Error::Connect { .. } => TOWLINE_ERR_CONNECT,
        Error::Timeout { phase, .. } => timeout_of(*phase),
        Error::Protocol(_) => TOWLINE_ERR_PROTOCOL,
        Error::Closed(_) => TOWLINE_ERR_CLOSED,
        Error::Cancelled => TOWLINE_ERR_CANCELLED,
        Error::QueueFull { .. } => TOWLINE_ERR_QUEUE_FULL,
        Error::Invalid(_) => TOWLINE_ERR_INVALID,
        Error::Source(_) => TOWLINE_ERR_SOURCE,
        Error::Stale(_) => TOWLINE_ERR_STALE,
        Error::System(_) => TOWLINE_ERR_SYSTEM,
    }
}

pub(super) fn docker_status_of(error: &docker::Error) -> towline_status {
    match error {
        docker::Error::Connect { .. } => TOWLINE_ERR_CONNECT,
        docker::Error::Timeout { phase, .. } => timeout_of(*phase),
        docker::Error::Api { .. } => TOWLINE_ERR_API,
        docker::Error::Protocol(_) => TOWLINE_ERR_PROTOCOL,
        docker::Error::Closed(_) => TOWLINE_ERR_CLOSED,
        docker::Error::Cancelled => TOWLINE_ERR_CANCELLED,
        docker::Error::Kill(_) => TOWLINE_ERR_KILL,
        docker::Error::QueueFull { .. } => TOWLINE_ERR_QUEUE_FULL,
        docker::Error::Invalid(_) => TOWLINE_ERR_INVALID,
        docker::Error::Stale(_) => TOWLINE_ERR_STALE,
        docker::Error::System(_) => TOWLINE_ERR_SYSTEM,
    }
}

/// The Engine's HTTP status, when it answered with an error; else 0.
pub(super) fn docker_http_status(error: &docker::Error) -> u32 {
    match error {
        docker::Error::Api { status, .. } => u32::from(*status),
        _ => 0,
    }
}

fn timeout_of(phase: Phase) -> towline_status {
    match phase {
        Phase::Connect => TOWLINE_ERR_TIMEOUT_CONNECT,
        Phase::FirstByte => TOWLINE_ERR_TIMEOUT_FIRST_BYTE,
        Phase::Idle => TOWLINE_ERR_TIMEOUT_IDLE,
        Phase::Total => TOWLINE_ERR_TIMEOUT_TOTAL,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::new(status_of(&error), error.to_string())
    }
}

impl From<docker::Error> for Failure {
    fn from(error: docker::Error) -> Self {
        Failure::new(docker_status_of(&error), error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::new(TOWLINE_ERR_SYSTEM, error.to_string())
    }
}

impl From<FpmError> for Failure {
    fn from(error: FpmError) -> Self {
        Failure::new(TOWLINE_ERR_FPM, error.to_string())
    }
}
