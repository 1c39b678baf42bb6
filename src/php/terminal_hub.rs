//! `\Towline\Terminal\Hub`.

use super::class::{self, Class, Declaration, Kind, Method, This, class, handler, parse};
use super::docker_exec::Exec;
use super::errors::{self, Answer, Thrown};
use super::future::Future;
use super::gc::Held;
use super::state::State;
use super::terminal_session::{self as session, Session};
use super::terminal_tokens::{Shared, Tokens};
use super::websocket_connection::{Connection, Welcome};
use super::{event_loop, options, strings, terminal_hello, value};
use crate::terminal::{Error, HubKey, HubOptions, MAX_SCROLLBACK, SessionKey};
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::class::{ConstructorMeta, RegisteredClass};
use ext_php_rs::ffi::{zend_object, zend_string};
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::Zval;
use std::ptr::null_mut;
use std::rc::Rc;

/// A hub. Its sessions hold it.
pub struct Hub {
    pub state: Rc<State>,
    pub key: HubKey,
}

/// The slot of `$loop`.
const LOOP: u32 = 0;

class!(Hub, "Towline\\Terminal\\Hub");

impl Held for Hub {}

impl Class for Hub {
    fn methods() -> Vec<Method> {
        let public = |function: FunctionBuilder<'static>, returns: DataType, nullable: bool| {
            (function.returns(returns, false, nullable), MethodFlags::Public)
        };
        let session = || DataType::object(Session::CLASS_NAME);
        let id = || Arg::new("id", DataType::String);
        let open = FunctionBuilder::new("open", handler!(Hub, open))
            .arg(Arg::new("exec", DataType::object(Exec::CLASS_NAME)))
            .not_required()
            .arg(id().allow_null().default("null"));
        let welcome = FunctionBuilder::new("welcome", handler!(Hub, welcome))
            .arg(Arg::new("connection", DataType::object(Connection::CLASS_NAME)))
            .arg(Arg::new("callback", DataType::object("Closure")))
            .not_required()
            .arg(Arg::new("tokens", DataType::object(Tokens::CLASS_NAME)).allow_null().default("null"))
            .arg(Arg::new("readOnly", DataType::Bool).default("false"))
            .arg(Arg::new("timeout", DataType::Double).default("10.0"));
        vec![
            public(open, session(), false),
            public(welcome, DataType::Void, false),
            public(FunctionBuilder::new("find", handler!(Hub, find)).arg(id()), session(), true),
            public(FunctionBuilder::new("sessions", handler!(Hub, sessions)), DataType::Array, false),
            public(FunctionBuilder::new("close", handler!(Hub, close)), DataType::Void, false),
        ]
    }

    fn construct() -> ConstructorMeta<Self> {
        ConstructorMeta { constructor: |ex| class::constructed(ex, construct), build_fn: arguments, flags: None }
    }

    fn declare(class: Declaration) {
        class.readonly(c"loop", Kind::Object(c"Towline\\Loop"));
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.state.core_quietly(|core| core.terminal().close_hub(self.key));
    }
}

fn arguments(function: FunctionBuilder) -> FunctionBuilder {
    let int = |name: &str, default: &str| Arg::new(name, DataType::Long).default(default);
    let float = |name: &str, default: &str| Arg::new(name, DataType::Double).default(default);
    function
        .not_required()
        .arg(Arg::new("loop", DataType::object("Towline\\Loop")).allow_null().default("null"))
        .arg(int("scrollback", "262144"))
        .arg(float("linger", "300.0"))
        .arg(Arg::new("idleTimeout", DataType::Double).allow_null().default("null"))
        .arg(int("maxSessions", "10000"))
        .arg(int("highWatermark", "1024 * 1024"))
        .arg(float("pauseLimit", "30.0"))
}

fn construct(object: *mut zend_object, arguments: u32) -> Answer<Hub> {
    let mut owner: *mut Zval = null_mut();
    let (mut scrollback, mut max_sessions, mut high_watermark) = (262_144i64, 10_000i64, 1024 * 1024i64);
    let (mut linger, mut pause) = (300.0f64, 30.0f64);
    let (mut idle, mut no_idle) = (0.0f64, true);
    parse!(
        arguments,
        c"|O!ldd!lld",
        &raw mut owner,
        class::entry::<event_loop::Loop>(),
        &raw mut scrollback,
        &raw mut linger,
        &raw mut idle,
        &raw mut no_idle,
        &raw mut max_sessions,
        &raw mut high_watermark,
        &raw mut pause,
    )?;
    // SAFETY: the parser succeeded, so this is null or an argument of the running function.
    let owner = unsafe { owner.as_ref() }.map(Zval::shallow_clone);
    let options = HubOptions {
        scrollback: options::at_most(2, options::at_least(2, scrollback, 0)?, MAX_SCROLLBACK)?,
        linger: errors::seconds(3, linger)?,
        idle_timeout: errors::optional_seconds(4, idle, no_idle)?,
        max_sessions: options::at_least(5, max_sessions, 1)?,
        high_watermark: options::at_least(6, high_watermark, 1)?,
        pause_lift: errors::seconds(7, pause)?,
    };
    let owner = match owner {
        Some(owner) => owner,
        None => event_loop::create()?,
    };
    let Some(state) = class::of::<event_loop::Loop>(&owner).map(|owner| Rc::clone(&owner.state)) else {
        return Err(errors::not_constructed::<event_loop::Loop>());
    };
    let key = state.core(|core| core.terminal().hub(options))?.map_err(|error| errors::throw(&error))?;
    class::set_slot(object, LOOP, owner);
    Ok(Hub { state, key })
}

/// Why a command on a hub was refused.
fn refused(error: &Error) -> Thrown {
    match error {
        Error::Stale("hub") => errors::error("this hub is closed: make a new one"),
        Error::Stale(_) => errors::error("this exec has ended: a session needs a process"),
        Error::Exists(_) => errors::argument(2, &format!("must be new: {error}")),
        _ => errors::throw(error),
    }
}

fn open(this: This<Hub>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut exec: *mut Zval = null_mut();
    let mut id: *mut zend_string = null_mut();
    parse!(arguments, c"O|S!", &raw mut exec, class::entry::<Exec>(), &raw mut id)?;
    // SAFETY: the parser succeeded, so this is the first argument.
    let exec = unsafe { &*exec };
    let Some(exec) = class::of::<Exec>(exec) else { return Err(errors::not_constructed::<Exec>()) };
    if !Rc::ptr_eq(exec.state(), &this.state) {
        return Err(errors::argument(1, "must be on the hub's own loop: give its client the same one"));
    }
    let id = strings::optional(2, id)?;
    let opened = this.state.core(|core| {
        let mut terminal = core.terminal();
        let key = terminal.open(this.key, exec.key(), id.as_deref())?;
        Ok((key, terminal.id(key)?.to_owned()))
    })?;
    let (key, id) = opened.map_err(|error| refused(&error))?;
    // Viewers are told when it fails, and so is who has asked for it.
    if let Some(end) = class::of::<Future>(exec.end()) {
        end.handle();
    }
    *ret = session::create(this, key, value::string(id.as_bytes()));
    Ok(())
}

fn welcome(this: This<Hub>, arguments: u32, _: &mut Zval) -> Answer {
    let (mut connection, mut callback, mut tokens): (*mut Zval, *mut Zval, *mut Zval) = Default::default();
    let (mut read_only, mut timeout) = (false, 10.0f64);
    parse!(
        arguments,
        c"OO|O!bd",
        &raw mut connection,
        class::entry::<Connection>(),
        &raw mut callback,
        class::closure_entry(),
        &raw mut tokens,
        class::entry::<Tokens>(),
        &raw mut read_only,
        &raw mut timeout,
    )?;
    let timeout = errors::seconds(5, timeout)?;
    // SAFETY: the parser succeeded, so these are arguments of the running function, or null.
    let (connection, callback, tokens) = unsafe { (&*connection, &*callback, tokens.as_ref()) };
    let Some(connection) = class::of::<Connection>(connection) else {
        return Err(errors::not_constructed::<Connection>());
    };
    if !Rc::ptr_eq(&connection.state, &this.state) {
        return Err(errors::argument(1, "must be of a server on the hub's own loop"));
    }
    let welcome = |deadline| Welcome {
        hub: class::reference(this.object),
        closure: callback.shallow_clone(),
        tokens: tokens.map_or_else(Zval::null, Zval::shallow_clone),
        read_only,
        deadline,
    };
    terminal_hello::expect(connection, timeout, welcome)
}

fn find(this: This<Hub>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut id: *mut zend_string = null_mut();
    parse!(arguments, c"S", &raw mut id)?;
    *ret = this.state.core(|core| lookup(core, this, value::bytes(id)))?;
    Ok(())
}

/// The object of the session with this id, or null.
pub fn lookup(core: &mut crate::Loop, hub: This<Hub>, id: &[u8]) -> Zval {
    let found = std::str::from_utf8(id).ok().and_then(|id| core.terminal().find(hub.key, id));
    found.and_then(|key| object(hub, key)).unwrap_or_else(Zval::null)
}

/// The object of a session that has been shared, if it is one of the hub's and not gone; or null.
pub fn shared(core: &mut crate::Loop, hub: This<Hub>, shared: &Shared) -> Zval {
    let is_own = shared.is_of(&hub.state) && core.terminal().info(shared.key).is_ok_and(|info| info.hub == hub.key);
    is_own.then(|| object(hub, shared.key)).flatten().unwrap_or_else(Zval::null)
}

/// The object of a session.
fn object(this: This<Hub>, key: SessionKey) -> Option<Zval> {
    this.state.sessions.borrow().get(key).map(Zval::shallow_clone)
}

fn sessions(this: This<Hub>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    let keys = this.state.core(|core| core.terminal().sessions(this.key))?.unwrap_or_default();
    let mut list = value::array();
    for session in keys.into_iter().filter_map(|key| object(this, key)) {
        value::push(&mut list, session);
    }
    *ret = list;
    Ok(())
}

fn close(this: This<Hub>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    this.state.core(|core| core.terminal().close_hub(this.key))?;
    Ok(())
}
