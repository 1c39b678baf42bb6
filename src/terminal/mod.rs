//! Terminals in browsers: what is said over the WebSocket, what is kept for who comes back, and what is recorded.
//!
//! Everything here works on bytes alone.

mod protocol;
mod recording;
mod scrollback;

pub use protocol::{Hello, Joined, Malformed, OUTPUT, Said, Size, error, exited, preferences, resized, title};
pub use recording::{Encoder, Header, Recording};
pub use scrollback::Scrollback;

/// The name of the subprotocol.
pub const SUBPROTOCOL: &str = "tty";
