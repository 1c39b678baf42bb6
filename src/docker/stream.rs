//! A hijacked stream: what is known of it, what waits to be sent, what a pause holds back.

use super::connection::ConnKey;
use super::detach::Detached;
use super::error::Error;
use super::exchange::ExchangeKey;
use super::frame::Demux;
use super::options::{AttachOptions, ExecOptions, Limits};
use super::resize::Resize;
use super::{CallKey, ClientKey, StreamEvent};
use crate::http::Body;
use crate::net::Outbound;
use crate::reactor::TimerId;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::Instant;

/// Pieces of held output grow up to this size.
const HELD_PIECE: usize = 4 * 1024;

/// What the stream leads to.
#[derive(Debug)]
pub enum Target {
    Exec(Box<ExecOptions>),
    Container(Box<AttachOptions>),
}

/// Who gets what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// The program, as events.
    User,
    /// A command that is run to its end.
    Run(CallKey),
    /// A kill: the stream is its helper's.
    Kill(CallKey),
}

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It is being created and started.
    Preparing,
    /// Bytes flow.
    Open(ConnKey),
    /// It has ended; the exit code is being asked for.
    Exiting,
    /// Its final event is in the queue, or held.
    Ended,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    pub code: Option<i64>,
    pub truncated: bool,
}

/// A stream from its command until its final event is taken.
#[derive(Debug)]
pub struct Stream {
    pub client: ClientKey,
    pub target: Target,
    pub sink: Sink,
    pub stage: Stage,
    /// The step under way.
    pub exchange: Option<ExchangeKey>,
    /// The exec's id, or the container's; empty until known.
    pub id: String,
    /// What the environment of the exec's processes holds.
    pub marker: String,
    pub tty: bool,
    pub stdin: bool,
    pub out: Outbound,
    /// More than the high watermark waits; a drain event is owed.
    pub above: bool,
    /// The program has ended the input.
    pub input_ended: bool,
    /// And the peer has been told.
    pub input_end_sent: bool,
    /// The peer takes no more.
    input_gone: bool,
    pub body: Option<Body>,
    pub demux: Option<Demux>,
    /// Of a terminal.
    pub detached: Detached,
    /// It begins with a log that podman sends.
    pub is_podmans_log: bool,
    pub paused: bool,
    /// A pause still takes in what its limit allows.
    pub reads_ahead: bool,
    /// When bytes last came.
    pub read_at: Option<Instant>,
    /// The program has closed it.
    pub closed: bool,
    held: VecDeque<(u8, BytesMut)>,
    /// Their memory.
    held_bytes: usize,
    held_final: Option<StreamEvent>,
    pub truncated: bool,
    /// It has ended with the process's exit code.
    pub exited: bool,
    /// How the connection broke, when it did not end.
    pub broken: Option<String>,
    /// When bytes ceased to flow, and how often the exit code was asked for since.
    pub exiting_since: Option<Instant>,
    pub exit_tries: u32,
    pub timer: Option<TimerId>,
    pub resize: Resize,
    /// Calls that wait for the stream to open.
    pub waiting: Vec<CallKey>,
}

impl Stream {
    pub fn new(client: ClientKey, target: Target, sink: Sink, marker: String) -> Self {
        let (tty, stdin, resize) = match &target {
            Target::Exec(options) => (options.tty, options.stdin, Resize::new(options.tty.then_some(options.size))),
            Target::Container(options) => (false, options.stdin, Resize::new(None)),
        };
        Stream {
            client,
            target,
            sink,
            stage: Stage::Preparing,
            exchange: None,
            id: String::new(),
            marker,
            tty,
            stdin,
            out: Outbound::default(),
            above: false,
            input_ended: false,
            input_end_sent: false,
            input_gone: false,
            body: None,
            demux: None,
            is_podmans_log: false,
            paused: false,
            reads_ahead: true,
            read_at: None,
            closed: false,
            held: VecDeque::new(),
            held_bytes: 0,
            held_final: None,
            detached: Detached::default(),
            truncated: false,
            exited: false,
            broken: None,
            exiting_since: None,
            exit_tries: 0,
            timer: None,
            resize,
            waiting: Vec::new(),
        }
    }

    pub fn limits(&self) -> Limits {
        match &self.target {
            Target::Exec(options) => options.limits,
            Target::Container(options) => options.limits,
        }
    }

    /// The id of an attached container, once it is known: another may have got its name since. Before: the name.
    pub fn container_id(&self) -> &str {
        match &self.target {
            Target::Container(options) if self.id.is_empty() => &options.container,
            _ => &self.id,
        }
    }

    /// Lets go of what only the start needed.
    pub fn forget_command(&mut self) {
        if let Target::Exec(options) = &mut self.target {
            options.command = Vec::new();
            options.env = Vec::new();
        }
    }

    /// May bytes be written? False: they are lost, for the process has gone.
    ///
    /// # Errors
    /// Why not.
    pub fn accepts(&self, length: usize) -> Result<bool, Error> {
        if !self.stdin {
            return Err(Error::Invalid("the stream was opened without standard input (stdin)".into()));
        }
        if self.closed {
            return Err(Error::Closed("the stream was closed".into()));
        }
        if self.input_ended {
            return Err(Error::Closed("the standard input was closed".into()));
        }
        if self.input_gone || matches!(self.stage, Stage::Exiting | Stage::Ended) {
            return Ok(false);
        }
        let (waiting, limit) = (self.out.left(), self.limits().max_buffered);
        if waiting.saturating_add(length) > limit {
            return Err(Error::QueueFull { waiting, limit });
        }
        Ok(true)
    }

    /// The peer reads no more: what waits is dropped, what comes is lost.
    pub fn input_is_gone(&mut self) {
        self.input_gone = true;
        self.out = Outbound::default();
    }

    /// True when more has to come: of a frame, or of the answer that its head announced.
    pub fn is_mid_way(&self) -> bool {
        let body = self.body.as_ref().is_some_and(|body| !body.is_to_end() && !body.is_complete());
        body || self.demux.as_ref().is_some_and(Demux::is_mid_frame)
    }

    /// How much more a pause may keep; `None` without a pause.
    pub fn pause_room(&self) -> Option<usize> {
        let list = self.held.capacity() * PLACE;
        self.paused.then(|| {
            let limit = if self.reads_ahead { self.limits().pause_buffer } else { 0 };
            // A part is left for what grows before it is counted: the list, the last piece, the queue of events.
            (limit - limit / 64).saturating_sub(self.held_bytes + list)
        })
    }

    /// Drops what a pause holds; the ending, if it is held, comes back.
    pub fn drop_held(&mut self) -> Option<StreamEvent> {
        self.held = VecDeque::new();
        self.held_bytes = 0;
        self.held_final.take()
    }

    /// How many events a pause holds.
    pub fn held(&self) -> usize {
        self.held.len() + usize::from(self.held_final.is_some())
    }

    /// An event comes out of the queue; what goes to the program instead of it. What is held goes first. Events
    /// of no bytes stand in the queue for those that are held.
    pub fn taken(&mut self, kind: StreamEvent) -> Option<StreamEvent> {
        match kind {
            StreamEvent::Output { bytes, stream } => {
                if self.closed {
                    return None;
                }
                if !bytes.is_empty() {
                    if !self.paused && self.held.is_empty() {
                        return Some(StreamEvent::Output { bytes, stream });
                    }
                    self.hold(stream, &bytes);
                }
            }
            StreamEvent::Exited { .. } | StreamEvent::Failed(_) if !self.closed && !self.held.is_empty() => {
                self.held_final = Some(kind);
            }
            other => return Some(other),
        }
        if self.paused {
            return None;
        }
        match self.held.pop_front() {
            Some((stream, bytes)) => {
                self.held_bytes = self.held_bytes.saturating_sub(bytes.capacity());
                Some(StreamEvent::Output { bytes: bytes.freeze(), stream })
            }
            None => self.held_final.take(),
        }
    }

    /// Copies: the bytes are a part of a large buffer that must not stay for them.
    fn hold(&mut self, stream: u8, bytes: &Bytes) {
        match self.held.back_mut() {
            Some((last, piece)) if *last == stream && piece.len() < HELD_PIECE => {
                self.held_bytes = self.held_bytes.saturating_sub(piece.capacity());
                piece.extend_from_slice(bytes);
                self.held_bytes += piece.capacity();
            }
            _ => {
                let piece = BytesMut::from(bytes.as_ref());
                self.held_bytes += piece.capacity();
                self.held.push_back((stream, piece));
            }
        }
    }
}

/// What a held piece takes in the list: a process that writes single bytes in turn to both outputs must not hold more
/// than others.
const PLACE: usize = size_of::<(u8, BytesMut)>();

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn stream() -> Stream {
        Stream::new(ClientKey::default(), Target::Exec(Box::default()), Sink::User, String::new())
    }

    fn output(text: &'static str) -> StreamEvent {
        StreamEvent::Output { bytes: Bytes::from_static(text.as_bytes()), stream: 1 }
    }

    fn text(event: Option<StreamEvent>) -> String {
        match event {
            Some(StreamEvent::Output { bytes, .. }) => String::from_utf8(bytes.to_vec()).unwrap(),
            Some(StreamEvent::Exited { .. }) => "exit".into(),
            Some(_) => "other".into(),
            None => String::new(),
        }
    }

    #[test]
    fn what_a_pause_holds_comes_first_and_the_end_comes_last() {
        let mut it = stream();
        assert_eq!(text(it.taken(output("a"))), "a");
        it.paused = true;
        assert_eq!(text(it.taken(output("b"))), "");
        assert_eq!(text(it.taken(StreamEvent::Drain)), "other");
        it.paused = false;
        // Still in the queue: c, the end; then come the places of what is held.
        let places = it.held();
        let of_stderr = StreamEvent::Output { bytes: Bytes::from_static(b"c"), stream: 2 };
        assert_eq!(text(it.taken(of_stderr)), "b");
        assert_eq!(text(it.taken(StreamEvent::Exited { code: None, truncated: false })), "c");
        assert_eq!(places, 1);
        assert_eq!(text(it.taken(output(""))), "exit");
        assert_eq!(text(it.taken(output(""))), "");
    }

    #[test]
    fn an_end_during_a_pause_waits_for_the_output() {
        let mut it = stream();
        it.paused = true;
        assert_eq!(text(it.taken(output("a"))), "");
        assert_eq!(text(it.taken(StreamEvent::Exited { code: None, truncated: false })), "");
        assert_eq!(it.held(), 2);
        it.paused = false;
        assert_eq!(text(it.taken(output(""))), "a");
        assert_eq!(text(it.taken(output(""))), "exit");
        let mut it = stream();
        it.paused = true;
        assert_eq!(text(it.taken(StreamEvent::Exited { code: None, truncated: false })), "exit");
    }

    #[test]
    fn a_closed_stream_says_only_how_it_ended() {
        let mut it = stream();
        it.closed = true;
        assert_eq!(text(it.taken(output("a"))), "");
        assert_eq!(text(it.taken(StreamEvent::Failed(Box::new(Error::Cancelled)))), "other");
    }

    #[test]
    fn small_pieces_are_held_together() {
        let mut it = stream();
        it.paused = true;
        for _ in 0..1000 {
            assert!(it.taken(output("abc")).is_none());
        }
        assert_eq!(it.held(), 1);
        assert!((3000..=2 * 3000 + 100).contains(&it.held_bytes), "{}", it.held_bytes);
    }

    #[test]
    fn a_pause_counts_the_memory_of_what_it_holds() {
        let mut it = stream();
        assert_eq!(it.pause_room(), None);
        it.paused = true;
        let limit = it.limits().pause_buffer;
        assert!(it.pause_room().is_some_and(|room| (limit * 9 / 10..limit).contains(&room)));
        for number in 0..100_000_u32 {
            it.hold(if number % 2 == 0 { 1 } else { 2 }, &Bytes::from_static(b"x"));
        }
        assert_eq!(it.pause_room(), Some(0));
        it.paused = false;
        for _ in 0..100_000 {
            assert_eq!(text(it.taken(output(""))), "x");
        }
        assert_eq!((it.held(), it.held_bytes), (0, 0));
    }
}
