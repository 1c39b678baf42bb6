//! Response heads, in any number of pieces.

use super::Error;
use std::ops::Range;

/// The longest response head in bytes.
pub const MAX_HEAD: usize = 64 * 1024;
/// The most header fields.
const MAX_FIELDS: usize = 128;

/// Status and header fields of a response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    status: u16,
    /// The 1 of HTTP/1.1.
    minor: u8,
    /// The head as it came; names made lower-case in place.
    raw: Vec<u8>,
    reason: Range<u32>,
    fields: Vec<(Range<u32>, Range<u32>)>,
}

impl Head {
    /// The status, 100 to 999.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The words behind the status.
    pub fn reason(&self) -> &[u8] {
        self.slice(&self.reason)
    }

    /// The header fields in the order they came, names in lower case, duplicates kept.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|(name, value)| (self.slice(name), self.slice(value)))
    }

    /// The first value of the field `name` (lower case).
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields().find(|(n, _)| *n == name.as_bytes()).map(|(_, value)| value)
    }

    /// True when a field `name`, a list of words, holds `word` in any case.
    pub fn lists(&self, name: &str, word: &str) -> bool {
        self.fields()
            .filter(|(n, _)| *n == name.as_bytes())
            .flat_map(|(_, value)| value.split(|byte| *byte == b','))
            .any(|item| item.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    }

    /// True when another request may follow on this connection.
    pub fn keeps_alive(&self) -> bool {
        match self.minor {
            0 => self.lists("connection", "keep-alive"),
            _ => !self.lists("connection", "close"),
        }
    }

    fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.raw.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// Parses a head that is complete. Lines end in CRLF or LF.
    fn parse(raw: Vec<u8>) -> Result<Head, Error> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        match response.parse(&raw) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => return Err(malformed("it ends early")),
            Err(httparse::Error::TooManyHeaders) => return Err(malformed("it has more than 128 fields")),
            Err(error) => return Err(malformed(&error.to_string())),
        }
        let base = raw.as_ptr().addr();
        let range = |part: &[u8]| {
            #[allow(clippy::cast_possible_truncation, reason = "a head has at most MAX_HEAD bytes")]
            let start = part.as_ptr().addr().wrapping_sub(base) as u32;
            #[allow(clippy::cast_possible_truncation, reason = "as above")]
            (start..start + part.len() as u32)
        };
        let status = response.code.unwrap_or_default();
        if status < 100 {
            return Err(malformed("its status is below 100"));
        }
        let minor = response.version.unwrap_or(1);
        // An empty reason is a literal of the parser's, not a part of the input.
        let reason = response.reason.filter(|reason| !reason.is_empty()).map_or(0..0, |r| range(r.as_bytes()));
        let fields: Vec<_> = response
            .headers
            .iter()
            .map(|field| (range(field.name.as_bytes()), value_range(field.value, &range)))
            .collect();
        let mut head = Head { status, minor, raw, reason, fields };
        for (name, _) in &head.fields {
            if let Some(name) = head.raw.get_mut(name.start as usize..name.end as usize) {
                name.make_ascii_lowercase();
            }
        }
        Ok(head)
    }
}

/// As for the reason: an empty value need not lie in the input.
fn value_range(value: &[u8], range: &impl Fn(&[u8]) -> Range<u32>) -> Range<u32> {
    if value.is_empty() { 0..0 } else { range(value) }
}

fn malformed(why: &str) -> Error {
    Error::Malformed(format!("the response head is broken: {why}"))
}

/// Collects a head from pieces. Heads of 1xx responses are passed over, but for 101.
#[derive(Debug, Default)]
pub struct HeadParser {
    raw: Vec<u8>,
}

impl HeadParser {
    /// True before the first byte.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Takes the next piece. Once the head is complete, yields it and how many bytes of `piece` belonged to it:
    /// what follows is the body's.
    ///
    /// # Errors
    /// [`Error::Malformed`] for what is no HTTP/1 response, or a head above [`MAX_HEAD`] bytes.
    pub fn feed(&mut self, piece: &[u8]) -> Result<Option<(Head, usize)>, Error> {
        let mut at = 0;
        loop {
            let rest = piece.get(at..).unwrap_or_default();
            let Some(used) = self.take(rest)? else { return Ok(None) };
            at += used;
            let head = Head::parse(std::mem::take(&mut self.raw))?;
            if head.status >= 200 || head.status == 101 {
                return Ok(Some((head, at)));
            }
        }
    }

    /// Moves bytes up to the end of the head, which has come when their number is returned.
    fn take(&mut self, piece: &[u8]) -> Result<Option<usize>, Error> {
        // The end may have begun in an earlier piece: CR LF CR | LF.
        let mut line_is_empty = self.raw.iter().rfind(|byte| **byte != b'\r') == Some(&b'\n');
        for (index, byte) in piece.iter().enumerate() {
            match byte {
                b'\n' if line_is_empty => {
                    self.raw.extend_from_slice(piece.get(..=index).unwrap_or_default());
                    return self.check().map(|()| Some(index + 1));
                }
                b'\n' => line_is_empty = true,
                b'\r' => {}
                _ => line_is_empty = false,
            }
            if self.raw.len() + index >= MAX_HEAD {
                break;
            }
        }
        self.raw.extend_from_slice(piece.get(..MAX_HEAD + 1).unwrap_or(piece));
        self.check().map(|()| None)
    }

    fn check(&self) -> Result<(), Error> {
        const BEGIN: &[u8] = b"HTTP/1.";
        let begin = self.raw.get(..BEGIN.len()).unwrap_or(&self.raw);
        if !BEGIN.starts_with(begin) {
            let hint = match begin {
                [0x15 | 0x16, 3, ..] => " (a TLS server?)",
                [b'S', b'S', b'H', ..] => " (an SSH server?)",
                _ => "",
            };
            return Err(Error::Malformed(format!(
                "not an HTTP server{hint}: its answer begins with {:?}; expected \"HTTP/1.\"",
                String::from_utf8_lossy(begin)
            )));
        }
        if self.raw.len() > MAX_HEAD {
            return Err(Error::Malformed(format!("the response head is longer than the {MAX_HEAD} bytes allowed")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: \
        Upgrade\r\nUpgrade: tcp\r\nX-Empty:\r\nx-empty: second\r\n\r\n";

    fn parse(pieces: &[&[u8]]) -> Result<Option<(Head, Vec<u8>)>, Error> {
        let mut parser = HeadParser::default();
        for (index, piece) in pieces.iter().enumerate() {
            if let Some((head, used)) = parser.feed(piece)? {
                let rest = [&piece[used..], &pieces[index + 1..].concat()].concat();
                return Ok(Some((head, rest)));
            }
        }
        Ok(None)
    }

    #[test]
    fn a_head_split_at_every_byte_parses_alike_and_hands_the_rest_on() {
        let bytes = [HEAD, b"\x01\0\0\0\0\0\0\x02hi\r\n\r\n"].concat();
        let whole = parse(&[&bytes]).unwrap().unwrap();
        assert_eq!(whole.0.status(), 101);
        assert_eq!(whole.0.reason(), b"UPGRADED");
        assert_eq!(whole.0.field("upgrade"), Some(&b"tcp"[..]));
        assert_eq!(whole.0.field("x-empty"), Some(&b""[..]));
        assert_eq!(whole.0.fields().count(), 5);
        assert!(whole.0.lists("connection", "upgrade"));
        assert_eq!(whole.1, b"\x01\0\0\0\0\0\0\x02hi\r\n\r\n");
        for a in 0..bytes.len() {
            for b in a..bytes.len() {
                assert_eq!(parse(&[&bytes[..a], &bytes[a..b], &bytes[b..]]).unwrap().unwrap(), whole);
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(parse(&single).unwrap().unwrap(), whole);
    }

    #[test]
    fn bare_line_feeds_and_missing_reasons_are_accepted() {
        for bytes in [&b"HTTP/1.1 200\n\n"[..], b"HTTP/1.0 200 OK\nA: b\n\n", b"HTTP/1.1 200 \r\nA: b\n\r\n"] {
            for at in 0..=bytes.len() {
                let (head, rest) = parse(&[&bytes[..at], &bytes[at..], b"rest"]).unwrap().unwrap();
                assert_eq!(head.status(), 200);
                assert_eq!(rest, b"rest");
            }
        }
    }

    #[test]
    fn informational_heads_are_passed_over() {
        let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 204 No\r\n\r\n";
        for at in 0..=bytes.len() {
            let (head, rest) = parse(&[&bytes[..at], &bytes[at..]]).unwrap().unwrap();
            assert_eq!((head.status(), rest.len()), (204, 0));
        }
    }

    #[test]
    fn what_is_no_head_is_refused_at_its_first_bytes() {
        for (bytes, words) in [
            (&b"\x15\x03\x01\0\x02"[..], "TLS"),
            (b"SSH-2.0-x\r\n", "SSH"),
            (b"\x01\x06\0\x01", "not an HTTP server"),
            (b"HTTP/2 200", "not an HTTP server"),
            (b"HTTP/1.1 abc\r\n\r\n", "broken"),
            (b"HTTP/1.1 200 OK\r\n: x\r\n\r\n", "broken"),
            (b"HTTP/1.1 099 OK\r\n\r\n", "below 100"),
        ] {
            let error = parse(&[bytes]).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            assert!(parse(&single).is_err());
        }
    }

    #[test]
    fn a_head_that_never_ends_is_cut_off() {
        let line = b"HTTP/1.1 200 OK\r\n".to_vec();
        let mut parser = HeadParser::default();
        assert_eq!(parser.feed(&line), Ok(None));
        let mut fed = line.len();
        let error = loop {
            match parser.feed(b"X-Y: zzzzzzzzzz\r\n") {
                Ok(none) => assert_eq!(none, None),
                Err(error) => break error,
            }
            fed += 17;
            assert!(fed <= MAX_HEAD + 17, "no limit");
        };
        assert!(error.to_string().contains("65536"), "{error}");
        let many = [&line[..], &b"a: b\r\n".repeat(129), b"\r\n"].concat();
        assert!(parse(&[&many]).unwrap_err().to_string().contains("128"));
        assert!(parse(&[&[&line[..], &vec![b'x'; 1 << 20]].concat()]).is_err());
    }

    #[test]
    fn keep_alive_follows_the_version() {
        for (bytes, kept) in [
            (&b"HTTP/1.1 200 OK\r\n\r\n"[..], true),
            (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\n", false),
            (b"HTTP/1.0 200 OK\r\n\r\n", false),
            (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n", true),
        ] {
            assert_eq!(parse(&[bytes]).unwrap().unwrap().0.keeps_alive(), kept);
        }
    }
}
