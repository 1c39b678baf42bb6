//! `\Towline\Future`.

use super::class::{self, Class, Declaration, Method, This, class, handler, parse, static_handler};
use super::dispatch::Driver;
use super::errors::{self, Answer, Thrown};
use super::fiber::Fiber;
use super::gc::Held;
use super::state::{Operation, State, Task};
use super::wait::{self, Awaited};
use super::{call, value};
use crate::docker::CallKey;
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::ffi::zend_object;
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::{ZendHashTable, Zval};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// What an operation will yield.
pub struct Future {
    /// The `\Towline\Loop` object, so that the loop lives as long as somebody waits on it.
    owner: Zval,
    state: Rc<State>,
    operation: Operation,
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

/// Who wants to know how it ends.
pub enum Listener {
    Done(Zval),
    Error(Zval),
    Fiber(Zval),
}

/// Learns the order in which futures end, for who waits for any of many.
#[derive(Default)]
pub struct Tracker {
    pub ended: RefCell<VecDeque<Operation>>,
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
    /// A pending future of an operation on a loop.
    pub fn create(owner: Zval, state: Rc<State>, operation: Operation) -> Zval {
        class::create(Future {
            owner,
            state,
            operation,
            stage: Cell::new(Stage::Pending),
            outcome: RefCell::new(Zval::new()),
            listeners: RefCell::default(),
            handled: Cell::new(false),
            awaiting: Cell::new(0),
            tracker: RefCell::new(None),
        })
    }

    /// A future that has ended already, with null.
    pub fn done(owner: Zval, state: Rc<State>) -> Zval {
        let done = Future::create(owner, state, Operation::Call(CallKey::default()));
        if let Some(this) = class::of::<Future>(&done) {
            this.stage.set(Stage::Done);
            this.outcome.replace(Zval::null());
        }
        done
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

    /// Has the end noted, under the operation's key, which is returned.
    pub fn track(&self, tracker: Rc<Tracker>) -> Operation {
        self.handle();
        self.tracker.replace(Some(tracker));
        self.operation
    }

    /// Result or exception, once it has ended.
    pub fn outcome(&self) -> Zval {
        self.outcome.borrow().shallow_clone()
    }

    /// Ends the operation with a `CancelledException` that is nobody's surprise.
    pub fn abandon(&self) {
        self.handle();
        self.state.cancel(self.operation);
    }
}

/// Ends a future, of which its operation holds the last reference but the program's: its listeners become tasks.
pub fn settle(state: &State, future: &Zval, outcome: Result<Zval, Zval>, driver: Driver) {
    settle_seen(state, future, outcome, driver, is_shared(future));
}

/// Ends a future. `seen`: the program could still look at it.
pub fn settle_seen(state: &State, future: &Zval, outcome: Result<Zval, Zval>, driver: Driver, seen: bool) {
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
        tracker.ended.borrow_mut().push_back(this.operation);
        let fiber = tracker.fiber.take();
        if fiber.is_object() {
            ready.push_back(Task::Resume(fiber));
        }
    }
    if stage == Stage::Failed && !this.handled.get() && this.awaiting.get() == 0 {
        if driver == Driver::Loop || !seen {
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

/// True when the object in a value is held elsewhere as well.
pub fn is_shared(value: &Zval) -> bool {
    is_shared_object(call::object(value))
}

/// [`is_shared`] of an object that the caller holds one reference to.
pub fn is_shared_object(object: *mut zend_object) -> bool {
    // SAFETY: null, or alive by the caller's reference.
    unsafe { object.as_ref() }.is_some_and(|object| object.gc.refcount > 1)
}

/// The exception of a kept future, unless somebody has taken care of it meanwhile.
pub fn unhandled(future: &Zval) -> Option<Zval> {
    let this = class::of::<Future>(future)?;
    (!this.handled.replace(true)).then(|| this.outcome())
}

/// The closure that is the only argument.
pub fn closure_argument(arguments: u32) -> Answer<Zval> {
    if let Some(closure) = class::only_object(class::closure_entry()) {
        return Ok(closure.shallow_clone());
    }
    let mut closure: *mut Zval = std::ptr::null_mut();
    parse!(arguments, c"O", &raw mut closure, class::closure_entry())?;
    // SAFETY: the parser succeeded, so this is the first argument.
    Ok(unsafe { (*closure).shallow_clone() })
}

/// Has somebody told how a future ends, or has ended.
pub fn listen(this: This<Future>, listener: Listener) {
    if let Listener::Error(_) = listener {
        this.handle();
    }
    match (this.stage.get(), listener) {
        (Stage::Pending, listener) => this.listeners.borrow_mut().push(listener),
        (Stage::Done, Listener::Done(closure)) | (Stage::Failed, Listener::Error(closure)) => {
            this.state.defer(Task::With(closure, this.outcome()));
        }
        _ => {}
    }
}

fn on_done(this: This<Future>, arguments: u32, ret: &mut Zval) -> Answer {
    listen(this, Listener::Done(closure_argument(arguments)?));
    *ret = class::reference(this.object);
    Ok(())
}

fn on_error(this: This<Future>, arguments: u32, ret: &mut Zval) -> Answer {
    listen(this, Listener::Error(closure_argument(arguments)?));
    *ret = class::reference(this.object);
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
    let futures = gathered(given)?;
    // The collector does not see the arguments of a parked frame; their owner from here on is who keeps `futures`.
    drop(std::mem::replace(given, value::array()));
    if call::exception_pending() {
        return Err(Thrown);
    }
    let Some(table) = futures.array().map(std::ptr::from_ref) else { return Ok(()) };
    // SAFETY: the array is not written to, and lives until this function returns: `futures` is its owner.
    let table = unsafe { &*table };
    let Some(first) = value::elements(table).find_map(|(_, element)| class::of::<Future>(element)) else {
        *ret = value::array();
        return Ok(());
    };
    // Whose frame is not parked but drives must be seen to hold them: it may be the only one, of the loop as well.
    let mut states = value::elements(table).filter_map(|(_, element)| class::of::<Future>(element));
    let held = states.any(|future| wait::drives(&future.state)).then(|| futures.shallow_clone());
    let results = first.state.pinned(futures, || all_of(table));
    drop(held);
    *ret = results?;
    Ok(())
}

/// An array of its own of the futures in an iterable: an element that is a reference may get another value at any time.
fn gathered(given: &mut Zval) -> Answer<Zval> {
    let listed = if given.is_array() {
        given.shallow_clone()
    } else if value::is_traversable(given) {
        call::function(c"iterator_to_array", &mut [given.shallow_clone()])?
    } else {
        return Err(errors::argument_type(1, c"iterable", given));
    };
    let mut futures = value::array();
    for (key, element) in listed.array().into_iter().flat_map(value::elements) {
        match class::of::<Future>(element) {
            Some(future) => future.handle(),
            None => return Err(errors::argument_type(1, c"iterable of Towline\\Future", element)),
        }
        value::put_at(&mut futures, key, element.shallow_clone());
    }
    Ok(futures)
}

/// Waits for all; yields what they ended with, or throws the first failure.
fn all_of(futures: &ZendHashTable) -> Answer<Zval> {
    // Futures of another loop end only when their own loop is driven, so each is waited for in turn.
    for future in value::elements(futures).filter_map(|(_, element)| class::of::<Future>(element)) {
        future.await_end()?;
    }
    let mut results = value::array();
    for (key, element) in value::elements(futures) {
        let Some(future) = class::of::<Future>(element) else { continue };
        match future.stage.get() {
            Stage::Failed => return Err(errors::throw_object(&future.outcome())),
            _ => value::put_at(&mut results, key, future.outcome()),
        }
    }
    Ok(results)
}
