//! How a session ends: its process does, or is made to.

use super::hub::Terminal;
use super::layers::{Layers, LoopEvent};
use super::session::{GATHER, HOLD, IDLE, KILL, LINGER, Outcome, Signalled, Stage, TAPE};
use super::{Cause, Error, Event, EventKind, SessionKey};
use crate::docker;
use crate::reactor::Tag;
use slotmap::KeyData;
use std::time::Duration;

/// How long a process has to follow a signal.
const PATIENCE: Duration = Duration::from_secs(5);

impl Terminal {
    /// A timer has passed.
    pub(super) fn timer<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, tag: Tag) {
        let key: SessionKey = KeyData::from_ffi(tag.id).into();
        let now = layers.reactor.now();
        let Some(session) = self.sessions.get_mut(key).filter(|session| !session.gone) else { return };
        if !session.timer_passed(now, tag.kind) {
            return;
        }
        match tag.kind {
            // It is there: it was looked up a moment ago.
            LINGER => drop(self.end(layers, key, Cause::Abandoned)),
            IDLE => self.idle(layers, key),
            HOLD => self.held(layers, key),
            KILL => self.signal(layers, key),
            TAPE => self.tape_write(layers.reactor, key),
            GATHER => self.gathered(layers, key),
            _ => {}
        }
    }

    /// Ends a session, its process first.
    pub(super) fn end<E: LoopEvent>(
        &mut self,
        layers: &mut Layers<'_, E>,
        key: SessionKey,
        cause: Cause,
    ) -> Result<(), Error> {
        self.live(key)?;
        let Some(session) = self.sessions.get_mut(key) else { return Ok(()) };
        if !session.is_alive() {
            self.finish(layers.reactor, key, Cause::Process);
            return Ok(());
        }
        if session.cause.is_some() {
            return Ok(());
        }
        session.cause = Some(cause);
        session.cancel_timer(layers.reactor, LINGER);
        session.cancel_timer(layers.reactor, IDLE);
        // Its end is behind its output.
        self.regulate(layers, key);
        self.signal(layers, key);
        Ok(())
    }

    /// Sends the next signal. When there is none left the stream is closed, whatever becomes of the process.
    fn signal<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(key).filter(|session| session.is_alive()) else { return };
        let stream = session.stream;
        let next = match session.signalled {
            Signalled::Not => Signalled::Term,
            Signalled::Term => Signalled::Kill,
            Signalled::Kill => {
                layers.docker().close(stream);
                return;
            }
        };
        session.signalled = next;
        let at = layers.reactor.now() + PATIENCE;
        self.set_timer(layers.reactor, key, KILL, at);
        let sent = if next == Signalled::Term {
            layers.docker().hang_up(stream)
        } else {
            layers.docker().kill(stream, "KILL")
        };
        // When it is refused, the process has ended already; that is in the queue.
        if let Ok(call) = sent {
            self.kills.insert(call, key);
        }
    }

    /// A signal could not be sent. One that could not will not be followed.
    pub(super) fn kill_failed<E: LoopEvent>(
        &mut self,
        layers: &mut Layers<'_, E>,
        key: SessionKey,
        error: &docker::Error,
    ) {
        let Some(session) = self.sessions.get_mut(key).filter(|session| session.is_alive()) else { return };
        // The stream's own end takes its calls along.
        if !matches!(error, docker::Error::Closed(_) | docker::Error::Cancelled) {
            session.kill_error = Some(error.clone());
        }
        self.signal(layers, key);
    }

    /// Why a session has failed: a stream that was closed because its process could not be ended says too little.
    pub(super) fn why(&mut self, key: SessionKey, error: &docker::Error) -> Box<docker::Error> {
        let kill_error = self.sessions.get_mut(key).and_then(|session| match error {
            docker::Error::Cancelled if session.signalled == Signalled::Kill => Some(
                session
                    .kill_error
                    .take()
                    .unwrap_or_else(|| docker::Error::Kill("it is still there after the signal KILL".into())),
            ),
            _ => None,
        });
        Box::new(kill_error.unwrap_or_else(|| error.clone()))
    }

    /// The process has ended: all viewers are told, and what is left lingers.
    pub(super) fn over<E: LoopEvent>(
        &mut self,
        layers: &mut Layers<'_, E>,
        key: SessionKey,
        outcome: Outcome,
        kind: EventKind,
    ) {
        let Some(session) = self.sessions.get_mut(key).filter(|session| session.is_alive()) else { return };
        session.stage = Stage::Over;
        session.outcome = Some(outcome.clone());
        session.scrollback.shrink();
        session.paused_since = None;
        for timer in [IDLE, HOLD, KILL, GATHER] {
            session.cancel_timer(layers.reactor, timer);
        }
        let (viewers, cause, stream, hub) = (session.viewers.clone(), session.cause, session.stream, session.hub);
        self.streams.remove(stream);
        self.tape_end(layers.reactor, key);
        layers.reactor.push(Event { session: key, kind });
        let reason = match cause {
            Some(Cause::Idle) => "nothing was typed for too long",
            Some(Cause::Asked | Cause::HubClosed | Cause::Abandoned) => "the session was ended",
            Some(Cause::Process) | None => "",
        };
        for conn in viewers {
            // All of it, even what a pause or a slow connection held back: nothing else will come.
            self.catch_up(layers, conn);
            self.tell_outcome(layers, conn, &outcome, reason);
        }
        if let Some(cause) = cause {
            return self.finish(layers.reactor, key, cause);
        }
        if let Some(hub) = self.hubs.get_mut(hub) {
            hub.over.push_back(key);
        }
        self.linger(layers.reactor, key);
    }
}
