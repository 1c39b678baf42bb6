//! `\Towline\Docker\Client`.

use super::class::{self, Class, Declaration, Kind, Method, This, class, handler, parse};
use super::docker_calls as calls;
use super::docker_exec::{self as exec, Exec};
use super::docker_options as options;
use super::errors::{self, Answer};
use super::future::Future;
use super::gc::Held;
use super::state::{Call, State};
use super::{event_loop, value};
use crate::docker::ClientKey;
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::class::{ConstructorMeta, RegisteredClass};
use ext_php_rs::ffi::zend_object;
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::Zval;
use std::cell::Cell;
use std::rc::Rc;

/// A client of an Engine on a loop, whose object is its read-only property.
pub struct Client {
    pub state: Rc<State>,
    pub key: ClientKey,
    closed: Cell<bool>,
}

/// The slot of `$loop`.
const LOOP: u32 = 0;

class!(Client, "Towline\\Docker\\Client");

impl Held for Client {}

impl Class for Client {
    fn methods() -> Vec<Method> {
        let string = |name: &str| Arg::new(name, DataType::String);
        let text = |name: &str, default: &str| Arg::new(name, DataType::String).default(default);
        let int = |name: &str, default: &str| Arg::new(name, DataType::Long).default(default);
        let flag = |name: &str| Arg::new(name, DataType::Bool).default("false");
        let array = |name: &str| Arg::new(name, DataType::Array).default("[]");
        let closure = |name: &str| Arg::new(name, DataType::object("Closure"));
        let timeout = || Arg::new("timeout", DataType::Double).allow_null().default("null");
        let command = || Arg::new("command", DataType::Array);
        let future = |function: FunctionBuilder<'static>| {
            (function.returns(DataType::object(Future::CLASS_NAME), false, false), MethodFlags::Public)
        };
        let stream = |function: FunctionBuilder<'static>| {
            (function.returns(DataType::object(Exec::CLASS_NAME), false, false), MethodFlags::Public)
        };
        vec![
            stream(
                FunctionBuilder::new("exec", handler!(Client, exec::exec))
                    .arg(string("container"))
                    .arg(command())
                    .not_required()
                    .arg(flag("tty"))
                    .arg(flag("stdin"))
                    .arg(array("env"))
                    .arg(text("user", "''"))
                    .arg(text("workingDir", "''"))
                    .arg(flag("privileged"))
                    .arg(int("rows", "24"))
                    .arg(int("columns", "80"))
                    .arg(text("detachKeys", "''"))
                    .arg(int("pauseBuffer", "1024 * 1024")),
            ),
            future(
                FunctionBuilder::new("run", handler!(Client, calls::run))
                    .arg(string("container"))
                    .arg(command())
                    .not_required()
                    .arg(text("input", "''"))
                    .arg(array("env"))
                    .arg(text("user", "''"))
                    .arg(text("workingDir", "''"))
                    .arg(timeout())
                    .arg(int("maxOutput", "64 * 1024 * 1024")),
            ),
            stream(
                FunctionBuilder::new("attach", handler!(Client, exec::attach))
                    .arg(string("container"))
                    .not_required()
                    .arg(flag("stdin"))
                    .arg(flag("logs"))
                    .arg(text("detachKeys", "''"))
                    .arg(int("pauseBuffer", "1024 * 1024")),
            ),
            future(
                FunctionBuilder::new("logs", handler!(Client, calls::logs))
                    .arg(string("container"))
                    .arg(closure("onOutput"))
                    .not_required()
                    .arg(flag("follow"))
                    .arg(text("tail", "'all'"))
                    .arg(int("since", "0"))
                    .arg(flag("timestamps")),
            ),
            future(
                FunctionBuilder::new("events", handler!(Client, calls::events))
                    .arg(closure("onEvent"))
                    .not_required()
                    .arg(array("filters")),
            ),
            future(
                FunctionBuilder::new("containers", handler!(Client, calls::containers))
                    .not_required()
                    .arg(flag("all"))
                    .arg(array("filters")),
            ),
            future(FunctionBuilder::new("inspect", handler!(Client, calls::inspect)).arg(string("container"))),
            future(FunctionBuilder::new("version", handler!(Client, calls::version))),
            future(
                FunctionBuilder::new("request", handler!(Client, calls::request))
                    .arg(string("method"))
                    .arg(string("path"))
                    .not_required()
                    .arg(Arg::new("body", DataType::Mixed).default("null"))
                    .arg(array("query"))
                    .arg(array("headers"))
                    .arg(closure("onBody").allow_null().default("null"))
                    .arg(timeout()),
            ),
            (
                FunctionBuilder::new("stats", handler!(Client, stats)).returns(DataType::Array, false, false),
                MethodFlags::Public,
            ),
            (
                FunctionBuilder::new("close", handler!(Client, close)).returns(DataType::Void, false, false),
                MethodFlags::Public,
            ),
        ]
    }

    fn construct() -> ConstructorMeta<Self> {
        ConstructorMeta {
            constructor: |ex| class::constructed(ex, construct),
            build_fn: options::arguments,
            flags: None,
        }
    }

    fn declare(class: Declaration) {
        class.readonly(c"loop", Kind::Object(c"Towline\\Loop"));
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.state.core_quietly(|core| core.docker().release(self.key));
    }
}

fn construct(object: *mut zend_object, arguments: u32) -> Answer<Client> {
    let given = options::parse(arguments)?;
    let owner = match given.owner {
        Some(owner) => owner,
        None => event_loop::create()?,
    };
    let Some(state) = class::of::<event_loop::Loop>(&owner).map(|owner| Rc::clone(&owner.state)) else {
        return Err(errors::not_constructed::<event_loop::Loop>());
    };
    let made = state.core(|core| core.docker().client(given.options))?;
    let key = made.map_err(|error| errors::throw(&error))?;
    class::set_slot(object, LOOP, owner);
    Ok(Client { state, key, closed: Cell::new(false) })
}

/// The loop's object.
pub fn owner(this: This<Client>) -> Zval {
    class::slot(this.object, LOOP).shallow_clone()
}

/// Refuses a closed client.
pub fn open(this: This<Client>) -> Answer {
    if this.closed.get() {
        return Err(errors::error("this client is closed: make a new one"));
    }
    Ok(())
}

fn stats(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    let (stats, version) = this.state.core(|core| {
        let docker = core.docker();
        (docker.stats(this.key), docker.version(this.key))
    })?;
    let Some(stats) = stats else {
        return Err(errors::error("this client is closed: it has no statistics any more"));
    };
    let version = version.map_or_else(Zval::null, |version| value::string(version.to_string().as_bytes()));
    let mut all = value::array();
    value::put(&mut all, b"apiVersion", version);
    for (name, count) in [("connects", stats.connects), ("reused", stats.reused), ("retried", stats.retried)] {
        value::put(&mut all, name.as_bytes(), value::int(count));
    }
    for (name, count) in [("idle", stats.idle), ("live", stats.live)] {
        value::put(&mut all, name.as_bytes(), value::int(count));
    }
    *ret = all;
    Ok(())
}

fn close(this: This<Client>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    if this.closed.replace(true) {
        return Ok(());
    }
    let state = &*this.state;
    // What close() cancels is no surprise to the program, and its callbacks are not wanted any more.
    let mut unwanted = Vec::new();
    for call in state.calls.borrow_mut().values_mut().filter(|call| call.client == this.key) {
        if let Some(future) = class::of::<Future>(&call.future) {
            future.handle();
        }
        unwanted.push(Call::cancel(call));
    }
    for stream in state.streams.borrow().values() {
        if let Some(stream) = class::of::<Exec>(stream).filter(|stream| stream.client() == this.object) {
            stream.shut(&mut unwanted);
        }
    }
    state.core(|core| core.docker().close_client(this.key))?;
    drop(unwanted);
    Ok(())
}
