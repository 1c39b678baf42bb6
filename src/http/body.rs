//! Where a response's body ends, and its bytes (RFC 9112, sections 6 and 7).

use super::{Error, Head};
use std::ops::Range;

/// The most bytes of chunk extensions, and of trailers, that are passed over.
const MAX_EXTRA: u32 = 16 * 1024;

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Bytes of the body: a range of the input.
    Data(Range<usize>),
    /// The body is complete; what follows is not its.
    End,
}

/// Takes a body out of the bytes behind its head, which come in any pieces. Nothing is buffered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body(State);

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Until the connection ends.
    ToEnd,
    /// This many bytes are left.
    Length(u64),
    Chunked(Chunk),
    Ended,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Chunk {
    /// The digits of a size so far.
    Size {
        size: u64,
        digits: u8,
    },
    /// From the size to the end of its line.
    Extension {
        size: u64,
        seen: u32,
    },
    Data {
        left: u64,
    },
    /// The line end behind the data.
    DataEnd {
        cr: bool,
    },
    /// Trailers; `line` bytes in the current line.
    Trailer {
        line: u32,
        seen: u32,
    },
}

impl Body {
    /// The body that follows `head`, an answer to `method`.
    ///
    /// # Errors
    /// [`Error::Malformed`] for contradicting lengths or a transfer coding other than chunked.
    pub fn of(head: &Head, method: &str) -> Result<Body, Error> {
        let bodiless = method == "HEAD" || matches!(head.status(), 204 | 304);
        if bodiless {
            return Ok(Body(State::Ended));
        }
        if head.status() == 101 {
            return Ok(Body(State::ToEnd));
        }
        if head.field("transfer-encoding").is_some() {
            let mut codings = head.fields().filter(|(name, _)| *name == b"transfer-encoding");
            return match (codings.next(), codings.next()) {
                (Some((_, coding)), None) if coding.eq_ignore_ascii_case(b"chunked") => {
                    Ok(Body(State::Chunked(Chunk::Size { size: 0, digits: 0 })))
                }
                _ => Err(Error::Malformed("the response's transfer coding is not `chunked`".into())),
            };
        }
        let mut length = None;
        for (_, value) in head.fields().filter(|(name, _)| *name == b"content-length") {
            let parsed = std::str::from_utf8(value)
                .ok()
                .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|text| text.parse::<u64>().ok());
            if parsed.is_none() || length.is_some_and(|length| Some(length) != parsed) {
                return Err(Error::Malformed(
                    "the response's Content-Length is no number, or there are several".into(),
                ));
            }
            length = parsed;
        }
        Ok(Body(match length {
            Some(0) => State::Ended,
            Some(length) => State::Length(length),
            None => State::ToEnd,
        }))
    }

    /// True for a body that only the end of the connection ends.
    pub fn is_to_end(&self) -> bool {
        self.0 == State::ToEnd
    }

    /// True when nothing more belongs to the body.
    pub fn is_complete(&self) -> bool {
        self.0 == State::Ended
    }

    /// The next item of `input` from `*at` on, which moves past it; `None` when the input is used up.
    ///
    /// # Errors
    /// [`Error::Malformed`] for broken chunks.
    pub fn next(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Item>, Error> {
        loop {
            let rest = input.get(*at..).unwrap_or_default();
            match &mut self.0 {
                State::Ended => return Ok(Some(Item::End)),
                _ if rest.is_empty() => return Ok(None),
                State::ToEnd => return Ok(Some(Item::Data(advance(at, rest.len())))),
                State::Length(left) => {
                    let range = take(left, at, rest.len());
                    if *left == 0 {
                        self.0 = State::Ended;
                    }
                    return Ok(Some(Item::Data(range)));
                }
                State::Chunked(Chunk::Data { left }) => {
                    let range = take(left, at, rest.len());
                    if *left == 0 {
                        self.0 = State::Chunked(Chunk::DataEnd { cr: false });
                    }
                    return Ok(Some(Item::Data(range)));
                }
                State::Chunked(chunk) => {
                    let Some(byte) = rest.first() else { return Ok(None) };
                    *at += 1;
                    match chunk.step(*byte)? {
                        Some(next) => *chunk = next,
                        None => self.0 = State::Ended,
                    }
                }
            }
        }
    }
}

impl Chunk {
    /// Takes one byte of what stands around the data; `None` ends the body.
    fn step(&self, byte: u8) -> Result<Option<Chunk>, Error> {
        let broken = |what: &str| Err(Error::Malformed(format!("the response's chunks are broken: {what}")));
        Ok(Some(match (self, byte) {
            (&Chunk::Size { size, digits }, byte) => match (char::from(byte).to_digit(16), byte) {
                (Some(_), _) if digits >= 15 => return broken("a size has more than 15 digits"),
                (Some(digit), _) => Chunk::Size { size: size * 16 + u64::from(digit), digits: digits + 1 },
                (None, _) if digits == 0 => return broken("a size is missing"),
                (None, b'\n') => Chunk::begin(size),
                (None, b'\r' | b';' | b' ' | b'\t') => Chunk::Extension { size, seen: 0 },
                (None, _) => return broken("a size is no hexadecimal number"),
            },
            (&Chunk::Extension { size, .. }, b'\n') => Chunk::begin(size),
            (&Chunk::Extension { size, seen }, _) if seen < MAX_EXTRA => Chunk::Extension { size, seen: seen + 1 },
            (Chunk::Extension { .. }, _) => return broken("an extension is longer than 16 KiB"),
            (Chunk::DataEnd { .. }, b'\n') => Chunk::Size { size: 0, digits: 0 },
            (Chunk::DataEnd { cr: false }, b'\r') => Chunk::DataEnd { cr: true },
            (Chunk::DataEnd { .. } | Chunk::Data { .. }, _) => return broken("data is longer than its size"),
            (Chunk::Trailer { line: 0, .. }, b'\n') => return Ok(None),
            (&Chunk::Trailer { seen, .. }, b'\n') => Chunk::Trailer { line: 0, seen },
            (&Chunk::Trailer { line, seen }, b'\r') => Chunk::Trailer { line, seen },
            (&Chunk::Trailer { line, seen }, _) if seen < MAX_EXTRA => {
                Chunk::Trailer { line: line + 1, seen: seen + 1 }
            }
            (Chunk::Trailer { .. }, _) => return broken("the trailers are longer than 16 KiB"),
        }))
    }

    fn begin(size: u64) -> Chunk {
        match size {
            0 => Chunk::Trailer { line: 0, seen: 0 },
            left => Chunk::Data { left },
        }
    }
}

fn advance(at: &mut usize, length: usize) -> Range<usize> {
    let from = *at;
    *at += length;
    from..*at
}

fn take(left: &mut u64, at: &mut usize, available: usize) -> Range<usize> {
    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(available);
    *left -= length as u64;
    advance(at, length)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::http::HeadParser;

    fn body(head: &str, method: &str) -> Result<Body, Error> {
        let bytes = format!("HTTP/1.1 {head}\r\n\r\n");
        Body::of(&HeadParser::default().feed(bytes.as_bytes()).unwrap().unwrap().0, method)
    }

    /// The data, whether the body ended, and what follows it.
    fn decode(body: &Body, pieces: &[&[u8]]) -> Result<(Vec<u8>, bool, Vec<u8>), Error> {
        let (mut body, mut data) = (body.clone(), Vec::new());
        for (index, piece) in pieces.iter().enumerate() {
            let mut at = 0;
            while let Some(item) = body.next(piece, &mut at)? {
                match item {
                    Item::Data(range) => data.extend_from_slice(&piece[range]),
                    Item::End => return Ok((data, true, [&piece[at..], &pieces[index + 1..].concat()].concat())),
                }
            }
        }
        Ok((data, body.is_complete(), Vec::new()))
    }

    #[test]
    fn bodies_split_at_every_byte_decode_alike() {
        let chunked = body("200 OK\r\nTransfer-Encoding: Chunked", "GET").unwrap();
        let length = body("404 No\r\nContent-Length: 11\r\nContent-Length: 11", "GET").unwrap();
        let cases: [(&Body, &[u8], &[u8]); 4] = [
            (&chunked, b"5\r\nhello\r\n0006;x=\"y\"\r\n world\r\n0\r\n\r\n", b"HTTP"),
            (&chunked, b"b \nhello world\n0;z\nTrailer: x\r\nB: c\r\n\r\n", b""),
            (&chunked, b"A\r\nhello worl\r\n1\r\nd\r\n00\r\n\n", b"\r\n"),
            (&length, b"hello world", b"next"),
        ];
        for (body, bytes, rest) in cases {
            let all = [bytes, rest].concat();
            let expected = (b"hello world".to_vec(), true, rest.to_vec());
            for a in 0..all.len() {
                for b in a..all.len() {
                    let (data, _, left) = decode(body, &[&all[..a], &all[a..b], &all[b..]]).unwrap();
                    assert_eq!((data, left), (expected.0.clone(), expected.2.clone()));
                }
            }
            let single: Vec<&[u8]> = all.chunks(1).collect();
            let got = decode(body, &single).unwrap();
            assert_eq!(got.0, expected.0);
            for cut in 0..bytes.len() {
                assert!(!decode(body, &[&bytes[..cut]]).unwrap().1, "complete at {cut}");
            }
        }
    }

    #[test]
    fn the_end_of_the_connection_ends_what_has_no_length() {
        let body = body("200 OK", "GET").unwrap();
        assert!(body.is_to_end());
        assert_eq!(decode(&body, &[b"a", b"b"]).unwrap(), (b"ab".to_vec(), false, Vec::new()));
    }

    #[test]
    fn some_responses_have_no_body() {
        for (head, method) in [
            ("204 No\r\nContent-Length: 5", "GET"),
            ("304 No", "GET"),
            ("200 OK\r\nContent-Length: 5", "HEAD"),
            ("200 OK\r\nContent-Length: 0", "GET"),
        ] {
            assert!(body(head, method).unwrap().is_complete(), "{head}");
        }
        assert!(body("101 UPGRADED\r\nContent-Length: 5", "POST").unwrap().is_to_end());
    }

    #[test]
    fn contradictions_are_refused() {
        for head in [
            "200 OK\r\nContent-Length: 5\r\nContent-Length: 6",
            "200 OK\r\nContent-Length: +5",
            "200 OK\r\nContent-Length: ",
            "200 OK\r\nContent-Length: 99999999999999999999",
            "200 OK\r\nTransfer-Encoding: gzip",
            "200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        ] {
            assert!(body(head, "GET").is_err(), "{head}");
        }
    }

    #[test]
    fn broken_chunks_are_refused() {
        let chunked = body("200 OK\r\nTransfer-Encoding: chunked", "GET").unwrap();
        let long = [b"1;", &vec![b'x'; MAX_EXTRA as usize + 9][..]].concat();
        let trailer = [b"0\r\n", &vec![b'x'; MAX_EXTRA as usize + 9][..]].concat();
        for bytes in
            [&b"x\r\n"[..], b"\r\n", b"-1\r\n", b"1\r\nab", b"1\r\na\r\r", b"fffffffffffffffff\r\n", &long, &trailer]
        {
            assert!(decode(&chunked, &[bytes]).is_err(), "{:?}", &bytes[..bytes.len().min(20)]);
        }
    }
}
