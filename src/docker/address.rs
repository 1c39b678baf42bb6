//! Where the Engine is: an address, or the environment variables that Docker's own client reads.

use super::error::Error;
use super::options::DockerOptions;
use crate::net::{Address, TlsClient, TlsFiles};
use rustls::pki_types::ServerName;
use std::ffi::OsString;
use std::path::PathBuf;

/// Without an address and without `DOCKER_HOST`.
pub const DEFAULT_ADDRESS: &str = "unix:///var/run/docker.sock";
/// What Docker listens on without and with TLS.
const PORT: u16 = 2375;
const TLS_PORT: u16 = 2376;

/// An Engine's address, ready to connect to.
#[derive(Debug)]
pub struct Host {
    /// As it was given, for messages.
    pub given: String,
    pub address: Address,
    pub tls: Option<(TlsClient, ServerName<'static>)>,
    /// The Host header's value; Go refuses an empty one and one that looks like a path.
    pub header: String,
}

/// What the address says of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Never,
    IfAsked,
    Always,
}

impl Host {
    /// Reads the address of `options`, or the environment through `variable`, which gives `None` for what is not set,
    /// and the TLS files.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no address and for files that cannot be used.
    pub fn new(options: &DockerOptions, variable: impl Fn(&str) -> Option<OsString>) -> Result<Host, Error> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let from_environment = options.address.is_none();
        let given = match &options.address {
            Some(address) => address.clone(),
            None => match variable("DOCKER_HOST").map(OsString::into_string) {
                None => DEFAULT_ADDRESS.to_owned(),
                Some(Ok(address)) => address,
                Some(Err(given)) => {
                    return Err(Error::Invalid(format!("DOCKER_HOST is {given:?}; expected an address in UTF-8")));
                }
            },
        };
        let mut files = options.tls.clone();
        let mut asked = files != TlsFiles::default();
        if from_environment && !asked && variable("DOCKER_TLS_VERIFY").is_some() {
            asked = true;
            let folder = variable("DOCKER_CERT_PATH")
                .map(PathBuf::from)
                .or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".docker")))
                .ok_or_else(|| Error::Invalid("DOCKER_TLS_VERIFY is set, but not DOCKER_CERT_PATH".into()))?;
            files = TlsFiles {
                ca: Some(folder.join("ca.pem")),
                cert: Some(folder.join("cert.pem")).filter(|path| path.exists()),
                key: Some(folder.join("key.pem")).filter(|path| path.exists()),
            };
        }
        let (address, wish) = parse(&given, asked)?;
        let (name, header) = match &address {
            Address::Unix(_) => (String::new(), "docker".to_owned()),
            Address::Tcp(address) => (address.ip().to_string(), address.to_string()),
            Address::Name { host, port } => (host.clone(), format!("{host}:{port}")),
        };
        let wanted = match wish {
            Wish::Never => false,
            Wish::IfAsked => asked,
            Wish::Always => true,
        };
        let tls = if wanted {
            let name = ServerName::try_from(name)
                .map_err(|_| Error::Invalid(format!("{given:?} has no name that a certificate could be for")))?;
            let client = TlsClient::new(&files).map_err(|why| Error::Invalid(format!("TLS for {given}: {why}")))?;
            Some((client, name))
        } else {
            None
        };
        Ok(Host { given, address, tls, header })
    }
}

fn parse(given: &str, asked: bool) -> Result<(Address, Wish), Error> {
    let bad = |why: &str| {
        Error::Invalid(format!(
            "{:?} is no address of an Engine: {why}; expected unix:///path, /path, tcp://host:port or https://host:port",
            given.chars().take(200).collect::<String>()
        ))
    };
    let (scheme, rest) = given.split_once("://").unwrap_or(("", given));
    let wish = match scheme {
        "unix" => Wish::Never,
        "" if given.starts_with('/') || given.starts_with("unix:") => Wish::Never,
        "" | "tcp" => Wish::IfAsked,
        "http" if asked => return Err(bad("http:// means no TLS, but files for TLS were given")),
        "http" => Wish::Never,
        "https" => Wish::Always,
        "ssh" => return Err(bad("Towline does not speak SSH; forward the socket with `ssh -L` and give its path")),
        _ => return Err(bad(&format!("the scheme {scheme:?} is not known"))),
    };
    if scheme == "unix" || wish == Wish::Never && scheme.is_empty() {
        return Address::parse(given).map(|address| (address, wish)).map_err(|error| bad(error.why()));
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let has_port = match rest.rsplit_once(':') {
        Some((host, _)) => !host.starts_with('[') || host.ends_with(']'),
        None => false,
    };
    let secure = wish == Wish::Always || wish == Wish::IfAsked && asked;
    let full = if has_port { rest.to_owned() } else { format!("{rest}:{}", if secure { TLS_PORT } else { PORT }) };
    Address::parse(&format!("tcp://{full}")).map(|address| (address, wish)).map_err(|error| bad(error.why()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn host(address: Option<&str>, environment: &[(&str, &str)]) -> Result<Host, Error> {
        let options = DockerOptions { address: address.map(str::to_owned), ..DockerOptions::default() };
        Host::new(&options, |name| environment.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).into()))
    }

    #[test]
    fn addresses_are_read() {
        for (given, address, header) in [
            ("unix:///run/docker.sock", "unix:/run/docker.sock", "docker"),
            ("/run/docker.sock", "unix:/run/docker.sock", "docker"),
            ("tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375", "127.0.0.1:2375"),
            ("tcp://engine", "tcp://engine:2375", "engine:2375"),
            ("tcp://[::1]", "tcp://[::1]:2375", "[::1]:2375"),
            ("http://engine:80/", "tcp://engine:80", "engine:80"),
            ("engine:99", "tcp://engine:99", "engine:99"),
        ] {
            let host = host(Some(given), &[]).unwrap();
            assert_eq!((host.address.to_string().as_str(), host.header.as_str()), (address, header));
            assert!(host.tls.is_none());
        }
    }

    #[test]
    fn the_environment_counts_only_without_an_address() {
        assert_eq!(host(None, &[]).unwrap().given, DEFAULT_ADDRESS);
        assert_eq!(host(None, &[("DOCKER_HOST", "")]).unwrap().given, DEFAULT_ADDRESS);
        let environment = [("DOCKER_HOST", "tcp://a:1"), ("DOCKER_TLS_VERIFY", "1"), ("DOCKER_CERT_PATH", "/no/where")];
        assert_eq!(host(Some("tcp://b:2"), &environment).unwrap().given, "tcp://b:2");
        let error = host(None, &environment).unwrap_err().to_string();
        assert!(error.contains("/no/where/ca.pem"), "{error}");
    }

    #[test]
    fn a_variable_may_hold_any_bytes() {
        use std::os::unix::ffi::OsStringExt;
        let set = |wanted: &'static str, value: &'static [u8]| {
            Host::new(&DockerOptions::default(), move |name| match name {
                _ if name == wanted => Some(OsString::from_vec(value.to_vec())),
                "DOCKER_HOST" => Some("tcp://a:1".into()),
                "DOCKER_TLS_VERIFY" => Some("1".into()),
                _ => None,
            })
        };
        let error = set("DOCKER_HOST", b"unix:///\xff").unwrap_err().to_string();
        assert!(error.contains("DOCKER_HOST") && error.contains("xFF"), "{error}");
        // A folder's name need not be text.
        let error = set("DOCKER_CERT_PATH", b"/no/where\xff").unwrap_err().to_string();
        assert!(error.contains("/no/where") && error.contains("ca.pem"), "{error}");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for given in ["", "ssh://host", "npipe:////./pipe/x", "unix://", "tcp://", "tcp://a:b", "tcp://a:0", "fd://"] {
            let error = host(Some(given), &[]).unwrap_err().to_string();
            assert!(error.contains("expected unix:///path"), "{error}");
        }
        let options = DockerOptions {
            address: Some("http://a:1".into()),
            tls: TlsFiles { ca: Some("/x".into()), ..TlsFiles::default() },
            ..DockerOptions::default()
        };
        assert!(Host::new(&options, |_| None).is_err());
        let options = DockerOptions {
            address: Some("tcp://a:1".into()),
            tls: TlsFiles { cert: Some("/x".into()), ..TlsFiles::default() },
            ..DockerOptions::default()
        };
        assert!(Host::new(&options, |_| None).is_err());
    }
}
