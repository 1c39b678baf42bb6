//! Hosts and ports as header fields, targets and origins name them.

/// `host[:port]` with the host in lower case; a v6 address keeps its brackets. RFC 3986, section 3.2, but without commas:
/// whoever joins fields makes lists of hosts.
pub fn split_authority(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (text, ""),
    };
    let port = match port {
        "" => None,
        port if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
        _ => return None,
    };
    let is_host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            !host.is_empty() && host.bytes().all(|it| it.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(&it))
        }
    };
    is_host.then(|| (host.to_ascii_lowercase(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (text, host, port) in [
            ("Example.ORG", "example.org", None),
            ("a_b.example.:8080", "a_b.example.", Some(8080)),
            ("a:", "a", None),
            ("10.0.0.1:1", "10.0.0.1", Some(1)),
            ("[::1]", "[::1]", None),
            ("[FE80::1]:443", "[fe80::1]", Some(443)),
            ("%c3%a9", "%c3%a9", None),
        ] {
            assert_eq!(split_authority(text), Some((host.to_owned(), port)), "{text}");
        }
        for text in [
            "", ":80", "a b", "a,b", "a/b", "a:b", "a:65536", "a:-1", "a:1:2", "::1", "[]", "[a]", "[::1", "me@a",
            "\u{e9}",
        ] {
            assert_eq!(split_authority(text), None, "{text}");
        }
    }
}
