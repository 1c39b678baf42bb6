//! Awaiting: a Fiber is suspended until the loop resumes it; elsewhere the loop is driven.

use super::dispatch::Driver;
use super::errors::{self, Answer};
use super::fiber::{self, Fiber};
use super::state::State;
use ext_php_rs::types::Zval;

/// Something that one may wait for.
pub trait Awaited {
    /// There is nothing (more) to wait for.
    fn is_ready(&self) -> bool;
    /// Has this fiber resumed once it is ready.
    fn add(&self, fiber: Zval);
    /// Forgets a fiber that waits no longer.
    fn remove(&self, fiber: *mut Fiber);
}

/// Returns once `awaited` is ready. Other callbacks run meanwhile.
pub fn wait(state: &State, awaited: &dyn Awaited) -> Answer {
    if awaited.is_ready() {
        return Ok(());
    }
    let fiber = fiber::current();
    // A fiber that is itself dispatching cannot be suspended by what it dispatches: nobody would go on.
    if !fiber.is_null() && !state.frames.borrow().contains(&fiber) {
        while !awaited.is_ready() {
            awaited.add(fiber::value(fiber));
            let resumed = fiber::suspend();
            awaited.remove(fiber);
            resumed?;
        }
        return Ok(());
    }
    driving(state, || {
        while !awaited.is_ready() {
            if state.is_idle()? {
                return Err(errors::error("this future cannot end: nothing is pending in its loop"));
            }
            state.round(None, Driver::Await, &|| awaited.is_ready())?;
        }
        Ok(())
    })
}

/// Notes that the running fiber dispatches while `drive` runs.
pub fn driving<R>(state: &State, drive: impl FnOnce() -> Answer<R>) -> Answer<R> {
    let fiber = fiber::current();
    state.frames.borrow_mut().push(fiber);
    let result = drive();
    let mut frames = state.frames.borrow_mut();
    if let Some(at) = frames.iter().rposition(|frame| *frame == fiber) {
        frames.remove(at);
    }
    drop(frames);
    state.touch();
    result
}
