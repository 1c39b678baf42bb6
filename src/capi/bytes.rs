//! Strings and bytes across the boundary.

use super::status::Failure;
use std::ffi::{CStr, CString, c_char, c_void};

/// A byte string that the library owns: may hold NUL, is not NUL-terminated; `data` is never NULL.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct towline_bytes {
    /// The first byte.
    pub data: *const c_char,
    /// How many there are.
    pub length: usize,
}

impl towline_bytes {
    pub(super) const EMPTY: towline_bytes = towline_bytes { data: c"".as_ptr(), length: 0 };
}

impl From<&[u8]> for towline_bytes {
    fn from(bytes: &[u8]) -> Self {
        towline_bytes { data: bytes.as_ptr().cast(), length: bytes.len() }
    }
}

/// Bytes given as pointer and length; NULL is fine for none.
///
/// # Safety
/// `data` is NULL or points to `length` readable bytes that outlive the result.
pub(super) unsafe fn bytes<'a>(argument: &str, data: *const c_void, length: usize) -> Result<&'a [u8], Failure> {
    if length == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Failure::invalid(format!("{argument} is NULL, but its length is {length}")));
    }
    if isize::try_from(length).is_err() {
        return Err(Failure::invalid(format!("{argument} is said to be {length} bytes long, more than memory holds")));
    }
    // SAFETY: not NULL, not longer than memory, readable by the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) })
}

/// A NUL-terminated string as bytes.
///
/// # Safety
/// `text` is NULL or NUL-terminated and outlives the result.
pub(super) unsafe fn string<'a>(argument: &str, text: *const c_char) -> Result<&'a [u8], Failure> {
    if text.is_null() {
        return Err(Failure::null(argument));
    }
    // SAFETY: not NULL, NUL-terminated by the caller's promise.
    Ok(unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// A NUL-terminated string that has to be UTF-8.
///
/// # Safety
/// As [`string`].
pub(super) unsafe fn text<'a>(argument: &str, text: *const c_char) -> Result<&'a str, Failure> {
    // SAFETY: the caller's promise is the same.
    let bytes = unsafe { string(argument, text) }?;
    std::str::from_utf8(bytes)
        .map_err(|_| Failure::invalid(format!("{argument} {:?} is not UTF-8", String::from_utf8_lossy(bytes))))
}

/// A NUL-terminated UTF-8 string that may be left out with NULL.
///
/// # Safety
/// As [`string`].
pub(super) unsafe fn optional_text<'a>(argument: &str, text: *const c_char) -> Result<Option<&'a str>, Failure> {
    // SAFETY: the caller's promise is the same.
    if text.is_null() { Ok(None) } else { unsafe { self::text(argument, text) }.map(Some) }
}

/// A list of NUL-terminated UTF-8 strings.
///
/// # Safety
/// `list` is NULL or points to `count` pointers, each as in [`string`].
pub(super) unsafe fn texts<'a>(
    argument: &str,
    list: *const *const c_char,
    count: usize,
) -> Result<Vec<&'a str>, Failure> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if list.is_null() {
        return Err(Failure::null(argument));
    }
    let mut all = Vec::new();
    for index in 0..count {
        // SAFETY: `list` holds `count` pointers by the caller's promise.
        let item = unsafe { list.add(index).read() };
        // SAFETY: each is NULL or NUL-terminated by the caller's promise.
        all.push(unsafe { text(&format!("{argument}[{index}]"), item) }?);
    }
    Ok(all)
}

/// Text for C: a NUL inside would cut it short.
pub(super) fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

/// Writes text into a caller's buffer, cut to fit, always NUL-terminated.
///
/// # Safety
/// `buffer` is NULL or points to `size` writable bytes.
pub(super) unsafe fn write_text(text: &str, buffer: *mut c_char, size: usize) {
    let Some(room) = size.checked_sub(1).filter(|_| !buffer.is_null()) else { return };
    let text = c_text(text);
    let mut length = text.as_bytes().len().min(room);
    // Not in the middle of a character.
    while length > 0 && text.as_bytes().get(length).is_some_and(|byte| byte & 0xc0 == 0x80) {
        length -= 1;
    }
    // SAFETY: `length` bytes of the text exist, and the buffer holds that many and the NUL.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr(), buffer, length);
        buffer.add(length).write(0);
    }
}
