//! Bytes between the connections and the kernel, and what comes when none do.

use super::connection::{Sent, State};
use super::frame::{self, Frames, Item, Violation};
use super::request::Refusal;
use super::server::{CONNECTION, SERVER, WebSocket};
use super::{ConnKey, Event, EventKind};
use crate::reactor::{Reactor, Readiness, Source, Tag};
use mio::Interest;
use slotmap::KeyData;
use std::io::ErrorKind;

/// What one read takes at the most, and how many follow each other before others get their turn.
const READ_SIZE: usize = 64 * 1024;
const READS: usize = 4;
/// What a message takes off the turn's budget besides its bytes: its event is memory, too.
const MESSAGE_COST: usize = 64;

/// Going away (RFC 6455, section 7.4.1).
const AWAY: u16 = 1001;
/// Never sent: the peer has gone without a goodbye.
const ABNORMAL: u16 = 1006;

impl<E: From<Event>> Source<E> for WebSocket {
    fn ready(&mut self, reactor: &mut Reactor<E>, tag: Tag, readiness: Readiness) {
        if tag.kind == SERVER {
            return self.accept(reactor, KeyData::from_ffi(tag.id).into());
        }
        let key: ConnKey = KeyData::from_ffi(tag.id).into();
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.peer_closed |= readiness.read_closed;
        if readiness.writable {
            self.flush(reactor, key);
        }
        if readiness.readable {
            self.receive(reactor, key);
        }
    }

    fn expired(&mut self, reactor: &mut Reactor<E>, tag: Tag) {
        match tag.kind {
            SERVER => self.server_timer(reactor, KeyData::from_ffi(tag.id).into()),
            CONNECTION => self.connection_timer(reactor, KeyData::from_ffi(tag.id).into()),
            _ => {}
        }
    }

    fn notified(&mut self, _: &mut Reactor<E>, _: Tag) {}
}

impl WebSocket {
    /// Reads what has come, unless nobody wants it yet.
    fn receive<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if !connection.wants_input() {
            // What it has sent can wait. But when the connection has broken, nobody is there to be waited for.
            if connection.peer_closed
                && let Some(error) = connection.transport.as_ref().and_then(|(it, _)| it.take_error())
            {
                connection.break_off(error);
            }
            if connection.broken.is_some() {
                self.peer_gone(reactor, key, "the connection broke");
            }
            return;
        }
        if std::mem::take(&mut connection.unread) {
            self.read_on(reactor, key);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.reserve(READ_SIZE);
        for reads in 1.. {
            let Some(connection) = self.connections.get(key).filter(|connection| connection.wants_input()) else {
                break;
            };
            let Some((transport, registration)) = &connection.transport else { break };
            let registration = *registration;
            scratch.clear();
            match transport.read(&mut scratch) {
                Ok(0) => {
                    self.peer_gone(reactor, key, "the connection ended without a closing handshake");
                    break;
                }
                Ok(n) => {
                    reactor.spend(n);
                    // A short read has emptied the socket, but for an end.
                    let emptied = n < scratch.capacity() && !connection.peer_closed && connection.broken.is_none();
                    self.take_in(reactor, key, &scratch);
                    if emptied {
                        break;
                    }
                    if reads >= READS || reactor.budget() == 0 {
                        reactor.again(registration);
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock && connection.broken.is_none() => break,
                Err(error) => {
                    self.peer_gone(reactor, key, &error.to_string());
                    break;
                }
            }
        }
        self.scratch = scratch;
    }

    fn take_in<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, bytes: &[u8]) {
        let now = reactor.now();
        let Some(connection) = self.connections.get_mut(key) else { return };
        match connection.state {
            State::Head | State::Body { .. } => self.request_bytes(reactor, key, bytes),
            State::Open => {
                connection.since = now;
                connection.pinged = false;
                self.frame_bytes(reactor, key, bytes);
            }
            State::Closing => self.frame_bytes(reactor, key, bytes),
            _ => {}
        }
    }

    /// Takes in what came before it was wanted.
    fn read_on<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        match connection.state {
            State::Head | State::Body { .. } => {
                let size = connection.input.len();
                self.parse(reactor, key, size);
            }
            State::Open | State::Closing => {
                let bytes = std::mem::take(&mut connection.input);
                self.frame_bytes(reactor, key, &bytes);
            }
            _ => {}
        }
    }

    /// The connection wants input again: what has come meanwhile is looked at in the next turn.
    pub(super) fn go_on_reading<E>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.unread = !connection.input.is_empty();
        if let Some((_, registration)) = &connection.transport {
            reactor.again(*registration);
        }
    }

    /// Bytes of a WebSocket came.
    fn frame_bytes<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(server) = self.servers.get(connection.server) else { return };
        let is_open = matches!(connection.state, State::Open);
        let limit = connection.max_next_message.unwrap_or(usize::MAX).min(server.options.max_message);
        let mut frames = connection.frames.take().unwrap_or_else(|| Box::new(Frames::new(limit)));
        let mut feed = frames.feed(bytes);
        let end = loop {
            match frames.next(&mut feed) {
                Ok(Some(Item::Message { data, binary })) if is_open => {
                    if connection.max_next_message.take().is_some() {
                        frames.limit(server.options.max_message);
                    }
                    reactor.spend(MESSAGE_COST);
                    let kind = EventKind::Message { conn: key, data, binary };
                    reactor.push(Event { server: connection.server, kind });
                }
                // After our goodbye nobody wants messages.
                Ok(Some(Item::Message { .. } | Item::Beat)) => {}
                Ok(Some(Item::Close { code, reason })) => break Some(Ok((code, reason))),
                Ok(None) => break None,
                Err(violation) => break Some(Err(violation)),
            }
        };
        if end.is_none() && !frames.rests() {
            connection.frames = Some(frames);
        }
        // A peer that asks and never reads gets no more answers than fit.
        let may_answer = is_open && connection.out.len() <= server.options.high_watermark;
        if may_answer && !feed.pongs.is_empty() && connection.send(&[&feed.pongs]) == Sent::Blocked {
            self.watch_writing(reactor, key);
        }
        match end {
            None => self.give_up_if_broken(reactor, key),
            Some(Ok((code, reason))) => self.peer_closed(reactor, key, code, reason),
            Some(Err(violation)) => self.violated(reactor, key, violation),
        }
    }

    /// The peer has said goodbye: it is answered, unless it was the answer.
    fn peer_closed<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, code: u16, reason: String) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if matches!(connection.state, State::Open) {
            connection.send(&[&frame::close(code, "")]);
        }
        self.tell_closed(reactor, key, code, reason);
        self.finish(reactor, key, false);
    }

    fn violated<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, violation: Violation) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if matches!(connection.state, State::Open) {
            connection.send(&[&frame::close(violation.code, &violation.reason)]);
        }
        self.tell_closed(reactor, key, violation.code, violation.reason);
        self.finish(reactor, key, true);
    }

    /// Nothing more will come from the peer. What sending told counts more than what reading did.
    fn peer_gone<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, what: &str) {
        let broken = self.connections.get(key).and_then(|connection| connection.broken.as_ref());
        let what = broken.map_or_else(|| what.to_owned(), ToString::to_string);
        self.tell_closed(reactor, key, ABNORMAL, what);
        self.discard(reactor, key);
    }

    /// A send has failed: in the next turn the connection is read to its end, and given up.
    pub(super) fn give_up_if_broken<E>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        if let Some(connection) = self.connections.get(key).filter(|connection| connection.broken.is_some())
            && let Some((_, registration)) = &connection.transport
        {
            reactor.again(*registration);
        }
    }

    /// Starts our part of the closing handshake.
    pub(super) fn say_goodbye<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: ConnKey,
        code: u16,
        reason: &str,
    ) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.state = State::Closing;
        connection.since = reactor.now();
        let sent = connection.send(&[&frame::close(code, reason)]);
        self.give_up_if_broken(reactor, key);
        if sent == Sent::Blocked {
            self.watch_writing(reactor, key);
        }
        // A connection that was paused has things to read now.
        self.go_on_reading(reactor, key);
        self.arm(reactor, key);
    }

    /// The server closes: every connection ends in the way that suits it.
    pub(super) fn send_away<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        match &connection.state {
            State::Head | State::Body { .. } => self.discard(reactor, key),
            State::Asked(asked) => {
                self.requests.remove(asked.request);
                self.refuse(reactor, key, &Refusal::new(503, "the server is going away"));
            }
            State::Answering => self.finish(reactor, key, true),
            State::Open => self.say_goodbye(reactor, key, AWAY, "the server is going away"),
            State::Closing | State::Finishing { .. } | State::Lingering | State::Dead => {}
        }
    }

    /// Nothing will be added to what is sent: the connection ends once it is with the kernel.
    pub(super) fn finish<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, linger: bool) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.since = reactor.now();
        connection.state = State::Finishing { linger };
        connection.frames = None;
        if connection.broken.is_some() || connection.out.is_empty() {
            return self.sent_all(reactor, key);
        }
        self.watch_writing(reactor, key);
        self.arm(reactor, key);
    }

    /// Last words are with the kernel.
    fn sent_all<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let linger = matches!(connection.state, State::Finishing { linger: true }) && connection.broken.is_none();
        let Some((transport, _)) = connection.transport.as_ref().filter(|_| linger) else {
            return self.discard(reactor, key);
        };
        // A peer that is gone already need not be told.
        let _ = transport.close_write();
        connection.state = State::Lingering;
        connection.since = reactor.now();
        self.go_on_reading(reactor, key);
        self.arm(reactor, key);
    }

    /// The kernel takes more.
    fn flush<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let now = reactor.now();
        let Some(connection) = self.connections.get_mut(key) else { return };
        let (progress, sent) = match connection.flush() {
            Ok(result) => result,
            Err(error) => {
                connection.break_off(error);
                return self.give_up_if_broken(reactor, key);
            }
        };
        // Who takes a little now and then does not keep a server from ending.
        let is_closing = self.servers.get(connection.server).is_some_and(|server| server.closed);
        if progress && !is_closing {
            connection.since = now;
            connection.pinged = false;
        }
        if sent == Sent::All
            && std::mem::take(&mut connection.wants_write)
            && let Some((transport, registration)) = &mut connection.transport
        {
            // The watch was possible with more in it; without, at worst an event comes for nothing.
            let _ = reactor.reregister(transport, *registration, Interest::READABLE);
        }
        let low = self.servers.get(connection.server).map_or(0, |server| server.options.low_watermark());
        match connection.state {
            State::Answering if sent == Sent::All => self.next_request(reactor, key),
            State::Finishing { .. } if sent == Sent::All => self.sent_all(reactor, key),
            State::Open if connection.owes_drain && connection.out.len() <= low => {
                connection.owes_drain = false;
                reactor.push(Event { server: connection.server, kind: EventKind::Drain { conn: key } });
            }
            _ => {}
        }
    }

    /// Asks the kernel to tell when it takes more.
    pub(super) fn watch_writing<E>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.wants_write {
            return;
        }
        let Some((transport, registration)) = &mut connection.transport else { return };
        match reactor.reregister(transport, *registration, Interest::READABLE | Interest::WRITABLE) {
            Ok(()) => connection.wants_write = true,
            Err(error) => {
                connection.break_off(error);
                self.give_up_if_broken(reactor, key);
            }
        }
    }

    /// A deadline may have passed.
    fn connection_timer<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.timer = None;
        let Some(server) = self.servers.get(connection.server) else { return };
        let Some(patience) = connection.patience(&server.options) else { return };
        if reactor.now().saturating_duration_since(connection.since) < patience {
            return self.arm(reactor, key);
        }
        match connection.state {
            // Browsers open connections for requests that never come.
            State::Head if connection.input.is_empty() => self.discard(reactor, key),
            State::Head | State::Body { .. } => {
                let why = format!("the request did not arrive within {} s", patience.as_secs_f64());
                self.refuse(reactor, key, &Refusal::new(408, why));
            }
            State::Open => self.listen_for_life(reactor, key),
            State::Closing => self.peer_gone(reactor, key, "the peer did not answer the closing handshake"),
            State::Answering | State::Finishing { .. } | State::Lingering => self.discard(reactor, key),
            State::Asked(_) | State::Dead => {}
        }
    }

    /// Nothing has come for a while: the peer is asked, or given up when it was asked before.
    fn listen_for_life<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        // While nobody reads, no answer can be seen. But the system of a peer that has gone refuses what is sent, be that a
        // question or what waits already.
        if connection.pinged && !connection.paused {
            return self.peer_gone(reactor, key, "the peer answered no ping");
        }
        connection.since = reactor.now();
        connection.pinged = true;
        if !connection.paused || connection.out.is_empty() {
            if connection.send(&[&frame::ping()]) == Sent::Blocked {
                self.watch_writing(reactor, key);
            }
            self.give_up_if_broken(reactor, key);
        }
        self.arm(reactor, key);
    }
}
