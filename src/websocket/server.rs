//! The servers: who listens, who is let in, and how a connection leaves.

use super::connection::{Connection, State};
use super::options::ServerOptions;
use super::{ConnKey, Event, EventKind, RequestKey, ServerKey};
use crate::net::{Accepted, Address, Listener, Transport};
use crate::reactor::{Reactor, Registration, Tag, TimerId};
use bytes::BytesMut;
use mio::Interest;
use slotmap::{Key, SlotMap};
use std::net::SocketAddr;
use std::time::Duration;

/// What the ids in the reactor's tags name.
pub(super) const SERVER: u8 = 0;
pub(super) const CONNECTION: u8 = 1;

/// Connections accepted in one go, before others get their turn.
const ACCEPTS: usize = 256;
/// Connections beyond the maximum that are let in to be told so.
const SURPLUS: usize = 64;
/// Pauses before accepting is tried again when the system has no descriptors: doubled up to the limit.
const PAUSE: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(500);

pub(super) fn tag(kind: u8, key: impl Key) -> Tag {
    Tag { source: super::SOURCE, kind, id: key.data().as_ffi() }
}

#[derive(Debug)]
pub(super) struct Server {
    pub options: ServerOptions,
    pub listener: Option<(Listener, Registration)>,
    /// As the listener said, for it may be gone.
    pub address: String,
    /// Sockets of every state, and those of them that are WebSockets.
    sockets: usize,
    pub open: usize,
    /// The pause before the next try to accept, while there is one.
    pause: Option<(TimerId, Duration)>,
    /// As many connections as may be; some are left with the kernel.
    full: bool,
    pub closed: bool,
    ended: bool,
}

/// All WebSocket servers of a loop.
#[derive(Default)]
pub struct WebSocket {
    pub(super) servers: SlotMap<ServerKey, Server>,
    pub(super) connections: SlotMap<ConnKey, Connection>,
    pub(super) requests: SlotMap<RequestKey, ConnKey>,
    /// Where every connection reads into.
    pub(super) scratch: BytesMut,
}

impl WebSocket {
    /// Servers that have not ended.
    pub(crate) fn pending(&self) -> usize {
        self.servers.len()
    }

    /// An event has been taken out of the queue: a final one spends its handle.
    pub(crate) fn taken(&mut self, event: &Event) {
        match event.kind {
            EventKind::Closed { conn, .. } => match self.connections.get_mut(conn) {
                Some(connection) if matches!(connection.state, State::Dead) => {
                    self.connections.remove(conn);
                }
                Some(connection) => connection.taken = true,
                None => {}
            },
            EventKind::Ended => {
                self.servers.remove(event.server);
            }
            _ => {}
        }
    }

    pub(super) fn add_server<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        mut listener: Listener,
        options: ServerOptions,
    ) -> std::io::Result<ServerKey> {
        let address = match listener.address() {
            Address::Tcp(address) => address.to_string(),
            other => other.to_string(),
        };
        let key = self.servers.insert(Server {
            options,
            listener: None,
            address,
            sockets: 0,
            open: 0,
            pause: None,
            full: false,
            closed: false,
            ended: false,
        });
        match reactor.register(&mut listener, tag(SERVER, key), Interest::READABLE) {
            Ok(registration) => {
                if let Some(server) = self.servers.get_mut(key) {
                    server.listener = Some((listener, registration));
                }
                Ok(key)
            }
            Err(error) => {
                self.servers.remove(key);
                Err(error)
            }
        }
    }

    /// Lets in who waits.
    pub(super) fn accept<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ServerKey) {
        for _ in 0..ACCEPTS {
            let Some(server) = self.servers.get_mut(key) else { return };
            let Some((listener, _)) = &server.listener else { return };
            if server.sockets >= server.options.max_connections.saturating_add(SURPLUS) {
                server.full = true;
                return;
            }
            match listener.accept() {
                Accepted::Connection(transport, remote) => {
                    if let Some((timer, _)) = server.pause.take() {
                        reactor.cancel_timer(timer);
                    }
                    self.admit(reactor, key, transport, remote);
                }
                Accepted::Nobody => return,
                // Whoever waits in the kernel's queue still does, and no event will tell of them again.
                Accepted::Exhausted(_) => return self.accept_later(reactor, key),
            }
        }
        self.accept_again(reactor, key);
    }

    fn accept_again<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ServerKey) {
        if let Some((_, registration)) = self.servers.get(key).and_then(|server| server.listener.as_ref()) {
            reactor.again(*registration);
        }
    }

    fn accept_later<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ServerKey) {
        let Some(server) = self.servers.get_mut(key) else { return };
        let pause = match server.pause.take() {
            Some((timer, pause)) => {
                reactor.cancel_timer(timer);
                (pause * 2).min(PAUSE_MAX)
            }
            None => PAUSE,
        };
        server.pause = Some((reactor.set_timer(reactor.now() + pause, tag(SERVER, key)), pause));
    }

    fn admit<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        server_key: ServerKey,
        mut transport: Transport,
        remote: Option<SocketAddr>,
    ) {
        let Some(server) = self.servers.get_mut(server_key) else { return };
        let surplus = server.sockets >= server.options.max_connections;
        let key = self.connections.insert(Connection::new(server_key, remote, surplus, reactor.now()));
        match reactor.register(&mut transport, tag(CONNECTION, key), Interest::READABLE) {
            Ok(registration) => {
                server.sockets += 1;
                if let Some(connection) = self.connections.get_mut(key) {
                    connection.transport = Some((transport, registration));
                }
                self.arm(reactor, key);
            }
            // The kernel has no memory for the watch: the connection cannot be served.
            Err(_) => {
                self.connections.remove(key);
            }
        }
    }

    /// Closes the socket. The handle of a WebSocket lives on until its last event is taken.
    pub(super) fn discard<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some((transport, registration)) = connection.transport.take() else { return };
        reactor.forget(registration);
        drop(transport);
        if let Some(timer) = connection.timer.take() {
            reactor.cancel_timer(timer);
        }
        if let State::Asked(asked) = &connection.state {
            self.requests.remove(asked.request);
        }
        connection.state = State::Dead;
        connection.input = BytesMut::new();
        connection.out = BytesMut::new();
        connection.frames = None;
        let server_key = connection.server;
        if !connection.opened || connection.taken {
            self.connections.remove(key);
        }
        let Some(server) = self.servers.get_mut(server_key) else { return };
        server.sockets = server.sockets.saturating_sub(1);
        // A descriptor is free, or a place is: those who wait need not do so until the timer.
        if server.pause.is_some() || std::mem::take(&mut server.full) {
            self.accept_again(reactor, server_key);
        }
        self.end_if_empty(reactor, server_key);
    }

    /// Tells the program, once, that a WebSocket has ended.
    pub(super) fn tell_closed<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: ConnKey,
        code: u16,
        reason: impl Into<String>,
    ) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        if !connection.opened || std::mem::replace(&mut connection.told, true) {
            return;
        }
        if let Some(server) = self.servers.get_mut(connection.server) {
            server.open = server.open.saturating_sub(1);
        }
        let kind = EventKind::Closed { conn: key, code, reason: reason.into() };
        reactor.push(Event { server: connection.server, kind });
    }

    /// The pause after the system had no descriptors is over.
    pub(super) fn server_timer<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ServerKey) {
        // The pause stays noted: it doubles if nothing has changed.
        self.accept(reactor, key);
    }

    /// Stops listening and says goodbye to everyone; false for a server that was closed already.
    pub(super) fn close_server<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ServerKey) -> bool {
        let Some(server) = self.servers.get_mut(key).filter(|server| !server.closed) else { return false };
        server.closed = true;
        if let Some((listener, registration)) = server.listener.take() {
            reactor.forget(registration);
            drop(listener);
        }
        if let Some((timer, _)) = server.pause.take() {
            reactor.cancel_timer(timer);
        }
        let all: Vec<ConnKey> =
            self.connections.iter().filter(|(_, it)| it.server == key).map(|(key, _)| key).collect();
        for conn in all {
            self.send_away(reactor, conn);
        }
        self.end_if_empty(reactor, key);
        true
    }

    fn end_if_empty<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ServerKey) {
        let Some(server) = self.servers.get_mut(key) else { return };
        if server.closed && server.sockets == 0 && !std::mem::replace(&mut server.ended, true) {
            reactor.push(Event { server: key, kind: EventKind::Ended });
        }
    }

    /// Sets the timer for what the connection is doing, unless one is set that comes earlier: that one looks again.
    pub(super) fn arm<E>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(server) = self.servers.get(connection.server) else { return };
        let Some(at) = connection.patience(&server.options).and_then(|after| connection.since.checked_add(after))
        else {
            return;
        };
        match connection.timer {
            Some(timer) if timer.at() <= at => {}
            other => {
                if let Some(timer) = other {
                    reactor.cancel_timer(timer);
                }
                connection.timer = Some(reactor.set_timer(at, tag(CONNECTION, key)));
            }
        }
    }
}
