//! From events to PHP: one event at a time becomes tasks, one task at a time is done.
//!
//! Every call into PHP may come back (send, cancel, `tick()`), throw, exit, park this frame in a Fiber, or never
//! return. So the queues are the only memory: nothing is borrowed and nothing is counted on across a task.

use super::errors::{self, Answer, Thrown};
use super::state::{Callbacks, Expects, Op, State, Task};
use super::{call, class, fiber, future, json, response, value};
use crate::fastcgi::{Error, EventKind, RequestKey};
use crate::{Event, TimerKey, docker, fastcgi};
use ext_php_rs::types::Zval;
use std::io;
use std::time::Duration;

/// Most bytes of tasks that come while somebody waits who does not dispatch: as much as a client's answer may have.
const MOST_LEFT: usize = 64 * 1024 * 1024;

/// Who drives the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// `run()` or `tick()`: failures that nobody handles come out of it.
    Loop,
    /// Somebody who waits for one thing, and whom the failures of others do not concern.
    Await,
    /// The same where callbacks would nest too deep, or where no fiber may be resumed: futures settle and sources of
    /// bodies are asked; all else stays queued for who dispatches further out, up to a bound.
    Quiet,
}

impl State {
    /// One round: what is ready, or else what `timeout` (`None`: for ever) brings. Returns how many tasks were
    /// done; ends early when `done` says so.
    pub fn round(&self, timeout: Option<Duration>, driver: Driver, done: &dyn Fn() -> bool) -> Answer<usize> {
        if driver == Driver::Loop {
            self.throw_forgotten()?;
        }
        if driver != Driver::Quiet {
            let mut deferred = self.deferred.take();
            self.ready.borrow_mut().append(&mut deferred);
            drop(deferred);
        }
        self.wait(timeout, driver)?;
        let mut count = self.do_tasks(driver, done)? + self.do_events(driver, done)?;
        while !done() && self.core(|core| core.goes_on())? {
            self.wait(Some(Duration::ZERO), driver)?;
            count += self.do_events(driver, done)?;
        }
        Ok(count)
    }

    /// What is in the queue. Events that callbacks bring about wait for the next round.
    fn do_events(&self, driver: Driver, done: &dyn Fn() -> bool) -> Answer<usize> {
        let mut count = 0;
        let events = self.core(|core| core.queued())?;
        for _ in 0..events {
            if done() {
                break;
            }
            if driver == Driver::Quiet && self.left.get() > MOST_LEFT {
                return Err(errors::error(&format!(
                    "more than {MOST_LEFT} bytes have come for callbacks that cannot run while this one waits, deep inside others: let callbacks return, or have them wait in a Fiber"
                )));
            }
            let Some(event) = self.core(crate::Loop::next_event)? else { break };
            let before = self.ready.borrow().len();
            self.prepare(event, driver)?;
            if driver == Driver::Quiet {
                let came: usize = self.ready.borrow().iter().skip(before).map(Task::size).sum();
                self.left.set(self.left.get() + came);
            }
            count += self.do_tasks(driver, done)?;
        }
        Ok(count)
    }

    /// Lets the core wait and work, for as long as nothing else is to do.
    fn wait(&self, timeout: Option<Duration>, driver: Driver) -> Answer {
        let tasks = !self.sources.borrow().is_empty() || driver != Driver::Quiet && !self.ready.borrow().is_empty();
        let timeout = if tasks { Some(Duration::ZERO) } else { timeout };
        call::interrupt()?;
        match self.core(|core| core.turn(timeout))? {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => call::interrupt(),
            Err(error) => Err(errors::runtime(&format!("the loop cannot wait for events: {error}"))),
        }
    }

    /// Does what is ready. Who awaits gets back only after all of it: the callbacks of what it waits for are there too.
    fn do_tasks(&self, driver: Driver, done: &dyn Fn() -> bool) -> Answer<usize> {
        let mut count = 0;
        while driver == Driver::Await || !done() {
            let Some(task) = self.next_task(driver) else { break };
            match task {
                Task::Plain(closure) | Task::Beat(_, closure) => drop(call::closure(&closure, &mut [])?),
                Task::With(closure, argument) | Task::Part(_, closure, argument) => {
                    drop(call::closure(&closure, &mut [argument])?);
                }
                Task::Output(closure, bytes, stream) => {
                    drop(call::closure(&closure, &mut [bytes, value::int(stream)])?);
                }
                Task::Greet(closure, socket, http) => self.greet_apart(closure, socket, http)?,
                Task::Pair(closure, first, second) => drop(call::closure(&closure, &mut [first, second])?),
                Task::Ask(server, http, request, upgrade) => self.ask_apart(server, http, request, upgrade)?,
                Task::Socket(socket, told) => self.tell(&socket, told)?,
                Task::Source(closure, request, most) => self.feed(&closure, request, most)?,
                Task::Resume(waiting) => {
                    if let Err(thrown) = fiber::resume(&waiting) {
                        // PHP refused to switch: the fiber waits on, for who drives the loop elsewhere.
                        if fiber::switch_blocked() {
                            self.ready.borrow_mut().push_front(Task::Resume(waiting));
                        }
                        return Err(thrown);
                    }
                }
                Task::Throw(exception) => return Err(errors::throw_object(&exception)),
            }
            count += 1;
            // Dropping the arguments may have run a destructor that threw.
            if call::exception_pending() {
                return Err(Thrown);
            }
        }
        Ok(count)
    }

    fn next_task(&self, driver: Driver) -> Option<Task> {
        let source = self.sources.borrow_mut().pop_front();
        if source.is_some() || driver == Driver::Quiet {
            return source;
        }
        let task = self.ready.borrow_mut().pop_front();
        let size = task.as_ref().map_or(usize::MAX, Task::size);
        self.left.set(self.left.get().saturating_sub(size));
        task
    }

    /// Makes an event into tasks.
    fn prepare(&self, event: Event, driver: Driver) -> Answer {
        match event {
            Event::Timer(key) => {
                self.prepare_timer(key);
                Ok(())
            }
            Event::FastCgi(fastcgi::Event { request, .. }) => {
                self.with_current(event, || self.prepare_request(request, driver))
            }
            Event::Docker(docker::Event::Call { call, .. }) => {
                self.with_current(event, || self.prepare_call(call, driver))
            }
            Event::Docker(docker::Event::Stream { stream, .. }) => {
                self.with_current(event, || self.prepare_stream(stream, driver))
            }
            Event::WebSocket(_) => self.with_current(event, || self.prepare_websocket()),
            Event::Terminal(_) => self.with_current(event, || self.prepare_terminal()),
        }
    }

    fn with_current(&self, event: Event, prepare: impl FnOnce() -> Answer) -> Answer {
        self.current.set(event);
        let outcome = prepare();
        let spent = self.current.take();
        drop(spent);
        outcome
    }

    fn prepare_timer(&self, key: TimerKey) {
        if self.is_overdue(key) {
            return;
        }
        let mut timers = self.timers.borrow_mut();
        let closure = match timers.get(key) {
            Some((closure, true)) => {
                // A beat that nobody came to do yet stands for this one too.
                if self.ready.borrow().iter().any(|task| matches!(task, Task::Beat(other, _) if *other == key)) {
                    return;
                }
                closure.shallow_clone()
            }
            Some((_, false)) => match timers.remove(key) {
                Some((closure, _)) => closure,
                None => return,
            },
            None => return,
        };
        drop(timers);
        self.ready.borrow_mut().push_back(Task::Beat(key, closure));
    }

    fn prepare_request(&self, request: RequestKey, driver: Driver) -> Answer {
        let current = self.current.borrow();
        let Some(Event::FastCgi(event)) = &*current else { return Ok(()) };
        let task = match &event.kind {
            EventKind::Head(_) => {
                let Some(closure) = self.callback(request, |all| &all.head) else { return Ok(()) };
                let object = response::begun();
                drop(current);
                if let Some(Event::FastCgi(fastcgi::Event { kind: EventKind::Head(head), .. })) = self.current.take() {
                    response::set_head(&object, head);
                }
                Task::Part(request, closure, object)
            }
            EventKind::Body(bytes) => {
                let Some(closure) = self.callback(request, |all| &all.body) else { return Ok(()) };
                Task::Part(request, closure, value::received(bytes)?)
            }
            EventKind::Stderr(bytes) => {
                let Some(closure) = self.callback(request, |all| &all.stderr) else { return Ok(()) };
                Task::Part(request, closure, value::received(bytes)?)
            }
            EventKind::WantBody(most) => {
                let Some(closure) = self.callback(request, |all| &all.source) else { return Ok(()) };
                self.sources.borrow_mut().push_back(Task::Source(closure, request, *most));
                return Ok(());
            }
            EventKind::Done(_) | EventKind::Values(_) | EventKind::Failed(_) => {
                drop(current);
                let op = self.ops.borrow_mut().remove(request);
                return match op {
                    Some(op) => self.end(op, driver),
                    None => Ok(()),
                };
            }
        };
        self.ready.borrow_mut().push_back(task);
        Ok(())
    }

    /// One of a request's closures, unless there is none.
    fn callback(&self, request: RequestKey, which: impl Fn(&Callbacks) -> &Zval) -> Option<Zval> {
        let ops = self.ops.borrow();
        ops.get(request)?.callbacks.as_deref().map(which).filter(|closure| closure.is_object()).map(Zval::shallow_clone)
    }

    /// The final event of an operation.
    fn end(&self, op: Op, driver: Driver) -> Answer {
        let outcome = call::caught(self.outcome(&op))?;
        let Op { future, callbacks, .. } = op;
        future::settle(self, &future, outcome, driver);
        drop(callbacks);
        drop(future);
        if call::exception_pending() { Err(Thrown) } else { Ok(()) }
    }

    /// What the final event in `current` means: a value, or an exception object.
    fn outcome(&self, op: &Op) -> Answer<Result<Zval, Zval>> {
        if op.cancelled {
            return Ok(Err(errors::exception(&Error::Cancelled)));
        }
        let current = self.current.borrow();
        let Some(Event::FastCgi(event)) = &*current else { return Ok(Ok(Zval::null())) };
        Ok(match (&event.kind, op.expects) {
            (EventKind::Failed(error), _) => Err(errors::exception(&**error)),
            (EventKind::Values(pairs), _) => {
                let mut array = value::array();
                for (name, text) in pairs {
                    value::put(&mut array, name, value::received(text)?);
                }
                Ok(array)
            }
            (EventKind::Done(answer), Expects::Ping) => {
                Ok(value::bool(answer.head.status() == 200 && answer.body.trim_ascii() == b"pong"))
            }
            (EventKind::Done(answer), Expects::Status) => {
                let (status, text) = (answer.head.status(), value::received(&answer.body)?);
                drop(current);
                json::status(status, text)?
            }
            (EventKind::Done(answer), _) => {
                let object = response::answered(answer)?;
                drop(current);
                if let Some(Event::FastCgi(fastcgi::Event { kind: EventKind::Done(answer), .. })) = self.current.take()
                {
                    response::keep(&object, answer);
                }
                Ok(object)
            }
            _ => Ok(Zval::null()),
        })
    }

    /// Asks a body's source and hands on what it gives.
    fn feed(&self, closure: &Zval, request: RequestKey, most: usize) -> Answer {
        let given = call::closure(closure, &mut [value::int(most)]);
        let given = match given {
            Ok(given) if given.is_null() || given.is_string() => given,
            Ok(mut given) => {
                let type_name = value::type_name(&mut given).to_string_lossy();
                let thrown = errors::type_error(&format!(
                    "the body's source must return a string of at most {most} bytes, or null at the end; {type_name} returned"
                ));
                return self.give_up(request, thrown);
            }
            Err(thrown) => return self.give_up(request, thrown),
        };
        let bytes = value::bytes_of(&given).filter(|bytes| !bytes.is_empty());
        // A refusal fails the request, which is how the program learns of it; a request that ended meanwhile needs none.
        self.core(|core| drop(core.fastcgi().body(request, bytes)))
    }

    /// Ends a request whose source threw. The exception is on its way already, so the future's is not thrown as well.
    fn give_up(&self, request: RequestKey, thrown: Thrown) -> Answer {
        {
            let ops = self.ops.borrow();
            if let Some(future) = ops.get(request).and_then(|op| class::of::<future::Future>(&op.future)) {
                future.handle();
            }
        }
        self.core_quietly(|core| {
            core.fastcgi().fail(request, Error::Source("the source of the request's body failed".into()))
        });
        Err(thrown)
    }

    /// Throws the oldest failure that has been kept and that still nobody handles.
    fn throw_forgotten(&self) -> Answer {
        loop {
            let Some(future) = self.failed.borrow_mut().pop_front() else { return Ok(()) };
            if let Some(exception) = future::unhandled(&future) {
                return Err(errors::throw_object(&exception));
            }
        }
    }

    /// True when nothing will ever happen again that `driver` would do.
    pub fn is_idle(&self, driver: Driver) -> Answer<bool> {
        let queued = || !self.ready.borrow().is_empty() || !self.deferred.borrow().is_empty();
        let tasks = !self.sources.borrow().is_empty() || driver != Driver::Quiet && queued();
        Ok(!tasks && self.core(|core| core.pending() == 0 && core.queued() == 0)?)
    }
}
