use super::{HANG, TempDir};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn try_clone(&self) -> Stream {
        match self {
            Stream::Unix(stream) => Stream::Unix(stream.try_clone().unwrap()),
            Stream::Tcp(stream) => Stream::Tcp(stream.try_clone().unwrap()),
        }
    }

    fn shutdown(&self, how: Shutdown) {
        let _ = match self {
            Stream::Unix(stream) => stream.shutdown(how),
            Stream::Tcp(stream) => stream.shutdown(how),
        };
    }

    fn fd(&self) -> RawFd {
        match self {
            Stream::Unix(stream) => stream.as_raw_fd(),
            Stream::Tcp(stream) => stream.as_raw_fd(),
        }
    }
}

/// One accepted connection, seen from the server.
pub struct Conn {
    stream: Stream,
    /// Which of the peer's connections this is, from 0.
    pub number: usize,
}

/// A request as it came over the wire.
#[derive(Debug, Default, Clone)]
pub struct Received {
    pub role: u16,
    pub keep: bool,
    pub params: Vec<(Vec<u8>, Vec<u8>)>,
    pub stdin: Vec<u8>,
    pub data: Vec<u8>,
    /// Type, request id, content length and padding of each record.
    pub records: Vec<(u8, u16, u16, u8)>,
}

impl Received {
    pub fn param(&self, name: &str) -> Option<String> {
        let (_, value) = self.params.iter().find(|(n, _)| n == name.as_bytes())?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

pub const END_OK: [u8; 16] = [1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

impl Conn {
    /// A record's bytes.
    pub fn record(kind: u8, content: &[u8], padding: u8) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        let mut out = vec![1, kind, 0, u8::from(kind < 9), length[0], length[1], padding, 0];
        out.extend_from_slice(content);
        out.resize(out.len() + usize::from(padding), 0);
        out
    }

    /// Reads one record; `None` at the end of the stream.
    pub fn read_record(&mut self) -> Option<(u8, u16, Vec<u8>, u8)> {
        let mut header = [0; 8];
        self.read_exact(&mut header)?;
        assert_eq!(header[0], 1, "version");
        let length = u16::from_be_bytes([header[4], header[5]]);
        let mut content = vec![0; usize::from(length)];
        self.read_exact(&mut content)?;
        self.read_exact(&mut vec![0; usize::from(header[6])])?;
        Some((header[1], u16::from_be_bytes([header[2], header[3]]), content, header[6]))
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Option<()> {
        match &mut self.stream {
            Stream::Unix(stream) => stream.read_exact(buffer).ok(),
            Stream::Tcp(stream) => stream.read_exact(buffer).ok(),
        }
    }

    /// Reads up to the end of PARAMS.
    pub fn read_params(&mut self) -> Option<Received> {
        let mut got = Received::default();
        loop {
            let (kind, id, content, padding) = self.read_record()?;
            got.records.push((kind, id, content.len() as u16, padding));
            match kind {
                1 => (got.role, got.keep) = (u16::from_be_bytes([content[0], content[1]]), content[2] & 1 == 1),
                4 if content.is_empty() => return Some(got),
                4 => decode(&content, &mut got.params),
                // GET_VALUES: not answered by default.
                9 => return None,
                other => panic!("record type {other} before the end of PARAMS"),
            }
        }
    }

    /// Reads a whole request, its streams included.
    pub fn read_request(&mut self) -> Option<Received> {
        let mut got = self.read_params()?;
        let ends: &[u8] = match got.role {
            2 => &[],
            3 => &[5, 8],
            _ => &[5],
        };
        for &stream in ends {
            loop {
                let (kind, id, content, padding) = self.read_record()?;
                got.records.push((kind, id, content.len() as u16, padding));
                assert_eq!(kind, stream, "record type");
                match kind {
                    _ if content.is_empty() => break,
                    5 => got.stdin.extend(content),
                    _ => got.data.extend(content),
                }
            }
        }
        Some(got)
    }

    /// Reads and drops `count` bytes.
    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.read_exact(&mut vec![0; count])
    }

    /// Reads what there is; 0 at the end.
    pub fn read_some(&mut self, buffer: &mut [u8]) -> usize {
        match &mut self.stream {
            Stream::Unix(stream) => stream.read(buffer).unwrap_or(0),
            Stream::Tcp(stream) => stream.read(buffer).unwrap_or(0),
        }
    }

    /// True when nothing can be read now.
    pub fn is_silent(&self) -> bool {
        let mut poll = libc::pollfd { fd: self.stream.fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one pollfd that lives through the call, which does not wait.
        unsafe { libc::poll(&raw mut poll, 1, 0) == 0 }
    }

    /// Sends; false when the client is gone.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        match &mut self.stream {
            Stream::Unix(stream) => stream.write_all(bytes).is_ok(),
            Stream::Tcp(stream) => stream.write_all(bytes).is_ok(),
        }
    }

    /// Sends what the kernel takes at once; how much that was.
    pub fn send_now(&mut self, bytes: &[u8]) -> usize {
        let mut sent = 0;
        loop {
            let rest = &bytes[sent..];
            // SAFETY: the bytes live through the call, which does not wait.
            let n = unsafe {
                libc::send(self.stream.fd(), rest.as_ptr().cast(), rest.len(), libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
            };
            match usize::try_from(n) {
                Ok(n) if n > 0 => sent += n,
                _ => return sent,
            }
        }
    }

    /// Sends piece by piece, each after the client has taken the one before (unix sockets only).
    pub fn send_pieces(&mut self, bytes: &[u8], size: usize) -> bool {
        bytes.chunks(size).all(|piece| self.send(piece) && self.await_taken())
    }

    /// Waits until the client has read all that was sent (unix sockets only; TCP: until it has arrived).
    pub fn await_taken(&self) -> bool {
        let start = Instant::now();
        loop {
            let mut unread: libc::c_int = 0;
            // SAFETY: SIOCOUTQ (TIOCOUTQ) writes one int.
            if unsafe { libc::ioctl(self.stream.fd(), libc::TIOCOUTQ, &raw mut unread) } != 0 {
                return false;
            }
            if unread == 0 {
                return true;
            }
            if start.elapsed() > HANG {
                return false;
            }
            std::thread::yield_now();
        }
    }

    /// Waits until all that was sent, an end included, lies in the client's kernel.
    pub fn await_arrived(&self) -> bool {
        match &self.stream {
            // Sending puts it there.
            Stream::Unix(_) => true,
            // What is acknowledged is there.
            Stream::Tcp(_) => self.await_taken(),
        }
    }

    pub fn stdout(&mut self, content: &[u8]) -> bool {
        content.chunks(65_528).all(|piece| self.send(&Conn::record(6, piece, 0)))
    }

    pub fn end(&mut self) -> bool {
        self.send(&END_OK)
    }

    /// A complete answer with a head and this body, in one write when it is short.
    pub fn answer(&mut self, body: &[u8]) -> bool {
        let mut out = Conn::record(6, b"Content-Type: text/plain\r\n\r\n", 0);
        for piece in body.chunks(65_528) {
            out.extend(Conn::record(6, piece, 0));
        }
        out.extend(END_OK);
        self.send(&out)
    }

    /// Waits for the client to close; false when it sent something instead.
    pub fn await_close(&mut self) -> bool {
        let mut byte = [0];
        let read = match &mut self.stream {
            Stream::Unix(stream) => stream.read(&mut byte),
            Stream::Tcp(stream) => stream.read(&mut byte),
        };
        match read {
            Ok(n) => n == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    /// Reads until the client has closed.
    pub fn drain(&mut self) {
        let mut buffer = [0; 65_536];
        loop {
            let read = match &mut self.stream {
                Stream::Unix(stream) => stream.read(&mut buffer),
                Stream::Tcp(stream) => stream.read(&mut buffer),
            };
            if !matches!(read, Ok(n) if n > 0) {
                return;
            }
        }
    }

    /// Ends the writing side only.
    pub fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write);
    }

    /// Takes nothing more; what has come is dropped.
    pub fn refuse_more(&mut self) {
        self.stream.shutdown(Shutdown::Read);
        self.drain();
    }

    /// Ends both sides.
    pub fn close(&self) {
        self.stream.shutdown(Shutdown::Both);
    }

    /// Has TCP send a reset when the connection is dropped.
    pub fn reset(&self) {
        let linger = libc::linger { l_onoff: 1, l_linger: 0 };
        // SAFETY: the option takes a `linger` of this size.
        let set = unsafe {
            libc::setsockopt(
                self.stream.fd(),
                libc::SOL_SOCKET,
                libc::SO_LINGER,
                (&raw const linger).cast(),
                size_of::<libc::linger>() as libc::socklen_t,
            )
        };
        assert_eq!(set, 0);
    }
}

fn decode(mut bytes: &[u8], pairs: &mut Vec<(Vec<u8>, Vec<u8>)>) {
    let length = |bytes: &mut &[u8]| {
        let first = bytes[0];
        if first < 128 {
            *bytes = &bytes[1..];
            return usize::from(first);
        }
        let value = u32::from_be_bytes([first & 0x7f, bytes[1], bytes[2], bytes[3]]);
        *bytes = &bytes[4..];
        value as usize
    };
    while !bytes.is_empty() {
        let (name, value) = (length(&mut bytes), length(&mut bytes));
        pairs.push((bytes[..name].to_vec(), bytes[name..name + value].to_vec()));
        bytes = &bytes[name + value..];
    }
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    accepted: AtomicUsize,
    /// Of the connections that are served now, to end them.
    open: Mutex<Vec<(usize, Stream)>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// A server that does as its script says, a thread for each connection.
pub struct Peer {
    /// For a client.
    pub address: String,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
    tcp: Option<std::net::SocketAddr>,
    path: String,
    dir: TempDir,
}

impl Peer {
    /// On a unix socket; `script` is run for each connection and its end closes it.
    pub fn unix(script: impl Fn(&mut Conn) + Send + Sync + 'static) -> Peer {
        let dir = TempDir::new();
        let path = dir.join("peer.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let shared = Arc::new(Shared::default());
        let acceptor = accept(Arc::clone(&shared), Arc::new(script), move || {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(HANG)).unwrap();
            stream.set_write_timeout(Some(HANG)).unwrap();
            Stream::Unix(stream)
        });
        Peer { address: format!("unix:{path}"), shared, acceptor: Some(acceptor), tcp: None, path, dir }
    }

    /// On a TCP port.
    pub fn tcp(script: impl Fn(&mut Conn) + Send + Sync + 'static) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let acceptor = accept(Arc::clone(&shared), Arc::new(script), move || {
            let (stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            stream.set_read_timeout(Some(HANG)).unwrap();
            stream.set_write_timeout(Some(HANG)).unwrap();
            Stream::Tcp(stream)
        });
        let dir = TempDir::new();
        Peer {
            address: format!("tcp://{address}"),
            shared,
            acceptor: Some(acceptor),
            tcp: Some(address),
            path: String::new(),
            dir,
        }
    }

    /// The one or the other.
    pub fn on(tcp: bool, script: impl Fn(&mut Conn) + Send + Sync + 'static) -> Peer {
        if tcp { Peer::tcp(script) } else { Peer::unix(script) }
    }

    /// Answers every request with its SCRIPT_NAME and keeps the connection.
    pub fn echo(tcp: bool) -> Peer {
        Peer::on(tcp, |conn| {
            while let Some(request) = conn.read_request() {
                conn.answer(request.param("SCRIPT_NAME").unwrap_or_default().as_bytes());
            }
        })
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// Ends all connections.
    pub fn close_all(&self) {
        for (_, stream) in self.shared.open.lock().unwrap().iter() {
            stream.shutdown(Shutdown::Both);
        }
    }

    /// Stops accepting: a unix socket is gone, a TCP port refuses.
    pub fn stop_accepting(&mut self) {
        let Some(acceptor) = self.acceptor.take() else { return };
        self.shared.stop.store(true, Ordering::SeqCst);
        let woken = match self.tcp {
            Some(address) => TcpStream::connect(address).is_ok(),
            None => UnixStream::connect(&self.path).is_ok(),
        };
        if woken {
            let _ = acceptor.join();
        }
        if self.tcp.is_none() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop_accepting();
        for (_, stream) in self.shared.open.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both);
        }
        let threads: Vec<_> = self.shared.threads.lock().unwrap().drain(..).collect();
        for thread in threads {
            if thread.join().is_err() && !std::thread::panicking() {
                panic!("the peer's script failed, see above");
            }
        }
    }
}

/// Goes before the connection does, so that dropping that really closes it.
struct Copy {
    shared: Arc<Shared>,
    number: usize,
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.shared.open.lock().unwrap().retain(|(open, _)| *open != self.number);
    }
}

type Script = Arc<dyn Fn(&mut Conn) + Send + Sync>;

fn accept(shared: Arc<Shared>, script: Script, next: impl Fn() -> Stream + Send + 'static) -> JoinHandle<()> {
    std::thread::spawn(move || {
        loop {
            let stream = next();
            if shared.stop.load(Ordering::SeqCst) {
                return;
            }
            let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
            shared.open.lock().unwrap().push((number, stream.try_clone()));
            let (script, all) = (Arc::clone(&script), Arc::clone(&shared));
            let thread = std::thread::spawn(move || {
                let mut conn = Conn { stream, number };
                let _copy = Copy { shared: all, number };
                script(&mut conn);
            });
            shared.threads.lock().unwrap().push(thread);
        }
    })
}
