//! Structs that begin with their size, so that programs and libraries of different ages fit together.

use super::status::Failure;
use std::mem::size_of;

/// No struct of the header comes near this; a larger size was never set.
const SANE: usize = 4096;

/// A struct that C fills in or has filled in.
///
/// # Safety
/// `repr(C)`, begins with `uint32_t size`, is made of members such that any bytes are a value when they
/// end at a multiple of eight bytes, and only grows.
pub(super) unsafe trait Sized32: Copy {
    /// Its name in the header.
    const NAME: &'static str;
}

/// Reads what the caller's age of the struct has; the rest stays as in `value`.
///
/// # Safety
/// `pointer` is NULL or points to as many readable bytes as its first member says.
pub(super) unsafe fn read<T: Sized32>(pointer: *const T, mut value: T) -> Result<T, Failure> {
    // SAFETY: the caller's promise.
    let size = unsafe { size_at(pointer) }?;
    let known = size.min(size_of::<T>());
    // SAFETY: both hold `known` bytes, and any bytes up to a multiple of eight are a value (`Sized32`).
    unsafe { std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), (&raw mut value).cast(), known) };
    for at in known..size {
        // SAFETY: the struct is `size` bytes long by the caller's promise.
        if unsafe { pointer.cast::<u8>().add(at).read() } != 0 {
            return Err(Failure::invalid(format!(
                "{} sets members that this library (version {}) does not know",
                T::NAME,
                env!("CARGO_PKG_VERSION")
            )));
        }
    }
    Ok(value)
}

/// Writes what the caller's age of the struct has room for; its `size` stays.
///
/// # Safety
/// As [`read`], and writable.
pub(super) unsafe fn write<T: Sized32>(pointer: *mut T, value: &T) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    let size = unsafe { size_at(pointer) }?;
    let skip = size_of::<u32>();
    let from = std::ptr::from_ref(value).cast::<u8>();
    // SAFETY: both hold the bytes from the size on up to the smaller of the two sizes.
    unsafe {
        std::ptr::copy_nonoverlapping(from.add(skip), pointer.cast::<u8>().add(skip), size.min(size_of::<T>()) - skip);
    }
    Ok(())
}

/// Fills a caller's struct of `size` bytes with defaults and sets its size.
///
/// # Safety
/// `pointer` is NULL or points to `size` writable bytes.
pub(super) unsafe fn init<T: Sized32>(pointer: *mut T, size: usize, value: &T) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(Failure::null(T::NAME));
    }
    let stored = check::<T>(size)?;
    // SAFETY: the struct is `size` bytes long by the caller's promise; the size is its first member, and
    // members this library does not know become zero.
    unsafe {
        std::ptr::write_bytes(pointer.cast::<u8>(), 0, size);
        pointer.cast::<u32>().write_unaligned(stored);
        write(pointer, value)
    }
}

unsafe fn size_at<T: Sized32>(pointer: *const T) -> Result<usize, Failure> {
    if pointer.is_null() {
        return Err(Failure::null(T::NAME));
    }
    // SAFETY: not NULL; the struct begins with its size.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    check::<T>(size)?;
    Ok(size)
}

fn check<T: Sized32>(size: usize) -> Result<u32, Failure> {
    u32::try_from(size).ok().filter(|_| (8..=SANE).contains(&size) && size.is_multiple_of(8)).ok_or_else(|| {
        Failure::invalid(format!("{}.size is {size}; expected sizeof({}), here {}", T::NAME, T::NAME, size_of::<T>()))
    })
}
