//! The record layer (FastCGI 1.0, section 3.3): headers out, records in, split anywhere.

use super::error::Error;
use std::ops::Range;

/// Bytes of a record's header.
pub const HEADER: usize = 8;
/// The id of every request: one connection carries one at a time, and php-fpm ignores ids.
pub const REQUEST_ID: u16 = 1;
/// The most content put into one STDIN or DATA record; a multiple of eight, as the specification likes it.
pub const MAX_CONTENT: usize = 65_528;

/// Record types (section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Kind {
    BeginRequest = 1,
    AbortRequest = 2,
    EndRequest = 3,
    Params = 4,
    Stdin = 5,
    Stdout = 6,
    Stderr = 7,
    Data = 8,
    GetValues = 9,
    GetValuesResult = 10,
    UnknownType = 11,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Kind> {
        Some(match byte {
            1 => Kind::BeginRequest,
            2 => Kind::AbortRequest,
            3 => Kind::EndRequest,
            4 => Kind::Params,
            5 => Kind::Stdin,
            6 => Kind::Stdout,
            7 => Kind::Stderr,
            8 => Kind::Data,
            9 => Kind::GetValues,
            10 => Kind::GetValuesResult,
            11 => Kind::UnknownType,
            _ => return None,
        })
    }
}

/// A header with no padding: php-fpm reads none behind an empty record, so none is the only value that is
/// always right. Management records carry id 0.
pub fn header(kind: Kind, length: u16) -> [u8; HEADER] {
    let id = if kind == Kind::GetValues { 0 } else { REQUEST_ID };
    let [id1, id0] = id.to_be_bytes();
    let [length1, length0] = length.to_be_bytes();
    [1, kind as u8, id1, id0, length1, length0, 0, 0]
}

/// Appends a [`header`].
pub fn put_header(out: &mut Vec<u8>, kind: Kind, length: u16) {
    out.extend_from_slice(&header(kind, length));
}

/// Appends BEGIN_REQUEST.
pub fn put_begin(out: &mut Vec<u8>, role: u16, keep_connection: bool) {
    put_header(out, Kind::BeginRequest, 8);
    let [role1, role0] = role.to_be_bytes();
    out.extend_from_slice(&[role1, role0, u8::from(keep_connection), 0, 0, 0, 0, 0]);
}

/// Appends `bytes` as STDIN or DATA records; nothing for no bytes (an empty record ends the stream).
pub fn put_stream(out: &mut Vec<u8>, kind: Kind, bytes: &[u8]) {
    for chunk in bytes.chunks(MAX_CONTENT) {
        #[allow(clippy::cast_possible_truncation, reason = "chunks of MAX_CONTENT")]
        put_header(out, kind, chunk.len() as u16);
        out.extend_from_slice(chunk);
    }
}

/// How a request ended (section 5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolStatus {
    /// Normal.
    RequestComplete,
    /// The application does one request per connection at a time and had one already.
    CantMultiplex,
    /// Too busy.
    Overloaded,
    /// The role is not known.
    UnknownRole,
}

/// A piece of what came in. Content may come in several pieces; nothing is buffered but what is short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// STDOUT bytes: a range of the input.
    Stdout(Range<usize>),
    /// STDERR bytes: a range of the input.
    Stderr(Range<usize>),
    /// END_REQUEST.
    End {
        /// The application's exit status.
        app_status: u32,
        /// The protocol's own.
        protocol_status: ProtocolStatus,
    },
    /// The content of a GET_VALUES_RESULT record.
    Values(Vec<u8>),
}

/// Decodes records from bytes that come in any pieces.
#[derive(Debug, Default)]
pub struct Decoder {
    header: [u8; HEADER],
    have: u8,
    kind: Option<Kind>,
    content: u16,
    padding: u8,
    /// Content of the records that only make sense whole.
    short: Vec<u8>,
}

impl Decoder {
    /// Where the input stopped, for the message about a truncated answer.
    pub fn position(&self) -> &'static str {
        match (self.kind, self.have, self.content) {
            (None, 0, _) => "between two records, before END_REQUEST",
            (None, ..) => "inside a record's header",
            (Some(_), _, 0) => "inside a record's padding",
            (Some(Kind::EndRequest), ..) => "inside END_REQUEST",
            (Some(_), ..) => "inside a record's content",
        }
    }

    /// The next item of `input` from `*at` on, which moves past it; `None` when the input is used up.
    ///
    /// # Errors
    /// [`Error::Protocol`] for a wrong version, type or request id, or an END_REQUEST of the wrong size.
    pub fn next(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Item>, Error> {
        loop {
            let rest = input.get(*at..).unwrap_or_default();
            let Some(kind) = self.kind else {
                if rest.is_empty() {
                    return Ok(None);
                }
                *at += self.take_header(rest);
                // A wrong version is known from the first byte: an HTTP server may never send eight.
                let [version, kind, id1, id0, length1, length0, padding, _] = self.header;
                if version != 1 {
                    return Err(not_fastcgi(version));
                }
                if usize::from(self.have) == HEADER {
                    self.have = 0;
                    self.content = u16::from_be_bytes([length1, length0]);
                    self.padding = padding;
                    self.kind = Some(self.begin(kind, u16::from_be_bytes([id1, id0]))?);
                }
                continue;
            };
            if self.content > 0 {
                if rest.is_empty() {
                    return Ok(None);
                }
                let take = rest.len().min(usize::from(self.content));
                let range = *at..*at + take;
                *at += take;
                #[allow(clippy::cast_possible_truncation, reason = "at most `content`")]
                {
                    self.content -= take as u16;
                }
                match kind {
                    Kind::Stdout => return Ok(Some(Item::Stdout(range))),
                    Kind::Stderr => return Ok(Some(Item::Stderr(range))),
                    _ => self.short.extend_from_slice(rest.get(..take).unwrap_or_default()),
                }
                continue;
            }
            if self.padding > 0 {
                if rest.is_empty() && kind != Kind::EndRequest {
                    return Ok(None);
                }
                // END_REQUEST is complete without its padding: whoever waits should not wait for that.
                #[allow(clippy::cast_possible_truncation, reason = "at most `padding`")]
                let take = rest.len().min(usize::from(self.padding)) as u8;
                *at += usize::from(take);
                self.padding -= take;
                if self.padding > 0 && kind != Kind::EndRequest {
                    continue;
                }
            }
            self.kind = None;
            match kind {
                Kind::EndRequest => return self.end().map(Some),
                Kind::GetValuesResult => return Ok(Some(Item::Values(std::mem::take(&mut self.short)))),
                Kind::UnknownType => {
                    return Err(Error::Protocol(format!(
                        "the server does not know record type {}",
                        self.short.first().copied().unwrap_or_default()
                    )));
                }
                _ => {}
            }
        }
    }

    /// Takes as much of the header as there is; says how much.
    fn take_header(&mut self, rest: &[u8]) -> usize {
        if let (0, Some(whole)) = (self.have, rest.first_chunk()) {
            self.header = *whole;
            self.have = HEADER as u8;
            return HEADER;
        }
        let have = usize::from(self.have);
        let take = rest.len().min(HEADER - have);
        if let (Some(to), Some(from)) = (self.header.get_mut(have..have + take), rest.get(..take)) {
            to.copy_from_slice(from);
        }
        #[allow(clippy::cast_possible_truncation, reason = "at most eight")]
        {
            self.have = (have + take) as u8;
        }
        take
    }

    /// True when an END_REQUEST was taken before all of its padding had come.
    pub fn owes_padding(&self) -> bool {
        self.kind.is_none() && self.padding > 0
    }

    fn begin(&mut self, kind: u8, id: u16) -> Result<Kind, Error> {
        let known = Kind::from_byte(kind).filter(|kind| {
            matches!(kind, Kind::Stdout | Kind::Stderr | Kind::EndRequest | Kind::GetValuesResult | Kind::UnknownType)
        });
        let Some(known) = known else {
            return Err(Error::Protocol(format!(
                "the server sent record type {kind}; expected STDOUT (6), STDERR (7) or END_REQUEST (3)"
            )));
        };
        let expected = match known {
            Kind::GetValuesResult | Kind::UnknownType => 0,
            _ => REQUEST_ID,
        };
        if id != expected {
            return Err(Error::Protocol(format!("the server sent a record for request id {id}; expected {expected}")));
        }
        if known == Kind::EndRequest && self.content != 8 {
            return Err(Error::Protocol(format!(
                "the server sent an END_REQUEST of {} bytes; expected 8",
                self.content
            )));
        }
        self.short.clear();
        Ok(known)
    }

    fn end(&mut self) -> Result<Item, Error> {
        let Some(&[a, b, c, d, status]) = self.short.first_chunk::<5>() else {
            return Err(Error::Protocol("the server sent a short END_REQUEST; expected 8 bytes".into()));
        };
        let protocol_status = match status {
            0 => ProtocolStatus::RequestComplete,
            1 => ProtocolStatus::CantMultiplex,
            2 => ProtocolStatus::Overloaded,
            3 => ProtocolStatus::UnknownRole,
            other => {
                return Err(Error::Protocol(format!(
                    "the server ended the request with protocol status {other}; expected 0 to 3"
                )));
            }
        };
        Ok(Item::End { app_status: u32::from_be_bytes([a, b, c, d]), protocol_status })
    }
}

fn not_fastcgi(version: u8) -> Error {
    let hint = match version {
        b'H' => " (an HTTP server?)",
        b'S' => " (an SSH server?)",
        0x15 | 0x16 => " (a TLS server?)",
        _ => "",
    };
    Error::Protocol(format!(
        "not a FastCGI server{hint}: its answer begins with byte {version:#04x}; expected version 0x01"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn record(kind: u8, content: &[u8], padding: u8) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        let id = if kind >= 10 { 0 } else { 1 };
        let mut out = vec![1, kind, 0, id, length[0], length[1], padding, 0];
        out.extend_from_slice(content);
        out.extend(std::iter::repeat_n(0xaa, usize::from(padding)));
        out
    }

    /// Stdout, stderr and the end, put together from pieces.
    #[allow(clippy::type_complexity, reason = "three of them, named one line above")]
    fn decode(pieces: &[&[u8]]) -> Result<(Vec<u8>, Vec<u8>, Option<u32>), Error> {
        let (mut out, mut err, mut end) = (Vec::new(), Vec::new(), None);
        let mut decoder = Decoder::default();
        for piece in pieces {
            let mut at = 0;
            while let Some(item) = decoder.next(piece, &mut at)? {
                match item {
                    Item::Stdout(range) => out.extend_from_slice(&piece[range]),
                    Item::Stderr(range) => err.extend_from_slice(&piece[range]),
                    Item::End { app_status, .. } => end = Some(app_status),
                    Item::Values(_) => {}
                }
            }
        }
        Ok((out, err, end))
    }

    #[test]
    fn records_split_at_every_byte_decode_alike() {
        let bytes = [
            record(6, b"hello", 3),
            record(7, b"oops", 0),
            record(6, b"", 0),
            record(6, b"", 7),
            record(6, b" world", 2),
            record(3, &[0, 0, 1, 2, 0, 0, 0, 0], 0),
        ]
        .concat();
        for a in 0..bytes.len() {
            for b in a..bytes.len() {
                let got = decode(&[&bytes[..a], &bytes[a..b], &bytes[b..]]).unwrap();
                assert_eq!(got, (b"hello world".to_vec(), b"oops".to_vec(), Some(258)));
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(decode(&single).unwrap().2, Some(258));
    }

    #[test]
    fn end_request_does_not_wait_for_its_padding() {
        let bytes = record(3, &[0; 8], 5);
        assert_eq!(decode(&[&bytes[..16]]).unwrap().2, Some(0));
    }

    #[test]
    fn broken_records_are_named() {
        let cases: [(&[u8], &str); 7] = [
            (b"HTTP/1.1 400 Bad Request\r\n", "HTTP server"),
            (b"H", "HTTP server"),
            (&[2, 6, 0, 1, 0, 0, 0, 0], "0x02"),
            (&[1, 99, 0, 1, 0, 0, 0, 0], "type 99"),
            (&[1, 5, 0, 1, 0, 0, 0, 0], "type 5"),
            (&[1, 6, 0, 2, 0, 0, 0, 0], "id 2"),
            (&[1, 3, 0, 1, 0, 4, 0, 0, 0, 0, 0, 0], "4 bytes"),
        ];
        for (bytes, words) in cases {
            let Err(Error::Protocol(text)) = decode(&[bytes]) else { unreachable!("{bytes:?} was accepted") };
            assert!(text.contains(words), "{text}");
        }
        let unknown = record(11, &[77, 0, 0, 0, 0, 0, 0, 0], 0);
        assert!(decode(&[&unknown]).unwrap_err().to_string().contains("77"));
        let status = record(3, &[0, 0, 0, 0, 9, 0, 0, 0], 0);
        assert!(decode(&[&status]).unwrap_err().to_string().contains("status 9"));
    }

    #[test]
    fn the_place_of_a_truncation_is_known() {
        let bytes = record(6, b"hello", 3);
        for (length, words) in [(0, "between"), (4, "header"), (8, "content"), (12, "content"), (13, "padding")] {
            let mut decoder = Decoder::default();
            let mut at = 0;
            while decoder.next(&bytes[..length], &mut at).unwrap().is_some() {}
            assert!(decoder.position().contains(words), "{length}: {}", decoder.position());
        }
    }

    #[test]
    fn a_stream_is_cut_into_full_records() {
        let mut out = Vec::new();
        put_stream(&mut out, Kind::Stdin, &[7; 65_529]);
        assert_eq!(out.len(), 65_529 + 2 * HEADER);
        assert_eq!(&out[..HEADER], &[1, 5, 0, 1, 0xff, 0xf8, 0, 0]);
        out.clear();
        put_stream(&mut out, Kind::Stdin, b"");
        assert!(out.is_empty());
    }
}
