//! The client side of HTTP/1.1 (RFC 9112) without I/O: requests out, responses in, in any pieces.

mod body;
mod head;
mod request;

pub use body::{Body, Item};
pub use head::{Head, HeadParser, MAX_HEAD};
pub use request::{Target, escape, put_request};

/// What is wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The peer's message breaks the rules of HTTP/1.1, or a limit.
    #[error("{0}")]
    Malformed(String),
    /// A request cannot be written as asked.
    #[error("{0}")]
    Invalid(String),
}
