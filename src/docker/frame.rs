//! The frames in which the Engine sends stdout and stderr through one stream: a type, three zeros, a length
//! of four bytes, the payload. Nothing is buffered but a header.

use super::error::Error;
use bytes::{Bytes, BytesMut};
use std::ops::Range;

const HEADER: usize = 8;
/// What is kept of the Engine's own message.
const MAX_MESSAGE: usize = 4096;
/// Up to here copying a piece costs less than handing it on by itself.
const SMALL: usize = 2048;
/// What is put together at most: more would leave the processor's cache, and be held by who keeps a part of it.
const JOINED: usize = 64 * 1024;

/// A piece of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Bytes of stdout (1) or stderr (2): a range of the input, maybe not the whole of a frame.
    Output(u8, Range<usize>),
    /// The Engine could not go on, in its own words (frames of type 3).
    Failure(String),
}

/// Takes frames apart that come in any pieces.
#[derive(Debug, Clone, Default)]
pub struct Demux {
    header: [u8; HEADER],
    have: u8,
    kind: u8,
    left: u32,
    message: Vec<u8>,
    /// Line ends may stand between frames.
    stray_line_ends: bool,
}

impl Demux {
    /// For podman, whose frames of a log leave the line's end out.
    pub fn with_stray_line_ends() -> Self {
        Demux { stray_line_ends: true, ..Demux::default() }
    }

    /// True when the input so far ends inside a frame.
    pub fn is_mid_frame(&self) -> bool {
        self.have > 0 || self.left > 0
    }

    /// The next item of `input` from `*at` on, which moves past it; `None` when the input is used up.
    ///
    /// # Errors
    /// [`Error::Protocol`] for a type other than 0 to 3.
    pub fn next(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Item>, Error> {
        loop {
            let rest = input.get(*at..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(None);
            }
            if self.left == 0 {
                if self.stray_line_ends && self.have == 0 && rest.first() == Some(&b'\n') {
                    *at += 1;
                    return Ok(Some(Item::Output(self.kind.max(1), *at - 1..*at)));
                }
                self.take_header(rest, at)?;
                continue;
            }
            let length = rest.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            let range = *at..*at + length;
            *at += length;
            #[allow(clippy::cast_possible_truncation, reason = "at most `left`")]
            {
                self.left -= length as u32;
            }
            if self.kind != 3 {
                return Ok(Some(Item::Output(self.kind.max(1), range)));
            }
            let room = MAX_MESSAGE.saturating_sub(self.message.len());
            self.message.extend(rest.iter().take(length.min(room)));
            if self.left == 0 {
                let message = String::from_utf8_lossy(&std::mem::take(&mut self.message)).trim().to_owned();
                return Ok(Some(Item::Failure(message)));
            }
        }
    }

    fn take_header(&mut self, rest: &[u8], at: &mut usize) -> Result<(), Error> {
        let have = usize::from(self.have);
        let take = rest.len().min(HEADER - have);
        if let (Some(to), Some(from)) = (self.header.get_mut(have..have + take), rest.get(..take)) {
            to.copy_from_slice(from);
        }
        *at += take;
        let [kind, _, _, _, length @ ..] = self.header;
        // Known from the first byte: a stream without frames may never send eight.
        if kind > 3 {
            return Err(Error::Protocol(format!(
                "the stream holds a frame of type {kind}; expected 0 to 3 (is something between us and the Engine \
                 that changes the stream?)"
            )));
        }
        #[allow(clippy::cast_possible_truncation, reason = "at most eight")]
        {
            self.have = ((have + take) % HEADER) as u8;
        }
        if self.have == 0 {
            self.kind = kind;
            self.left = u32::from_be_bytes(length);
        }
        Ok(())
    }
}

/// Puts small pieces of one output that follow each other together. Whoever writes lines makes a frame of each.
#[derive(Debug, Default)]
pub struct Joiner {
    stream: u8,
    bytes: BytesMut,
}

impl Joiner {
    /// Takes a piece, a range of `input`, if it is small and fits. If not, [`end`](Self::end) comes before it.
    pub fn takes(&mut self, stream: u8, input: &[u8], range: &Range<usize>) -> bool {
        if range.len() > SMALL {
            return false;
        }
        if self.bytes.is_empty() {
            // All that may follow fits, so that no piece is copied twice.
            let most = input.len().saturating_sub(range.start).min(JOINED);
            if !self.bytes.try_reclaim(most) {
                self.bytes.reserve(most);
            }
            self.stream = stream;
        } else if stream != self.stream || self.bytes.len() + range.len() > self.bytes.capacity() {
            return false;
        }
        self.bytes.extend_from_slice(input.get(range.clone()).unwrap_or_default());
        true
    }

    /// What was put together, if anything was.
    pub fn end(&mut self) -> Option<(u8, Bytes)> {
        (!self.bytes.is_empty()).then(|| (self.stream, self.bytes.split().freeze()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn small_pieces_of_one_output_are_joined() {
        let input = [b'x'; 3 * SMALL];
        let mut joiner = Joiner::default();
        assert_eq!(joiner.end(), None);
        assert!(joiner.takes(1, &input, &(0..3)));
        assert!(joiner.takes(1, &input, &(3..SMALL)));
        assert!(!joiner.takes(2, &input, &(0..1)));
        assert!(!joiner.takes(1, &input, &(0..SMALL + 1)));
        assert_eq!(joiner.end(), Some((1, Bytes::copy_from_slice(&input[..SMALL]))));
        assert!(joiner.takes(2, &input, &(0..1)));
        assert_eq!(joiner.end(), Some((2, Bytes::from_static(b"x"))));
        assert_eq!(joiner.end(), None);
    }

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind, 0, 0, 0], &length[..], payload].concat()
    }

    /// Stdout, stderr, failures, and whether it ends inside a frame.
    type Parts = (Vec<u8>, Vec<u8>, Vec<String>, bool);

    fn demux(pieces: &[&[u8]]) -> Result<Parts, Error> {
        let (mut out, mut err, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        let mut demux = Demux::default();
        for piece in pieces {
            let mut at = 0;
            while let Some(item) = demux.next(piece, &mut at)? {
                match item {
                    Item::Output(1, range) => out.extend_from_slice(&piece[range]),
                    Item::Output(_, range) => err.extend_from_slice(&piece[range]),
                    Item::Failure(message) => failures.push(message),
                }
            }
        }
        Ok((out, err, failures, demux.is_mid_frame()))
    }

    #[test]
    fn frames_split_at_every_byte_come_out_alike() {
        let bytes = [
            frame(1, b""),
            frame(1, b"hel"),
            frame(2, b"oops"),
            frame(0, b"lo"),
            frame(2, b""),
            frame(3, b"it broke\n"),
            frame(1, b"\x01\x00\xff"),
        ]
        .concat();
        let expected = (b"hello\x01\x00\xff".to_vec(), b"oops".to_vec(), vec!["it broke".to_owned()], false);
        for a in 0..bytes.len() {
            for b in a..bytes.len() {
                assert_eq!(demux(&[&bytes[..a], &bytes[a..b], &bytes[b..]]).unwrap(), expected);
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(demux(&single).unwrap(), expected);
    }

    #[test]
    fn an_end_inside_a_frame_is_seen() {
        let bytes = [frame(1, b"abc"), frame(2, b"def")].concat();
        for cut in 0..=bytes.len() {
            let whole = [0, 11, 22].contains(&cut);
            assert_eq!(demux(&[&bytes[..cut]]).unwrap().3, !whole, "{cut}");
        }
    }

    #[test]
    fn stray_line_ends_are_output_where_they_are_expected() {
        let bytes = [frame(1, b"a"), b"\n".to_vec(), frame(2, b"b"), b"\n".to_vec()].concat();
        let (mut demux, mut at, mut text) = (Demux::with_stray_line_ends(), 0, Vec::new());
        while let Some(Item::Output(stream, range)) = demux.next(&bytes, &mut at).unwrap() {
            text.push((stream, bytes[range].to_vec()));
        }
        let piece = |stream, text: &str| (stream, text.as_bytes().to_vec());
        assert_eq!(text, [piece(1, "a"), piece(1, "\n"), piece(2, "b"), piece(2, "\n")]);
        assert!(super::tests::demux(&[&bytes]).is_err());
    }

    #[test]
    fn a_huge_length_holds_no_memory() {
        let mut demux = Demux::default();
        let mut at = 0;
        let bytes = [1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, b'x'];
        assert_eq!(demux.next(&bytes, &mut at), Ok(Some(Item::Output(1, 8..9))));
        assert!(demux.is_mid_frame());
        let mut demux = Demux::default();
        let bytes = [&[3, 0, 0, 0, 0, 0x10, 0, 0][..], &vec![b'm'; 1 << 20]].concat();
        at = 0;
        let Ok(Some(Item::Failure(message))) = demux.next(&bytes, &mut at) else { unreachable!() };
        assert_eq!(message.len(), MAX_MESSAGE);
    }

    #[test]
    fn an_unknown_type_is_refused() {
        for kind in [4, b'H', 255] {
            let error = demux(&[&[kind]]).unwrap_err().to_string();
            assert!(error.contains(&kind.to_string()), "{error}");
        }
    }
}
