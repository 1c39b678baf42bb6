//! The pools: which request gets which connection, and what happens when one ends.

use super::connection::{Connection, State};
use super::error::{Error, Phase};
use super::exchange::{Exchange, Stage};
use super::options::{ClientOptions, ClientStats};
use super::upstream::{Choice, ConnKey, Upstream, choose};
use super::{ClientKey, Event, EventKind, RequestKey};
use crate::net::Address;
use crate::reactor::{Reactor, Tag};
use bytes::BytesMut;
use slotmap::{Key, SlotMap};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What the ids in the reactor's tags name.
pub(super) const CONNECTION: u8 = 0;
pub(super) const REQUEST: u8 = 1;
pub(super) const LOOKUP: u8 = 2;

/// Buffers kept for requests to come, and the largest that is.
const SPARE_BUFFERS: usize = 64;
const SPARE_SIZE: usize = 8 * 1024;

pub(super) fn tag(kind: u8, key: impl Key) -> Tag {
    Tag { source: super::SOURCE, kind, id: key.data().as_ffi() }
}

#[derive(Debug)]
pub(super) struct Client {
    pub options: ClientOptions,
    pub upstreams: Vec<Upstream>,
    /// In the order they came; may hold requests that have been cancelled since.
    waiting: VecDeque<RequestKey>,
    waiting_count: usize,
    /// Requests that have not ended.
    live: usize,
    /// For round robin.
    turn: usize,
    /// Its owner is gone.
    released: bool,
    /// `pump` is at work further down the stack.
    pumping: bool,
    pub stats: ClientStats,
}

/// All FastCGI clients of a loop.
#[derive(Default)]
pub struct FastCgi {
    pub(super) clients: SlotMap<ClientKey, Client>,
    pub(super) connections: SlotMap<ConnKey, Connection>,
    pub(super) requests: SlotMap<RequestKey, Exchange>,
    /// Where every connection reads into; what is handed on keeps its part alive.
    pub(super) scratch: BytesMut,
    spare: Vec<Vec<u8>>,
}

impl FastCgi {
    /// Requests whose final event has not been taken.
    pub(crate) fn pending(&self) -> usize {
        self.requests.len()
    }

    /// An event has been taken out of the queue: a final one spends its request's handle.
    pub(crate) fn taken(&mut self, event: &Event) {
        if event.is_final() {
            self.requests.remove(event.request);
        }
    }

    pub(super) fn add_client(&mut self, upstreams: Vec<Upstream>, options: ClientOptions) -> ClientKey {
        self.clients.insert(Client {
            options,
            upstreams,
            waiting: VecDeque::new(),
            waiting_count: 0,
            live: 0,
            turn: 0,
            released: false,
            pumping: false,
            stats: ClientStats::default(),
        })
    }

    /// May a request be sent? Says whether connections are kept.
    pub(super) fn accept(&self, key: ClientKey) -> Result<bool, Error> {
        let client = self.clients.get(key).filter(|client| !client.released).ok_or(Error::Stale("client"))?;
        if client.waiting_count >= client.options.max_pending {
            return Err(Error::QueueFull { limit: client.options.max_pending });
        }
        Ok(client.options.keep_alive)
    }

    pub(super) fn spare_buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    pub(super) fn enqueue<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        client_key: ClientKey,
        exchange: Exchange,
    ) -> RequestKey {
        let key = self.requests.insert(exchange);
        if let Some(client) = self.clients.get_mut(client_key) {
            client.stats.sent += 1;
            client.live += 1;
            client.waiting.push_back(key);
            client.waiting_count += 1;
        }
        self.arm(reactor, key);
        self.pump(reactor, client_key);
        key
    }

    /// Gives waiting requests to connections as long as there are both. A placement that fails at once comes
    /// back here; it returns, for the loop below goes on anyway, and a long queue must not become a deep stack.
    pub(super) fn pump<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, client_key: ClientKey) {
        let Some(client) = self.clients.get_mut(client_key) else { return };
        if std::mem::replace(&mut client.pumping, true) {
            return;
        }
        while self.place_next(reactor, client_key) {}
        let Some(client) = self.clients.get_mut(client_key) else { return };
        client.pumping = false;
        if client.waiting.len() > 2 * client.waiting_count + 64 {
            let requests = &self.requests;
            client.waiting.retain(|key| requests.get(*key).is_some_and(|it| it.stage == Stage::Waiting));
        }
    }

    /// Takes the oldest waiting request out of the queue, if there is one and a connection for it.
    fn place_next<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, client_key: ClientKey) -> bool {
        let Some(client) = self.clients.get_mut(client_key) else { return false };
        let Some(&key) = client.waiting.front() else { return false };
        let Some(exchange) = self.requests.get(key).filter(|exchange| exchange.stage == Stage::Waiting) else {
            client.waiting.pop_front();
            return true;
        };
        let (upstreams, options) = (&client.upstreams, &client.options);
        let (tried, limit) = (exchange.tried, options.max_connections);
        match choose(upstreams, tried, options.balance, client.turn, limit, reactor.now()) {
            Choice::Full => return false,
            Choice::Take(index) => {
                client.waiting.pop_front();
                client.waiting_count -= 1;
                client.turn = index + 1;
                self.place(reactor, client_key, index, key);
            }
            Choice::Exhausted => {
                let refusal = exchange.refusal.clone().unwrap_or(Error::Cancelled);
                self.end(reactor, key, EventKind::Failed(Box::new(refusal)));
            }
        }
        true
    }

    /// Puts a request that is out of the queue on an idle connection of this upstream, or a new one.
    fn place<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        client_key: ClientKey,
        index: usize,
        key: RequestKey,
    ) {
        let unix =
            self.upstream(client_key, index).is_some_and(|upstream| matches!(upstream.address, Address::Unix(_)));
        // Over TCP the end of a connection does not tell whether the request on it was read: what may not be
        // sent again does not go where such an end may be on its way.
        let alone = self.requests.get(key).is_some_and(|exchange| exchange.management || !(exchange.safe || unix));
        if alone {
            self.make_room(reactor, client_key, index);
        } else {
            while let Some(conn_key) = self.upstream(client_key, index).and_then(|upstream| upstream.idle.pop()) {
                // However short it has been idle: what has come by now is no answer to what is yet to be sent.
                if self.is_quiet(conn_key) {
                    return self.reuse(reactor, conn_key, key);
                }
                self.discard(reactor, conn_key);
            }
        }
        let connection = Connection::new(client_key, index, key, reactor.now());
        let conn_key = self.connections.insert(connection);
        if let Some(upstream) = self.upstream(client_key, index) {
            upstream.total += 1;
            upstream.active += 1;
        }
        if let Some(exchange) = self.requests.get_mut(key) {
            exchange.stage = Stage::Active(conn_key);
        }
        self.open(reactor, conn_key);
        self.arm(reactor, key);
    }

    /// Closes the connection that has been idle longest, if there may be no more of them.
    fn make_room<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, client_key: ClientKey, index: usize) {
        let Some(client) = self.clients.get(client_key) else { return };
        let crowded = client.upstreams.get(index).filter(|upstream| upstream.total >= client.options.max_connections);
        if let Some(&oldest) = crowded.and_then(|upstream| upstream.idle.first()) {
            self.discard(reactor, oldest);
        }
    }

    fn reuse<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, conn_key: ConnKey, key: RequestKey) {
        let Some(connection) = self.connections.get_mut(conn_key) else { return };
        connection.state = State::Busy;
        connection.request = Some(key);
        let (client_key, index) = (connection.client, connection.upstream);
        if let Some(client) = self.clients.get_mut(client_key) {
            client.stats.reused += 1;
            if let Some(upstream) = client.upstreams.get_mut(index) {
                upstream.active += 1;
            }
        }
        if let Some(exchange) = self.requests.get_mut(key) {
            exchange.stage = Stage::Active(conn_key);
        }
        self.flush(reactor, conn_key);
    }

    pub(super) fn upstream(&mut self, client: ClientKey, index: usize) -> Option<&mut Upstream> {
        self.clients.get_mut(client)?.upstreams.get_mut(index)
    }

    /// Sees to it that the request's timer fires no later than its next deadline. A deadline that has
    /// moved later costs nothing until the timer finds out.
    pub(super) fn arm<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: RequestKey) {
        let Some((at, ..)) = self.next_deadline(key) else { return };
        let Some(exchange) = self.requests.get_mut(key) else { return };
        if let Some(timer) = exchange.timer {
            if timer.at() <= at {
                return;
            }
            reactor.cancel_timer(timer);
        }
        exchange.timer = Some(reactor.set_timer(at, tag(REQUEST, key)));
    }

    fn next_deadline(&self, key: RequestKey) -> Option<(Instant, Phase, Duration)> {
        let exchange = self.requests.get(key)?;
        let client = self.clients.get(exchange.client)?;
        let connecting = match exchange.stage {
            Stage::Active(conn_key) => {
                self.connections.get(conn_key).filter(|connection| connection.is_opening()).map(|c| c.begun)
            }
            _ => None,
        };
        exchange.deadline(&client.options, connecting)
    }

    /// A request's timer fired.
    pub(super) fn deadline_passed<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: RequestKey) {
        if let Some(exchange) = self.requests.get_mut(key) {
            exchange.timer = None;
        }
        let Some((at, phase, after)) = self.next_deadline(key) else { return };
        if at > reactor.now() {
            return self.arm(reactor, key);
        }
        let error = Error::Timeout { phase, after, address: self.whereabouts(key) };
        if phase == Phase::Connect
            && let Some(Stage::Active(conn_key)) = self.requests.get(key).map(|exchange| exchange.stage)
        {
            return self.refused(reactor, conn_key, error);
        }
        self.abandon(reactor, key, error);
    }

    /// Where a request is, for messages.
    pub(super) fn whereabouts(&self, key: RequestKey) -> String {
        let Some(exchange) = self.requests.get(key) else { return String::new() };
        let Some(client) = self.clients.get(exchange.client) else { return String::new() };
        match exchange.stage {
            Stage::Active(conn_key) => self
                .connections
                .get(conn_key)
                .and_then(|connection| client.upstreams.get(connection.upstream))
                .map(|upstream| upstream.given.clone())
                .unwrap_or_default(),
            _ => "while waiting for a free connection".into(),
        }
    }

    /// No connection could be made: the request goes to another upstream, or fails.
    pub(super) fn refused<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, conn_key: ConnKey, error: Error) {
        let Some(connection) = self.connections.get(conn_key) else { return };
        let (client_key, index, request) = (connection.client, connection.upstream, connection.request);
        self.discard(reactor, conn_key);
        let Some(client) = self.clients.get_mut(client_key) else { return };
        let until = reactor.now().checked_add(client.options.fail_timeout);
        let several = client.upstreams.len() > 1;
        if let Some(upstream) = client.upstreams.get_mut(index) {
            upstream.refused += 1;
            upstream.forget_resolved();
            upstream.down_until = until.filter(|_| several);
        }
        if let Some(key) = request {
            self.elsewhere(reactor, key, index, error);
        }
        self.pump(reactor, client_key);
    }

    /// Back to the front of the queue for another upstream.
    pub(super) fn elsewhere<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: RequestKey,
        index: usize,
        error: Error,
    ) {
        let Some(exchange) = self.requests.get_mut(key) else { return };
        let Some(client) = self.clients.get_mut(exchange.client) else { return };
        exchange.tried |= 1 << index;
        let untried = (0..client.upstreams.len()).any(|other| exchange.tried & (1 << other) == 0);
        if !untried || exchange.has_used_source() {
            return self.end(reactor, key, EventKind::Failed(Box::new(error)));
        }
        exchange.refusal = Some(error);
        exchange.rewind();
        client.waiting.push_front(key);
        client.waiting_count += 1;
    }

    /// Sends a request again, on a fresh connection to the same upstream.
    pub(super) fn again<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: RequestKey, index: usize) {
        let Some(exchange) = self.requests.get_mut(key) else { return };
        let client_key = exchange.client;
        exchange.retried = true;
        exchange.rewind();
        if let Some(client) = self.clients.get_mut(client_key) {
            client.stats.retried += 1;
        }
        // Other idle connections may be as stale: only a new one will do.
        let connection = Connection::new(client_key, index, key, reactor.now());
        let conn_key = self.connections.insert(connection);
        if let Some(upstream) = self.upstream(client_key, index) {
            upstream.total += 1;
            upstream.active += 1;
        }
        if let Some(exchange) = self.requests.get_mut(key) {
            exchange.stage = Stage::Active(conn_key);
        }
        self.open(reactor, conn_key);
        self.arm(reactor, key);
    }

    /// Ends a request wherever it is; its connection is closed.
    pub(super) fn abandon<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: RequestKey, error: Error) -> bool {
        let Some(exchange) = self.requests.get(key) else { return false };
        let client_key = exchange.client;
        match exchange.stage {
            Stage::Ended => return false,
            Stage::Waiting => {}
            Stage::Active(conn_key) => self.discard(reactor, conn_key),
        }
        self.end(reactor, key, EventKind::Failed(Box::new(error)));
        self.pump(reactor, client_key);
        true
    }

    /// Queues a request's final event; it is on no connection any more.
    pub(super) fn end<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: RequestKey, kind: EventKind) {
        let Some(exchange) = self.requests.get_mut(key) else { return };
        let waiting = exchange.stage == Stage::Waiting;
        if let Some(timer) = exchange.timer.take() {
            reactor.cancel_timer(timer);
        }
        let buffer = exchange.end();
        if buffer.capacity() <= SPARE_SIZE && self.spare.len() < SPARE_BUFFERS {
            self.spare.push(buffer);
        }
        let client_key = exchange.client;
        if let Some(client) = self.clients.get_mut(client_key) {
            client.live = client.live.saturating_sub(1);
            client.waiting_count -= usize::from(waiting);
            match kind {
                EventKind::Failed(_) => client.stats.failed += 1,
                _ => client.stats.done += 1,
            }
        }
        reactor.push(Event { request: key, kind });
        self.drop_if_released(reactor, client_key);
    }

    /// Closes a connection and takes it off the books; a request on it is left to the caller.
    pub(super) fn discard<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, conn_key: ConnKey) {
        let Some(connection) = self.connections.remove(conn_key) else { return };
        if let Some((transport, registration)) = connection.transport {
            reactor.forget(registration);
            drop(transport);
        }
        if let Some(timer) = connection.timer {
            reactor.cancel_timer(timer);
        }
        if let Some(upstream) = self.upstream(connection.client, connection.upstream) {
            upstream.total = upstream.total.saturating_sub(1);
            match connection.state {
                State::Idle => upstream.idle.retain(|key| *key != conn_key),
                _ => upstream.active = upstream.active.saturating_sub(1),
            }
        }
    }

    pub(super) fn stats(&self, key: ClientKey, now: Instant) -> Option<ClientStats> {
        let client = self.clients.get(key)?;
        let mut stats = client.stats.clone();
        stats.waiting = client.waiting_count;
        stats.upstreams = client.upstreams.iter().map(|upstream| upstream.stats(now)).collect();
        stats.active = stats.upstreams.iter().map(|upstream| upstream.active).sum();
        stats.idle = stats.upstreams.iter().map(|upstream| upstream.idle).sum();
        stats.connects = stats.upstreams.iter().map(|upstream| upstream.connects).sum();
        Some(stats)
    }

    pub(super) fn close<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ClientKey) -> bool {
        if !self.clients.contains_key(key) {
            return false;
        }
        let theirs: Vec<_> = self.connections.iter().filter(|(_, c)| c.client == key).map(|(k, _)| k).collect();
        for conn_key in theirs {
            self.discard(reactor, conn_key);
        }
        let theirs: Vec<_> = self.requests.iter().filter(|(_, r)| r.client == key).map(|(k, _)| k).collect();
        for request in theirs {
            if self.requests.get(request).is_some_and(|exchange| exchange.stage != Stage::Ended) {
                self.end(reactor, request, EventKind::Failed(Box::new(Error::Cancelled)));
            }
        }
        self.clients.remove(key);
        true
    }

    pub(super) fn release<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ClientKey) {
        if let Some(client) = self.clients.get_mut(key) {
            client.released = true;
        }
        self.drop_if_released(reactor, key);
    }

    fn drop_if_released<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ClientKey) {
        if self.clients.get(key).is_some_and(|client| client.released && client.live == 0) {
            self.close(reactor, key);
        }
    }
}
