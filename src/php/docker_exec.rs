//! `\Towline\Docker\Exec`: a hijacked stream. Its end is a future of its own, so that waiting for it, failing
//! and being forgotten are what they are for every operation.

use super::class::{self, Class, Declaration, Kind, Method, This, class, handler, parse};
use super::docker_client::{self, Client};
use super::errors::{self, Answer, Failure, Kind as Error, Thrown};
use super::future::{self, Future, Listener};
use super::gc::Held;
use super::state::{Operation, State, Task, Yields};
use super::wait::Awaited;
use super::{call, docker_calls, options, strings, value};
use crate::docker::{self, AttachOptions, Call, ExecOptions, Limits, Size, StreamKey};
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::ffi::{zend_object, zend_string};
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::{ZendHashTable, Zval};
use std::cell::{Cell, RefCell};
use std::ptr::null_mut;
use std::rc::Rc;

/// A stream. While it lives the loop holds its object, so the program need not.
pub struct Exec {
    /// The `\Towline\Docker\Client` object, for what is asked after the end.
    client: Zval,
    state: Rc<State>,
    key: StreamKey,
    /// The container's name for an attached one.
    container: Option<String>,
    /// The `\Towline\Future` of its end.
    end: Zval,
    stage: Cell<Stage>,
    truncated: Cell<bool>,
    callbacks: RefCell<Callbacks>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Live,
    /// The program has closed it.
    Closed,
    /// The process has ended, or the stream has failed.
    Ended,
}

/// Closures that are called while it lives.
#[derive(Default)]
pub struct Callbacks {
    pub open: Vec<Zval>,
    pub output: Vec<Zval>,
    pub drain: Vec<Zval>,
}

/// The slot of `$id`.
const ID: u32 = 0;

class!(Exec, "Towline\\Docker\\Exec");

impl Class for Exec {
    fn methods() -> Vec<Method> {
        let public = |function: FunctionBuilder<'static>, returns: DataType, nullable: bool| {
            (function.returns(returns, false, nullable), MethodFlags::Public)
        };
        let fluent = |function: FunctionBuilder<'static>| {
            let closure = Arg::new("callback", DataType::object("Closure"));
            (function.arg(closure).returns(DataType::Mixed, false, false), MethodFlags::Public)
        };
        let future = || DataType::object(Future::CLASS_NAME);
        let int = |name: &str| Arg::new(name, DataType::Long);
        let bytes = Arg::new("bytes", DataType::String);
        let signal = Arg::new("signal", DataType::String).default("'TERM'");
        vec![
            fluent(FunctionBuilder::new("onOpen", handler!(Exec, on_open))),
            fluent(FunctionBuilder::new("onOutput", handler!(Exec, on_output))),
            fluent(FunctionBuilder::new("onExit", handler!(Exec, on_exit))),
            fluent(FunctionBuilder::new("onError", handler!(Exec, on_error))),
            fluent(FunctionBuilder::new("onDrain", handler!(Exec, on_drain))),
            public(FunctionBuilder::new("write", handler!(Exec, write)).arg(bytes), DataType::Long, false),
            public(FunctionBuilder::new("closeStdin", handler!(Exec, close_stdin)), DataType::Void, false),
            public(
                FunctionBuilder::new("resize", handler!(Exec, resize)).arg(int("rows")).arg(int("columns")),
                DataType::Void,
                false,
            ),
            public(FunctionBuilder::new("pause", handler!(Exec, pause)), DataType::Void, false),
            public(FunctionBuilder::new("resume", handler!(Exec, resume)), DataType::Void, false),
            public(FunctionBuilder::new("kill", handler!(Exec, kill)).not_required().arg(signal), future(), false),
            public(FunctionBuilder::new("inspect", handler!(Exec, inspect)), future(), false),
            public(FunctionBuilder::new("await", handler!(Exec, r#await)), DataType::Long, true),
            public(FunctionBuilder::new("future", handler!(Exec, get_future)), future(), false),
            public(FunctionBuilder::new("isDone", handler!(Exec, is_done)), DataType::Bool, false),
            public(FunctionBuilder::new("isTruncated", handler!(Exec, is_truncated)), DataType::Bool, false),
            public(FunctionBuilder::new("close", handler!(Exec, close)), DataType::Void, false),
        ]
    }

    fn declare(class: Declaration) {
        class.readonly(c"id", Kind::String);
        for method in [c"onopen", c"onoutput", c"onexit", c"onerror", c"ondrain"] {
            class.fluent(method);
        }
    }
}

impl Held for Exec {
    fn held(&self, visit: &mut dyn FnMut(&Zval)) {
        visit(&self.client);
        visit(&self.end);
        if let Ok(callbacks) = self.callbacks.try_borrow() {
            let Callbacks { open, output, drain } = &*callbacks;
            [open, output, drain].into_iter().flatten().for_each(visit);
        }
    }
}

impl Exec {
    /// The client's object.
    pub fn client(&self) -> *mut zend_object {
        call::object(&self.client)
    }

    /// Its loop.
    pub fn state(&self) -> &Rc<State> {
        &self.state
    }

    /// Its handle in the core.
    pub fn key(&self) -> StreamKey {
        self.key
    }

    /// The future of its end.
    pub fn end(&self) -> &Zval {
        &self.end
    }

    /// True when there are closures for such an event.
    pub fn listens(&self, which: impl Fn(&Callbacks) -> &Vec<Zval>) -> bool {
        !which(&self.callbacks.borrow()).is_empty()
    }

    /// Makes one task for each closure that an event is for.
    pub fn tell(&self, which: impl Fn(&Callbacks) -> &Vec<Zval>, task: impl Fn(Zval) -> Task) {
        let callbacks = self.callbacks.borrow();
        let tasks = which(&callbacks).iter().map(|closure| task(closure.shallow_clone()));
        self.state.ready.borrow_mut().extend(tasks);
    }

    /// The program wants no more of it. What is let go of is added to `unwanted`, to be dropped where no borrow is
    /// alive.
    pub fn shut(&self, unwanted: &mut Vec<Zval>) {
        if self.stage.get() != Stage::Live {
            return;
        }
        self.stage.set(Stage::Closed);
        if let Some(end) = class::of::<Future>(&self.end) {
            end.handle();
        }
        self.take_callbacks(unwanted);
    }

    /// Its final event has come: false when the program had closed it before.
    pub fn ended(&self, truncated: bool, unwanted: &mut Vec<Zval>) -> bool {
        self.truncated.set(truncated);
        self.take_callbacks(unwanted);
        let live = self.stage.get() == Stage::Live;
        if live {
            self.stage.set(Stage::Ended);
        }
        live
    }

    fn take_callbacks(&self, unwanted: &mut Vec<Zval>) {
        let Callbacks { open, output, drain } = self.callbacks.take();
        unwanted.extend([open, output, drain].into_iter().flatten());
    }

    /// The process is known to have ended.
    fn has_exited(&self) -> bool {
        self.stage.get() == Stage::Ended
            && class::of::<Future>(&self.end).is_some_and(|end| end.is_ready() && end.outcome().is_long())
    }

    /// Why a command was refused.
    fn refused(&self, error: &docker::Error) -> Thrown {
        match (error.kind(), self.stage.get()) {
            (Error::Stale | Error::Closed, Stage::Closed) => {
                errors::error("this stream is closed: nothing can be written to it")
            }
            (Error::Stale, _) => errors::error("this stream has ended: nothing can be written to it"),
            (Error::Invalid | Error::Closed, _) => errors::error(&error.to_string()),
            _ => errors::throw(error),
        }
    }

    /// Has the core do something that is of no use, and no fault, once the stream is over.
    fn unless_over(
        &self,
        command: impl FnOnce(&mut docker::Commands<'_, crate::Event>) -> Result<(), docker::Error>,
    ) -> Answer {
        let done = self.state.core(|core| command(&mut core.docker()))?;
        match done {
            Err(error) if self.stage.get() == Stage::Live => Err(self.refused(&error)),
            _ => Ok(()),
        }
    }
}

/// Sets the id, once it is known.
pub fn set_id(exec: This<Exec>, id: &str) {
    class::set_slot(exec.object, ID, value::string(id.as_bytes()));
}

/// Closes a stream for the program; its future ends with a `CancelledException`.
pub fn close_stream(state: &State, key: StreamKey) {
    let mut unwanted = Vec::new();
    if let Some(exec) = state.streams.borrow().get(key).and_then(class::of::<Exec>) {
        exec.shut(&mut unwanted);
    }
    state.core_quietly(|core| core.docker().close(key));
    drop(unwanted);
}

/// `Client::exec()`.
pub fn exec(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    let (mut container, mut user, mut folder, mut keys): (
        *mut zend_string,
        *mut zend_string,
        *mut zend_string,
        *mut zend_string,
    ) = Default::default();
    let (mut command, mut env): (*mut ZendHashTable, *mut ZendHashTable) = (null_mut(), null_mut());
    let (mut tty, mut stdin, mut privileged) = (false, false, false);
    let (mut rows, mut columns, mut pause_buffer) = (24i64, 80i64, 1024 * 1024i64);
    parse!(
        arguments,
        c"Sh|bbhSSbllSl",
        &raw mut container,
        &raw mut command,
        &raw mut tty,
        &raw mut stdin,
        &raw mut env,
        &raw mut user,
        &raw mut folder,
        &raw mut privileged,
        &raw mut rows,
        &raw mut columns,
        &raw mut keys,
        &raw mut pause_buffer,
    )?;
    let options = ExecOptions {
        container: strings::text(1, container)?,
        command: strings::list(2, command)?,
        tty,
        stdin,
        env: strings::pairs(5, env)?,
        user: strings::text(6, user)?,
        working_dir: strings::text(7, folder)?,
        privileged,
        size: size(9, rows, columns)?,
        detach_keys: strings::text(11, keys)?,
        limits: limits(12, pause_buffer)?,
    };
    docker_client::open(this)?;
    let started = this.state.core(|core| core.docker().exec(this.key, options))?;
    *ret = create(this, started.map_err(|error| errors::throw(&error))?, None);
    Ok(())
}

/// `Client::attach()`.
pub fn attach(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    let (mut container, mut keys): (*mut zend_string, *mut zend_string) = (null_mut(), null_mut());
    let (mut stdin, mut logs, mut pause_buffer) = (false, false, 1024 * 1024i64);
    parse!(
        arguments,
        c"S|bbSl",
        &raw mut container,
        &raw mut stdin,
        &raw mut logs,
        &raw mut keys,
        &raw mut pause_buffer,
    )?;
    let options = AttachOptions {
        container: strings::text(1, container)?,
        stdin,
        logs,
        detach_keys: strings::text(4, keys)?,
        limits: limits(5, pause_buffer)?,
    };
    docker_client::open(this)?;
    let name = options.container.clone();
    let started = this.state.core(|core| core.docker().attach(this.key, options))?;
    *ret = create(this, started.map_err(|error| errors::throw(&error))?, Some(name));
    Ok(())
}

fn create(client: This<Client>, key: StreamKey, container: Option<String>) -> Zval {
    let end = Future::create(docker_client::owner(client), Rc::clone(&client.state), Operation::Stream(key));
    let exec = class::create(Exec {
        client: class::reference(client.object),
        state: Rc::clone(&client.state),
        key,
        container,
        end,
        stage: Cell::new(Stage::Live),
        truncated: Cell::new(false),
        callbacks: RefCell::default(),
    });
    class::set_slot(call::object(&exec), ID, value::string(b""));
    client.state.streams.borrow_mut().insert(key, exec.shallow_clone());
    exec
}

fn limits(number: u32, pause_buffer: i64) -> Answer<Limits> {
    Ok(Limits { pause_buffer: options::at_least(number, pause_buffer, 0)?, ..Limits::default() })
}

/// Rows are argument `number`, columns the next.
fn size(number: u32, rows: i64, columns: i64) -> Answer<Size> {
    for (number, side) in [(number, rows), (number + 1, columns)] {
        if !(1..=65535).contains(&side) {
            return Err(errors::argument(number, &format!("must be between 1 and 65535, {side} given")));
        }
    }
    Size::new(rows, columns).map_err(|error| errors::throw(&error))
}

fn on_open(this: This<Exec>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.open)
}

fn on_output(this: This<Exec>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.output)
}

fn on_drain(this: This<Exec>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.drain)
}

fn add(this: This<Exec>, arguments: u32, ret: &mut Zval, to: impl Fn(&mut Callbacks) -> &mut Vec<Zval>) -> Answer {
    let closure = future::closure_argument(arguments)?;
    if this.stage.get() == Stage::Live {
        to(&mut this.callbacks.borrow_mut()).push(closure);
    }
    *ret = class::reference(this.object);
    Ok(())
}

fn on_exit(this: This<Exec>, arguments: u32, ret: &mut Zval) -> Answer {
    listen(this, Listener::Done(future::closure_argument(arguments)?), ret)
}

fn on_error(this: This<Exec>, arguments: u32, ret: &mut Zval) -> Answer {
    listen(this, Listener::Error(future::closure_argument(arguments)?), ret)
}

fn listen(this: This<Exec>, listener: Listener, ret: &mut Zval) -> Answer {
    if let Some(end) = class::of::<Future>(&this.end) {
        future::listen(end, listener);
    }
    *ret = class::reference(this.object);
    Ok(())
}

fn write(this: This<Exec>, arguments: u32, ret: &mut Zval) -> Answer {
    let bytes = match class::only_string() {
        Some(bytes) => bytes,
        None => {
            let mut given: *mut zend_string = null_mut();
            parse!(arguments, c"S", &raw mut given)?;
            value::bytes(given)
        }
    };
    let written = this.state.core(|core| core.docker().write(this.key, bytes))?;
    *ret = value::int(written.map_err(|error| this.refused(&error))?);
    Ok(())
}

fn close_stdin(this: This<Exec>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    this.unless_over(|docker| docker.close_stdin(this.key))
}

fn resize(this: This<Exec>, arguments: u32, _: &mut Zval) -> Answer {
    let (mut rows, mut columns) = (0i64, 0i64);
    parse!(arguments, c"ll", &raw mut rows, &raw mut columns)?;
    let size = size(1, rows, columns)?;
    this.unless_over(|docker| docker.resize(this.key, size))
}

fn pause(this: This<Exec>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    this.unless_over(|docker| docker.pause(this.key))
}

fn resume(this: This<Exec>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    this.unless_over(|docker| docker.resume(this.key))
}

fn kill(this: This<Exec>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut signal: *mut zend_string = null_mut();
    parse!(arguments, c"|S", &raw mut signal)?;
    let client = client_of(this)?;
    let signal = strings::optional(1, signal)?.unwrap_or_else(|| "TERM".to_owned());
    let started = this.state.core(|core| core.docker().kill(this.key, &signal))?;
    let key = match started {
        Ok(key) => key,
        Err(error @ docker::Error::Invalid(_)) => return Err(errors::throw(&error)),
        // What has exited need not be killed.
        Err(_) if this.has_exited() => {
            *ret = Future::done(docker_client::owner(client), Rc::clone(&this.state));
            return Ok(());
        }
        Err(_) => {
            let over = if this.stage.get() == Stage::Closed { "is closed" } else { "has ended" };
            return Err(errors::error(&format!("this stream {over}: its process cannot be found any more")));
        }
    };
    *ret = docker_calls::pending(client, key, Yields::Nothing, Zval::new());
    Ok(())
}

fn inspect(this: This<Exec>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    let client = client_of(this)?;
    let started = this.state.core(|core| core.docker().inspect(this.key))?;
    if let Ok(key) = started {
        *ret = docker_calls::pending(client, key, Yields::Json, Zval::new());
        return Ok(());
    }
    let id = class::slot(this.object, ID);
    let id = String::from_utf8_lossy(value::bytes_of(id).unwrap_or_default()).into_owned();
    let call = match &this.container {
        // By the id, once it is known: another may have got the name since.
        Some(name) => {
            let container = if id.is_empty() { name } else { &id };
            Call::inspect(container).map_err(|error| errors::throw(&error))?
        }
        None if id.is_empty() => return Err(errors::error("this exec was never started: there is nothing to inspect")),
        None => Call::inspect_exec(&id),
    };
    *ret = docker_calls::submit(client, Yields::Json, Zval::new(), |docker, client| docker.call(client, call))?;
    Ok(())
}

fn client_of(this: This<'_, Exec>) -> Answer<This<'_, Client>> {
    class::object_of::<Client>(this.client()).ok_or_else(errors::not_constructed::<Client>)
}

fn r#await(this: This<Exec>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    *ret = match class::of::<Future>(&this.end) {
        Some(end) => future::result(end)?,
        None => Zval::null(),
    };
    Ok(())
}

fn get_future(this: This<Exec>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    *ret = this.end.shallow_clone();
    Ok(())
}

fn is_done(this: This<Exec>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    ret.set_bool(class::of::<Future>(&this.end).is_some_and(|end| end.is_ready()));
    Ok(())
}

fn is_truncated(this: This<Exec>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    ret.set_bool(this.truncated.get());
    Ok(())
}

fn close(this: This<Exec>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    this.state.core(|_| ())?;
    if this.stage.get() == Stage::Live {
        close_stream(&this.state, this.key);
        this.state.touch();
    }
    Ok(())
}
