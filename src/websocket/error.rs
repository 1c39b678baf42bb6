//! What can go wrong with a command, once for every shell to map.

/// Why a command was refused. The text says what was wrong and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The server cannot listen where it was told to.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address as it was given.
        address: String,
        /// The system's words.
        reason: String,
    },
    /// The caller's value cannot be used; nothing was done.
    #[error("{0}")]
    Invalid(String),
    /// The handle names nothing (any more).
    #[error("this {0} handle names nothing: it ended, or was never given out")]
    Stale(&'static str),
    /// The connection is closed or closing; nothing was sent.
    #[error("the connection is closed: nothing was sent")]
    Closed,
    /// The peer reads too slowly: the connection's buffer is full; nothing was sent.
    #[error("{buffered} bytes wait to be sent, {limit} may: nothing was sent")]
    Full {
        /// Bytes that wait.
        buffered: usize,
        /// The server's limit.
        limit: usize,
    },
    /// The operating system refused something that is nobody's fault (file descriptors, memory).
    #[error("{0}")]
    System(String),
}
