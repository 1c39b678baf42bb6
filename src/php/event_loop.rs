//! `\Towline\Loop`.

use super::class::{self, Class, Method, This, class, handler, parse};
use super::dispatch::Driver;
use super::errors::{self, Answer};
use super::gc::Held;
use super::state::{State, Task};
use super::timer::Timer;
use super::{ffi, value, wait};
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::class::ConstructorMeta;
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::Zval;
use std::os::fd::{BorrowedFd, IntoRawFd};
use std::rc::Rc;
use std::time::Duration;

/// Owns what a loop keeps for PHP.
pub struct Loop {
    pub state: Rc<State>,
}

class!(Loop, "Towline\\Loop");

impl Class for Loop {
    fn methods() -> Vec<Method> {
        let closure = || Arg::new("callback", DataType::object("Closure"));
        let seconds = || Arg::new("seconds", DataType::Double);
        let timer = || DataType::object("Towline\\Timer");
        vec![
            (
                FunctionBuilder::new("run", handler!(Loop, run)).returns(DataType::Void, false, false),
                MethodFlags::Public,
            ),
            (
                FunctionBuilder::new("tick", handler!(Loop, tick))
                    .not_required()
                    .arg(Arg::new("timeout", DataType::Double).default("0.0"))
                    .returns(DataType::Long, false, false),
                MethodFlags::Public,
            ),
            (
                FunctionBuilder::new("stop", handler!(Loop, stop)).returns(DataType::Void, false, false),
                MethodFlags::Public,
            ),
            (
                FunctionBuilder::new("defer", handler!(Loop, defer)).arg(closure()).returns(
                    DataType::Void,
                    false,
                    false,
                ),
                MethodFlags::Public,
            ),
            (
                FunctionBuilder::new("delay", handler!(Loop, delay)).arg(seconds()).arg(closure()).returns(
                    timer(),
                    false,
                    false,
                ),
                MethodFlags::Public,
            ),
            (
                FunctionBuilder::new("repeat", handler!(Loop, repeat)).arg(seconds()).arg(closure()).returns(
                    timer(),
                    false,
                    false,
                ),
                MethodFlags::Public,
            ),
            (FunctionBuilder::new("getStream", handler!(Loop, get_stream)), MethodFlags::Public),
            (
                FunctionBuilder::new("getTimeout", handler!(Loop, get_timeout)).returns(DataType::Double, false, true),
                MethodFlags::Public,
            ),
            (
                FunctionBuilder::new("pending", handler!(Loop, pending)).returns(DataType::Long, false, false),
                MethodFlags::Public,
            ),
        ]
    }

    fn construct() -> ConstructorMeta<Self> {
        ConstructorMeta {
            constructor: |ex| {
                class::constructed(ex, |_, arguments| {
                    parse!(arguments, c"")?;
                    Ok(Loop { state: State::new()? })
                })
            },
            build_fn: |function| function,
            flags: None,
        }
    }

    fn debug(&self) -> Option<Zval> {
        let mut shown = value::array();
        value::put(&mut shown, b"pending", value::int(self.state.core_quietly(|core| core.pending()).unwrap_or(0)));
        Some(shown)
    }
}

impl Held for Loop {
    fn held(&self, visit: &mut dyn FnMut(&Zval)) {
        self.state.held(visit);
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        self.state.clear();
    }
}

/// A new loop as a PHP object.
pub fn create() -> Answer<Zval> {
    Ok(class::create(Loop { state: State::new()? }))
}

fn run(this: This<Loop>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    let state = &*this.state;
    state.core(|_| ())?;
    wait::driving(state, |_| {
        // What was asked of the run that this one is nested in is not for this one.
        let outer = state.stop.replace(false);
        let result = run_until_stopped(state);
        state.stop.set(outer);
        result
    })
}

fn run_until_stopped(state: &State) -> Answer {
    while !state.stop.get() && (state.has_tasks() || !state.is_idle(Driver::Loop)?) {
        state.round(None, Driver::Loop, &|| state.stop.get())?;
    }
    Ok(())
}

fn tick(this: This<Loop>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut timeout = 0.0f64;
    parse!(arguments, c"|d", &raw mut timeout)?;
    let timeout = errors::seconds(1, timeout)?;
    let state = &*this.state;
    let wait = if state.has_tasks() { Duration::ZERO } else { timeout };
    let count = wait::driving(state, |_| state.round(Some(wait), Driver::Loop, &|| false))?;
    *ret = value::int(count);
    Ok(())
}

fn stop(this: This<Loop>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    this.state.stop.set(true);
    Ok(())
}

fn defer(this: This<Loop>, arguments: u32, _: &mut Zval) -> Answer {
    let mut closure: *mut Zval = std::ptr::null_mut();
    parse!(arguments, c"O", &raw mut closure, class::closure_entry())?;
    this.state.core(|_| ())?;
    // SAFETY: the parser succeeded, so this is the first argument.
    this.state.defer(Task::Plain(unsafe { (*closure).shallow_clone() }));
    Ok(())
}

fn delay(this: This<Loop>, arguments: u32, ret: &mut Zval) -> Answer {
    start_timer(this, arguments, false, ret)
}

fn repeat(this: This<Loop>, arguments: u32, ret: &mut Zval) -> Answer {
    start_timer(this, arguments, true, ret)
}

fn start_timer(this: This<Loop>, arguments: u32, repeat: bool, ret: &mut Zval) -> Answer {
    let mut seconds = 0.0f64;
    let mut closure: *mut Zval = std::ptr::null_mut();
    parse!(arguments, c"dO", &raw mut seconds, &raw mut closure, class::closure_entry())?;
    let after = errors::seconds(1, seconds)?;
    if repeat && after.is_zero() {
        return Err(errors::argument(1, "must be greater than 0: a timer that repeats needs a beat"));
    }
    let key = this.state.core(|core| core.timer_start(after, repeat))?;
    // SAFETY: the parser succeeded, so this is the second argument.
    let closure = unsafe { (*closure).shallow_clone() };
    this.state.timers.borrow_mut().insert(key, (closure, repeat));
    *ret = class::create(Timer::new(class::reference(this.object), Rc::clone(&this.state), key));
    Ok(())
}

fn get_stream(this: This<Loop>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    let cannot = |error: std::io::Error| errors::runtime(&format!("cannot export the loop's descriptor: {error}"));
    let fd = this.state.core(|core| core.fd())?.map_err(cannot)?;
    // SAFETY: the core keeps its descriptor open while the loop lives.
    let copy = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned().map_err(cannot)?;
    this.state.export();
    // SAFETY: the copy is given away; closing the stream closes only the copy.
    if unsafe { ffi::towline_stream(copy.into_raw_fd(), ret) } {
        Ok(())
    } else {
        Err(errors::runtime("PHP made no stream of the loop's descriptor"))
    }
}

fn get_timeout(this: This<Loop>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    let timeout = this.state.core(|core| core.timeout())?;
    if this.state.has_tasks() {
        ret.set_double(0.0);
    } else if let Some(timeout) = timeout {
        ret.set_double(timeout.as_secs_f64());
    } else {
        ret.set_null();
    }
    Ok(())
}

fn pending(this: This<Loop>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    let pending = this.state.core(|core| core.pending())?;
    let state = &*this.state;
    let tasks = state.ready.borrow().len() + state.sources.borrow().len() + state.deferred.borrow().len();
    *ret = value::int(pending + tasks);
    Ok(())
}
