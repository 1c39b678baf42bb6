//! Fibers, as far as awaiting needs them.

use super::errors::{Answer, Thrown};
use super::{call, class, ffi};
use ext_php_rs::types::Zval;

/// A `\Fiber`; only its address is used.
#[repr(C)]
pub struct Fiber {
    _opaque: [u8; 0],
}

/// The running fiber; null in `{main}`.
pub fn current() -> *mut Fiber {
    // SAFETY: reads one field of the executor's globals.
    unsafe { ffi::towline_fiber() }
}

/// True in a fiber that can be suspended: not in one that is being destroyed, nor where switching is blocked.
pub fn may_suspend() -> bool {
    // SAFETY: reads fields of the executor's globals and of the running fiber.
    unsafe { ffi::towline_fiber_may_suspend() }
}

/// True where no fiber can be suspended or resumed, as in a destructor that the cycle collector calls.
pub fn switch_blocked() -> bool {
    // SAFETY: reads one field of the executor's globals.
    unsafe { ffi::zend_fiber_switch_blocked() }
}

/// Bytes of the C stack of the running fiber; in `{main}`, whose stack is not PHP's matter, the largest number.
pub fn stack_size() -> usize {
    // SAFETY: reads fields of the executor's globals.
    unsafe { ffi::towline_fiber_stack_size() }
}

/// A reference to a fiber.
pub fn value(fiber: *mut Fiber) -> Zval {
    // A fiber's first field is its object.
    class::reference(fiber.cast())
}

/// Says what the fibers run that [`start`] makes; MINIT only.
pub fn set_job(job: unsafe extern "C" fn(arguments: *mut Zval)) {
    // SAFETY: MINIT, before any fiber.
    unsafe { ffi::towline_fiber_job(job) };
}

/// Runs the job with these arguments in a fiber of its own, and returns when it has ended or waits. An error is an
/// exception that came out of it, or there can be no fiber.
pub fn start<const N: usize>(mut arguments: [Zval; N]) -> Answer {
    #[allow(clippy::cast_possible_truncation, reason = "a handful")]
    // SAFETY: the arguments live through the call, and the fiber holds references of its own.
    let ok = unsafe { ffi::towline_fiber_start(N as u32, arguments.as_mut_ptr()) };
    if ok { Ok(()) } else { Err(Thrown) }
}

/// Suspends the running fiber; an error is an exception thrown into it.
pub fn suspend() -> Answer {
    // SAFETY: calls a static method of PHP's own.
    if unsafe { ffi::towline_fiber_suspend() } { Ok(()) } else { Err(Thrown) }
}

/// Resumes a suspended fiber; an error is an exception that came out of it.
pub fn resume(fiber: &Zval) -> Answer {
    // SAFETY: the value holds a fiber, made by `value`.
    if unsafe { ffi::towline_fiber_resume(call::object(fiber)) } { Ok(()) } else { Err(Thrown) }
}
