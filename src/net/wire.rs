//! A transport as protocols use it: plain, or with TLS on top.

use super::tls::Tls;
use super::{Flushed, TlsClient, Transport};
use bytes::BytesMut;
use rustls::pki_types::ServerName;
use std::io;

/// A connected stream, plain or encrypted.
#[derive(Debug)]
pub enum Wire {
    /// Bytes as they are.
    Plain(Transport),
    /// TLS over them.
    Tls(Box<Tls>),
}

impl Wire {
    /// Begins TLS on a connected transport; drive it with [`handshake`](Self::handshake).
    ///
    /// # Errors
    /// When TLS refuses the configuration.
    pub fn encrypted(transport: Transport, client: &TlsClient, name: ServerName<'static>) -> io::Result<Wire> {
        Ok(Wire::Tls(Box::new(client.session(transport, name)?)))
    }

    /// The transport below.
    pub fn transport(&self) -> &Transport {
        match self {
            Wire::Plain(transport) => transport,
            Wire::Tls(tls) => tls.transport(),
        }
    }

    /// The transport below, to be registered.
    pub fn transport_mut(&mut self) -> &mut Transport {
        match self {
            Wire::Plain(transport) => transport,
            Wire::Tls(tls) => tls.transport_mut(),
        }
    }

    /// Goes on with TLS's handshake; true once it is done.
    ///
    /// # Errors
    /// Those of the transport; [`io::ErrorKind::InvalidData`] when TLS fails ([`super::tls_words`]);
    /// [`io::ErrorKind::UnexpectedEof`] when the peer closes.
    pub fn handshake(&mut self) -> io::Result<bool> {
        match self {
            Wire::Plain(_) => Ok(true),
            Wire::Tls(tls) => tls.handshake(),
        }
    }

    /// Sends what is taken now. What TLS has taken may still have to be flushed.
    ///
    /// # Errors
    /// As `send(2)`.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(transport) => transport.send(bytes),
            Wire::Tls(tls) => tls.send(bytes),
        }
    }

    /// Sends what TLS holds back.
    ///
    /// # Errors
    /// As `send(2)`, but never `EAGAIN`.
    pub fn flush(&mut self) -> io::Result<Flushed> {
        match self {
            Wire::Plain(_) => Ok(Flushed::All),
            Wire::Tls(tls) => tls.flush(),
        }
    }

    /// True while TLS holds bytes back that the kernel did not take.
    pub fn has_pending(&self) -> bool {
        match self {
            Wire::Plain(_) => false,
            Wire::Tls(tls) => tls.has_pending(),
        }
    }

    /// Reads at most `limit` bytes into the spare capacity of `buffer`; 0 is the end of the stream.
    ///
    /// # Errors
    /// As `recv(2)`, but never `EINTR`; [`io::ErrorKind::InvalidData`] when TLS fails;
    /// [`io::ErrorKind::UnexpectedEof`] when the transport ends and TLS did not say so.
    pub fn read(&mut self, buffer: &mut BytesMut, limit: usize) -> io::Result<usize> {
        match self {
            Wire::Plain(transport) => transport.read_at_most(buffer, limit),
            Wire::Tls(tls) => tls.read(buffer, limit),
        }
    }

    /// True when a read that fills less than it could has emptied the socket.
    pub fn short_read_empties(&self) -> bool {
        matches!(self, Wire::Plain(_))
    }

    /// Ends our direction: `shutdown(2)`, or TLS's close_notify. The peer's goes on.
    ///
    /// # Errors
    /// As `shutdown(2)` or `send(2)`.
    pub fn close_write(&mut self) -> io::Result<Flushed> {
        match self {
            Wire::Plain(transport) => transport.close_write().map(|()| Flushed::All),
            Wire::Tls(tls) => {
                tls.close_notify();
                tls.flush()
            }
        }
    }

    /// True while an idle connection is fit for use: nothing to read, not even an end.
    pub fn is_quiet(&mut self) -> bool {
        match self {
            Wire::Plain(transport) => transport.is_quiet(),
            Wire::Tls(tls) => tls.is_quiet(),
        }
    }
}
