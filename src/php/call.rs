//! Calls into PHP. Nothing that needs `Drop` outside of PHP's own memory may be on the stack here: a fatal error
//! jumps over these frames, and a Fiber may park them.

use super::errors::{Answer, Thrown};
use super::ffi;
use ext_php_rs::ffi::zend_object;
use ext_php_rs::types::Zval;
use std::ffi::CStr;

/// The object in a value, or null.
pub fn object(value: &Zval) -> *mut zend_object {
    value.object().map_or(std::ptr::null_mut(), |object| std::ptr::from_ref(object).cast_mut())
}

/// True while an exception (or `exit`) is on its way out.
pub fn exception_pending() -> bool {
    // SAFETY: reads one field of the executor's globals.
    unsafe { ffi::towline_exception_pending() }
}

/// Takes the exception that is on its way out; `None` when it is one that nobody may stop (`exit`, a Fiber's end).
pub fn take_exception() -> Option<Zval> {
    let mut exception = Zval::new();
    // SAFETY: the value is empty; the exception's reference becomes its own.
    unsafe { ffi::towline_take_exception(&raw mut exception) }.then_some(exception)
}

/// The outcome of something; what making it threw is its failure, unless nobody may stop that.
pub fn caught(made: Answer<Result<Zval, Zval>>) -> Answer<Result<Zval, Zval>> {
    made.or_else(|thrown| take_exception().map(Err).ok_or(thrown))
}

fn answer(went_well: bool, ret: Zval) -> Answer<Zval> {
    if went_well { Ok(ret) } else { Err(Thrown) }
}

/// Calls a closure.
pub fn closure(closure: &Zval, args: &mut [Zval]) -> Answer<Zval> {
    let mut ret = Zval::new();
    #[allow(clippy::cast_possible_truncation, reason = "never more than two arguments")]
    // SAFETY: the value holds a Closure (checked where it was taken); the arguments live through the call.
    let ok = unsafe { ffi::towline_call(object(closure), args.len() as u32, args.as_mut_ptr(), &raw mut ret) };
    answer(ok, ret)
}

/// Calls a PHP function by its name in lower case.
pub fn function(name: &CStr, args: &mut [Zval]) -> Answer<Zval> {
    let mut ret = Zval::new();
    #[allow(clippy::cast_possible_truncation, reason = "never more than two arguments")]
    // SAFETY: name and arguments live through the call.
    let ok = unsafe {
        let length = name.count_bytes();
        ffi::towline_call_function(name.as_ptr(), length, args.len() as u32, args.as_mut_ptr(), &raw mut ret)
    };
    answer(ok, ret)
}

/// Calls a method without arguments by its name in lower case.
pub fn method(on: &Zval, name: &CStr) -> Answer<Zval> {
    let mut ret = Zval::new();
    // SAFETY: the value holds an object, and its owner keeps it through the call.
    let ok = unsafe { ffi::towline_call_method(object(on), name.as_ptr(), name.count_bytes(), &raw mut ret) };
    answer(ok, ret)
}

/// `new class(argument)`.
pub fn construct(class: &CStr, argument: &mut Zval) -> Answer<Zval> {
    let mut ret = Zval::new();
    // SAFETY: the class is one of PHP's own with a constructor of one argument.
    let ok = unsafe { ffi::towline_construct(class.as_ptr(), argument, &raw mut ret) };
    answer(ok, ret)
}

/// Serves what the VM would serve between two opcodes: signal handlers of pcntl, the limits of time and memory.
pub fn interrupt() -> Answer {
    // SAFETY: called from a function of the extension, so there is a current frame.
    if unsafe { ffi::towline_interrupt() } { Ok(()) } else { Err(Thrown) }
}
