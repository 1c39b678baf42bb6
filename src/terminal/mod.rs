//! Terminals in browsers: sessions that keep a process's stream on this side, and viewers who come and go.
//!
//! The [hub](Commands) stands above the Docker client and the WebSocket server. A session owns an Engine's stream from
//! [`open`](Commands::open) on: its output goes to the viewers and into the scrollback without becoming an event. A
//! WebSocket that is [attached](Commands::attach) is the session's as well: its messages are read here. What remains
//! for the program are the stream's `Opened`, `Exited` and `Failed`, the WebSocket's `Closed`, and [`Event`]s.
//!
//! `docs/terminal-protocol.md` describes what is said over the WebSocket, and who waits for whom.

mod commands;
mod ending;
mod error;
mod flow;
mod hub;
mod layers;
mod options;
mod protocol;
mod recording;
mod scrollback;
mod session;
mod taping;
mod tokens;
mod traffic;
mod viewer;

pub use commands::Commands;
pub use error::Error;
pub use hub::Terminal;
pub use options::HubOptions;
pub use protocol::{Hello, Joined, Malformed, OUTPUT, Said, Size, error, exited, preferences, resized, title};
pub use recording::{Encoder, Header, Recording};
pub use scrollback::Scrollback;
pub use session::{SessionInfo, Stage};
pub use tokens::{Pass, Tokens};

pub(crate) use layers::Layers;
#[cfg(feature = "php")]
pub(crate) use options::MAX_SCROLLBACK;
#[cfg(feature = "php")]
pub(crate) use protocol::MAX_HELLO;

use crate::docker;
use crate::websocket::ConnKey;

/// The name of the subprotocol.
pub const SUBPROTOCOL: &str = "tty";

slotmap::new_key_type! {
    /// A hub until it is closed.
    pub struct HubKey;
    /// A session from `open` until [`EventKind::Ended`] has been taken.
    pub struct SessionKey;
}

/// The index of this source in the reactor.
pub(crate) const SOURCE: u8 = 4;

/// Something happened to a session.
#[derive(Debug)]
pub struct Event {
    /// Which one.
    pub session: SessionKey,
    /// What.
    pub kind: EventKind,
}

/// What happened. A session's events end with `Ended`; before it comes at most one of `Exited` and `Failed`.
#[derive(Debug)]
pub enum EventKind {
    /// The process runs.
    Started,
    /// The process has ended. The session can be looked at for a while, unless it was ended on purpose.
    Exited {
        /// Its exit code; `None` when the Engine cannot tell.
        code: Option<i64>,
    },
    /// The process could not be started, was lost, or could not be ended.
    Failed(Box<docker::Error>),
    /// A viewer has joined.
    Joined {
        /// Who.
        conn: ConnKey,
        /// Only watches.
        read_only: bool,
        /// How many there are now.
        viewers: usize,
    },
    /// A viewer has left or was sent away.
    Left {
        /// Who; its WebSocket's own `Closed` comes too, before or after.
        conn: ConnKey,
        /// Only watched.
        read_only: bool,
        /// The close code, the viewer's or ours: 1013 for one that read too slowly.
        code: u16,
        /// How many there are now.
        viewers: usize,
    },
    /// The recording has ended early; the session goes on.
    RecordingFailed(Box<Error>),
    /// The session is gone; its handle and its id are spent.
    Ended(Cause),
}

/// Why a session has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The process has, by itself.
    Process,
    /// [`Commands::end`].
    Asked,
    /// Nobody watched for the hub's `linger`.
    Abandoned,
    /// Nothing was typed for the hub's `idle_timeout`.
    Idle,
    /// [`Commands::close_hub`].
    HubClosed,
}
