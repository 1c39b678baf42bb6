//! A loop with a WebSocket server, an Engine's client and a hub, and pages that watch its sessions, all in one thread.
#![allow(dead_code, reason = "each test binary uses a part")]

use crate::host::{self, Client};
use crate::support::{HANG, terminal};
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use towline::docker::{self, ClientKey, DockerOptions, ExecOptions, StreamEvent, StreamKey};
use towline::terminal::{Cause, Event, EventKind, HubKey, HubOptions, SessionKey, Size};
use towline::websocket::{self, ConnKey, ServerKey, ServerOptions};
use towline::{Event as LoopEvent, Loop};

/// A browser, as far as it is of interest here.
pub struct Page {
    pub client: Client,
    pub conn: ConnKey,
    /// Bytes of output, and messages that they came in.
    pub output: Vec<u8>,
    pub outputs: usize,
    /// All other messages.
    pub said: Vec<String>,
    /// The close code, and the reason.
    pub closed: Option<(u16, String)>,
    /// Reads nothing while set.
    pub deaf: bool,
}

impl Page {
    /// Takes in what has come.
    fn work(&mut self) {
        self.client.deaf = self.deaf;
        self.client.work();
        let mut at = 0;
        while let Some((first, payload)) = parse(&self.client.got[at..]) {
            at += payload.end;
            let bytes = &self.client.got[at - payload.len..at];
            match first {
                0x82 if bytes.first() == Some(&b'0') => {
                    self.output.extend_from_slice(&bytes[1..]);
                    self.outputs += 1;
                }
                0x82 => self.said.push(String::from_utf8(bytes.to_vec()).unwrap()),
                0x88 => {
                    let code = u16::from_be_bytes([bytes[0], bytes[1]]);
                    self.closed = Some((code, String::from_utf8(bytes[2..].to_vec()).unwrap()));
                    // As browsers do.
                    let answer = host::frame(0x88, &code.to_be_bytes());
                    self.client.write(answer);
                }
                0x89 => self.client.write(host::frame(0x8a, b"")),
                other => panic!("a frame that begins with {other:#x}"),
            }
        }
        self.client.got.drain(..at);
    }

    pub fn send(&mut self, message: impl AsRef<[u8]>) {
        self.client.write(host::frame(0x82, message.as_ref()));
    }

    pub fn types(&mut self, text: &str) {
        self.send(format!("0{text}"));
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// The code that the server closed with.
    pub fn code(&self) -> Option<u16> {
        self.closed.as_ref().map(|(code, _)| *code)
    }
}

struct Payload {
    len: usize,
    end: usize,
}

fn parse(bytes: &[u8]) -> Option<(u8, Payload)> {
    let (start, len) = match *bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap()) as usize),
        len => (2, usize::from(len)),
    };
    (bytes.len() >= start + len).then_some((bytes[0], Payload { len, end: start + len }))
}

/// All there is.
pub struct Stage {
    pub lp: Loop,
    pub server: ServerKey,
    pub client: ClientKey,
    pub hub: HubKey,
    pub pages: Vec<Page>,
    /// What the hub has told.
    pub told: Vec<(SessionKey, EventKind)>,
    /// Messages of WebSockets that are not attached.
    pub messages: Vec<(ConnKey, Vec<u8>)>,
    pub gone: Vec<(ConnKey, u16)>,
    /// What came of the streams; never output.
    pub streams: Vec<(StreamKey, StreamEvent)>,
    opened: Option<ConnKey>,
    pub server_ended: bool,
}

impl Stage {
    pub fn new(engine: &str) -> Stage {
        Stage::with(engine, HubOptions::default())
    }

    pub fn with(engine: &str, options: HubOptions) -> Stage {
        Stage::serving(engine, options, ServerOptions::default())
    }

    pub fn serving(engine: &str, options: HubOptions, server: ServerOptions) -> Stage {
        let mut lp = Loop::new().unwrap();
        let server = lp.websocket().listen("127.0.0.1:0", server).unwrap();
        let client = DockerOptions { address: Some(engine.to_owned()), ..DockerOptions::default() };
        let client = lp.docker().client(client).unwrap();
        let hub = lp.terminal().hub(options).unwrap();
        Stage {
            lp,
            server,
            client,
            hub,
            pages: Vec::new(),
            told: Vec::new(),
            messages: Vec::new(),
            gone: Vec::new(),
            streams: Vec::new(),
            opened: None,
            server_ended: false,
        }
    }

    /// One turn, what it brought, and the pages.
    pub fn turn(&mut self) {
        match self.lp.turn(Some(Duration::from_millis(2))) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => result.unwrap(),
        }
        while let Some(event) = self.lp.next_event() {
            match event {
                LoopEvent::Terminal(Event { session, kind }) => self.told.push((session, kind)),
                LoopEvent::Docker(docker::Event::Stream { stream, kind }) => {
                    // Of a terminal's stream never.
                    assert!(!matches!(kind, StreamEvent::Output { .. } | StreamEvent::Drain), "{kind:?}");
                    self.streams.push((stream, kind));
                }
                LoopEvent::WebSocket(event) => match event.kind {
                    websocket::EventKind::Upgrade { request, .. } => {
                        self.lp.websocket().accept(request, None).unwrap();
                    }
                    websocket::EventKind::Open { conn } => self.opened = Some(conn),
                    websocket::EventKind::Message { conn, data, .. } => self.messages.push((conn, data.to_vec())),
                    websocket::EventKind::Closed { conn, code, .. } => self.gone.push((conn, code)),
                    websocket::EventKind::Ended => self.server_ended = true,
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            }
        }
        for page in &mut self.pages {
            page.work();
        }
    }

    /// Turns until `done` says so.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Stage) -> bool) {
        let start = Instant::now();
        while !done(self) {
            let pages: Vec<_> = self.pages.iter().map(|it| (it.output.len(), &it.said, &it.closed)).collect();
            assert!(
                start.elapsed() < HANG,
                "hung: {what} did not happen in {HANG:?}; {:?} {:?} {pages:?}",
                self.told,
                self.streams
            );
            self.turn();
        }
    }

    /// Turns until nothing more than silence has come for a while.
    pub fn until_still(&mut self) {
        let (mut quiet, mut before) = (Instant::now(), self.progress());
        self.until("a standstill", |stage| {
            let now = stage.progress();
            if std::mem::replace(&mut before, now) != now {
                quiet = Instant::now();
            }
            quiet.elapsed() > Duration::from_millis(200)
        });
    }

    fn progress(&self) -> (usize, usize, usize) {
        let output = self.pages.iter().map(|page| page.output.len() + page.said.len()).sum();
        (output, self.told.len(), self.gone.len())
    }

    /// A page whose WebSocket is open; its index.
    #[track_caller]
    pub fn page(&mut self) -> usize {
        let address = self.lp.websocket().address(self.server).unwrap().to_owned();
        let mut client = Client::new(&address);
        client.write(host::upgrade(""));
        self.opened = None;
        self.until("an answer", |stage| {
            client.work();
            stage.opened.is_some() && client.got.windows(4).any(|it| it == b"\r\n\r\n")
        });
        let size = client.got.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
        let head: Vec<u8> = client.got.drain(..size).collect();
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        let conn = self.opened.take().unwrap();
        self.pages.push(Page { client, conn, output: vec![], outputs: 0, said: vec![], closed: None, deaf: false });
        self.pages.len() - 1
    }

    /// A session on an exec with a terminal.
    #[track_caller]
    pub fn session(&mut self, container: &str, command: &[&str]) -> SessionKey {
        self.session_with(terminal(container, command))
    }

    #[track_caller]
    pub fn session_with(&mut self, options: ExecOptions) -> SessionKey {
        let stream = self.lp.docker().exec(self.client, options).unwrap();
        let hub = self.hub;
        self.lp.terminal().open(hub, stream, None).unwrap()
    }

    /// A page that watches a session.
    #[track_caller]
    pub fn viewer(&mut self, session: SessionKey, read_only: bool) -> usize {
        let page = self.page();
        self.attach(session, page, read_only, None);
        page
    }

    #[track_caller]
    pub fn attach(&mut self, session: SessionKey, page: usize, read_only: bool, size: Option<Size>) {
        let conn = self.pages[page].conn;
        self.lp.terminal().attach(session, conn, read_only, size).unwrap();
    }

    /// Turns until the page's output holds `text`.
    #[track_caller]
    pub fn until_output(&mut self, page: usize, text: &str) {
        // Looks only at what is new, for there may be much.
        let mut seen = 0;
        self.until(&format!("output of {text:?}"), |stage| {
            let output = &stage.pages[page].output;
            let found = memchr::memmem::find(&output[seen..], text.as_bytes()).is_some();
            seen = output.len().saturating_sub(text.len());
            found
        });
    }

    /// Turns until the page is closed; the code.
    #[track_caller]
    pub fn until_closed(&mut self, page: usize) -> u16 {
        self.until("the page's end", |stage| stage.pages[page].closed.is_some());
        self.pages[page].code().unwrap()
    }

    /// The messages of a page that begin so.
    pub fn said(&self, page: usize, command: char) -> Vec<&str> {
        self.pages[page].said.iter().filter(|it| it.starts_with(command)).map(String::as_str).collect()
    }

    /// Turns until the hub has told of a session's end; why.
    #[track_caller]
    pub fn until_ended(&mut self, session: SessionKey) -> Cause {
        let mut cause = None;
        self.until("the session's end", |stage| {
            cause = stage.told.iter().find_map(|(of, kind)| match kind {
                EventKind::Ended(cause) if *of == session => Some(*cause),
                _ => None,
            });
            cause.is_some()
        });
        cause.unwrap()
    }

    /// What the hub has told of a session, in words without keys.
    pub fn story(&self, session: SessionKey) -> Vec<String> {
        let of = self.told.iter().filter(|(of, _)| *of == session);
        of.map(|(_, kind)| match kind {
            EventKind::Joined { read_only, viewers, .. } => format!("joined {read_only} {viewers}"),
            EventKind::Left { read_only, code, viewers, .. } => format!("left {read_only} {code} {viewers}"),
            EventKind::Failed(error) => format!("failed {error}"),
            EventKind::RecordingFailed(error) => format!("recording failed {error}"),
            other => format!("{other:?}").to_lowercase(),
        })
        .collect()
    }
}
