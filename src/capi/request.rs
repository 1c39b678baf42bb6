//! The builder of requests.

use super::bytes::{bytes, c_text, string, text};
use super::client::deadline;
use super::panic::{boundary, boundary_or, boundary_status};
use super::status::{Failure, towline_status};
use crate::fastcgi::{Body, Request, RequestBuilder, Role, SendOptions};
use std::ffi::{CString, c_char, c_void};
use std::time::Duration;

/// Gives the next bytes of a request's body: fills at most `capacity` bytes and returns how many; 0 at the end;
/// less than 0 fails the request with TOWLINE_ERR_SOURCE. The end is asked for too. Any function may be called in it,
/// but a nested towline_loop_run() would wait for the very request that waits for this.
pub type towline_fcgi_source =
    Option<unsafe extern "C" fn(user: *mut c_void, buffer: *mut u8, capacity: usize) -> isize>;

/// What a FastCGI application is asked to be (FastCGI 1.0, section 6).
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum towline_fcgi_role {
    /// Runs a script and answers with a page: what php-fpm does.
    TOWLINE_FCGI_RESPONDER = 1,
    /// Decides whether a request may go on; gets no body.
    TOWLINE_FCGI_AUTHORIZER = 2,
    /// Passes a file's bytes through.
    TOWLINE_FCGI_FILTER = 3,
}

/// A request in the making. It belongs to no loop, may be sent any number of times, and is used by one thread at a time.
pub struct towline_fcgi_builder {
    request: RequestBuilder,
    /// Encoded at the first send, until something is changed.
    built: Option<Request>,
    body: Payload,
    timeout: Option<Duration>,
    error: Option<CString>,
}

enum Payload {
    Bytes(Vec<u8>),
    Source(BodySource),
}

/// A body's source together with its `user`.
#[derive(Clone, Copy)]
pub(super) struct BodySource {
    callback: unsafe extern "C" fn(user: *mut c_void, buffer: *mut u8, capacity: usize) -> isize,
    user: *mut c_void,
}

/// What a source did when it was asked.
pub(super) enum Given {
    /// So many bytes lie in the buffer.
    Bytes(usize),
    End,
    Failed(String),
}

impl BodySource {
    /// Asks for the next bytes. No borrow of the loop may be alive.
    pub fn ask(self, buffer: &mut [u8]) -> Given {
        // SAFETY: registered by the program together with its `user`; the buffer is as long as is said.
        let count = unsafe { (self.callback)(self.user, buffer.as_mut_ptr(), buffer.len()) };
        match usize::try_from(count) {
            Ok(0) => Given::End,
            Ok(count) if count <= buffer.len() => Given::Bytes(count),
            Ok(count) => Given::Failed(format!(
                "the body's source says that it put {count} bytes into a buffer of {}",
                buffer.len()
            )),
            Err(_) => Given::Failed(format!("the body's source returned {count}")),
        }
    }
}

impl towline_fcgi_builder {
    fn change(&mut self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) {
        self.built = None;
        let request = std::mem::replace(&mut self.request, Request::builder(""));
        self.request = change(request);
    }

    /// The encoded request and its body.
    pub(super) fn build(&mut self) -> Result<(&Request, Body<'_>), Failure> {
        if self.built.is_none() {
            self.built = Some(self.request.build()?);
        }
        let body = match &self.body {
            Payload::Bytes(bytes) => Body::Bytes(bytes),
            Payload::Source(_) => Body::Source,
        };
        let request = self.built.as_ref().ok_or_else(|| Failure::invalid("no request was built"))?;
        Ok((request, body))
    }

    pub(super) fn source(&self) -> Option<BodySource> {
        match &self.body {
            Payload::Bytes(_) => None,
            Payload::Source(source) => Some(*source),
        }
    }

    pub(super) fn send_options(&self) -> SendOptions {
        SendOptions { timeout: self.timeout, ..SendOptions::default() }
    }
}

/// Runs the body of a function that changes a builder.
///
/// # Safety
/// `pointer` is NULL or a builder that has not been freed.
unsafe fn edit(
    pointer: *mut towline_fcgi_builder,
    body: impl FnOnce(&mut towline_fcgi_builder) -> Result<(), Failure>,
) -> towline_status {
    // SAFETY: the caller's promise; nothing else holds the builder, for no callback runs here.
    let Some(builder) = (unsafe { pointer.as_mut() }) else { return towline_status::TOWLINE_ERR_INVALID };
    match boundary(|| body(builder)) {
        Ok(()) => towline_status::TOWLINE_OK,
        Err(failure) => {
            builder.error = Some(c_text(&failure.text));
            failure.status
        }
    }
}

/// Starts a GET of `script`, an absolute path as the FastCGI server sees it (SCRIPT_FILENAME).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_builder_new(
    script: *const c_char,
    builder: *mut *mut towline_fcgi_builder,
) -> towline_status {
    boundary_status(|| {
        if builder.is_null() {
            return Err(Failure::null("builder"));
        }
        // SAFETY: the caller keeps the rules of the header.
        let script = unsafe { string("script", script) }?;
        if script.is_empty() {
            return Err(Failure::invalid("script is empty; expected an absolute path"));
        }
        let new = Box::new(towline_fcgi_builder {
            request: Request::builder(script),
            built: None,
            body: Payload::Bytes(Vec::new()),
            timeout: None,
            error: None,
        });
        // SAFETY: not NULL, writable by the caller's promise.
        unsafe { builder.write(Box::into_raw(new)) };
        Ok(())
    })
}

/// Frees a builder; NULL is ignored. What was sent goes on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_builder_free(builder: *mut towline_fcgi_builder) {
    if !builder.is_null() {
        // SAFETY: made by towline_fcgi_builder_new and not freed before, by the caller's promise.
        boundary_or((), || drop(unsafe { Box::from_raw(builder) }));
    }
}

/// Sets REQUEST_METHOD; "GET" unless set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_builder_method(
    builder: *mut towline_fcgi_builder,
    method: *const c_char,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        edit(builder, |builder| {
            let method = string("method", method)?;
            builder.change(|request| request.method(method));
            Ok(())
        })
    }
}

/// Sets QUERY_STRING, without the question mark, percent-encoded already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_builder_query(
    builder: *mut towline_fcgi_builder,
    query: *const c_char,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        edit(builder, |builder| {
            let query = string("query", query)?;
            builder.change(|request| request.query(query));
            Ok(())
        })
    }
}

/// Sets CONTENT_TYPE, which says what the body is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_builder_content_type(
    builder: *mut towline_fcgi_builder,
    content_type: *const c_char,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        edit(builder, |builder| {
            let content_type = string("content_type", content_type)?;
            builder.change(|request| request.content_type(content_type));
            Ok(())
        })
    }
}

/// Adds a CGI variable, or overrides one that Towline sets itself. The last value given for a name counts. Never take
/// names from untrusted input: PHP_VALUE and PHP_ADMIN_VALUE are php.ini settings, and may outlast the request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_builder_param(
    builder: *mut towline_fcgi_builder,
    name: *const c_char,
    value: *const c_void,
    value_length: usize,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        edit(builder, |builder| {
            let name = string("name", name)?;
            if name.is_empty() {
                return Err(Failure::invalid("name is empty; expected the name of a CGI variable"));
            }
            let value = bytes("value", value, value_length)?;
            builder.change(|request| request.param(name, value));
            Ok(())
        })
    }
}

/// Adds an HTTP request header, which scripts see as HTTP_NAME. "Proxy" and "Content-Length" are refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_builder_header(
    builder: *mut towline_fcgi_builder,
    name: *const c_char,
    value: *const c_void,
    value_length: usize,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        edit(builder, |builder| {
            let name = text("name", name)?;
            let value = bytes("value", value, value_length)?;
            // Tried on another one first: a refusal consumes the builder.
            Request::builder("").header(name, Vec::new())?;
            builder.change(|request| request.header(name, value).unwrap_or_else(|_| Request::builder("")));
            Ok(())
        })
    }
}

/// Sets the role, a towline_fcgi_role; TOWLINE_FCGI_RESPONDER unless set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_builder_role(builder: *mut towline_fcgi_builder, role: i32) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        edit(builder, |builder| {
            let role = match role {
                1 => Role::Responder,
                2 => Role::Authorizer,
                3 => Role::Filter,
                other => return Err(Failure::invalid(format!("role is {other}; expected a towline_fcgi_role"))),
            };
            builder.change(|request| request.role(role));
            Ok(())
        })
    }
}

/// Sets the body to these bytes, in the place of what was set before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_builder_body(
    builder: *mut towline_fcgi_builder,
    body: *const c_void,
    length: usize,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        edit(builder, |builder| {
            let body = bytes("body", body, length)?.to_vec();
            builder.change(|request| request.content_length(length as u64));
            builder.body = Payload::Bytes(body);
            Ok(())
        })
    }
}

/// Sets a source of exactly `length` body bytes, asked with `user` while a request that was sent with it needs them,
/// in the place of what was set before. One that gives fewer or more fails its request.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_builder_source(
    builder: *mut towline_fcgi_builder,
    source: towline_fcgi_source,
    user: *mut c_void,
    length: u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        edit(builder, |builder| {
            let callback = source.ok_or_else(|| Failure::null("source"))?;
            builder.change(|request| request.content_length(length));
            builder.body = Payload::Source(BodySource { callback, user });
            Ok(())
        })
    }
}

/// Sets the DATA stream of a filter: the bytes of the file to be filtered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_builder_data(
    builder: *mut towline_fcgi_builder,
    data: *const c_void,
    length: usize,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        edit(builder, |builder| {
            let data = bytes("data", data, length)?;
            builder.change(|request| request.data(data));
            Ok(())
        })
    }
}

/// Sets the deadline for the whole request, queueing included, in milliseconds; -1 (as it is unless set): the client's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_builder_timeout(
    builder: *mut towline_fcgi_builder,
    timeout_ms: i64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        edit(builder, |builder| {
            builder.timeout = deadline("timeout_ms", timeout_ms)?;
            Ok(())
        })
    }
}

/// What was wrong the last time a function changing this builder failed: a NUL-terminated sentence, "" before the
/// first failure, never NULL. Valid until the next failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_builder_error(builder: *const towline_fcgi_builder) -> *const c_char {
    // SAFETY: NULL or a living builder by the caller's promise.
    match unsafe { builder.as_ref() } {
        None => c"builder is NULL".as_ptr(),
        Some(builder) => builder.error.as_deref().unwrap_or_default().as_ptr(),
    }
}
