//! Bytes between the pools and the kernel: sending, receiving, closing.

use super::connection::State;
use super::error::Error;
use super::exchange::{Chunk, Received, Stage};
use super::pool::{CONNECTION, FastCgi, LOOKUP, REQUEST, tag};
use super::record::Item;
use super::upstream::ConnKey;
use super::{Event, EventKind, RequestKey, params};
use crate::net::Flushed;
use crate::reactor::{Reactor, Readiness, Source, Tag};
use mio::Interest;
use slotmap::KeyData;
use std::io::{self, ErrorKind};

/// What one read may take at the most, and when the rest of the buffer is too little to read into.
const READ_SIZE: usize = 256 * 1024;
const READ_LEAST: usize = 64 * 1024;
/// What is streamed of a smaller read is copied: it would keep the whole buffer.
const SHARE_LEAST: usize = 8 * 1024;

impl<E: From<Event>> Source<E> for FastCgi {
    fn ready(&mut self, reactor: &mut Reactor<E>, tag: Tag, readiness: Readiness) {
        let key: ConnKey = KeyData::from_ffi(tag.id).into();
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.ending |= readiness.read_closed;
        let connecting = matches!(connection.state, State::Connecting);
        if connecting && (readiness.writable || readiness.read_closed) {
            self.connected(reactor, key);
        }
        match self.connections.get(key).map(|connection| &connection.state) {
            Some(State::Busy) => {
                if readiness.writable && !connecting {
                    self.flush(reactor, key);
                }
                if readiness.readable {
                    self.receive(reactor, key);
                }
                self.ask_source(reactor, key);
            }
            Some(State::Probing { .. }) => self.probed(reactor, key),
            // Nothing may come on an idle connection but its end.
            Some(State::Idle) if !self.is_quiet(key) => self.discard(reactor, key),
            _ => {}
        }
    }

    fn expired(&mut self, reactor: &mut Reactor<E>, tag: Tag) {
        match tag.kind {
            CONNECTION => self.connection_timer(reactor, KeyData::from_ffi(tag.id).into()),
            REQUEST => self.deadline_passed(reactor, KeyData::from_ffi(tag.id).into()),
            _ => {}
        }
    }

    fn notified(&mut self, reactor: &mut Reactor<E>, tag: Tag) {
        if tag.kind == LOOKUP {
            self.looked_up(reactor, KeyData::from_ffi(tag.id).into());
        }
    }
}

impl FastCgi {
    /// Sends what the kernel takes, and watches for more room only while it takes no more.
    pub(super) fn flush<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some((transport, registration)) = connection.transport.as_mut() else { return };
        let Some((request, exchange)) =
            connection.request.and_then(|request| Some((request, self.requests.get_mut(request)?)))
        else {
            return;
        };
        let before = exchange.out.left();
        let sent = if exchange.is_held() { Ok(Flushed::All) } else { exchange.out.flush(transport) };
        let blocked = match sent {
            Ok(flushed) => flushed == Flushed::Blocked,
            Err(error) if is_closed(&error) => {
                // It may have answered before, and reading tells how it ended.
                reactor.again(*registration);
                return;
            }
            Err(error) => {
                self.abandon(reactor, request, Error::System(format!("cannot send the request: {error}")));
                return;
            }
        };
        if exchange.out.left() != before || before == 0 {
            exchange.touch(reactor.now());
        }
        let asks = exchange.wants_source();
        // While there is more of a body to come, the kernel will soon take no more again.
        let wants_write = blocked || (connection.wants_write && !exchange.is_sent());
        if wants_write != connection.wants_write {
            let interest = if blocked { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            connection.wants_write = wants_write;
            if let Err(error) = reactor.reregister(transport, *registration, interest) {
                self.abandon(reactor, request, Error::System(error.to_string()));
                return;
            }
        }
        if asks {
            // In the next turn, so that an eager source does not keep others waiting.
            reactor.nudge(*registration);
        }
        self.arm(reactor, request);
    }

    /// True while an idle connection has nothing to read, not even its end.
    pub(super) fn is_quiet(&self, key: ConnKey) -> bool {
        let transport = self.connections.get(key).and_then(|connection| connection.transport.as_ref());
        transport.is_some_and(|(transport, _)| transport.is_quiet())
    }

    fn ask_source<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(request) = self.connections.get(key).and_then(|connection| connection.request) else { return };
        if let Some(bytes) = self.requests.get_mut(request).and_then(|exchange| exchange.ask_source()) {
            reactor.push(Event { request, kind: EventKind::WantBody(bytes) });
        }
    }

    /// The answer to a question of `ask_source`.
    pub(super) fn give_body<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        request: RequestKey,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let exchange = self.requests.get_mut(request).ok_or(Error::Stale("request"))?;
        let Stage::Active(key) = exchange.stage else {
            return Err(Error::Invalid("the request has ended; no body bytes are wanted".into()));
        };
        let transport = self.connections.get(key).and_then(|connection| connection.transport.as_ref());
        let Some((transport, _)) = transport else { return Err(Error::Stale("connection")) };
        match exchange.give(bytes, transport) {
            Ok(0) => {}
            Ok(_) => exchange.touch(reactor.now()),
            Err(error) => {
                self.abandon(reactor, request, error.clone());
                return Err(error);
            }
        }
        self.flush(reactor, key);
        Ok(())
    }

    /// Reads until the kernel has no more, the buffer is used up, or the turn's budget is.
    fn receive<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        if self.scratch.capacity() < READ_LEAST {
            self.scratch.reserve(READ_SIZE);
        }
        loop {
            let Some(connection) = self.connections.get(key) else { return };
            let Some((transport, registration)) = connection.transport.as_ref() else { return };
            let (registration, ending) = (*registration, connection.ending);
            let room = self.scratch.capacity();
            if room < READ_LEAST || reactor.budget() == 0 {
                return reactor.again(registration);
            }
            match transport.read(&mut self.scratch) {
                Ok(0) => {
                    let how = transport.closing();
                    return self.closed(reactor, key, Some(how));
                }
                Ok(n) => {
                    reactor.spend(n);
                    if n < SHARE_LEAST {
                        let mut chunk = std::mem::take(&mut self.scratch);
                        self.decode(reactor, key, Chunk::Lent(&chunk));
                        chunk.clear();
                        self.scratch = chunk;
                    } else {
                        let chunk = self.scratch.split().freeze();
                        self.decode(reactor, key, Chunk::Shared(&chunk));
                    }
                    // A short read has emptied the socket; with an end announced, that is still to be read.
                    if n < room && !ending {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => return self.closed(reactor, key, None),
            }
        }
    }

    /// Takes the records of `chunk` apart.
    fn decode<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, chunk: Chunk) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(request) = connection.request else { return self.discard(reactor, key) };
        let Some(exchange) = self.requests.get_mut(request) else { return self.discard(reactor, key) };
        let max_response = self.clients.get(connection.client).map_or(u64::MAX, |client| client.options.max_response);
        let first = !exchange.got_bytes;
        exchange.got_bytes = true;
        exchange.touch(reactor.now());
        let mut at = 0;
        loop {
            let step = match connection.decoder.next(chunk.bytes(), &mut at) {
                Ok(None) => break,
                Ok(Some(Item::Values(values))) if exchange.management => match params::decode(&values) {
                    Some(pairs) => {
                        let client = connection.client;
                        self.discard(reactor, key);
                        self.end(reactor, request, EventKind::Values(pairs));
                        return self.pump(reactor, client);
                    }
                    None => Err(Error::Protocol("the server's GET_VALUES_RESULT holds a cut name-value pair".into())),
                },
                Ok(Some(_)) if exchange.management => {
                    Err(Error::Protocol("the server sent something else; expected GET_VALUES_RESULT".into()))
                }
                Ok(Some(item)) => exchange.receive(request, item, chunk, max_response, reactor),
                Err(error) => Err(error),
            };
            match step {
                Ok(Received::More) => {}
                Ok(Received::Complete { app_status }) => {
                    let response = exchange.finish(app_status, reactor.now());
                    let clean = exchange.keeps
                        && !connection.ending
                        && at == chunk.bytes().len()
                        && !connection.decoder.owes_padding()
                        && exchange.is_sent();
                    return self.complete(reactor, key, request, EventKind::Done(Box::new(response)), clean);
                }
                Ok(Received::Overloaded) => {
                    let (client, index) = (connection.client, connection.upstream);
                    self.discard(reactor, key);
                    let error = Error::Protocol("the server refused the request: it is overloaded".into());
                    self.elsewhere(reactor, request, index, error);
                    return self.pump(reactor, client);
                }
                Err(error) => {
                    self.abandon(reactor, request, error);
                    return;
                }
            }
        }
        if first {
            self.arm(reactor, request);
        }
    }

    /// An answer is complete: the connection serves the next request, rests, or is closed.
    fn complete<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: ConnKey,
        request: RequestKey,
        done: EventKind,
        clean: bool,
    ) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let (client_key, index) = (connection.client, connection.upstream);
        connection.request = None;
        if clean {
            let now = reactor.now();
            connection.state = State::Idle;
            connection.used = true;
            connection.idle_since = now;
            if connection.timer.is_none()
                && let Some(at) = self.clients.get(client_key).and_then(|c| now.checked_add(c.options.idle_close))
            {
                connection.timer = Some(reactor.set_timer(at, tag(CONNECTION, key)));
            }
            if let Some(upstream) = self.upstream(client_key, index) {
                upstream.active = upstream.active.saturating_sub(1);
                upstream.idle.push(key);
            }
        } else {
            // At once: php-fpm's worker waits for it.
            self.discard(reactor, key);
        }
        self.end(reactor, request, done);
        self.pump(reactor, client_key);
    }

    /// A connection's timer fired: time to try again, or to close for having been idle.
    fn connection_timer<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let now = reactor.now();
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.timer = None;
        match connection.state {
            State::Backlog { .. } => self.connect(reactor, key),
            State::Probing { .. } => self.probed(reactor, key),
            State::Idle => {
                let idle_close = self.clients.get(connection.client).map(|client| client.options.idle_close);
                match idle_close.and_then(|after| connection.idle_since.checked_add(after)) {
                    Some(at) if at > now => connection.timer = Some(reactor.set_timer(at, tag(CONNECTION, key))),
                    _ => self.discard(reactor, key),
                }
            }
            _ => {}
        }
    }
}

/// The connection is gone, as a write learns it: closed by the peer, or given up by TCP for hearing nothing.
fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe
            | ErrorKind::ConnectionReset
            | ErrorKind::NotConnected
            | ErrorKind::TimedOut
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_tcp_gave_up_is_one_that_ended() {
        for gone in [libc::EPIPE, libc::ECONNRESET, libc::ETIMEDOUT, libc::EHOSTUNREACH, libc::ENETUNREACH] {
            assert!(is_closed(&io::Error::from_raw_os_error(gone)), "{gone}");
        }
        for ours in [libc::ENOBUFS, libc::ENOMEM] {
            assert!(!is_closed(&io::Error::from_raw_os_error(ours)), "{ours}");
        }
    }
}
