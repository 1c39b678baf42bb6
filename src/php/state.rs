//! What a loop keeps in PHP: the core, and for each handle of the core the values that wait for its events.
//!
//! The `\Towline\Loop` object owns every value in here and reports it to the collector; other objects hold a
//! reference to that object, and this state by `Rc` for speed. Borrows are short: a value is taken out before
//! it is dropped or called, because both may run PHP code that comes back here.

use super::current::Current;
use super::errors::{self, Answer};
use super::websocket_dispatch::Told;
use super::{docker_calls, docker_exec, value, wait};
use crate::docker::{self, CallKey, StreamKey};
use crate::fastcgi::{ClientKey, RequestKey};
use crate::{TimerKey, terminal, websocket};
use ext_php_rs::types::Zval;
use slotmap::SecondaryMap;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

/// What a future is the future of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Request(RequestKey),
    Call(CallKey),
    Stream(StreamKey),
}

/// A request on its way.
pub struct Op {
    /// The `\Towline\Future` object.
    pub future: Zval,
    pub client: ClientKey,
    pub expects: Expects,
    pub callbacks: Option<Box<Callbacks>>,
    /// The program has ended it: whatever comes, it was cancelled.
    pub cancelled: bool,
}

impl Op {
    /// Marks it as cancelled and gives up its closures, to be dropped where no borrow is alive.
    pub fn cancel(&mut self) -> Option<Box<Callbacks>> {
        self.cancelled = true;
        self.callbacks.take()
    }
}

/// What an operation's future will yield.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    Response,
    Status,
    Ping,
    Values,
}

/// The closures of a request while it goes on; null where there is none.
pub struct Callbacks {
    pub head: Zval,
    pub body: Zval,
    pub stderr: Zval,
    pub source: Zval,
}

impl Callbacks {
    /// For most requests there are none, and nothing to keep.
    pub fn keep(self) -> Option<Box<Self>> {
        let Callbacks { head, body, stderr, source } = &self;
        let any = [head, body, stderr, source].into_iter().any(Zval::is_object);
        any.then(|| Box::new(self))
    }

    /// Only that of the body's source.
    pub fn source(source: Zval) -> Option<Box<Self>> {
        let none = Zval::new;
        source.is_object().then(|| Box::new(Callbacks { head: none(), body: none(), stderr: none(), source }))
    }
}

/// A call to an Engine on its way.
pub struct Call {
    /// The `\Towline\Future` object.
    pub future: Zval,
    pub client: docker::ClientKey,
    pub yields: Yields,
    /// The closure that gets the pieces of a streaming answer; null where there is none.
    pub follower: Zval,
    /// The program has ended it: whatever comes, it was cancelled.
    pub cancelled: bool,
}

impl Call {
    /// As [`Op::cancel`].
    pub fn cancel(&mut self) -> Zval {
        self.cancelled = true;
        std::mem::replace(&mut self.follower, Zval::new())
    }
}

/// What a call's future will yield, and what its follower gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Yields {
    /// The array that the answer's JSON is.
    Json,
    /// Status, headers and body; the follower gets bytes.
    Answer,
    /// Null; the follower gets bytes and the number of their stream.
    Log,
    /// Null; the follower gets arrays.
    Events,
    /// Null.
    Nothing,
    /// A `\Towline\Docker\Result`.
    Result,
}

/// Something to do in PHP, now.
pub enum Task {
    /// Calls a closure without arguments.
    Plain(Zval),
    /// Calls a closure with one argument.
    With(Zval, Zval),
    /// Calls the closure of a timer.
    Beat(TimerKey, Zval),
    /// Hands a part of its answer to a request's closure.
    Part(RequestKey, Zval, Zval),
    /// Calls a closure with bytes and the number of the stream they came from.
    Output(Zval, Zval, u8),
    /// Calls a closure with two arguments.
    Pair(Zval, Zval, Zval),
    /// Calls a closure with a WebSocket that has just opened and the request that it was.
    Greet(Zval, Zval, Zval),
    /// Asks a server's closures what to answer to a request; true: it asks for a WebSocket.
    Ask(Zval, Zval, websocket::RequestKey, bool),
    /// Tells the closures of a WebSocket.
    Socket(Zval, Told),
    /// Asks a body's source for at most so many bytes.
    Source(Zval, RequestKey, usize),
    /// Resumes a fiber that awaits.
    Resume(Zval),
    /// Throws an exception that nobody handles.
    Throw(Zval),
}

impl Task {
    /// Bytes that it keeps, but for what objects and arrays hold.
    pub fn size(&self) -> usize {
        let held = match self {
            Task::Part(_, _, bytes)
            | Task::With(_, bytes)
            | Task::Output(_, bytes, _)
            | Task::Pair(_, bytes, _)
            | Task::Socket(_, Told::Message(bytes, _)) => value::bytes_of(bytes).map_or(0, <[u8]>::len),
            _ => 0,
        };
        size_of::<Task>() + held
    }
}

/// A loop and all that PHP waits for on it.
pub struct State {
    /// `None` once the request shuts down.
    core: RefCell<Option<crate::Loop>>,
    pub ops: RefCell<SecondaryMap<RequestKey, Op>>,
    pub calls: RefCell<SecondaryMap<CallKey, Call>>,
    /// The `\Towline\Docker\Exec` objects of streams that have not ended.
    pub streams: RefCell<SecondaryMap<StreamKey, Zval>>,
    /// The `\Towline\WebSocket\Server` objects of servers that have not ended.
    pub servers: RefCell<SecondaryMap<websocket::ServerKey, Zval>>,
    /// The `\Towline\WebSocket\Connection` objects of WebSockets that have not ended.
    pub sockets: RefCell<SecondaryMap<websocket::ConnKey, Zval>>,
    /// The `\Towline\Terminal\Session` objects of sessions that have not ended.
    pub sessions: RefCell<SecondaryMap<terminal::SessionKey, Zval>>,
    /// Timers of WebSockets whose first message is awaited.
    pub deadlines: RefCell<SecondaryMap<TimerKey, websocket::ConnKey>>,
    /// Callbacks that run or wait in a Fiber of their own.
    pub apart: Cell<usize>,
    /// The number of the newest WebSocket.
    last_id: Cell<u64>,
    /// The closure of each timer.
    pub timers: RefCell<SecondaryMap<TimerKey, (Zval, bool)>>,
    /// Due now. What an exception left behind comes first in the next round.
    pub ready: RefCell<VecDeque<Task>>,
    /// Bytes of tasks in `ready` for which nobody dispatched when they came.
    pub left: Cell<usize>,
    /// Bodies' sources to be asked: before all else, for requests wait for it, and nobody is to wait for those in vain.
    pub sources: RefCell<VecDeque<Task>>,
    /// Due in the next round.
    pub deferred: RefCell<VecDeque<Task>>,
    /// Futures that failed while nobody looked, kept for the next `run()` or `tick()`.
    pub failed: RefCell<VecDeque<Zval>>,
    /// The event being turned into values.
    pub current: Current,
    /// What frames need that may be parked in a Fiber, where the collector would not see it.
    pins: RefCell<Vec<Zval>>,
    pub stop: Cell<bool>,
    exported: Cell<bool>,
}

thread_local! {
    /// The loops of this PHP request, to be closed with it.
    static LOOPS: RefCell<Vec<Weak<State>>> = const { RefCell::new(Vec::new()) };
}

impl State {
    pub fn new() -> Answer<Rc<State>> {
        let core = crate::Loop::new().map_err(|error| errors::runtime(&format!("cannot make a loop: {error}")))?;
        let state = Rc::new(State {
            core: RefCell::new(Some(core)),
            ops: RefCell::default(),
            calls: RefCell::default(),
            streams: RefCell::default(),
            servers: RefCell::default(),
            sockets: RefCell::default(),
            sessions: RefCell::default(),
            deadlines: RefCell::default(),
            apart: Cell::new(0),
            last_id: Cell::new(0),
            timers: RefCell::default(),
            ready: RefCell::default(),
            left: Cell::new(0),
            sources: RefCell::default(),
            deferred: RefCell::default(),
            failed: RefCell::default(),
            current: Current::default(),
            pins: RefCell::default(),
            stop: Cell::new(false),
            exported: Cell::new(false),
        });
        LOOPS.with_borrow_mut(|loops| {
            if loops.len() == loops.capacity() {
                loops.retain(|state| state.strong_count() > 0);
            }
            loops.push(Rc::downgrade(&state));
        });
        Ok(state)
    }

    /// Commands the core. `command` may not call PHP.
    pub fn core<R>(&self, command: impl FnOnce(&mut crate::Loop) -> R) -> Answer<R> {
        match self.core.borrow_mut().as_mut() {
            Some(core) if !core.is_forked() => Ok(command(core)),
            Some(_) => Err(errors::runtime(
                "this loop belongs to the process that made it: make a new Towline\\Loop after pcntl_fork()",
            )),
            None => Err(errors::error("this loop is closed: the PHP request is shutting down")),
        }
    }

    /// [`core`](Self::core) where nothing may be thrown: `None` when the loop is closed or another process's.
    pub fn core_quietly<R>(&self, command: impl FnOnce(&mut crate::Loop) -> R) -> Option<R> {
        let mut core = self.core.try_borrow_mut().ok()?;
        core.as_mut().filter(|core| !core.is_forked()).map(command)
    }

    /// A number that no WebSocket of this loop has had.
    pub fn next_id(&self) -> u64 {
        let id = self.last_id.get() + 1;
        self.last_id.set(id);
        id
    }

    /// Cancels an operation, which may have ended already.
    pub fn cancel(&self, operation: Operation) {
        match operation {
            Operation::Request(request) => {
                let callbacks = self.ops.borrow_mut().get_mut(request).map(Op::cancel);
                self.core_quietly(|core| core.fastcgi().cancel(request));
                self.forget_cancelled();
                drop(callbacks);
            }
            Operation::Call(call) => docker_calls::cancel(self, call),
            Operation::Stream(stream) => docker_exec::close_stream(self, stream),
        }
    }

    /// Forgets the parts of answers that nobody wants any more.
    pub fn forget_cancelled(&self) {
        let ops = self.ops.borrow();
        let gone = self.unqueue(|task| match task {
            Task::Part(request, ..) => ops.get(*request).is_some_and(|op| op.cancelled),
            _ => false,
        });
        drop(ops);
        drop(gone);
    }

    /// Takes tasks out of the queue, to be dropped where no borrow is alive.
    pub fn unqueue(&self, unwanted: impl Fn(&Task) -> bool) -> VecDeque<Task> {
        let mut ready = self.ready.borrow_mut();
        if !ready.iter().any(&unwanted) {
            return VecDeque::new();
        }
        let (gone, kept): (VecDeque<Task>, _) = std::mem::take(&mut *ready).into_iter().partition(unwanted);
        *ready = kept;
        self.left.set(self.left.get().saturating_sub(gone.iter().map(Task::size).sum()));
        gone
    }

    /// Has a task done in the next round.
    pub fn defer(&self, task: Task) {
        self.deferred.borrow_mut().push_back(task);
        self.touch();
    }

    /// Keeps an object or array while `wait` may park this frame; the reference is this loop's for that time.
    pub fn pinned<R>(&self, value: Zval, wait: impl FnOnce() -> R) -> R {
        // SAFETY: every kind of value that one may keep here is counted; only the address is used.
        let counted = |value: &Zval| unsafe { value.value.counted };
        let key = counted(&value);
        self.pins.borrow_mut().push(value);
        let result = wait();
        let mut pins = self.pins.borrow_mut();
        let at = pins.iter().rposition(|pin| counted(pin) == key);
        let pin = at.map(|at| pins.remove(at));
        drop(pins);
        drop(pin);
        result
    }

    /// Work that only PHP can do waits.
    pub fn has_tasks(&self) -> bool {
        !self.ready.borrow().is_empty()
            || !self.deferred.borrow().is_empty()
            || !self.sources.borrow().is_empty()
            || !self.failed.borrow().is_empty()
    }

    /// Makes the loop's descriptor readable when tasks wait, for the kernel knows nothing of them.
    pub fn touch(&self) {
        if self.exported.get() && self.has_tasks() {
            self.core_quietly(|core| core.waker().wake());
        }
    }

    /// The descriptor was given to another loop.
    pub fn export(&self) {
        self.exported.set(true);
        self.touch();
    }

    /// Closes every socket; values stay until their owner goes.
    fn close(&self) {
        let core = self.core.try_borrow_mut().ok().and_then(|mut core| core.take());
        drop(core);
    }

    /// Releases every value, one container at a time: destructors may come back.
    pub fn clear(&self) {
        self.close();
        drop(self.ops.take());
        drop(self.calls.take());
        drop(self.streams.take());
        drop(self.servers.take());
        drop(self.sockets.take());
        drop(self.sessions.take());
        drop(self.timers.take());
        drop(self.ready.take());
        drop(self.sources.take());
        drop(self.deferred.take());
        drop(self.failed.take());
        drop(self.pins.take());
    }

    /// Reports every value, for the collector.
    pub fn held(&self, visit: &mut dyn FnMut(&Zval)) {
        if let Ok(ops) = self.ops.try_borrow() {
            for op in ops.values() {
                visit(&op.future);
                if let Some(Callbacks { head, body, stderr, source }) = op.callbacks.as_deref() {
                    [head, body, stderr, source].into_iter().for_each(&mut *visit);
                }
            }
        }
        if let Ok(calls) = self.calls.try_borrow() {
            for call in calls.values() {
                visit(&call.future);
                visit(&call.follower);
            }
        }
        if let Ok(streams) = self.streams.try_borrow() {
            streams.values().for_each(&mut *visit);
        }
        if let Ok(servers) = self.servers.try_borrow() {
            servers.values().for_each(&mut *visit);
        }
        if let Ok(sockets) = self.sockets.try_borrow() {
            sockets.values().for_each(&mut *visit);
        }
        if let Ok(sessions) = self.sessions.try_borrow() {
            sessions.values().for_each(&mut *visit);
        }
        if let Ok(timers) = self.timers.try_borrow() {
            timers.values().for_each(|(closure, _)| visit(closure));
        }
        for queue in [&self.ready, &self.sources, &self.deferred] {
            let Ok(queue) = queue.try_borrow() else { continue };
            for task in &*queue {
                match task {
                    Task::Plain(value)
                    | Task::Beat(_, value)
                    | Task::Source(value, ..)
                    | Task::Resume(value)
                    | Task::Throw(value) => visit(value),
                    Task::With(closure, argument)
                    | Task::Part(_, closure, argument)
                    | Task::Output(closure, argument, _)
                    | Task::Ask(closure, argument, ..)
                    | Task::Socket(closure, Told::Message(argument, _) | Told::Closed(_, argument)) => {
                        visit(closure);
                        visit(argument);
                    }
                    Task::Socket(socket, Told::Open | Told::Drain) => visit(socket),
                    Task::Pair(closure, first, second) | Task::Greet(closure, first, second) => {
                        [closure, first, second].into_iter().for_each(&mut *visit)
                    }
                }
            }
        }
        if let Ok(failed) = self.failed.try_borrow() {
            failed.iter().for_each(&mut *visit);
        }
        if let Ok(pins) = self.pins.try_borrow() {
            pins.iter().for_each(visit);
        }
    }
}

/// Closes every loop of the PHP request that ends. Calls no PHP.
pub fn close_all() {
    wait::forget_frames();
    let loops = LOOPS.with_borrow_mut(std::mem::take);
    for state in loops {
        if let Some(state) = state.upgrade() {
            state.close();
        }
    }
}
