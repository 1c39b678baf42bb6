//! The opening handshake (RFC 6455, section 4): who may, and what is answered.

use super::authority::split_authority;
use super::options::Origins;
use super::request::{Head, Refusal, is_token};
use tungstenite::handshake::derive_accept_key;

/// A request that may become a WebSocket.
#[derive(Debug, PartialEq, Eq)]
pub struct Offer {
    /// The answer to its key.
    pub accept: String,
    /// Subprotocols that the client speaks, the best first.
    pub protocols: Vec<String>,
}

/// What a request is, by the look of its head.
#[derive(Debug, PartialEq, Eq)]
pub enum Wish {
    /// To be answered like any request.
    Plain,
    /// To become a WebSocket.
    Upgrade(Offer),
    /// A WebSocket that cannot be had like this.
    Refused(Refusal),
}

/// Judges a request without a body.
pub fn judge(head: &Head, has_body: bool, origins: &Origins) -> Wish {
    if !head.lists("upgrade", "websocket") {
        return Wish::Plain;
    }
    match offer(head, has_body, origins) {
        Ok(offer) => Wish::Upgrade(offer),
        Err(refusal) => Wish::Refused(refusal),
    }
}

fn offer(head: &Head, has_body: bool, origins: &Origins) -> Result<Offer, Refusal> {
    let needs = |why| Refusal {
        headers: &[("Upgrade", b"websocket"), ("Sec-WebSocket-Version", b"13")],
        ..Refusal::new(426, why)
    };
    if head.minor_version == 0 {
        return Err(needs("a WebSocket needs HTTP/1.1 (nginx: proxy_http_version 1.1)"));
    }
    if head.method != "GET" {
        return Err(Refusal {
            headers: &[("Allow", b"GET")],
            ..Refusal::new(405, "a WebSocket is asked for with GET")
        });
    }
    if !head.lists("connection", "upgrade") {
        return Err(Refusal::new(400, "the field \"Connection: Upgrade\" is missing"));
    }
    if has_body {
        return Err(Refusal::new(400, "a request for a WebSocket has no body"));
    }
    if !head.values("sec-websocket-version").eq(["13"]) {
        return Err(needs("version 13 of WebSocket is spoken here"));
    }
    let mut keys = head.values("sec-websocket-key");
    let key = match (keys.next(), keys.next()) {
        (Some(key), None) if is_key(key) => key,
        _ => return Err(Refusal::new(400, "Sec-WebSocket-Key is not 16 bytes in base64")),
    };
    let mut protocols = Vec::new();
    for name in head.list("sec-websocket-protocol") {
        match std::str::from_utf8(name) {
            Ok(name) if is_token(name.as_bytes()) => protocols.push(name.to_owned()),
            _ => return Err(Refusal::new(400, "Sec-WebSocket-Protocol is not a list of tokens")),
        }
    }
    if !may(head, origins) {
        return Err(Refusal::new(403, "pages of this origin may not open a WebSocket here"));
    }
    Ok(Offer { accept: derive_accept_key(key), protocols })
}

/// 16 bytes in base64 are 21 letters, one of which only the upper two bits count, and two signs for padding.
fn is_key(key: &[u8]) -> bool {
    key.len() == 24
        && key.ends_with(b"==")
        && key.iter().take(22).all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// Does the origin rule let this request pass?
fn may(head: &Head, origins: &Origins) -> bool {
    let mut values = head.values("origin");
    let origin = match (values.next(), values.next()) {
        (None, _) => return true,
        (Some(_), Some(_)) => return false,
        (Some(origin), None) => origin,
    };
    if *origins == Origins::Any {
        return true;
    }
    // "null" (a sandboxed frame, a local file) is no origin of ours.
    let Some(origin) = std::str::from_utf8(origin).ok().and_then(Origin::parse) else { return false };
    match origins {
        Origins::Any => true,
        Origins::Same => head.header("host").is_some_and(|host| origin.is_at(&host)),
        Origins::These(list) => list.iter().any(|text| Origin::parse(text).as_ref() == Some(&origin)),
    }
}

/// A page's origin: scheme, host and port.
#[derive(Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origin {
    /// Reads `scheme://host[:port]` as browsers write it, in any case.
    pub fn parse(text: &str) -> Option<Origin> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let (host, port) = split_authority(authority)?;
        let default = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        is_scheme.then_some(Origin { scheme, host, port: port.or(default) })
    }

    /// Has the page come from the host (and port) that a `Host` field names? Whether by TLS cannot be known here: it
    /// may have ended at a proxy.
    fn is_at(&self, host: &str) -> bool {
        let default = match self.scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        split_authority(host).is_some_and(|(host, port)| host == self.host && port.or(default) == self.port)
    }
}

/// The answer that opens a WebSocket.
pub fn switching(offer: &Offer, protocol: Option<&str>) -> Vec<u8> {
    let mut head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
        offer.accept
    );
    if let Some(protocol) = protocol {
        head.push_str("Sec-WebSocket-Protocol: ");
        head.push_str(protocol);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use bytes::Bytes;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn head(fields: &[(&str, &str)]) -> Head {
        let mut headers = vec![
            ("host", "example.org"),
            ("upgrade", "h2c, WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
        ];
        headers.retain(|(name, _)| !fields.iter().any(|(other, _)| other == name));
        headers.extend(fields.iter().filter(|(_, value)| *value != "-"));
        Head {
            method: "GET".into(),
            target: "/ws".into(),
            minor_version: 1,
            headers: headers.iter().map(|(name, value)| (name.to_string(), Bytes::from(value.to_string()))).collect(),
            remote: String::new(),
        }
    }

    fn status(head: &Head, origins: &Origins) -> u16 {
        match judge(head, false, origins) {
            Wish::Plain => 200,
            Wish::Upgrade(_) => 101,
            Wish::Refused(refusal) => refusal.status,
        }
    }

    #[test]
    fn the_example_of_the_rfc() {
        let Wish::Upgrade(offer) = judge(&head(&[("sec-websocket-protocol", "a, tty")]), false, &Origins::Same) else {
            panic!("refused")
        };
        assert_eq!(offer.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(offer.protocols, ["a", "tty"]);
        assert!(String::from_utf8(switching(&offer, Some("tty"))).unwrap().ends_with("Protocol: tty\r\n\r\n"));
    }

    #[test]
    fn handshakes_that_are_not_good_are_refused() {
        for (expected, field) in [
            (101, ("x", "y")),
            (200, ("upgrade", "-")),
            (200, ("upgrade", "h2c")),
            (400, ("connection", "close")),
            (400, ("sec-websocket-key", "-")),
            (400, ("sec-websocket-key", "short")),
            (400, ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZ!==")),
            (400, ("sec-websocket-protocol", "a b")),
            (426, ("sec-websocket-version", "8")),
            (426, ("sec-websocket-version", "-")),
        ] {
            assert_eq!(status(&head(&[field]), &Origins::Same), expected, "{field:?}");
        }
        let old = Head { minor_version: 0, ..head(&[]) };
        assert_eq!(status(&old, &Origins::Same), 426);
        let post = Head { method: "POST".into(), ..head(&[]) };
        assert_eq!(status(&post, &Origins::Same), 405);
        assert!(matches!(judge(&head(&[]), true, &Origins::Same), Wish::Refused(it) if it.status == 400));
    }

    #[test]
    fn the_origin_rule() {
        let list = Origins::These(vec!["https://a.example".into(), "http://[::1]:8080".into()]);
        for (origin, host, same, listed) in [
            ("-", "example.org", true, true),
            ("http://example.org", "example.org", true, false),
            ("https://example.org", "example.org", true, false),
            ("https://EXAMPLE.org:443", "Example.ORG", true, false),
            ("http://example.org", "example.org:80", true, false),
            ("http://example.org:8080", "example.org", false, false),
            ("http://example.org", "example.org:8080", false, false),
            ("http://example.org.evil.example", "example.org", false, false),
            ("http://evil.example/example.org", "example.org", false, false),
            ("http://user@example.org", "example.org", false, false),
            ("null", "example.org", false, false),
            ("", "example.org", false, false),
            ("https://A.example:443", "example.org", false, true),
            ("http://a.example", "example.org", false, false),
            ("http://[::1]:8080", "[::1]:8080", true, true),
            ("http://[::1]", "[::1]", true, false),
        ] {
            let head = head(&[("origin", origin), ("host", host)]);
            assert_eq!(status(&head, &Origins::Same) == 101, same, "{origin} at {host}");
            assert_eq!(status(&head, &list) == 101, listed, "{origin} in the list");
            assert_eq!(status(&head, &Origins::Any), 101, "{origin}");
        }
    }
}
