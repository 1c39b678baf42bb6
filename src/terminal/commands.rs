//! The commands: what a program may ask of the terminal hubs of a loop.

use super::hub::Terminal;
use super::layers::{Layers, LoopEvent};
use super::{Error, HubKey, HubOptions, SessionInfo, SessionKey, Size};
use crate::docker::StreamKey;
use crate::websocket::ConnKey;
use std::path::Path;

/// The terminal commands of a loop.
pub struct Commands<'a, E> {
    state: &'a mut Terminal,
    layers: Layers<'a, E>,
}

impl<'a, E: LoopEvent> Commands<'a, E> {
    pub(crate) fn new(state: &'a mut Terminal, layers: Layers<'a, E>) -> Self {
        Commands { state, layers }
    }

    /// Makes a hub: a set of sessions with one set of options.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an option out of range.
    pub fn hub(&mut self, options: HubOptions) -> Result<HubKey, Error> {
        options.check()?;
        Ok(self.state.add_hub(options))
    }

    /// Opens a session on a stream, which is the session's from now on: its output goes to the viewers. The stream may
    /// be open already, or still on its way there; it should have a terminal and standard input. `id` names the session
    /// to browsers; without one it gets 128 random bits. [`super::EventKind::Started`] follows.
    ///
    /// # Errors
    /// [`Error::Stale`] for the hub or the stream; [`Error::Invalid`] for a stream that has a session, or an id that is
    /// empty or has more than 255 bytes; [`Error::Exists`], [`Error::Full`], [`Error::System`].
    pub fn open(&mut self, hub: HubKey, stream: StreamKey, id: Option<&str>) -> Result<SessionKey, Error> {
        self.layers.reactor.refresh_now();
        self.state.open(&mut self.layers, hub, stream, id)
    }

    /// The session of this id, which may be one whose process has ended.
    pub fn find(&self, hub: HubKey, id: &str) -> Option<SessionKey> {
        self.state.hubs.get(hub)?.ids.get(id).copied()
    }

    /// All sessions of a hub, in no order; those whose process has ended are among them until they are gone.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn sessions(&self, hub: HubKey) -> Result<Vec<SessionKey>, Error> {
        Ok(self.state.open_hub(hub)?.ids.values().copied().collect())
    }

    /// Lets a WebSocket watch a session and, unless it is read-only, type into it. It is told that it has joined, gets
    /// the scrollback and then what comes. Its messages are read by the session from now on, those included that wait
    /// in the queue. `size` is the page's, from its first message ([`Said::read`](super::Said::read)): the terminal
    /// takes it on, unless the viewer is read-only.
    ///
    /// A session whose process has ended shows the scrollback and how it ended, and closes the WebSocket.
    ///
    /// # Errors
    /// [`Error::Stale`] for the session or the connection; [`Error::Closed`]; [`Error::Invalid`] for a connection that
    /// is attached already.
    pub fn attach(
        &mut self,
        session: SessionKey,
        conn: ConnKey,
        read_only: bool,
        size: Option<Size>,
    ) -> Result<(), Error> {
        self.layers.reactor.refresh_now();
        self.state.attach(&mut self.layers, session, conn, read_only, size)
    }

    /// Hands a session what a viewer has said, when the program took the message out of the queue before it attached the
    /// WebSocket. What comes from nobody who watches is of no consequence.
    pub fn hear(&mut self, conn: ConnKey, message: &[u8]) {
        self.layers.reactor.refresh_now();
        self.state.said(&mut self.layers, conn, message);
    }

    /// How many watch, those included who may type.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn viewers(&self, session: SessionKey) -> Result<usize, Error> {
        self.state.live(session).map(|session| session.viewers.len())
    }

    /// The session's id.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn id(&self, session: SessionKey) -> Result<&str, Error> {
        self.state.live(session).map(|session| &*session.id)
    }

    /// What is known of a session.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn info(&self, session: SessionKey) -> Result<SessionInfo, Error> {
        self.state.info(session)
    }

    /// Records the session from now on into a new file that only its owner may read, as asciicast v2. `input` records
    /// what is typed, too: passwords included. The file is written within a second; a disk that fails ends the recording
    /// with [`super::EventKind::RecordingFailed`] and leaves the session alone.
    ///
    /// # Errors
    /// [`Error::Stale`]; [`Error::Record`] when the file cannot be made, or is there already; [`Error::Invalid`] for a
    /// session that is recorded already or whose process has ended.
    pub fn record(&mut self, session: SessionKey, path: &Path, input: bool) -> Result<(), Error> {
        self.layers.reactor.refresh_now();
        self.state.record(self.layers.reactor, session, path, input)
    }

    /// Ends the process (the signals TERM and HUP, as of a terminal that is closed, and KILL when it is still there after 5 s)
    /// and the session with it. One whose process has ended is gone at once. Once is enough; more do nothing.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn end(&mut self, session: SessionKey) -> Result<(), Error> {
        self.layers.reactor.refresh_now();
        self.state.end(&mut self.layers, session, super::Cause::Asked)
    }

    /// Closes a hub: says goodbye (1001) to all viewers and ends all sessions, each with
    /// [`super::EventKind::Ended`]; false when it was closed already or the key is stale.
    pub fn close_hub(&mut self, hub: HubKey) -> bool {
        self.layers.reactor.refresh_now();
        self.state.close_hub(&mut self.layers, hub)
    }
}
