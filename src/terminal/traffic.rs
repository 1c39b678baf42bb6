//! What comes from below: the events of the sessions' streams and viewers, before the program sees them.

use super::hub::Terminal;
use super::layers::{Layers, LoopEvent};
use super::session::{IDLE, Outcome, Stage};
use super::{Event, EventKind, Said, SessionKey};
use crate::docker::{self, CallEvent, StreamEvent};
use crate::reactor::Reactor;
use crate::websocket::{self, ConnKey};

impl Terminal {
    /// An event of Docker comes out of the queue; what of it is for the program comes back.
    pub(crate) fn of_docker<E: LoopEvent>(
        &mut self,
        layers: &mut Layers<'_, E>,
        event: docker::Event,
    ) -> Option<docker::Event> {
        match &event {
            docker::Event::Call { call, kind } => {
                let Some(session) = self.kills.remove(*call) else { return Some(event) };
                if let CallEvent::Failed(error) = kind {
                    self.kill_failed(layers, session, error);
                }
                None
            }
            docker::Event::Stream { stream, kind } => {
                let Some(&session) = self.streams.get(*stream) else { return Some(event) };
                match kind {
                    StreamEvent::Output { bytes, .. } => {
                        self.output(layers, session, bytes);
                        return None;
                    }
                    StreamEvent::Drain => {
                        self.choke(layers, session, false);
                        return None;
                    }
                    StreamEvent::Opened { .. } => self.started(layers.reactor, session),
                    StreamEvent::Exited { code, .. } => {
                        self.over(layers, session, Outcome::Exited(*code), EventKind::Exited { code: *code });
                    }
                    StreamEvent::Failed(error) => {
                        let error = self.why(session, error);
                        self.over(layers, session, Outcome::Failed(error.to_string()), EventKind::Failed(error));
                    }
                }
                Some(event)
            }
        }
    }

    /// An event of a WebSocket server, likewise.
    pub(crate) fn of_websocket<E: LoopEvent>(
        &mut self,
        layers: &mut Layers<'_, E>,
        event: websocket::Event,
    ) -> Option<websocket::Event> {
        match &event.kind {
            websocket::EventKind::Message { conn, data, .. } if self.viewers.contains_key(*conn) => {
                self.said(layers, *conn, data);
                None
            }
            websocket::EventKind::Drain { conn } if self.viewers.contains_key(*conn) => {
                if let Some(viewer) = self.viewers.get_mut(*conn) {
                    viewer.behind = false;
                }
                self.reconsider(layers, *conn);
                None
            }
            websocket::EventKind::Closed { conn, code, .. } => {
                self.leave(layers, *conn, *code);
                self.viewers.remove(*conn);
                Some(event)
            }
            _ => Some(event),
        }
    }

    /// The process runs.
    pub(super) fn started<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(key).filter(|session| session.stage == Stage::Starting) else {
            return;
        };
        session.stage = Stage::Running;
        reactor.push(Event { session: key, kind: EventKind::Started });
    }

    /// A viewer says something.
    pub(super) fn said<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, conn: ConnKey, message: &[u8]) {
        let Some(viewer) = self.viewers.get_mut(conn).filter(|viewer| !viewer.left) else { return };
        let (key, may_type) = (viewer.session, !viewer.read_only);
        match Said::read(message) {
            Ok(Said::Pause) => {
                viewer.paused = true;
                self.regulate(layers, key);
            }
            Ok(Said::Resume) => {
                viewer.paused = false;
                self.reconsider(layers, conn);
            }
            Ok(Said::Taken(count)) => {
                // The latest; nobody has taken in what was not sent.
                viewer.taken = Some(count.min(viewer.sent));
                self.reconsider(layers, conn);
            }
            Ok(Said::Input(bytes)) if may_type && !bytes.is_empty() => self.input(layers, key, conn, bytes),
            Ok(Said::Resize(size)) if may_type => self.resize(layers, key, conn, size),
            // The first message of a viewer who was attached before it came.
            Ok(Said::Hello(hello)) if may_type => {
                if let Some(size) = hello.size {
                    self.resize(layers, key, conn, size);
                }
            }
            Ok(Said::EndOfInput) if may_type => {
                let stream = self.sessions.get(key).filter(|session| session.is_alive()).map(|it| it.stream);
                if let Some(stream) = stream {
                    // Without standard input there is nothing to end.
                    let _ = layers.docker().close_stdin(stream);
                }
            }
            // Who only watches says nothing that counts, and what is not understood does not either.
            Ok(_) | Err(_) => {}
        }
    }

    fn input<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, key: SessionKey, conn: ConnKey, bytes: &[u8]) {
        let Some(session) = self.sessions.get_mut(key).filter(|session| session.is_alive()) else { return };
        let stream = session.stream;
        session.last_input = layers.reactor.now();
        match layers.docker().write(stream, bytes) {
            Ok(waiting) => {
                let high = layers.docker().limits(stream).map_or(usize::MAX, |limits| limits.high_watermark);
                if waiting > high {
                    self.choke(layers, key, true);
                }
                self.tape_input(layers.reactor, key, bytes);
            }
            // Part of what is typed must not be missing without a word.
            Err(docker::Error::QueueFull { .. }) => {
                self.catch_up(layers, conn);
                self.send_away(layers, conn, super::viewer::LATER, "the process does not take its input");
            }
            // Its input has ended, or it never had any.
            Err(_) => {}
        }
    }

    /// Nothing was typed for a while; but perhaps since the timer was set.
    pub(super) fn idle<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, key: SessionKey) {
        let Some(session) = self.sessions.get(key).filter(|session| session.is_alive()) else { return };
        let idle = self.hubs.get(session.hub).and_then(|hub| hub.options.idle_timeout);
        let Some(at) = idle.map(|idle| session.last_input + idle) else { return };
        if at > layers.reactor.now() {
            return self.set_timer(layers.reactor, key, IDLE, at);
        }
        // It is there: it was looked up a moment ago.
        let _ = self.end(layers, key, super::Cause::Idle);
    }
}
