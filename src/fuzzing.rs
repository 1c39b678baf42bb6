//! Properties of what reads bytes from the wire, for any bytes and any way they are cut. The fuzz targets
//! under `fuzz/` and the tests below call them; a property that does not hold panics.

#![allow(clippy::panic, reason = "that is how a property fails")]

use crate::fastcgi::wire::{Decoder, HeadParser, Item, ParamsEncoder, decode_pairs};
use crate::net::Address;

/// How many pieces an input is cut into at the most.
const PIECES: usize = 8;

/// The first bytes of `data` say where the rest is cut.
fn cut(data: &[u8]) -> (&[u8], Vec<&[u8]>) {
    let (cuts, bytes) = data.split_at(data.len().min(PIECES));
    let mut rest = bytes;
    let mut pieces = Vec::with_capacity(PIECES + 1);
    for cut in cuts {
        let (piece, tail) = rest.split_at(usize::from(*cut).min(rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    pieces.push(rest);
    (bytes, pieces)
}

/// What came out of the decoder, the pieces of a stream put together.
#[derive(Debug, Default, PartialEq)]
struct Decoded {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    whole: Vec<Item>,
    error: Option<crate::fastcgi::Error>,
}

fn decode(pieces: &[&[u8]]) -> Decoded {
    let mut decoder = Decoder::default();
    let mut out = Decoded::default();
    'all: for piece in pieces {
        let mut at = 0;
        loop {
            match decoder.next(piece, &mut at) {
                Ok(None) => break,
                Ok(Some(Item::Stdout(range))) => out.stdout.extend_from_slice(piece.get(range).unwrap_or_default()),
                Ok(Some(Item::Stderr(range))) => out.stderr.extend_from_slice(piece.get(range).unwrap_or_default()),
                // The last thing that is read from a connection, unless it stands clean between two records.
                Ok(Some(item @ Item::End { .. })) => {
                    out.whole.push(item);
                    break 'all;
                }
                Ok(Some(item)) => out.whole.push(item),
                Err(error) => {
                    out.error = Some(error);
                    break 'all;
                }
            }
            assert!(at <= piece.len(), "read beyond the input");
        }
        assert_eq!(at, piece.len(), "input left over");
    }
    assert!(!decoder.position().is_empty());
    out
}

/// Records decode alike however they are cut.
pub fn record(data: &[u8]) {
    let (bytes, pieces) = cut(data);
    let (whole, cut) = (decode(&[bytes]), decode(&pieces));
    assert_eq!(whole, cut);
}

/// The head's fields and how many bytes it took, or the error's words.
type ParsedHead = Result<Option<(crate::fastcgi::Head, usize)>, String>;

fn parse(pieces: &[&[u8]]) -> ParsedHead {
    let mut parser = HeadParser::default();
    let mut before = 0;
    for piece in pieces {
        match parser.feed(piece) {
            Ok(None) => before += piece.len(),
            Ok(Some((head, used))) => {
                assert!(used <= piece.len(), "more used than given");
                return Ok(Some((head, before + used)));
            }
            Err(error) => return Err(error.to_string()),
        }
    }
    parser.finish().map(|_| None).map_err(|error| error.to_string())
}

/// A response head parses alike however it is cut.
pub fn head(data: &[u8]) {
    let (bytes, pieces) = cut(data);
    let (whole, cut) = (parse(&[bytes]), parse(&pieces));
    assert_eq!(whole, cut);
    if let Ok(Some((head, used))) = whole {
        assert!((100..=999).contains(&head.status()));
        for (name, value) in head.fields() {
            assert!(!name.iter().any(u8::is_ascii_uppercase) && !name.contains(&b'\n') && !value.contains(&b'\n'));
        }
        assert!(used <= bytes.len());
    }
}

/// Name-value pairs that decode are the same after encoding and decoding; no record breaks a pair.
pub fn params(data: &[u8]) {
    let Some(pairs) = decode_pairs(data) else { return };
    let mut encoder = ParamsEncoder::new();
    for (name, value) in &pairs {
        if encoder.pair(name, value).is_err() {
            return;
        }
    }
    let encoded = encoder.finish();
    let mut decoded = Vec::new();
    let mut rest = encoded.as_slice();
    while let Some((&[version, kind, _, id, length1, length0, padding, _], tail)) = rest.split_first_chunk::<8>() {
        assert_eq!((version, kind, id, padding), (1, 4, 1, 0));
        let length = usize::from(u16::from_be_bytes([length1, length0]));
        let Some((content, tail)) = tail.split_at_checked(length) else { panic!("a record is cut") };
        assert_eq!(length == 0, tail.is_empty(), "the empty record is the last one");
        match decode_pairs(content) {
            Some(pairs) => decoded.extend(pairs),
            None => panic!("a record breaks a pair"),
        }
        rest = tail;
    }
    assert_eq!(decoded, pairs);
}

/// Status, fields, body, whether that ended, and how many bytes both took; or the error's words.
type Answered = Result<Option<(u16, Vec<(Vec<u8>, Vec<u8>)>, Vec<u8>, bool, usize)>, String>;

fn answer(pieces: &[&[u8]]) -> Answered {
    let mut parser = crate::http::HeadParser::default();
    let mut open: Option<(crate::http::Head, crate::http::Body)> = None;
    let (mut data, mut before) = (Vec::new(), 0);
    for piece in pieces {
        let mut at = 0;
        if open.is_none() {
            let Some((head, used)) = parser.feed(piece).map_err(|error| error.to_string())? else {
                before += piece.len();
                continue;
            };
            assert!(used <= piece.len(), "more used than given");
            at = used;
            let body = crate::http::Body::of(&head, "GET").map_err(|error| error.to_string())?;
            open = Some((head, body));
        }
        let Some((head, body)) = &mut open else { continue };
        while let Some(item) = body.next(piece, &mut at).map_err(|error| error.to_string())? {
            match item {
                crate::http::Item::Data(range) => data.extend_from_slice(piece.get(range).unwrap_or_default()),
                crate::http::Item::End => {
                    return Ok(Some((head.status(), fields(head), data, true, before + at)));
                }
            }
        }
        assert_eq!(at, piece.len(), "input left over");
        before += piece.len();
    }
    Ok(open.map(|(head, body)| (head.status(), fields(&head), data, body.is_complete(), before)))
}

fn fields(head: &crate::http::Head) -> Vec<(Vec<u8>, Vec<u8>)> {
    head.fields().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
}

/// An HTTP response reads alike however it is cut.
pub fn http(data: &[u8]) {
    let (bytes, pieces) = cut(data);
    // What an error quotes depends on how much had come.
    let (whole, cut) = (answer(&[bytes]).map_err(drop), answer(&pieces).map_err(drop));
    assert_eq!(whole, cut);
    if let Ok(Some((status, fields, ..))) = whole {
        assert!(status == 101 || (200..=999).contains(&status));
        assert!(fields.iter().all(|(name, value)| {
            !name.iter().any(u8::is_ascii_uppercase) && !value.iter().any(|byte| b"\r\n\0".contains(byte))
        }));
    }
}

/// Bytes of stdout and stderr, failures, the error's words, and whether it ends inside a frame.
type Demuxed = (Vec<u8>, Vec<u8>, Vec<String>, Option<String>, bool);

fn demux(pieces: &[&[u8]]) -> Demuxed {
    use crate::docker::wire::{Demux, Item};
    let mut demux = Demux::default();
    let (mut out, mut err, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for piece in pieces {
        let mut at = 0;
        loop {
            match demux.next(piece, &mut at) {
                Ok(None) => break,
                Ok(Some(Item::Output(1, range))) => out.extend_from_slice(piece.get(range).unwrap_or_default()),
                Ok(Some(Item::Output(_, range))) => err.extend_from_slice(piece.get(range).unwrap_or_default()),
                Ok(Some(Item::Failure(words))) => failures.push(words),
                Err(error) => return (out, err, failures, Some(error.to_string()), false),
            }
        }
        assert_eq!(at, piece.len(), "input left over");
    }
    (out, err, failures, None, demux.is_mid_frame())
}

/// Frames read alike however they are cut.
pub fn frame(data: &[u8]) {
    let (bytes, pieces) = cut(data);
    let (whole, cut) = (demux(&[bytes]), demux(&pieces));
    assert_eq!(whole, cut);
    assert!(whole.0.len() + whole.1.len() <= bytes.len());
}

/// Any text is an address or an error in words.
pub fn address(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(error) = Address::parse(&text) {
        assert!(error.to_string().contains("expected unix:/path"));
    }
}

#[cfg(test)]
mod tests {
    /// xorshift64*: the same on every run.
    struct Prng(u64);

    impl Prng {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
        }

        fn bytes(&mut self, most: usize) -> Vec<u8> {
            (0..self.below(most)).map(|_| self.below(256) as u8).collect()
        }

        /// Some of these, one after the other.
        fn words(&mut self, words: &[&[u8]], most: usize) -> Vec<u8> {
            let count = self.below(most);
            (0..count).flat_map(|_| words.get(self.below(words.len())).copied().unwrap_or_default().to_vec()).collect()
        }

        /// Changes a byte now and then.
        fn spoil(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
            if self.below(3) == 0 {
                let (at, value) = (self.below(bytes.len()), self.below(256) as u8);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            bytes
        }
    }

    const CASES: usize = 12_500;

    fn with_cuts(prng: &mut Prng, bytes: Vec<u8>) -> Vec<u8> {
        let mut data: Vec<u8> = (0..super::PIECES).map(|_| prng.below(24) as u8).collect();
        data.extend(bytes);
        data
    }

    #[test]
    fn records() {
        let mut prng = Prng(1);
        for _ in 0..CASES {
            let mut bytes = Vec::new();
            for _ in 0..prng.below(6) {
                let kind = [6, 6, 7, 3, 10, 11].get(prng.below(6)).copied().unwrap_or(6);
                let length = if kind == 3 { 8 } else { prng.below(40) };
                let padding = prng.below(9);
                bytes.extend([1, kind, 0, u8::from(kind < 10), 0, length as u8, padding as u8, 0]);
                bytes.extend((0..length + padding).map(|_| prng.below(4) as u8));
            }
            let bytes = prng.spoil(bytes);
            super::record(&with_cuts(&mut prng, bytes));
            super::record(&prng.bytes(64));
        }
    }

    #[test]
    fn heads() {
        let mut prng = Prng(2);
        let words: [&[u8]; 16] = [
            b"\r\n",
            b"\n",
            b"\r",
            b"Status: 404 Not Found\r\n",
            b"Status:",
            b"200",
            b" ",
            b"HTTP/1.1 500 Oh\r\n",
            b"HTTP/1.",
            b"Location: /x\n",
            b"Set-Cookie: a=b\r\n",
            b":",
            b"X",
            b"\r\n\r\n",
            b"\n\n",
            b"body",
        ];
        for _ in 0..CASES {
            let bytes = prng.words(&words, 10);
            let bytes = prng.spoil(bytes);
            super::head(&with_cuts(&mut prng, bytes));
            super::head(&prng.bytes(64));
        }
    }

    #[test]
    fn answers() {
        let mut prng = Prng(5);
        let words: [&[u8]; 18] = [
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 101 UPGRADED\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.0 404\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Content-Length: 4\r\n",
            b"X-Y:\r\n",
            b"\r\n",
            b"\r\n\r\n",
            b"\n",
            b"\r",
            b"5\r\nhello\r\n",
            b"0\r\n",
            b"a;b=c\r\n",
            b"0123456789",
            b"body",
            b":",
            b" ",
        ];
        for _ in 0..CASES {
            let mut bytes = words.get(prng.below(5)).copied().unwrap_or_default().to_vec();
            bytes.extend(prng.words(&words, 10));
            let bytes = prng.spoil(bytes);
            super::http(&with_cuts(&mut prng, bytes));
            super::http(&prng.bytes(64));
        }
    }

    #[test]
    fn frames() {
        let mut prng = Prng(6);
        for _ in 0..CASES {
            let mut bytes = Vec::new();
            for _ in 0..prng.below(6) {
                let (kind, length) = (prng.below(4), prng.below(30));
                bytes.extend([kind as u8, 0, 0, 0, 0, 0, 0, length as u8]);
                bytes.extend((0..length).map(|_| prng.below(4) as u8));
            }
            let bytes = prng.spoil(bytes);
            super::frame(&with_cuts(&mut prng, bytes));
            super::frame(&prng.bytes(64));
        }
    }

    #[test]
    fn pairs() {
        let mut prng = Prng(3);
        for case in 0..CASES {
            let mut bytes = Vec::new();
            for _ in 0..prng.below(5) {
                let lengths = [prng.below(200), prng.below(if case % 100 == 0 { 40_000 } else { 200 })];
                for length in lengths {
                    if length < 128 && prng.below(4) > 0 {
                        bytes.push(length as u8);
                    } else {
                        bytes.extend((length as u32 | 0x8000_0000).to_be_bytes());
                    }
                }
                bytes.resize(bytes.len() + lengths.iter().sum::<usize>(), b'x');
            }
            super::params(&prng.spoil(bytes));
            super::params(&prng.bytes(64));
        }
    }

    #[test]
    fn addresses() {
        let mut prng = Prng(4);
        let words: [&[u8]; 12] =
            [b"unix:", b"tcp://", b"[", b"]", b":", b"::1", b"127.0.0.1", b"9000", b"/", b"host", b"\0", b"\xff"];
        for _ in 0..CASES {
            super::address(&prng.words(&words, 7));
            super::address(&prng.bytes(32));
        }
    }
}
