//! `\Towline\Future`.

use super::class::{self, Class, Declaration, Method, This, class, handler, parse, static_handler};
use super::dispatch::Driver;
use super::errors::{self, Answer};
use super::fiber::Fiber;
use super::gc::Held;
use super::state::{State, Task};
use super::wait::{self, Awaited};
use super::{call, value};
use crate::fastcgi::RequestKey;
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::ffi::zend_object;
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::Zval;
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// What an operation will yield.
pub struct Future {
    /// The `\Towline\Loop` object, so that the loop lives as long as somebody waits on it.
    owner: Zval,
    state: Rc<State>,
    request: RequestKey,
    stage: Cell<Stage>,
    /// The result, or the exception.
    outcome: RefCell<Zval>,
    listeners: RefCell<SmallVec<[Listener; 1]>>,
    /// Somebody will learn of a failure, or has.
    handled: Cell<bool>,
    /// How many wait for it and will learn of a failure if nothing calls them away.
    awaiting: Cell<usize>,
    tracker: RefCell<Option<Rc<Tracker>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Pending,
    Done,
    Failed,
}

enum Listener {
    Done(Zval),
    Error(Zval),
    Fiber(Zval),
}

/// Learns the order in which futures end, for who waits for any of many.
#[derive(Default)]
pub struct Tracker {
    pub ended: RefCell<VecDeque<RequestKey>>,
    /// The fiber that waits; null for none.
    pub fiber: RefCell<Zval>,
}

class!(Future, "Towline\\Future");

impl Class for Future {
    fn methods() -> Vec<Method> {
        let closure = || Arg::new("callback", DataType::object("Closure"));
        let future = || FunctionBuilder::new("onDone", handler!(Future, on_done));
        vec![
            (future().arg(closure()).returns(DataType::Mixed, false, false), MethodFlags::Public),
            (
                FunctionBuilder::new("onError", handler!(Future, on_error)).arg(closure()).returns(
                    DataType::Mixed,
                    false,
                    false,
                ),
                MethodFlags::Public,
            ),
            (
                FunctionBuilder::new("await", handler!(Future, r#await)).returns(DataType::Mixed, false, false),
                MethodFlags::Public,
            ),
            (
                FunctionBuilder::new("cancel", handler!(Future, cancel)).returns(DataType::Void, false, false),
                MethodFlags::Public,
            ),
            (
                FunctionBuilder::new("isDone", handler!(Future, is_done)).returns(DataType::Bool, false, false),
                MethodFlags::Public,
            ),
            (
                FunctionBuilder::new("all", static_handler!(all)).arg(Arg::new("futures", DataType::Iterable)).returns(
                    DataType::Array,
                    false,
                    false,
                ),
                MethodFlags::Public | MethodFlags::Static,
            ),
        ]
    }

    fn declare(class: Declaration) {
        class.fluent(c"ondone").fluent(c"onerror");
    }

    fn debug(&self) -> Option<Zval> {
        let (stage, outcome): (&[u8], &[u8]) = match self.stage.get() {
            Stage::Pending => (b"pending", b""),
            Stage::Done => (b"done", b"result"),
            Stage::Failed => (b"failed", b"error"),
        };
        let mut shown = value::array();
        value::put(&mut shown, b"state", value::string(stage));
        if !outcome.is_empty() {
            value::put(&mut shown, outcome, self.outcome());
        }
        Some(shown)
    }
}

impl Held for Future {
    fn held(&self, visit: &mut dyn FnMut(&Zval)) {
        visit(&self.owner);
        if let Ok(outcome) = self.outcome.try_borrow() {
            visit(&outcome);
        }
        if let Ok(listeners) = self.listeners.try_borrow() {
            for listener in &*listeners {
                match listener {
                    Listener::Done(value) | Listener::Error(value) | Listener::Fiber(value) => visit(value),
                }
            }
        }
    }
}

impl Awaited for Future {
    fn is_ready(&self) -> bool {
        self.stage.get() != Stage::Pending
    }

    fn add(&self, fiber: Zval) {
        self.listeners.borrow_mut().push(Listener::Fiber(fiber));
    }

    fn remove(&self, fiber: *mut Fiber) {
        let is_it =
            |listener: &Listener| matches!(listener, Listener::Fiber(value) if call::object(value) == fiber.cast());
        let mut listeners = self.listeners.borrow_mut();
        let found = listeners.iter().position(is_it).map(|at| listeners.remove(at));
        drop(listeners);
        drop(found);
    }
}

impl Future {
    /// A pending future of a request on a loop.
    pub fn create(owner: Zval, state: Rc<State>, request: RequestKey) -> Zval {
        class::create(Future {
            owner,
            state,
            request,
            stage: Cell::new(Stage::Pending),
            outcome: RefCell::new(Zval::new()),
            listeners: RefCell::default(),
            handled: Cell::new(false),
            awaiting: Cell::new(0),
            tracker: RefCell::new(None),
        })
    }

    /// Marks a failure as somebody's business.
    pub fn handle(&self) {
        self.handled.set(true);
    }

    /// Waits for the end. What it ends with is the caller's business, unless an exception calls the caller away.
    fn await_end(&self) -> Answer {
        self.awaiting.set(self.awaiting.get() + 1);
        let waited = wait::wait(&self.state, self);
        self.awaiting.set(self.awaiting.get() - 1);
        if waited.is_ok() {
            self.handle();
        }
        waited
    }

    /// Has the end noted, under the request's key, which is returned.
    pub fn track(&self, tracker: Rc<Tracker>) -> RequestKey {
        self.handle();
        self.tracker.replace(Some(tracker));
        self.request
    }

    /// Result or exception, once it has ended.
    pub fn outcome(&self) -> Zval {
        self.outcome.borrow().shallow_clone()
    }

    /// Ends the operation with a `CancelledException` that is nobody's surprise.
    pub fn abandon(&self) {
        self.handle();
        self.state.cancel(self.request);
    }
}

/// Ends a future: its listeners become tasks.
pub fn settle(state: &State, future: &Zval, outcome: Result<Zval, Zval>, driver: Driver) {
    let Some(this) = class::of::<Future>(future) else { return };
    let (stage, outcome) = match outcome {
        Ok(result) => (Stage::Done, result),
        Err(exception) => (Stage::Failed, exception),
    };
    this.stage.set(stage);
    let listeners = this.listeners.take();
    let mut unused = Vec::new();
    let mut ready = state.ready.borrow_mut();
    for listener in listeners {
        match (listener, stage) {
            (Listener::Done(closure), Stage::Done) | (Listener::Error(closure), Stage::Failed) => {
                ready.push_back(Task::With(closure, outcome.shallow_clone()));
            }
            (Listener::Fiber(fiber), _) => ready.push_back(Task::Resume(fiber)),
            (listener, _) => unused.push(listener),
        }
    }
    if let Some(tracker) = this.tracker.take() {
        tracker.ended.borrow_mut().push_back(this.request);
        let fiber = tracker.fiber.take();
        if fiber.is_object() {
            ready.push_back(Task::Resume(fiber));
        }
    }
    if stage == Stage::Failed && !this.handled.get() && this.awaiting.get() == 0 {
        if driver == Driver::Loop || !reachable(this.object) {
            this.handle();
            ready.push_back(Task::Throw(outcome.shallow_clone()));
        } else {
            state.failed.borrow_mut().push_back(future.shallow_clone());
        }
    }
    drop(ready);
    this.outcome.replace(outcome);
    drop(unused);
}

/// True when PHP code holds the future besides the operation that ends.
fn reachable(future: *mut zend_object) -> bool {
    // SAFETY: the caller holds a reference.
    unsafe { (*future).gc.refcount > 1 }
}

/// The exception of a kept future, unless somebody has taken care of it meanwhile.
pub fn unhandled(future: &Zval) -> Option<Zval> {
    let this = class::of::<Future>(future)?;
    (!this.handled.replace(true)).then(|| this.outcome())
}

fn closure_argument(arguments: u32) -> Answer<Zval> {
    if let Some(closure) = class::only_object(class::closure_entry()) {
        return Ok(closure.shallow_clone());
    }
    let mut closure: *mut Zval = std::ptr::null_mut();
    parse!(arguments, c"O", &raw mut closure, class::closure_entry())?;
    // SAFETY: the parser succeeded, so this is the first argument.
    Ok(unsafe { (*closure).shallow_clone() })
}

fn listen(this: This<Future>, listener: Listener, ret: &mut Zval) {
    match (this.stage.get(), listener) {
        (Stage::Pending, listener) => this.listeners.borrow_mut().push(listener),
        (Stage::Done, Listener::Done(closure)) | (Stage::Failed, Listener::Error(closure)) => {
            this.state.defer(Task::With(closure, this.outcome()));
        }
        _ => {}
    }
    *ret = class::reference(this.object);
}

fn on_done(this: This<Future>, arguments: u32, ret: &mut Zval) -> Answer {
    let closure = closure_argument(arguments)?;
    listen(this, Listener::Done(closure), ret);
    Ok(())
}

fn on_error(this: This<Future>, arguments: u32, ret: &mut Zval) -> Answer {
    let closure = closure_argument(arguments)?;
    this.handle();
    listen(this, Listener::Error(closure), ret);
    Ok(())
}

fn r#await(this: This<Future>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    *ret = result(this)?;
    Ok(())
}

/// Waits for a future and yields or throws what it ended with.
pub fn result(this: This<Future>) -> Answer<Zval> {
    this.await_end()?;
    match this.stage.get() {
        Stage::Failed => Err(errors::throw_object(&this.outcome())),
        _ => Ok(this.outcome()),
    }
}

fn cancel(this: This<Future>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    this.state.core(|_| ())?;
    if !this.is_ready() {
        this.abandon();
        this.state.touch();
    }
    Ok(())
}

fn is_done(this: This<Future>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    ret.set_bool(this.is_ready());
    Ok(())
}

fn all(arguments: u32, ret: &mut Zval) -> Answer {
    let mut given: *mut Zval = std::ptr::null_mut();
    parse!(arguments, c"z", &raw mut given)?;
    // SAFETY: the parser succeeded, so this is the first argument.
    let given = unsafe { &mut *given };
    let futures = if given.is_array() {
        given.shallow_clone()
    } else if value::is_traversable(given) {
        call::function(c"iterator_to_array", &mut [given.shallow_clone()])?
    } else {
        return Err(errors::argument_type(1, c"iterable", given));
    };
    let Some(table) = futures.array() else { return Ok(()) };
    for (_, element) in value::elements(table) {
        match class::of::<Future>(element) {
            Some(future) => future.handle(),
            None => return Err(errors::argument_type(1, c"iterable of Towline\\Future", element)),
        }
    }
    // Futures of another loop end only when their own loop is driven, so each is waited for in turn.
    let mut failure: Option<Zval> = None;
    let mut results = value::array();
    for (key, element) in value::elements(table) {
        let Some(future) = class::of::<Future>(element) else { continue };
        future.await_end()?;
        match (future.stage.get(), &failure) {
            (Stage::Failed, None) => failure = Some(future.outcome()),
            (Stage::Done, None) => value::put_at(&mut results, key, future.outcome()),
            _ => {}
        }
    }
    match failure {
        Some(exception) => Err(errors::throw_object(&exception)),
        None => {
            *ret = results;
            Ok(())
        }
    }
}
