//! Hijacked streams: calling back what happens to them, and what a program may do with them.

use super::bytes::{bytes, c_text};
use super::docker_call::{self, towline_docker_call_callbacks};
use super::event_loop::{enter, towline_loop};
use super::handle::Handle;
use super::sized::{self, Sized32};
use super::status::{Failure, docker_http_status, docker_status_of, towline_status};
use crate::docker::{ClientKey, Error, Size, StreamEvent, StreamKey};
use std::ffi::{c_char, c_void};
use std::mem::size_of;

/// The exit code of a process whose end the Engine cannot tell of.
pub const TOWLINE_DOCKER_EXIT_UNKNOWN: i64 = -1;

/// What is called about a stream; any may be NULL. What they receive is valid until they return. Exactly one of
/// on_exit and on_error comes, last.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct towline_docker_stream_callbacks {
    /// sizeof(towline_docker_stream_callbacks).
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// It is open. `id`: the exec's, or the container's for towline_docker_attach(). `upgraded`: 1, or 0 when the
    /// Engine, or a proxy before it, answered 200 in the place of 101; then input may not arrive.
    pub on_open: Option<unsafe extern "C" fn(user: *mut c_void, id: *const c_char, upgraded: u32)>,
    /// The process wrote: any bytes, cut anywhere. `stream`: 1 stdout (and everything of a terminal), 2 stderr.
    pub on_output: Option<unsafe extern "C" fn(user: *mut c_void, stream: u32, bytes: *const c_char, length: usize)>,
    /// No more than low_watermark bytes wait to be sent any more, after more than high_watermark did.
    pub on_drain: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// The process has ended, or the stream has while it goes on. `code`: its exit code (126: not executable, 127: not
    /// found, 128 + n: ended by signal n), or TOWLINE_DOCKER_EXIT_UNKNOWN. `truncated`: 1 when the stream broke off, so
    /// that output may be missing, else 0.
    pub on_exit: Option<unsafe extern "C" fn(user: *mut c_void, code: i64, truncated: u32)>,
    /// It failed; `text` says how in a sentence. `http_status`: the Engine's with TOWLINE_ERR_API (200 for an error
    /// in the midst of an output that had begun well), else 0.
    pub on_error:
        Option<unsafe extern "C" fn(user: *mut c_void, status: towline_status, text: *const c_char, http_status: u32)>,
}

// SAFETY: repr(C), begins with its size; every function pointer ends at a multiple of eight bytes, and what C puts
// there is a function or NULL.
unsafe impl Sized32 for towline_docker_stream_callbacks {
    const NAME: &'static str = "towline_docker_stream_callbacks";
}

impl towline_docker_stream_callbacks {
    const NONE: Self = towline_docker_stream_callbacks {
        size: size_of::<Self>() as u32,
        reserved: 0,
        on_open: None,
        on_output: None,
        on_drain: None,
        on_exit: None,
        on_error: None,
    };
}

/// What the shell knows of a stream that has not ended.
#[derive(Clone, Copy)]
pub(super) struct StreamOp {
    callbacks: towline_docker_stream_callbacks,
    user: *mut c_void,
    client: ClientKey,
    closed: bool,
}

/// Reads a program's callbacks.
///
/// # Safety
/// The caller keeps the rules of the header.
pub(super) unsafe fn callbacks(
    pointer: *const towline_docker_stream_callbacks,
) -> Result<towline_docker_stream_callbacks, Failure> {
    // SAFETY: the caller's promise.
    unsafe { sized::read(pointer, towline_docker_stream_callbacks::NONE) }
}

/// Notes a new stream and hands its handle out.
///
/// # Safety
/// The caller keeps the rules of the header.
pub(super) unsafe fn opened(
    this: &towline_loop,
    key: StreamKey,
    client: ClientKey,
    callbacks: towline_docker_stream_callbacks,
    user: *mut c_void,
    stream: *mut u64,
) {
    this.streams.borrow_mut().insert(key, StreamOp { callbacks, user, client, closed: false });
    if !stream.is_null() {
        // SAFETY: not NULL, writable by the caller's promise.
        unsafe { stream.write(key.to_handle()) };
    }
}

/// Calls what an event is for; false when nothing was called.
pub(super) fn dispatch(this: &towline_loop, key: StreamKey, kind: StreamEvent) -> bool {
    let last = matches!(kind, StreamEvent::Exited { .. } | StreamEvent::Failed(_));
    let op = if last { this.streams.borrow_mut().remove(key) } else { this.streams.borrow().get(key).copied() };
    let Some(op) = op else { return false };
    if op.closed {
        // What was on its way when it was closed is not handed out any more.
        return last && op.fail(&Error::Cancelled);
    }
    let StreamOp { callbacks, user, .. } = op;
    match kind {
        StreamEvent::Opened { id, upgraded } => callbacks.on_open.is_some_and(|call| {
            let id = c_text(&id);
            // SAFETY: registered by the program together with its `user`; the id lives through the call.
            unsafe { call(user, id.as_ptr(), u32::from(upgraded)) };
            true
        }),
        StreamEvent::Output { bytes, stream } => callbacks.on_output.is_some_and(|call| {
            // SAFETY: as above.
            unsafe { call(user, u32::from(stream), bytes.as_ptr().cast(), bytes.len()) };
            true
        }),
        StreamEvent::Drain => callbacks.on_drain.is_some_and(|call| {
            // SAFETY: as above.
            unsafe { call(user) };
            true
        }),
        StreamEvent::Exited { code, truncated } => callbacks.on_exit.is_some_and(|call| {
            // SAFETY: as above.
            unsafe { call(user, code.unwrap_or(TOWLINE_DOCKER_EXIT_UNKNOWN), u32::from(truncated)) };
            true
        }),
        StreamEvent::Failed(error) => op.fail(&error),
    }
}

impl StreamOp {
    fn fail(&self, error: &Error) -> bool {
        let Some(call) = self.callbacks.on_error else { return false };
        let text = c_text(&error.to_string());
        // SAFETY: registered by the program together with its `user`; the text lives through the call.
        unsafe { call(self.user, docker_status_of(error), text.as_ptr(), docker_http_status(error)) };
        true
    }
}

/// The client is closed: its streams get nothing more but their end.
pub(super) fn client_closed(this: &towline_loop, client: ClientKey) {
    for op in this.streams.borrow_mut().values_mut().filter(|op| op.client == client) {
        op.closed = true;
    }
}

/// Writes to the process's input; needs attach_stdin. `buffered` receives how many bytes wait to be sent; it may be
/// NULL. Above high_watermark, wait for on_drain before writing more. TOWLINE_ERR_CLOSED after the input was closed;
/// TOWLINE_ERR_QUEUE_FULL, with nothing taken, when more than max_buffered bytes would wait. What is written after the
/// process has ended, and before on_exit tells, is lost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_write(
    r#loop: *mut towline_loop,
    stream: u64,
    bytes: *const c_void,
    length: usize,
    buffered: *mut usize,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let key = StreamKey::from_handle(stream)?;
            let bytes = self::bytes("bytes", bytes, length)?;
            let waiting = this.core.borrow_mut().docker().write(key, bytes)?;
            if !buffered.is_null() {
                buffered.write(waiting);
            }
            Ok(())
        })
    }
}

/// Ends the process's input once everything written is sent: the connection is half closed, or, to a terminal, the
/// character 4 (ctrl-D) is sent. Output goes on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_close_stdin(r#loop: *mut towline_loop, stream: u64) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { enter(r#loop, |this| Ok(this.core.borrow_mut().docker().close_stdin(StreamKey::from_handle(stream)?)?)) }
}

/// Sets the size of the terminal in characters, each 1 to 65535. The latest size wins; while the process is starting
/// it is tried again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_resize(
    r#loop: *mut towline_loop,
    stream: u64,
    rows: u32,
    columns: u32,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let key = StreamKey::from_handle(stream)?;
            let size = Size::new(i64::from(rows), i64::from(columns))?;
            Ok(this.core.borrow_mut().docker().resize(key, size)?)
        })
    }
}

/// Holds on_output back. Up to pause_buffer bytes are still read and kept; then the process is held up at its next
/// write. What a process that ends during a pause has written beyond that (and about 1 MB in the Engine) is lost.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_pause(r#loop: *mut towline_loop, stream: u64) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { enter(r#loop, |this| Ok(this.core.borrow_mut().docker().pause(StreamKey::from_handle(stream)?)?)) }
}

/// Ends towline_docker_pause(): what was kept comes first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_resume(r#loop: *mut towline_loop, stream: u64) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { enter(r#loop, |this| Ok(this.core.borrow_mut().docker().resume(StreamKey::from_handle(stream)?)?)) }
}

/// Sends a signal ("TERM", "SIGKILL", "9"; NULL: "TERM") to the process of an exec and to its children, inside the
/// container, through a second exec; that works on remote Engines too, and needs a shell in the container. Ends with
/// on_done, or with on_error and TOWLINE_ERR_KILL. A process that has exited is no error; TOWLINE_ERR_CLOSED: the stream
/// was closed, or has ended without an exit code. `callbacks` may be NULL. `call` receives the handle; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_kill(
    r#loop: *mut towline_loop,
    stream: u64,
    signal: *const c_char,
    callbacks: *const towline_docker_call_callbacks,
    user: *mut c_void,
    call: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let (key, client) = find(this, stream)?;
            let callbacks = docker_call::optional_callbacks(callbacks)?;
            let signal = super::bytes::optional_text("signal", signal)?.unwrap_or("TERM");
            let made = this.core.borrow_mut().docker().kill(key, signal)?;
            docker_call::made(this, made, client, callbacks, user, call);
            Ok(())
        })
    }
}

/// Asks the Engine for the exec's, or the container's, state: on_done receives the Engine's JSON as the body. `call`
/// receives the handle; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_inspect(
    r#loop: *mut towline_loop,
    stream: u64,
    callbacks: *const towline_docker_call_callbacks,
    user: *mut c_void,
    call: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let (key, client) = find(this, stream)?;
            let callbacks = docker_call::callbacks(callbacks)?;
            let made = this.core.borrow_mut().docker().inspect(key)?;
            docker_call::made(this, made, client, callbacks, user, call);
            Ok(())
        })
    }
}

/// A stream that has not ended, and its client.
fn find(this: &towline_loop, stream: u64) -> Result<(StreamKey, ClientKey), Failure> {
    let key = StreamKey::from_handle(stream)?;
    let client = this.streams.borrow().get(key).map(|op| op.client);
    client.map(|client| (key, client)).ok_or_else(|| Failure::stale(StreamKey::NAME))
}

/// Closes a stream that has not ended: of its callbacks only on_error comes any more, with TOWLINE_ERR_CANCELLED, in a
/// later tick. The process goes on; towline_docker_kill() ends it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_close(r#loop: *mut towline_loop, stream: u64) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let key = StreamKey::from_handle(stream)?;
            match this.streams.borrow_mut().get_mut(key) {
                Some(op) => op.closed = true,
                None => return Err(Failure::stale(StreamKey::NAME)),
            }
            // False when it is closed already.
            this.core.borrow_mut().docker().close(key);
            Ok(())
        })
    }
}
