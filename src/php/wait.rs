//! Awaiting: a Fiber is suspended until the loop resumes it; elsewhere the loop is driven.

use super::dispatch::Driver;
use super::errors::{self, Answer};
use super::fiber::{self, Fiber};
use super::state::State;
use ext_php_rs::types::Zval;
use std::cell::RefCell;
use std::collections::HashMap;

/// Something that one may wait for.
pub trait Awaited {
    /// There is nothing (more) to wait for.
    fn is_ready(&self) -> bool;
    /// Has this fiber resumed once it is ready.
    fn add(&self, fiber: Zval);
    /// Forgets a fiber that waits no longer.
    fn remove(&self, fiber: *mut Fiber);
}

/// How many may dispatch inside one another on one C stack, whatever the loop. From a third of it on, who waits is
/// [quiet](Driver::Quiet), so that any number of callbacks that wait nests no deeper.
const DEEPEST: usize = 24;

/// What one level takes of a C stack in bytes, and more: a fiber's may be a small one.
const LEVEL: usize = 4096;

/// Whoever dispatches: the loop, and the fiber (null: `{main}`).
type Frame = (*const State, *mut Fiber);

thread_local! {
    /// Innermost last.
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
    /// The fibers that Towline has made for callbacks, each with the loop that dispatched it: its home.
    static HOMES: RefCell<HashMap<*mut Fiber, *const State>> = RefCell::default();
}

/// Returns once `awaited` is ready. Other callbacks run meanwhile.
pub fn wait(state: &State, awaited: &dyn Awaited) -> Answer {
    if awaited.is_ready() {
        return Ok(());
    }
    if !drives(state) {
        let fiber = fiber::current();
        while !awaited.is_ready() {
            awaited.add(fiber::value(fiber));
            let resumed = fiber::suspend();
            awaited.remove(fiber);
            resumed?;
        }
        return Ok(());
    }
    driving(state, |deep| {
        let driver = if deep || fiber::switch_blocked() { Driver::Quiet } else { Driver::Await };
        while !awaited.is_ready() {
            if state.is_idle(driver)? {
                return Err(errors::error("this future cannot end: nothing is pending in its loop"));
            }
            state.round(None, driver, &|| awaited.is_ready())?;
        }
        Ok(())
    })
}

/// True where who waits drives the loop, instead of having the running fiber suspended.
pub fn drives(state: &State) -> bool {
    // A fiber that is itself dispatching cannot be suspended by what it dispatches: nobody would go on.
    let frame: Frame = (std::ptr::from_ref(state), fiber::current());
    !fiber::may_suspend() || FRAMES.with_borrow(|frames| frames.contains(&frame)) || is_nobodys(frame)
}

/// True where a fiber of Towline's would wait for a loop that nobody may ever drive. Its home goes on by itself, and so does a loop
/// that is being driven outside such fibers; one of them that drives it as well may get what it waits for first, and leave.
fn is_nobodys((state, fiber): Frame) -> bool {
    HOMES.with_borrow(|homes| {
        let driven = |frames: &Vec<Frame>| frames.iter().any(|(it, by)| *it == state && !homes.contains_key(by));
        homes.get(&fiber).is_some_and(|home| *home != state) && !FRAMES.with_borrow(driven)
    })
}

/// Notes that the running fiber is one that Towline has made for a callback of `home`, for as long as `run` takes. A fiber
/// that is destroyed returns from it as well.
pub fn at_home<R>(home: &State, run: impl FnOnce() -> R) -> R {
    let fiber = fiber::current();
    HOMES.with_borrow_mut(|homes| homes.insert(fiber, std::ptr::from_ref(home)));
    home.apart.set(home.apart.get() + 1);
    let result = run();
    home.apart.set(home.apart.get().saturating_sub(1));
    HOMES.with_borrow_mut(|homes| homes.remove(&fiber));
    result
}

/// Notes that the running fiber dispatches while `drive` runs, which learns whether that is deep inside other callbacks.
pub fn driving<R>(state: &State, drive: impl FnOnce(bool) -> Answer<R>) -> Answer<R> {
    let frame: Frame = (std::ptr::from_ref(state), fiber::current());
    let depth = FRAMES.with_borrow(|frames| frames.iter().filter(|(_, fiber)| *fiber == frame.1).count());
    let deepest = DEEPEST.min(fiber::stack_size() / LEVEL);
    if depth >= deepest {
        return Err(errors::error(&format!(
            "the loop is driven inside its own callbacks {depth} times over, and deeper it cannot go: let callbacks return, or have them wait in a Fiber"
        )));
    }
    FRAMES.with_borrow_mut(|frames| frames.push(frame));
    let result = drive(depth >= deepest / 3);
    FRAMES.with_borrow_mut(|frames| {
        if let Some(at) = frames.iter().rposition(|other| *other == frame) {
            frames.remove(at);
        }
    });
    state.touch();
    result
}

/// Forgets who dispatched and who waited when a fatal error ended the PHP request.
pub fn forget_frames() {
    FRAMES.take();
    HOMES.take();
}
