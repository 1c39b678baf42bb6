//! The commands: what a program may ask of the FastCGI clients of a loop.

use super::error::Error;
use super::exchange::Exchange;
use super::options::{ClientOptions, ClientStats};
use super::pool::FastCgi;
use super::request::Request;
use super::upstream::Upstream;
use super::{Body, ClientKey, Event, RequestKey, SendOptions};
use crate::net::Address;
use crate::reactor::Reactor;
use std::time::Duration;

/// Upstreams that one client may have.
const MAX_UPSTREAMS: usize = 64;
/// No deadline lies further away than this; longer ones are refused rather than silently cut.
const MAX_TIMEOUT: Duration = Duration::from_secs(366 * 24 * 3600);

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
    /// [`Error::Invalid`] for no address, more than 64, a bad one, or an option out of range.
    pub fn client(&mut self, addresses: &[&str], options: ClientOptions) -> Result<ClientKey, Error> {
        if addresses.is_empty() || addresses.len() > MAX_UPSTREAMS {
            return Err(Error::Invalid(format!("{} addresses given; expected 1 to {MAX_UPSTREAMS}", addresses.len())));
        }
        let upstreams = addresses
            .iter()
            .map(|text| match Address::parse(text) {
                Ok(address) => Ok(Upstream::new(address, text)),
                Err(error) => Err(Error::Invalid(error.to_string())),
            })
            .collect::<Result<Vec<_>, Error>>()?;
        check(&options)?;
        Ok(self.state.add_client(upstreams, options))
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
        if let Body::Bytes(bytes) = body
            && bytes.len() as u64 != request.content_length()
        {
            return Err(Error::Invalid(format!(
                "the body has {} bytes; the request's content length says {}",
                bytes.len(),
                request.content_length()
            )));
        }
        check_timeout("timeout", options.timeout)?;
        let now = self.reactor.refresh_now();
        let keep_alive = self.state.accept(client)?;
        let buffer = self.state.spare_buffer();
        let exchange = Exchange::new(client, request, body, options, keep_alive, buffer, now);
        Ok(self.state.enqueue(self.reactor, client, exchange))
    }

    /// Asks with FCGI_GET_VALUES, on a connection of its own. Ends with [`super::EventKind::Values`].
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn get_values(&mut self, client: ClientKey) -> Result<RequestKey, Error> {
        let now = self.reactor.refresh_now();
        self.state.accept(client)?;
        Ok(self.state.enqueue(self.reactor, client, Exchange::get_values(client, now)))
    }

    /// Answers [`super::EventKind::WantBody`]: the next bytes of the body, or `None` (or no bytes) for its end. The
    /// end is asked for too: a source with more bytes than the content length fails its request, like one with fewer.
    ///
    /// # Errors
    /// [`Error::Stale`]; [`Error::Invalid`] when nothing was asked for or the bytes are too many or too few, which
    /// also fails the request.
    pub fn body(&mut self, request: RequestKey, bytes: Option<&[u8]>) -> Result<(), Error> {
        self.reactor.refresh_now();
        self.state.give_body(self.reactor, request, bytes.unwrap_or_default())
    }

    /// Ends a request with [`super::EventKind::Failed`] and this error; false when it has ended already. Its
    /// connection is closed: php-fpm knows no other way, and the script notices at its next output.
    pub fn fail(&mut self, request: RequestKey, error: Error) -> bool {
        self.reactor.refresh_now();
        self.state.abandon(self.reactor, request, error)
    }

    /// [`fail`](Self::fail) with [`Error::Cancelled`].
    pub fn cancel(&mut self, request: RequestKey) -> bool {
        self.fail(request, Error::Cancelled)
    }

    /// Counters; `None` for a stale key.
    pub fn stats(&mut self, client: ClientKey) -> Option<ClientStats> {
        let now = self.reactor.refresh_now();
        self.state.stats(client, now)
    }

    /// Cancels all requests of the client and closes its connections; false for a stale key.
    pub fn close(&mut self, client: ClientKey) -> bool {
        self.reactor.refresh_now();
        self.state.close(self.reactor, client)
    }

    /// The client's owner is gone: its requests go on, and with the last of them it is closed.
    pub fn release(&mut self, client: ClientKey) {
        self.state.release(self.reactor, client);
    }
}

fn check(options: &ClientOptions) -> Result<(), Error> {
    if options.max_connections == 0 {
        return Err(Error::Invalid("maxConnections is 0; expected at least 1".into()));
    }
    if options.max_pending == 0 {
        return Err(Error::Invalid("maxPending is 0; expected at least 1".into()));
    }
    check_timeout("idleClose", Some(options.idle_close))?;
    check_timeout("connectTimeout", Some(options.connect_timeout))?;
    check_timeout("firstByteTimeout", options.first_byte_timeout)?;
    check_timeout("idleTimeout", options.idle_timeout)?;
    check_timeout("timeout", options.timeout)?;
    check_timeout("failTimeout", Some(options.fail_timeout))
}

fn check_timeout(name: &str, timeout: Option<Duration>) -> Result<(), Error> {
    match timeout {
        Some(timeout) if timeout > MAX_TIMEOUT => {
            Err(Error::Invalid(format!("{name} is {} s; expected at most a year", timeout.as_secs())))
        }
        _ => Ok(()),
    }
}
