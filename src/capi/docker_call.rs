//! Calls of the Engine: calling back what becomes of them.

use super::bytes::c_text;
use super::docker_answer::{answer_pointer, result_pointer, towline_docker_answer, towline_docker_result};
use super::event_loop::{enter, towline_loop};
use super::handle::Handle;
use super::sized::{self, Sized32};
use super::status::{Failure, docker_http_status, docker_status_of, towline_status};
use crate::docker::{CallEvent, CallKey, ClientKey, Error};
use std::ffi::{c_char, c_void};
use std::mem::size_of;

/// What is called about a call; any may be NULL. What they receive is valid until they return. Exactly one of
/// on_done, on_result and on_error comes, last.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct towline_docker_call_callbacks {
    /// sizeof(towline_docker_call_callbacks).
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// A piece of an answer that streams. Of a log: bytes as they come, `stream` being 1 for stdout (and everything of
    /// a container with a terminal) and 2 for stderr. Of the events: one JSON object. Else: bytes of the body.
    pub on_output: Option<unsafe extern "C" fn(user: *mut c_void, stream: u32, bytes: *const c_char, length: usize)>,
    /// It is complete. What was handed to on_output is not in the answer.
    pub on_done: Option<unsafe extern "C" fn(user: *mut c_void, answer: *const towline_docker_answer)>,
    /// The command of towline_docker_run() has run to its end.
    pub on_result: Option<unsafe extern "C" fn(user: *mut c_void, result: *const towline_docker_result)>,
    /// It failed; `text` says how in a sentence. `http_status`: the Engine's with TOWLINE_ERR_API (200 for an error
    /// in the midst of an output that had begun well), else 0.
    pub on_error:
        Option<unsafe extern "C" fn(user: *mut c_void, status: towline_status, text: *const c_char, http_status: u32)>,
}

// SAFETY: repr(C), begins with its size; every function pointer ends at a multiple of eight bytes, and what C puts
// there is a function or NULL.
unsafe impl Sized32 for towline_docker_call_callbacks {
    const NAME: &'static str = "towline_docker_call_callbacks";
}

impl towline_docker_call_callbacks {
    const NONE: Self = towline_docker_call_callbacks {
        size: size_of::<Self>() as u32,
        reserved: 0,
        on_output: None,
        on_done: None,
        on_result: None,
        on_error: None,
    };
}

/// What the shell knows of a call that has not ended.
#[derive(Clone, Copy)]
pub(super) struct CallOp {
    callbacks: towline_docker_call_callbacks,
    user: *mut c_void,
    client: ClientKey,
    cancelled: bool,
}

/// Reads a program's callbacks.
///
/// # Safety
/// The caller keeps the rules of the header.
pub(super) unsafe fn callbacks(
    pointer: *const towline_docker_call_callbacks,
) -> Result<towline_docker_call_callbacks, Failure> {
    // SAFETY: the caller's promise.
    unsafe { sized::read(pointer, towline_docker_call_callbacks::NONE) }
}

/// [`callbacks`], of which there may be none.
///
/// # Safety
/// The caller keeps the rules of the header.
pub(super) unsafe fn optional_callbacks(
    pointer: *const towline_docker_call_callbacks,
) -> Result<towline_docker_call_callbacks, Failure> {
    // SAFETY: the caller's promise.
    if pointer.is_null() { Ok(towline_docker_call_callbacks::NONE) } else { unsafe { callbacks(pointer) } }
}

/// Notes a new call and hands its handle out.
///
/// # Safety
/// The caller keeps the rules of the header.
pub(super) unsafe fn made(
    this: &towline_loop,
    key: CallKey,
    client: ClientKey,
    callbacks: towline_docker_call_callbacks,
    user: *mut c_void,
    call: *mut u64,
) {
    this.calls.borrow_mut().insert(key, CallOp { callbacks, user, client, cancelled: false });
    if !call.is_null() {
        // SAFETY: not NULL, writable by the caller's promise.
        unsafe { call.write(key.to_handle()) };
    }
}

/// Calls what an event is for; false when nothing was called.
pub(super) fn dispatch(this: &towline_loop, key: CallKey, kind: CallEvent) -> bool {
    let last = !matches!(kind, CallEvent::Chunk { .. });
    let op = if last { this.calls.borrow_mut().remove(key) } else { this.calls.borrow().get(key).copied() };
    let Some(op) = op else { return false };
    if op.cancelled {
        // What was on its way when it was cancelled is not handed out any more.
        return last && op.fail(&Error::Cancelled);
    }
    let CallOp { callbacks, user, .. } = op;
    match kind {
        CallEvent::Chunk { bytes, stream } => callbacks.on_output.is_some_and(|call| {
            // SAFETY: registered by the program together with its `user`; the bytes live through the call.
            unsafe { call(user, u32::from(stream), bytes.as_ptr().cast(), bytes.len()) };
            true
        }),
        CallEvent::Done(answer) => callbacks.on_done.is_some_and(|call| {
            // SAFETY: as above.
            unsafe { call(user, answer_pointer(&answer)) };
            true
        }),
        CallEvent::RunDone(result) => callbacks.on_result.is_some_and(|call| {
            // SAFETY: as above.
            unsafe { call(user, result_pointer(&result)) };
            true
        }),
        CallEvent::Failed(error) => op.fail(&error),
    }
}

impl CallOp {
    fn fail(&self, error: &Error) -> bool {
        let Some(call) = self.callbacks.on_error else { return false };
        let text = c_text(&error.to_string());
        // SAFETY: registered by the program together with its `user`; the text lives through the call.
        unsafe { call(self.user, docker_status_of(error), text.as_ptr(), docker_http_status(error)) };
        true
    }
}

/// The client is closed: its calls get nothing more but their end.
pub(super) fn client_closed(this: &towline_loop, client: ClientKey) {
    for op in this.calls.borrow_mut().values_mut().filter(|op| op.client == client) {
        op.cancelled = true;
    }
}

/// Ends a call that has not ended: of its callbacks only on_error comes any more, with TOWLINE_ERR_CANCELLED, in a
/// later tick. The command of towline_docker_run() is killed; what other calls asked for may have been done.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_cancel(r#loop: *mut towline_loop, call: u64) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let key = CallKey::from_handle(call)?;
            match this.calls.borrow_mut().get_mut(key) {
                Some(op) => op.cancelled = true,
                None => return Err(Failure::stale(CallKey::NAME)),
            }
            // False when its end is queued already; `dispatch` turns that into a cancellation too.
            this.core.borrow_mut().docker().cancel(key);
            Ok(())
        })
    }
}
