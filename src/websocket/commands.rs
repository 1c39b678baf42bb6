//! The commands: what a program may ask of the WebSocket servers of a loop.

use super::connection::{Connection, Sent, State};
use super::frame::{self, Header};
use super::server::WebSocket;
use super::{ConnKey, Error, Event, RequestKey, ServerKey, ServerOptions};
use crate::net::{Address, Listener};
use crate::reactor::Reactor;

/// The WebSocket commands of a loop.
pub struct Commands<'a, E> {
    state: &'a mut WebSocket,
    reactor: &'a mut Reactor<E>,
}

impl<'a, E: From<Event>> Commands<'a, E> {
    pub(crate) fn new(state: &'a mut WebSocket, reactor: &'a mut Reactor<E>) -> Self {
        Commands { state, reactor }
    }

    /// Listens: `127.0.0.1:9501`, `[::1]:0` (the system chooses the port), `unix:/run/towline.sock`. A unix socket's
    /// file that nobody listens on any more is replaced, and removed at the end.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad address or an option out of range, [`Error::Listen`] when the system refuses.
    pub fn listen(&mut self, address: &str, options: ServerOptions) -> Result<ServerKey, Error> {
        options.check()?;
        let parsed = Address::parse_to_listen(address).map_err(|error| Error::Invalid(error.to_string()))?;
        self.reactor.refresh_now();
        let listener = Listener::bind(&parsed)
            .map_err(|error| Error::Listen { address: address.to_owned(), reason: error.to_string() })?;
        self.state.add_server(self.reactor, listener, options).map_err(|error| Error::System(error.to_string()))
    }

    /// Where a server listens (or did), with the real port: `127.0.0.1:9501`, `unix:/run/towline.sock`. `None` for a
    /// stale key.
    pub fn address(&self, server: ServerKey) -> Option<&str> {
        self.state.servers.get(server).map(|server| &*server.address)
    }

    /// Open WebSockets of a server; `None` for a stale key.
    pub fn connections(&self, server: ServerKey) -> Option<usize> {
        self.state.servers.get(server).map(|server| server.open)
    }

    /// Stops listening, says goodbye (1001) to every WebSocket, answers requests that wait with 503, and ends with
    /// [`super::EventKind::Ended`]; false when it was closed already or the key is stale.
    pub fn close_server(&mut self, server: ServerKey) -> bool {
        self.reactor.refresh_now();
        self.state.close_server(self.reactor, server)
    }

    /// Answers a request, or refuses an upgrade. Length, date and connection fields are added; the body of an answer
    /// to HEAD, or with status 204 or 304, is not sent.
    ///
    /// # Errors
    /// [`Error::Stale`] when it was answered or its client is gone; [`Error::Invalid`] for a status outside 200 to 599
    /// or header fields that cannot be sent: it may be answered again.
    pub fn respond(
        &mut self,
        request: RequestKey,
        status: u16,
        headers: &[(&str, &[u8])],
        body: &[u8],
    ) -> Result<(), Error> {
        self.reactor.refresh_now();
        self.state.respond(self.reactor, request, status, headers, body)
    }

    /// Opens the WebSocket that an [`super::EventKind::Upgrade`] asked for; [`super::EventKind::Open`] follows. The
    /// subprotocol must be one that the client has offered; `None`: the server's options choose, or there is none.
    ///
    /// # Errors
    /// [`Error::Stale`] when it was answered or its client is gone; [`Error::Invalid`] for a plain request or another
    /// subprotocol: it may be answered again.
    pub fn accept(&mut self, request: RequestKey, subprotocol: Option<&str>) -> Result<ConnKey, Error> {
        self.reactor.refresh_now();
        self.state.upgrade(self.reactor, request, subprotocol)
    }

    /// Sends a message, whole or not at all, and returns the bytes that wait to be sent. Above the high watermark
    /// the program should wait for [`super::EventKind::Drain`].
    ///
    /// # Errors
    /// [`Error::Invalid`] for text that is not UTF-8, [`Error::Full`], [`Error::Closed`], [`Error::Stale`].
    pub fn send(&mut self, conn: ConnKey, data: &[u8], binary: bool) -> Result<usize, Error> {
        if !binary && let Err(error) = std::str::from_utf8(data) {
            return Err(Error::Invalid(format!("the text is not UTF-8 from byte {} on", error.valid_up_to())));
        }
        self.send_pieces(conn, [data], binary)
    }

    /// [`send`](Self::send) of a binary message that lies in two pieces.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_prefixed(&mut self, conn: ConnKey, prefix: &[u8], data: &[u8]) -> Result<usize, Error> {
        self.send_pieces(conn, [prefix, data], true)
    }

    fn send_pieces<const N: usize>(&mut self, conn: ConnKey, pieces: [&[u8]; N], binary: bool) -> Result<usize, Error> {
        let connection = open(self.state, conn)?;
        let size: usize = pieces.iter().map(|piece| piece.len()).sum();
        let buffered = connection.out.len();
        let server = connection.server;
        let (limit, low) = self
            .state
            .servers
            .get(server)
            .map(|server| (server.options.max_buffered, server.options.low_watermark()))
            .unwrap_or_default();
        if buffered > 0 && buffered.saturating_add(size) > limit {
            return Err(Error::Full { buffered, limit });
        }
        let header = Header::of_message(size, binary);
        let connection = open(self.state, conn)?;
        let mut all: [&[u8]; 3] = [header.as_ref(), &[], &[]];
        for (slot, piece) in all.iter_mut().skip(1).zip(pieces) {
            *slot = piece;
        }
        let sent = connection.send(&all);
        let buffered = connection.out.len();
        if buffered > low {
            connection.owes_drain = true;
        }
        match sent {
            Sent::All => self.state.give_up_if_broken(self.reactor, conn),
            Sent::Blocked => self.state.watch_writing(self.reactor, conn),
        }
        Ok(buffered)
    }

    /// Bytes that wait to be sent.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Stale`].
    pub fn buffered(&mut self, conn: ConnKey) -> Result<usize, Error> {
        open(self.state, conn).map(|connection| connection.out.len())
    }

    /// With how many bytes left to be sent [`super::EventKind::Drain`] comes, after there were more.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Stale`].
    pub fn drains_at(&mut self, conn: ConnKey) -> Result<usize, Error> {
        let server = open(self.state, conn)?.server;
        Ok(self.state.servers.get(server).map(|server| server.options.low_watermark()).unwrap_or_default())
    }

    /// Who the peer is: `127.0.0.1:50000`, or `unix:`. `None` for a stale key.
    pub fn remote(&self, conn: ConnKey) -> Option<String> {
        self.state.connections.get(conn).filter(|it| it.opened && !it.taken).map(Connection::remote)
    }

    /// Takes a next message of this many bytes at most, if that is less than the server takes; `None`: what the server
    /// takes, as for all that follow. A longer one ends the connection with 1009. For peers of whom nothing is known yet.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Stale`].
    pub fn limit_next_message(&mut self, conn: ConnKey, most: Option<usize>) -> Result<(), Error> {
        let server = open(self.state, conn)?.server;
        let usual = self.state.servers.get(server).map_or(usize::MAX, |server| server.options.max_message);
        let connection = open(self.state, conn)?;
        connection.max_next_message = most;
        if let Some(frames) = &mut connection.frames {
            frames.limit(most.unwrap_or(usize::MAX).min(usual));
        }
        Ok(())
    }

    /// Reads nothing more from the peer until [`resume`](Self::resume). Messages that are in the queue still come.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Stale`].
    pub fn pause(&mut self, conn: ConnKey) -> Result<(), Error> {
        open(self.state, conn)?.paused = true;
        Ok(())
    }

    /// Reads again.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Stale`].
    pub fn resume(&mut self, conn: ConnKey) -> Result<(), Error> {
        let now = self.reactor.refresh_now();
        let connection = open(self.state, conn)?;
        if std::mem::take(&mut connection.paused) {
            connection.since = now;
            connection.pinged = false;
            self.state.go_on_reading(self.reactor, conn);
        }
        Ok(())
    }

    /// Begins the closing handshake: the peer gets what waits to be sent, then code and reason. No more messages come;
    /// [`super::EventKind::Closed`] does.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a code that may not be sent (1000 to 1003, 1007 to 1013 and 3000 to 4999 may) or a
    /// reason of more than 123 bytes; [`Error::Closed`], [`Error::Stale`].
    pub fn close(&mut self, conn: ConnKey, code: u16, reason: &str) -> Result<(), Error> {
        if !frame::may_be_sent(code) {
            return Err(Error::Invalid(format!(
                "close code {code} may not be sent; expected 1000 to 1003, 1007 to 1013 or 3000 to 4999"
            )));
        }
        if reason.len() > frame::MAX_REASON {
            return Err(Error::Invalid(format!(
                "the reason has {} bytes; a close frame takes {}",
                reason.len(),
                frame::MAX_REASON
            )));
        }
        open(self.state, conn)?;
        self.reactor.refresh_now();
        self.state.say_goodbye(self.reactor, conn, code, reason);
        Ok(())
    }
}

/// A WebSocket to which things may be sent.
fn open(state: &mut WebSocket, key: ConnKey) -> Result<&mut Connection, Error> {
    match state.connections.get_mut(key) {
        Some(connection) if matches!(connection.state, State::Open) => Ok(connection),
        Some(connection) if connection.opened && !connection.taken => Err(Error::Closed),
        _ => Err(Error::Stale("connection")),
    }
}
