//! The Engine's client: plain calls, streams of logs and events, and the hijacked streams of exec and attach.
//!
//! Sources: the Engine API's documentation and the behaviour of dockerd 20.10 to 29 and podman 4 to 5.
//! `docs/docker.md` states the promises: exit codes, closing, killing, versions.

mod address;
mod api;
mod calls;
mod client;
mod connect;
mod connection;
mod detach;
mod ending;
mod engine;
mod error;
mod exchange;
mod frame;
mod hijack;
mod kill;
mod negotiation;
mod options;
mod pool;
mod resize;
mod run;
mod steps;
mod stream;
mod traffic;

pub use crate::net::Phase;
pub use address::DEFAULT_ADDRESS;
pub use api::{Call, LogsOptions, NEWEST, OLDEST, StreamCall, Version};
pub use client::Commands;
pub use engine::{ClientStats, Docker};
pub use error::Error;
pub use options::{AttachOptions, DockerOptions, ExecOptions, Limits, RunOptions, Size};

/// What reads bytes from the wire, for the tests of its properties.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod wire {
    pub use super::frame::{Demux, Item};
}

use crate::http::Head;
use bytes::Bytes;

slotmap::new_key_type! {
    /// A client: an Engine's address and the connections to it.
    pub struct ClientKey;
    /// A call from its command until its final event (done or failed) has been taken.
    pub struct CallKey;
    /// A hijacked stream from its command until its final event (exited or failed) has been taken.
    pub struct StreamKey;
}

/// The index of this source in the reactor.
pub(crate) const SOURCE: u8 = 2;

/// Something happened.
#[derive(Debug)]
pub enum Event {
    /// To a call.
    Call {
        /// Which one.
        call: CallKey,
        /// What.
        kind: CallEvent,
    },
    /// To a stream.
    Stream {
        /// Which one.
        stream: StreamKey,
        /// What.
        kind: StreamEvent,
    },
}

/// What happened to a call. Exactly one of `Done`, `RunDone` and `Failed` comes, last.
#[derive(Debug)]
pub enum CallEvent {
    /// A piece of a streaming answer.
    Chunk {
        /// Log: bytes as they come. Events: one JSON object.
        bytes: Bytes,
        /// Log: 1 stdout (and everything of a container with a terminal), 2 stderr. Else 1.
        stream: u8,
    },
    /// It is complete: the answer, or for a kill, a log or events an empty one.
    Done(Box<Answer>),
    /// The command has run to its end.
    RunDone(Box<RunResult>),
    /// It failed.
    Failed(Box<Error>),
}

/// What happened to a stream. Exactly one of `Exited` and `Failed` comes, last.
#[derive(Debug)]
pub enum StreamEvent {
    /// It is open; what was written before is on its way.
    Opened {
        /// The exec's id; for attach the container's.
        id: String,
        /// False when the Engine, or a proxy before it, answered 200 instead of 101. Then input may not arrive.
        upgraded: bool,
    },
    /// The process wrote.
    Output {
        /// Any bytes, cut anywhere.
        bytes: Bytes,
        /// 1 stdout (and everything of a terminal), 2 stderr.
        stream: u8,
    },
    /// So much has been sent that no more than the low watermark waits, after more than the high one did.
    Drain,
    /// The stream has ended.
    Exited {
        /// The process's exit code; `None` when the Engine cannot tell (detached, container removed).
        code: Option<i64>,
        /// The stream broke off before its end: output may be missing.
        truncated: bool,
    },
    /// It failed.
    Failed(Box<Error>),
}

/// The answer to a plain call.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// Status and headers.
    pub head: Head,
    /// The whole body.
    pub body: Vec<u8>,
}

/// What a command run to its end left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunResult {
    /// `None` when the Engine cannot tell.
    pub exit_code: Option<i64>,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Event {
    /// True for the event that ends a call or stream.
    pub fn is_final(&self) -> bool {
        match self {
            Event::Call { kind, .. } => !matches!(kind, CallEvent::Chunk { .. }),
            Event::Stream { kind, .. } => matches!(kind, StreamEvent::Exited { .. } | StreamEvent::Failed(_)),
        }
    }
}
