//! The loop: everything else hangs on it.

use super::bytes::c_text;
use super::docker_call::{self, CallOp};
use super::docker_stream::{self, StreamOp};
use super::panic::{boundary, boundary_or};
use super::send::{self, Lent, Op};
use super::status::{
    Failure, towline_status,
    towline_status::{TOWLINE_ERR_FORKED, TOWLINE_ERR_INVALID, TOWLINE_ERR_STALE, TOWLINE_ERR_THREAD, TOWLINE_OK},
};
use super::timer::{self, TimerOp};
use crate::docker;
use crate::fastcgi::RequestKey;
use crate::reactor::Waker;
use crate::{Event, Loop, TimerKey};
use slotmap::SecondaryMap;
use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_char, c_int, c_void};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What towline_loop_on_wake() registers.
pub type towline_wake_callback = Option<unsafe extern "C" fn(user: *mut c_void)>;

/// An event loop.
pub struct towline_loop {
    // No borrow of any of these is alive while a callback runs.
    pub(super) core: RefCell<Loop>,
    pub(super) requests: RefCell<SecondaryMap<RequestKey, Op>>,
    pub(super) calls: RefCell<SecondaryMap<docker::CallKey, CallOp>>,
    pub(super) streams: RefCell<SecondaryMap<docker::StreamKey, StreamOp>>,
    pub(super) timers: RefCell<SecondaryMap<TimerKey, TimerOp>>,
    /// Lent to sources of request bodies, one at a time.
    pub(super) lent: Cell<Option<Box<Lent>>>,
    error: RefCell<CString>,
    on_wake: Cell<(towline_wake_callback, *mut c_void)>,
    wake: Wake,
    owner: usize,
    /// Calls of run and tick that have not returned.
    depth: Cell<u32>,
    /// Calls of run among them.
    runs: Cell<u32>,
    stop: Cell<bool>,
    freed: Cell<bool>,
}

/// The part that other threads touch.
struct Wake {
    waker: Waker,
    asked: AtomicBool,
}

impl towline_loop {
    fn new() -> Result<Self, Failure> {
        let core = Loop::new()?;
        Ok(towline_loop {
            wake: Wake { waker: core.waker(), asked: AtomicBool::new(false) },
            core: RefCell::new(core),
            requests: RefCell::default(),
            calls: RefCell::default(),
            streams: RefCell::default(),
            timers: RefCell::default(),
            lent: Cell::default(),
            error: RefCell::default(),
            on_wake: Cell::new((None, std::ptr::null_mut())),
            owner: current_thread(),
            depth: Cell::new(0),
            runs: Cell::new(0),
            stop: Cell::new(false),
            freed: Cell::new(false),
        })
    }

    /// False once a callback has freed the loop: nothing may be called or sent any more.
    pub(super) fn is_alive(&self) -> bool {
        !self.freed.get()
    }

    fn tick(&self, timeout: Option<Duration>) -> Result<u32, Failure> {
        self.turn(timeout)?;
        let mut dispatched = 0;
        if self.wake.asked.swap(false, Ordering::AcqRel)
            && let (Some(callback), user) = self.on_wake.get()
        {
            // SAFETY: registered by the program together with its `user`.
            unsafe { callback(user) };
            dispatched += 1;
        }
        dispatched += self.dispatch();
        while !self.stop.get() && !self.freed.get() && self.core.borrow().goes_on() {
            self.turn(Some(Duration::ZERO))?;
            dispatched += self.dispatch();
        }
        Ok(dispatched)
    }

    fn turn(&self, timeout: Option<Duration>) -> Result<(), Failure> {
        match self.core.borrow_mut().turn(timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn dispatch(&self) -> u32 {
        let mut dispatched = 0;
        // What callbacks add to the queue has to wait, or a tick might never end.
        let queued = self.core.borrow().queued();
        for _ in 0..queued {
            if self.stop.get() || self.freed.get() {
                break;
            }
            let Some(event) = self.core.borrow_mut().next_event() else { break };
            let called = match event {
                Event::Timer(key) => timer::dispatch(self, key),
                Event::FastCgi(event) => send::dispatch(self, event),
                Event::Docker(docker::Event::Call { call, kind }) => docker_call::dispatch(self, call, kind),
                Event::Docker(docker::Event::Stream { stream, kind }) => docker_stream::dispatch(self, stream, kind),
                // C programs have no WebSocket servers.
                Event::WebSocket(_) | Event::Terminal(_) => false,
            };
            dispatched += u32::from(called);
        }
        dispatched
    }

    fn run(&self) -> Result<(), Failure> {
        let outer = self.stop.replace(false);
        self.runs.set(self.runs.get() + 1);
        let result = boundary(|| {
            while !self.stop.get() && !self.freed.get() && self.has_pending() {
                self.tick(None)?;
            }
            Ok(())
        });
        self.runs.set(self.runs.get() - 1);
        self.stop.set(outer);
        result
    }

    fn has_pending(&self) -> bool {
        let core = self.core.borrow();
        core.pending() > 0 || core.queued() > 0
    }

    fn fail(&self, failure: &Failure) -> towline_status {
        *self.error.borrow_mut() = c_text(&failure.text);
        failure.status
    }
}

/// Runs the body of an exported function on a loop, unless it must not be used here and now.
///
/// # Safety
/// `pointer` is NULL or a loop that has not been freed.
pub(super) unsafe fn enter(
    pointer: *const towline_loop,
    body: impl FnOnce(&towline_loop) -> Result<(), Failure>,
) -> towline_status {
    // SAFETY: the caller's promise; other threads touch nothing but `wake`, which is made for that.
    let Some(this) = (unsafe { pointer.as_ref() }) else { return TOWLINE_ERR_INVALID };
    if this.owner != current_thread() {
        return TOWLINE_ERR_THREAD;
    }
    let result = boundary(|| {
        if this.freed.get() {
            return Err(Failure::new(TOWLINE_ERR_STALE, "the loop has been freed"));
        }
        if this.core.borrow().is_forked() {
            return Err(Failure::new(
                TOWLINE_ERR_FORKED,
                "this process was forked from the one that made the loop; make another loop here",
            ));
        }
        body(this)
    });
    result.map_or_else(|failure| this.fail(&failure), |()| TOWLINE_OK)
}

/// Deeper nesting is refused before it can exhaust the stack.
const MAX_DEPTH: u32 = 256;

/// [`enter`] for what calls callbacks: a loop freed by one of them goes when the outermost call returns.
///
/// # Safety
/// As [`enter`].
unsafe fn enter_dispatch(
    pointer: *mut towline_loop,
    body: impl FnOnce(&towline_loop) -> Result<(), Failure>,
) -> towline_status {
    let mut gone = None;
    // SAFETY: the caller's promise.
    let status = unsafe {
        enter(pointer, |this| {
            if this.depth.get() >= MAX_DEPTH {
                return Err(Failure::invalid(format!(
                    "towline_loop_run() and towline_loop_tick() are nested {MAX_DEPTH} deep"
                )));
            }
            this.depth.set(this.depth.get() + 1);
            let result = boundary(|| body(this));
            this.depth.set(this.depth.get() - 1);
            if this.freed.get() {
                gone = Some(this.depth.get() == 0);
            }
            result
        })
    };
    match gone {
        None => status,
        Some(outermost) => {
            if outermost {
                // SAFETY: made by towline_loop_new; no other call is using it, and by the rules none will.
                drop_loop(unsafe { Box::from_raw(pointer) });
            }
            TOWLINE_ERR_STALE
        }
    }
}

fn drop_loop(this: Box<towline_loop>) {
    boundary_or((), move || drop(this));
}

/// Tells threads apart without a system call: each has this at an address of its own.
fn current_thread() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}

/// Makes a loop. It belongs to the calling thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_new(r#loop: *mut *mut towline_loop) -> towline_status {
    super::panic::boundary_status(|| {
        if r#loop.is_null() {
            return Err(Failure::null("loop"));
        }
        let new = Box::new(towline_loop::new()?);
        // SAFETY: not NULL, writable by the caller's promise.
        unsafe { r#loop.write(Box::into_raw(new)) };
        Ok(())
    })
}

/// Frees a loop with everything on it; no callback is called any more. NULL is ignored. Inside a callback
/// it takes effect when the outermost towline_loop_run() or towline_loop_tick() returns, with
/// TOWLINE_ERR_STALE. In a forked child it closes the child's descriptors only. Only the thread that made the loop
/// can free it: elsewhere this does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_free(r#loop: *mut towline_loop) {
    // SAFETY: a loop that has not been freed, by the caller's promise.
    let Some(this) = (unsafe { r#loop.as_ref() }) else { return };
    if this.owner != current_thread() {
        return;
    }
    this.freed.set(true);
    if this.depth.get() == 0 {
        // SAFETY: made by towline_loop_new, and no call is using it.
        drop_loop(unsafe { Box::from_raw(r#loop) });
    }
}

/// Dispatches until nothing is pending, or towline_loop_stop() is called. May be called inside a callback, up to
/// 256 deep (TOWLINE_ERR_INVALID beyond): a callback that waits by a nested run keeps those below it waiting too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_run(r#loop: *mut towline_loop) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { enter_dispatch(r#loop, towline_loop::run) }
}

/// One turn: waits at most `timeout_ms` milliseconds (-1: until something happens) and calls the callbacks that are
/// due. `dispatched` receives how many ran; it may be NULL. A turn may end early without a callback:
/// bytes were moved, a signal came, or towline_loop_wake() was called. May be called inside a callback.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_tick(
    r#loop: *mut towline_loop,
    timeout_ms: c_int,
    dispatched: *mut u32,
) -> towline_status {
    if !dispatched.is_null() {
        // SAFETY: not NULL, writable by the caller's promise.
        unsafe { dispatched.write(0) };
    }
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter_dispatch(r#loop, |this| {
            let timeout = match timeout_ms {
                -1 => None,
                ms => Some(Duration::from_millis(u64::try_from(ms).map_err(|_| {
                    Failure::invalid(format!("timeout_ms is {ms}; expected 0 or more, or -1 for no limit"))
                })?)),
            };
            // A stop that was asked for before is for the run around this call.
            let outer = this.stop.replace(false);
            let result = this.tick(timeout);
            this.stop.set(outer || this.stop.get());
            let count = result?;
            if !dispatched.is_null() {
                dispatched.write(count);
            }
            Ok(())
        })
    }
}

/// Makes the innermost towline_loop_run() return after the current callback. What is due then stays for the
/// next run or tick. Outside of towline_loop_run() it does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_stop(r#loop: *mut towline_loop) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            this.stop.set(this.runs.get() > 0);
            Ok(())
        })
    }
}

/// The descriptor to watch for reading (POLLIN) in a foreign loop: readable when towline_loop_tick() has work.
/// Never read from it and never close it. On Linux it also tells of timers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_fd(r#loop: *mut towline_loop, fd: *mut c_int) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            if fd.is_null() {
                return Err(Failure::null("fd"));
            }
            fd.write(this.core.borrow_mut().fd()?);
            Ok(())
        })
    }
}

/// How long a foreign loop may wait, as poll(2) takes it: milliseconds (rounded up), 0 when callbacks are due,
/// -1 when there is no timer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_timeout_ms(r#loop: *mut towline_loop, timeout_ms: *mut c_int) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            if timeout_ms.is_null() {
                return Err(Failure::null("timeout_ms"));
            }
            let timeout = this.core.borrow().timeout();
            timeout_ms.write(
                timeout.map_or(-1, |timeout| {
                    c_int::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX)
                }),
            );
            Ok(())
        })
    }
}

/// Makes a towline_loop_tick() that waits return, or the next one not wait, and has the callback of
/// towline_loop_on_wake() called in the loop's thread. Several calls may be seen as one. The only function that
/// may be called from any thread (while the loop lives), and from a signal handler.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_wake(r#loop: *const towline_loop) -> towline_status {
    if r#loop.is_null() {
        return TOWLINE_ERR_INVALID;
    }
    // SAFETY: a living loop by the caller's promise; `wake` never moves and is made for many threads.
    let wake: &Wake = unsafe { &(*r#loop).wake };
    wake.asked.store(true, Ordering::Release);
    wake.waker.wake();
    TOWLINE_OK
}

/// Sets what is called in the loop's thread after towline_loop_wake(); NULL for nothing. It does not keep
/// towline_loop_run() going.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_on_wake(
    r#loop: *mut towline_loop,
    callback: towline_wake_callback,
    user: *mut c_void,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            this.on_wake.set((callback, user));
            Ok(())
        })
    }
}

/// How many operations (requests, calls, streams, timers) keep towline_loop_run() going. Idle pooled connections do not
/// count.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_pending(r#loop: *mut towline_loop, pending: *mut usize) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            if pending.is_null() {
                return Err(Failure::null("pending"));
            }
            pending.write(this.core.borrow().pending());
            Ok(())
        })
    }
}

/// What was wrong the last time a function on this loop failed: a NUL-terminated sentence, "" before the first
/// failure, never NULL. Valid until the next failure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_loop_error(r#loop: *const towline_loop) -> *const c_char {
    // SAFETY: NULL or a living loop by the caller's promise.
    match unsafe { r#loop.as_ref() } {
        None => c"loop is NULL".as_ptr(),
        Some(this) if this.owner != current_thread() => c"the loop belongs to another thread".as_ptr(),
        Some(this) => boundary_or(c"".as_ptr(), || this.error.borrow().as_ptr()),
    }
}
