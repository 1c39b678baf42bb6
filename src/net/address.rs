//! The addresses that users write.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A unix socket's path.
    Unix(PathBuf),
    /// A numeric address.
    Tcp(SocketAddr),
    /// A name, to be resolved.
    Name {
        /// The host's name.
        host: String,
        /// The port.
        port: u16,
    },
}

/// Not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no address: {why}; expected unix:/path, /path, tcp://host:port, host:port or [v6]:port")]
pub struct AddressError {
    given: String,
    why: &'static str,
}

impl AddressError {
    /// What is wrong, without what was given and what is expected.
    pub fn why(&self) -> &'static str {
        self.why
    }
}

/// The longest path that fits `sockaddr_un` with its final NUL.
const MAX_UNIX_PATH: usize = 107;

impl Address {
    /// Reads `unix:/path`, `unix:///path`, `/path`, `tcp://host:port`, `host:port` or `[v6]:port`.
    ///
    /// # Errors
    /// [`AddressError`] with what is wrong.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        Self::read(text, 1)
    }

    /// As [`parse`](Self::parse), for a listening socket: port 0 lets the system choose one.
    ///
    /// # Errors
    /// [`AddressError`] with what is wrong.
    pub fn parse_to_listen(text: &str) -> Result<Address, AddressError> {
        Self::read(text, 0)
    }

    fn read(text: &str, least_port: u16) -> Result<Address, AddressError> {
        let bad = |why| AddressError { given: text.chars().take(200).collect(), why };
        let path = text.strip_prefix("unix://").or_else(|| text.strip_prefix("unix:"));
        if let Some(path) = path.or_else(|| text.starts_with('/').then_some(text)) {
            return match path {
                "" => Err(bad("the path is empty")),
                _ if path.len() > MAX_UNIX_PATH => Err(bad("a unix socket's path has at most 107 bytes")),
                _ if path.contains('\0') => Err(bad("the path holds a NUL byte")),
                _ => Ok(Address::Unix(PathBuf::from(path))),
            };
        }
        let rest = text.strip_prefix("tcp://").unwrap_or(text);
        if rest.is_empty() {
            return Err(bad("it is empty"));
        }
        if rest.contains("://") {
            return Err(bad("the scheme is not known"));
        }
        let (host, port) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once("]:").ok_or_else(|| bad("the port is missing"))?;
                if host.parse::<std::net::Ipv6Addr>().is_err() {
                    return Err(bad("no IPv6 address stands between the brackets"));
                }
                (host, port)
            }
            None => {
                let (host, port) = rest.rsplit_once(':').ok_or_else(|| bad("the port is missing"))?;
                if host.contains(':') {
                    return Err(bad("an IPv6 address stands in brackets"));
                }
                (host, port)
            }
        };
        let port = match port.parse::<u16>() {
            Ok(number) if number >= least_port && port.bytes().all(|b| b.is_ascii_digit()) => number,
            _ if least_port == 0 => return Err(bad("the port is a number from 0 to 65535")),
            _ => return Err(bad("the port is a number from 1 to 65535")),
        };
        if host.is_empty() {
            return Err(bad("the host is empty"));
        }
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(Address::Tcp(SocketAddr::new(ip, port)));
        }
        let is_name = host.len() <= 253 && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        if !is_name {
            return Err(bad("the host is neither a name nor a numeric address"));
        }
        Ok(Address::Name { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => write!(f, "unix:{}", path.display()),
            Address::Tcp(address) => write!(f, "tcp://{address}"),
            Address::Name { host, port } => write!(f, "tcp://{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, shown) in [
            ("unix:/run/a.sock", "unix:/run/a.sock"),
            ("unix:///run/a.sock", "unix:/run/a.sock"),
            ("/run/a.sock", "unix:/run/a.sock"),
            ("tcp://127.0.0.1:9000", "tcp://127.0.0.1:9000"),
            ("127.0.0.1:9000", "tcp://127.0.0.1:9000"),
            ("[::1]:9000", "tcp://[::1]:9000"),
            ("tcp://php:9000", "tcp://php:9000"),
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("/{}", "x".repeat(107));
        for text in [
            "",
            "unix:",
            "tcp://",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:0",
            "127.0.0.1:65536",
            "127.0.0.1:x",
            "127.0.0.1:+80",
            "::1:9000",
            "[::1]",
            "[x]:1",
            ":9000",
            "http://a:80",
            "a b:80",
            "unix:/a\0b",
            &long,
        ] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.contains("expected unix:/path"), "{error}");
        }
    }
}
