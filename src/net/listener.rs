//! Listening stream sockets of either family.

use super::{Address, Transport};
use mio::net::{TcpListener, UnixListener, UnixStream};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Connections that the kernel may hold for us; it cuts this to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// What an accept brought.
#[derive(Debug)]
pub enum Accepted {
    /// A connection, and who it is from; `None`: a unix socket.
    Connection(Transport, Option<SocketAddr>),
    /// Nobody waits.
    Nobody,
    /// The system has no descriptors or memory left; whoever waits still does.
    Exhausted(io::Error),
}

/// A listening socket. A unix socket's file is removed with it.
#[derive(Debug)]
pub struct Listener {
    socket: Listening,
    address: Address,
    _file: Option<SocketFile>,
}

#[derive(Debug)]
enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Listens. The name `localhost` is 127.0.0.1; other names are refused, for looking them up would block. A
    /// unix socket's file that nobody listens on any more is replaced.
    ///
    /// # Errors
    /// As `bind(2)` and `listen(2)`; [`ErrorKind::AlreadyExists`] when the path is taken by what is no socket.
    pub fn bind(address: &Address) -> io::Result<Listener> {
        let address = match address {
            Address::Unix(path) => return Self::bind_unix(path),
            Address::Tcp(address) => *address,
            Address::Name { host, port } if host.eq_ignore_ascii_case("localhost") => {
                SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), *port)
            }
            Address::Name { .. } => {
                return Err(io::Error::new(ErrorKind::InvalidInput, "a numeric address is needed to listen"));
            }
        };
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let socket = TcpListener::from_std(socket.into());
        let address = Address::Tcp(socket.local_addr()?);
        Ok(Listener { socket: Listening::Tcp(socket), address, _file: None })
    }

    fn bind_unix(path: &Path) -> io::Result<Listener> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        let name = SockAddr::unix(path)?;
        if let Err(error) = socket.bind(&name) {
            if error.kind() != ErrorKind::AddrInUse {
                return Err(error);
            }
            remove_stale(path)?;
            socket.bind(&name)?;
        }
        let file = SocketFile::of(path);
        socket.listen(BACKLOG)?;
        let socket = UnixListener::from_std(socket.into());
        Ok(Listener { socket: Listening::Unix(socket), address: Address::Unix(path.to_owned()), _file: Some(file?) })
    }

    /// Where it listens, with the real port.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Takes the next connection; those that broke before they were taken are passed over.
    pub fn accept(&self) -> Accepted {
        loop {
            let accepted = match &self.socket {
                Listening::Tcp(socket) => socket.accept().map(|(stream, from)| {
                    // Without it a keystroke may wait for the acknowledgement of the one before.
                    let _ = stream.set_nodelay(true);
                    (Transport::Tcp(stream), Some(SocketAddr::new(from.ip().to_canonical(), from.port())))
                }),
                Listening::Unix(socket) => socket.accept().map(|(stream, _)| (Transport::Unix(stream), None)),
            };
            match accepted {
                Ok((transport, from)) => return Accepted::Connection(transport, from),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Accepted::Nobody,
                Err(error) if passes(&error) => {}
                Err(error) => return Accepted::Exhausted(error),
            }
        }
    }
}

/// The error is that of one connection, or a signal: the next accept brings something else.
fn passes(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
        || matches!(error.raw_os_error(), Some(libc::EPROTO | libc::EPERM | libc::ENETDOWN | libc::EHOSTUNREACH))
}

/// Removes a socket's file that nobody listens on.
fn remove_stale(path: &Path) -> io::Result<()> {
    if !std::fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "the path is taken by a file that is no socket"));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        // Someone accepts, or is too busy to: the socket is in use.
        _ => Err(io::Error::new(ErrorKind::AddrInUse, "another process listens on this socket")),
    }
}

impl mio::event::Source for Listener {
    fn register(&mut self, registry: &mio::Registry, token: mio::Token, interest: mio::Interest) -> io::Result<()> {
        match &mut self.socket {
            Listening::Tcp(socket) => socket.register(registry, token, interest),
            Listening::Unix(socket) => socket.register(registry, token, interest),
        }
    }

    fn reregister(&mut self, registry: &mio::Registry, token: mio::Token, interest: mio::Interest) -> io::Result<()> {
        match &mut self.socket {
            Listening::Tcp(socket) => socket.reregister(registry, token, interest),
            Listening::Unix(socket) => socket.reregister(registry, token, interest),
        }
    }

    fn deregister(&mut self, registry: &mio::Registry) -> io::Result<()> {
        match &mut self.socket {
            Listening::Tcp(socket) => socket.deregister(registry),
            Listening::Unix(socket) => socket.deregister(registry),
        }
    }
}

/// A unix socket's file, removed with the listener: but not by a forked child, and not when it is another's by now.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
    pid: u32,
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<SocketFile> {
        let metadata = std::fs::symlink_metadata(path)?;
        let path = std::path::absolute(path)?;
        Ok(SocketFile { path, identity: (metadata.dev(), metadata.ino()), pid: std::process::id() })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = std::process::id() == self.pid
            && std::fs::symlink_metadata(&self.path)
                .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.identity);
        if is_ours {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
