//! `\Towline\WebSocket\Connection`.

use super::class::{self, Class, Declaration, Kind, Method, This, class, handler, parse};
use super::errors::{self, Answer, Thrown};
use super::gc::Held;
use super::state::State;
use super::{call, future, strings, value};
use crate::TimerKey;
use crate::terminal::Size;
use crate::websocket::{self, ConnKey, Error};
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::ffi::zend_string;
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::Zval;
use std::cell::{Cell, RefCell};
use std::ptr::null_mut;
use std::rc::Rc;

/// A WebSocket. Until it has ended the loop holds its object, so the program need not.
pub struct Connection {
    /// The `\Towline\WebSocket\Server` object.
    pub server: Zval,
    pub state: Rc<State>,
    pub key: ConnKey,
    /// What asked for it, until onOpen has been told.
    pub request: RefCell<Zval>,
    /// Who waits for its first message.
    pub welcome: RefCell<Option<Box<Welcome>>>,
    /// What its first message asked for.
    pub wish: Cell<Wish>,
    /// What it says while the program opens a session for it: not read yet.
    pub held: RefCell<Option<Vec<Zval>>>,
    /// A session reads what it says.
    pub attached: Cell<bool>,
    stage: Cell<Stage>,
    callbacks: RefCell<Callbacks>,
}

/// Whom the first message of a terminal's page is for.
pub struct Welcome {
    /// The `\Towline\Terminal\Hub` object.
    pub hub: Zval,
    pub closure: Zval,
    /// The `\Towline\Terminal\Tokens` object, or null.
    pub tokens: Zval,
    pub read_only: bool,
    pub deadline: TimerKey,
}

/// How a page wants to see a terminal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish {
    pub size: Option<Size>,
    pub read_only: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// The program has closed it.
    Closed,
    /// It has ended, and the program has been told.
    Ended,
}

/// Closures that are called while it lives.
#[derive(Default)]
pub struct Callbacks {
    pub message: Vec<Zval>,
    pub close: Vec<Zval>,
    pub drain: Vec<Zval>,
}

const ID: u32 = 0;
const REMOTE_ADDRESS: u32 = 1;

class!(Connection, "Towline\\WebSocket\\Connection");

impl Class for Connection {
    fn methods() -> Vec<Method> {
        let public = |function: FunctionBuilder<'static>, returns: DataType| {
            (function.returns(returns, false, false), MethodFlags::Public)
        };
        let fluent = |function: FunctionBuilder<'static>| {
            let closure = Arg::new("callback", DataType::object("Closure"));
            (function.arg(closure).returns(DataType::Mixed, false, false), MethodFlags::Public)
        };
        let string = |name: &str| Arg::new(name, DataType::String);
        let close = FunctionBuilder::new("close", handler!(Connection, close))
            .not_required()
            .arg(Arg::new("code", DataType::Long).default("1000"))
            .arg(string("reason").default("''"));
        vec![
            fluent(FunctionBuilder::new("onMessage", handler!(Connection, on_message))),
            fluent(FunctionBuilder::new("onClose", handler!(Connection, on_close))),
            fluent(FunctionBuilder::new("onDrain", handler!(Connection, on_drain))),
            public(FunctionBuilder::new("send", handler!(Connection, send)).arg(string("text")), DataType::Long),
            public(
                FunctionBuilder::new("sendBinary", handler!(Connection, send_binary)).arg(string("bytes")),
                DataType::Long,
            ),
            public(FunctionBuilder::new("pause", handler!(Connection, pause)), DataType::Void),
            public(FunctionBuilder::new("resume", handler!(Connection, resume)), DataType::Void),
            public(FunctionBuilder::new("isOpen", handler!(Connection, is_open)), DataType::Bool),
            public(close, DataType::Void),
        ]
    }

    fn declare(class: Declaration) {
        class.readonly(c"id", Kind::Int).readonly(c"remoteAddress", Kind::String);
        for method in [c"onmessage", c"onclose", c"ondrain"] {
            class.fluent(method);
        }
    }
}

impl Held for Connection {
    fn held(&self, visit: &mut dyn FnMut(&Zval)) {
        visit(&self.server);
        if let Ok(request) = self.request.try_borrow() {
            visit(&request);
        }
        if let Ok(welcome) = self.welcome.try_borrow()
            && let Some(welcome) = &*welcome
        {
            [&welcome.hub, &welcome.closure, &welcome.tokens].into_iter().for_each(&mut *visit);
        }
        if let Ok(held) = self.held.try_borrow() {
            held.iter().flatten().for_each(&mut *visit);
        }
        if let Ok(callbacks) = self.callbacks.try_borrow() {
            let Callbacks { message, close, drain } = &*callbacks;
            [message, close, drain].into_iter().flatten().for_each(visit);
        }
    }
}

impl Connection {
    /// True until the program has closed it or been told of its end.
    pub fn is_open(&self) -> bool {
        self.stage.get() == Stage::Open
    }

    /// Does something with closures of a kind, which may not call PHP.
    pub fn with_callbacks(&self, which: impl Fn(&Callbacks) -> &Vec<Zval>, mut each: impl FnMut(&Zval)) {
        which(&self.callbacks.borrow()).iter().rev().for_each(&mut each);
    }

    /// It has ended: gives up its closures, to be dropped where no borrow is alive.
    pub fn ended(&self) -> Callbacks {
        self.stage.set(Stage::Ended);
        self.callbacks.take()
    }

    /// Why a command was refused.
    fn refused(&self, error: &Error) -> Thrown {
        match (error, self.stage.get()) {
            (Error::Stale(_) | Error::Closed, Stage::Closed) => {
                errors::error("this connection is closed: nothing can be sent")
            }
            // The peer may go at any time, which is no mistake of the program's.
            (Error::Stale(_), _) => errors::throw(&Error::Closed),
            _ => errors::throw(error),
        }
    }
}

/// The object of a WebSocket that has just been accepted. `request`: what asked for it.
pub fn create(server: &Zval, state: &Rc<State>, key: ConnKey, request: &Zval, remote: Zval) -> Zval {
    let id = state.next_id();
    let connection = class::create(Connection {
        server: server.shallow_clone(),
        state: Rc::clone(state),
        key,
        request: RefCell::new(request.shallow_clone()),
        welcome: RefCell::new(None),
        wish: Cell::default(),
        held: RefCell::new(None),
        attached: Cell::new(false),
        stage: Cell::new(Stage::Open),
        callbacks: RefCell::default(),
    });
    let object = call::object(&connection);
    class::set_slot(object, ID, value::int(id));
    class::set_slot(object, REMOTE_ADDRESS, remote);
    connection
}

fn on_message(this: This<Connection>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.message)
}

fn on_close(this: This<Connection>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.close)
}

fn on_drain(this: This<Connection>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.drain)
}

fn add(
    this: This<Connection>,
    arguments: u32,
    ret: &mut Zval,
    to: impl Fn(&mut Callbacks) -> &mut Vec<Zval>,
) -> Answer {
    let closure = future::closure_argument(arguments)?;
    if this.stage.get() != Stage::Ended {
        to(&mut this.callbacks.borrow_mut()).push(closure);
    }
    *ret = class::reference(this.object);
    Ok(())
}

fn send(this: This<Connection>, arguments: u32, ret: &mut Zval) -> Answer {
    let text = payload(arguments)?;
    if let Err(error) = std::str::from_utf8(text) {
        let words = format!("must be UTF-8 text, byte {} is not; sendBinary() takes any bytes", error.valid_up_to());
        return Err(errors::argument(1, &words));
    }
    send_message(this, text, false, ret)
}

fn send_binary(this: This<Connection>, arguments: u32, ret: &mut Zval) -> Answer {
    send_message(this, payload(arguments)?, true, ret)
}

/// The only argument, a string.
fn payload<'a>(arguments: u32) -> Answer<&'a [u8]> {
    if let Some(bytes) = class::only_string() {
        return Ok(bytes);
    }
    let mut given: *mut zend_string = null_mut();
    parse!(arguments, c"S", &raw mut given)?;
    Ok(value::bytes(given))
}

fn send_message(this: This<Connection>, data: &[u8], binary: bool, ret: &mut Zval) -> Answer {
    let sent = this.state.core(|core| core.websocket().send(this.key, data, binary))?;
    *ret = value::int(sent.map_err(|error| this.refused(&error))?);
    Ok(())
}

fn pause(this: This<Connection>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    unless_over(this, |websocket| websocket.pause(this.key))
}

fn resume(this: This<Connection>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    unless_over(this, |websocket| websocket.resume(this.key))
}

/// Has the core do something that is of no use, and no fault, once the connection is over.
fn unless_over(
    this: This<Connection>,
    command: impl FnOnce(&mut websocket::Commands<'_, crate::Event>) -> Result<(), Error>,
) -> Answer {
    match this.state.core(|core| command(&mut core.websocket()))? {
        Ok(()) | Err(Error::Stale(_) | Error::Closed) => Ok(()),
        Err(error) => Err(errors::throw(&error)),
    }
}

fn is_open(this: This<Connection>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    let open = this.is_open() && this.state.core(|core| core.websocket().buffered(this.key).is_ok())?;
    ret.set_bool(open);
    Ok(())
}

fn close(this: This<Connection>, arguments: u32, _: &mut Zval) -> Answer {
    let mut code = 1000i64;
    let mut reason: *mut zend_string = null_mut();
    parse!(arguments, c"|lS", &raw mut code, &raw mut reason)?;
    let reason = strings::text(2, reason)?;
    if !matches!(code, 1000..=1003 | 1007..=1013 | 3000..=4999) {
        let words =
            format!("must be a close code that may be sent (1000 to 1003, 1007 to 1013, 3000 to 4999), {code} given");
        return Err(errors::argument(1, &words));
    }
    if reason.len() > MAX_REASON {
        let words = format!("must have at most {MAX_REASON} bytes, {} given", reason.len());
        return Err(errors::argument(2, &words));
    }
    let code = u16::try_from(code).unwrap_or(1000);
    unless_over(this, |websocket| websocket.close(this.key, code, &reason))?;
    if this.is_open() {
        this.stage.set(Stage::Closed);
    }
    Ok(())
}

/// A control frame takes 125 bytes, of which the code has two (RFC 6455, section 5.5).
const MAX_REASON: usize = 123;
