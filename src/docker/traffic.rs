//! Bytes between the clients and the kernel.

use super::connection::{ConnKey, Owner, State};
use super::engine::{BACKLOG, CALL, CONNECTION, Docker, EXCHANGE, LOOKUP, Negotiation, PAUSE, RESIZE, STREAM};
use super::error::Error;
use super::exchange::{ExchangeKey, Inbound};
use super::stream::Stream;
use super::{Answer, Event};
use crate::http::{Body, Item};
use crate::net::{Flushed, tls_words};
use crate::reactor::{Reactor, Readiness, Source, Tag};
use bytes::Bytes;
use mio::Interest;
use slotmap::KeyData;
use std::io::{self, ErrorKind};

/// What one connection may read in one turn, and when the rest of the buffer is too little to read into.
const READ_SIZE: usize = 256 * 1024;
const READ_LEAST: usize = 64 * 1024;
/// What a connection may read even when others have used the turn up: a keystroke's echo must not wait for them.
const READ_ALWAYS: usize = 8 * 1024;
/// What is kept of an error's body.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// In the way its protocol says.
    Clean,
    /// Without TLS's goodbye.
    Cut,
    /// By an error.
    Broken(io::Error),
}

impl<E: From<Event>> Source<E> for Docker {
    fn ready(&mut self, reactor: &mut Reactor<E>, tag: Tag, readiness: Readiness) {
        let key: ConnKey = KeyData::from_ffi(tag.id).into();
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.peer_closed |= readiness.read_closed;
        match connection.state {
            State::Connecting if readiness.writable || readiness.read_closed => self.connected(reactor, key),
            State::Handshaking => self.handshake(reactor, key),
            State::Busy => {
                if readiness.writable {
                    self.flush(reactor, key);
                }
                if readiness.readable {
                    self.receive(reactor, key);
                }
            }
            // Nothing may come on an idle connection but its end.
            State::Idle if !connection.wire.as_mut().is_some_and(|(wire, _)| wire.is_quiet()) => {
                self.discard(reactor, key);
            }
            _ => {}
        }
    }

    fn expired(&mut self, reactor: &mut Reactor<E>, tag: Tag) {
        let id = KeyData::from_ffi(tag.id);
        match tag.kind {
            CONNECTION => self.connection_timer(reactor, id.into()),
            BACKLOG => {
                if let Some(connection) = self.connections.get_mut(id.into()) {
                    connection.retry = None;
                }
                self.connect(reactor, id.into());
            }
            EXCHANGE => self.exchange_timer(reactor, id.into()),
            STREAM => self.stream_timer(reactor, id.into()),
            RESIZE => self.resize_timer(reactor, id.into()),
            CALL => self.call_timer(reactor, id.into()),
            PAUSE => self.kill_again(reactor, id.into()),
            _ => {}
        }
    }

    fn notified(&mut self, reactor: &mut Reactor<E>, tag: Tag) {
        if tag.kind == LOOKUP {
            self.looked_up(reactor, KeyData::from_ffi(tag.id).into());
        }
    }
}

impl Docker {
    fn connection_timer<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.timer = None;
        if connection.is_opening() {
            self.connect_timed_out(reactor, key);
        } else if connection.state == State::Idle {
            self.discard(reactor, key);
        }
    }

    fn exchange_timer<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ExchangeKey) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        exchange.timer = None;
        let (phase, after, client) = (exchange.job.phase(), exchange.timeout, exchange.client);
        let waiting = exchange.connection.is_none();
        let given = self.whereabouts(client);
        let known = self
            .clients
            .get(client)
            .is_some_and(|client| matches!(client.version, Negotiation::Known(_) | Negotiation::Fixed(_)));
        let what = match (waiting, known) {
            (false, _) => given,
            (true, true) => format!("{given}, while waiting for a free connection"),
            (true, false) => format!("{given}, which does not answer /_ping"),
        };
        self.fail(reactor, key, Error::Timeout { phase, after, what });
    }

    /// Sends what the kernel takes, and watches for more room only while it takes no more.
    pub(super) fn flush<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some((wire, registration)) = connection.wire.as_mut() else { return };
        let out = match connection.owner {
            Owner::Exchange(exchange) => self.exchanges.get_mut(exchange).map(|exchange| &mut exchange.out),
            Owner::Stream(stream) => self.streams.get_mut(stream).map(|stream| &mut stream.out),
            Owner::Nobody => None,
        };
        let Some(out) = out else { return };
        let flushed = out.flush_with(|bytes| wire.send(bytes)).and_then(|flushed| match wire.flush()? {
            Flushed::All => Ok(flushed),
            Flushed::Blocked => Ok(Flushed::Blocked),
        });
        match flushed {
            Ok(_) => {}
            // The peer takes no more; reading tells how it ended, and what it said before.
            Err(error) if is_closed(&error) => {
                let registration = *registration;
                if let Owner::Stream(key) = connection.owner {
                    if let Some(stream) = self.streams.get_mut(key) {
                        stream.input_is_gone();
                    }
                    // Whoever stopped writing goes on: what comes is lost, as with a process that has gone.
                    self.drained(reactor, key);
                }
                return reactor.again(registration);
            }
            Err(error) => return self.ended(reactor, key, End::Broken(error)),
        }
        if let Owner::Stream(stream) = connection.owner {
            self.sent(reactor, stream);
        }
        self.watch_for_room(reactor, key);
    }

    /// Has the kernel tell when it takes more, while there is more.
    pub(super) fn watch_for_room<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let left = match connection.owner {
            Owner::Exchange(exchange) => self.exchanges.get(exchange).map_or(0, |exchange| exchange.out.left()),
            Owner::Stream(stream) => self.streams.get(stream).map_or(0, |stream| stream.out.left()),
            Owner::Nobody => 0,
        };
        let established = connection.state == State::Busy;
        let Some((wire, registration)) = connection.wire.as_mut() else { return };
        let blocked = established && left > 0 || wire.has_pending();
        if blocked == connection.wants_write {
            return;
        }
        connection.wants_write = blocked;
        let interest = if blocked { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        let registration = *registration;
        if let Err(error) = reactor.reregister(wire.transport_mut(), registration, interest) {
            self.ended(reactor, key, End::Broken(error));
        }
    }

    /// Reads until the kernel has no more, the buffer is used up, or the turn's budget is.
    fn receive<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        // From the start again, which is warm, when nobody holds anything of it any more.
        if !self.scratch.try_reclaim(READ_SIZE) && self.scratch.capacity() < READ_LEAST {
            self.scratch.reserve(READ_SIZE);
        }
        let mut first = true;
        loop {
            let Some(connection) = self.connections.get_mut(key) else { return };
            let Some((wire, registration)) = connection.wire.as_mut() else { return };
            let pause_room = match connection.owner {
                Owner::Stream(stream) => self.streams.get(stream).and_then(Stream::pause_room),
                _ => None,
            };
            if pause_room == Some(0) {
                // Resuming comes back here.
                return;
            }
            let room = self.scratch.capacity();
            let exhausted = reactor.budget() == 0;
            // What a pause keeps is known only once the events are taken.
            if room < READ_LEAST || (!first && (exhausted || pause_room.is_some())) {
                return reactor.again(*registration);
            }
            let limit = if exhausted { READ_ALWAYS } else { room }.min(pause_room.unwrap_or(usize::MAX));
            first = false;
            match wire.read(&mut self.scratch, limit) {
                Ok(0) => return self.ended(reactor, key, End::Clean),
                Ok(n) => {
                    reactor.spend(n);
                    // A short read has emptied the socket; with an end announced, that is still to be read.
                    let emptied = n < limit && wire.short_read_empties() && !connection.peer_closed;
                    let chunk = self.scratch.split().freeze();
                    self.input(reactor, key, &chunk);
                    if emptied {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return self.ended(reactor, key, End::Cut),
                Err(error) => return self.ended(reactor, key, End::Broken(error)),
            }
        }
    }

    fn input<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, chunk: &Bytes) {
        match self.connections.get(key).map(|connection| connection.owner) {
            Some(Owner::Exchange(exchange)) => {
                if let Err(error) = self.answer(reactor, key, exchange, chunk) {
                    self.fail(reactor, exchange, error);
                }
            }
            Some(Owner::Stream(stream)) => self.stream_input(reactor, stream, chunk),
            Some(Owner::Nobody) => self.discard(reactor, key),
            None => {}
        }
    }

    /// A piece of an answer.
    fn answer<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        conn_key: ConnKey,
        key: ExchangeKey,
        chunk: &Bytes,
    ) -> Result<(), Error> {
        let Some(exchange) = self.exchanges.get_mut(key) else { return Ok(()) };
        exchange.got_bytes = true;
        let mut at = 0;
        if let Inbound::Head(parser) = &mut exchange.inbound {
            let Some((head, used)) = parser.feed(chunk)? else { return Ok(()) };
            at = used;
            let body = Body::of(&head, &exchange.method)?;
            let status = head.status();
            if exchange.job.takes_over() && matches!(status, 101 | 200) {
                self.take_over(reactor, conn_key, key, &head, body, &chunk.slice(at..));
                return Ok(());
            }
            if status == 101 {
                return Err(Error::Protocol("the server switched protocols, which was not asked for".into()));
            }
            if (200..300).contains(&status) && exchange.job.follows() {
                self.following(reactor, key, &head)?;
            }
            let Some(exchange) = self.exchanges.get_mut(key) else { return Ok(()) };
            exchange.inbound = Inbound::Body { head, body, kept: Vec::new() };
        }
        self.answer_body(reactor, conn_key, key, chunk, at)
    }

    fn answer_body<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        conn_key: ConnKey,
        key: ExchangeKey,
        chunk: &Bytes,
        mut at: usize,
    ) -> Result<(), Error> {
        loop {
            let Some(exchange) = self.exchanges.get_mut(key) else { return Ok(()) };
            let Inbound::Body { head, body, kept } = &mut exchange.inbound else { return Ok(()) };
            let is_error = head.status() >= 400;
            match body.next(chunk, &mut at)? {
                Some(Item::Data(range)) => {
                    let job = exchange.job;
                    if !is_error && job.follows() {
                        self.follow(reactor, job, &chunk.slice(range))?;
                        continue;
                    }
                    let max = self.clients.get(exchange.client).map_or(0, |client| client.options.max_response);
                    let bytes = chunk.get(range).unwrap_or_default();
                    if is_error {
                        kept.extend(bytes.iter().take(MAX_ERROR_BODY.saturating_sub(kept.len())));
                        if kept.len() == MAX_ERROR_BODY {
                            let answer = Answer { head: std::mem::take(head), body: std::mem::take(kept) };
                            self.complete(reactor, conn_key, key, answer, false);
                            return Ok(());
                        }
                        continue;
                    }
                    if kept.len() + bytes.len() > max {
                        return Err(Error::Protocol(format!(
                            "the answer is larger than the {max} bytes allowed (max_response)"
                        )));
                    }
                    kept.extend_from_slice(bytes);
                }
                Some(Item::End) => {
                    let clean = at == chunk.len() && exchange.out.left() == 0;
                    let answer = Answer { head: std::mem::take(head), body: std::mem::take(kept) };
                    self.complete(reactor, conn_key, key, answer, clean);
                    return Ok(());
                }
                None if body.is_complete() => {}
                None => return Ok(()),
            }
        }
    }

    /// The connection has ended.
    pub(super) fn ended<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, how: End) {
        let Some(connection) = self.connections.get(key) else { return };
        let (client, used) = (connection.client, connection.used);
        let exchange_key = match connection.owner {
            Owner::Stream(stream) => return self.stream_ended(reactor, stream, how),
            Owner::Nobody => return self.discard(reactor, key),
            Owner::Exchange(exchange) => exchange,
        };
        let Some(exchange) = self.exchanges.get_mut(exchange_key) else { return self.discard(reactor, key) };
        let given = self.clients.get(client).map(|client| client.host.given.clone()).unwrap_or_default();
        if let (Inbound::Body { head, body, kept }, End::Clean) = (&mut exchange.inbound, &how)
            && body.is_to_end()
        {
            let answer = Answer { head: std::mem::take(head), body: std::mem::take(kept) };
            return self.complete(reactor, key, exchange_key, answer, false);
        }
        if !exchange.got_bytes {
            if used && exchange.idempotent && !exchange.retried {
                self.discard(reactor, key);
                return self.again(reactor, exchange_key);
            }
            // A server that wants another client certificate says so only after the handshake.
            let error = match &how {
                End::Broken(error) => tls_words(error).map(|reason| Error::Connect { address: given.clone(), reason }),
                _ => None,
            };
            let error = error.unwrap_or_else(|| {
                Error::Closed(format!("{given} closed the connection before it answered{}", how.in_words()))
            });
            return self.fail(reactor, exchange_key, error);
        }
        let place = match &exchange.inbound {
            Inbound::Head(_) => "inside the head of its answer",
            Inbound::Body { .. } => "inside its answer",
        };
        let error = Error::Closed(format!("{given} closed the connection {place}{}", how.in_words()));
        self.fail(reactor, exchange_key, error);
    }
}

/// The peer is gone, as a write learns it.
fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::NotConnected)
}

impl End {
    /// What to add to a message.
    pub(super) fn in_words(&self) -> String {
        match self {
            End::Clean => String::new(),
            End::Cut => " (without TLS's close_notify)".into(),
            End::Broken(error) => format!(" ({})", tls_words(error).unwrap_or_else(|| error.to_string())),
        }
    }
}
