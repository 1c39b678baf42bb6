//! The commands: what a program may ask of the Engine clients of a loop.

use super::address::Host;
use super::api::{Call, StreamCall, Version};
use super::calls::{CallKind, Follow};
use super::engine::{ClientStats, Docker};
use super::error::Error;
use super::options::{AttachOptions, DockerOptions, ExecOptions, Limits, RunOptions, Size};
use super::stream::{Sink, Stage, Stream};
use super::{CallKey, ClientKey, Event, StreamKey};
use crate::reactor::Reactor;
use std::time::Instant;

/// The Docker commands of a loop.
pub struct Commands<'a, E> {
    state: &'a mut Docker,
    reactor: &'a mut Reactor<E>,
}

impl<'a, E: From<Event>> Commands<'a, E> {
    pub(crate) fn new(state: &'a mut Docker, reactor: &'a mut Reactor<E>) -> Self {
        Commands { state, reactor }
    }

    /// Makes a client for one Engine. Reads the TLS files now; nothing is connected yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a bad address, API version, option, or TLS file.
    pub fn client(&mut self, options: DockerOptions) -> Result<ClientKey, Error> {
        options.check()?;
        let host = Host::new(&options, |name| std::env::var_os(name))?;
        self.state.add_client(options, host)
    }

    /// Makes a call, or queues it when no connection is free. Ends with [`super::CallEvent::Done`]; an answer with a
    /// status of 400 or above, or a redirect, is [`Error::Api`].
    ///
    /// # Errors
    /// [`Error::Stale`]; [`Error::Invalid`] for a method, path or header that cannot be sent.
    pub fn call(&mut self, client: ClientKey, call: Call) -> Result<CallKey, Error> {
        self.state.accept(client)?;
        call.check()?;
        self.begin(client, CallKind::Plain(Box::new(call)))
    }

    /// Makes a call whose answer is handed out as it comes, in [`super::CallEvent::Chunk`]s; then it is done. There is no
    /// deadline once the answer has begun.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn stream(&mut self, client: ClientKey, call: StreamCall) -> Result<CallKey, Error> {
        self.state.accept(client)?;
        match &call {
            StreamCall::Logs(options) => options.check()?,
            StreamCall::Events(_) => {}
            StreamCall::Raw(call) => call.check()?,
        }
        self.begin(client, CallKind::Follow(Box::new(Follow::new(call))))
    }

    /// Creates and starts an exec and takes its connection over. What is written before it is open is queued.
    ///
    /// # Errors
    /// [`Error::Stale`]; [`Error::Invalid`] for options that no Engine could take.
    pub fn exec(&mut self, client: ClientKey, options: ExecOptions) -> Result<StreamKey, Error> {
        self.state.accept(client)?;
        options.check()?;
        let marker = random_marker()?;
        self.reactor.refresh_now();
        Ok(self.state.begin_exec(self.reactor, client, options, Sink::User, marker))
    }

    /// Takes over the stream of a container's own process.
    ///
    /// # Errors
    /// As [`exec`](Self::exec).
    pub fn attach(&mut self, client: ClientKey, options: AttachOptions) -> Result<StreamKey, Error> {
        self.state.accept(client)?;
        options.check()?;
        self.reactor.refresh_now();
        Ok(self.state.begin_attach(self.reactor, client, options))
    }

    /// Runs a command to its end. Ends with [`super::CallEvent::RunDone`]. When its deadline passes or it writes too much, the command and
    /// its children are killed before the call fails; likewise when the call is cancelled.
    ///
    /// # Errors
    /// As [`exec`](Self::exec).
    pub fn run(&mut self, client: ClientKey, options: RunOptions) -> Result<CallKey, Error> {
        self.state.accept(client)?;
        options.check()?;
        let exec = Docker::exec_of(&options);
        exec.check()?;
        let marker = random_marker()?;
        self.reactor.refresh_now();
        Ok(self.state.begin_run(self.reactor, client, options, exec, marker))
    }

    /// Writes to the process. Returns how many bytes wait to be sent: above the high watermark, wait for
    /// [`super::StreamEvent::Drain`]. When the process has gone and its end is not yet told, the bytes are dropped.
    ///
    /// # Errors
    /// [`Error::Stale`]; [`Error::Invalid`] without standard input; [`Error::Closed`] after
    /// [`close`](Self::close) or [`close_stdin`](Self::close_stdin); [`Error::QueueFull`].
    pub fn write(&mut self, stream: StreamKey, bytes: &[u8]) -> Result<usize, Error> {
        self.reactor.refresh_now();
        self.state.write(self.reactor, stream, bytes)
    }

    /// Ends the process's input, behind all that was written: half-closes the connection, or types the end of
    /// transmission (0x04) into a terminal. Once is enough; more do nothing.
    ///
    /// # Errors
    /// [`Error::Stale`]; [`Error::Invalid`] without standard input.
    pub fn close_stdin(&mut self, stream: StreamKey) -> Result<(), Error> {
        self.reactor.refresh_now();
        self.state.close_stdin(self.reactor, stream)
    }

    /// Sets the terminal's size. The latest wins; it is tried again while the process is starting.
    ///
    /// # Errors
    /// [`Error::Stale`]; [`Error::Invalid`] without a terminal.
    pub fn resize(&mut self, stream: StreamKey, size: Size) -> Result<(), Error> {
        self.reactor.refresh_now();
        self.state.resize(self.reactor, stream, size)
    }

    /// Hands out no output until [`resume`](Self::resume). Up to the stream's `pause_buffer` is kept; then its
    /// connection is read no more, which in time makes the process wait.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn pause(&mut self, stream: StreamKey) -> Result<(), Error> {
        self.reactor.refresh_now();
        self.state.pause(self.reactor, stream, true)
    }

    /// [`pause`](Self::pause) that takes nothing more in. For short pauses: what is taken in delays what comes after.
    /// A `pause` after it goes on reading, up to the `pause_buffer`.
    pub(crate) fn pause_reading(&mut self, stream: StreamKey) -> Result<(), Error> {
        self.state.pause(self.reactor, stream, false)
    }

    /// When bytes of the stream last came from the Engine; `None` for a stale key, or before the first.
    pub(crate) fn read_at(&self, stream: StreamKey) -> Option<Instant> {
        self.state.streams.get(stream)?.read_at
    }

    /// Ends a pause.
    ///
    /// # Errors
    /// [`Error::Stale`].
    pub fn resume(&mut self, stream: StreamKey) -> Result<(), Error> {
        self.reactor.refresh_now();
        self.state.resume(self.reactor, stream)
    }

    /// Sends a signal (`TERM`, `SIGTERM`, `15`) to the process and its children inside the container; for an attached
    /// container, to its own process. A process that has exited is no error.
    ///
    /// # Errors
    /// [`Error::Stale`]; [`Error::Closed`] when the stream was closed, or has ended without an exit code;
    /// [`Error::Invalid`] for what is no signal. The call fails with [`Error::Kill`] in a container without a shell.
    pub fn kill(&mut self, stream: StreamKey, signal: &str) -> Result<CallKey, Error> {
        self.reactor.refresh_now();
        self.state.kill(self.reactor, stream, signal)
    }

    /// [`kill`](Self::kill) as a terminal that is gone does: TERM and HUP, without one only TERM.
    pub(crate) fn hang_up(&mut self, stream: StreamKey) -> Result<CallKey, Error> {
        self.reactor.refresh_now();
        self.state.hang_up(self.reactor, stream)
    }

    /// Asks for what the Engine knows of the exec, or of the attached container.
    ///
    /// # Errors
    /// [`Error::Stale`]; [`Error::Closed`] when it was never created.
    pub fn inspect(&mut self, stream: StreamKey) -> Result<CallKey, Error> {
        self.reactor.refresh_now();
        self.state.inspect_stream(self.reactor, stream)
    }

    /// The exec's id, or the attached container's; `None` for a stale key, empty until it is known.
    pub fn stream_id(&self, stream: StreamKey) -> Option<&str> {
        self.state.streams.get(stream).map(|stream| stream.id.as_str())
    }

    /// Bytes that wait to be sent; `None` for a stale key.
    pub fn buffered(&self, stream: StreamKey) -> Option<usize> {
        self.state.streams.get(stream).map(|stream| stream.out.left())
    }

    /// The terminal's size as it was last asked for; `None` for a stale key, and without a terminal.
    pub fn size(&self, stream: StreamKey) -> Option<Size> {
        self.state.streams.get(stream)?.resize.wanted
    }

    /// True once the stream is open; `None` for a stale key.
    pub fn is_open(&self, stream: StreamKey) -> Option<bool> {
        self.state.streams.get(stream).map(|stream| !matches!(stream.stage, Stage::Preparing))
    }

    /// The bounds of the stream's buffers; `None` for a stale key.
    pub fn limits(&self, stream: StreamKey) -> Option<Limits> {
        self.state.streams.get(stream).map(Stream::limits)
    }

    /// Closes a stream, which ends with [`Error::Cancelled`]; the process goes on. False when it has ended already.
    pub fn close(&mut self, stream: StreamKey) -> bool {
        self.reactor.refresh_now();
        self.state.close_stream(self.reactor, stream)
    }

    /// Ends a call with [`super::CallEvent::Failed`] and [`Error::Cancelled`]; false when it has ended already. The
    /// command of a run is killed. Other requests are not called back: the Engine may have done what they asked.
    pub fn cancel(&mut self, call: CallKey) -> bool {
        self.reactor.refresh_now();
        self.state.cancel(self.reactor, call)
    }

    /// The API version spoken; `None` for a stale key, or before the first answer.
    pub fn version(&self, client: ClientKey) -> Option<Version> {
        self.state.version(client)
    }

    /// Counters; `None` for a stale key.
    pub fn stats(&self, client: ClientKey) -> Option<ClientStats> {
        self.state.stats(client)
    }

    /// Cancels all calls and closes all streams and connections of the client; false for a stale key.
    pub fn close_client(&mut self, client: ClientKey) -> bool {
        self.reactor.refresh_now();
        self.state.close(self.reactor, client)
    }

    /// The client's owner is gone: its calls and streams go on, and with the last of them it is closed.
    pub fn release(&mut self, client: ClientKey) {
        self.state.release(self.reactor, client);
    }

    fn begin(&mut self, client: ClientKey, kind: CallKind) -> Result<CallKey, Error> {
        self.reactor.refresh_now();
        Ok(self.state.begin_call(self.reactor, client, kind, false))
    }
}

/// What no other process has in its environment.
pub(super) fn random_marker() -> Result<String, Error> {
    crate::random::token().ok_or_else(|| Error::System("the system gives no random numbers".into()))
}
