//! Who waits for whom: output to viewers at their pace, and the process at theirs.
//!
//! A viewer is stopped while it has said `2`, or while more than the high watermark waits for it. It stays at its place
//! in the stream and is sent the rest from the scrollback later; when the scrollback has moved past that place, it is
//! cut off with 1013 and may join again.
//!
//! The stream is paused, so that in time the process waits, while
//!  - all viewers are stopped, or
//!  - one is who may type: those set the pace for all, but for no longer than [`GRACE`] while others want to go on.
//!    Who only watches never holds up those who do not.
//!
//! A pause that lasts no longer than [`BRIEF`] takes nothing in: pages that draw a flood pause many times a second, and
//! what was taken in would stand before the answer to Ctrl-C. One that lasts goes on reading, up to what a pause of the
//! stream may keep, lest a process that ends meanwhile lose what the Engine does not keep.
//!
//! In a flood output is sent in larger pieces, and to a page that has much to do, for each message costs as much as
//! kilobytes of text do: what the process writes is gathered, for [`GATHERING`] at most.
//!
//! Nobody holds the process up for longer than the hub's `pause_lift` by a pause, or by taking nothing at all: then it
//! goes on into the scrollback. Without viewers it goes on, too.

use super::SessionKey;
use super::hub::Terminal;
use super::layers::{Layers, LoopEvent};
use super::session::{GATHER, HOLD, Session};
use crate::websocket::ConnKey;
use bytes::Bytes;
use std::time::Duration;

/// How long a viewer who may type may hold up the others: long enough for pages that take turns at drawing a flood,
/// short enough for people who wait for one that hangs.
const GRACE: Duration = Duration::from_secs(1);

/// How long a pause takes nothing in. An Engine drops what was not read 2 s after the process has ended.
const BRIEF: Duration = Duration::from_secs(1);

/// How long output is gathered.
const GATHERING: Duration = Duration::from_millis(10);

/// What the viewers of a session want.
struct Wish {
    /// The stream is to be paused.
    stop: bool,
    /// Somebody could go on.
    keen: bool,
}

impl Terminal {
    /// The process wrote.
    pub(super) fn output<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, key: SessionKey, bytes: &Bytes) {
        let now = layers.reactor.now();
        let Some(session) = self.sessions.get_mut(key) else { return };
        session.pace.note(bytes.len(), now);
        let (start, limit) = (session.scrollback.end(), session.scrollback.limit() as u64);
        let (choked, floods) = (session.choked, session.pace.floods);
        let end = start + bytes.len() as u64;
        let (mut behind, mut gathering) = (false, false);
        let mut index = 0;
        while let Some(conn) = self.viewer_at(key, index) {
            let Some(viewer) = self.viewers.get(conn) else {
                index += 1;
                continue;
            };
            if !viewer.is_stopped(choked) {
                // Of what is gathered nothing is lost, nor what comes with it: it was not stopped when that came.
                let fits = end - viewer.at <= limit;
                if !fits {
                    self.send_rest(layers, conn, true);
                }
                let viewer = self.viewers.get(conn).filter(|it| it.at == start && !it.left);
                if viewer.is_some_and(|it| !(fits && it.gathers(end, floods))) {
                    self.show(layers, conn, bytes);
                }
            }
            let viewer = self.viewers.get(conn).filter(|viewer| !viewer.left);
            behind |= viewer.is_none_or(|viewer| viewer.is_stopped(choked));
            gathering |= viewer.is_some_and(|viewer| viewer.at < end && !viewer.is_stopped(choked));
            // Who was sent away has left its place in the list to another.
            index += usize::from(viewer.is_some());
        }
        if let Some(session) = self.sessions.get_mut(key) {
            session.scrollback.push(bytes);
        }
        if gathering {
            self.gather(layers, key);
        }
        if behind {
            self.cut_off_the_lost(layers, key);
            self.regulate(layers, key);
        }
        self.tape_output(layers.reactor, key, bytes);
    }

    /// Some viewers who are not stopped were not sent the latest output: they are when there is enough of it, or soon.
    fn gather<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, key: SessionKey) {
        let mut index = 0;
        let mut stopped = false;
        while let Some(conn) = self.viewer_at(key, index) {
            stopped |= self.keep_up(layers, conn);
            index += usize::from(self.viewer_at(key, index) == Some(conn));
        }
        if stopped {
            self.regulate(layers, key);
        }
    }

    /// Sends a viewer what it lacks, or gathers that for a moment. True when this has stopped it.
    fn keep_up<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, conn: ConnKey) -> bool {
        let Some(viewer) = self.viewers.get(conn) else { return false };
        let key = viewer.session;
        let Some(session) = self.sessions.get(key) else { return false };
        let choked = session.choked;
        if viewer.is_stopped(choked) {
            return false;
        }
        if !viewer.gathers(session.scrollback.end(), session.pace.floods) {
            self.catch_up(layers, conn);
        } else if !session.has_timer(GATHER) {
            let at = layers.reactor.now() + GATHERING;
            self.set_timer(layers.reactor, key, GATHER, at);
        }
        self.viewers.get(conn).is_none_or(|viewer| viewer.left || viewer.is_stopped(choked))
    }

    /// Output was gathered for long enough.
    pub(super) fn gathered<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, key: SessionKey) {
        let Some(session) = self.sessions.get(key) else { return };
        for conn in session.viewers.clone() {
            self.catch_up(layers, conn);
        }
        self.regulate(layers, key);
    }

    fn viewer_at(&self, key: SessionKey, index: usize) -> Option<ConnKey> {
        self.sessions.get(key)?.viewers.get(index).copied()
    }

    /// What these viewers lack is not kept any more.
    fn cut_off_the_lost<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, key: SessionKey) {
        let Some(session) = self.sessions.get(key) else { return };
        let oldest = session.scrollback.oldest();
        let is_lost = |conn: &ConnKey| self.viewers.get(*conn).is_some_and(|viewer| viewer.at < oldest);
        let lost: Vec<ConnKey> = session.viewers.iter().copied().filter(is_lost).collect();
        for conn in lost {
            self.cut_off(layers, conn);
        }
    }

    /// Pauses the stream or goes on with it, as the viewers' state asks for.
    pub(super) fn regulate<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, key: SessionKey) {
        let Some(session) = self.sessions.get(key) else { return };
        let (stream, paused_since) = (session.stream, session.paused_since);
        let wish = self.wish(session);
        if !wish.stop {
            if paused_since.is_some() {
                self.stop_holding(layers.reactor, key);
                // A stream that has ended needs nothing.
                let _ = layers.docker().resume(stream);
            }
            return;
        }
        let most = self.longest_pause(session, &wish);
        let since = paused_since.unwrap_or_else(|| layers.reactor.now());
        if paused_since.is_none() {
            // A slow page pauses again and again before what one pause held has gone.
            let now = layers.reactor.now();
            let was_read = layers.docker().read_at(stream).is_none_or(|at| at + BRIEF > now);
            let paused = if was_read { layers.docker().pause_reading(stream) } else { layers.docker().pause(stream) };
            if paused.is_err() {
                return;
            }
            self.note_progress(layers, key);
        }
        if let Some(session) = self.sessions.get_mut(key) {
            session.paused_since = Some(since);
        }
        let is_brief = since + BRIEF > layers.reactor.now();
        self.set_timer(layers.reactor, key, HOLD, since + if is_brief { BRIEF.min(most) } else { most });
    }

    fn longest_pause(&self, session: &Session, wish: &Wish) -> Duration {
        let lift = self.hubs.get(session.hub).map(|hub| hub.options.pause_lift).unwrap_or_default();
        if wish.keen { lift.min(GRACE) } else { lift }
    }

    /// A pause has lasted for a while.
    pub(super) fn held<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, key: SessionKey) {
        let Some(session) = self.sessions.get(key) else { return };
        let Some(since) = session.paused_since else { return };
        if since + self.longest_pause(session, &self.wish(session)) <= layers.reactor.now() {
            return self.lift(layers, key);
        }
        // A stream that has ended needs nothing.
        let _ = layers.docker().pause(session.stream);
        self.regulate(layers, key);
    }

    fn wish(&self, session: &Session) -> Wish {
        let mut wish = Wish { stop: false, keen: false };
        if session.cause.is_some() || !session.is_alive() {
            return wish;
        }
        let (mut any, mut writer) = (false, false);
        for viewer in session.viewers.iter().filter_map(|conn| self.viewers.get(*conn)) {
            if !viewer.is_stopped(session.choked) {
                wish.keen = true;
            } else if !viewer.lifted {
                any = true;
                writer |= !viewer.read_only;
            }
        }
        wish.stop = writer || any && !wish.keen;
        wish
    }

    /// The stream was paused for as long as it may be: who is stopped now holds it no more. A slow connection that
    /// takes something at least has another term, if nobody else waits.
    fn lift<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, key: SessionKey) {
        let Some(session) = self.sessions.get(key) else { return };
        let others_wait = self.wish(session).keen;
        let mut moves = false;
        for conn in &session.viewers {
            let Some(viewer) = self.viewers.get_mut(*conn).filter(|it| it.is_stopped(session.choked)) else { continue };
            let before = viewer.progress;
            viewer.note_progress(layers.websocket().buffered(*conn).ok());
            viewer.lifted = viewer.paused || others_wait || viewer.progress <= before;
            moves |= !viewer.lifted;
        }
        if moves && let Some(session) = self.sessions.get_mut(key) {
            session.paused_since = session.paused_since.map(|_| layers.reactor.now());
        }
        self.regulate(layers, key);
    }

    /// A pause begins.
    fn note_progress<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, key: SessionKey) {
        let Some(session) = self.sessions.get(key) else { return };
        for conn in &session.viewers {
            if let Some(viewer) = self.viewers.get_mut(*conn) {
                viewer.note_progress(layers.websocket().buffered(*conn).ok());
            }
        }
    }

    /// A viewer's reasons to be stopped have changed.
    pub(super) fn reconsider<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, conn: ConnKey) {
        let Some(viewer) = self.viewers.get(conn).filter(|viewer| !viewer.left) else { return };
        let key = viewer.session;
        self.keep_up(layers, conn);
        let choked = self.sessions.get(key).is_some_and(|session| session.choked);
        if let Some(viewer) = self.viewers.get_mut(conn)
            && !viewer.is_stopped(choked)
        {
            viewer.lifted = false;
        }
        self.regulate(layers, key);
    }

    /// The process takes its input too slowly, or takes it again: viewers who type are read accordingly.
    pub(super) fn choke<E: LoopEvent>(&mut self, layers: &mut Layers<'_, E>, key: SessionKey, choked: bool) {
        let Some(session) = self.sessions.get_mut(key) else { return };
        if std::mem::replace(&mut session.choked, choked) == choked {
            return;
        }
        for conn in session.viewers.clone() {
            if self.viewers.get(conn).is_some_and(|viewer| !viewer.read_only) {
                // One that is closing is not read anyway.
                let _ = if choked { layers.websocket().pause(conn) } else { layers.websocket().resume(conn) };
            }
            self.reconsider(layers, conn);
        }
    }
}
