//! From the wish for a connection until it stands: names, addresses, a full backlog, TLS.

use super::connection::{ConnKey, Owner, State};
use super::engine::{BACKLOG, CONNECTION, Docker, LOOKUP, tag};
use super::error::Error;
use super::{ClientKey, Event};
use crate::net::{Address, Connected, Phase, Transport, Wire, resolve, tls_words};
use crate::reactor::Reactor;
use mio::Interest;
use std::io::{self, ErrorKind};
use std::time::Duration;

/// Pauses between tries to connect to a unix socket whose backlog is full: doubled up to the limit.
const BACKLOG_PAUSE: Duration = Duration::from_millis(1);
const BACKLOG_PAUSE_MAX: Duration = Duration::from_millis(50);
/// TCP probes a silent connection this often: routers forget silent connections within minutes.
const KEEPALIVE: Duration = Duration::from_secs(30);

impl Docker {
    /// Begins to connect: looks the name up where there is one.
    pub(super) fn open<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let client_key = connection.client;
        let Some(client) = self.clients.get_mut(client_key) else { return };
        if connection.timer.is_none() {
            let at = reactor.now().checked_add(client.options.connect_timeout);
            connection.timer = at.map(|at| reactor.set_timer(at, tag(CONNECTION, key)));
        }
        if let Some(endpoints) = client.endpoints(reactor.now()) {
            connection.endpoints = endpoints;
            return self.connect(reactor, key);
        }
        if client.lookup.is_some() {
            return;
        }
        if let Address::Name { host, port } = &client.host.address {
            match resolve(host, *port, reactor.waker(), tag(LOOKUP, client_key)) {
                Ok(lookup) => client.lookup = Some(lookup),
                Err(error) => self.refused(reactor, key, error.to_string()),
            }
        }
    }

    pub(super) fn looked_up<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, client_key: ClientKey) {
        let Some(client) = self.clients.get_mut(client_key) else { return };
        let Some(outcome) = client.lookup.as_ref().and_then(|lookup| lookup.take()) else { return };
        client.lookup = None;
        let failure = match outcome {
            Ok(addresses) if !addresses.is_empty() => {
                client.resolved = Some((addresses, reactor.now()));
                None
            }
            Ok(_) => Some("the name has no address".to_owned()),
            Err(reason) => Some(reason),
        };
        let waiting: Vec<_> = self
            .connections
            .iter()
            .filter(|(_, c)| c.client == client_key && c.state == State::Resolving)
            .map(|(key, _)| key)
            .collect();
        for key in waiting {
            match &failure {
                Some(reason) => self.refused(reactor, key, reason.clone()),
                None => self.open(reactor, key),
            }
        }
    }

    /// Tries the next endpoint.
    pub(super) fn connect<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(endpoint) = connection.endpoints.last() else { return };
        let opened = Transport::connect(endpoint).and_then(|(mut transport, connected)| {
            let interest = match connected {
                Connected::Now => Interest::READABLE,
                Connected::Later => Interest::READABLE | Interest::WRITABLE,
            };
            transport.set_keepalive(KEEPALIVE)?;
            let registration = reactor.register(&mut transport, tag(CONNECTION, key), interest)?;
            Ok((transport, registration, connected))
        });
        match opened {
            Ok((transport, registration, connected)) => {
                connection.wire = Some((Wire::Plain(transport), registration));
                connection.peer_closed = false;
                connection.wants_write = connected == Connected::Later;
                connection.state = State::Connecting;
                if connected == Connected::Now {
                    self.transport_stands(reactor, key);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let pause = match connection.state {
                    State::Backlog { pause } => (pause * 2).min(BACKLOG_PAUSE_MAX),
                    _ => BACKLOG_PAUSE,
                };
                connection.state = State::Backlog { pause };
                connection.retry = Some(reactor.set_timer(reactor.now() + pause, tag(BACKLOG, key)));
            }
            Err(error) => self.endpoint_failed(reactor, key, &error),
        }
    }

    /// TCP has something to say about a connect under way.
    pub(super) fn connected<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some((wire, _)) = self.connections.get(key).and_then(|c| c.wire.as_ref()) else { return };
        match wire.transport().finish_connect() {
            Ok(()) => self.transport_stands(reactor, key),
            Err(error) if error.kind() == ErrorKind::NotConnected => {}
            Err(error) => self.endpoint_failed(reactor, key, &error),
        }
    }

    /// The transport is connected: TLS is next, where it is wanted.
    fn transport_stands<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(client) = self.clients.get(connection.client) else { return };
        let Some((tls, name)) = &client.host.tls else { return self.established(reactor, key) };
        let Some((wire, registration)) = connection.wire.take() else { return };
        let wire = match wire {
            Wire::Plain(transport) => Wire::encrypted(transport, tls, name.clone()),
            wire @ Wire::Tls(_) => Ok(wire),
        };
        match wire {
            Ok(wire) => {
                connection.wire = Some((wire, registration));
                connection.state = State::Handshaking;
                self.handshake(reactor, key);
            }
            Err(error) => {
                reactor.forget(registration);
                self.endpoint_failed(reactor, key, &error);
            }
        }
    }

    pub(super) fn handshake<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some((wire, _)) = connection.wire.as_mut() else { return };
        match wire.handshake() {
            Ok(true) => self.established(reactor, key),
            Ok(false) => self.watch_for_room(reactor, key),
            // Another address of the same name would fail alike.
            Err(error) => {
                let words = tls_words(&error).unwrap_or_else(|| match error.kind() {
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                        "the server closed the connection during TLS's handshake (does it speak TLS there?)".into()
                    }
                    _ => error.to_string(),
                });
                self.refused(reactor, key, words);
            }
        }
    }

    fn endpoint_failed<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, error: &io::Error) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if let Some((_, registration)) = connection.wire.take() {
            reactor.forget(registration);
        }
        connection.endpoints.pop();
        if connection.endpoints.is_empty() {
            return self.refused(reactor, key, in_words(error));
        }
        self.connect(reactor, key);
    }

    fn established<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.state = State::Busy;
        connection.endpoints = Vec::new();
        for timer in [connection.timer.take(), connection.retry.take()].into_iter().flatten() {
            reactor.cancel_timer(timer);
        }
        if let Some(client) = self.clients.get_mut(connection.client) {
            client.stats.connects += 1;
        }
        self.flush(reactor, key);
    }

    /// No connection could be made.
    fn refused<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, reason: String) {
        let Some(connection) = self.connections.get(key) else { return };
        let error = Error::Connect { address: self.whereabouts(connection.client), reason };
        self.opening_failed(reactor, key, error);
    }

    /// The connect deadline has passed.
    pub(super) fn connect_timed_out<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get(key) else { return };
        let after = self.clients.get(connection.client).map(|c| c.options.connect_timeout).unwrap_or_default();
        let what = self.whereabouts(connection.client);
        self.opening_failed(reactor, key, Error::Timeout { phase: Phase::Connect, after, what });
    }

    fn opening_failed<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, error: Error) {
        match self.connections.get(key).map(|connection| connection.owner) {
            Some(Owner::Exchange(exchange)) => self.fail(reactor, exchange, error),
            _ => self.discard(reactor, key),
        }
    }
}

fn in_words(error: &io::Error) -> String {
    let hint = match error.kind() {
        ErrorKind::NotFound => " (is the Docker daemon running, and is this its socket?)",
        ErrorKind::ConnectionRefused => " (nothing listens there: is the Docker daemon running?)",
        ErrorKind::PermissionDenied => " (is this user in the socket's group, usually `docker`?)",
        _ => "",
    };
    format!("{error}{hint}")
}
