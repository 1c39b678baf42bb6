//! One request and its answer, for whoever needs it.

use super::api::Version;
use super::connection::ConnKey;
use super::{CallKey, ClientKey, StreamKey};
use crate::http::{Body, Head, HeadParser};
use crate::net::{Outbound, Phase};
use crate::reactor::TimerId;
use std::time::Duration;

slotmap::new_key_type! {
    pub struct ExchangeKey;
}

/// What an exchange is for: who made it, and which step of theirs it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Ask which API version the Engine speaks.
    Ping,
    Call(CallKey, CallStep),
    Stream(StreamKey, StreamStep),
}

/// Steps of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallStep {
    /// The call itself.
    Plain,
    /// Inspect the container: has it a terminal?
    Target,
    /// The streaming answer.
    Follow,
    /// Inspect the exec that was to be killed: does it run?
    Check,
}

/// Steps of a hijacked stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamStep {
    /// Create the exec.
    Create,
    /// Start it, and take the connection over.
    Start,
    /// Inspect the container that is to be attached to.
    Target,
    /// Attach, and take the connection over.
    Attach,
    /// Inspect for the exit code.
    Exit,
    /// Set the terminal's size.
    Resize,
}

/// Exchanges of one kind share a limit of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Streams: each has a connection of its own, without a limit.
    Stream,
    /// What Towline asks for itself; it never waits for the program's own calls.
    Internal,
    /// The program's plain calls.
    User,
}

/// How many lanes there are.
pub const LANES: usize = 3;

impl Job {
    pub fn lane(self) -> Lane {
        match self {
            Job::Call(_, CallStep::Follow) | Job::Stream(_, StreamStep::Start | StreamStep::Attach) => Lane::Stream,
            Job::Call(_, CallStep::Plain) => Lane::User,
            _ => Lane::Internal,
        }
    }

    /// True when a good answer hands the connection over.
    pub fn takes_over(self) -> bool {
        matches!(self, Job::Stream(_, StreamStep::Start | StreamStep::Attach))
    }

    /// True when a good answer is handed on as it comes.
    pub fn follows(self) -> bool {
        matches!(self, Job::Call(_, CallStep::Follow))
    }

    /// The deadline's name: a stream's answer goes on behind its head.
    pub fn phase(self) -> Phase {
        if self.lane() == Lane::Stream { Phase::FirstByte } else { Phase::Total }
    }
}

/// How much of the answer has come.
#[derive(Debug)]
pub enum Inbound {
    Head(HeadParser),
    Body {
        head: Head,
        body: Body,
        /// Collected, unless it is handed on as it comes.
        kept: Vec<u8>,
    },
}

/// A request from when it is wanted until its answer is complete.
#[derive(Debug)]
pub struct Exchange {
    pub client: ClientKey,
    pub job: Job,
    /// `None` while it waits.
    pub connection: Option<ConnKey>,
    pub out: Outbound,
    pub inbound: Inbound,
    pub method: String,
    /// May be sent twice.
    pub idempotent: bool,
    /// Has been sent twice, for its connection was stale.
    pub retried: bool,
    /// The version it was sent with, and whether that was the second choice.
    pub version: Version,
    pub version_retried: bool,
    pub timeout: Duration,
    /// The deadline; cancelled once a stream's head has come.
    pub timer: Option<TimerId>,
    pub got_bytes: bool,
}

impl Exchange {
    pub fn new(client: ClientKey, job: Job, timeout: Duration) -> Self {
        Exchange {
            client,
            job,
            connection: None,
            out: Outbound::default(),
            inbound: Inbound::Head(HeadParser::default()),
            method: String::new(),
            idempotent: false,
            retried: false,
            version: super::api::OLDEST,
            version_retried: false,
            timeout,
            timer: None,
            got_bytes: false,
        }
    }

    /// Back to the queue, to be sent anew.
    pub fn rewind(&mut self) {
        self.connection = None;
        self.inbound = Inbound::Head(HeadParser::default());
        self.got_bytes = false;
    }
}
