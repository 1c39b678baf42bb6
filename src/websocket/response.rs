//! The head of an HTTP/1.1 response.

use super::Error;
use super::request::is_token;
use std::fmt::Write;
use std::time::SystemTime;

/// Does a response with this status have neither body nor length?
pub fn is_bodiless(status: u16) -> bool {
    matches!(status, 204 | 304)
}

/// Writes the head of a final response; `length` is that of the body, sent or (HEAD) not.
///
/// # Errors
/// [`Error::Invalid`] for a status outside 200 to 599, or fields that cannot be sent or that frame the body.
pub fn head(status: u16, headers: &[(&str, &[u8])], length: usize, keep_alive: bool) -> Result<Vec<u8>, Error> {
    if !(200..=599).contains(&status) {
        return Err(Error::Invalid(format!("the status is {status}; expected 200 to 599")));
    }
    let mut head = String::with_capacity(160);
    // Writing to a String cannot fail.
    let _ = write!(head, "HTTP/1.1 {status} {}\r\n", reason(status));
    let has_date = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("date"));
    if !has_date {
        let _ = write!(head, "Date: {}\r\n", httpdate::HttpDate::from(SystemTime::now()));
    }
    if !is_bodiless(status) {
        let _ = write!(head, "Content-Length: {length}\r\n");
    }
    if !keep_alive {
        head.push_str("Connection: close\r\n");
    }
    let mut head = head.into_bytes();
    write_fields(&mut head, headers)?;
    head.extend_from_slice(b"\r\n");
    Ok(head)
}

/// Can an answer with this status and these fields be sent?
///
/// # Errors
/// [`Error::Invalid`] for a status outside 200 to 599, or fields that cannot be sent or that frame the body.
pub fn check(status: u16, headers: &[(&str, &[u8])]) -> Result<(), Error> {
    head(status, headers, 0, true).map(drop)
}

/// Appends header fields of the program's.
///
/// # Errors
/// As [`head`].
fn write_fields(head: &mut Vec<u8>, headers: &[(&str, &[u8])]) -> Result<(), Error> {
    for (name, value) in headers {
        if !is_token(name.as_bytes()) {
            return Err(Error::Invalid(format!("{name:?} cannot name a header field")));
        }
        if value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(Error::Invalid(format!("the value of header {name} holds a line break or a NUL byte")));
        }
        if ["content-length", "transfer-encoding", "connection"].iter().any(|it| name.eq_ignore_ascii_case(it)) {
            return Err(Error::Invalid(format!("header {name} is set by the server itself")));
        }
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    }
    Ok(())
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn text(status: u16, headers: &[(&str, &[u8])], length: usize, keep_alive: bool) -> String {
        String::from_utf8(head(status, headers, length, keep_alive).unwrap()).unwrap()
    }

    #[test]
    fn heads_are_written() {
        let date: &[(&str, &[u8])] = &[("date", b"now"), ("X-A", b"b c")];
        assert_eq!(text(200, date, 5, true), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\ndate: now\r\nX-A: b c\r\n\r\n");
        assert_eq!(
            text(204, &date[..1], 0, false),
            "HTTP/1.1 204 No Content\r\nConnection: close\r\ndate: now\r\n\r\n"
        );
        assert!(text(299, &[], 0, true).contains(" GMT\r\n"));
    }

    #[test]
    fn what_would_break_the_framing_is_refused() {
        assert!(head(101, &[], 0, true).is_err());
        assert!(head(600, &[], 0, true).is_err());
        for field in [("a b", &b"x"[..]), ("", b"x"), ("a", b"x\r\ny: z"), ("a", b"\0"), ("Content-length", b"1")] {
            assert!(head(200, &[field], 0, true).is_err(), "{field:?}");
        }
    }
}
