//! Calls: plain ones, and answers that stream.

use super::api::{Call, StreamCall};
use super::engine::Docker;
use super::error::Error;
use super::exchange::{CallStep, ExchangeKey, Job};
use super::frame::{Demux, Item};
use super::kill::{Kill, has_ended};
use super::run::Run;
use super::steps::good;
use super::stream::Stage;
use super::{Answer, CallEvent, CallKey, ClientKey, Event, StreamKey};
use crate::http::Head;
use crate::reactor::{Reactor, TimerId};
use bytes::{Bytes, BytesMut};

/// The longest event.
const MAX_LINE: usize = 4 * 1024 * 1024;

/// What a call does.
#[derive(Debug)]
pub enum CallKind {
    /// What is done already.
    Nothing,
    Plain(Box<Call>),
    /// A signal to a container: one that has ended needs none.
    Signal(Box<Call>),
    /// Inspect an exec; its id is empty until it is created.
    Inspect(String),
    Follow(Box<Follow>),
    Kill(Box<Kill>),
    Run(Box<Run>),
}

/// A call from its command until its final event is taken.
#[derive(Debug)]
pub struct CallState {
    pub client: ClientKey,
    pub kind: CallKind,
    pub exchange: Option<ExchangeKey>,
    /// The stream that serves it.
    pub stream: Option<StreamKey>,
    /// Its deadline.
    pub timer: Option<TimerId>,
    /// The program knows nothing of it.
    pub silent: bool,
    pub ended: bool,
}

/// A streaming answer.
#[derive(Debug)]
pub struct Follow {
    what: StreamCall,
    tty: bool,
    framing: Framing,
}

#[derive(Debug)]
enum Framing {
    Raw,
    Frames(Demux),
    /// One chunk a line; this is the beginning of the next.
    Lines(BytesMut),
}

impl Follow {
    pub fn new(what: StreamCall) -> Self {
        Follow { what, tty: false, framing: Framing::Raw }
    }

    /// The container whose log it is.
    pub fn container(&self) -> Option<&str> {
        match &self.what {
            StreamCall::Logs(options) => Some(&options.container),
            _ => None,
        }
    }

    pub fn call(&self) -> Call {
        match &self.what {
            StreamCall::Logs(options) => Call::new("GET", options.target().as_str()),
            StreamCall::Events(filters) if filters.is_empty() => Call::new("GET", "/events"),
            StreamCall::Events(filters) => {
                Call { query: vec![("filters".into(), filters.clone())], ..Call::new("GET", "/events") }
            }
            StreamCall::Raw(call) => call.clone(),
        }
    }
}

impl Docker {
    pub(super) fn begin_call<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        client_key: ClientKey,
        kind: CallKind,
        silent: bool,
    ) -> CallKey {
        if let Some(client) = self.clients.get_mut(client_key) {
            client.live += 1;
        }
        let step = match &kind {
            CallKind::Plain(_) | CallKind::Signal(_) => Some(CallStep::Plain),
            CallKind::Follow(follow) if follow.container().is_some() => Some(CallStep::Target),
            CallKind::Follow(_) => Some(CallStep::Follow),
            CallKind::Inspect(id) if !id.is_empty() => Some(CallStep::Plain),
            _ => None,
        };
        let key = self.calls.insert(CallState {
            client: client_key,
            kind,
            exchange: None,
            stream: None,
            timer: None,
            silent,
            ended: false,
        });
        if let Some(step) = step {
            self.call_step(reactor, key, step);
        }
        key
    }

    pub(super) fn call_step<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: CallKey, step: CallStep) {
        let Some(state) = self.calls.get(key) else { return };
        let timeout = match &state.kind {
            CallKind::Plain(call) | CallKind::Signal(call) => call.timeout,
            _ => None,
        };
        let client = state.client;
        let exchange = self.begin(reactor, client, Job::Call(key, step), timeout);
        if let Some(state) = self.calls.get_mut(key).filter(|state| !state.ended) {
            state.exchange = exchange;
        }
    }

    pub(super) fn call_answer<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: CallKey,
        step: CallStep,
        result: Result<Answer, Error>,
    ) {
        let Some(state) = self.calls.get_mut(key) else { return };
        state.exchange = None;
        if step == CallStep::Check {
            return self.kill_checked(reactor, key, result);
        }
        let answer = match result.and_then(good) {
            Ok(answer) => answer,
            Err(Error::Api { status, message })
                if matches!(state.kind, CallKind::Signal(_)) && has_ended(status, &message) =>
            {
                self.end_call(reactor, key, Ok(CallEvent::Done(Box::default())));
                return;
            }
            Err(error) => {
                self.end_call(reactor, key, Err(error));
                return;
            }
        };
        let CallKind::Follow(follow) = &mut state.kind else {
            self.end_call(reactor, key, Ok(CallEvent::Done(Box::new(answer))));
            return;
        };
        if step == CallStep::Target {
            match super::api::container_state(&answer.body) {
                Some(target) => follow.tty = target.tty,
                None => {
                    let error = Error::Protocol("the Engine's answer to inspect is not understood".into());
                    self.end_call(reactor, key, Err(error));
                    return;
                }
            }
            return self.call_step(reactor, key, CallStep::Follow);
        }
        let result = match &follow.framing {
            Framing::Frames(demux) if demux.is_mid_frame() => Err(Error::Closed("the log ended inside a frame".into())),
            Framing::Lines(begun) if !begun.trim_ascii().is_empty() => {
                Err(Error::Closed("the answer ended inside an event".into()))
            }
            _ => Ok(CallEvent::Done(Box::new(Answer { body: Vec::new(), ..answer }))),
        };
        self.end_call(reactor, key, result);
    }

    /// A streaming answer begins: from here on it has no deadline.
    pub(super) fn following<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: ExchangeKey,
        head: &Head,
    ) -> Result<(), Error> {
        let Some(exchange) = self.exchanges.get_mut(key) else { return Ok(()) };
        if let Some(timer) = exchange.timer.take() {
            reactor.cancel_timer(timer);
        }
        let Job::Call(call, _) = exchange.job else { return Ok(()) };
        let Some(CallState { kind: CallKind::Follow(follow), .. }) = self.calls.get_mut(call) else { return Ok(()) };
        let multiplexed = head.field("content-type") == Some(b"application/vnd.docker.multiplexed-stream");
        follow.framing = match &follow.what {
            StreamCall::Logs(_) if multiplexed || !follow.tty => Framing::Frames(Demux::default()),
            StreamCall::Events(_) => Framing::Lines(BytesMut::new()),
            _ => Framing::Raw,
        };
        Ok(())
    }

    /// A piece of a streaming answer.
    pub(super) fn follow<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        job: Job,
        chunk: &Bytes,
    ) -> Result<(), Error> {
        let Job::Call(call, _) = job else { return Ok(()) };
        let Some(CallState { kind: CallKind::Follow(follow), .. }) = self.calls.get_mut(call) else { return Ok(()) };
        let mut push = |bytes: Bytes, stream: u8| {
            reactor.push(Event::Call { call, kind: CallEvent::Chunk { bytes, stream } });
        };
        match &mut follow.framing {
            Framing::Raw => push(chunk.clone(), 1),
            Framing::Frames(demux) => {
                let mut at = 0;
                while let Some(item) = demux.next(chunk, &mut at)? {
                    match item {
                        Item::Output(stream, range) => push(chunk.slice(range), stream),
                        Item::Failure(message) => return Err(Error::Api { status: 200, message }),
                    }
                }
            }
            Framing::Lines(begun) => {
                let mut rest = chunk.clone();
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line = rest.split_to(end + 1);
                    let line = if begun.is_empty() {
                        line
                    } else {
                        begun.extend_from_slice(&line);
                        begun.split().freeze()
                    };
                    let text = line.trim_ascii();
                    if !text.is_empty() {
                        push(line.slice_ref(text), 1);
                    }
                }
                if begun.len() + rest.len() > MAX_LINE {
                    return Err(Error::Protocol(format!("an event is longer than {MAX_LINE} bytes")));
                }
                begun.extend_from_slice(&rest);
            }
        }
        Ok(())
    }

    /// Ends a call, once: its event, or for a silent one a word to whom it served.
    pub(super) fn end_call<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: CallKey,
        result: Result<CallEvent, Error>,
    ) -> bool {
        let Some(state) = self.calls.get_mut(key).filter(|state| !state.ended) else { return false };
        state.ended = true;
        let (client, silent) = (state.client, state.silent);
        let (exchange, stream, timer) = (state.exchange.take(), state.stream.take(), state.timer.take());
        let pause = match &mut state.kind {
            CallKind::Kill(kill) => kill.pause.take(),
            _ => None,
        };
        for timer in [timer, pause].into_iter().flatten() {
            reactor.cancel_timer(timer);
        }
        if let Some(exchange) = exchange {
            self.abandon(reactor, exchange);
        }
        if let Some(stream) = stream {
            self.drop_internal(reactor, stream);
        }
        if silent {
            self.silent_call_ended(reactor, key, result.err());
        } else {
            let kind = result.unwrap_or_else(|error| CallEvent::Failed(Box::new(error)));
            reactor.push(Event::Call { call: key, kind });
        }
        self.one_less(reactor, client);
        true
    }

    /// The program wants to know about an exec, which may have to be created first.
    pub(super) fn inspect_stream<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
    ) -> Result<CallKey, Error> {
        let stream = self.streams.get(key).ok_or(Error::Stale("stream"))?;
        let (client, id, stage) = (stream.client, stream.id.clone(), stream.stage);
        let kind = match &stream.target {
            super::stream::Target::Exec(_) => CallKind::Inspect(id.clone()),
            super::stream::Target::Container(_) => CallKind::Plain(Box::new(Call::inspect(stream.container_id())?)),
        };
        let waits = matches!(&kind, CallKind::Inspect(id) if id.is_empty());
        if waits && stage != Stage::Preparing {
            return Err(Error::Closed("the exec was never created".into()));
        }
        let call = self.begin_call(reactor, client, kind, false);
        if waits && let Some(stream) = self.streams.get_mut(key) {
            stream.waiting.push(call);
        }
        Ok(call)
    }

    /// A call waited for this stream to open.
    pub(super) fn stream_opened_for<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        call: CallKey,
        key: StreamKey,
    ) {
        let Some(stream) = self.streams.get(key) else { return };
        let id = stream.id.clone();
        match self.calls.get_mut(call).filter(|state| !state.ended).map(|state| &mut state.kind) {
            Some(CallKind::Inspect(exec)) => {
                *exec = id;
                self.call_step(reactor, call, CallStep::Plain);
            }
            Some(CallKind::Kill(kill)) => {
                kill.exec = id;
                self.kill_again(reactor, call);
            }
            _ => {}
        }
    }

    pub(super) fn call_timer<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: CallKey) {
        let Some(state) = self.calls.get_mut(key) else { return };
        state.timer = None;
        match state.kind {
            CallKind::Run(_) => self.run_timer(reactor, key),
            CallKind::Kill(_) => self.kill_timed_out(reactor, key),
            _ => {}
        }
    }
}
