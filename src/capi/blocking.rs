//! One request on a loop of its own, for the simplest caller.

use super::bytes::{text, write_text};
use super::client::deadline;
use super::panic::boundary;
use super::request::{BodySource, Given, towline_fcgi_builder};
use super::response::towline_fcgi_response;
use super::status::{Failure, towline_status};
use crate::fastcgi::{ClientOptions, Error, Event, EventKind, Response};
use crate::{Event as LoopEvent, Loop};
use std::ffi::c_char;
use std::io;

/// Sends a request to `address` and waits for the answer, at most `timeout_ms` milliseconds (-1: no limit; then the
/// builder's own deadline holds). Free what `response` receives with towline_fcgi_response_free(). On failure `response`
/// receives NULL and `error`, unless it is NULL, the reason as NUL-terminated text, cut to `error_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_request(
    address: *const c_char,
    builder: *mut towline_fcgi_builder,
    timeout_ms: i64,
    response: *mut *mut towline_fcgi_response,
    error: *mut c_char,
    error_size: usize,
) -> towline_status {
    let result = boundary(|| {
        if response.is_null() {
            return Err(Failure::null("response"));
        }
        // SAFETY: not NULL; the caller keeps the rules of the header.
        unsafe { response.write(std::ptr::null_mut()) };
        // SAFETY: as above.
        let answer = unsafe { exchange(text("address", address)?, builder, timeout_ms) }?;
        // SAFETY: as above.
        unsafe { response.write(Box::into_raw(answer).cast()) };
        Ok(())
    });
    let (status, words) = match result {
        Ok(()) => (towline_status::TOWLINE_OK, String::new()),
        Err(failure) => (failure.status, failure.text),
    };
    // SAFETY: the caller keeps the rules of the header.
    unsafe { write_text(&words, error, error_size) };
    status
}

unsafe fn exchange(
    address: &str,
    builder: *mut towline_fcgi_builder,
    timeout_ms: i64,
) -> Result<Box<Response>, Failure> {
    let timeout = deadline("timeout_ms", timeout_ms)?;
    let mut core = Loop::new()?;
    let options = ClientOptions { max_connections: 1, keep_alive: false, ..ClientOptions::default() };
    let client = core.fastcgi().client(&[address], options)?;
    let source = {
        // SAFETY: NULL or a living builder by the caller's promise; it is let go before a source is asked.
        let builder = unsafe { builder.as_mut() }.ok_or_else(|| Failure::null("builder"))?;
        let mut options = builder.send_options();
        options.timeout = timeout.or(options.timeout);
        let source = builder.source();
        let (built, body) = builder.build()?;
        core.fastcgi().send(client, built, body, options)?;
        source
    };
    let mut buffer = Vec::new();
    loop {
        match core.next_event() {
            Some(LoopEvent::FastCgi(Event { request, kind })) => match kind {
                EventKind::Done(response) => return Ok(response),
                EventKind::Failed(error) => return Err((*error).into()),
                EventKind::WantBody(room) => {
                    buffer.resize(room, 0);
                    match source.map_or(Given::End, |source: BodySource| source.ask(&mut buffer)) {
                        Given::Bytes(count) => {
                            // A refusal fails the request, which the next event tells.
                            let _ = core.fastcgi().body(request, Some(buffer.get(..count).unwrap_or_default()));
                        }
                        Given::End => {
                            let _ = core.fastcgi().body(request, None);
                        }
                        Given::Failed(text) => return Err(Failure::new(towline_status::TOWLINE_ERR_SOURCE, text)),
                    }
                }
                EventKind::Head(_) | EventKind::Body(_) | EventKind::Stderr(_) | EventKind::Values(_) => {}
            },
            Some(LoopEvent::Timer(_) | LoopEvent::Docker(_) | LoopEvent::WebSocket(_) | LoopEvent::Terminal(_)) => {}
            None if core.pending() == 0 => {
                return Err(Error::System("the request ended without a word".into()).into());
            }
            None => match core.turn(None) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
                _ => {}
            },
        }
    }
}
