//! What can go wrong with an Engine, once for every shell to map.

use crate::net::Phase;
use std::time::Duration;

/// Why an operation failed or a command was refused. The text says what was wrong and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No connection: refused, not found, no permission, name not resolved, TLS failed.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// The Engine's address as it was given.
        address: String,
        /// The system's or TLS's words, with a hint.
        reason: String,
    },
    /// A deadline passed.
    #[error("{phase} deadline of {} s passed ({what})", after.as_secs_f64())]
    Timeout {
        /// Which deadline.
        phase: Phase,
        /// Its length.
        after: Duration,
        /// What was waited for.
        what: String,
    },
    /// The Engine answered with an error, or with a redirect, which is not followed.
    #[error("{message}")]
    Api {
        /// The HTTP status; 200 for an error in the midst of an output that had begun well.
        status: u16,
        /// The Engine's own words.
        message: String,
    },
    /// The peer broke the protocol, or is no Engine.
    #[error("{0}")]
    Protocol(String),
    /// The connection ended before the answer did, or the process before the command reached it.
    #[error("{0}")]
    Closed(String),
    /// `cancel` or `close` ended it.
    #[error("the operation was cancelled")]
    Cancelled,
    /// The process could not be signalled.
    #[error("cannot signal the process: {0}")]
    Kill(String),
    /// So many bytes are waiting to be sent that no more are taken; none of these were.
    #[error("{waiting} bytes are waiting to be sent; no more than {limit} may (max_buffered)")]
    QueueFull {
        /// Bytes waiting.
        waiting: usize,
        /// The stream's `max_buffered`.
        limit: usize,
    },
    /// The caller's value cannot be used; nothing was sent.
    #[error("{0}")]
    Invalid(String),
    /// The handle names nothing (any more).
    #[error("this {0} handle names nothing: it ended, or was never given out")]
    Stale(&'static str),
    /// The operating system refused something that is nobody's fault (file descriptors, memory).
    #[error("{0}")]
    System(String),
}

impl From<crate::http::Error> for Error {
    fn from(error: crate::http::Error) -> Self {
        match error {
            crate::http::Error::Malformed(words) => Error::Protocol(words),
            crate::http::Error::Invalid(words) => Error::Invalid(words),
        }
    }
}
