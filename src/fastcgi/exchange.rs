//! One request on its way: what is still to be sent, what has come, which deadline is next.

use super::error::{Error, Phase};
use super::options::ClientOptions;
use super::record::{HEADER, Item, Kind, MAX_CONTENT, ProtocolStatus, header, put_begin, put_header, put_stream};
use super::request::{Request, Role};
use super::response::{Head, HeadParser, Response};
use super::upstream::ConnKey;
use super::{Body, ClientKey, Event, EventKind, RequestKey, SendOptions, params};
use crate::net::{Outbound, Transport};
use crate::reactor::{Reactor, TimerId};
use bytes::Bytes;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// In the queue.
    Waiting,
    /// Bound to a connection.
    Active(ConnKey),
    /// Its final event is in the event queue.
    Ended,
}

/// A body that is given piece by piece.
#[derive(Debug)]
pub struct BodySource {
    /// Bytes still to come.
    left: u64,
    /// Outstanding question, in bytes.
    asked: usize,
    /// The end has been confirmed.
    ended: bool,
    /// The last bytes wait for that, so that no script gets a body that turns out to be longer.
    held: bool,
    /// The records that follow the body.
    tail: Vec<u8>,
}

/// Bytes as they came in.
#[derive(Debug, Clone, Copy)]
pub enum Chunk<'a> {
    /// To be copied by whoever wants to keep some.
    Lent(&'a [u8]),
    /// Parts of it can be kept as they are.
    Shared(&'a Bytes),
}

impl<'a> Chunk<'a> {
    /// All of it.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Chunk::Lent(bytes) => bytes,
            Chunk::Shared(bytes) => bytes,
        }
    }

    fn part(self, range: Range<usize>) -> &'a [u8] {
        self.bytes().get(range).unwrap_or_default()
    }

    fn keep(self, range: Range<usize>) -> Bytes {
        match self {
            Chunk::Lent(_) => Bytes::copy_from_slice(self.part(range)),
            Chunk::Shared(bytes) => bytes.slice(range),
        }
    }
}

/// What one piece of input meant.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// More is to come.
    More,
    /// The answer is complete.
    Complete {
        /// From END_REQUEST.
        app_status: u32,
    },
    /// The server took the request for nothing: it may go elsewhere.
    Overloaded,
}

/// A request from `send` until its final event is taken.
#[derive(Debug)]
pub struct Exchange {
    pub client: ClientKey,
    pub stage: Stage,
    pub out: Outbound,
    /// Up to here the bytes are BEGIN_REQUEST and PARAMS: before all of them are out no script can run.
    head_len: usize,
    pub source: Option<BodySource>,
    pub safe: bool,
    /// GET_VALUES: wants a connection of its own.
    pub management: bool,
    /// Its connection may serve another request after it.
    pub keeps: bool,
    options: SendOptions,
    parser: HeadParser,
    head: Option<Head>,
    body: Vec<u8>,
    stderr: Vec<u8>,
    pub retried: bool,
    /// Bit mask of the upstreams that could not serve it.
    pub tried: u64,
    /// Why the last of them could not.
    pub refusal: Option<Error>,
    started: Instant,
    /// The last byte either way.
    last_io: Instant,
    pub got_bytes: bool,
    pub timer: Option<TimerId>,
}

impl Exchange {
    /// Encodes `request` with its body into `buffer`.
    pub fn new(
        client: ClientKey,
        request: &Request,
        body: Body<'_>,
        options: SendOptions,
        keep_alive: bool,
        mut buffer: Vec<u8>,
        now: Instant,
    ) -> Self {
        buffer.clear();
        buffer.reserve_exact(encoded_size(request, body));
        // php-fpm reads no DATA: what a filter leaves behind it takes for the next request, and closes.
        let keeps = keep_alive && request.role != Role::Filter;
        put_begin(&mut buffer, request.role as u16, keeps);
        buffer.extend_from_slice(&request.params);
        let head_len = buffer.len();
        let source = match body {
            Body::Bytes(bytes) => {
                put_stream(&mut buffer, Kind::Stdin, bytes);
                put_end_of_body(&mut buffer, request);
                None
            }
            Body::Source => {
                let mut tail = Vec::new();
                put_end_of_body(&mut tail, request);
                Some(BodySource { left: request.content_length, asked: 0, ended: false, held: false, tail })
            }
        };
        Exchange { keeps, ..Exchange::with(client, buffer, head_len, source, request.safe, options, now) }
    }

    /// Asks for the variables that FastCGI 1.0 section 4.1 names.
    pub fn get_values(client: ClientKey, now: Instant) -> Self {
        let out = params::get_values(&["FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"]);
        let head_len = out.len();
        Exchange { management: true, ..Exchange::with(client, out, head_len, None, true, SendOptions::default(), now) }
    }

    fn with(
        client: ClientKey,
        out: Vec<u8>,
        head_len: usize,
        source: Option<BodySource>,
        safe: bool,
        options: SendOptions,
        now: Instant,
    ) -> Self {
        Exchange {
            client,
            stage: Stage::Waiting,
            out: Outbound::new(out),
            head_len,
            source,
            safe,
            management: false,
            keeps: false,
            options,
            parser: HeadParser::default(),
            head: None,
            body: Vec::new(),
            stderr: Vec::new(),
            retried: false,
            tried: 0,
            refusal: None,
            started: now,
            last_io: now,
            got_bytes: false,
            timer: None,
        }
    }

    /// True when some of the body came from a source: it cannot be asked for again.
    pub fn has_used_source(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.asked > 0 || self.head_len == 0)
    }

    /// True when the kernel has not taken all of PARAMS: no script can have started.
    pub fn cannot_have_started(&self) -> bool {
        self.head_len > 0 && self.out.sent() < self.head_len
    }

    /// True when everything that the request consists of is with the kernel.
    pub fn is_sent(&self) -> bool {
        self.out.left() == 0 && self.source.as_ref().is_none_or(|source| source.ended)
    }

    /// Notes that bytes went out or came in.
    pub fn touch(&mut self, now: Instant) {
        self.last_io = now;
    }

    /// Back to the queue, to be sent from its first byte.
    pub fn rewind(&mut self) {
        self.stage = Stage::Waiting;
        self.out.rewind();
        self.got_bytes = false;
        self.parser = HeadParser::default();
        self.stderr.clear();
    }

    /// True when the source is to be asked.
    pub fn wants_source(&self) -> bool {
        (self.out.left() == 0 || self.is_held())
            && self.source.as_ref().is_some_and(|source| source.asked == 0 && !source.ended)
    }

    /// True while nothing may be sent, for the source has yet to confirm its end.
    pub fn is_held(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.held)
    }

    /// How much of the body is wanted now, if the source is to be asked: called when all that there was is sent.
    pub fn ask_source(&mut self) -> Option<usize> {
        if !self.wants_source() {
            return None;
        }
        let source = self.source.as_mut()?;
        // Asking for one more byte at the end finds a source that has more than was announced.
        source.asked = usize::try_from(source.left).unwrap_or(usize::MAX).clamp(1, MAX_CONTENT);
        Some(source.asked)
    }

    /// Takes the source's answer and sends it; what the kernel does not take goes out with the next flush. Returns how
    /// many bytes it took.
    ///
    /// # Errors
    /// [`Error::Invalid`] when nothing was asked, [`Error::Source`] when too much or too little was given.
    pub fn give(&mut self, bytes: &[u8], transport: &Transport) -> Result<usize, Error> {
        let Some(source) = self.source.as_mut().filter(|source| source.asked > 0) else {
            return Err(Error::Invalid("no body bytes were asked for".into()));
        };
        let asked = std::mem::take(&mut source.asked);
        let length = bytes.len() as u64;
        if bytes.len() > asked || length > source.left {
            return Err(Error::Source(if source.left == 0 {
                "the body's source has more bytes than the content length says".into()
            } else {
                format!("the body's source gave {length} bytes; it was asked for at most {asked}")
            }));
        }
        if bytes.is_empty() && source.left > 0 {
            return Err(Error::Source(format!(
                "the body's source ended {} bytes before the content length",
                source.left
            )));
        }
        source.left -= length;
        source.held = source.left == 0 && !bytes.is_empty();
        // What is refilled cannot be sent again.
        self.head_len = 0;
        if bytes.is_empty() {
            source.ended = true;
            self.out.refill().append(&mut source.tail);
            return Ok(0);
        }
        if source.held {
            put_stream(self.out.refill(), Kind::Stdin, bytes);
            return Ok(0);
        }
        #[allow(clippy::cast_possible_truncation, reason = "MAX_CONTENT or less was asked for")]
        let head = header(Kind::Stdin, length as u16);
        Ok(self.out.send(&head, bytes, transport))
    }

    /// The deadline that comes next, and whether it has passed is for the caller to say.
    pub fn deadline(
        &self,
        options: &ClientOptions,
        connecting_since: Option<Instant>,
    ) -> Option<(Instant, Phase, Duration)> {
        let total = self.options.timeout.or(options.timeout).map(|after| (self.started, Phase::Total, after));
        let (mut first, mut other) = (None, None);
        match (self.stage, connecting_since) {
            (Stage::Waiting | Stage::Ended, _) => {}
            (Stage::Active(_), Some(since)) => other = Some((since, Phase::Connect, options.connect_timeout)),
            (Stage::Active(_), None) => {
                let asking = self.source.as_ref().is_some_and(|source| source.asked > 0);
                if !self.got_bytes && !asking {
                    first = options.first_byte_timeout.map(|after| (self.last_io, Phase::FirstByte, after));
                }
                if self.got_bytes || !self.is_sent() {
                    other = options.idle_timeout.map(|after| (self.last_io, Phase::Idle, after));
                }
            }
        }
        [total, first, other]
            .into_iter()
            .flatten()
            .filter_map(|(from, phase, after)| Some((from.checked_add(after)?, phase, after)))
            .min_by_key(|(at, ..)| *at)
    }

    /// Takes one decoded item of `chunk`.
    ///
    /// # Errors
    /// [`Error::Protocol`] for a bad head, an answer above the limit, a status other than complete.
    pub fn receive<E: From<Event>>(
        &mut self,
        key: RequestKey,
        item: Item,
        chunk: Chunk,
        max_response: u64,
        reactor: &mut Reactor<E>,
    ) -> Result<Received, Error> {
        match item {
            Item::Stdout(range) => self.stdout(key, range, chunk, max_response, reactor).map(|()| Received::More),
            Item::Stderr(range) => {
                if self.options.stream_stderr {
                    reactor.push(Event { request: key, kind: EventKind::Stderr(chunk.keep(range)) });
                    return Ok(Received::More);
                }
                self.check_size(range.len(), max_response)?;
                self.stderr.extend_from_slice(chunk.part(range));
                Ok(Received::More)
            }
            Item::End { app_status, protocol_status: ProtocolStatus::RequestComplete } => {
                if self.head.is_none() {
                    let head = self.parser.finish()?;
                    self.set_head(key, head, reactor);
                }
                Ok(Received::Complete { app_status })
            }
            Item::End { protocol_status: ProtocolStatus::Overloaded, .. }
                if self.head.is_none() && self.parser.is_empty() =>
            {
                Ok(Received::Overloaded)
            }
            Item::End { protocol_status, .. } => Err(Error::Protocol(
                match protocol_status {
                    ProtocolStatus::CantMultiplex => "the server refused: it serves one request per connection",
                    ProtocolStatus::UnknownRole => "the server does not know the role asked for",
                    _ => "the server gave the request up: it is overloaded",
                }
                .into(),
            )),
            Item::Values(_) => {
                Err(Error::Protocol("the server sent GET_VALUES_RESULT, which was not asked for".into()))
            }
        }
    }

    fn stdout<E: From<Event>>(
        &mut self,
        key: RequestKey,
        mut range: Range<usize>,
        chunk: Chunk,
        max_response: u64,
        reactor: &mut Reactor<E>,
    ) -> Result<(), Error> {
        if self.head.is_none() {
            let Some((head, used)) = self.parser.feed(chunk.part(range.clone()))? else {
                return Ok(());
            };
            self.set_head(key, head, reactor);
            range.start += used;
        }
        if range.is_empty() {
            return Ok(());
        }
        if self.options.stream_body {
            reactor.push(Event { request: key, kind: EventKind::Body(chunk.keep(range)) });
            return Ok(());
        }
        self.check_size(range.len(), max_response)?;
        self.body.extend_from_slice(chunk.part(range));
        Ok(())
    }

    fn set_head<E: From<Event>>(&mut self, key: RequestKey, head: Head, reactor: &mut Reactor<E>) {
        if self.options.want_head {
            reactor.push(Event { request: key, kind: EventKind::Head(Box::new(head.clone())) });
        }
        self.head = Some(head);
    }

    fn check_size(&self, more: usize, max_response: u64) -> Result<(), Error> {
        if (self.body.len() + self.stderr.len() + more) as u64 > max_response {
            return Err(Error::Protocol(format!(
                "the answer is larger than the {max_response} bytes allowed (maxResponse)"
            )));
        }
        Ok(())
    }

    /// The whole answer; leaves nothing behind.
    pub fn finish(&mut self, app_status: u32, now: Instant) -> Response {
        Response {
            head: self.head.take().unwrap_or_else(Head::empty),
            body: std::mem::take(&mut self.body),
            stderr: std::mem::take(&mut self.stderr),
            app_status,
            duration: now.saturating_duration_since(self.started),
        }
    }

    /// Lets go of everything that a request which has ended does not need, and gives its buffer back.
    pub fn end(&mut self) -> Vec<u8> {
        self.stage = Stage::Ended;
        self.body = Vec::new();
        self.stderr = Vec::new();
        self.parser = HeadParser::default();
        self.head = None;
        std::mem::take(&mut self.out).into_inner()
    }
}

/// Bytes that BEGIN_REQUEST, PARAMS and the body's records take, so that a waiting request holds no more.
fn encoded_size(request: &Request, body: Body<'_>) -> usize {
    let stream = |length: usize| length + HEADER * (length.div_ceil(MAX_CONTENT) + 1);
    2 * HEADER
        + request.params.len()
        + match body {
            Body::Bytes(bytes) => stream(bytes.len()) + stream(request.data.len()),
            Body::Source => 0,
        }
}

/// Ends STDIN, and for a filter DATA; an authorizer has neither.
fn put_end_of_body(buffer: &mut Vec<u8>, request: &Request) {
    if request.role != Role::Authorizer {
        put_header(buffer, Kind::Stdin, 0);
    }
    if request.role == Role::Filter {
        put_stream(buffer, Kind::Data, &request.data);
        put_header(buffer, Kind::Data, 0);
    }
}
