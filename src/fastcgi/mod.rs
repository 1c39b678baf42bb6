//! The FastCGI client: requests in, answers out, over pools of connections.
//!
//! Sources: the FastCGI specification 1.0 (1996), RFC 3875 for the response head, and php-fpm 8 where it
//! differs. `docs/fastcgi.md` states the promises: retry, deadlines, cancellation.

mod client;
mod closing;
mod connection;
mod error;
mod exchange;
mod fpm;
mod opening;
mod options;
mod params;
mod pool;
mod record;
mod request;
mod response;
mod traffic;
mod upstream;

pub use client::Commands;
pub use error::{Error, Phase};
pub use fpm::{Fpm, FpmError, FpmOptions};
pub use options::{Balance, ClientOptions, ClientStats, UpstreamStats};
pub use params::Pairs;
pub use pool::FastCgi;
#[cfg(feature = "capi")]
pub(crate) use record::MAX_CONTENT;
pub use request::{MAX_PAIR, Request, RequestBuilder, Role};
pub use response::{Head, MAX_HEAD, Response};

/// What reads bytes from the wire, for the tests of its properties.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod wire {
    pub use super::params::{ParamsEncoder, decode as decode_pairs};
    pub use super::record::{Decoder, Item};
    pub use super::response::HeadParser;
}

use bytes::Bytes;

slotmap::new_key_type! {
    /// A client: one or more upstreams and the connections to them.
    pub struct ClientKey;
    /// A request from `send` until its final event (done or failed) has been taken.
    pub struct RequestKey;
}

/// The index of this source in the reactor.
pub(crate) const SOURCE: u8 = 1;

/// The body of a request.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// These bytes; their number must be the request's content length.
    Bytes(&'a [u8]),
    /// As many bytes as the request's content length says, given piece by piece: each
    /// [`EventKind::WantBody`] is answered with [`Commands::body`].
    Source,
}

/// How a request is sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct SendOptions {
    /// Total deadline, queueing included; `None`: the client's.
    pub timeout: Option<std::time::Duration>,
    /// Ask for [`EventKind::Head`].
    pub want_head: bool,
    /// Hand out the body as [`EventKind::Body`] instead of collecting it.
    pub stream_body: bool,
    /// Hand out STDERR as [`EventKind::Stderr`] instead of collecting it.
    pub stream_stderr: bool,
}

/// Something happened to a request.
#[derive(Debug)]
pub struct Event {
    /// Which one.
    pub request: RequestKey,
    /// What.
    pub kind: EventKind,
}

/// What happened. Exactly one of `Done`, `Values` and `Failed` comes, last.
#[derive(Debug)]
pub enum EventKind {
    /// The answer's head is complete.
    Head(Box<Head>),
    /// Bytes of the body.
    Body(Bytes),
    /// Bytes of STDERR.
    Stderr(Bytes),
    /// The body's source is asked for at most this many bytes; answer with [`Commands::body`].
    WantBody(usize),
    /// The answer is complete.
    Done(Box<Response>),
    /// What the server said to GET_VALUES.
    Values(Pairs),
    /// It failed.
    Failed(Box<Error>),
}

impl Event {
    /// True for the event that ends a request.
    pub fn is_final(&self) -> bool {
        matches!(self.kind, EventKind::Done(_) | EventKind::Values(_) | EventKind::Failed(_))
    }
}
