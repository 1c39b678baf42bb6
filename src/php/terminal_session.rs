//! `\Towline\Terminal\Session`.

use super::class::{self, Class, Declaration, Kind, Method, This, class, handler, parse};
use super::errors::{self, Answer, Thrown};
use super::gc::Held;
use super::state::State;
use super::terminal_hub::Hub;
use super::websocket_connection::Connection;
use super::{call, ffi, future, value};
use crate::terminal::{Error, SessionKey};
use crate::websocket::ConnKey;
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::ffi::zend_string;
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::Zval;
use slotmap::SecondaryMap;
use std::cell::{Cell, RefCell};
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null_mut;
use std::rc::Rc;

/// A session. Until it has ended the loop holds its object, so the program need not.
pub struct Session {
    /// The `\Towline\Terminal\Hub` object.
    hub: Zval,
    pub state: Rc<State>,
    pub key: SessionKey,
    ended: Cell<bool>,
    callbacks: RefCell<Callbacks>,
    /// The `\Towline\WebSocket\Connection` objects of those who watch.
    viewers: RefCell<SecondaryMap<ConnKey, Zval>>,
}

/// Closures that are called while it lives.
#[derive(Default)]
pub struct Callbacks {
    pub start: Vec<Zval>,
    pub exit: Vec<Zval>,
    pub error: Vec<Zval>,
    pub join: Vec<Zval>,
    pub leave: Vec<Zval>,
    pub recording_error: Vec<Zval>,
    pub end: Vec<Zval>,
}

impl Callbacks {
    fn all(&self) -> impl Iterator<Item = &Zval> {
        let Callbacks { start, exit, error, join, leave, recording_error, end } = self;
        [start, exit, error, join, leave, recording_error, end].into_iter().flatten()
    }
}

/// The slot of `$id`.
const ID: u32 = 0;

class!(Session, "Towline\\Terminal\\Session");

impl Class for Session {
    fn methods() -> Vec<Method> {
        let public = |function: FunctionBuilder<'static>, returns: DataType| {
            (function.returns(returns, false, false), MethodFlags::Public)
        };
        let fluent = |function: FunctionBuilder<'static>| {
            let closure = Arg::new("callback", DataType::object("Closure"));
            (function.arg(closure).returns(DataType::Mixed, false, false), MethodFlags::Public)
        };
        let flag = |name: &str| Arg::new(name, DataType::Bool).default("false");
        let attach = FunctionBuilder::new("attach", handler!(Session, attach))
            .arg(Arg::new("connection", DataType::object(Connection::CLASS_NAME)))
            .not_required()
            .arg(flag("readOnly"));
        let record = FunctionBuilder::new("record", handler!(Session, record))
            .arg(Arg::new("path", DataType::String))
            .not_required()
            .arg(flag("input"));
        vec![
            public(attach, DataType::Void),
            public(FunctionBuilder::new("viewers", handler!(Session, viewers)), DataType::Long),
            public(record, DataType::Void),
            fluent(FunctionBuilder::new("onStart", handler!(Session, on_start))),
            fluent(FunctionBuilder::new("onExit", handler!(Session, on_exit))),
            fluent(FunctionBuilder::new("onError", handler!(Session, on_error))),
            fluent(FunctionBuilder::new("onJoin", handler!(Session, on_join))),
            fluent(FunctionBuilder::new("onLeave", handler!(Session, on_leave))),
            fluent(FunctionBuilder::new("onRecordingError", handler!(Session, on_recording_error))),
            fluent(FunctionBuilder::new("onEnd", handler!(Session, on_end))),
            public(FunctionBuilder::new("end", handler!(Session, end)), DataType::Void),
        ]
    }

    fn declare(class: Declaration) {
        class.readonly(c"id", Kind::String);
        for method in [c"onstart", c"onexit", c"onerror", c"onjoin", c"onleave", c"onrecordingerror", c"onend"] {
            class.fluent(method);
        }
    }
}

impl Held for Session {
    fn held(&self, visit: &mut dyn FnMut(&Zval)) {
        visit(&self.hub);
        if let Ok(callbacks) = self.callbacks.try_borrow() {
            callbacks.all().for_each(&mut *visit);
        }
        if let Ok(viewers) = self.viewers.try_borrow() {
            viewers.values().for_each(visit);
        }
    }
}

impl Session {
    /// Does something with the closures of a kind, which may not call PHP.
    pub fn with_callbacks(&self, which: impl Fn(&Callbacks) -> &Vec<Zval>, mut each: impl FnMut(&Zval)) {
        which(&self.callbacks.borrow()).iter().for_each(&mut each);
    }

    /// The object of a viewer; null when it is not known.
    pub fn viewer(&self, conn: ConnKey) -> Zval {
        self.viewers.borrow().get(conn).map_or_else(Zval::null, Zval::shallow_clone)
    }

    /// A viewer has left.
    pub fn left(&self, conn: ConnKey) -> Option<Zval> {
        self.viewers.borrow_mut().remove(conn)
    }

    /// It has ended: gives up its closures, to be dropped where no borrow is alive.
    pub fn ended(&self) -> Callbacks {
        self.ended.set(true);
        self.callbacks.take()
    }
}

/// The object of a session that has just been opened.
pub fn create(hub: This<Hub>, key: SessionKey, id: Zval) -> Zval {
    let session = class::create(Session {
        hub: class::reference(hub.object),
        state: Rc::clone(&hub.state),
        key,
        ended: Cell::new(false),
        callbacks: RefCell::default(),
        viewers: RefCell::default(),
    });
    class::set_slot(call::object(&session), ID, id);
    hub.state.sessions.borrow_mut().insert(key, session.shallow_clone());
    session
}

/// Why a command was refused.
fn refused(error: &Error) -> Thrown {
    match error {
        Error::Stale("session") => errors::error("this session has ended"),
        Error::Stale(_) => errors::throw(&Error::Closed),
        Error::Invalid(words) => errors::error(words),
        _ => errors::throw(error),
    }
}

fn attach(this: This<Session>, arguments: u32, _: &mut Zval) -> Answer {
    let mut connection: *mut Zval = null_mut();
    let mut read_only = false;
    parse!(arguments, c"O|b", &raw mut connection, class::entry::<Connection>(), &raw mut read_only)?;
    // SAFETY: the parser succeeded, so this is the first argument.
    let Some(viewer) = class::of::<Connection>(unsafe { &*connection }) else {
        return Err(errors::not_constructed::<Connection>());
    };
    match join(this, viewer, read_only)? {
        Some(joined) => joined.map_err(|error| refused(&error)),
        None => Err(errors::argument(1, "must be of a server on the session's own loop")),
    }
}

/// Joins a browser to a session; `None` when they are on different loops, where the keys of one mean something else.
pub fn join(session: This<Session>, viewer: This<Connection>, read_only: bool) -> Answer<Option<Result<(), Error>>> {
    if !Rc::ptr_eq(&viewer.state, &session.state) {
        return Ok(None);
    }
    let wish = viewer.wish.get();
    let read_only = read_only || wish.read_only;
    let joined = session.state.core(|core| core.terminal().attach(session.key, viewer.key, read_only, wish.size))?;
    if joined.is_ok() {
        viewer.attached.set(true);
        session.viewers.borrow_mut().insert(viewer.key, class::reference(viewer.object));
    }
    Ok(Some(joined))
}

fn viewers(this: This<Session>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    let viewers = this.state.core(|core| core.terminal().viewers(this.key))?;
    *ret = value::int(viewers.unwrap_or(0));
    Ok(())
}

fn record(this: This<Session>, arguments: u32, _: &mut Zval) -> Answer {
    let mut path: *mut zend_string = null_mut();
    let mut input = false;
    parse!(arguments, c"S|b", &raw mut path, &raw mut input)?;
    let path = value::bytes(path);
    let Some(c_path) = CString::new(path).ok().filter(|path| !path.is_empty()) else {
        return Err(errors::argument(1, "must be the path of a file, without a NUL byte"));
    };
    // SAFETY: the path lives through the call.
    if !unsafe { ffi::towline_open_basedir_allows(c_path.as_ptr()) } {
        return Err(errors::argument(1, "must be the path of a file that open_basedir allows"));
    }
    let path = Path::new(OsStr::from_bytes(path));
    let begun = this.state.core(|core| core.terminal().record(this.key, path, input))?;
    begun.map_err(|error| refused(&error))
}

fn on_start(this: This<Session>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.start)
}

fn on_exit(this: This<Session>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.exit)
}

fn on_error(this: This<Session>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.error)
}

fn on_join(this: This<Session>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.join)
}

fn on_leave(this: This<Session>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.leave)
}

fn on_recording_error(this: This<Session>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.recording_error)
}

fn on_end(this: This<Session>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.end)
}

fn add(this: This<Session>, arguments: u32, ret: &mut Zval, to: impl Fn(&mut Callbacks) -> &mut Vec<Zval>) -> Answer {
    let closure = future::closure_argument(arguments)?;
    if !this.ended.get() {
        to(&mut this.callbacks.borrow_mut()).push(closure);
    }
    *ret = class::reference(this.object);
    Ok(())
}

fn end(this: This<Session>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    // One that has ended is what was asked for.
    this.state.core(|core| drop(core.terminal().end(this.key)))
}
