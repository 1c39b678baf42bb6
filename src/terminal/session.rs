//! One session: its stream, what is kept of the output, its timers.

use super::hub::{Terminal, tag};
use super::scrollback::Scrollback;
use super::taping::Tape;
use super::{Cause, HubKey, SessionKey, Size};
use crate::docker::{self, StreamKey};
use crate::reactor::{Reactor, TimerId};
use crate::websocket::ConnKey;
use std::time::{Duration, Instant};

/// A session's timers: nobody watches; nobody types; viewers hold the process up; the process is to end; the
/// recording is to be written; output is gathered for busy viewers.
pub const LINGER: u8 = 0;
pub const IDLE: u8 = 1;
pub const HOLD: u8 = 2;
pub const KILL: u8 = 3;
pub const TAPE: u8 = 4;
pub const GATHER: u8 = 5;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The process is being started.
    Starting,
    /// It runs.
    Running,
    /// It has ended, or was lost. The scrollback can still be looked at.
    Over,
}

/// What is known of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its id.
    pub id: String,
    /// Its hub.
    pub hub: HubKey,
    /// Where it stands.
    pub stage: Stage,
    /// Its process is being ended on purpose.
    pub ending: bool,
    /// The terminal's size.
    pub size: Size,
    /// All who watch.
    pub viewers: usize,
    /// Those of them who may type.
    pub writers: usize,
    /// It is being recorded.
    pub recorded: bool,
    /// Bytes of output that are kept.
    pub scrollback: usize,
}

/// How the process ended, as viewers are told.
#[derive(Debug, Clone)]
pub enum Outcome {
    Exited(Option<i64>),
    Failed(String),
}

/// The signals sent so far to a process that is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signalled {
    Not,
    Term,
    Kill,
}

/// Whether a process floods its terminal: from [`FLOOD`](Self::FLOOD) bytes in a [`TERM`](Self::TERM) on, until there
/// was a term with fewer.
#[derive(Debug)]
pub struct Pace {
    since: Instant,
    bytes: usize,
    pub floods: bool,
}

impl Pace {
    const TERM: Duration = Duration::from_millis(10);
    const FLOOD: usize = 128 * 1024;

    fn new(now: Instant) -> Pace {
        Pace { since: now, bytes: 0, floods: false }
    }

    pub fn note(&mut self, bytes: usize, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        if passed >= Self::TERM {
            self.floods = self.bytes >= Self::FLOOD && passed < Self::TERM * 2;
            self.since = now;
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.floods |= self.bytes >= Self::FLOOD;
    }
}

/// A session until its last event is taken.
#[derive(Debug)]
pub struct Session {
    pub hub: HubKey,
    pub id: Box<str>,
    /// Whose output it shows; spent once it is over.
    pub stream: StreamKey,
    pub stage: Stage,
    pub outcome: Option<Outcome>,
    /// Why it is being ended on purpose.
    pub cause: Option<Cause>,
    pub signalled: Signalled,
    /// Why it could not be signalled.
    pub kill_error: Option<docker::Error>,
    pub size: Size,
    pub scrollback: Scrollback,
    pub viewers: Vec<ConnKey>,
    /// Since when the stream is paused.
    pub paused_since: Option<Instant>,
    /// The process does not take its input: viewers who type are not read.
    pub choked: bool,
    /// How fast the process writes.
    pub pace: Pace,
    pub last_input: Instant,
    pub tape: Option<Box<Tape>>,
    timers: [Option<TimerId>; 6],
    /// It only lingers.
    pub resting: bool,
    /// Its last event is in the queue.
    pub gone: bool,
}

impl Session {
    pub fn new(hub: HubKey, id: Box<str>, stream: StreamKey, size: Size, scrollback: usize, now: Instant) -> Session {
        Session {
            hub,
            id,
            stream,
            stage: Stage::Starting,
            outcome: None,
            cause: None,
            signalled: Signalled::Not,
            kill_error: None,
            size,
            scrollback: Scrollback::new(scrollback),
            viewers: Vec::new(),
            paused_since: None,
            choked: false,
            pace: Pace::new(now),
            last_input: now,
            tape: None,
            timers: [None; 6],
            resting: false,
            gone: false,
        }
    }

    /// Its process has not ended.
    pub fn is_alive(&self) -> bool {
        self.stage != Stage::Over
    }

    /// It is gone but for its last event.
    pub fn give_up<E>(&mut self, reactor: &mut Reactor<E>) {
        self.gone = true;
        self.scrollback = Scrollback::new(0);
        for kind in [LINGER, IDLE, HOLD, KILL, TAPE, GATHER] {
            self.cancel_timer(reactor, kind);
        }
    }

    pub fn has_timer(&self, kind: u8) -> bool {
        self.timers.get(usize::from(kind)).is_some_and(Option::is_some)
    }

    pub fn cancel_timer<E>(&mut self, reactor: &mut Reactor<E>, kind: u8) {
        if let Some(timer) = self.timers.get_mut(usize::from(kind)).and_then(Option::take) {
            reactor.cancel_timer(timer);
        }
    }

    /// The timer has passed, unless another was set in its place.
    pub fn timer_passed(&mut self, now: Instant, kind: u8) -> bool {
        let slot = self.timers.get_mut(usize::from(kind));
        slot.is_some_and(|slot| slot.take_if(|timer| timer.at() <= now).is_some())
    }
}

impl Terminal {
    /// Sets a session's timer of this kind in place of the one there is.
    pub(super) fn set_timer<E>(&mut self, reactor: &mut Reactor<E>, key: SessionKey, kind: u8, at: Instant) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        let Some(slot) = session.timers.get_mut(usize::from(kind)) else { return };
        if slot.is_some_and(|timer| timer.at() == at) {
            return;
        }
        if let Some(timer) = slot.replace(reactor.set_timer(at, tag(kind, key))) {
            reactor.cancel_timer(timer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_until_a_term_with_less() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let at = |term: u32| start + Pace::TERM * term;
        for (term, bytes, floods) in [
            (0, Pace::FLOOD - 1, false),
            (0, 1, true),
            (1, Pace::FLOOD - 1, true),
            // The term before had less.
            (2, 1, false),
            (3, Pace::FLOOD, true),
            (4, 1, true),
            (5, 1, false),
            (6, Pace::FLOOD, true),
            // Nothing for a whole term.
            (8, 1, false),
        ] {
            pace.note(bytes, at(term));
            assert_eq!(pace.floods, floods, "{bytes} bytes in term {term}");
        }
    }
}
