//! Frames: those of the peer into messages, ours into bytes. Works on bytes alone.

use bytes::Bytes;
use std::io::{self, Cursor, ErrorKind, Read, Write};
use tungstenite::error::Error as Broken;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame, FrameHeader};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Message, Utf8Bytes};

/// Most bytes of the reason in a close frame.
pub const MAX_REASON: usize = 123;

/// What the codec asks for at a time.
const READ_SIZE: usize = 4 * 1024;

/// The longest header of a frame.
const MAX_HEADER: usize = 14;

/// Something that the peer has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Message {
        data: Bytes,
        binary: bool,
    },
    /// A ping, which is answered, or a pong.
    Beat,
    /// `code`: 1005 when the peer gave none; 1002 when it gave one that may not be sent.
    Close {
        code: u16,
        reason: String,
    },
}

/// How the peer broke the protocol, as a close frame tells it.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    pub code: u16,
    pub reason: String,
}

/// The peer's frames. It holds buffers, so that it is made when bytes come and dropped when it [`rests`](Self::rests).
#[derive(Debug)]
pub struct Frames {
    context: WebSocketContext,
    position: Position,
}

impl Frames {
    /// Frames that are yet to begin.
    pub fn new(max_message: usize) -> Frames {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_SIZE)
            .write_buffer_size(0)
            .max_message_size(Some(max_message))
            .max_frame_size(Some(max_message));
        Frames { context: WebSocketContext::new(Role::Server, Some(config)), position: Position::default() }
    }

    /// Other limits for the frames and messages that are yet to begin.
    pub fn limit(&mut self, max_message: usize) {
        self.context.set_config(|config| {
            config.max_message_size = Some(max_message);
            config.max_frame_size = Some(max_message);
        });
    }

    /// Bytes of the peer, to be taken in by [`next`](Self::next) until that yields `None`.
    pub fn feed<'a>(&mut self, input: &'a [u8]) -> Feed<'a> {
        self.position.advance(input);
        Feed { input, pongs: Vec::new() }
    }

    /// The next message; `None`: the rest of it is yet to come.
    pub fn next(&mut self, feed: &mut Feed<'_>) -> Result<Option<Item>, Violation> {
        match self.context.read(feed) {
            Ok(Message::Text(text)) => Ok(Some(Item::Message { data: text.into(), binary: false })),
            Ok(Message::Binary(data)) => Ok(Some(Item::Message { data, binary: true })),
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Ok(Some(Item::Beat)),
            Ok(Message::Close(None)) => Ok(Some(Item::Close { code: 1005, reason: String::new() })),
            Ok(Message::Close(Some(frame))) => {
                Ok(Some(Item::Close { code: frame.code.into(), reason: frame.reason.as_str().to_owned() }))
            }
            Err(Broken::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(violation(&error)),
        }
    }

    /// True when everything fed was whole messages: a new codec will do for what comes.
    pub fn rests(&self) -> bool {
        self.position.header.is_empty() && self.position.payload == 0 && !self.position.fragmented
    }
}

fn violation(error: &Broken) -> Violation {
    let (code, reason) = match error {
        Broken::Capacity(_) => (CloseCode::Size, error.to_string()),
        Broken::Utf8(_) => (CloseCode::Invalid, "text that is not UTF-8".to_owned()),
        Broken::Protocol(it) => (CloseCode::Protocol, it.to_string()),
        _ => (CloseCode::Protocol, error.to_string()),
    };
    Violation { code: code.into(), reason: shorten(&reason).to_owned() }
}

/// As much of a reason as fits a close frame.
fn shorten(reason: &str) -> &str {
    let end = (0..=reason.len().min(MAX_REASON)).rev().find(|end| reason.is_char_boundary(*end));
    end.and_then(|end| reason.get(..end)).unwrap_or_default()
}

/// What the codec reads from and writes its pongs to.
#[derive(Debug)]
pub struct Feed<'a> {
    input: &'a [u8],
    /// Frames that answer what was read.
    pub pongs: Vec<u8>,
}

impl Read for Feed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.input.read(buffer)? {
            0 => Err(ErrorKind::WouldBlock.into()),
            n => Ok(n),
        }
    }
}

impl Write for Feed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pongs.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where in a stream of frames its bytes end: the codec does not tell whether it holds part of a message.
#[derive(Debug, Default)]
struct Position {
    /// The bytes of a header that is not complete.
    header: Vec<u8>,
    /// Bytes of the payload that are yet to come.
    payload: u64,
    /// Between the fragments of a message.
    fragmented: bool,
}

impl Position {
    fn advance(&mut self, mut bytes: &[u8]) {
        loop {
            let skipped = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
            self.payload -= skipped as u64;
            bytes = bytes.get(skipped..).unwrap_or_default();
            if bytes.is_empty() {
                return;
            }
            let before = self.header.len();
            self.header.extend(bytes.iter().take(MAX_HEADER.saturating_sub(before)));
            let mut cursor = Cursor::new(&self.header);
            match FrameHeader::parse(&mut cursor) {
                Ok(Some((header, length))) => {
                    let size = usize::try_from(cursor.position()).unwrap_or_default();
                    bytes = bytes.get(size.saturating_sub(before)..).unwrap_or_default();
                    self.header.clear();
                    self.payload = length;
                    if matches!(header.opcode, OpCode::Data(_)) {
                        self.fragmented = !header.is_final;
                    }
                }
                // Incomplete; or wrong, which the codec tells.
                Ok(None) | Err(_) => return,
            }
        }
    }
}

/// The header of a message's one frame.
#[derive(Debug)]
pub struct Header {
    bytes: [u8; 10],
    size: usize,
}

impl Header {
    pub fn of_message(length: usize, binary: bool) -> Header {
        let opcode = OpCode::Data(if binary { Data::Binary } else { Data::Text });
        let header = FrameHeader { opcode, ..FrameHeader::default() };
        let mut bytes = Cursor::new([0; 10]);
        // An unmasked header has at most ten bytes.
        let _ = header.format(length as u64, &mut bytes);
        let size = usize::try_from(bytes.position()).unwrap_or_default();
        Header { bytes: bytes.into_inner(), size }
    }
}

impl AsRef<[u8]> for Header {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.size).unwrap_or_default()
    }
}

/// A ping without payload.
pub fn ping() -> Vec<u8> {
    encode(Frame::ping(Bytes::new()))
}

/// A close frame; 1005 stands for one without a code.
pub fn close(code: u16, reason: &str) -> Vec<u8> {
    let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::from(shorten(reason)) };
    encode(Frame::close((code != u16::from(CloseCode::Status)).then_some(frame)))
}

/// May an endpoint send this close code?
pub fn may_be_sent(code: u16) -> bool {
    CloseCode::from(code).is_allowed()
}

fn encode(frame: Frame) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(frame.len());
    // Writing to a Vec cannot fail.
    let _ = frame.format(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    /// A masked frame as clients send them.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [7, 80, 200, 33];
        let mut bytes = vec![first];
        match payload.len() {
            n @ 0..=125 => bytes.push(0x80 | n as u8),
            n @ 126..=0xffff => {
                bytes.push(0xfe);
                bytes.extend_from_slice(&(n as u16).to_be_bytes());
            }
            n => {
                bytes.push(0xff);
                bytes.extend_from_slice(&(n as u64).to_be_bytes());
            }
        }
        bytes.extend_from_slice(&mask);
        bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }

    fn text(data: &str) -> Item {
        Item::Message { data: Bytes::copy_from_slice(data.as_bytes()), binary: false }
    }

    /// What pieces of input amount to; a new codec takes over wherever the old one rests.
    fn read(pieces: &[&[u8]]) -> Result<(Vec<Item>, Vec<u8>, bool), Violation> {
        let (mut items, mut pongs, mut frames) = (Vec::new(), Vec::new(), None);
        for piece in pieces {
            let mut codec = frames.take().unwrap_or_else(|| Frames::new(1000));
            let mut feed = codec.feed(piece);
            while let Some(item) = codec.next(&mut feed)? {
                let is_end = matches!(item, Item::Close { .. });
                items.push(item);
                if is_end {
                    return Ok((items, feed.pongs, false));
                }
            }
            pongs.extend(feed.pongs);
            frames = (!codec.rests()).then_some(codec);
        }
        Ok((items, pongs, frames.is_none()))
    }

    #[test]
    fn messages_split_anywhere() {
        let bytes = [
            frame(0x81, b"hello"),
            frame(0x01, "\u{20ac}".as_bytes().split_at(1).0),
            frame(0x89, b"ping"),
            frame(0x80, "\u{20ac}".as_bytes().split_at(1).1),
            frame(0x8a, b""),
            frame(0x82, &[0xff; 300]),
            frame(0x81, b""),
        ]
        .concat();
        let expected = vec![
            text("hello"),
            Item::Beat,
            text("\u{20ac}"),
            Item::Beat,
            Item::Message { data: Bytes::from(vec![0xff; 300]), binary: true },
            text(""),
        ];
        let pong = [&[0x8a, 4][..], b"ping"].concat();
        for cut in 0..bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            assert_eq!(read(&[head, tail]).unwrap(), (expected.clone(), pong.clone(), true), "cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single).unwrap(), (expected, pong, true));
        assert!(!read(&[&bytes[..bytes.len() - 1]]).unwrap().2);
        assert!(!read(&[&frame(0x01, b"a")]).unwrap().2);
    }

    #[test]
    fn violations_have_their_codes() {
        let bad_close = |code: u16| frame(0x88, &code.to_be_bytes());
        for (code, name, bytes) in [
            (1002, "unmasked", vec![0x81, 1, b'x']),
            (1002, "reserved bit 1", frame(0xc1, b"x")),
            (1002, "reserved bit 2", frame(0xa1, b"x")),
            (1002, "reserved bit 3", frame(0x91, b"x")),
            (1002, "data opcode 3", frame(0x83, b"x")),
            (1002, "control opcode 11", frame(0x8b, b"x")),
            (1002, "fragmented ping", frame(0x09, b"x")),
            (1002, "ping of 126 bytes", frame(0x89, &[0; 126])),
            (1002, "continuation of nothing", frame(0x80, b"x")),
            (1002, "message within a message", [frame(0x01, b"x"), frame(0x81, b"y")].concat()),
            (1002, "close of one byte", frame(0x88, b"x")),
            (1007, "text", frame(0x81, &[0xc3, 0x28])),
            (1007, "text cut within a character", frame(0x81, &[0xe2, 0x82])),
            (1007, "surrogate", frame(0x81, &[0xed, 0xa0, 0x80])),
            (1007, "text in fragments", [frame(0x01, &[0xe2]), frame(0x80, &[0x28])].concat()),
            (1007, "close reason", frame(0x88, &[3, 0xe8, 0xff])),
            (1009, "message", frame(0x82, &[0; 1001])),
            (1009, "message in fragments", [frame(0x02, &[0; 600]), frame(0x00, &[0; 600])].concat()),
            (1009, "length of 2^63", vec![0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]),
        ] {
            assert_eq!(read(&[&bytes]).err().map(|it| it.code), Some(code), "{name}");
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535] {
            let (items, ..) = read(&[&bad_close(code)]).unwrap();
            assert!(matches!(items[..], [Item::Close { code: 1002, .. }]), "{code}: {items:?}");
        }
        for code in [1000, 1001, 1003, 1007, 1011, 1013, 3000, 4999] {
            let (items, ..) = read(&[&bad_close(code)]).unwrap();
            assert_eq!(items, [Item::Close { code, reason: String::new() }]);
        }
        assert_eq!(read(&[&frame(0x88, b"")]).unwrap().0, [Item::Close { code: 1005, reason: String::new() }]);
    }

    /// Streams of frames with a few bytes changed: never a panic, and where they are cut makes no difference.
    #[test]
    fn broken_streams() {
        let mut state = 1u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for _ in 0..5_000 {
            let mut bytes = Vec::new();
            for _ in 0..=random(6) {
                let first = [0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a, 0x88][random(9)];
                bytes.extend(frame(first, &vec![b'a'; [0, 1, 2, 125, 126, 400][random(6)]]));
            }
            for _ in 0..random(4) {
                let at = random(bytes.len());
                bytes[at] = random(256) as u8;
            }
            let cut = random(bytes.len() + 1);
            let (head, tail) = bytes.split_at(cut);
            let whole = read(&[&bytes]);
            if matches!(whole, Ok((_, _, true))) || whole.is_err() {
                let in_two = read(&[head, tail]);
                assert_eq!(in_two.as_ref().map(|it| &it.0), whole.as_ref().map(|it| &it.0), "{bytes:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn ours_are_written() {
        for (length, expected) in [
            (0, &[0x82, 0][..]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (65535, &[0x82, 126, 255, 255]),
            (65536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            assert_eq!(Header::of_message(length, true).as_ref(), expected);
        }
        assert_eq!(Header::of_message(1, false).as_ref(), [0x81, 1]);
        assert_eq!(ping(), [0x89, 0]);
        assert_eq!(close(1000, "bye"), b"\x88\x05\x03\xe8bye");
        assert_eq!(close(1005, ""), b"\x88\x00");
        let long = close(1000, &"\u{20ac}".repeat(100));
        assert_eq!(long.len(), 4 + 123);
        assert!(std::str::from_utf8(&long[4..]).is_ok());
        assert!(may_be_sent(1000) && may_be_sent(4000) && !may_be_sent(1005) && !may_be_sent(1006) && !may_be_sent(7));
    }
}
