//! A driver of one loop for the tests of Docker.

use super::HANG;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use towline::docker::{
    Answer, CallEvent, CallKey, ClientKey, Commands, DockerOptions, Error, Event, ExecOptions, RunResult, StreamEvent,
    StreamKey,
};
use towline::{Event as LoopEvent, Loop};

/// How a call ended.
#[derive(Debug)]
pub enum CallEnd {
    Done(Answer),
    Run(RunResult),
    Failed(Error),
}

/// All that was seen of a call.
#[derive(Debug, Default)]
pub struct SeenCall {
    /// Stream number and bytes.
    pub chunks: Vec<(u8, Vec<u8>)>,
    pub ended: Option<CallEnd>,
}

/// How a stream ended: code and whether it was cut, or why it failed.
pub type StreamEnd = Result<(Option<i64>, bool), Error>;

/// All that was seen of a stream.
#[derive(Debug, Default)]
pub struct SeenStream {
    /// Id, and whether it was a real upgrade.
    pub opened: Option<(String, bool)>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// Output events.
    pub pieces: usize,
    pub drains: usize,
    pub ended: Option<StreamEnd>,
}

impl SeenStream {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// A loop and what came out of it.
pub struct DockerDriver {
    pub lp: Loop,
    pub calls: HashMap<CallKey, SeenCall>,
    pub streams: HashMap<StreamKey, SeenStream>,
    /// Count output, but do not keep it.
    pub forget_output: bool,
}

impl DockerDriver {
    pub fn new() -> Self {
        DockerDriver { lp: Loop::new().unwrap(), calls: HashMap::new(), streams: HashMap::new(), forget_output: false }
    }

    pub fn docker(&mut self) -> Commands<'_, LoopEvent> {
        self.lp.docker()
    }

    /// A client with patience: a busy machine's Engine may take its time, and that is no failure of what is tested.
    pub fn client(&mut self, address: &str) -> ClientKey {
        self.client_with(DockerOptions {
            address: Some(address.to_owned()),
            connect_timeout: Duration::from_secs(60),
            timeout: Duration::from_secs(120),
            ..DockerOptions::default()
        })
    }

    pub fn client_with(&mut self, options: DockerOptions) -> ClientKey {
        self.docker().client(options).unwrap()
    }

    pub fn exec(&mut self, client: ClientKey, container: &str, command: &[&str]) -> StreamKey {
        self.exec_with(client, exec(container, command))
    }

    pub fn exec_with(&mut self, client: ClientKey, options: ExecOptions) -> StreamKey {
        self.docker().exec(client, options).unwrap()
    }

    /// Takes what is queued.
    pub fn drain(&mut self) -> usize {
        let mut count = 0;
        while let Some(event) = self.lp.next_event() {
            count += 1;
            match event {
                LoopEvent::Docker(Event::Call { call, kind }) => self.note_call(call, kind),
                LoopEvent::Docker(Event::Stream { stream, kind }) => self.note_stream(stream, kind),
                other => panic!("{other:?}"),
            }
        }
        count
    }

    fn note_call(&mut self, call: CallKey, kind: CallEvent) {
        let seen = self.calls.entry(call).or_default();
        assert!(seen.ended.is_none(), "{kind:?} came after the final event");
        match kind {
            CallEvent::Chunk { bytes, stream } => seen.chunks.push((stream, bytes.to_vec())),
            CallEvent::Done(answer) => seen.ended = Some(CallEnd::Done(*answer)),
            CallEvent::RunDone(result) => seen.ended = Some(CallEnd::Run(*result)),
            CallEvent::Failed(error) => seen.ended = Some(CallEnd::Failed(*error)),
        }
    }

    fn note_stream(&mut self, stream: StreamKey, kind: StreamEvent) {
        let forget = self.forget_output;
        let seen = self.streams.entry(stream).or_default();
        assert!(seen.ended.is_none(), "{kind:?} came after the final event");
        match kind {
            StreamEvent::Opened { id, upgraded } => {
                assert!(seen.opened.is_none(), "opened twice");
                seen.opened = Some((id, upgraded));
            }
            StreamEvent::Output { bytes, stream } => {
                assert!(!bytes.is_empty(), "an empty piece of output");
                seen.pieces += 1;
                match stream {
                    _ if forget => {}
                    1 => seen.stdout.extend_from_slice(&bytes),
                    2 => seen.stderr.extend_from_slice(&bytes),
                    other => panic!("output of stream {other}"),
                }
            }
            StreamEvent::Drain => seen.drains += 1,
            StreamEvent::Exited { code, truncated } => seen.ended = Some(Ok((code, truncated))),
            StreamEvent::Failed(error) => seen.ended = Some(Err(*error)),
        }
    }

    /// One turn of at most `wait`, and what it brought.
    pub fn turn(&mut self, wait: Duration) -> usize {
        match self.lp.turn(Some(wait)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            result => result.unwrap(),
        }
        self.drain()
    }

    /// Turns until `done` says so.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        self.drain();
        while !done(self) {
            assert!(
                start.elapsed() < HANG,
                "hung: {what} did not happen in {HANG:?}; {:?} {:?}",
                self.calls.values(),
                self.streams.values()
            );
            self.turn(Duration::from_millis(100));
        }
    }

    pub fn seen(&mut self, stream: StreamKey) -> &mut SeenStream {
        self.streams.entry(stream).or_default()
    }

    /// Turns until the stream's stdout holds `text`.
    #[track_caller]
    pub fn until_output(&mut self, stream: StreamKey, text: &str) {
        self.until(&format!("output of {text:?}"), |driver| {
            let seen = driver.seen(stream);
            assert!(seen.ended.is_none() || seen.text().contains(text), "ended without {text:?}: {seen:?}");
            seen.text().contains(text)
        });
    }

    #[track_caller]
    pub fn until_open(&mut self, stream: StreamKey) {
        self.until("the stream's opening", |driver| {
            let seen = driver.seen(stream);
            assert!(seen.opened.is_some() || seen.ended.is_none(), "ended before it was open: {seen:?}");
            seen.opened.is_some()
        });
    }

    /// Turns until the stream has ended, and takes all that was seen of it.
    #[track_caller]
    pub fn end(&mut self, stream: StreamKey) -> SeenStream {
        self.until("the stream's end", |driver| driver.seen(stream).ended.is_some());
        self.streams.remove(&stream).unwrap()
    }

    /// The exit code of a stream that ends well.
    #[track_caller]
    pub fn exit(&mut self, stream: StreamKey) -> Option<i64> {
        let seen = self.end(stream);
        match seen.ended {
            Some(Ok((code, false))) => code,
            _ => panic!("no clean exit: {seen:?}"),
        }
    }

    #[track_caller]
    pub fn stream_error(&mut self, stream: StreamKey) -> Error {
        let seen = self.end(stream);
        match seen.ended {
            Some(Err(error)) => error,
            _ => panic!("no error: {seen:?}"),
        }
    }

    #[track_caller]
    pub fn call_end(&mut self, call: CallKey) -> (CallEnd, Vec<(u8, Vec<u8>)>) {
        self.until("the call's end", |driver| driver.calls.get(&call).is_some_and(|seen| seen.ended.is_some()));
        let seen = self.calls.remove(&call).unwrap();
        (seen.ended.unwrap(), seen.chunks)
    }

    #[track_caller]
    pub fn answer(&mut self, call: CallKey) -> Answer {
        match self.call_end(call).0 {
            CallEnd::Done(answer) => answer,
            other => panic!("no answer: {other:?}"),
        }
    }

    #[track_caller]
    pub fn ran(&mut self, call: CallKey) -> RunResult {
        match self.call_end(call).0 {
            CallEnd::Run(result) => result,
            other => panic!("no result: {other:?}"),
        }
    }

    #[track_caller]
    pub fn call_error(&mut self, call: CallKey) -> Error {
        match self.call_end(call).0 {
            CallEnd::Failed(error) => error,
            other => panic!("no error: {other:?}"),
        }
    }
}

/// An exec with defaults.
pub fn exec(container: &str, command: &[&str]) -> ExecOptions {
    ExecOptions {
        container: container.to_owned(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        ..ExecOptions::default()
    }
}

/// An exec with a terminal and input.
pub fn terminal(container: &str, command: &[&str]) -> ExecOptions {
    ExecOptions { tty: true, stdin: true, ..exec(container, command) }
}

/// An exec with input and no terminal.
pub fn piped(container: &str, command: &[&str]) -> ExecOptions {
    ExecOptions { stdin: true, ..exec(container, command) }
}
