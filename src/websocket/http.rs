//! Requests: from bytes to the program's question, and from its answer to bytes.

use super::connection::{Asked, Connection, Sent, State};
use super::handshake::{self, Wish};
use super::request::{self, Head, Limits, Progress, Refusal};
use super::server::WebSocket;
use super::{ConnKey, Error, Event, EventKind, RequestKey, response};
use crate::reactor::Reactor;
use bytes::{Bytes, BytesMut};

impl WebSocket {
    /// Bytes of a request came.
    pub(super) fn request_bytes<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, bytes: &[u8]) {
        let now = reactor.now();
        let Some(connection) = self.connections.get_mut(key) else { return };
        if connection.input.is_empty() && matches!(connection.state, State::Head) {
            connection.since = now;
        }
        connection.input.extend_from_slice(bytes);
        self.parse(reactor, key, bytes.len());
    }

    /// Looks at what has come, of which the last `fresh` bytes are new.
    pub(super) fn parse<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, fresh: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(server) = self.servers.get(connection.server) else { return };
        if matches!(connection.state, State::Head) {
            let limits = Limits { head: server.options.max_head, body: server.options.max_body };
            let input = std::mem::take(&mut connection.input).freeze();
            let progress = request::read(&input, fresh, limits, || connection.remote());
            match progress {
                Progress::More => connection.input = thaw(input),
                Progress::Refused(refusal) => return self.refuse(reactor, key, &refusal),
                Progress::Head(head, size, body) => {
                    connection.input = BytesMut::from(input.get(size..).unwrap_or_default());
                    connection.since = reactor.now();
                    let expects = head.minor_version > 0 && head.lists("expect", "100-continue");
                    let waits = expects && connection.input.len() < body;
                    connection.state = State::Body { head, size: body };
                    if waits && connection.send(&[b"HTTP/1.1 100 Continue\r\n\r\n"]) == Sent::Blocked {
                        self.watch_writing(reactor, key);
                    }
                }
            }
        }
        let Some(connection) = self.connections.get_mut(key) else { return };
        if let State::Body { size, .. } = &connection.state
            && connection.input.len() >= *size
        {
            let body = connection.input.split_to(*size).freeze();
            if connection.input.is_empty() {
                connection.input = BytesMut::new();
            }
            if let State::Body { head, .. } = std::mem::replace(&mut connection.state, State::Answering) {
                self.ask(reactor, key, head, body);
            }
        }
    }

    /// A request is complete: the program is asked.
    fn ask<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, head: Box<Head>, body: Bytes) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let server_key = connection.server;
        let Some(server) = self.servers.get(server_key) else { return };
        if connection.surplus {
            return self.refuse(reactor, key, &Refusal::new(503, "too many connections; try again later"));
        }
        let offer = match handshake::judge(&head, !body.is_empty(), &server.options.origins) {
            Wish::Plain => None,
            Wish::Upgrade(offer) => Some(offer),
            Wish::Refused(refusal) => return self.refuse(reactor, key, &refusal),
        };
        let request = self.requests.insert(key);
        let is_upgrade = offer.is_some();
        connection.state = State::Asked(Box::new(Asked {
            request,
            is_head: head.method == "HEAD",
            keep_alive: head.keeps_alive(),
            offer,
        }));
        let kind = match is_upgrade {
            true => EventKind::Upgrade { request, head },
            false => EventKind::Request { request, head, body },
        };
        reactor.push(Event { server: server_key, kind });
    }

    /// Answers what cannot be served, and has done with the connection.
    pub(super) fn refuse<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, refusal: &Refusal) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.input = BytesMut::new();
        let mut headers: Vec<(&str, &[u8])> = vec![("Content-Type", b"text/plain; charset=utf-8")];
        headers.extend(refusal.headers);
        let body = format!("{}\n", refusal.why);
        if let Ok(head) = response::head(refusal.status, &headers, body.len(), false) {
            connection.send(&[&head, body.as_bytes()]);
        }
        self.finish(reactor, key, true);
    }

    /// The program's answer to a request.
    pub(super) fn respond<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        request: RequestKey,
        status: u16,
        headers: &[(&str, &[u8])],
        body: &[u8],
    ) -> Result<(), Error> {
        let (key, connection, asked) = self.asked(request)?;
        let is_closing = self.servers.get(connection.server).is_none_or(|server| server.closed);
        let keep_alive = asked.keep_alive && asked.offer.is_none() && !is_closing;
        let head = response::head(status, headers, body.len(), keep_alive)?;
        let body = if asked.is_head || response::is_bodiless(status) { &[][..] } else { body };
        self.requests.remove(request);
        let connection = self.connections.get_mut(key).ok_or(Error::Stale("request"))?;
        connection.state = State::Answering;
        connection.since = reactor.now();
        let sent = connection.send(&[&head, body]);
        if !keep_alive {
            self.finish(reactor, key, true);
        } else if sent == Sent::All {
            self.next_request(reactor, key);
        } else {
            self.watch_writing(reactor, key);
            self.arm(reactor, key);
        }
        Ok(())
    }

    /// An answer is with the kernel: the next request may come, or has come already.
    pub(super) fn next_request<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.state = State::Head;
        connection.since = reactor.now();
        self.go_on_reading(reactor, key);
        self.arm(reactor, key);
    }

    /// Opens a WebSocket. `protocol`: `None` lets the server's options choose.
    pub(super) fn upgrade<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        request: RequestKey,
        protocol: Option<&str>,
    ) -> Result<ConnKey, Error> {
        let (key, connection, asked) = self.asked(request)?;
        let server_key = connection.server;
        let server = self.servers.get(server_key).ok_or(Error::Stale("server"))?;
        let Some(offer) = &asked.offer else {
            return Err(Error::Invalid("this request asks for no WebSocket; expected an answer".into()));
        };
        let protocol = match protocol {
            None => server.options.subprotocols.iter().find(|name| offer.protocols.contains(name)).map(String::as_str),
            Some(name) if offer.protocols.iter().any(|offered| offered == name) => Some(name),
            Some(name) => {
                return Err(Error::Invalid(format!(
                    "subprotocol {name:?} was not offered by the client; expected one of {:?}",
                    offer.protocols
                )));
            }
        };
        let head = handshake::switching(offer, protocol);
        self.requests.remove(request);
        if let Some(server) = self.servers.get_mut(server_key) {
            server.open += 1;
        }
        let connection = self.connections.get_mut(key).ok_or(Error::Stale("request"))?;
        connection.state = State::Open;
        connection.opened = true;
        connection.since = reactor.now();
        let sent = connection.send(&[&head]);
        reactor.push(Event { server: server_key, kind: EventKind::Open { conn: key } });
        if sent == Sent::Blocked {
            self.watch_writing(reactor, key);
        }
        self.go_on_reading(reactor, key);
        self.arm(reactor, key);
        Ok(key)
    }

    /// The connection on which a request waits for its answer.
    fn asked(&self, request: RequestKey) -> Result<(ConnKey, &Connection, &Asked), Error> {
        let stale = Error::Stale("request");
        let Some(&key) = self.requests.get(request) else { return Err(stale) };
        match self.connections.get(key) {
            Some(connection) => match &connection.state {
                State::Asked(asked) => Ok((key, connection, asked)),
                _ => Err(stale),
            },
            None => Err(stale),
        }
    }
}

fn thaw(input: Bytes) -> BytesMut {
    input.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&*shared))
}
