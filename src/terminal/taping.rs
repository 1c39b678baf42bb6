//! The recording of a session: what is recorded when, and what becomes of a disk that fails.

use super::hub::Terminal;
use super::recording::{Header, Recording};
use super::session::TAPE;
use super::{Error, Event, EventKind, SessionKey};
use crate::reactor::Reactor;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// What is recorded is in the file after this long.
const DELAY: Duration = Duration::from_millis(500);

/// A session's recording.
#[derive(Debug)]
pub struct Tape {
    recording: Recording,
    path: String,
    /// The time to write is set.
    waits: bool,
}

impl Terminal {
    pub(super) fn record<E>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: SessionKey,
        path: &Path,
        input: bool,
    ) -> Result<(), Error> {
        self.live(key)?;
        let Some(session) = self.sessions.get_mut(key) else { return Err(Error::Stale("session")) };
        if !session.is_alive() {
            return Err(Error::Invalid("the session's process has ended; there is nothing to record".into()));
        }
        if session.tape.is_some() {
            return Err(Error::Invalid("the session is recorded already".into()));
        }
        let header = Header { size: session.size, started: SystemTime::now(), title: None, command: None };
        let name = path.display().to_string();
        match Recording::create(path, &header, input, reactor.now()) {
            Ok(recording) => {
                session.tape = Some(Box::new(Tape { recording, path: name, waits: false }));
                Ok(())
            }
            Err(error) => Err(Error::Record { path: name, reason: error.to_string() }),
        }
    }

    pub(super) fn tape_output<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: SessionKey, bytes: &[u8]) {
        self.tape(reactor, key, |recording, now| recording.output(now, bytes));
    }

    pub(super) fn tape_input<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: SessionKey, bytes: &[u8]) {
        self.tape(reactor, key, |recording, now| recording.input(now, bytes));
    }

    pub(super) fn tape_resize<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: SessionKey) {
        let Some(size) = self.sessions.get(key).map(|session| session.size) else { return };
        self.tape(reactor, key, |recording, now| recording.resize(now, size));
    }

    /// Writes what waits.
    pub(super) fn tape_write<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: SessionKey) {
        if let Some(tape) = self.sessions.get_mut(key).and_then(|session| session.tape.as_mut()) {
            tape.waits = false;
        }
        self.tape(reactor, key, |recording, _| recording.flush());
    }

    /// The process has ended, and the recording with it.
    pub(super) fn tape_end<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: SessionKey) {
        self.tape(reactor, key, |recording, now| recording.finish(now));
        if let Some(session) = self.sessions.get_mut(key) {
            session.tape = None;
            session.cancel_timer(reactor, TAPE);
        }
    }

    fn tape<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: SessionKey,
        write: impl FnOnce(&mut Recording, Instant) -> io::Result<()>,
    ) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        let Some(tape) = &mut session.tape else { return };
        let result = write(&mut tape.recording, reactor.now());
        let set_timer = result.is_ok() && tape.recording.waits() && !std::mem::replace(&mut tape.waits, true);
        if let Err(error) = result {
            let error = Error::Record { path: std::mem::take(&mut tape.path), reason: error.to_string() };
            session.tape = None;
            session.cancel_timer(reactor, TAPE);
            reactor.push(Event { session: key, kind: EventKind::RecordingFailed(Box::new(error)) });
        } else if set_timer {
            let at = reactor.now() + DELAY;
            self.set_timer(reactor, key, TAPE, at);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::terminal::session::Session;
    use crate::terminal::{HubKey, Size};

    fn recorded_on_a_full_disk() -> (Reactor<Event>, Terminal, SessionKey) {
        let reactor = Reactor::<Event>::new().unwrap();
        let mut it = Terminal::default();
        let now = reactor.now();
        let mut session = Session::new(HubKey::default(), "x".into(), Default::default(), Size::default(), 100, now);
        let file = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let recording = Recording::into_file(file, true, now);
        session.tape = Some(Box::new(Tape { recording, path: "/dev/full".into(), waits: false }));
        let key = it.sessions.insert(session);
        (reactor, it, key)
    }

    #[test]
    fn a_disk_that_is_full_ends_the_recording_alone() {
        let (mut reactor, mut it, key) = recorded_on_a_full_disk();
        it.tape_output(&mut reactor, key, b"out");
        it.tape_input(&mut reactor, key, b"in");
        assert!(reactor.pop().is_none(), "it is written later");
        it.tape_write(&mut reactor, key);
        let Some(Event { session, kind: EventKind::RecordingFailed(error) }) = reactor.pop() else { panic!() };
        assert_eq!(session, key);
        assert!(error.to_string().contains("cannot record to /dev/full: No space left"), "{error}");
        // The session goes on, and nothing more is told.
        it.tape_output(&mut reactor, key, b"more");
        it.tape_write(&mut reactor, key);
        it.tape_end(&mut reactor, key);
        assert!(reactor.pop().is_none());
        assert!(it.live(key).unwrap().tape.is_none());
    }

    #[test]
    fn what_waits_is_bounded() {
        let (mut reactor, mut it, key) = recorded_on_a_full_disk();
        for _ in 0..100 {
            it.tape_output(&mut reactor, key, &[b'x'; 1000]);
        }
        // Long before its time.
        assert!(matches!(reactor.pop(), Some(Event { kind: EventKind::RecordingFailed(_), .. })));
    }
}
