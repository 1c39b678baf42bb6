//! Connections in the making: names looked up, endpoints tried one after the other, full backlogs waited for.

use super::connection::State;
use super::error::Error;
use super::pool::{CONNECTION, FastCgi, LOOKUP, tag};
use super::upstream::ConnKey;
use super::{ClientKey, Event};
use crate::net::{Address, Connected, Transport, resolve};
use crate::reactor::Reactor;
use mio::Interest;
use std::io::{self, ErrorKind};
use std::time::Duration;

/// Pauses between tries to connect to a unix socket whose backlog is full: doubled up to the limit.
const BACKLOG_PAUSE: Duration = Duration::from_millis(1);
const BACKLOG_PAUSE_MAX: Duration = Duration::from_millis(50);

impl FastCgi {
    /// Begins to connect: looks the name up where there is one.
    pub(super) fn open<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let client_key = connection.client;
        let Some(upstream) =
            self.clients.get_mut(client_key).and_then(|client| client.upstreams.get_mut(connection.upstream))
        else {
            return;
        };
        if let Some(endpoints) = upstream.endpoints(reactor.now()) {
            connection.endpoints = endpoints;
            return self.connect(reactor, key);
        }
        if upstream.lookup.is_some() {
            return;
        }
        if let Address::Name { host, port } = &upstream.address {
            match resolve(host, *port, reactor.waker(), tag(LOOKUP, client_key)) {
                Ok(lookup) => upstream.lookup = Some(lookup),
                Err(error) => self.give_up(reactor, key, &error),
            }
        }
    }

    pub(super) fn looked_up<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, client_key: ClientKey) {
        let Some(client) = self.clients.get_mut(client_key) else { return };
        let mut failed = Vec::new();
        for (index, upstream) in client.upstreams.iter_mut().enumerate() {
            let Some(outcome) = upstream.lookup.as_ref().and_then(|lookup| lookup.take()) else { continue };
            upstream.lookup = None;
            match outcome {
                Ok(addresses) if !addresses.is_empty() => upstream.set_resolved(addresses, reactor.now()),
                Ok(_) => failed.push((index, "the name has no address".to_owned())),
                Err(reason) => failed.push((index, reason)),
            }
        }
        let waiting: Vec<_> = self
            .connections
            .iter()
            .filter(|(_, c)| c.client == client_key && matches!(c.state, State::Resolving))
            .map(|(key, c)| (key, c.upstream))
            .collect();
        for (key, index) in waiting {
            match failed.iter().find(|(upstream, _)| *upstream == index) {
                Some((_, reason)) => {
                    let address = self.upstream(client_key, index).map(|up| up.given.clone()).unwrap_or_default();
                    self.refused(reactor, key, Error::Connect { address, reason: reason.clone() });
                }
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
            let registration = reactor.register(&mut transport, tag(CONNECTION, key), interest)?;
            Ok((transport, registration, connected))
        });
        match opened {
            Ok((transport, registration, Connected::Now)) => {
                connection.transport = Some((transport, registration));
                self.established(reactor, key);
            }
            Ok((transport, registration, Connected::Later)) => {
                connection.transport = Some((transport, registration));
                connection.state = State::Connecting;
                connection.wants_write = true;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let pause = match connection.state {
                    State::Backlog { pause } => (pause * 2).min(BACKLOG_PAUSE_MAX),
                    _ => BACKLOG_PAUSE,
                };
                connection.state = State::Backlog { pause };
                connection.timer = Some(reactor.set_timer(reactor.now() + pause, tag(CONNECTION, key)));
            }
            Err(error) if is_ours(&error) => self.give_up(reactor, key, &error),
            Err(error) => self.endpoint_failed(reactor, key, &error),
        }
    }

    /// No connection for a reason that is no upstream's fault.
    fn give_up<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, error: &io::Error) {
        if let Some(request) = self.connections.get(key).and_then(|connection| connection.request) {
            self.abandon(reactor, request, Error::System(format!("cannot open a connection: {error}")));
        }
    }

    /// TCP has something to say about a connect under way.
    pub(super) fn connected<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some((transport, _)) = self.connections.get(key).and_then(|c| c.transport.as_ref()) else { return };
        match transport.finish_connect() {
            Ok(()) => self.established(reactor, key),
            Err(error) if error.kind() == ErrorKind::NotConnected => {}
            Err(error) => self.endpoint_failed(reactor, key, &error),
        }
    }

    fn endpoint_failed<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, error: &io::Error) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if let Some((_, registration)) = connection.transport.take() {
            reactor.forget(registration);
        }
        connection.ending = false;
        connection.endpoints.pop();
        if !connection.endpoints.is_empty() {
            return self.connect(reactor, key);
        }
        let (client, index) = (connection.client, connection.upstream);
        let address = self.upstream(client, index).map(|upstream| upstream.given.clone()).unwrap_or_default();
        self.refused(reactor, key, Error::Connect { address, reason: in_words(error) });
    }

    fn established<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.state = State::Busy;
        connection.endpoints = Vec::new();
        let (client, index, request) = (connection.client, connection.upstream, connection.request);
        if let Some(upstream) = self.upstream(client, index) {
            upstream.connects += 1;
            upstream.down_until = None;
        }
        if let Some(exchange) = request.and_then(|request| self.requests.get_mut(request)) {
            exchange.touch(reactor.now());
        }
        self.flush(reactor, key);
    }
}

/// This process or machine has run out of something; no upstream is to blame.
fn is_ours(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS))
}

fn in_words(error: &io::Error) -> String {
    let hint = match error.kind() {
        ErrorKind::NotFound => " (is php-fpm running, and is this its `listen` path?)",
        ErrorKind::PermissionDenied => " (see listen.owner, listen.group and listen.mode of the pool)",
        ErrorKind::ConnectionRefused => " (nothing listens there)",
        _ => "",
    };
    format!("{error}{hint}")
}
