//! `Client::each()` and its iterator, `\Towline\FastCgi\Results`: pulls requests lazily, keeps some on their way, and
//! yields each as it ends.

use super::class::{self, Class, ITERATOR, Method, This, class, handler, parse};
use super::client::{self, Client};
use super::errors::{self, Answer};
use super::fiber::Fiber;
use super::future::{Future, Tracker};
use super::gc::Held;
use super::request::Request;
use super::state::{Callbacks, Expects, Operation, State};
use super::wait::{self, Awaited};
use super::{call, options, value};
use crate::fastcgi::Error;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::ffi::zend_object;
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::Zval;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The answers of many requests, in the order of their completion.
pub struct Results {
    /// The client's object.
    client: Zval,
    state: Rc<State>,
    /// An `\Iterator` over the requests.
    source: Zval,
    concurrency: usize,
    stage: Cell<Stage>,
    /// The requests on their way, each with its key of the iteration and its future.
    flights: RefCell<Vec<(Operation, Zval, Zval)>>,
    tracker: Rc<Tracker>,
    /// Key and request that found the client's queue full.
    refused: RefCell<Option<(Zval, Zval)>>,
    /// What pulling or sending threw, to be thrown again after the answers of what was on its way; null for none.
    failure: RefCell<Zval>,
    /// Somebody waits for the next answer.
    busy: Cell<bool>,
    /// The first answer has been left behind.
    moved: Cell<bool>,
    /// Key and answer that the iterator points at.
    current: RefCell<Option<(Zval, Zval)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was pulled yet.
    New,
    /// There may be more requests.
    Open,
    /// All requests have been pulled.
    Drained,
}

class!(Results, "Towline\\FastCgi\\Results", ITERATOR);

impl Class for Results {
    fn methods() -> Vec<Method> {
        let public = |function: FunctionBuilder<'static>, returns| {
            (function.returns(returns, false, false), MethodFlags::Public)
        };
        vec![
            public(FunctionBuilder::new("current", handler!(Results, current)), DataType::Mixed),
            public(FunctionBuilder::new("key", handler!(Results, key)), DataType::Mixed),
            public(FunctionBuilder::new("next", handler!(Results, next)), DataType::Void),
            public(FunctionBuilder::new("rewind", handler!(Results, rewind)), DataType::Void),
            public(FunctionBuilder::new("valid", handler!(Results, valid)), DataType::Bool),
        ]
    }
}

impl Held for Results {
    fn held(&self, visit: &mut dyn FnMut(&Zval)) {
        visit(&self.client);
        visit(&self.source);
        if let Ok(flights) = self.flights.try_borrow() {
            for (_, key, future) in &*flights {
                visit(key);
                visit(future);
            }
        }
        for pair in [&self.current, &self.refused] {
            if let Ok(pair) = pair.try_borrow()
                && let Some((key, value)) = &*pair
            {
                visit(key);
                visit(value);
            }
        }
        if let Ok(failure) = self.failure.try_borrow() {
            visit(&failure);
        }
        if let Ok(fiber) = self.tracker.fiber.try_borrow() {
            visit(&fiber);
        }
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Awaited for Results {
    fn is_ready(&self) -> bool {
        !self.tracker.ended.borrow().is_empty()
    }

    fn add(&self, fiber: Zval) {
        let before = self.tracker.fiber.replace(fiber);
        drop(before);
    }

    fn remove(&self, _: *mut Fiber) {
        drop(self.tracker.fiber.take());
    }
}

impl Results {
    /// Cancels what is on its way. Looks at no other object: in a cycle those may be gone before this one.
    fn stop(&self) {
        self.stage.set(Stage::Drained);
        let flights = self.flights.take();
        for (request, ..) in &flights {
            self.state.cancel(*request);
        }
        drop(flights);
        drop(self.refused.take());
        self.tracker.ended.borrow_mut().clear();
    }

    /// Goes to the next answer.
    fn advance(&self) -> Answer {
        if self.busy.replace(true) {
            return Err(errors::error("somebody waits for the next answer of this Client::each() already"));
        }
        let outcome = self.advance_alone();
        self.busy.set(false);
        outcome
    }

    fn advance_alone(&self) -> Answer {
        drop(self.current.take());
        if let Err(thrown) = self.fill() {
            let Some(exception) = call::take_exception() else {
                self.stop();
                return Err(thrown);
            };
            self.stage.set(Stage::Drained);
            self.failure.replace(exception);
        }
        while self.current.borrow().is_none() {
            let ended = self.tracker.ended.borrow_mut().pop_front();
            if let Some(request) = ended {
                self.land(request);
            } else if !self.flights.borrow().is_empty() {
                wait::wait(&self.state, self)?;
            } else {
                let failure = self.failure.take();
                return if failure.is_object() { Err(errors::throw_object(&failure)) } else { Ok(()) };
            }
        }
        Ok(())
    }

    /// A request has ended: its answer becomes the current one.
    fn land(&self, request: Operation) {
        let mut flights = self.flights.borrow_mut();
        let Some(at) = flights.iter().position(|(other, ..)| *other == request) else { return };
        let (_, key, future) = flights.swap_remove(at);
        drop(flights);
        if let Some(ended) = class::of::<Future>(&future) {
            self.current.replace(Some((key, ended.outcome())));
        }
    }

    /// Sends requests until enough are on their way, or the client takes no more.
    fn fill(&self) -> Answer {
        while self.current.borrow().is_none() && self.flights.borrow().len() < self.concurrency {
            let refused = self.refused.take();
            let Some((key, mut object)) = (if refused.is_some() { refused } else { self.pull()? }) else { break };
            let Some(request) = class::of::<Request>(&object) else {
                let given = value::type_name(&mut object).to_string_lossy();
                return Err(errors::type_error(&format!(
                    "Client::each() takes Towline\\FastCgi\\Request objects, {given} given among the requests"
                )));
            };
            let Some(client) = class::of::<Client>(&self.client) else { break };
            let callbacks = Callbacks::source(request.source());
            let future = match client::try_submit(client, request, callbacks, Expects::Response, None)? {
                Ok(future) => future,
                Err(error @ Error::QueueFull { .. }) if self.flights.borrow().is_empty() => {
                    self.current.replace(Some((key, errors::exception(&error))));
                    break;
                }
                // One of those on their way will leave room.
                Err(Error::QueueFull { .. }) => {
                    self.refused.replace(Some((key, object)));
                    break;
                }
                Err(error) => return Err(errors::throw(&error)),
            };
            let tracked = class::of::<Future>(&future).map(|future| future.track(Rc::clone(&self.tracker)));
            if let Some(request) = tracked {
                self.flights.borrow_mut().push((request, key, future));
            }
        }
        Ok(())
    }

    /// The next request with its key, from PHP.
    fn pull(&self) -> Answer<Option<(Zval, Zval)>> {
        if self.stage.get() == Stage::Drained {
            return Ok(None);
        }
        let step = if self.stage.replace(Stage::Open) == Stage::New { c"rewind" } else { c"next" };
        drop(call::method(&self.source, step)?);
        if !call::method(&self.source, c"valid")?.coerce_to_bool() {
            self.stage.set(Stage::Drained);
            return Ok(None);
        }
        let request = call::method(&self.source, c"current")?;
        let key = call::method(&self.source, c"key")?;
        Ok(Some((key, request)))
    }
}

/// `Client::each()`.
pub fn each(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut requests: *mut Zval = std::ptr::null_mut();
    let mut concurrency = 8i64;
    parse!(arguments, c"z|l", &raw mut requests, &raw mut concurrency)?;
    let concurrency = options::at_least(2, concurrency, 1)?;
    // SAFETY: the parser succeeded, so this is an argument of the running function.
    let requests = unsafe { &mut *requests };
    let source = if requests.is_array() {
        call::construct(c"ArrayIterator", requests)?
    } else if value::is_traversable(requests) {
        iterator(requests.shallow_clone())?
    } else {
        return Err(errors::argument_type(1, c"iterable", requests));
    };
    *ret = class::create(Results {
        client: class::reference(this.object),
        state: Rc::clone(&this.state),
        source,
        concurrency,
        stage: Cell::new(Stage::New),
        flights: RefCell::default(),
        tracker: Rc::default(),
        refused: RefCell::new(None),
        failure: RefCell::new(Zval::new()),
        busy: Cell::new(false),
        moved: Cell::new(false),
        current: RefCell::new(None),
    });
    Ok(())
}

/// The iterator behind a traversable.
fn iterator(mut of: Zval) -> Answer<Zval> {
    while !is_iterator(call::object(&of)) {
        of = call::method(&of, c"getiterator")?;
        if !value::is_traversable(&of) {
            return Err(errors::type_error("getIterator() of the requests gave no Traversable"));
        }
    }
    Ok(of)
}

fn is_iterator(object: *mut zend_object) -> bool {
    value::instance_of(object, std::ptr::from_ref(ext_php_rs::zend::ce::iterator()).cast_mut())
}

fn start(this: This<Results>) -> Answer {
    if this.stage.get() == Stage::New { this.advance() } else { Ok(()) }
}

fn current(this: This<Results>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    start(this)?;
    *ret = this.current.borrow().as_ref().map_or_else(Zval::null, |(_, answer)| answer.shallow_clone());
    Ok(())
}

fn key(this: This<Results>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    start(this)?;
    *ret = this.current.borrow().as_ref().map_or_else(Zval::null, |(key, _)| key.shallow_clone());
    Ok(())
}

fn next(this: This<Results>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    start(this)?;
    this.moved.set(true);
    this.advance()
}

fn rewind(this: This<Results>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    if this.moved.get() {
        return Err(errors::error("the answers of Client::each() come only once: call each() again"));
    }
    start(this)
}

fn valid(this: This<Results>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    start(this)?;
    ret.set_bool(this.current.borrow().is_some());
    Ok(())
}
