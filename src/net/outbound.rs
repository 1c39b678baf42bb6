//! Bytes on their way out, kept until their owner lets them go.

use super::Transport;
use std::io::{self, IoSlice};

/// How far a flush came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flushed {
    /// Everything is with the kernel.
    All,
    /// The kernel takes no more for now.
    Blocked,
}

/// A buffer and how much of it the kernel has taken.
#[derive(Debug, Default)]
pub struct Outbound {
    bytes: Vec<u8>,
    at: usize,
}

impl Outbound {
    /// A buffer of these bytes, none of them sent.
    pub fn new(bytes: Vec<u8>) -> Self {
        Outbound { bytes, at: 0 }
    }

    /// Bytes that the kernel has taken since [`new`](Self::new), [`rewind`](Self::rewind) or [`refill`](Self::refill).
    pub fn sent(&self) -> usize {
        self.at
    }

    /// Bytes still to be sent.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Starts over with the same bytes.
    pub fn rewind(&mut self) {
        self.at = 0;
    }

    /// The buffer, emptied of what was sent, to be filled again.
    pub fn refill(&mut self) -> &mut Vec<u8> {
        self.bytes.drain(..self.at);
        self.at = 0;
        &mut self.bytes
    }

    /// Sends `head` and `bytes` in one piece behind what is sent already, and keeps what the kernel does not take. What
    /// it takes is not copied; returns how much that is. An error is left for the next flush to find.
    pub fn send(&mut self, head: &[u8], bytes: &[u8], transport: &Transport) -> usize {
        let taken = if self.left() == 0 {
            transport.send_vectored(&[IoSlice::new(head), IoSlice::new(bytes)]).unwrap_or(0)
        } else {
            0
        };
        let buffer = self.refill();
        buffer.extend_from_slice(head.get(taken..).unwrap_or_default());
        buffer.extend_from_slice(bytes.get(taken.saturating_sub(head.len())..).unwrap_or_default());
        taken
    }

    /// Appends bytes; what was sent gives way once it is more than what was not.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.at > self.bytes.len() / 2 {
            self.refill();
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Lets the memory go when there is nothing left to send and it is more than `keep` bytes.
    pub fn trim(&mut self, keep: usize) {
        if self.left() == 0 && self.bytes.capacity() > keep {
            *self = Outbound::default();
        }
    }

    /// Gives the buffer up.
    pub fn into_inner(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes until all is sent or the kernel takes no more.
    ///
    /// # Errors
    /// As `send(2)`, but never `EAGAIN` or `EINTR`; no SIGPIPE is raised.
    pub fn flush(&mut self, transport: &Transport) -> io::Result<Flushed> {
        self.flush_with(|bytes| transport.send(bytes))
    }

    /// As [`flush`](Self::flush), through `send`.
    ///
    /// # Errors
    /// Those of `send`, but never `EAGAIN` or `EINTR`.
    pub fn flush_with(&mut self, mut send: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<Flushed> {
        while let Some(rest) = self.bytes.get(self.at..).filter(|rest| !rest.is_empty()) {
            match send(rest) {
                Ok(n) => self.at += n,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Flushed::Blocked),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Flushed::All)
    }
}
