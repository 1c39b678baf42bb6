//! The client: commands, the wait queue, and which connection serves whom.

use super::error::Error;
use super::request::Request;
use super::{Body, Event, RequestKey, SendOptions};
use crate::reactor::{Reactor, Readiness, Source, Tag};
use std::time::Duration;

slotmap::new_key_type! {
    /// A client: one or more upstreams and the connections to them.
    pub struct ClientKey;
}

/// How requests are spread over several upstreams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Balance {
    /// The upstream with the fewest requests in flight; among equals the first given.
    #[default]
    LeastConnections,
    /// One after the other.
    RoundRobin,
}

/// What a client is made with.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Connections per upstream; keep it below the pool's `pm.max_children`. Default 8.
    pub max_connections: usize,
    /// Requests that may wait for a connection. Default 100,000.
    pub max_pending: usize,
    /// Reuse connections. Each pins a php-fpm worker while it is open. Default true.
    pub keep_alive: bool,
    /// An idle connection is closed after this long. Default 1 s.
    pub idle_close: Duration,
    /// Deadline for a connection to stand. Default 5 s.
    pub connect_timeout: Duration,
    /// Deadline for the first byte of the answer. Default none.
    pub first_byte_timeout: Option<Duration>,
    /// Deadline between two bytes. Default none.
    pub idle_timeout: Option<Duration>,
    /// Deadline for the whole request, queueing included. Default none.
    pub timeout: Option<Duration>,
    /// Most body and STDERR bytes of an answer that are collected (or, streamed, let through). Default 64 MiB.
    pub max_response: u64,
    /// Default least connections.
    pub balance: Balance,
    /// With several upstreams, one that refuses is left alone this long. Default 10 s.
    pub fail_timeout: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            max_connections: 8,
            max_pending: 100_000,
            keep_alive: true,
            idle_close: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: None,
            idle_timeout: None,
            timeout: None,
            max_response: 64 * 1024 * 1024,
            balance: Balance::LeastConnections,
            fail_timeout: Duration::from_secs(10),
        }
    }
}

/// Counters of a client.
#[derive(Debug, Clone, Default)]
pub struct ClientStats {
    /// Requests accepted by `send`.
    pub sent: u64,
    /// Requests answered.
    pub done: u64,
    /// Requests that failed, cancelled ones included.
    pub failed: u64,
    /// Requests waiting for a connection now.
    pub waiting: usize,
    /// Requests on a connection now.
    pub active: usize,
    /// Connections idle now.
    pub idle: usize,
    /// Connections opened.
    pub connects: u64,
    /// Requests sent on a connection that had served another.
    pub reused: u64,
    /// Requests sent a second time.
    pub retried: u64,
    /// Each upstream, in the order given.
    pub upstreams: Vec<UpstreamStats>,
}

/// Counters of an upstream.
#[derive(Debug, Clone)]
pub struct UpstreamStats {
    /// Its address as it was given.
    pub address: String,
    /// Requests on a connection to it now.
    pub active: usize,
    /// Idle connections to it now.
    pub idle: usize,
    /// Connections opened.
    pub connects: u64,
    /// Connections that could not be made.
    pub refused: u64,
    /// True while it is left alone after a refusal.
    pub down: bool,
}

/// All FastCGI clients of a loop.
#[derive(Default)]
pub struct FastCgi {}

impl FastCgi {
    pub(crate) fn pending(&self) -> usize {
        0
    }

    pub(crate) fn taken(&mut self, _event: &Event) {}
}

/// The FastCGI commands of a loop.
pub struct Commands<'a, E> {
    state: &'a mut FastCgi,
    reactor: &'a mut Reactor<E>,
}

impl<'a, E: From<Event>> Commands<'a, E> {
    pub(crate) fn new(state: &'a mut FastCgi, reactor: &'a mut Reactor<E>) -> Self {
        Commands { state, reactor }
    }

    /// Makes a client for one or more upstream addresses: `unix:/run/php/fpm.sock`, `/run/php/fpm.sock`,
    /// `tcp://127.0.0.1:9000`, `127.0.0.1:9000`, `[::1]:9000`, `tcp://name:9000`. Nothing is connected yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for no address, a bad one, or an option out of range.
    pub fn client(&mut self, addresses: &[&str], options: ClientOptions) -> Result<ClientKey, Error> {
        let _ = (addresses, options);
        Err(Error::System("not built yet".into()))
    }

    /// Sends a request, or queues it when no connection is free. Completion is always an event.
    ///
    /// # Errors
    /// [`Error::Stale`], [`Error::QueueFull`], [`Error::Invalid`] when body and content length differ.
    pub fn send(
        &mut self,
        client: ClientKey,
        request: &Request,
        body: Body<'_>,
        options: SendOptions,
    ) -> Result<RequestKey, Error> {
        let _ = (client, request, body, options);
        Err(Error::System("not built yet".into()))
    }

    /// Asks with FCGI_GET_VALUES, on a connection of its own. Ends with [`super::EventKind::Values`].
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn get_values(&mut self, client: ClientKey) -> Result<RequestKey, Error> {
        let _ = client;
        Err(Error::System("not built yet".into()))
    }

    /// Answers [`super::EventKind::WantBody`]: the next bytes of the body, or `None` for its end. The end is asked
    /// for too: a source with more bytes than the content length fails its request, like one with fewer.
    ///
    /// # Errors
    /// [`Error::Stale`]; [`Error::Invalid`] when nothing was asked for or more was given than asked for (which
    /// also fails the request).
    pub fn body(&mut self, request: RequestKey, bytes: Option<&[u8]>) -> Result<(), Error> {
        let _ = (request, bytes);
        Err(Error::System("not built yet".into()))
    }

    /// Ends a request with [`super::EventKind::Failed`] and this error; false when it has ended already. Its
    /// connection is closed: FastCGI servers know no other way, and the script notices at its next output.
    pub fn fail(&mut self, request: RequestKey, error: Error) -> bool {
        let _ = (request, error);
        false
    }

    /// [`fail`](Self::fail) with [`Error::Cancelled`].
    pub fn cancel(&mut self, request: RequestKey) -> bool {
        self.fail(request, Error::Cancelled)
    }

    /// Counters; `None` for a stale key.
    pub fn stats(&mut self, client: ClientKey) -> Option<ClientStats> {
        let _ = client;
        None
    }

    /// Cancels all requests of the client and closes its connections; false for a stale key.
    pub fn close(&mut self, client: ClientKey) -> bool {
        let _ = client;
        false
    }

    /// The client's owner is gone: its requests go on, and with the last of them it is closed.
    pub fn release(&mut self, client: ClientKey) {
        let _ = client;
    }
}

impl<E: From<Event>> Source<E> for FastCgi {
    fn ready(&mut self, _reactor: &mut Reactor<E>, _tag: Tag, _readiness: Readiness) {}
    fn expired(&mut self, _reactor: &mut Reactor<E>, _tag: Tag) {}
    fn notified(&mut self, _reactor: &mut Reactor<E>, _tag: Tag) {}
}
