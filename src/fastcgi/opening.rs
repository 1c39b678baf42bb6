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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::fastcgi::upstream::Upstream;
    use crate::fastcgi::{Body, ClientOptions, Commands, EventKind, Phase, Request, SendOptions};
    use crate::net::Lookup;
    use socket2::{Domain, Socket, Type};
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::thread::JoinHandle;
    use std::time::Instant;

    /// The core, without a loop around it.
    struct Core {
        reactor: Reactor<Event>,
        fastcgi: FastCgi,
        client: ClientKey,
    }

    impl Core {
        /// A client of `localhost`.
        fn new(port: u16, options: ClientOptions) -> Core {
            let (mut reactor, mut fastcgi) = (Reactor::new().unwrap(), FastCgi::default());
            let address = format!("tcp://localhost:{port}");
            let client = Commands::new(&mut fastcgi, &mut reactor).client(&[&address], options).unwrap();
            Core { reactor, fastcgi, client }
        }

        fn upstream(&mut self) -> &mut Upstream {
            self.fastcgi.upstream(self.client, 0).unwrap()
        }

        fn send(&mut self) {
            let request = Request::builder("/srv/a.php").build().unwrap();
            let mut commands = Commands::new(&mut self.fastcgi, &mut self.reactor);
            commands.send(self.client, &request, Body::Bytes(b""), SendOptions::default()).unwrap();
        }

        /// How the request ends.
        fn end(&mut self) -> EventKind {
            let begun = Instant::now();
            loop {
                if let Some(event) = self.reactor.pop() {
                    return event.kind;
                }
                assert!(begun.elapsed() < Duration::from_secs(60), "hung");
                let mut other = FastCgi::default();
                let _ = self.reactor.turn(Some(Duration::from_millis(100)), &mut [&mut other, &mut self.fastcgi]);
            }
        }
    }

    /// A server that answers one request.
    fn server() -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream.write_all(&[1, 6, 0, 1, 0, 6, 0, 0, b'\r', b'\n', b'f', b'i', b'n', b'e']).unwrap();
            stream.write_all(&[1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        });
        (address, thread)
    }

    /// An address that refuses, while the socket lives: nobody else can have it, and nobody listens.
    fn refusing() -> (SocketAddr, Socket) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        (socket.local_addr().unwrap().as_socket().unwrap(), socket)
    }

    #[test]
    fn the_next_address_of_a_name_serves_when_one_refuses() {
        let (serving, thread) = server();
        let (refuses, _socket) = refusing();
        let mut core = Core::new(9, ClientOptions::default());
        core.upstream().set_resolved(vec![refuses, refuses, serving], Instant::now());
        core.send();
        assert!(matches!(core.end(), EventKind::Done(response) if response.body == b"fine"));
        thread.join().unwrap();
        assert_eq!((core.upstream().connects, core.upstream().refused), (1, 0));
    }

    #[test]
    fn a_name_all_of_whose_addresses_refuse_has_refused_once() {
        let (refuses, _socket) = refusing();
        let mut core = Core::new(9, ClientOptions::default());
        core.upstream().set_resolved(vec![refuses, refuses], Instant::now());
        core.send();
        let EventKind::Failed(error) = core.end() else { panic!("not a failure") };
        assert!(matches!(&*error, Error::Connect { address, .. } if address == "tcp://localhost:9"), "{error}");
        assert_eq!((core.upstream().connects, core.upstream().refused), (0, 1));
    }

    #[test]
    fn sending_does_not_wait_for_a_look_up() {
        let (serving, thread) = server();
        let mut core = Core::new(serving.port(), ClientOptions::default());
        core.send();
        // Only a turn takes the outcome, so none can have been taken yet.
        assert!(core.upstream().lookup.is_some());
        assert!(core.fastcgi.connections.values().all(|connection| matches!(connection.state, State::Resolving)));
        assert!(matches!(core.end(), EventKind::Done(response) if response.body == b"fine"));
        assert!(core.upstream().lookup.is_none());
        thread.join().unwrap();
    }

    #[test]
    fn a_look_up_counts_towards_the_connect_deadline() {
        let after = Duration::from_millis(20);
        let mut core = Core::new(9, ClientOptions { connect_timeout: after, ..ClientOptions::default() });
        core.upstream().lookup = Some(Lookup::endless());
        core.send();
        let EventKind::Failed(error) = core.end() else { panic!("not a failure") };
        assert!(
            matches!(&*error, Error::Timeout { phase: Phase::Connect, after: told, .. } if *told == after),
            "{error}"
        );
        assert!(core.fastcgi.connections.is_empty());
    }
}
