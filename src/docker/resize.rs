//! The terminal's size: told over a second connection, the latest wins, retried while the process starts.

use super::engine::{Docker, RESIZE, tag};
use super::error::Error;
use super::exchange::{ExchangeKey, StreamStep};
use super::options::Size;
use super::stream::{Stage, Target};
use super::{Answer, Event, StreamKey};
use crate::reactor::{Reactor, TimerId};
use std::time::Duration;

/// A process that is starting has no terminal yet: so often, and with pauses growing by this much, is it tried again.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// What is wanted and what the Engine knows.
#[derive(Debug)]
pub struct Resize {
    pub wanted: Option<Size>,
    /// The Engine has taken this one.
    done: Option<Size>,
    /// This one is on its way.
    pub sending: Option<Size>,
    exchange: Option<ExchangeKey>,
    tries: u32,
    timer: Option<TimerId>,
}

impl Resize {
    pub fn new(wanted: Option<Size>) -> Self {
        Resize { wanted, done: None, sending: None, exchange: None, tries: 0, timer: None }
    }
}

impl Docker {
    pub(super) fn resize<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
        size: Size,
    ) -> Result<(), Error> {
        let stream = self.streams.get_mut(key).ok_or(Error::Stale("stream"))?;
        // Whether a container has a terminal is known only once it is attached.
        let may_have_tty =
            stream.tty || matches!((&stream.target, stream.stage), (Target::Container(_), Stage::Preparing));
        if !may_have_tty {
            return Err(Error::Invalid("the stream has no terminal to be resized (it was opened without tty)".into()));
        }
        stream.resize.wanted = Some(size);
        stream.resize.tries = 0;
        self.resize_now(reactor, key);
        Ok(())
    }

    /// Tells the Engine the size, unless it knows it or is being told one.
    pub(super) fn resize_now<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let resize = &mut stream.resize;
        let open = stream.tty && matches!(stream.stage, Stage::Open(_));
        if !open || resize.wanted == resize.done || resize.exchange.is_some() || resize.timer.is_some() {
            return;
        }
        let client = stream.client;
        let exchange = self.begin(reactor, client, super::exchange::Job::Stream(key, StreamStep::Resize), None);
        if let Some(stream) = self.streams.get_mut(key) {
            stream.resize.exchange = exchange;
        }
    }

    pub(super) fn resize_answer<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
        result: &Result<Answer, Error>,
    ) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let resize = &mut stream.resize;
        resize.exchange = None;
        let sent = resize.sending.take();
        if result.as_ref().is_ok_and(|answer| answer.head.status() < 300) {
            resize.done = sent;
            resize.tries = 0;
            return self.resize_now(reactor, key);
        }
        // Refused: the process has not started yet, or has ended.
        resize.tries += 1;
        if resize.tries <= TRIES && matches!(stream.stage, Stage::Open(_)) {
            let at = reactor.now() + PAUSE * resize.tries;
            resize.timer = Some(reactor.set_timer(at, tag(RESIZE, key)));
        }
    }

    pub(super) fn resize_timer<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey) {
        if let Some(stream) = self.streams.get_mut(key) {
            stream.resize.timer = None;
        }
        self.resize_now(reactor, key);
    }

    pub(super) fn stop_resizing<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let exchange = stream.resize.exchange.take();
        if let Some(timer) = stream.resize.timer.take() {
            reactor.cancel_timer(timer);
        }
        if let Some(exchange) = exchange {
            self.abandon(reactor, exchange);
        }
    }
}
