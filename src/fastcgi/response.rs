//! An answer: the CGI response head (RFC 3875 section 6), parsed from bytes that come in any pieces.

use super::error::Error;
use memchr::memchr;
use smallvec::SmallVec;
use std::ops::Range;
use std::time::Duration;

/// The longest response head in bytes; more is [`Error::Protocol`].
pub const MAX_HEAD: usize = 256 * 1024;

/// Where name and value of each field stand; few enough for most answers to need no allocation.
type Fields = SmallVec<[(Range<u32>, Range<u32>); 4]>;

/// Status and header fields of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    status: u16,
    /// The head as it came; names made lower-case in place.
    raw: Vec<u8>,
    fields: Fields,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status and headers.
    pub head: Head,
    /// The body, unless it was streamed.
    pub body: Vec<u8>,
    /// What came on the STDERR stream, unless it was streamed.
    pub stderr: Vec<u8>,
    /// The application's own status from END_REQUEST; php-fpm always says 0.
    pub app_status: u32,
    /// From `send` to the end, queueing included.
    pub duration: Duration,
}

impl Head {
    /// No fields and status 200.
    pub(super) fn empty() -> Head {
        Head { status: 200, raw: Vec::new(), fields: Fields::new() }
    }

    /// The status: from `Status:`, from a raw `HTTP/1.x` line, 302 for a lone `Location`, else 200.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The header fields in the order they came, names in lower case, duplicates kept.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|(name, value)| (self.slice(name), self.slice(value)))
    }

    /// How many header fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// True without any header field.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The header field with this index, as in [`fields`](Self::fields).
    pub fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        self.fields.get(index).map(|(name, value)| (self.slice(name), self.slice(value)))
    }

    /// The first value of the field `name` (lower case).
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields().find(|(n, _)| *n == name.as_bytes()).map(|(_, value)| value)
    }

    fn slice(&self, range: &Range<u32>) -> &[u8] {
        self.raw.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// Parses a complete head. Lines end in CRLF or LF; the empty line at the end may be missing.
    fn parse(raw: Vec<u8>) -> Result<Head, Error> {
        let mut head = Head { status: 0, raw, fields: Fields::new() };
        let mut status_line = 0u16;
        let mut status_field = 0u16;
        let mut at = 0usize;
        while at < head.raw.len() {
            let rest = head.raw.get(at..).unwrap_or_default();
            let (end, next) = match memchr(b'\n', rest) {
                Some(n) => (at + n, at + n + 1),
                None => (head.raw.len(), head.raw.len()),
            };
            let line = head.raw.get(at..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let first = at == 0;
            let start = at;
            at = next;
            if line.is_empty() {
                break;
            }
            if first && line.starts_with(b"HTTP/1.") {
                status_line = line.get(8..).and_then(leading_status).ok_or_else(|| bad_line(line))?;
                continue;
            }
            let colon = memchr(b':', line).filter(|&n| n > 0).ok_or_else(|| bad_line(line))?;
            let value = line.get(colon + 1..).unwrap_or_default();
            let lead = value.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            let trail = value.iter().skip(lead).rev().take_while(|b| matches!(b, b' ' | b'\t' | b'\r')).count();
            let from = start + colon + 1 + lead;
            let to = start + colon + 1 + value.len() - trail;
            let name_end = start + line.get(..colon).unwrap_or_default().trim_ascii_end().len();
            if let Some(name) = head.raw.get_mut(start..name_end) {
                name.make_ascii_lowercase();
            }
            #[allow(clippy::cast_possible_truncation, reason = "a head is at most MAX_HEAD bytes")]
            let field = (start as u32..name_end as u32, from as u32..to as u32);
            if head.slice(&field.0) == b"status" {
                let value = head.slice(&field.1);
                status_field = leading_status(value).ok_or_else(|| {
                    Error::Protocol(format!(
                        "the answer's Status is {:?}; expected a number from 100 to 999",
                        String::from_utf8_lossy(value)
                    ))
                })?;
            }
            head.fields.push(field);
        }
        head.status = match (status_line, status_field) {
            (0, 0) if head.field("location").is_some() => 302,
            (0, 0) => 200,
            (0, status) => status,
            (status, _) => status,
        };
        Ok(head)
    }
}

fn bad_line(line: &[u8]) -> Error {
    let shown = String::from_utf8_lossy(line.get(..80).unwrap_or(line)).into_owned();
    Error::Protocol(format!("the answer's head has the line {shown:?}; expected \"Name: value\""))
}

/// Three digits, then the end or a blank.
fn leading_status(text: &[u8]) -> Option<u16> {
    let text = text.trim_ascii_start();
    let digits = text.get(..3)?;
    if !digits.iter().all(u8::is_ascii_digit) || text.get(3).is_some_and(|&b| b != b' ' && b != b'\t') {
        return None;
    }
    let number = digits.iter().fold(0u16, |n, d| n * 10 + u16::from(d - b'0'));
    (number >= 100).then_some(number)
}

/// Where a head ends: the offset behind its empty line, searched from `from`.
fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    // No header at all: the head is the empty line alone.
    match (bytes.first(), bytes.get(1)) {
        (Some(b'\n'), _) => return Some(1),
        (Some(b'\r'), Some(b'\n')) => return Some(2),
        _ => {}
    }
    let mut at = from;
    while let Some(n) = memchr(b'\n', bytes.get(at..).unwrap_or_default()) {
        let newline = at + n;
        match (bytes.get(newline + 1), bytes.get(newline + 2)) {
            (Some(b'\n'), _) => return Some(newline + 2),
            (Some(b'\r'), Some(b'\n')) => return Some(newline + 3),
            _ => at = newline + 1,
        }
    }
    None
}

/// Collects STDOUT bytes until the head is complete.
#[derive(Debug, Default)]
pub struct HeadParser {
    held: Vec<u8>,
}

impl HeadParser {
    /// True while no byte of the head has come.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Takes the next STDOUT bytes. `Some((head, n))`: the head is complete and `n` of these bytes
    /// belonged to it; what follows is body.
    ///
    /// # Errors
    /// [`Error::Protocol`] for a line that is no header, a bad status, or a head above [`MAX_HEAD`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Option<(Head, usize)>, Error> {
        if self.held.is_empty()
            && let Some(end) = head_end(bytes, 0)
        {
            return Self::limit(end)
                .and_then(|()| Ok(Some((Head::parse(bytes.get(..end).unwrap_or(bytes).to_vec())?, end))));
        }
        let before = self.held.len();
        self.held.extend_from_slice(bytes);
        match head_end(&self.held, before.saturating_sub(3)) {
            Some(end) => {
                Self::limit(end)?;
                self.held.truncate(end);
                Ok(Some((Head::parse(std::mem::take(&mut self.held))?, end.saturating_sub(before))))
            }
            None => Self::limit(self.held.len()).map(|()| None),
        }
    }

    /// The stream ended before an empty line: what is there counts as the head; nothing at all is an
    /// empty one with status 200, as a script without output has.
    ///
    /// # Errors
    /// [`Error::Protocol`] as for [`feed`](Self::feed).
    pub fn finish(&mut self) -> Result<Head, Error> {
        Head::parse(std::mem::take(&mut self.held))
    }

    fn limit(length: usize) -> Result<(), Error> {
        if length > MAX_HEAD {
            return Err(Error::Protocol(format!(
                "the answer's head is longer than {MAX_HEAD} bytes and has not ended"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn parse_split(bytes: &[u8], at: usize) -> (Head, Vec<u8>) {
        let mut parser = HeadParser::default();
        if let Some((head, used)) = parser.feed(&bytes[..at]).unwrap() {
            return (head, [&bytes[used..at], &bytes[at..]].concat());
        }
        let (head, used) = parser.feed(&bytes[at..]).unwrap().unwrap();
        (head, bytes[at + used..].to_vec())
    }

    #[test]
    fn a_head_split_anywhere_parses_alike() {
        let cases: [(&[u8], u16, usize); 9] = [
            (b"Content-type: text/html\r\n\r\nbody", 200, 1),
            (b"Status: 404 Not Found\r\nX-A: 1\r\nX-A: 2\r\n\r\nbody", 404, 3),
            (b"HTTP/1.1 503 Nope\r\nA: b\r\n\r\nbody", 503, 1),
            (b"HTTP/1.0 201\nA: b\n\nbody", 201, 1),
            (b"Location: /x\n\nbody", 302, 1),
            (b"Location: /x\r\nStatus: 201\r\n\r\nbody", 201, 2),
            (b"\r\nbody", 200, 0),
            (b"\nbody", 200, 0),
            (b"A:\r\nStatus:500\n\r\nbody", 500, 2),
        ];
        for (bytes, status, fields) in cases {
            for at in 0..bytes.len() - 4 {
                let (head, body) = parse_split(bytes, at);
                assert_eq!((head.status(), head.fields().count()), (status, fields), "{at} of {bytes:?}");
                assert_eq!(body, b"body", "{at} of {bytes:?}");
            }
        }
    }

    #[test]
    fn an_empty_line_in_front_of_the_body_is_not_the_heads() {
        for body in [&b"\nbody"[..], b"\r\nbody"] {
            for head in [&b"\n"[..], b"\r\n"] {
                let bytes = [head, body].concat();
                for at in 0..bytes.len() {
                    assert_eq!(parse_split(&bytes, at).1, body, "{at} of {bytes:?}");
                }
            }
        }
    }

    #[test]
    fn names_are_lower_case_and_values_trimmed() {
        let (head, _) = parse_split(b"Set-Cookie:  a=B \r\nset-cookie: c\r\n\r\n", 0);
        assert_eq!(head.field("set-cookie"), Some(&b"a=B"[..]));
        assert_eq!(head.fields().count(), 2);
    }

    #[test]
    fn an_unfinished_head_counts_at_the_end() {
        let mut parser = HeadParser::default();
        assert!(parser.feed(b"Status: 500").unwrap().is_none());
        assert_eq!(parser.finish().unwrap().status(), 500);
        assert_eq!(HeadParser::default().finish().unwrap().status(), 200);
    }

    #[test]
    fn bad_heads_are_named() {
        for bytes in [&b"no colon here\n\n"[..], b": x\n\n", b"Status: 99\n\n", b"Status: abc\n\n", b"HTTP/1.1 x\n\n"] {
            assert!(matches!(HeadParser::default().feed(bytes), Err(Error::Protocol(_))), "{bytes:?}");
        }
        let mut parser = HeadParser::default();
        let endless = (0..).map(|_| parser.feed(&[b'a'; 4096])).take(100).find(Result::is_err);
        assert!(endless.is_some());
    }
}
