//! Request heads.

use super::Error;

/// The longest request head in bytes; Go's servers take 1 MiB, proxies less.
const MAX_REQUEST_HEAD: usize = 64 * 1024;

/// Appends a request: head and, where there is one, the body with its exact length.
///
/// # Errors
/// [`Error::Invalid`] for a method, target or header that cannot stand in a head, or a head above 64 KiB.
pub fn put_request(
    out: &mut Vec<u8>,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> Result<(), Error> {
    let begin = out.len();
    let written = put_head(out, method, target, headers, body.map(<[u8]>::len)).and_then(|()| {
        let length = out.len() - begin;
        if length > MAX_REQUEST_HEAD {
            return Err(Error::Invalid(format!(
                "the request's path and headers have {length} bytes; expected at most {MAX_REQUEST_HEAD}"
            )));
        }
        Ok(())
    });
    if written.is_err() {
        out.truncate(begin);
    } else if let Some(body) = body {
        out.extend_from_slice(body);
    }
    written
}

fn put_head(
    out: &mut Vec<u8>,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: Option<usize>,
) -> Result<(), Error> {
    if method.is_empty() || !method.bytes().all(is_token) {
        return Err(Error::Invalid(format!("{method:?} is no HTTP method; expected a word such as GET")));
    }
    if !target.starts_with('/') || !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::Invalid(format!(
            "{target:?} is no request path; expected one that begins with / and holds no spaces, control or non-ASCII \
             characters (percent-encode them)"
        )));
    }
    for piece in [method, " ", target, " HTTP/1.1\r\n"] {
        out.extend_from_slice(piece.as_bytes());
    }
    for (name, value) in headers {
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(Error::Invalid(format!("{name:?} is no header name")));
        }
        if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(Error::Invalid(format!("the value of header {name} holds a line end or another control byte")));
        }
        for piece in [*name, ": ", *value, "\r\n"] {
            out.extend_from_slice(piece.as_bytes());
        }
    }
    if let Some(length) = body {
        out.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// True for the bytes of a token (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Appends `text` percent-encoded but for the unreserved characters (RFC 3986, section 2.3).
pub fn escape(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
            continue;
        }
        out.push('%');
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from(HEX.get(usize::from(digit)).copied().unwrap_or(b'0')));
        }
    }
}

/// A path and its query, put together piece by piece.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    text: String,
    has_query: bool,
}

impl Target {
    /// Begins with `path`, which is taken as it is.
    pub fn new(path: impl Into<String>) -> Self {
        let text = path.into();
        let has_query = text.contains('?');
        Target { text, has_query }
    }

    /// Appends `/` and an encoded segment.
    #[must_use]
    pub fn segment(mut self, segment: &str) -> Self {
        self.text.push('/');
        escape(&mut self.text, segment);
        self
    }

    /// Appends an encoded `name=value` to the query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        escape(&mut self.text, name);
        self.text.push('=');
        escape(&mut self.text, value);
        self
    }

    /// The whole.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_request_with_a_body_says_its_length() {
        let mut out = Vec::new();
        put_request(&mut out, "POST", "/v1.41/exec/1/start", &[("Host", "docker")], Some(b"{}")).unwrap();
        assert_eq!(out, b"POST /v1.41/exec/1/start HTTP/1.1\r\nHost: docker\r\nContent-Length: 2\r\n\r\n{}");
        out.clear();
        put_request(&mut out, "POST", "/a", &[], None).unwrap();
        assert_eq!(out, b"POST /a HTTP/1.1\r\n\r\n");
    }

    #[test]
    fn what_would_break_the_head_is_refused_and_leaves_nothing() {
        let long = format!("/{}", "x".repeat(MAX_REQUEST_HEAD));
        type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);
        let cases: [Case<'_>; 8] = [
            ("", "/", &[]),
            ("GET /", "/", &[]),
            ("GET", "", &[]),
            ("GET", "/a b", &[]),
            ("GET", "/a\r\nX: y", &[]),
            ("GET", "/", &[("a b", "c")]),
            ("GET", "/", &[("a", "c\r\nd: e")]),
            ("GET", &long, &[]),
        ];
        for (method, target, headers) in cases {
            let mut out = b"before".to_vec();
            assert!(put_request(&mut out, method, target, headers, None).is_err(), "{method} {target}");
            assert_eq!(out, b"before");
        }
    }

    #[test]
    fn targets_are_encoded() {
        let target = Target::new("/containers").segment("a/b ü").query("filters", "{\"a\":1}").query("t", "1&2");
        assert_eq!(target.as_str(), "/containers/a%2Fb%20%C3%BC?filters=%7B%22a%22%3A1%7D&t=1%262");
        assert_eq!(Target::new("/a?b=c").query("d", "").as_str(), "/a?b=c&d=");
    }
}
