//! A private php-fpm.

use super::bytes::{text, texts, write_text};
use super::client::deadline;
use super::panic::{boundary, boundary_or, boundary_status};
use super::sized::{self, Sized32};
use super::status::{Failure, towline_status};
use crate::fastcgi::{Fpm, FpmOptions};
use std::collections::BTreeMap;
use std::ffi::{CString, c_char};
use std::mem::size_of;

/// Settings of a private php-fpm. Fill it with towline_fpm_options_init(), then change what should differ.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct towline_fpm_options {
    /// sizeof(towline_fpm_options).
    pub size: u32,
    /// Worker processes. Default 4.
    pub workers: u32,
    /// The php-fpm program; NULL, the default: looked for.
    pub binary: *const c_char,
    /// PHP settings as "name=value". Default none.
    pub ini: *const *const c_char,
    /// How many settings.
    pub ini_count: usize,
    /// Environment of the scripts as "NAME=value". Default none.
    pub env: *const *const c_char,
    /// How many environment variables.
    pub env_count: usize,
    /// How long it may take until it answers. Default 10000.
    pub start_timeout_ms: i64,
}

// SAFETY: repr(C), begins with its size, integers and pointers that end at multiples of eight bytes.
unsafe impl Sized32 for towline_fpm_options {
    const NAME: &'static str = "towline_fpm_options";
}

impl towline_fpm_options {
    const fn new() -> Self {
        towline_fpm_options {
            size: size_of::<Self>() as u32,
            workers: 4,
            binary: std::ptr::null(),
            ini: std::ptr::null(),
            ini_count: 0,
            env: std::ptr::null(),
            env_count: 0,
            start_timeout_ms: 10_000,
        }
    }

    unsafe fn to_core(self) -> Result<FpmOptions, Failure> {
        if self.workers == 0 {
            return Err(Failure::invalid("workers is 0; expected 1 or more"));
        }
        let start_timeout = deadline("start_timeout_ms", self.start_timeout_ms)?
            .ok_or_else(|| Failure::invalid("start_timeout_ms is -1; expected more than 0 milliseconds"))?;
        // SAFETY: the caller keeps the rules of the header.
        unsafe {
            Ok(FpmOptions {
                workers: self.workers,
                ini: pairs("ini", self.ini, self.ini_count)?,
                env: pairs("env", self.env, self.env_count)?,
                binary: if self.binary.is_null() { None } else { Some(text("binary", self.binary)?.into()) },
                version_hint: None,
                start_timeout,
            })
        }
    }
}

unsafe fn pairs(argument: &str, list: *const *const c_char, count: usize) -> Result<BTreeMap<String, String>, Failure> {
    // SAFETY: the caller keeps the rules of the header.
    let items = unsafe { texts(argument, list, count) }?;
    let split = items.into_iter().map(|item| match item.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Failure::invalid(format!("{argument} has {item:?}; expected \"name=value\""))),
    });
    split.collect()
}

/// A private php-fpm on a socket in a private folder. It ends with towline_fpm_stop(), or with the process.
pub struct towline_fpm {
    fpm: Fpm,
    address: CString,
}

/// Fills options with defaults and sets their size; give sizeof(*options).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fpm_options_init(options: *mut towline_fpm_options, size: usize) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    boundary_status(|| unsafe { sized::init(options, size, &towline_fpm_options::new()) })
}

/// Starts a private php-fpm and waits until it answers. `options` may be NULL for the defaults. On failure `fpm`
/// receives NULL and `error`, unless it is NULL, php-fpm's own words as NUL-terminated text, cut to `error_size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fpm_start(
    options: *const towline_fpm_options,
    fpm: *mut *mut towline_fpm,
    error: *mut c_char,
    error_size: usize,
) -> towline_status {
    let result = boundary(|| {
        if fpm.is_null() {
            return Err(Failure::null("fpm"));
        }
        // SAFETY: not NULL; the caller keeps the rules of the header.
        let options = unsafe {
            fpm.write(std::ptr::null_mut());
            let defaults = towline_fpm_options::new();
            if options.is_null() { defaults } else { sized::read(options, defaults)? }.to_core()?
        };
        let started = Fpm::start(&options)?;
        let address = super::bytes::c_text(started.address());
        // SAFETY: as above.
        unsafe { fpm.write(Box::into_raw(Box::new(towline_fpm { fpm: started, address }))) };
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

/// Its address, for towline_fcgi_client_new(); valid until towline_fpm_stop(). "" for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fpm_address(fpm: *const towline_fpm) -> *const c_char {
    // SAFETY: NULL or a living php-fpm by the caller's promise.
    unsafe { fpm.as_ref() }.map_or(c"".as_ptr(), |fpm| fpm.address.as_ptr())
}

/// The process id of its master; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fpm_pid(fpm: *const towline_fpm) -> u32 {
    // SAFETY: NULL or a living php-fpm by the caller's promise.
    unsafe { fpm.as_ref() }.map_or(0, |fpm| boundary_or(0, || fpm.fpm.pid()))
}

/// Ends it, removes its folder, waits until it is gone, and frees `fpm`; NULL is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fpm_stop(fpm: *mut towline_fpm) {
    if !fpm.is_null() {
        // SAFETY: made by towline_fpm_start and not stopped before, by the caller's promise.
        boundary_or((), || unsafe { Box::from_raw(fpm) }.fpm.stop());
    }
}
