//! `\Towline\FastCgi\Client`.

use super::class::{self, Class, Declaration, Kind, Method, This, class, handler, parse};
use super::errors::{self, Answer};
use super::future::{self, Future};
use super::gc::Held;
use super::request::Request;
use super::state::{Callbacks, Expects, Op, Operation, State};
use super::{call, event_loop, options, stats, value};
use crate::fastcgi::{Body, ClientKey, Error, SendOptions};
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::class::{ConstructorMeta, RegisteredClass};
use ext_php_rs::ffi::{zend_object, zend_string};
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::Zval;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// A client on a loop, whose object is its read-only property.
pub struct Client {
    pub state: Rc<State>,
    key: ClientKey,
    closed: Cell<bool>,
}

/// The slot of `$loop`.
const LOOP: u32 = 0;

class!(Client, "Towline\\FastCgi\\Client");

impl Held for Client {}

impl Class for Client {
    fn methods() -> Vec<Method> {
        let closure = |name: &str| Arg::new(name, DataType::object("Closure")).allow_null().default("null");
        let timeout = || Arg::new("timeout", DataType::Double).allow_null().default("null");
        let request = || Arg::new("request", DataType::object(Request::CLASS_NAME));
        let future = || DataType::object(Future::CLASS_NAME);
        let path = |default: &str| Arg::new("path", DataType::String).default(default);
        let public = |function: FunctionBuilder<'static>| (function, MethodFlags::Public);
        vec![
            public(
                FunctionBuilder::new("send", handler!(Client, send))
                    .arg(request())
                    .not_required()
                    .arg(closure("onHead"))
                    .arg(closure("onBody"))
                    .arg(closure("onStderr"))
                    .arg(timeout())
                    .returns(future(), false, false),
            ),
            public(
                FunctionBuilder::new("request", handler!(Client, request_and_wait))
                    .arg(request())
                    .not_required()
                    .arg(timeout())
                    .returns(DataType::object(super::response::Response::CLASS_NAME), false, false),
            ),
            public(
                FunctionBuilder::new("each", handler!(Client, super::each::each))
                    .arg(Arg::new("requests", DataType::Iterable))
                    .not_required()
                    .arg(Arg::new("concurrency", DataType::Long).default("8"))
                    .returns(DataType::object("Iterator"), false, false),
            ),
            public(
                FunctionBuilder::new("status", handler!(Client, status))
                    .not_required()
                    .arg(path("'/status'"))
                    .arg(Arg::new("full", DataType::Bool).default("false"))
                    .returns(future(), false, false),
            ),
            public(FunctionBuilder::new("ping", handler!(Client, ping)).not_required().arg(path("'/ping'")).returns(
                future(),
                false,
                false,
            )),
            public(FunctionBuilder::new("getValues", handler!(Client, get_values)).returns(future(), false, false)),
            public(FunctionBuilder::new("stats", handler!(Client, stats_array)).returns(DataType::Array, false, false)),
            public(FunctionBuilder::new("close", handler!(Client, close)).returns(DataType::Void, false, false)),
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
        class.readonly(c"loop", Kind::Object(c"Towline\\Loop")).or_array(c"__construct", 0);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.state.core_quietly(|core| core.fastcgi().release(self.key));
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
    let addresses: Vec<&str> = given.addresses.iter().map(String::as_str).collect();
    let made = state.core(|core| core.fastcgi().client(&addresses, given.options))?;
    let key = made.map_err(|error| errors::throw(&error))?;
    class::set_slot(object, LOOP, owner);
    Ok(Client { state, key, closed: Cell::new(false) })
}

/// Sends a request for a client; its end settles the future that is returned.
pub fn submit(
    this: This<Client>,
    request: This<Request>,
    callbacks: Option<Box<Callbacks>>,
    expects: Expects,
    timeout: Option<Duration>,
) -> Answer<Zval> {
    try_submit(this, request, callbacks, expects, timeout)?.map_err(|error| errors::throw(&error))
}

/// [`submit`] for who has an answer to the client's refusal.
pub fn try_submit(
    this: This<Client>,
    request: This<Request>,
    callbacks: Option<Box<Callbacks>>,
    expects: Expects,
    timeout: Option<Duration>,
) -> Answer<Result<Zval, Error>> {
    open(this)?;
    let given = |which: fn(&Callbacks) -> &Zval| callbacks.as_deref().is_some_and(|all| which(all).is_object());
    let options = SendOptions {
        timeout,
        want_head: given(|all| &all.head),
        stream_body: given(|all| &all.body),
        stream_stderr: given(|all| &all.stderr),
    };
    let body = if given(|all| &all.source) { Body::Source } else { Body::Bytes(request.body_bytes()) };
    let key = match this.state.core(|core| core.fastcgi().send(this.key, &request.encoded, body, options))? {
        Ok(key) => key,
        Err(error) => return Ok(Err(error)),
    };
    let owner = class::slot(this.object, LOOP).shallow_clone();
    let future = Future::create(owner, Rc::clone(&this.state), Operation::Request(key));
    let op = Op { future: future.shallow_clone(), client: this.key, expects, callbacks, cancelled: false };
    this.state.ops.borrow_mut().insert(key, op);
    Ok(Ok(future))
}

fn open(this: This<Client>) -> Answer {
    if this.closed.get() {
        return Err(errors::error("this client is closed: make a new one"));
    }
    Ok(())
}

fn send(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    if let Some(request) = class::only_object(class::entry::<Request>()).and_then(class::of::<Request>) {
        let callbacks = Callbacks::source(request.source());
        *ret = submit(this, request, callbacks, Expects::Response, None)?;
        return Ok(());
    }
    let mut request: *mut Zval = std::ptr::null_mut();
    let (mut head, mut body, mut stderr) = (std::ptr::null_mut(), std::ptr::null_mut(), std::ptr::null_mut());
    let (mut timeout, mut no_timeout) = (0.0f64, true);
    let closure = class::closure_entry();
    parse!(
        arguments,
        c"O|O!O!O!d!",
        &raw mut request,
        class::entry::<Request>(),
        &raw mut head,
        closure,
        &raw mut body,
        closure,
        &raw mut stderr,
        closure,
        &raw mut timeout,
        &raw mut no_timeout,
    )?;
    let timeout = errors::optional_seconds(5, timeout, no_timeout)?;
    let request = request_argument(request)?;
    let callbacks = Callbacks { head: held(head), body: held(body), stderr: held(stderr), source: request.source() };
    *ret = submit(this, request, callbacks.keep(), Expects::Response, timeout)?;
    Ok(())
}

fn request_and_wait(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut request: *mut Zval = std::ptr::null_mut();
    let (mut timeout, mut no_timeout) = (0.0f64, true);
    parse!(arguments, c"O|d!", &raw mut request, class::entry::<Request>(), &raw mut timeout, &raw mut no_timeout)?;
    let timeout = errors::optional_seconds(2, timeout, no_timeout)?;
    let request = request_argument(request)?;
    let callbacks = Callbacks::source(request.source());
    let future = submit(this, request, callbacks, Expects::Response, timeout)?;
    let object = call::object(&future);
    *ret = this.state.pinned(future, || match class::object_of::<Future>(object) {
        Some(future) => future::result(future),
        None => Ok(Zval::null()),
    })?;
    Ok(())
}

fn status(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut path: *mut zend_string = std::ptr::null_mut();
    let mut full = false;
    parse!(arguments, c"|Sb", &raw mut path, &raw mut full)?;
    let path = if path.is_null() { b"/status" } else { value::bytes(path) };
    let query: &[u8] = if full { b"json&full" } else { b"json" };
    *ret = page(this, path, query, Expects::Status)?;
    Ok(())
}

fn ping(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut path: *mut zend_string = std::ptr::null_mut();
    parse!(arguments, c"|S", &raw mut path)?;
    let path = if path.is_null() { b"/ping" } else { value::bytes(path) };
    *ret = page(this, path, b"", Expects::Ping)?;
    Ok(())
}

/// Asks for one of php-fpm's own pages.
fn page(this: This<Client>, path: &[u8], query: &[u8], expects: Expects) -> Answer<Zval> {
    let request = super::request::get(path, query)?;
    match class::of::<Request>(&request) {
        Some(request) => submit(this, request, None, expects, None),
        None => Err(errors::not_constructed::<Request>()),
    }
}

fn get_values(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    open(this)?;
    let sent = this.state.core(|core| core.fastcgi().get_values(this.key))?;
    let key = sent.map_err(|error| errors::throw(&error))?;
    let owner = class::slot(this.object, LOOP).shallow_clone();
    let future = Future::create(owner, Rc::clone(&this.state), Operation::Request(key));
    let (expects, callbacks) = (Expects::Values, None);
    let op = Op { future: future.shallow_clone(), client: this.key, expects, callbacks, cancelled: false };
    this.state.ops.borrow_mut().insert(key, op);
    *ret = future;
    Ok(())
}

fn stats_array(this: This<Client>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    match this.state.core(|core| core.fastcgi().stats(this.key))? {
        Some(stats) => *ret = stats::array(&stats),
        None => return Err(errors::error("this client is closed: it has no statistics any more")),
    }
    Ok(())
}

fn close(this: This<Client>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    if this.closed.get() {
        return Ok(());
    }
    let state = &*this.state;
    state.core(|_| ())?;
    this.closed.set(true);
    // What close() cancels is no surprise to the program, and its callbacks are not wanted any more.
    let mut callbacks = Vec::new();
    for op in state.ops.borrow_mut().values_mut().filter(|op| op.client == this.key) {
        if let Some(future) = class::of::<Future>(&op.future) {
            future.handle();
        }
        callbacks.push(op.cancel());
    }
    state.core(|core| core.fastcgi().close(this.key))?;
    state.forget_cancelled();
    drop(callbacks);
    Ok(())
}

fn held(closure: *mut Zval) -> Zval {
    // SAFETY: null, or an argument of the running function.
    unsafe { closure.as_ref() }.map_or_else(Zval::new, Zval::shallow_clone)
}

/// A request among the arguments.
pub fn request_argument<'a>(request: *mut Zval) -> Answer<This<'a, Request>> {
    // SAFETY: the parser succeeded, so this is an argument of the running function and a Request.
    let request = unsafe { request.as_ref() }.and_then(class::of::<Request>);
    request.ok_or_else(errors::not_constructed::<Request>)
}
