//! The head of an HTTP/1 request: bytes in, a head or a refusal out.

use super::authority::split_authority;
use bytes::Bytes;
use std::borrow::Cow;

/// Header fields that a request may have.
const MAX_FIELDS: usize = 100;

/// The head of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// `GET` and so on, as it was sent.
    pub method: String,
    /// The target as it was sent: path and query, percent-encoded.
    pub target: String,
    /// 0 or 1: the request is HTTP/1.0 or HTTP/1.1.
    pub minor_version: u8,
    /// Names in lower case, in the order they came. Values are bytes, mostly ASCII.
    pub headers: Vec<(String, Bytes)>,
    /// Who asks: `127.0.0.1:50000`, or `unix:` for whoever came over a unix socket.
    pub remote: String,
}

impl Head {
    /// The target's path, percent-encoded as it was sent.
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(&*self.target, |(path, _)| path)
    }

    /// What follows the first `?` of the target; empty without one.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The values of a field; `name` in lower case.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Bytes> {
        self.headers.iter().filter(move |(other, _)| other == name).map(|(_, value)| value)
    }

    /// The first value of a field as text; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, value) = self.headers.iter().find(|(other, _)| other == name)?;
        Some(String::from_utf8_lossy(value))
    }

    /// True when the comma-separated lists of a field hold `token`, in any case.
    pub(super) fn lists(&self, name: &str, token: &str) -> bool {
        self.list(name).any(|item| item.eq_ignore_ascii_case(token.as_bytes()))
    }

    /// The items of the comma-separated lists of a field.
    pub(super) fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.values(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .filter(|item| !item.is_empty())
    }

    /// May another request follow on the connection?
    pub(super) fn keeps_alive(&self) -> bool {
        match self.minor_version {
            0 => false,
            _ => !self.lists("connection", "close"),
        }
    }
}

/// What a request is refused with: a status, a line of text, and header fields to help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The answer's status.
    pub status: u16,
    /// The answer's body.
    pub why: Cow<'static, str>,
    /// Additional header fields.
    pub headers: &'static [(&'static str, &'static [u8])],
}

impl Refusal {
    pub fn new(status: u16, why: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal { status, why: why.into(), headers: &[] }
    }
}

/// What the bytes of a connection amount to.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not yet a head.
    More,
    /// A head, how many bytes it took, and how many the body has that follows.
    Head(Box<Head>, usize, usize),
    /// Nothing that will be answered well.
    Refused(Refusal),
}

/// Most bytes of a head and of a body.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub head: usize,
    pub body: usize,
}

/// Reads a head off the start of `input`, of which all but the last `fresh` bytes have been looked at before.
pub fn read(input: &Bytes, fresh: usize, limits: Limits, remote: impl Fn() -> String) -> Progress {
    let seen = input.len().saturating_sub(fresh);
    let ends_line = input.get(seen..).is_some_and(|fresh| fresh.contains(&b'\n'));
    if !ends_line && let Some(refusal) = cannot_become_head(input) {
        return Progress::Refused(refusal);
    }
    if ends_line {
        match parse(input, &remote) {
            Ok(Some((head, size))) if size <= limits.head => {
                return match body_size(&head, limits.body) {
                    Ok(body) => Progress::Head(head, size, body),
                    Err(refusal) => Progress::Refused(refusal),
                };
            }
            Ok(_) => {}
            Err(refusal) => return Progress::Refused(refusal),
        }
    }
    if input.len() <= limits.head {
        return Progress::More;
    }
    let has_line = input.iter().take(limits.head).any(|byte| *byte == b'\n');
    Progress::Refused(match has_line {
        true => Refusal::new(431, format!("the head of the request has more than {} bytes", limits.head)),
        false => Refusal::new(414, format!("the request's first line has more than {} bytes", limits.head)),
    })
}

/// What can be said of bytes before a line is complete.
fn cannot_become_head(input: &[u8]) -> Option<Refusal> {
    match input.first()? {
        0x16 => Some(Refusal::new(400, "TLS was spoken to a port without TLS")),
        b'\r' | b'\n' => None,
        byte if is_token(&[*byte]) => None,
        _ => Some(Refusal::new(400, "this is no HTTP request")),
    }
}

fn parse(input: &Bytes, remote: &impl Fn() -> String) -> Result<Option<(Box<Head>, usize)>, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let size = match request.parse(input) {
        Ok(httparse::Status::Complete(size)) => size,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Refusal::new(431, format!("the request has more than {MAX_FIELDS} header fields")));
        }
        Err(httparse::Error::Version) => {
            return Err(Refusal::new(505, "HTTP/1.1 and HTTP/1.0 are spoken here"));
        }
        Err(error) => return Err(Refusal::new(400, format!("this is no HTTP request: {error}"))),
    };
    let (Some(method), Some(target), Some(minor_version)) = (request.method, request.path, request.version) else {
        return Err(Refusal::new(400, "this is no HTTP request"));
    };
    let (target, authority) = origin_form(method, target)?;
    let mut head = Box::new(Head {
        method: method.to_owned(),
        target,
        minor_version,
        headers: request
            .headers
            .iter()
            .map(|field| (field.name.to_ascii_lowercase(), input.slice_ref(field.value)))
            .collect(),
        remote: remote(),
    });
    let hosts = head.values("host").count();
    if hosts > 1 || (hosts == 0 && minor_version > 0) {
        return Err(Refusal::new(400, format!("the request has {hosts} Host fields; expected one")));
    }
    if let Some(authority) = authority {
        // RFC 9112, section 3.2.2: whatever the field says.
        let authority = input.slice_ref(authority.as_bytes());
        match head.headers.iter_mut().find(|(name, _)| name == "host") {
            Some((_, host)) => *host = authority,
            None => head.headers.push(("host".to_owned(), authority)),
        }
    }
    if let Some(host) = head.values("host").next() {
        let is_good = std::str::from_utf8(host).is_ok_and(|host| split_authority(host).is_some());
        if !is_good {
            let host = host.escape_ascii();
            return Err(Refusal::new(400, format!("the request's host is \"{host}\"; expected host or host:port")));
        }
    }
    Ok(Some((head, size)))
}

/// The target as path and query, out of whichever form it was sent in, and the host (and port) that it names.
fn origin_form<'a>(method: &str, target: &'a str) -> Result<(String, Option<&'a str>), Refusal> {
    match method {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => {}
        "CONNECT" | "TRACE" => {
            return Err(Refusal {
                headers: &[("Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")],
                ..Refusal::new(405, "this method is not served here")
            });
        }
        _ => return Err(Refusal::new(501, "this method is not known here")),
    }
    if target.contains('#') {
        return Err(Refusal::new(400, "the request's target holds a '#'"));
    }
    if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
        return Ok((target.to_owned(), None));
    }
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| target.get(..scheme.len()).filter(|it| it.eq_ignore_ascii_case(scheme)))
        .and_then(|scheme| target.get(scheme.len()..))
        .ok_or_else(|| Refusal::new(400, "the request's target is no path"))?;
    let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let slash = if rest.starts_with('/') { "" } else { "/" };
    Ok((format!("{slash}{rest}"), Some(authority)))
}

/// Bytes of the body that follows the head.
fn body_size(head: &Head, limit: usize) -> Result<usize, Refusal> {
    let mut lengths = head.list("content-length");
    let length = lengths.next();
    if head.values("transfer-encoding").next().is_some() {
        return Err(match length {
            // Whoever is in front may have believed the other one: this is how requests are smuggled.
            Some(_) => Refusal::new(400, "the request has both Content-Length and Transfer-Encoding"),
            None => Refusal::new(411, "a body needs Content-Length here; transfer codings are not taken"),
        });
    }
    let Some(length) = length else {
        // A list without elements is not what it says.
        let absent = head.values("content-length").next().is_none();
        return if absent { Ok(0) } else { Err(Refusal::new(400, "Content-Length is no number")) };
    };
    if lengths.any(|other| other != length) {
        return Err(Refusal::new(400, "the request has several Content-Lengths"));
    }
    let number = std::str::from_utf8(length).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(number) = number else { return Err(Refusal::new(400, "Content-Length is no number")) };
    match number.parse::<usize>() {
        Ok(size) if size <= limit => Ok(size),
        _ => Err(Refusal::new(413, format!("the request's body has {number} bytes; at most {limit} are taken"))),
    }
}

/// RFC 9110's `token`: what methods, field names and subprotocols are made of.
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    const LIMITS: Limits = Limits { head: 4096, body: 1000 };

    fn whole(text: &str) -> Progress {
        read(&Bytes::copy_from_slice(text.as_bytes()), text.len(), LIMITS, String::new)
    }

    fn head(text: &str) -> Head {
        match whole(text) {
            Progress::Head(head, size, _) => {
                assert!(size <= text.len());
                *head
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }

    fn status(text: &str) -> u16 {
        match whole(text) {
            Progress::Refused(refusal) => refusal.status,
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn heads_are_read() {
        let it = head("GET /a%20b?c=d?e HTTP/1.1\r\nHost: x\r\nX-A:  1 \r\nx-a: 2\r\n\r\nrest");
        assert_eq!((it.method.as_str(), it.path(), it.query()), ("GET", "/a%20b", "c=d?e"));
        assert_eq!(it.values("x-a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(it.header("host").as_deref(), Some("x"));
        assert!(it.keeps_alive());
        assert!(!head("GET / HTTP/1.0\r\n\r\n").keeps_alive());
        assert!(!head("GET / HTTP/1.1\r\nHost: x\r\nConnection: x , Close\r\n\r\n").keeps_alive());
        let it = head("GET http://h:1/p?q HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!((it.target.as_str(), it.header("host").as_deref()), ("/p?q", Some("h:1")));
        assert_eq!(head("GET http://h HTTP/1.0\r\n\r\n").header("host").as_deref(), Some("h"));
        assert_eq!(head("GET HTTPS://h?q HTTP/1.1\r\nHost: x\r\n\r\n").target, "/?q");
        assert_eq!(head("GET http://h HTTP/1.1\r\nHost: x\r\n\r\n").target, "/");
        assert_eq!(head("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").target, "*");
    }

    #[test]
    fn a_head_may_come_byte_by_byte() {
        let text = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";
        for end in 1..text.len() {
            let part = Bytes::copy_from_slice(text.get(..end).unwrap().as_bytes());
            assert_eq!(read(&part, 1, LIMITS, String::new), Progress::More, "{end}");
        }
        assert!(
            matches!(read(&Bytes::from(text), 1, LIMITS, String::new), Progress::Head(_, size, 3) if size == text.len())
        );
    }

    #[test]
    fn what_is_no_good_request_is_refused() {
        for (expected, text) in [
            (400, "\x16\x03\x01"),
            (400, "\0"),
            (400, "hello\r\n\r\n"),
            (400, "GET\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: \r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a b<>\r\n\r\n"),
            (400, "GET / HTTP/1.0\r\nHost: a/b\r\n\r\n"),
            (400, "GET http:///p HTTP/1.1\r\nHost: a\r\n\r\n"),
            (400, "GET http://me@a/p HTTP/1.1\r\nHost: a\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n"),
            (400, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n"),
            (400, "GET x HTTP/1.1\r\nHost: a\r\n\r\n"),
            (400, "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n"),
            (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n"),
            (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n"),
            (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:  ,\r\n\r\n"),
            (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n"),
            (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
            (405, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
            (411, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
            (413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n"),
            (413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
            (501, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
            (505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ] {
            assert_eq!(status(text), expected, "{text:?}");
        }
        assert_eq!(status(&format!("GET /{}", "x".repeat(5000))), 414);
        assert_eq!(status(&format!("GET /{} HTTP/1.1\r\n", "x".repeat(5000))), 414);
        assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}", "x".repeat(5000))), 431);
        assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "x".repeat(5000))), 431);
        assert_eq!(status(&format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(100))), 431);
    }

    #[test]
    fn no_bytes_break_it() {
        let text = b"POST http://h/p?q HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: a, b\r\n\r\nabc";
        for at in 0..text.len() {
            for byte in 0..=255 {
                let mut changed = text.to_vec();
                *changed.get_mut(at).unwrap() = byte;
                let size = changed.len();
                let _ = read(&changed.into(), size, LIMITS, String::new);
            }
        }
    }
}
