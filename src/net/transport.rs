//! Nonblocking stream sockets of either family.

use bytes::BytesMut;
use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, ErrorKind, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;
use std::time::Duration;

/// What a transport connects to: an address with nothing left to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A unix socket.
    Unix(PathBuf),
    /// A TCP address.
    Tcp(SocketAddr),
}

/// Whether a new connection stands yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connected {
    /// It does.
    Now,
    /// It becomes writable when it does or has failed.
    Later,
}

/// How the peer has closed a connection that reads end of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// Only its writing side, for certain: it still reads.
    Half,
    /// Its writing side at least; TCP cannot tell more until it is [probed](Transport::probe).
    Unknown,
    /// Altogether.
    Full,
}

/// A connected, or connecting, stream.
#[derive(Debug)]
pub enum Transport {
    /// Over a unix socket.
    Unix(UnixStream),
    /// Over TCP, without Nagle's delay.
    Tcp(TcpStream),
}

/// No SIGPIPE: the library may live in a program that has not ignored it.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const SEND_FLAGS: libc::c_int = libc::MSG_NOSIGNAL;
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const SEND_FLAGS: libc::c_int = 0;

impl Transport {
    /// Begins to connect.
    ///
    /// # Errors
    /// As `connect(2)`; [`ErrorKind::WouldBlock`] when a unix socket's backlog is full, which no readiness
    /// event will ever tell: try again later.
    pub fn connect(endpoint: &Endpoint) -> io::Result<(Transport, Connected)> {
        let (transport, connected) = match endpoint {
            Endpoint::Unix(path) => (Transport::Unix(UnixStream::connect(path)?), Connected::Now),
            Endpoint::Tcp(address) => {
                let stream = TcpStream::connect(*address)?;
                stream.set_nodelay(true)?;
                (Transport::Tcp(stream), Connected::Later)
            }
        };
        #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
        SockRef::from(&transport).set_nosigpipe(true)?;
        Ok((transport, connected))
    }

    /// The error of a connect that was [`Connected::Later`], if it has failed.
    ///
    /// # Errors
    /// As `connect(2)`; [`ErrorKind::NotConnected`] while it is still going on.
    pub fn finish_connect(&self) -> io::Result<()> {
        if let Some(error) = SockRef::from(self).take_error()? {
            return Err(error);
        }
        match self {
            Transport::Unix(_) => Ok(()),
            Transport::Tcp(stream) => stream.peer_addr().map(drop),
        }
    }

    /// Sends what the kernel takes.
    ///
    /// # Errors
    /// As `send(2)`.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        SockRef::from(self).send_with_flags(bytes, SEND_FLAGS)
    }

    /// Sends what the kernel takes of several pieces, one after the other.
    ///
    /// # Errors
    /// As `sendmsg(2)`.
    pub fn send_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        SockRef::from(self).send_vectored_with_flags(pieces, SEND_FLAGS)
    }

    /// Reads into the spare capacity of `buffer`; 0 is the end of the stream.
    ///
    /// # Errors
    /// As `recv(2)`, but never `EINTR`.
    pub fn read(&self, buffer: &mut BytesMut) -> io::Result<usize> {
        self.read_at_most(buffer, usize::MAX)
    }

    /// As [`read`](Self::read), but no more than `limit` bytes.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn read_at_most(&self, buffer: &mut BytesMut, limit: usize) -> io::Result<usize> {
        let spare = buffer.spare_capacity_mut();
        let room = spare.len().min(limit);
        let Some(spare) = spare.get_mut(..room) else { return Ok(0) };
        let n = loop {
            match SockRef::from(self).recv(spare) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        // SAFETY: the kernel has written `n` bytes of the spare capacity.
        unsafe { buffer.set_len(buffer.len() + n) };
        Ok(n)
    }

    /// Has TCP probe a connection on which nothing has moved for `after`, so that routers on the way keep it and a
    /// dead peer is noticed. Nothing to do for a unix socket.
    ///
    /// # Errors
    /// As `setsockopt(2)`.
    pub fn set_keepalive(&self, after: Duration) -> io::Result<()> {
        match self {
            Transport::Unix(_) => Ok(()),
            Transport::Tcp(_) => {
                let keepalive = TcpKeepalive::new().with_time(after).with_interval(after);
                SockRef::from(self).set_tcp_keepalive(&keepalive)
            }
        }
    }

    /// The error that the connection has broken with, if it has and nobody was told yet.
    pub fn take_error(&self) -> Option<io::Error> {
        SockRef::from(self).take_error().ok().flatten()
    }

    /// Ends our direction; the peer's goes on.
    ///
    /// # Errors
    /// As `shutdown(2)`.
    pub fn close_write(&self) -> io::Result<()> {
        SockRef::from(self).shutdown(Shutdown::Write)
    }

    /// True while an idle connection is fit for use: nothing to read, not even an end.
    pub fn is_quiet(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        matches!(SockRef::from(self).peek(&mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Sends a byte to a TCP peer that reads as ended: one that has closed altogether answers with a reset, one
    /// that still reads acknowledges it. [`probed`](Self::probed) tells.
    pub fn probe(&self) {
        // What cannot be sent shows in the outcome.
        let _ = self.send(&[0]);
    }

    /// What [`probe`](Self::probe) has found; `None` while the answer is under way.
    pub fn probed(&self) -> Option<Closing> {
        #[cfg(target_os = "linux")]
        {
            let mut unacknowledged: libc::c_int = 0;
            // SAFETY: TIOCOUTQ fills one int, which lives through the call.
            let asked = unsafe { libc::ioctl(self.as_raw_fd(), libc::TIOCOUTQ, &raw mut unacknowledged) };
            // In this order: a reset acknowledges nothing.
            match self.closing_now() {
                Closing::Full => Some(Closing::Full),
                _ if asked != 0 => Some(Closing::Full),
                _ => (unacknowledged == 0).then_some(Closing::Half),
            }
        }
        #[cfg(not(target_os = "linux"))]
        Some(Closing::Full)
    }

    /// How the peer has closed; asked after a read of 0.
    pub fn closing(&self) -> Closing {
        if matches!(self, Transport::Tcp(_)) {
            return Closing::Unknown;
        }
        self.closing_now()
    }

    fn closing_now(&self) -> Closing {
        let mut poll = libc::pollfd { fd: self.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one pollfd that lives through the call; a timeout of 0 does not wait.
        let n = unsafe { libc::poll(&raw mut poll, 1, 0) };
        if n == 1 && poll.revents & (libc::POLLHUP | libc::POLLERR) == 0 { Closing::Half } else { Closing::Full }
    }
}

impl AsRawFd for Transport {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Transport::Unix(stream) => stream.as_raw_fd(),
            Transport::Tcp(stream) => stream.as_raw_fd(),
        }
    }
}

impl std::os::fd::AsFd for Transport {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Transport::Unix(stream) => stream.as_fd(),
            Transport::Tcp(stream) => stream.as_fd(),
        }
    }
}

impl Source for Transport {
    fn register(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Transport::Unix(stream) => stream.register(registry, token, interest),
            Transport::Tcp(stream) => stream.register(registry, token, interest),
        }
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Transport::Unix(stream) => stream.reregister(registry, token, interest),
            Transport::Tcp(stream) => stream.reregister(registry, token, interest),
        }
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Transport::Unix(stream) => stream.deregister(registry),
            Transport::Tcp(stream) => stream.deregister(registry),
        }
    }
}
