//! Answers, read through accessors so that they may grow.

use super::bytes::{text, towline_bytes};
use super::panic::{boundary_or, boundary_status};
use super::status::{Failure, towline_status};
use crate::fastcgi::{Head, Response};
use std::ffi::c_char;

/// Status and header fields of an answer.
pub struct towline_fcgi_head {
    // Never made: a pointer to this is a pointer to a `Head`.
    _private: (),
}

/// An answer.
pub struct towline_fcgi_response {
    // Never made: a pointer to this is a pointer to a `Response`.
    _private: (),
}

/// What a server said to towline_fcgi_get_values().
pub struct towline_fcgi_values {
    // Never made: a pointer to this is a pointer to `Values`.
    _private: (),
}

pub(super) type Values = Vec<(Vec<u8>, Vec<u8>)>;

pub(super) fn head_pointer(head: &Head) -> *const towline_fcgi_head {
    std::ptr::from_ref(head).cast()
}

pub(super) fn response_pointer(response: &Response) -> *const towline_fcgi_response {
    std::ptr::from_ref(response).cast()
}

pub(super) fn values_pointer(values: &Values) -> *const towline_fcgi_values {
    std::ptr::from_ref(values).cast()
}

unsafe fn head<'a>(pointer: *const towline_fcgi_head) -> Option<&'a Head> {
    // SAFETY: NULL or what `head_pointer` gave and is still valid, by the caller's promise.
    unsafe { pointer.cast::<Head>().as_ref() }
}

unsafe fn response<'a>(pointer: *const towline_fcgi_response) -> Option<&'a Response> {
    // SAFETY: NULL or what `response_pointer` gave and is still valid, by the caller's promise.
    unsafe { pointer.cast::<Response>().as_ref() }
}

/// Writes a name and a value; either pointer may be NULL.
pub(super) unsafe fn write_pair(pair: (&[u8], &[u8]), name: *mut towline_bytes, value: *mut towline_bytes) {
    for (bytes, out) in [(pair.0, name), (pair.1, value)] {
        if !out.is_null() {
            // SAFETY: not NULL, writable by the caller's promise.
            unsafe { out.write(bytes.into()) };
        }
    }
}

pub(super) fn no_index(noun: &str, index: usize, count: usize) -> Failure {
    Failure::new(towline_status::TOWLINE_ERR_NOT_FOUND, format!("no {noun} {index}; there are {count}"))
}

/// The status, 100 to 999; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_head_status(head: *const towline_fcgi_head) -> u32 {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::head(head) }.map_or(0, |head| u32::from(head.status()))
}

/// How many header fields there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_head_count(head: *const towline_fcgi_head) -> usize {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::head(head) }.map_or(0, Head::len)
}

/// The header field with this index, in the order they came: its name in lower case, and its value. Either may be
/// NULL when it is not wanted. TOWLINE_ERR_NOT_FOUND beyond the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_head_field(
    head: *const towline_fcgi_head,
    index: usize,
    name: *mut towline_bytes,
    value: *mut towline_bytes,
) -> towline_status {
    boundary_status(|| {
        // SAFETY: the caller keeps the rules of the header.
        let head = unsafe { self::head(head) }.ok_or_else(|| Failure::null("head"))?;
        let pair = head.get(index).ok_or_else(|| no_index("field", index, head.len()))?;
        // SAFETY: as above.
        unsafe { write_pair(pair, name, value) };
        Ok(())
    })
}

/// The first value of the header field `name`, in any case. TOWLINE_ERR_NOT_FOUND when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_head_find(
    head: *const towline_fcgi_head,
    name: *const c_char,
    value: *mut towline_bytes,
) -> towline_status {
    boundary_status(|| {
        // SAFETY: the caller keeps the rules of the header.
        let (head, name) = unsafe { (self::head(head).ok_or_else(|| Failure::null("head"))?, text("name", name)?) };
        if value.is_null() {
            return Err(Failure::null("value"));
        }
        let mut fields = head.fields().filter(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes()));
        let (_, found) = fields.next().ok_or_else(|| {
            Failure::new(towline_status::TOWLINE_ERR_NOT_FOUND, format!("the answer has no header {name:?}"))
        })?;
        // SAFETY: not NULL, writable by the caller's promise.
        unsafe { value.write(found.into()) };
        Ok(())
    })
}

/// The answer's status, 100 to 999; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_response_status(response: *const towline_fcgi_response) -> u32 {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::response(response) }.map_or(0, |response| u32::from(response.head.status()))
}

/// Status and header fields; valid as long as the response. NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_response_head(
    response: *const towline_fcgi_response,
) -> *const towline_fcgi_head {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::response(response) }.map_or(std::ptr::null(), |response| head_pointer(&response.head))
}

/// The body; empty when it was handed to on_body. Valid as long as the response.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_response_body(response: *const towline_fcgi_response) -> towline_bytes {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::response(response) }.map_or(towline_bytes::EMPTY, |response| response.body.as_slice().into())
}

/// What came on the STDERR stream; empty when it was handed to on_stderr. Valid as long as the response.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_response_stderr(response: *const towline_fcgi_response) -> towline_bytes {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::response(response) }.map_or(towline_bytes::EMPTY, |response| response.stderr.as_slice().into())
}

/// The application's own status from END_REQUEST; php-fpm always says 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_response_app_status(response: *const towline_fcgi_response) -> u32 {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::response(response) }.map_or(0, |response| response.app_status)
}

/// How long it took in microseconds, queueing included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_response_duration_us(response: *const towline_fcgi_response) -> u64 {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::response(response) }
        .map_or(0, |response| u64::try_from(response.duration.as_micros()).unwrap_or(u64::MAX))
}

/// Frees a response of towline_fcgi_request(); NULL is ignored. One given to a callback is not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_response_free(response: *mut towline_fcgi_response) {
    if !response.is_null() {
        // SAFETY: made by towline_fcgi_request and not freed before, by the caller's promise.
        boundary_or((), || drop(unsafe { Box::from_raw(response.cast::<Response>()) }));
    }
}

/// How many values there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_values_count(values: *const towline_fcgi_values) -> usize {
    // SAFETY: NULL or what a callback received and is still valid, by the caller's promise.
    unsafe { values.cast::<Values>().as_ref() }.map_or(0, Vec::len)
}

/// The value with this index and its name. Either may be NULL when it is not wanted. TOWLINE_ERR_NOT_FOUND beyond the
/// last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_values_get(
    values: *const towline_fcgi_values,
    index: usize,
    name: *mut towline_bytes,
    value: *mut towline_bytes,
) -> towline_status {
    boundary_status(|| {
        // SAFETY: NULL or what a callback received and is still valid, by the caller's promise.
        let values = unsafe { values.cast::<Values>().as_ref() }.ok_or_else(|| Failure::null("values"))?;
        let pair = values.get(index).ok_or_else(|| no_index("value", index, values.len()))?;
        // SAFETY: the caller keeps the rules of the header.
        unsafe { write_pair((&pair.0, &pair.1), name, value) };
        Ok(())
    })
}
