//! Viewers: how they join, what they are sent, and how they leave.

use super::hub::Terminal;
use super::layers::{Layers, LoopEvent};
use super::session::{HOLD, LINGER, Outcome};
use super::{Error, Event, EventKind, Joined, OUTPUT, SessionKey, Size, protocol};
use crate::reactor::Reactor;
use crate::websocket::{self, ConnKey};

/// Scrollback is sent in messages of this size.
const REPLAY_PIECE: usize = 64 * 1024;

/// Bytes of output on their way to a page that tells what it has taken in: the answer to Ctrl-C stands behind them,
/// wherever they are, and buffers of the kernel and the browser hold megabytes. In fewer bytes the page would not find
/// more lines than it keeps, so that it could leave some out.
const WINDOW: u64 = 1024 * 1024;

/// With so many bytes on their way to it, a page is busy: then its output is gathered to pieces of so many bytes, as it
/// is for all while the process floods its terminal. A message costs a page as much as some kilobytes of text do, and a
/// process may write two bytes at a time.
const BUSY: u64 = 64 * 1024;
const PIECE: u64 = 32 * 1024;

/// The close codes (RFC 6455, section 7.4.1).
const NORMAL: u16 = 1000;
const BROKEN: u16 = 1011;
pub const LATER: u16 = 1013;

/// A WebSocket that was attached, until it is closed.
#[derive(Debug)]
pub struct Viewer {
    pub session: SessionKey,
    pub read_only: bool,
    /// It has said so.
    pub paused: bool,
    /// As much waits for it as may.
    pub behind: bool,
    /// Bytes of output that it was sent, and that it says to have taken in; `None` for one that never says so.
    pub sent: u64,
    pub taken: Option<u64>,
    /// Bytes of output that it had taken, as far as that is known, when that was last looked at.
    pub progress: u64,
    /// It was stopped when the terminal got the size that it has.
    pub owed_size: bool,
    /// It has held the process up long enough.
    pub lifted: bool,
    /// It does not count any more; what comes from it is dropped.
    pub left: bool,
    /// The bytes of the session's output that it has been sent, or was never to be.
    pub at: u64,
    /// More bytes than this may not wait.
    high: usize,
}

impl Viewer {
    /// It is to be sent nothing for now. While the process does not take its input, only what waits counts: the word
    /// that ends a pause may stand behind input that nobody reads.
    pub fn is_stopped(&self, choked: bool) -> bool {
        let full = self.taken.is_some_and(|taken| self.sent.saturating_sub(taken) >= WINDOW);
        self.behind || (self.paused || full) && !choked
    }

    /// Output is gathered for it, and what it lacks of that which ends there is too little for a message. `floods`: the
    /// process does.
    pub fn gathers(&self, end: u64, floods: bool) -> bool {
        let is_busy = self.taken.is_some_and(|taken| self.sent.saturating_sub(taken) >= BUSY);
        let lacks = end.saturating_sub(self.at);
        (is_busy || floods) && !self.owed_size && lacks > 0 && lacks < PIECE
    }

    /// Notes what it has taken: as it says, or else as the kernel does. `buffered`: bytes that wait to be sent.
    pub fn note_progress(&mut self, buffered: Option<usize>) {
        self.progress = self.taken.unwrap_or(self.sent.saturating_sub(buffered.unwrap_or_default() as u64));
    }
}

impl Terminal {
    pub(super) fn attach<E: LoopEvent>(
        &mut self,
        layers: &mut Layers<'_, E>,
        key: SessionKey,
        conn: ConnKey,
        read_only: bool,
        size: Option<Size>,
    ) -> Result<(), Error> {
        let hub = self.live(key)?.hub;
        let high = self.hubs.get(hub).map_or(0, |hub| hub.options.high_watermark);
        if self.viewers.contains_key(conn) {
            return Err(Error::Invalid("the connection is attached to a session already".into()));
        }
        let drains_at = layers.websocket().drains_at(conn).map_err(|error| match error {
            websocket::Error::Closed => Error::Closed,
            _ => Error::Stale("connection"),
        })?;
        if let Some(size) = size.filter(|_| !read_only) {
            self.resize(layers, key, conn, size);
        }
        let Some(session) = self.sessions.get_mut(key) else { return Err(Error::Stale("session")) };
        session.cancel_timer(layers.reactor, LINGER);
        let at = session.scrollback.start();
        let viewer = Viewer {
            session: key,
            read_only,
            paused: false,
            behind: false,
            sent: 0,
            taken: None,
            progress: 0,
            owed_size: false,
            lifted: false,
            left: false,
            at,
            high: high.max(drains_at),
        };
        self.viewers.insert(conn, viewer);
        session.viewers.push(conn);
        let viewers = session.viewers.len();
        let replay = usize::try_from(session.scrollback.end() - at).unwrap_or_default();
        let joined = Joined { session: &session.id, size: session.size, read_only, replay }.message();
        let stop_reading = session.choked && !read_only;
        self.tell(layers, conn, &joined);
        if stop_reading {
            // It was open a moment ago.
            let _ = layers.websocket().pause(conn);
        }
        layers.reactor.push(Event { session: key, kind: EventKind::Joined { conn, read_only, viewers } });
        self.catch_up(layers, conn);
        match self.sessions.get(key).and_then(|session| session.outcome.clone()) {
            Some(outcome) => self.tell_outcome(layers, conn, &outcome, ""),
            None => self.regulate(layers, key),
        }
        Ok(())
    }

    /// Sends a message of the protocol.
    pub(super) fn tell<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, conn: ConnKey, message: &[u8]) {
        let sent = layers.websocket().send(conn, message, true);
        self.sent(layers, conn, 0, sent);
    }

    /// Sends output.
    pub(super) fn show<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, conn: ConnKey, bytes: &[u8]) {
        let sent = layers.websocket().send_prefixed(conn, OUTPUT, bytes);
        self.sent(layers, conn, bytes.len(), sent);
    }

    fn sent<E: LoopEvent>(
        &mut self,
        layers: &mut Layers<'_, E>,
        conn: ConnKey,
        count: usize,
        sent: Result<usize, websocket::Error>,
    ) {
        let Some(viewer) = self.viewers.get_mut(conn) else { return };
        viewer.at += count as u64;
        viewer.sent += count as u64;
        match sent {
            Ok(buffered) if buffered > viewer.high => viewer.behind = true,
            Ok(_) => {}
            Err(websocket::Error::Full { .. }) => self.cut_off(layers, conn),
            // It is closing; its last event is on its way.
            Err(_) => {}
        }
    }

    /// Sends a viewer what it lacks, as far as it may be sent anything.
    pub(super) fn catch_up<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, conn: ConnKey) {
        self.send_rest(layers, conn, false);
    }

    /// The same; `force`: whatever it may be sent.
    pub(super) fn send_rest<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, conn: ConnKey, force: bool) {
        loop {
            let Some(viewer) = self.viewers.get_mut(conn).filter(|viewer| !viewer.left) else { return };
            let Some(session) = self.sessions.get(viewer.session) else { return };
            let force = force || !session.is_alive();
            if viewer.is_stopped(session.choked) && !force {
                return;
            }
            if std::mem::take(&mut viewer.owed_size) {
                let message = protocol::resized(session.size);
                self.tell(layers, conn, &message);
                continue;
            }
            if viewer.at >= session.scrollback.end() {
                return;
            }
            let Some((first, second)) = session.scrollback.since(viewer.at) else {
                return self.cut_off(layers, conn);
            };
            let piece = if first.is_empty() { second } else { first };
            let piece = piece.get(..REPLAY_PIECE).unwrap_or(piece);
            let count = piece.len();
            let sent = layers.websocket().send_prefixed(conn, OUTPUT, piece);
            self.sent(layers, conn, count, sent);
        }
    }

    /// Sends a viewer away who reads too slowly. It may come back.
    pub(super) fn cut_off<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, conn: ConnKey) {
        self.send_away(layers, conn, LATER, "too slow for the output: join again");
    }

    /// Tells a viewer how the process ended, and closes its WebSocket.
    pub(super) fn tell_outcome<E: LoopEvent>(
        &mut self,
        layers: &mut Layers<'_, E>,
        conn: ConnKey,
        outcome: &Outcome,
        reason: &str,
    ) {
        let (message, code) = match outcome {
            Outcome::Exited(code) => (protocol::exited(*code), NORMAL),
            Outcome::Failed(words) => (protocol::error(words), BROKEN),
        };
        self.tell(layers, conn, &message);
        self.send_away(layers, conn, code, reason);
    }

    /// Closes a viewer's WebSocket.
    pub(super) fn send_away<E: LoopEvent>(
        &mut self,
        layers: &mut Layers<'_, E>,
        conn: ConnKey,
        code: u16,
        reason: &str,
    ) {
        // One that is closing already closes with another code.
        let _ = layers.websocket().close(conn, code, reason);
        self.leave(layers, conn, code);
    }

    /// A viewer does not count any more.
    pub(super) fn leave<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, conn: ConnKey, code: u16) {
        let Some(viewer) = self.viewers.get_mut(conn) else { return };
        if std::mem::replace(&mut viewer.left, true) {
            return;
        }
        let (key, read_only) = (viewer.session, viewer.read_only);
        let Some(session) = self.sessions.get_mut(key) else { return };
        session.viewers.retain(|other| *other != conn);
        let viewers = session.viewers.len();
        layers.reactor.push(Event { session: key, kind: EventKind::Left { conn, read_only, code, viewers } });
        self.linger(layers.reactor, key);
        self.regulate(layers, key);
    }

    /// Starts the time that a session without viewers has left, if it is one.
    pub(super) fn linger<E>(&mut self, reactor: &mut Reactor<E>, key: SessionKey) {
        let Some(session) = self.sessions.get(key) else { return };
        if !session.viewers.is_empty() || session.gone || session.cause.is_some() {
            return;
        }
        let linger = self.hubs.get(session.hub).map(|hub| hub.options.linger).unwrap_or_default();
        let at = reactor.now() + linger;
        self.set_timer(reactor, key, LINGER, at);
    }

    /// The terminal gets another size, if it is another; all viewers but the one who wanted it hear of it, those who are
    /// stopped of the last one when they go on.
    pub(super) fn resize<E: LoopEvent>(
        &mut self,
        layers: &mut Layers<'_, E>,
        key: SessionKey,
        by: ConnKey,
        size: Size,
    ) {
        let Some(session) = self.sessions.get_mut(key).filter(|session| session.is_alive()) else { return };
        if session.size == size {
            return;
        }
        session.size = size;
        let (stream, viewers, choked) = (session.stream, session.viewers.clone(), session.choked);
        // A stream without a terminal cannot take it.
        if let Ok(size) = crate::docker::Size::new(size.rows.into(), size.columns.into()) {
            let _ = layers.docker().resize(stream, size);
        }
        let message = protocol::resized(size);
        for conn in viewers {
            let Some(viewer) = self.viewers.get_mut(conn) else { continue };
            viewer.owed_size = conn != by && viewer.is_stopped(choked);
            if conn != by && !viewer.owed_size {
                // What was written before it, first.
                self.catch_up(layers, conn);
                self.tell(layers, conn, &message);
            }
        }
        self.regulate(layers, key);
        self.tape_resize(layers.reactor, key);
    }
}

impl Terminal {
    /// The process is being held up no more.
    pub(super) fn stop_holding<E>(&mut self, reactor: &mut Reactor<E>, key: SessionKey) {
        if let Some(session) = self.sessions.get_mut(key) {
            session.paused_since = None;
            session.cancel_timer(reactor, HOLD);
        }
    }
}
