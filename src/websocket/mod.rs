//! The WebSocket server: plain HTTP requests and WebSockets on one port.
//!
//! Sources: RFC 9110 and 9112 for HTTP, RFC 6455 for WebSocket. A connection costs a few hundred bytes while it is
//! idle: buffers are made when bytes come or cannot go, and dropped as soon as they are empty.

mod authority;
mod commands;
mod connection;
mod error;
mod frame;
mod handshake;
mod http;
mod options;
mod request;
mod response;
mod server;
mod traffic;

pub use commands::Commands;
pub use error::Error;
pub use options::{Origins, ServerOptions};
pub use request::Head;
pub use response::check as check_answer;
pub use server::WebSocket;

use bytes::Bytes;

slotmap::new_key_type! {
    /// A server from `listen` until [`EventKind::Ended`] has been taken.
    pub struct ServerKey;
    /// A request until it has been answered (by the server itself, when that closes) or its connection has broken. Of a
    /// client that closes its socket in good order nothing is noticed before the answer.
    pub struct RequestKey;
    /// A WebSocket from `accept` until [`EventKind::Closed`] has been taken.
    pub struct ConnKey;
}

/// The index of this source in the reactor.
pub(crate) const SOURCE: u8 = 3;

/// Something happened to a server.
#[derive(Debug)]
pub struct Event {
    /// Which one.
    pub server: ServerKey,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug)]
pub enum EventKind {
    /// A plain request, to be answered with [`Commands::respond`].
    Request {
        /// Names it in the answer.
        request: RequestKey,
        /// Its head.
        head: Box<Head>,
        /// Its body, complete.
        body: Bytes,
    },
    /// A client asks for a WebSocket, properly and from an origin that may: [`Commands::accept`] it or
    /// [`Commands::respond`].
    Upgrade {
        /// Names it in the answer.
        request: RequestKey,
        /// Its head.
        head: Box<Head>,
    },
    /// A WebSocket is open.
    Open {
        /// Which one.
        conn: ConnKey,
    },
    /// A message came.
    Message {
        /// From whom.
        conn: ConnKey,
        /// Its bytes; UTF-8 when it is text.
        data: Bytes,
        /// False: text.
        binary: bool,
    },
    /// The bytes that wait to be sent have become few again.
    Drain {
        /// Whose.
        conn: ConnKey,
    },
    /// A WebSocket has ended; its handle is spent.
    Closed {
        /// Which one.
        conn: ConnKey,
        /// The peer's close code, or ours when it broke the protocol; 1005: it gave none; 1006: it went without.
        code: u16,
        /// The words that came with it, or what happened.
        reason: String,
    },
    /// A server that was closed has said goodbye to all; its handle is spent.
    Ended,
}
