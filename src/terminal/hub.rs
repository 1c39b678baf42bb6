//! The hubs: which sessions there are, by what name, and which stream, WebSocket or call belongs to which.

use super::layers::{Layers, LoopEvent};
use super::session::{Session, Stage};
use super::viewer::Viewer;
use super::{Cause, Error, Event, EventKind, HubKey, HubOptions, SessionInfo, SessionKey, Size};
use crate::docker::{CallKey, StreamKey};
use crate::reactor::{Reactor, Readiness, Source, Tag};
use crate::websocket::ConnKey;
use slotmap::{Key, SecondaryMap, SlotMap};
use std::collections::{HashMap, VecDeque};

/// The longest id.
const MAX_ID: usize = 255;

/// A set of sessions with one set of options.
#[derive(Debug)]
pub(super) struct Hub {
    pub options: HubOptions,
    pub ids: HashMap<Box<str>, SessionKey>,
    /// Those whose process has ended, the longest ago first.
    pub over: VecDeque<SessionKey>,
    pub closed: bool,
}

/// All terminal hubs of a loop.
#[derive(Default)]
pub struct Terminal {
    pub(super) hubs: SlotMap<HubKey, Hub>,
    pub(super) sessions: SlotMap<SessionKey, Session>,
    /// Whose stream, WebSocket and call of a kill it is.
    pub(super) streams: SecondaryMap<StreamKey, SessionKey>,
    pub(super) viewers: SecondaryMap<ConnKey, Viewer>,
    pub(super) kills: SecondaryMap<CallKey, SessionKey>,
    /// Timers that have passed and await work.
    due: Vec<Tag>,
    /// Sessions that only linger: nobody has to wait for them.
    pub(super) resting: usize,
}

impl<E> Source<E> for Terminal {
    fn ready(&mut self, _: &mut Reactor<E>, _: Tag, _: Readiness) {}

    /// What is to be done needs the layers below, which are busy now.
    fn expired(&mut self, _: &mut Reactor<E>, tag: Tag) {
        self.due.push(tag);
    }

    fn notified(&mut self, _: &mut Reactor<E>, _: Tag) {}
}

impl Terminal {
    /// Sessions that have not ended, those that merely linger excepted.
    pub(crate) fn pending(&self) -> usize {
        self.sessions.len() - self.resting
    }

    /// Does what the timers that have passed ask for.
    pub(crate) fn work<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>) {
        while let Some(tag) = self.due.pop() {
            self.timer(layers, tag);
        }
    }

    /// An event has been taken out of the queue: a final one spends its handle.
    pub(crate) fn taken(&mut self, event: &Event) {
        match event.kind {
            EventKind::Ended(_) => {
                self.sessions.remove(event.session);
            }
            EventKind::Exited { .. } | EventKind::Failed(_) => {
                if let Some(session) = self.sessions.get_mut(event.session).filter(|session| !session.gone) {
                    self.resting += usize::from(!std::mem::replace(&mut session.resting, true));
                }
            }
            _ => {}
        }
    }

    pub(super) fn add_hub(&mut self, options: HubOptions) -> HubKey {
        self.hubs.insert(Hub { options, ids: HashMap::new(), over: VecDeque::new(), closed: false })
    }

    pub(super) fn open_hub(&self, key: HubKey) -> Result<&Hub, Error> {
        self.hubs.get(key).filter(|hub| !hub.closed).ok_or(Error::Stale("hub"))
    }

    /// A session that is not gone.
    pub(super) fn live(&self, key: SessionKey) -> Result<&Session, Error> {
        self.sessions.get(key).filter(|session| !session.gone).ok_or(Error::Stale("session"))
    }

    pub(super) fn open<E: LoopEvent>(
        &mut self,
        layers: &mut Layers<'_, E>,
        hub_key: HubKey,
        stream: StreamKey,
        id: Option<&str>,
    ) -> Result<SessionKey, Error> {
        let hub = self.open_hub(hub_key)?;
        let Some(is_open) = layers.docker().is_open(stream) else { return Err(Error::Stale("stream")) };
        if self.streams.contains_key(stream) {
            return Err(Error::Invalid("the stream has a session already".into()));
        }
        let id = match id {
            Some(id) if id.is_empty() || id.len() > MAX_ID => {
                return Err(Error::Invalid(format!("the id has {} bytes; expected 1 to {MAX_ID}", id.len())));
            }
            Some(id) if hub.ids.contains_key(id) => return Err(Error::Exists(id.to_owned())),
            Some(id) => id.to_owned(),
            None => crate::random::token().ok_or_else(|| Error::System("the system gives no random numbers".into()))?,
        };
        let (limit, scrollback, idle) = (hub.options.max_sessions, hub.options.scrollback, hub.options.idle_timeout);
        if hub.ids.len() >= limit {
            let Some(oldest) = hub.over.front().copied() else { return Err(Error::Full(limit)) };
            self.finish(layers.reactor, oldest, Cause::Process);
        }
        let size = layers.docker().size(stream);
        let size = size.map_or_else(Size::default, |size| Size { columns: size.columns(), rows: size.rows() });
        let now = layers.reactor.now();
        let key = self.sessions.insert(Session::new(hub_key, id.clone().into(), stream, size, scrollback, now));
        self.streams.insert(stream, key);
        if let Some(hub) = self.hubs.get_mut(hub_key) {
            hub.ids.insert(id.into(), key);
        }
        if is_open {
            self.started(layers.reactor, key);
        }
        self.linger(layers.reactor, key);
        if let Some(idle) = idle {
            self.set_timer(layers.reactor, key, super::session::IDLE, now + idle);
        }
        Ok(key)
    }

    pub(super) fn info(&self, key: SessionKey) -> Result<SessionInfo, Error> {
        let session = self.live(key)?;
        let may_write = |conn| self.viewers.get(conn).is_some_and(|viewer| !viewer.read_only);
        Ok(SessionInfo {
            id: session.id.to_string(),
            hub: session.hub,
            stage: session.stage,
            ending: session.cause.is_some(),
            size: session.size,
            viewers: session.viewers.len(),
            writers: session.viewers.iter().filter(|conn| may_write(**conn)).count(),
            recorded: session.tape.is_some(),
            scrollback: session.scrollback.len(),
        })
    }

    /// The session is gone: what it held is given up, and its id is free.
    pub(super) fn finish<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: SessionKey, cause: Cause) {
        let Some(session) = self.sessions.get_mut(key).filter(|session| !session.gone) else { return };
        session.give_up(reactor);
        self.resting -= usize::from(std::mem::take(&mut session.resting));
        if let Some(hub) = self.hubs.get_mut(session.hub) {
            hub.ids.remove(&session.id);
            if session.stage == Stage::Over {
                hub.over.retain(|other| *other != key);
            }
            if hub.closed && hub.ids.is_empty() {
                self.hubs.remove(session.hub);
            }
        }
        reactor.push(Event { session: key, kind: EventKind::Ended(cause) });
    }

    pub(super) fn close_hub<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, key: HubKey) -> bool {
        let Some(hub) = self.hubs.get_mut(key).filter(|hub| !hub.closed) else { return false };
        hub.closed = true;
        let sessions: Vec<SessionKey> = hub.ids.values().copied().collect();
        if sessions.is_empty() {
            self.hubs.remove(key);
        }
        for session in sessions {
            let viewers = self.sessions.get(session).map(|session| session.viewers.clone()).unwrap_or_default();
            for conn in viewers {
                self.catch_up(layers, conn);
                self.send_away(layers, conn, 1001, "the terminal is going away");
            }
            // It is there: it was listed a moment ago.
            let _ = self.end(layers, session, Cause::HubClosed);
        }
        true
    }
}

/// The tag of a session's timer.
pub(super) fn tag(kind: u8, key: SessionKey) -> Tag {
    Tag { source: super::SOURCE, kind, id: key.data().as_ffi() }
}
