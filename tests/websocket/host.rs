//! A server on a loop of its own, and clients that say what a test tells them, byte by byte, all in one thread.

use crate::support::HANG;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use towline::websocket::{ConnKey, Event, EventKind, ServerKey, ServerOptions};
use towline::{Event as LoopEvent, Loop};

type Behaviour = Box<dyn FnMut(&mut Loop, &EventKind)>;

/// A loop with one server and what came out of it.
pub struct Host {
    pub lp: Loop,
    pub server: ServerKey,
    pub address: String,
    pub seen: Vec<EventKind>,
    behaviour: Behaviour,
}

/// Answers requests, lets everybody in and sends every message back.
pub fn echo(lp: &mut Loop, event: &EventKind) {
    match event {
        EventKind::Request { request, head, body } => {
            let text = format!("{} {} {}", head.method, head.target, String::from_utf8_lossy(body));
            lp.websocket().respond(*request, 200, &[("Content-Type", b"text/plain")], text.as_bytes()).unwrap();
        }
        EventKind::Upgrade { request, .. } => {
            lp.websocket().accept(*request, None).unwrap();
        }
        EventKind::Message { conn, data, binary } => {
            // The client may have gone meanwhile.
            let _ = lp.websocket().send(*conn, data, *binary);
        }
        _ => {}
    }
}

/// Leaves everything to the test.
pub fn silent(_: &mut Loop, _: &EventKind) {}

impl Host {
    pub fn new(options: ServerOptions) -> Host {
        Host::at("127.0.0.1:0", options, echo)
    }

    pub fn at(address: &str, options: ServerOptions, behaviour: impl FnMut(&mut Loop, &EventKind) + 'static) -> Host {
        let mut lp = Loop::new().unwrap();
        let server = lp.websocket().listen(address, options).unwrap();
        let address = lp.websocket().address(server).unwrap().to_owned();
        Host { lp, server, address, seen: Vec::new(), behaviour: Box::new(behaviour) }
    }

    /// One turn of at most `wait`, and the answers to what it brought.
    pub fn turn(&mut self, wait: Duration) {
        match self.lp.turn(Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => result.unwrap(),
        }
        while let Some(event) = self.lp.next_event() {
            let LoopEvent::WebSocket(Event { server, kind }) = event else { panic!("{event:?}") };
            assert_eq!(server, self.server);
            (self.behaviour)(&mut self.lp, &kind);
            self.seen.push(kind);
        }
    }

    /// Turns until `done` says so.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Host) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < HANG, "hung: {what} did not happen in {HANG:?}; {:?}", self.seen);
            self.turn(Duration::from_millis(2));
        }
    }

    pub fn connect(&self) -> Client {
        Client::new(&self.address)
    }

    /// A client whose WebSocket is open, and the server's handle of it.
    #[track_caller]
    pub fn open(&mut self) -> (Client, ConnKey) {
        let mut client = self.connect();
        let head = self.ask(&mut client, upgrade(""));
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        self.until("open", |host| host.last_open().is_some());
        let conn = self.last_open().unwrap();
        (client, conn)
    }

    pub fn last_open(&self) -> Option<ConnKey> {
        self.seen.iter().rev().find_map(|event| match event {
            EventKind::Open { conn } => Some(*conn),
            _ => None,
        })
    }

    /// What is said of a connection's end.
    #[track_caller]
    pub fn closed(&mut self, conn: ConnKey) -> (u16, String) {
        let mut found = None;
        self.until("the closed event", |host| {
            found = host.seen.iter().find_map(|event| match event {
                EventKind::Closed { conn: of, code, reason } if *of == conn => Some((*code, reason.clone())),
                _ => None,
            });
            found.is_some()
        });
        found.unwrap()
    }

    /// Sends bytes, then reads the head of an answer and takes it from what the client has got.
    #[track_caller]
    pub fn ask(&mut self, client: &mut Client, bytes: impl AsRef<[u8]>) -> String {
        client.write(bytes);
        self.head(client)
    }

    #[track_caller]
    pub fn head(&mut self, client: &mut Client) -> String {
        self.until("an answer", |_| {
            client.work();
            client.got.windows(4).any(|it| it == b"\r\n\r\n")
        });
        let size = client.got.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
        String::from_utf8(client.got.drain(..size).collect()).unwrap()
    }

    /// Takes the next `size` bytes that the client gets.
    #[track_caller]
    pub fn bytes(&mut self, client: &mut Client, size: usize) -> Vec<u8> {
        self.until("bytes", |_| {
            client.work();
            client.got.len() >= size
        });
        client.got.drain(..size).collect()
    }

    /// Takes the next frame that the client gets: its first byte and its payload.
    #[track_caller]
    pub fn frame(&mut self, client: &mut Client) -> (u8, Vec<u8>) {
        let head = self.bytes(client, 2);
        let size = match head[1] {
            126 => self.bytes(client, 2).iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            127 => self.bytes(client, 8).iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            size => usize::from(size),
        };
        (head[0], self.bytes(client, size))
    }

    /// The code of the close frame that comes next.
    #[track_caller]
    pub fn close_code(&mut self, client: &mut Client) -> u16 {
        let (first, payload) = self.frame(client);
        assert_eq!(first, 0x88, "{payload:?}");
        u16::from_be_bytes([payload[0], payload[1]])
    }

    /// Waits until the server has ended the connection, and gives what came before.
    #[track_caller]
    pub fn rest(&mut self, client: &mut Client) -> Vec<u8> {
        self.until("the connection's end", |_| {
            client.work();
            client.ended
        });
        std::mem::take(&mut client.got)
    }
}

/// A request for a WebSocket, with more header lines.
pub fn upgrade(more: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// A masked frame.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [7, 80, 200, 33];
    let mut bytes = vec![first];
    match payload.len() {
        n @ 0..=125 => bytes.push(0x80 | n as u8),
        n @ 126..=0xffff => {
            bytes.push(0xfe);
            bytes.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            bytes.push(0xff);
            bytes.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

trait Stream: Read + Write {}
impl Stream for TcpStream {}
impl Stream for UnixStream {}

/// A client that sends what it is told and keeps what it gets.
pub struct Client {
    stream: Option<Box<dyn Stream>>,
    out: Vec<u8>,
    pub got: Vec<u8>,
    /// The server has closed, or reset, the connection.
    pub ended: bool,
    /// Reads nothing while set.
    pub deaf: bool,
}

impl Client {
    pub fn new(address: &str) -> Client {
        let stream: Box<dyn Stream> = match address.strip_prefix("unix:") {
            Some(path) => {
                let stream = UnixStream::connect(path).unwrap();
                stream.set_nonblocking(true).unwrap();
                Box::new(stream)
            }
            None => {
                let stream = TcpStream::connect(address).unwrap();
                stream.set_nonblocking(true).unwrap();
                stream.set_nodelay(true).unwrap();
                Box::new(stream)
            }
        };
        Client { stream: Some(stream), out: Vec::new(), got: Vec::new(), ended: false, deaf: false }
    }

    /// Sends as much as goes now; the rest goes with [`work`](Self::work).
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.out.extend_from_slice(bytes.as_ref());
        self.flush();
    }

    fn flush(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        while !self.out.is_empty() {
            match stream.write(&self.out) {
                Ok(n) => drop(self.out.drain(..n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // The server has closed; what it said before is still to be read.
                Err(_) => self.out.clear(),
            }
        }
    }

    /// Sends and reads what goes.
    pub fn work(&mut self) {
        self.flush();
        let Some(stream) = &mut self.stream else { return };
        let mut buffer = vec![0; 256 * 1024];
        while !self.ended && !self.deaf {
            match stream.read(&mut buffer) {
                Ok(0) => self.ended = true,
                Ok(n) => self.got.extend_from_slice(&buffer[..n]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.ended = true,
            }
        }
    }

    /// Reads so many bytes at most.
    pub fn read_some(&mut self, most: usize) {
        let Some(stream) = &mut self.stream else { return };
        let mut buffer = vec![0; most];
        match stream.read(&mut buffer) {
            Ok(0) => self.ended = true,
            Ok(n) => self.got.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.ended = true,
        }
    }

    /// Everything written is with the kernel.
    pub fn has_sent_all(&self) -> bool {
        self.out.is_empty()
    }

    pub fn close(&mut self) {
        self.stream = None;
    }
}
