//! Which exchange gets which connection, and what becomes of both.

use super::api::{OLDEST, Version};
use super::connection::{ConnKey, Connection, Owner, State};
use super::engine::{CONNECTION, Docker, EXCHANGE, Negotiation, tag};
use super::error::Error;
use super::exchange::{Exchange, ExchangeKey, Job, Lane};
use super::{Answer, ClientKey, Event};
use crate::reactor::Reactor;
use std::collections::VecDeque;
use std::time::Duration;

/// Idle connections that a client keeps.
const MAX_IDLE: usize = 8;

impl Docker {
    /// Has `job` done: its answer comes to [`finished`](Self::finished).
    pub(super) fn begin<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        client_key: ClientKey,
        job: Job,
        timeout: Option<Duration>,
    ) -> Option<ExchangeKey> {
        let timeout = timeout.unwrap_or(self.clients.get(client_key)?.options.timeout);
        let key = self.new_exchange(reactor, client_key, job, timeout);
        self.clients.get_mut(client_key)?.waiting.get_mut(job.lane() as usize)?.push_back(key);
        self.pump(reactor, client_key);
        // It may have failed at once.
        self.exchanges.contains_key(key).then_some(key)
    }

    fn new_exchange<E>(
        &mut self,
        reactor: &mut Reactor<E>,
        client: ClientKey,
        job: Job,
        timeout: Duration,
    ) -> ExchangeKey {
        let key = self.exchanges.insert(Exchange::new(client, job, timeout));
        if let (Some(at), Some(exchange)) = (reactor.now().checked_add(timeout), self.exchanges.get_mut(key)) {
            exchange.timer = Some(reactor.set_timer(at, tag(EXCHANGE, key)));
        }
        key
    }

    /// Gives waiting exchanges to connections, as long as there are both and the API version is known.
    pub(super) fn pump<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, client_key: ClientKey) {
        let Some(client) = self.clients.get_mut(client_key) else { return };
        // What cannot connect fails at once and pumps again: thousands must not nest.
        if std::mem::replace(&mut client.pumping, true) {
            return;
        }
        while let Some((key, version)) = self.next_in_line(reactor, client_key) {
            self.place(reactor, client_key, key, version);
        }
        if let Some(client) = self.clients.get_mut(client_key) {
            client.pumping = false;
        }
    }

    /// Takes an exchange out of the queue that may be sent now; a ping comes before all others.
    fn next_in_line<E>(&mut self, reactor: &mut Reactor<E>, client_key: ClientKey) -> Option<(ExchangeKey, Version)> {
        let client = self.clients.get_mut(client_key)?;
        let version = match client.version {
            Negotiation::Known(version) | Negotiation::Fixed(version) => version,
            Negotiation::Asking => return None,
            Negotiation::Unknown if client.waiting.iter().all(VecDeque::is_empty) => return None,
            Negotiation::Unknown => {
                client.version = Negotiation::Asking;
                let timeout = client.options.timeout;
                return Some((self.new_exchange(reactor, client_key, Job::Ping, timeout), OLDEST));
            }
        };
        let most = client.options.max_connections;
        client.waiting.iter_mut().zip(client.active).enumerate().find_map(|(lane, (waiting, active))| {
            let free = lane == Lane::Stream as usize || active < most;
            free.then(|| waiting.pop_front()).flatten().map(|key| (key, version))
        })
    }

    /// Puts an exchange that is out of the queue on an idle connection, or a new one.
    fn place<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        client_key: ClientKey,
        key: ExchangeKey,
        version: Version,
    ) {
        let Some(job) = self.exchanges.get(key).map(|exchange| exchange.job) else { return };
        self.count(client_key, job.lane(), 1);
        if let Err(error) = self.encode(key, version) {
            return self.fail(reactor, key, error);
        }
        let fresh = job.lane() == Lane::Stream || self.exchanges.get(key).is_some_and(|exchange| exchange.retried);
        while !fresh && let Some(conn_key) = self.clients.get_mut(client_key).and_then(|client| client.idle.pop()) {
            let quiet = self
                .connections
                .get_mut(conn_key)
                .and_then(|connection| connection.wire.as_mut())
                .is_some_and(|(wire, _)| wire.is_quiet());
            if quiet {
                return self.reuse(reactor, conn_key, key);
            }
            self.discard(reactor, conn_key);
        }
        let conn_key = self.connections.insert(Connection::new(client_key, key));
        if let Some(exchange) = self.exchanges.get_mut(key) {
            exchange.connection = Some(conn_key);
        }
        self.open(reactor, conn_key);
    }

    fn reuse<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, conn_key: ConnKey, key: ExchangeKey) {
        let Some(connection) = self.connections.get_mut(conn_key) else { return };
        connection.state = State::Busy;
        connection.owner = Owner::Exchange(key);
        if let Some(timer) = connection.timer.take() {
            reactor.cancel_timer(timer);
        }
        if let Some(client) = self.clients.get_mut(connection.client) {
            client.stats.reused += 1;
        }
        if let Some(exchange) = self.exchanges.get_mut(key) {
            exchange.connection = Some(conn_key);
        }
        self.flush(reactor, conn_key);
    }

    pub(super) fn count(&mut self, client: ClientKey, lane: Lane, by: isize) {
        if let Some(active) = self.clients.get_mut(client).and_then(|client| client.active.get_mut(lane as usize)) {
            *active = active.saturating_add_signed(by);
        }
    }

    /// Takes an exchange off the books; its connection is left to the caller.
    fn remove<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ExchangeKey) -> Option<Exchange> {
        let exchange = self.exchanges.remove(key)?;
        if let Some(timer) = exchange.timer {
            reactor.cancel_timer(timer);
        }
        let lane = exchange.job.lane();
        let waiting = self.clients.get_mut(exchange.client).and_then(|client| client.waiting.get_mut(lane as usize));
        match waiting.and_then(|waiting| Some((waiting.iter().position(|other| *other == key)?, waiting))) {
            Some((index, waiting)) => {
                waiting.remove(index);
            }
            None => self.count(exchange.client, lane, -1),
        }
        Some(exchange)
    }

    /// Forgets an exchange that nobody waits for any more.
    pub(super) fn abandon<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ExchangeKey) {
        let Some(exchange) = self.remove(reactor, key) else { return };
        if let Some(conn_key) = exchange.connection {
            self.discard(reactor, conn_key);
        }
        self.pump(reactor, exchange.client);
    }

    /// Ends an exchange that failed.
    pub(super) fn fail<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ExchangeKey, error: Error) {
        let Some(exchange) = self.remove(reactor, key) else { return };
        if let Some(conn_key) = exchange.connection {
            self.discard(reactor, conn_key);
        }
        self.finished(reactor, exchange.client, exchange.job, Err(error));
        self.pump(reactor, exchange.client);
    }

    /// Sends an exchange again, on a fresh connection: the one it was on was stale.
    pub(super) fn again<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ExchangeKey) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        exchange.rewind();
        exchange.retried = true;
        let (client_key, lane, version) = (exchange.client, exchange.job.lane(), exchange.version);
        self.count(client_key, lane, -1);
        if let Some(client) = self.clients.get_mut(client_key) {
            client.stats.retried += 1;
        }
        self.place(reactor, client_key, key, version);
    }

    /// The answer has taken the connection over.
    pub(super) fn handed_over<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ExchangeKey) {
        if let Some(exchange) = self.remove(reactor, key) {
            self.pump(reactor, exchange.client);
        }
    }

    /// An answer is complete. `clean`: the connection may serve another exchange.
    pub(super) fn complete<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        conn_key: ConnKey,
        key: ExchangeKey,
        answer: Answer,
        clean: bool,
    ) {
        if clean && answer.head.keeps_alive() {
            self.rest(reactor, conn_key);
        } else {
            self.discard(reactor, conn_key);
        }
        if let Some((client_key, version)) = self.other_version(key, &answer) {
            if let Some(exchange) = self.exchanges.get_mut(key) {
                exchange.rewind();
                exchange.version_retried = true;
                let lane = exchange.job.lane();
                self.count(client_key, lane, -1);
            }
            return self.place(reactor, client_key, key, version);
        }
        let Some(exchange) = self.remove(reactor, key) else { return };
        self.finished(reactor, exchange.client, exchange.job, Ok(answer));
        self.pump(reactor, exchange.client);
    }

    /// Back to the pool.
    fn rest<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, conn_key: ConnKey) {
        let Some(connection) = self.connections.get_mut(conn_key) else { return };
        let Some(client) = self.clients.get_mut(connection.client) else { return };
        let until = reactor.now().checked_add(client.options.idle_close);
        if client.idle.len() >= MAX_IDLE || connection.peer_closed {
            return self.discard(reactor, conn_key);
        }
        connection.state = State::Idle;
        connection.owner = Owner::Nobody;
        connection.used = true;
        connection.timer = until.map(|at| reactor.set_timer(at, tag(CONNECTION, conn_key)));
        client.idle.push(conn_key);
    }

    /// Closes a connection and takes it off the books; whom it served is left to the caller.
    pub(super) fn discard<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, conn_key: ConnKey) {
        let Some(connection) = self.connections.remove(conn_key) else { return };
        if let Some((wire, registration)) = connection.wire {
            reactor.forget(registration);
            drop(wire);
        }
        for timer in [connection.timer, connection.retry].into_iter().flatten() {
            reactor.cancel_timer(timer);
        }
        if connection.state == State::Idle
            && let Some(client) = self.clients.get_mut(connection.client)
        {
            client.idle.retain(|key| *key != conn_key);
        }
    }
}
