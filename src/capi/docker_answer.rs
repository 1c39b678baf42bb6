//! The Engine's answers and a command's results, read through accessors so that they may grow.

use super::bytes::{text, towline_bytes};
use super::docker_stream::TOWLINE_DOCKER_EXIT_UNKNOWN;
use super::panic::boundary_status;
use super::response::{no_index, write_pair};
use super::status::{Failure, towline_status};
use crate::docker::{Answer, RunResult};
use std::ffi::c_char;

/// An Engine's answer to a call.
pub struct towline_docker_answer {
    // Never made: a pointer to this is a pointer to an `Answer`.
    _private: (),
}

/// What a command run to its end left.
pub struct towline_docker_result {
    // Never made: a pointer to this is a pointer to a `RunResult`.
    _private: (),
}

pub(super) fn answer_pointer(answer: &Answer) -> *const towline_docker_answer {
    std::ptr::from_ref(answer).cast()
}

pub(super) fn result_pointer(result: &RunResult) -> *const towline_docker_result {
    std::ptr::from_ref(result).cast()
}

unsafe fn answer<'a>(pointer: *const towline_docker_answer) -> Option<&'a Answer> {
    // SAFETY: NULL or what `answer_pointer` gave and is still valid, by the caller's promise.
    unsafe { pointer.cast::<Answer>().as_ref() }
}

unsafe fn result<'a>(pointer: *const towline_docker_result) -> Option<&'a RunResult> {
    // SAFETY: NULL or what `result_pointer` gave and is still valid, by the caller's promise.
    unsafe { pointer.cast::<RunResult>().as_ref() }
}

/// The HTTP status; 0 for NULL, and for the empty answer with which a log, the events or a kill ends.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_answer_status(answer: *const towline_docker_answer) -> u32 {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::answer(answer) }.map_or(0, |answer| u32::from(answer.head.status()))
}

/// The body. Valid as long as the answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_answer_body(answer: *const towline_docker_answer) -> towline_bytes {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::answer(answer) }.map_or(towline_bytes::EMPTY, |answer| answer.body.as_slice().into())
}

/// How many header fields there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_answer_count(answer: *const towline_docker_answer) -> usize {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::answer(answer) }.map_or(0, |answer| answer.head.fields().count())
}

/// The header field with this index, in the order they came: its name in lower case, and its value. Either may be
/// NULL when it is not wanted. TOWLINE_ERR_NOT_FOUND beyond the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_answer_field(
    answer: *const towline_docker_answer,
    index: usize,
    name: *mut towline_bytes,
    value: *mut towline_bytes,
) -> towline_status {
    boundary_status(|| {
        // SAFETY: the caller keeps the rules of the header.
        let answer = unsafe { self::answer(answer) }.ok_or_else(|| Failure::null("answer"))?;
        let pair = answer.head.fields().nth(index);
        let pair = pair.ok_or_else(|| no_index("field", index, answer.head.fields().count()))?;
        // SAFETY: as above.
        unsafe { write_pair(pair, name, value) };
        Ok(())
    })
}

/// The first value of the header field `name`, in any case. TOWLINE_ERR_NOT_FOUND when there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_answer_find(
    answer: *const towline_docker_answer,
    name: *const c_char,
    value: *mut towline_bytes,
) -> towline_status {
    boundary_status(|| {
        // SAFETY: the caller keeps the rules of the header.
        let answer = unsafe { self::answer(answer) }.ok_or_else(|| Failure::null("answer"))?;
        // SAFETY: as above.
        let name = unsafe { text("name", name) }?;
        if value.is_null() {
            return Err(Failure::null("value"));
        }
        let found = answer.head.field(&name.to_ascii_lowercase()).ok_or_else(|| {
            Failure::new(towline_status::TOWLINE_ERR_NOT_FOUND, format!("the answer has no header {name:?}"))
        })?;
        // SAFETY: not NULL, writable by the caller's promise.
        unsafe { value.write(found.into()) };
        Ok(())
    })
}

/// The command's exit code (126: not executable, 127: not found, 128 + n: ended by signal n);
/// TOWLINE_DOCKER_EXIT_UNKNOWN when the Engine cannot tell, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_result_exit_code(result: *const towline_docker_result) -> i64 {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::result(result) }.and_then(|result| result.exit_code).unwrap_or(TOWLINE_DOCKER_EXIT_UNKNOWN)
}

/// What the command wrote to its standard output. Valid as long as the result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_result_stdout(result: *const towline_docker_result) -> towline_bytes {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::result(result) }.map_or(towline_bytes::EMPTY, |result| result.stdout.as_slice().into())
}

/// What the command wrote to its standard error. Valid as long as the result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_result_stderr(result: *const towline_docker_result) -> towline_bytes {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { self::result(result) }.map_or(towline_bytes::EMPTY, |result| result.stderr.as_slice().into())
}
