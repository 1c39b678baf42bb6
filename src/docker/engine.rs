//! All clients of a loop, their connections, calls and streams.

use super::address::Host;
use super::api::Version;
use super::calls::CallState;
use super::connection::{ConnKey, Connection};
use super::error::Error;
use super::exchange::{Exchange, ExchangeKey, LANES};
use super::frame::Joiner;
use super::options::DockerOptions;
use super::stream::Stream;
use super::{CallKey, ClientKey, Event, StreamKey};
use crate::net::{Endpoint, Lookup};
use crate::reactor::{Reactor, Tag};
use bytes::BytesMut;
use slotmap::{Key, SlotMap};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What the ids in the reactor's tags name.
pub(super) const CONNECTION: u8 = 0;
pub(super) const BACKLOG: u8 = 1;
pub(super) const EXCHANGE: u8 = 2;
pub(super) const LOOKUP: u8 = 3;
pub(super) const STREAM: u8 = 4;
pub(super) const RESIZE: u8 = 5;
pub(super) const CALL: u8 = 6;
pub(super) const PAUSE: u8 = 7;

pub(super) fn tag(kind: u8, key: impl Key) -> Tag {
    Tag { source: super::SOURCE, kind, id: key.data().as_ffi() }
}

/// Which API version is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Negotiation {
    Unknown,
    Asking,
    Known(Version),
    /// The user's choice.
    Fixed(Version),
}

/// Counters of a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientStats {
    /// Connections opened.
    pub connects: u64,
    /// Requests sent on a connection that had served another.
    pub reused: u64,
    /// Requests sent a second time because their connection was stale.
    pub retried: u64,
    /// Idle connections now.
    pub idle: usize,
    /// Calls and streams that have not ended.
    pub live: usize,
}

#[derive(Debug)]
pub(super) struct Client {
    pub options: DockerOptions,
    pub host: Host,
    pub version: Negotiation,
    pub waiting: [VecDeque<ExchangeKey>; LANES],
    /// Exchanges of each lane that are on a connection.
    pub active: [usize; LANES],
    pub idle: Vec<ConnKey>,
    /// Calls and streams that have not ended.
    pub live: usize,
    /// Its owner is gone.
    released: bool,
    /// Waiting exchanges are being placed.
    pub pumping: bool,
    pub lookup: Option<Lookup>,
    pub resolved: Option<(Vec<SocketAddr>, Instant)>,
    pub stats: ClientStats,
}

impl Client {
    /// A looked-up name is used this long before it is looked up again.
    const NAME_AGE: Duration = Duration::from_secs(30);

    /// Where to connect to, the first to be tried last; `None`: the name has to be looked up.
    pub fn endpoints(&self, now: Instant) -> Option<Vec<Endpoint>> {
        use crate::net::Address;
        match &self.host.address {
            Address::Unix(path) => Some(vec![Endpoint::Unix(path.clone())]),
            Address::Tcp(address) => Some(vec![Endpoint::Tcp(*address)]),
            Address::Name { .. } => {
                let (addresses, at) = self.resolved.as_ref()?;
                (now.saturating_duration_since(*at) < Client::NAME_AGE)
                    .then(|| addresses.iter().rev().map(|address| Endpoint::Tcp(*address)).collect())
            }
        }
    }
}

/// All Engine clients of a loop.
#[derive(Default)]
pub struct Docker {
    pub(super) clients: SlotMap<ClientKey, Client>,
    pub(super) connections: SlotMap<ConnKey, Connection>,
    pub(super) exchanges: SlotMap<ExchangeKey, Exchange>,
    pub(super) calls: SlotMap<CallKey, CallState>,
    pub(super) streams: SlotMap<StreamKey, Stream>,
    /// Streams of `streams` that serve a call.
    pub(super) internal: usize,
    /// Where every connection reads into; what is handed on keeps its part alive.
    pub(super) scratch: BytesMut,
    /// Empty between two chunks.
    pub(super) joiner: Joiner,
}

impl Docker {
    /// Calls and streams whose final event has not been taken.
    pub(crate) fn pending(&self) -> usize {
        self.calls.len() + self.streams.len() - self.internal
    }

    /// An event comes out of the queue. A final one spends its handle; output of a paused stream is put aside, and
    /// output of a closed one is dropped.
    pub(crate) fn taken(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Call { call, .. } if event.is_final() => {
                self.calls.remove(call);
                Some(event)
            }
            Event::Stream { stream, kind } => {
                let kind = self.streams.get_mut(stream)?.taken(kind)?;
                let event = Event::Stream { stream, kind };
                if event.is_final() {
                    self.streams.remove(stream);
                }
                Some(event)
            }
            event @ Event::Call { .. } => Some(event),
        }
    }

    pub(super) fn add_client(&mut self, options: DockerOptions, host: Host) -> Result<ClientKey, Error> {
        let version = match &options.api_version {
            None => Negotiation::Unknown,
            Some(text) => match Version::parse(text) {
                Some(version) => Negotiation::Fixed(version),
                None => {
                    return Err(Error::Invalid(format!("apiVersion is {text:?}; expected one such as \"1.41\"")));
                }
            },
        };
        Ok(self.clients.insert(Client {
            options,
            host,
            version,
            waiting: Default::default(),
            active: [0; LANES],
            idle: Vec::new(),
            live: 0,
            released: false,
            pumping: false,
            lookup: None,
            resolved: None,
            stats: ClientStats::default(),
        }))
    }

    /// The client of a new operation.
    pub(super) fn accept(&mut self, key: ClientKey) -> Result<&mut Client, Error> {
        self.clients.get_mut(key).filter(|client| !client.released).ok_or(Error::Stale("client"))
    }

    /// Where the client's Engine is, for messages.
    pub(super) fn whereabouts(&self, key: ClientKey) -> String {
        self.clients.get(key).map(|client| client.host.given.clone()).unwrap_or_default()
    }

    pub(super) fn stats(&self, key: ClientKey) -> Option<ClientStats> {
        let client = self.clients.get(key)?;
        Some(ClientStats { idle: client.idle.len(), live: client.live, ..client.stats })
    }

    /// The version spoken, once it is known.
    pub(super) fn version(&self, key: ClientKey) -> Option<Version> {
        match self.clients.get(key)?.version {
            Negotiation::Known(version) | Negotiation::Fixed(version) => Some(version),
            _ => None,
        }
    }

    pub(super) fn close<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ClientKey) -> bool {
        let Some(client) = self.clients.get_mut(key) else { return false };
        // Nothing that waits gets a connection any more.
        client.version = Negotiation::Asking;
        let theirs: Vec<_> = self.calls.iter().filter(|(_, it)| it.client == key).map(|(k, _)| k).collect();
        for call in theirs {
            self.end_call(reactor, call, Err(Error::Cancelled));
        }
        let theirs: Vec<_> = self.streams.iter().filter(|(_, it)| it.client == key).map(|(k, _)| k).collect();
        for stream in theirs {
            self.close_stream(reactor, stream);
        }
        self.forget_client(reactor, key);
        true
    }

    /// Takes a client off the books, whose calls and streams have ended; what they still have to tell is told.
    fn forget_client<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ClientKey) {
        if let Some(client) = self.clients.get_mut(key) {
            client.version = Negotiation::Asking;
        }
        let theirs: Vec<_> = self.exchanges.iter().filter(|(_, it)| it.client == key).map(|(k, _)| k).collect();
        for exchange in theirs {
            self.abandon(reactor, exchange);
        }
        let theirs: Vec<_> = self.connections.iter().filter(|(_, it)| it.client == key).map(|(k, _)| k).collect();
        for connection in theirs {
            self.discard(reactor, connection);
        }
        self.clients.remove(key);
    }

    pub(super) fn release<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ClientKey) {
        if let Some(client) = self.clients.get_mut(key) {
            client.released = true;
        }
        self.drop_if_released(reactor, key);
    }

    /// A call or stream has ended.
    pub(super) fn one_less<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ClientKey) {
        if let Some(client) = self.clients.get_mut(key) {
            client.live = client.live.saturating_sub(1);
        }
        self.drop_if_released(reactor, key);
    }

    fn drop_if_released<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ClientKey) {
        if self.clients.get(key).is_some_and(|client| client.released && client.live == 0) {
            self.forget_client(reactor, key);
        }
    }
}
