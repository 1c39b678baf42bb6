//! What can go wrong with a command, once for every shell to map.

/// Why a command was refused. The text says what was wrong and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The caller's value cannot be used; nothing was done.
    #[error("{0}")]
    Invalid(String),
    /// The handle names nothing (any more).
    #[error("this {0} handle names nothing: it ended, or was never given out")]
    Stale(&'static str),
    /// The hub has another session of this id.
    #[error("the hub has a session {0:?} already")]
    Exists(String),
    /// The hub has as many sessions as it may.
    #[error("the hub has {0} sessions; no more may be open (maxSessions)")]
    Full(usize),
    /// The connection is closed or closing; it was not attached.
    #[error("the connection is closed: it was not attached")]
    Closed,
    /// The recording cannot be begun.
    #[error("cannot record to {path}: {reason}")]
    Record {
        /// The file as it was given.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// The operating system refused something that is nobody's fault.
    #[error("{0}")]
    System(String),
}
