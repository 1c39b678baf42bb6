//! Sending requests, and calling back what becomes of them.

use super::bytes::c_text;
use super::event_loop::{enter, towline_loop};
use super::handle::Handle;
use super::request::{BodySource, Given, towline_fcgi_builder};
use super::response::{
    head_pointer, response_pointer, towline_fcgi_head, towline_fcgi_response, towline_fcgi_values, values_pointer,
};
use super::sized::{self, Sized32};
use super::status::{Failure, status_of, towline_status};
use crate::fastcgi::{ClientKey, Error, Event, EventKind, MAX_CONTENT, RequestKey, SendOptions};
use std::ffi::{c_char, c_void};
use std::mem::size_of;

/// What is called about a request; any may be NULL. What they receive is valid until they return. Exactly one
/// of on_done, on_values and on_error comes, last.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct towline_fcgi_callbacks {
    /// sizeof(towline_fcgi_callbacks).
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// The headers are complete.
    pub on_head: Option<unsafe extern "C" fn(user: *mut c_void, head: *const towline_fcgi_head)>,
    /// Bytes of the body. When NULL, they are collected into the response.
    pub on_body: Option<unsafe extern "C" fn(user: *mut c_void, bytes: *const c_char, length: usize)>,
    /// Bytes of STDERR. When NULL, they are collected into the response.
    pub on_stderr: Option<unsafe extern "C" fn(user: *mut c_void, bytes: *const c_char, length: usize)>,
    /// The answer is complete.
    pub on_done: Option<unsafe extern "C" fn(user: *mut c_void, response: *const towline_fcgi_response)>,
    /// It failed; `text` says how in a sentence.
    pub on_error: Option<unsafe extern "C" fn(user: *mut c_void, status: towline_status, text: *const c_char)>,
    /// The answer to towline_fcgi_get_values().
    pub on_values: Option<unsafe extern "C" fn(user: *mut c_void, values: *const towline_fcgi_values)>,
}

// SAFETY: repr(C), begins with its size; every function pointer ends at a multiple of eight bytes, and what C puts
// there is a function or NULL.
unsafe impl Sized32 for towline_fcgi_callbacks {
    const NAME: &'static str = "towline_fcgi_callbacks";
}

impl towline_fcgi_callbacks {
    const NONE: Self = towline_fcgi_callbacks {
        size: size_of::<Self>() as u32,
        reserved: 0,
        on_head: None,
        on_body: None,
        on_stderr: None,
        on_done: None,
        on_error: None,
        on_values: None,
    };
}

/// What the shell knows of a request that has not ended.
#[derive(Clone, Copy)]
pub(super) struct Op {
    callbacks: towline_fcgi_callbacks,
    user: *mut c_void,
    source: Option<BodySource>,
    client: ClientKey,
    cancelled: bool,
}

/// Calls what an event is for; false when nothing was called.
pub(super) fn dispatch(this: &towline_loop, event: Event) -> bool {
    let key = event.request;
    let last = event.is_final();
    let op = if last { this.requests.borrow_mut().remove(key) } else { this.requests.borrow().get(key).copied() };
    let Some(op) = op else { return false };
    if op.cancelled {
        // What was on its way when it was cancelled is not handed out any more.
        return last && op.fail(&Error::Cancelled);
    }
    let Op { callbacks, user, .. } = op;
    match event.kind {
        EventKind::Head(head) => callbacks.on_head.is_some_and(|call| {
            // SAFETY: registered by the program together with its `user`; the head lives through the call.
            unsafe { call(user, head_pointer(&head)) };
            true
        }),
        EventKind::Body(bytes) => callbacks.on_body.is_some_and(|call| {
            // SAFETY: as above.
            unsafe { call(user, bytes.as_ptr().cast(), bytes.len()) };
            true
        }),
        EventKind::Stderr(bytes) => callbacks.on_stderr.is_some_and(|call| {
            // SAFETY: as above.
            unsafe { call(user, bytes.as_ptr().cast(), bytes.len()) };
            true
        }),
        EventKind::Done(response) => callbacks.on_done.is_some_and(|call| {
            // SAFETY: as above.
            unsafe { call(user, response_pointer(&response)) };
            true
        }),
        EventKind::Values(values) => callbacks.on_values.is_some_and(|call| {
            // SAFETY: as above.
            unsafe { call(user, values_pointer(&values)) };
            true
        }),
        EventKind::Failed(error) => op.fail(&error),
        EventKind::WantBody(room) => {
            feed(this, key, op.source, room);
            true
        }
    }
}

impl Op {
    fn fail(&self, error: &Error) -> bool {
        let Some(call) = self.callbacks.on_error else { return false };
        let status = status_of(error);
        let text = c_text(&error.to_string());
        // SAFETY: registered by the program together with its `user`; the text lives through the call.
        unsafe { call(self.user, status, text.as_ptr()) };
        true
    }
}

/// What sources fill. The kernel copies it behind a record's header of eight bytes, which begins a page: so do these
/// bytes, for from some other places in a page the copy takes twice as long.
#[repr(C, align(4096))]
pub(super) struct Lent {
    _head: [u8; 8],
    bytes: [u8; MAX_CONTENT],
}

/// Asks a body's source and passes on what it gave.
fn feed(this: &towline_loop, key: RequestKey, source: Option<BodySource>, room: usize) {
    let mut lent = this.lent.take().unwrap_or_else(|| Box::new(Lent { _head: [0; 8], bytes: [0; MAX_CONTENT] }));
    let buffer = &mut lent.bytes;
    let buffer = buffer.get_mut(..room.min(MAX_CONTENT)).unwrap_or_default();
    let given = source.map_or(Given::End, |source| source.ask(buffer));
    if this.is_alive() {
        let mut core = this.core.borrow_mut();
        // A refusal means that the request has ended, or that core has failed it: an event follows either way.
        let _ = match given {
            Given::Bytes(count) => core.fastcgi().body(key, Some(buffer.get(..count).unwrap_or_default())),
            Given::End => core.fastcgi().body(key, None),
            Given::Failed(text) => {
                core.fastcgi().fail(key, Error::Source(text));
                Ok(())
            }
        };
    }
    this.lent.set(Some(lent));
}

/// The client is closed: its requests get nothing more but their end.
pub(super) fn client_closed(this: &towline_loop, client: ClientKey) {
    for op in this.requests.borrow_mut().values_mut().filter(|op| op.client == client) {
        op.cancelled = true;
    }
}

/// Sends a request, or queues it while no connection is free. No callback is called before this returns. `builder` may
/// be changed, sent again or freed afterwards. `request` receives the handle; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_send(
    r#loop: *mut towline_loop,
    client: u64,
    builder: *mut towline_fcgi_builder,
    callbacks: *const towline_fcgi_callbacks,
    user: *mut c_void,
    request: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let client = ClientKey::from_handle(client)?;
            let callbacks = sized::read(callbacks, towline_fcgi_callbacks::NONE)?;
            let builder = builder.as_mut().ok_or_else(|| Failure::null("builder"))?;
            let options = SendOptions {
                want_head: callbacks.on_head.is_some(),
                stream_body: callbacks.on_body.is_some(),
                stream_stderr: callbacks.on_stderr.is_some(),
                ..builder.send_options()
            };
            let source = builder.source();
            let (built, body) = builder.build()?;
            let key = this.core.borrow_mut().fastcgi().send(client, built, body, options)?;
            let op = Op { callbacks, user, source, client, cancelled: false };
            this.requests.borrow_mut().insert(key, op);
            if !request.is_null() {
                request.write(key.to_handle());
            }
            Ok(())
        })
    }
}

/// Asks a server for its FCGI_MAX_CONNS, FCGI_MAX_REQS and FCGI_MPXS_CONNS, on a connection of its own; ends with
/// on_values or on_error. php-fpm needs a free worker for it and tells little. `request` receives the handle; it may be
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_get_values(
    r#loop: *mut towline_loop,
    client: u64,
    callbacks: *const towline_fcgi_callbacks,
    user: *mut c_void,
    request: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let client = ClientKey::from_handle(client)?;
            let callbacks = sized::read(callbacks, towline_fcgi_callbacks::NONE)?;
            let key = this.core.borrow_mut().fastcgi().get_values(client)?;
            let op = Op { callbacks, user, source: None, client, cancelled: false };
            this.requests.borrow_mut().insert(key, op);
            if !request.is_null() {
                request.write(key.to_handle());
            }
            Ok(())
        })
    }
}

/// Ends a request that has not ended: of its callbacks only on_error comes any more, with TOWLINE_ERR_CANCELLED, in a
/// later tick. The connection is closed, for php-fpm knows no other way: the script may run on until
/// its next output.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_cancel(r#loop: *mut towline_loop, request: u64) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let key = RequestKey::from_handle(request)?;
            match this.requests.borrow_mut().get_mut(key) {
                Some(op) => op.cancelled = true,
                None => return Err(Failure::stale(RequestKey::NAME)),
            }
            // False when its end is queued already; `dispatch` turns that into a cancellation too.
            this.core.borrow_mut().fastcgi().cancel(key);
            Ok(())
        })
    }
}
