//! One connection: what it is doing, its timers, and the bytes that could not go yet.

use super::frame::Frames;
use super::handshake::Offer;
use super::options::ServerOptions;
use super::request::Head;
use super::{RequestKey, ServerKey};
use crate::net::Transport;
use crate::reactor::{Registration, TimerId};
use bytes::{Buf, BytesMut};
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long the end of a peer's bytes is awaited after all has been said: closing at once could cost it our last words.
const LINGER: Duration = Duration::from_secs(2);

/// What a connection is doing.
#[derive(Debug)]
pub enum State {
    /// A request's head is coming.
    Head,
    /// Its body is.
    Body { head: Box<Head>, size: usize },
    /// The program is to answer.
    Asked(Box<Asked>),
    /// The answer is on its way; another request may follow.
    Answering,
    /// A WebSocket.
    Open,
    /// A WebSocket to which we have said goodbye; the peer's goodbye is awaited.
    Closing,
    /// Last words are on their way.
    Finishing {
        /// The peer may still be sending.
        linger: bool,
    },
    /// All is said; whatever comes is thrown away.
    Lingering,
    /// The socket is closed.
    Dead,
}

/// What an answer depends on.
#[derive(Debug)]
pub struct Asked {
    pub request: RequestKey,
    pub is_head: bool,
    pub keep_alive: bool,
    /// It may become a WebSocket.
    pub offer: Option<Offer>,
}

/// Whether the kernel has taken everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    All,
    Blocked,
}

#[derive(Debug)]
pub struct Connection {
    pub server: ServerKey,
    pub transport: Option<(Transport, Registration)>,
    pub remote: Option<SocketAddr>,
    pub state: State,
    /// Bytes of a request that is not complete, or that came before they were wanted.
    pub input: BytesMut,
    /// `input` has bytes that nobody has looked at.
    pub unread: bool,
    /// Bytes that the kernel would not take yet.
    pub out: BytesMut,
    /// The peer's message that is not complete.
    pub frames: Option<Box<Frames>>,
    /// The next message may have no more bytes than this, whatever the server takes.
    pub max_next_message: Option<usize>,
    /// The last sign of life, or the beginning of what a deadline guards.
    pub since: Instant,
    pub timer: Option<TimerId>,
    /// It came when there were too many.
    pub surplus: bool,
    /// It is or was a WebSocket.
    pub opened: bool,
    /// Its last event is in the queue, and has been taken out of it.
    pub told: bool,
    pub taken: bool,
    /// The program wants no messages for now.
    pub paused: bool,
    /// Since `since` we have asked whether the peer lives.
    pub pinged: bool,
    /// More bytes waited than the low watermark: a drain event is due.
    pub owes_drain: bool,
    /// Asked to be told when the kernel takes more.
    pub wants_write: bool,
    /// The peer sends nothing more: after what has come there is an end to be read, of which the kernel tells once.
    pub peer_closed: bool,
    /// Why nothing more can be sent: the connection is to be given up, once what the peer said before has been read.
    pub broken: Option<io::Error>,
}

impl Connection {
    pub fn new(server: ServerKey, remote: Option<SocketAddr>, surplus: bool, now: Instant) -> Connection {
        Connection {
            server,
            transport: None,
            remote,
            state: State::Head,
            input: BytesMut::new(),
            unread: false,
            out: BytesMut::new(),
            frames: None,
            max_next_message: None,
            since: now,
            timer: None,
            surplus,
            opened: false,
            told: false,
            taken: false,
            paused: false,
            pinged: false,
            owes_drain: false,
            wants_write: false,
            peer_closed: false,
            broken: None,
        }
    }

    /// Who the peer is, in words.
    pub fn remote(&self) -> String {
        self.remote.map_or_else(|| "unix:".to_owned(), |address| address.to_string())
    }

    /// Are bytes to be read now?
    pub fn wants_input(&self) -> bool {
        match self.state {
            State::Head | State::Body { .. } | State::Closing | State::Lingering => true,
            State::Open => !self.paused,
            State::Asked(_) | State::Answering | State::Finishing { .. } | State::Dead => false,
        }
    }

    /// How long the state may last without a sign of life.
    pub fn patience(&self, options: &ServerOptions) -> Option<Duration> {
        match self.state {
            State::Head | State::Body { .. } | State::Answering => Some(options.handshake_timeout),
            State::Open => options.ping_interval,
            State::Closing | State::Finishing { .. } => Some(options.close_timeout),
            State::Lingering => Some(LINGER),
            State::Asked(_) | State::Dead => None,
        }
    }

    /// Sends pieces behind what waits; what the kernel does not take is kept.
    pub fn send(&mut self, pieces: &[&[u8]]) -> Sent {
        let Some((transport, _)) = &self.transport else { return Sent::All };
        if self.broken.is_some() {
            return Sent::All;
        }
        let mut taken = 0;
        if self.out.is_empty() {
            let mut slices = [IoSlice::new(&[]); MAX_PIECES];
            for (slice, piece) in slices.iter_mut().zip(pieces) {
                *slice = IoSlice::new(piece);
            }
            taken = loop {
                match transport.send_vectored(slices.get(..pieces.len().min(MAX_PIECES)).unwrap_or_default()) {
                    Ok(n) => break n,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break 0,
                    Err(error) => {
                        self.break_off(error);
                        return Sent::All;
                    }
                }
            };
        }
        for piece in pieces {
            let skipped = taken.min(piece.len());
            taken -= skipped;
            self.out.extend_from_slice(piece.get(skipped..).unwrap_or_default());
        }
        if self.out.is_empty() { Sent::All } else { Sent::Blocked }
    }

    /// Nothing more can be sent.
    pub fn break_off(&mut self, error: io::Error) {
        self.broken = Some(error);
        self.out = BytesMut::new();
    }

    /// Sends what waits. The first value tells whether the kernel took any.
    ///
    /// # Errors
    /// As `send(2)`, but never `EAGAIN` or `EINTR`.
    pub fn flush(&mut self) -> io::Result<(bool, Sent)> {
        let Some((transport, _)) = &self.transport else { return Ok((false, Sent::All)) };
        let before = self.out.len();
        while !self.out.is_empty() {
            match transport.send(&self.out) {
                Ok(n) => self.out.advance(n),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok((self.out.len() < before, Sent::Blocked));
                }
                Err(error) => return Err(error),
            }
        }
        self.out = BytesMut::new();
        Ok((before > 0, Sent::All))
    }
}

/// Pieces that one send may have.
pub const MAX_PIECES: usize = 8;
