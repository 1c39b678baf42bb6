//! What can go wrong with a FastCGI request, once for every shell to map.

pub use crate::net::Phase;
use std::time::Duration;

/// Why a request failed or a command was refused. The text says what was wrong and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No connection: refused, not found, no permission, name not resolved.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// The upstream's address as it was given.
        address: String,
        /// The system's words.
        reason: String,
    },
    /// A deadline passed.
    #[error("{phase} deadline of {} s passed ({address})", after.as_secs_f64())]
    Timeout {
        /// Which deadline.
        phase: Phase,
        /// Its length.
        after: Duration,
        /// The upstream, or what the request waited for.
        address: String,
    },
    /// The peer broke the protocol.
    #[error("{0}")]
    Protocol(String),
    /// The connection ended before the answer did.
    #[error("{0}")]
    Closed(String),
    /// `cancel` or `close` ended it.
    #[error("the request was cancelled")]
    Cancelled,
    /// `max_pending` requests are waiting already; nothing was sent.
    #[error("the queue of waiting requests is full ({limit}); nothing was sent")]
    QueueFull {
        /// The client's `max_pending`.
        limit: usize,
    },
    /// The caller's value cannot be used; nothing was sent.
    #[error("{0}")]
    Invalid(String),
    /// The source of the request's body failed, or gave more or less than was announced.
    #[error("{0}")]
    Source(String),
    /// The handle names nothing (any more).
    #[error("this {0} handle names nothing: it ended, or was never given out")]
    Stale(&'static str),
    /// The operating system refused something that is nobody's fault (file descriptors, memory).
    #[error("{0}")]
    System(String),
}
