//! TLS over a nonblocking transport.

use super::{Flushed, Transport};
use bytes::BytesMut;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore};
use std::io::{self, BufRead, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where systems keep the authorities that they trust.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// PEM files for TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Authorities that may have signed the server's certificate; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// Our certificate, and what it was signed with.
    pub cert: Option<PathBuf>,
    /// The key of our certificate.
    pub key: Option<PathBuf>,
}

/// What all TLS sessions of a client share.
#[derive(Clone)]
pub struct TlsClient(Arc<ClientConfig>);

impl std::fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsClient")
    }
}

impl TlsClient {
    /// Reads the files.
    ///
    /// # Errors
    /// In words: which file, and what is wrong with it.
    pub fn new(files: &TlsFiles) -> Result<TlsClient, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots(files.ca.as_deref())?);
        let config = match (&files.cert, &files.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(cert), Some(key)) => {
                let chain = certificates(cert)?;
                let secret = PrivateKeyDer::from_pem_slice(&read(key)?)
                    .map_err(|_| format!("{} holds no private key in PEM form", key.display()))?;
                builder
                    .with_client_auth_cert(chain, secret)
                    .map_err(|error| format!("{} does not go with {}: {error}", key.display(), cert.display()))?
            }
            _ => return Err("a client certificate needs both its file and the file of its key".into()),
        };
        Ok(TlsClient(Arc::new(config)))
    }

    /// A session that is about to shake hands.
    pub(super) fn session(&self, transport: Transport, name: ServerName<'static>) -> io::Result<Tls> {
        let session = ClientConnection::new(Arc::clone(&self.0), name).map_err(io::Error::other)?;
        Ok(Tls { transport, session })
    }
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let path = match ca {
        Some(path) => path,
        None => SYSTEM_BUNDLES
            .iter()
            .map(Path::new)
            .find(|path| path.exists())
            .ok_or("no CA file was given and this system has no list of authorities; give one")?,
    };
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates(path)?);
    if added == 0 {
        return Err(format!("{} holds no usable certificate of an authority", path.display()));
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("{} is no PEM file: {error}", path.display()))?;
    if certificates.is_empty() {
        return Err(format!("{} holds no certificate in PEM form", path.display()));
    }
    Ok(certificates)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// An error of a [`super::Wire`] in words that name the likely mistake.
pub fn tls_words(error: &io::Error) -> Option<String> {
    use rustls::Error as E;
    let inner = error.get_ref()?.downcast_ref::<E>()?;
    let hint = match inner {
        E::InvalidCertificate(CertificateError::UnknownIssuer) => {
            " (the server's certificate was signed by another authority than those that are trusted here; a CA file names others)"
        }
        E::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            " (the server's certificate has expired)"
        }
        E::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => {
            " (the server's certificate is for another name than the address has)"
        }
        E::InvalidMessage(_) => " (the server does not speak TLS there; is it a plain HTTP port?)",
        E::AlertReceived(_) => " (the server refused: does it want a client certificate, or another one?)",
        _ => "",
    };
    Some(format!("TLS: {inner}{hint}"))
}

/// A TLS session and its transport.
#[derive(Debug)]
pub struct Tls {
    transport: Transport,
    session: ClientConnection,
}

impl Tls {
    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    pub(super) fn transport_mut(&mut self) -> &mut Transport {
        &mut self.transport
    }

    pub(super) fn handshake(&mut self) -> io::Result<bool> {
        loop {
            self.flush()?;
            if !self.session.is_handshaking() {
                return Ok(true);
            }
            match self.receive() {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.flush()? == Flushed::Blocked {
            return Err(ErrorKind::WouldBlock.into());
        }
        let taken = self.session.writer().write(bytes)?;
        self.flush()?;
        if taken == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    pub(super) fn flush(&mut self) -> io::Result<Flushed> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut Socket(&self.transport)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Flushed::Blocked),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Flushed::All)
    }

    pub(super) fn read(&mut self, buffer: &mut BytesMut, limit: usize) -> io::Result<usize> {
        let room = limit.min(buffer.capacity() - buffer.len());
        loop {
            let mut reader = self.session.reader();
            match reader.fill_buf() {
                Ok(chunk) => {
                    let part = chunk.get(..room).unwrap_or(chunk);
                    let taken = part.len();
                    buffer.extend_from_slice(part);
                    reader.consume(taken);
                    return Ok(taken);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            self.receive()?;
        }
    }

    /// Moves records from the socket into the session; 0 at the end.
    fn receive(&mut self) -> io::Result<usize> {
        let taken = loop {
            match self.session.read_tls(&mut Socket(&self.transport)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        if let Err(error) = self.session.process_new_packets() {
            // The alert that tells the peer why.
            let _ = self.flush();
            return Err(io::Error::new(ErrorKind::InvalidData, error));
        }
        Ok(taken)
    }

    pub(super) fn has_pending(&self) -> bool {
        self.session.wants_write()
    }

    pub(super) fn close_notify(&mut self) {
        self.session.send_close_notify();
    }

    pub(super) fn is_quiet(&mut self) -> bool {
        // Session tickets may have come; anything else is an end or out of place.
        loop {
            match self.receive() {
                Ok(n) if n > 0 => {}
                Ok(_) => return false,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return false,
            }
        }
        matches!(self.session.reader().fill_buf(), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }
}

/// The transport as `std::io` wants it.
struct Socket<'a>(&'a Transport);

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0 {
            Transport::Unix(stream) => (&mut &*stream).read(buffer),
            Transport::Tcp(stream) => (&mut &*stream).read(buffer),
        }
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
