use super::HANG;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use towline::fastcgi::{
    Body, ClientKey, ClientOptions, Error, Event, EventKind, Head, Pairs, Request, RequestKey, Response, SendOptions,
};
use towline::{Loop, TimerKey};

/// How a request ended.
#[derive(Debug)]
pub enum Ended {
    Done(Box<Response>),
    Values(Pairs),
    Failed(Error),
}

/// All that was seen of one request.
#[derive(Debug, Default)]
pub struct Seen {
    pub heads: Vec<Head>,
    pub body: Vec<u8>,
    pub stderr: Vec<u8>,
    /// How much of the body was asked for, each time.
    pub wants: Vec<usize>,
    pub chunks: usize,
    pub ended: Option<Ended>,
}

type SourceFn = Box<dyn FnMut(usize) -> Option<Vec<u8>>>;

/// A loop and what came out of it.
pub struct Driver {
    pub lp: Loop,
    pub seen: HashMap<RequestKey, Seen>,
    pub timers: Vec<TimerKey>,
    sources: HashMap<RequestKey, SourceFn>,
}

impl Driver {
    pub fn new() -> Self {
        Driver { lp: Loop::new().unwrap(), seen: HashMap::new(), timers: Vec::new(), sources: HashMap::new() }
    }

    pub fn client(&mut self, addresses: &[&str], options: ClientOptions) -> ClientKey {
        self.lp.fastcgi().client(addresses, options).unwrap()
    }

    /// A client of one upstream with the default options.
    pub fn plain(&mut self, address: &str) -> ClientKey {
        self.client(&[address], ClientOptions::default())
    }

    pub fn send(&mut self, client: ClientKey, request: &Request) -> RequestKey {
        self.send_with(client, request, b"", SendOptions::default())
    }

    pub fn send_body(&mut self, client: ClientKey, request: &Request, body: &[u8]) -> RequestKey {
        self.send_with(client, request, body, SendOptions::default())
    }

    pub fn send_with(&mut self, client: ClientKey, request: &Request, body: &[u8], options: SendOptions) -> RequestKey {
        let key = self.lp.fastcgi().send(client, request, Body::Bytes(body), options).unwrap();
        self.seen.insert(key, Seen::default());
        key
    }

    /// With a body from a source that is called for each WantBody.
    pub fn send_source(
        &mut self,
        client: ClientKey,
        request: &Request,
        source: impl FnMut(usize) -> Option<Vec<u8>> + 'static,
    ) -> RequestKey {
        let key = self.send_asking(client, request);
        self.sources.insert(key, Box::new(source));
        key
    }

    /// With a body that the test gives itself when it sees [`Seen::wants`].
    pub fn send_asking(&mut self, client: ClientKey, request: &Request) -> RequestKey {
        let key = self.lp.fastcgi().send(client, request, Body::Source, SendOptions::default()).unwrap();
        self.seen.insert(key, Seen::default());
        key
    }

    pub fn get_values(&mut self, client: ClientKey) -> RequestKey {
        let key = self.lp.fastcgi().get_values(client).unwrap();
        self.seen.insert(key, Seen::default());
        key
    }

    /// Takes what is queued.
    pub fn drain(&mut self) -> usize {
        let mut count = 0;
        while let Some(event) = self.lp.next_event() {
            count += 1;
            match event {
                towline::Event::Timer(key) => self.timers.push(key),
                towline::Event::FastCgi(event) => self.note(event),
                other => panic!("{other:?} in a test of FastCGI"),
            }
        }
        count
    }

    fn note(&mut self, Event { request, kind }: Event) {
        let seen = self.seen.entry(request).or_default();
        assert!(seen.ended.is_none(), "{kind:?} came after the final event");
        match kind {
            EventKind::Head(head) => seen.heads.push(*head),
            EventKind::Body(bytes) => {
                seen.chunks += 1;
                seen.body.extend_from_slice(&bytes);
            }
            EventKind::Stderr(bytes) => seen.stderr.extend_from_slice(&bytes),
            EventKind::WantBody(bytes) => {
                seen.wants.push(bytes);
                if let Some(source) = self.sources.get_mut(&request) {
                    let given = source(bytes);
                    let _ = self.lp.fastcgi().body(request, given.as_deref());
                }
            }
            EventKind::Done(response) => seen.ended = Some(Ended::Done(response)),
            EventKind::Values(pairs) => seen.ended = Some(Ended::Values(pairs)),
            EventKind::Failed(error) => seen.ended = Some(Ended::Failed(*error)),
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
            assert!(start.elapsed() < HANG, "hung: {what} did not happen in {HANG:?}; {:?}", self.seen.values());
            self.turn(Duration::from_millis(100));
        }
    }

    /// Turns until the request has ended.
    #[track_caller]
    pub fn end(&mut self, key: RequestKey) -> Ended {
        self.until("the request's end", |driver| driver.has_ended(key));
        self.seen.get_mut(&key).unwrap().ended.take().unwrap()
    }

    pub fn has_ended(&self, key: RequestKey) -> bool {
        self.seen.get(&key).is_some_and(|seen| seen.ended.is_some())
    }

    #[track_caller]
    pub fn result(&mut self, key: RequestKey) -> Result<Response, Error> {
        match self.end(key) {
            Ended::Done(response) => Ok(*response),
            Ended::Failed(error) => Err(error),
            Ended::Values(pairs) => panic!("values instead of an answer: {pairs:?}"),
        }
    }

    #[track_caller]
    pub fn answer(&mut self, key: RequestKey) -> Response {
        match self.result(key) {
            Ok(response) => response,
            Err(error) => panic!("the request failed: {error} ({error:?})"),
        }
    }

    #[track_caller]
    pub fn error(&mut self, key: RequestKey) -> Error {
        match self.result(key) {
            Ok(response) => panic!("the request succeeded: {response:?}"),
            Err(error) => error,
        }
    }

    /// The body of an answer as text.
    #[track_caller]
    pub fn text(&mut self, key: RequestKey) -> String {
        String::from_utf8(self.answer(key).body).unwrap()
    }

    /// GETs the script and yields its answer.
    #[track_caller]
    pub fn get(&mut self, client: ClientKey, script: &str) -> Response {
        let request = Request::builder(script).build().unwrap();
        let key = self.send(client, &request);
        self.answer(key)
    }
}
