//! Timers of a program.

use super::event_loop::{enter, towline_loop};
use super::handle::Handle;
use super::status::{Failure, towline_status};
use crate::TimerKey;
use std::ffi::c_void;
use std::time::Duration;

/// Called when a timer is due.
pub type towline_timer_callback = Option<unsafe extern "C" fn(user: *mut c_void)>;

#[derive(Clone, Copy)]
pub(super) struct TimerOp {
    callback: unsafe extern "C" fn(user: *mut c_void),
    user: *mut c_void,
}

/// Calls a due timer's callback; false when it was cancelled meanwhile.
pub(super) fn dispatch(this: &towline_loop, key: TimerKey) -> bool {
    let repeats = this.core.borrow().timer_is_active(key);
    let op = if repeats { this.timers.borrow().get(key).copied() } else { this.timers.borrow_mut().remove(key) };
    let Some(op) = op else { return false };
    // SAFETY: registered by the program together with its `user`.
    unsafe { (op.callback)(op.user) };
    true
}

unsafe fn start(
    r#loop: *mut towline_loop,
    (name, ms, least): (&str, i64, u64),
    callback: towline_timer_callback,
    user: *mut c_void,
    timer: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let callback = callback.ok_or_else(|| Failure::null("callback"))?;
            let after = u64::try_from(ms)
                .ok()
                .filter(|ms| *ms >= least)
                .ok_or_else(|| Failure::invalid(format!("{name} is {ms}; expected {least} or more milliseconds")))?;
            let key = this.core.borrow_mut().timer_start(Duration::from_millis(after), name == INTERVAL);
            this.timers.borrow_mut().insert(key, TimerOp { callback, user });
            if !timer.is_null() {
                timer.write(key.to_handle());
            }
            Ok(())
        })
    }
}

const INTERVAL: &str = "interval_ms";

/// Calls `callback` once, after `delay_ms` milliseconds (0: in the next turn). `timer` receives the handle; it may
/// be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_timer_start(
    r#loop: *mut towline_loop,
    delay_ms: i64,
    callback: towline_timer_callback,
    user: *mut c_void,
    timer: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { start(r#loop, ("delay_ms", delay_ms, 0), callback, user, timer) }
}

/// Calls `callback` every `interval_ms` milliseconds (at least 1) until the timer is cancelled. Beats that were
/// missed while the program was busy are not made up for. `timer` receives the handle; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_timer_repeat(
    r#loop: *mut towline_loop,
    interval_ms: i64,
    callback: towline_timer_callback,
    user: *mut c_void,
    timer: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { start(r#loop, (INTERVAL, interval_ms, 1), callback, user, timer) }
}

/// Cancels a timer: its callback is not called any more. TOWLINE_ERR_STALE when it is over already.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_timer_cancel(r#loop: *mut towline_loop, timer: u64) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let key = TimerKey::from_handle(timer)?;
            this.timers.borrow_mut().remove(key).ok_or_else(|| Failure::stale(TimerKey::NAME))?;
            this.core.borrow_mut().timer_cancel(key);
            Ok(())
        })
    }
}
