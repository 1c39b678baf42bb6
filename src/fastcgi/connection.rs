//! One connection to an upstream: at most one request at a time.

use super::record::Decoder;
use super::{ClientKey, RequestKey};
use crate::net::{Endpoint, Transport};
use crate::reactor::{Registration, TimerId};
use std::time::{Duration, Instant};

/// Where a connection stands.
#[derive(Debug)]
pub enum State {
    /// Waits for a name to be looked up.
    Resolving,
    /// A unix socket's backlog is full: the next try comes with a timer.
    Backlog {
        /// The pause before the next try.
        pause: Duration,
    },
    /// TCP is shaking hands.
    Connecting,
    /// Serves `Connection::request`.
    Busy,
    /// The peer ended its side of TCP before it answered: whether it still reads will tell if it read the request.
    Probing {
        /// The pause before the next look.
        pause: Duration,
    },
    /// In the pool.
    Idle,
}

/// A connection and what it is doing.
#[derive(Debug)]
pub struct Connection {
    pub client: ClientKey,
    /// Index of its upstream.
    pub upstream: usize,
    pub state: State,
    pub request: Option<RequestKey>,
    pub transport: Option<(Transport, Registration)>,
    /// Endpoints still to be tried.
    pub endpoints: Vec<Endpoint>,
    /// The connect deadline counts from here.
    pub begun: Instant,
    pub decoder: Decoder,
    /// It has served a request before.
    pub used: bool,
    /// Asked to be told when the kernel takes more.
    pub wants_write: bool,
    /// The peer has announced its end: what it sent before is still to be read.
    pub ending: bool,
    pub idle_since: Instant,
    /// The idle-close or back-off timer.
    pub timer: Option<TimerId>,
}

impl Connection {
    /// A connection that is yet to be made, for `request`.
    pub fn new(client: ClientKey, upstream: usize, request: RequestKey, now: Instant) -> Self {
        Connection {
            client,
            upstream,
            state: State::Resolving,
            request: Some(request),
            transport: None,
            endpoints: Vec::new(),
            begun: now,
            decoder: Decoder::default(),
            used: false,
            wants_write: false,
            ending: false,
            idle_since: now,
            timer: None,
        }
    }

    /// True while there is no connection yet.
    pub fn is_opening(&self) -> bool {
        !matches!(self.state, State::Busy | State::Probing { .. } | State::Idle)
    }
}
