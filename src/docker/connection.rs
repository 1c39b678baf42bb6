//! One connection to an Engine: at most one exchange at a time, or a hijacked stream.

use super::exchange::ExchangeKey;
use super::{ClientKey, StreamKey};
use crate::net::{Endpoint, Wire};
use crate::reactor::{Registration, TimerId};
use std::time::Duration;

slotmap::new_key_type! {
    pub struct ConnKey;
}

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// TLS is.
    Handshaking,
    /// Serves `Connection::owner`.
    Busy,
    /// In the pool.
    Idle,
}

/// Whom a connection serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Nobody,
    Exchange(ExchangeKey),
    Stream(StreamKey),
}

/// A connection and what it is doing.
#[derive(Debug)]
pub struct Connection {
    pub client: ClientKey,
    pub state: State,
    pub owner: Owner,
    pub wire: Option<(Wire, Registration)>,
    /// Endpoints still to be tried, the next one last.
    pub endpoints: Vec<Endpoint>,
    /// It has served an exchange before.
    pub used: bool,
    /// The kernel is asked to tell when it takes more.
    pub wants_write: bool,
    /// The peer has announced its end; the kernel says so only once.
    pub peer_closed: bool,
    /// The connect deadline, or the end of being idle.
    pub timer: Option<TimerId>,
    /// The next try with a full backlog.
    pub retry: Option<TimerId>,
}

impl Connection {
    /// A connection that is yet to be made, for an exchange.
    pub fn new(client: ClientKey, exchange: ExchangeKey) -> Self {
        Connection {
            client,
            state: State::Resolving,
            owner: Owner::Exchange(exchange),
            wire: None,
            endpoints: Vec::new(),
            used: false,
            wants_write: false,
            peer_closed: false,
            timer: None,
            retry: None,
        }
    }

    /// True while there is no connection yet.
    pub fn is_opening(&self) -> bool {
        !matches!(self.state, State::Busy | State::Idle)
    }
}
