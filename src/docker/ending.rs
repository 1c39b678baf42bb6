//! How a hijacked stream ends: the exit code is found, or it fails, or it is closed.

use super::api::{self, Progress};
use super::engine::{Docker, STREAM, tag};
use super::error::Error;
use super::exchange::StreamStep;
use super::stream::{Exit, Sink, Stage, Stream, Target};
use super::traffic::End;
use super::{Answer, Event, StreamEvent, StreamKey};
use crate::net::Transport;
use crate::reactor::Reactor;
use std::io::ErrorKind;
use std::time::Duration;

/// How long the Engine is asked for an exit code that it does not know yet.
const EXIT_PATIENCE: Duration = Duration::from_secs(3);
/// The pauses between the questions: doubled up to the limit.
const EXIT_PAUSE: Duration = Duration::from_millis(5);
const EXIT_PAUSE_MAX: Duration = Duration::from_millis(250);

impl Docker {
    /// Bytes have ceased to flow: what remains is the exit code.
    pub(super) fn stream_ended<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey, how: End) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let Stage::Open(conn_key) = stream.stage else { return };
        let wire = self.connections.get(conn_key).and_then(|connection| connection.wire.as_ref());
        let over_unix = wire.is_some_and(|(wire, _)| matches!(wire.transport(), Transport::Unix(_)));
        stream.truncated = stream.is_mid_way()
            || match &how {
                End::Clean => false,
                // A unix socket hands out all that was sent before it tells that the peer has left input unread.
                End::Broken(error) => !(over_unix && error.kind() == ErrorKind::ConnectionReset),
                End::Cut => true,
            };
        stream.broken = matches!(how, End::Broken(_)).then(|| how.in_words());
        stream.stage = Stage::Exiting;
        stream.exiting_since = Some(reactor.now());
        stream.input_is_gone();
        self.stop_resizing(reactor, key);
        // Engines close only their own direction.
        self.discard(reactor, conn_key);
        self.step(reactor, key, StreamStep::Exit);
    }

    /// The time has come to ask again for the exit code.
    pub(super) fn stream_timer<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        stream.timer = None;
        if stream.stage == Stage::Exiting {
            self.step(reactor, key, StreamStep::Exit);
        }
    }

    /// What the Engine says about the process of a stream that has ended.
    pub(super) fn exit_answer<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
        result: Result<Answer, Error>,
    ) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let is_exec = matches!(stream.target, Target::Exec(_));
        let lost = |why: &str| {
            Err(Error::Closed(format!("the stream broke off{why}, and nothing is known of the process's end")))
        };
        let broken = stream.broken.clone();
        // What is said once patience is at its end.
        let last_word = match result {
            Ok(answer) if answer.head.status() < 300 => {
                let progress = if is_exec {
                    api::exec_progress(&answer.body)
                } else {
                    api::container_state(&answer.body).map(|state| state.progress)
                };
                match (progress, broken) {
                    (Some(Progress { running: false, exit_code: Some(code) }), _) => {
                        let code = stream.detached.code(code);
                        return self.finish_stream(reactor, key, Ok(code));
                    }
                    (Some(Progress { running: true, .. }), Some(why)) => {
                        let error = Error::Closed(format!("the stream broke off{why}; the process goes on"));
                        return self.finish_stream(reactor, key, Err(error));
                    }
                    (Some(_), Some(why)) => lost(&why),
                    (Some(_), None) => Ok(None),
                    (None, _) => {
                        let error = Error::Protocol("the Engine's answer to inspect does not say how it ended".into());
                        return self.finish_stream(reactor, key, Err(error));
                    }
                }
            }
            // Gone: the container was removed, or the Engine has forgotten it.
            Ok(answer) if answer.head.status() == 404 => {
                let result = broken.map_or(Ok(None), |why| lost(&why));
                return self.finish_stream(reactor, key, result);
            }
            Ok(answer) => {
                Err(Error::Api { status: answer.head.status(), message: api::message(&answer.head, &answer.body) })
            }
            Err(error @ (Error::Connect { .. } | Error::Closed(_))) => {
                Err(Error::Closed(format!("the stream ended, and the Engine does not answer any more: {error}")))
            }
            Err(error) => return self.finish_stream(reactor, key, Err(error)),
        };
        let since = stream.exiting_since.unwrap_or_else(|| reactor.now());
        if reactor.now().saturating_duration_since(since) >= EXIT_PATIENCE {
            return self.finish_stream(reactor, key, last_word);
        }
        let pause = EXIT_PAUSE.saturating_mul(1 << stream.exit_tries.min(10)).min(EXIT_PAUSE_MAX);
        stream.exit_tries += 1;
        stream.timer = Some(reactor.set_timer(reactor.now() + pause, tag(STREAM, key)));
    }

    /// Queues a stream's final event, or tells the call it serves.
    pub(super) fn finish_stream<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
        result: Result<Option<i64>, Error>,
    ) {
        let Some(stream) = self.let_go(reactor, key) else { return };
        let (client, sink) = (stream.client, stream.sink);
        stream.exited = matches!(result, Ok(Some(_)));
        let result = result.map(|code| Exit { code, truncated: stream.truncated });
        match sink {
            Sink::User => {
                let kind = match result {
                    Ok(Exit { code, truncated }) => StreamEvent::Exited { code, truncated },
                    Err(error) => StreamEvent::Failed(Box::new(error)),
                };
                reactor.push(Event::Stream { stream: key, kind });
            }
            Sink::Run(call) => {
                self.forget_internal(key);
                self.run_ended(reactor, call, result);
            }
            Sink::Kill(call) => {
                self.forget_internal(key);
                self.kill_ended(reactor, call, result);
            }
        }
        self.one_less(reactor, client);
    }

    /// Gives everything up that a stream holds; `None` when it has ended already.
    fn let_go<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey) -> Option<&mut Stream> {
        let stream = self.streams.get_mut(key).filter(|stream| stream.stage != Stage::Ended)?;
        let stage = std::mem::replace(&mut stream.stage, Stage::Ended);
        stream.input_is_gone();
        stream.forget_command();
        let exchange = stream.exchange.take();
        let timer = stream.timer.take();
        let waiting = std::mem::take(&mut stream.waiting);
        if let Some(timer) = timer {
            reactor.cancel_timer(timer);
        }
        self.stop_resizing(reactor, key);
        if let Some(exchange) = exchange {
            self.abandon(reactor, exchange);
        }
        if let Stage::Open(conn_key) = stage {
            self.discard(reactor, conn_key);
        }
        for call in waiting {
            self.end_call(reactor, call, Err(Error::Closed("the stream ended before it was open".into())));
        }
        self.streams.get_mut(key)
    }

    fn forget_internal(&mut self, key: StreamKey) {
        self.internal -= usize::from(self.streams.remove(key).is_some());
    }

    /// The program closes a stream; the process goes on.
    pub(super) fn close_stream<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey) -> bool {
        let Some(stream) = self.streams.get_mut(key) else { return false };
        if stream.closed {
            return false;
        }
        stream.closed = true;
        let held = stream.drop_held();
        if stream.stage == Stage::Ended {
            // Its ending is in the queue, unless a pause held it.
            if let Some(kind) = held {
                reactor.push(Event::Stream { stream: key, kind });
            }
            return true;
        }
        if stream.sink == Sink::User {
            self.finish_stream(reactor, key, Err(Error::Cancelled));
        } else {
            self.drop_internal(reactor, key);
        }
        true
    }

    /// Ends a stream whose call waits for it no more.
    pub(super) fn drop_internal<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: StreamKey) {
        let Some(client) = self.let_go(reactor, key).map(|stream| stream.client) else { return };
        self.forget_internal(key);
        self.one_less(reactor, client);
    }
}
