//! The life of a hijacked stream: opened, bytes both ways, half closed.

use super::connection::{ConnKey, Owner};
use super::engine::Docker;
use super::error::Error;
use super::exchange::{ExchangeKey, Job, StreamStep};
use super::frame::{Demux, Item, Joiner};
use super::options::{AttachOptions, ExecOptions};
use super::stream::{Sink, Stage, Stream, Target};
use super::traffic::End;
use super::{ClientKey, Event, StreamEvent, StreamKey};
use crate::http::{self, Body, Head};
use crate::reactor::Reactor;
use bytes::Bytes;

/// An idle stream keeps no larger buffer than this.
const KEEP_BUFFER: usize = 4096;
/// The end of input of a terminal: closing its connection would cut the output off.
const END_OF_TRANSMISSION: u8 = 4;

impl Docker {
    /// Begins an exec.
    pub(super) fn begin_exec<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        client: ClientKey,
        options: ExecOptions,
        sink: Sink,
        marker: String,
    ) -> StreamKey {
        let stream = Stream::new(client, Target::Exec(Box::new(options)), sink, marker);
        self.begin_stream(reactor, stream, StreamStep::Create)
    }

    pub(super) fn begin_attach<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        client: ClientKey,
        options: AttachOptions,
    ) -> StreamKey {
        let stream = Stream::new(client, Target::Container(Box::new(options)), Sink::User, String::new());
        self.begin_stream(reactor, stream, StreamStep::Target)
    }

    fn begin_stream<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        stream: Stream,
        step: StreamStep,
    ) -> StreamKey {
        if let Some(client) = self.clients.get_mut(stream.client) {
            client.live += 1;
        }
        self.internal += usize::from(stream.sink != Sink::User);
        let key = self.streams.insert(stream);
        self.step(reactor, key, step);
        key
    }

    pub(super) fn step<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey, step: StreamStep) {
        let Some(client) = self.streams.get(key).map(|stream| stream.client) else { return };
        let exchange = self.begin(reactor, client, Job::Stream(key, step), None);
        if let Some(stream) = self.streams.get_mut(key).filter(|stream| stream.stage != Stage::Ended) {
            stream.exchange = exchange;
        }
    }

    /// The answer to start or attach: the connection is the stream's from now on.
    pub(super) fn take_over<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        conn_key: ConnKey,
        exchange: ExchangeKey,
        head: &Head,
        body: Body,
        rest: &Bytes,
    ) {
        let Some(Job::Stream(key, _)) = self.exchanges.get(exchange).map(|exchange| exchange.job) else { return };
        self.handed_over(reactor, exchange);
        let (Some(connection), Some(stream)) = (self.connections.get_mut(conn_key), self.streams.get_mut(key)) else {
            return self.discard(reactor, conn_key);
        };
        connection.owner = Owner::Stream(key);
        stream.stage = Stage::Open(conn_key);
        stream.exchange = None;
        stream.forget_command();
        // Engines name the framing only since API 1.42 and only on a real upgrade; before, the terminal decides.
        let multiplexed = head.field("content-type") == Some(b"application/vnd.docker.multiplexed-stream");
        let framed = multiplexed || !stream.tty;
        stream.demux = framed.then(|| match stream.is_podmans_log {
            true => Demux::with_stray_line_ends(),
            false => Demux::default(),
        });
        let over = body.is_complete();
        stream.body = Some(body);
        if stream.sink == Sink::User {
            let kind = StreamEvent::Opened { id: stream.id.clone(), upgraded: head.status() == 101 };
            reactor.push(Event::Stream { stream: key, kind });
        }
        let waiting = std::mem::take(&mut stream.waiting);
        for call in waiting {
            self.stream_opened_for(reactor, call, key);
        }
        self.end_input(reactor, key);
        self.flush(reactor, conn_key);
        self.resize_now(reactor, key);
        if over {
            return self.stream_ended(reactor, key, End::Clean);
        }
        if !rest.is_empty() {
            self.stream_input(reactor, key, rest);
        }
    }

    /// Bytes of an open stream.
    pub(super) fn stream_input<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey, chunk: &Bytes) {
        if let Some(stream) = self.streams.get_mut(key) {
            stream.read_at = Some(reactor.now());
        }
        let mut at = 0;
        loop {
            let Some(Stream { body: Some(body), stage: Stage::Open(_), .. }) = self.streams.get_mut(key) else {
                return;
            };
            let result = match body.next(chunk, &mut at) {
                Ok(None) => return,
                Ok(Some(http::Item::Data(range))) => self.deliver(reactor, key, chunk.slice(range)),
                Ok(Some(http::Item::End)) => return self.stream_ended(reactor, key, End::Clean),
                Err(error) => Err(error.into()),
            };
            if let Err(error) = result {
                return self.finish_stream(reactor, key, Err(error));
            }
        }
    }

    /// Hands the stream's bytes to whom they are for.
    fn deliver<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey, chunk: Bytes) -> Result<(), Error> {
        let Some(stream) = self.streams.get_mut(key) else { return Ok(()) };
        let sink = stream.sink;
        let Some(demux) = &mut stream.demux else {
            stream.detached.look(&chunk);
            self.output(reactor, key, sink, 1, chunk);
            return Ok(());
        };
        // A pause puts small pieces together by itself.
        let join = !stream.paused;
        // Out of the stream while its pieces are handed on.
        let mut demux = std::mem::take(demux);
        let mut at = 0;
        let result = loop {
            let item = demux.next(&chunk, &mut at);
            let small = |joiner: &mut Joiner| {
                join && matches!(&item, Ok(Some(Item::Output(stream, range))) if joiner.takes(*stream, &chunk, range))
            };
            if small(&mut self.joiner) {
                continue;
            }
            if let Some((stream, bytes)) = self.joiner.end() {
                self.output(reactor, key, sink, stream, bytes);
                if small(&mut self.joiner) {
                    continue;
                }
            }
            match item {
                Ok(None) => break Ok(()),
                Ok(Some(Item::Output(stream, range))) => self.output(reactor, key, sink, stream, chunk.slice(range)),
                Ok(Some(Item::Failure(message))) => break Err(Error::Api { status: 200, message }),
                Err(error) => break Err(error),
            }
        };
        if let Some(stream) = self.streams.get_mut(key) {
            stream.demux = Some(demux);
        }
        result
    }

    fn output<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
        sink: Sink,
        stream: u8,
        bytes: Bytes,
    ) {
        match sink {
            Sink::User => reactor.push(Event::Stream { stream: key, kind: StreamEvent::Output { bytes, stream } }),
            Sink::Run(call) => self.run_output(reactor, call, stream, &bytes),
            Sink::Kill(call) => self.kill_output(call, &bytes),
        }
    }

    /// Writes to the process. Returns how many bytes wait to be sent.
    pub(super) fn write<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
        bytes: &[u8],
    ) -> Result<usize, Error> {
        let stream = self.streams.get_mut(key).ok_or(Error::Stale("stream"))?;
        if !stream.accepts(bytes.len())? {
            return Ok(0);
        }
        self.send(reactor, key, bytes);
        Ok(self.streams.get(key).map_or(0, |stream| stream.out.left()))
    }

    /// Sends straight from the caller's bytes what the kernel takes now; the rest waits.
    fn send<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey, bytes: &[u8]) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let mut rest = bytes;
        if let Stage::Open(conn_key) = stream.stage
            && stream.out.left() == 0
            && let Some((wire, registration)) = self.connections.get_mut(conn_key).and_then(|c| c.wire.as_mut())
        {
            while !rest.is_empty() {
                match wire.send(rest) {
                    Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                    Err(_) => {
                        stream.input_is_gone();
                        return reactor.again(*registration);
                    }
                }
            }
        }
        stream.out.push(rest);
        stream.above |= stream.out.left() > stream.limits().high_watermark;
        if let Stage::Open(conn_key) = stream.stage {
            self.watch_for_room(reactor, conn_key);
        }
    }

    /// Some of what waited has been sent.
    pub(super) fn sent<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey) {
        if let Some(stream) = self.streams.get_mut(key) {
            stream.out.trim(KEEP_BUFFER);
        }
        self.drained(reactor, key);
        self.end_input(reactor, key);
    }

    /// Tells a program that wrote too much that it may go on, if it may.
    pub(super) fn drained<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        if stream.above && stream.out.left() <= stream.limits().low_watermark {
            stream.above = false;
            if stream.sink == Sink::User {
                reactor.push(Event::Stream { stream: key, kind: StreamEvent::Drain });
            }
        }
    }

    /// Ends the process's input.
    pub(super) fn close_stdin<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
    ) -> Result<(), Error> {
        let stream = self.streams.get_mut(key).ok_or(Error::Stale("stream"))?;
        if stream.input_ended {
            return Ok(());
        }
        stream.accepts(0)?;
        stream.input_ended = true;
        self.end_input(reactor, key);
        Ok(())
    }

    /// Tells the process that its input has ended, once the stream is open and everything before is sent.
    fn end_input<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let Stage::Open(conn_key) = stream.stage else { return };
        if !stream.input_ended || stream.input_end_sent {
            return;
        }
        if stream.tty {
            stream.input_end_sent = true;
            return self.send(reactor, key, &[END_OF_TRANSMISSION]);
        }
        if stream.out.left() > 0 {
            return;
        }
        stream.input_end_sent = true;
        if let Some((wire, _)) = self.connections.get_mut(conn_key).and_then(|c| c.wire.as_mut()) {
            // A connection that cannot be half closed has ended; reading tells.
            let _ = wire.close_write();
        }
        self.watch_for_room(reactor, conn_key);
    }

    /// Holds output back; `ahead`: up to the stream's limit it is read nevertheless.
    pub(super) fn pause<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
        ahead: bool,
    ) -> Result<(), Error> {
        let stream = self.streams.get_mut(key).ok_or(Error::Stale("stream"))?;
        let goes_on = stream.paused && ahead && !stream.reads_ahead;
        (stream.paused, stream.reads_ahead) = (true, ahead);
        if goes_on {
            self.read_on(reactor, key);
        }
        Ok(())
    }

    /// What has come while the connection was not read is looked at in the next turn.
    fn read_on<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey) {
        if let Some(Stage::Open(conn_key)) = self.streams.get(key).map(|stream| stream.stage)
            && let Some((_, registration)) = self.connections.get(conn_key).and_then(|c| c.wire.as_ref())
        {
            reactor.again(*registration);
        }
    }

    pub(super) fn resume<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey) -> Result<(), Error> {
        let stream = self.streams.get_mut(key).ok_or(Error::Stale("stream"))?;
        if !std::mem::take(&mut stream.paused) {
            return Ok(());
        }
        // One place in the queue for each event that is held.
        for _ in 0..stream.held() {
            reactor.push(Event::Stream { stream: key, kind: StreamEvent::Output { bytes: Bytes::new(), stream: 1 } });
        }
        self.read_on(reactor, key);
        Ok(())
    }
}
