//! `\Towline\WebSocket\Server`.

use super::class::{self, Class, Declaration, Kind, Method, This, class, handler, parse};
use super::errors::{self, Answer};
use super::gc::Held;
use super::state::State;
use super::websocket_options as options;
use super::{event_loop, future, value};
use crate::websocket::ServerKey;
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::class::ConstructorMeta;
use ext_php_rs::ffi::zend_object;
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::Zval;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// A server. Until it has ended the loop holds its object, so the program need not.
pub struct Server {
    pub state: Rc<State>,
    key: ServerKey,
    closed: Cell<bool>,
    callbacks: RefCell<Callbacks>,
}

/// The program's closures, in the order in which they are asked.
#[derive(Default)]
pub struct Callbacks {
    pub request: Vec<Zval>,
    pub upgrade: Vec<Zval>,
    pub open: Vec<Zval>,
}

/// The slots of `$loop` and `$address`.
const LOOP: u32 = 0;
const ADDRESS: u32 = 1;

class!(Server, "Towline\\WebSocket\\Server");

impl Class for Server {
    fn methods() -> Vec<Method> {
        let fluent = |function: FunctionBuilder<'static>| {
            let closure = Arg::new("callback", DataType::object("Closure"));
            (function.arg(closure).returns(DataType::Mixed, false, false), MethodFlags::Public)
        };
        let connections = FunctionBuilder::new("connections", handler!(Server, connections));
        let close = FunctionBuilder::new("close", handler!(Server, close));
        vec![
            fluent(FunctionBuilder::new("onRequest", handler!(Server, on_request))),
            fluent(FunctionBuilder::new("onUpgrade", handler!(Server, on_upgrade))),
            fluent(FunctionBuilder::new("onOpen", handler!(Server, on_open))),
            (connections.returns(DataType::Long, false, false), MethodFlags::Public),
            (close.returns(DataType::Void, false, false), MethodFlags::Public),
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
        class.readonly(c"loop", Kind::Object(c"Towline\\Loop")).readonly(c"address", Kind::String);
        for method in [c"onrequest", c"onupgrade", c"onopen"] {
            class.fluent(method);
        }
    }
}

impl Held for Server {
    fn held(&self, visit: &mut dyn FnMut(&Zval)) {
        if let Ok(callbacks) = self.callbacks.try_borrow() {
            let Callbacks { request, upgrade, open } = &*callbacks;
            [request, upgrade, open].into_iter().flatten().for_each(visit);
        }
    }
}

impl Server {
    /// How many closures there are of a kind.
    pub fn count(&self, which: impl Fn(&Callbacks) -> &Vec<Zval>) -> usize {
        which(&self.callbacks.borrow()).len()
    }

    /// Somebody is to be asked about requests, or (`upgrade`) about WebSockets.
    pub fn asks(&self, upgrade: bool) -> bool {
        self.count(|all| if upgrade { &all.upgrade } else { &all.request }) > 0
    }

    /// The closure of a kind with this number.
    pub fn callback(&self, which: impl Fn(&Callbacks) -> &Vec<Zval>, number: usize) -> Option<Zval> {
        which(&self.callbacks.borrow()).get(number).map(Zval::shallow_clone)
    }

    /// It has ended: gives up its closures, to be dropped where no borrow is alive.
    pub fn ended(&self) -> Callbacks {
        self.closed.set(true);
        self.callbacks.take()
    }
}

fn construct(object: *mut zend_object, arguments: u32) -> Answer<Server> {
    let given = options::parse(arguments)?;
    let owner = match given.owner {
        Some(owner) => owner,
        None => event_loop::create()?,
    };
    let Some(state) = class::of::<event_loop::Loop>(&owner).map(|owner| Rc::clone(&owner.state)) else {
        return Err(errors::not_constructed::<event_loop::Loop>());
    };
    let made = state.core(|core| {
        let mut websocket = core.websocket();
        let key = websocket.listen(&given.address, given.options)?;
        Ok((key, websocket.address(key).unwrap_or_default().to_owned()))
    })?;
    let (key, address) = made.map_err(|error: crate::websocket::Error| errors::throw(&error))?;
    class::set_slot(object, LOOP, owner);
    class::set_slot(object, ADDRESS, value::string(address.as_bytes()));
    state.servers.borrow_mut().insert(key, class::reference(object));
    Ok(Server { state, key, closed: Cell::new(false), callbacks: RefCell::default() })
}

fn on_request(this: This<Server>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.request)
}

fn on_upgrade(this: This<Server>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.upgrade)
}

fn on_open(this: This<Server>, arguments: u32, ret: &mut Zval) -> Answer {
    add(this, arguments, ret, |callbacks| &mut callbacks.open)
}

fn add(this: This<Server>, arguments: u32, ret: &mut Zval, to: impl Fn(&mut Callbacks) -> &mut Vec<Zval>) -> Answer {
    let closure = future::closure_argument(arguments)?;
    if !this.closed.get() {
        to(&mut this.callbacks.borrow_mut()).push(closure);
    }
    *ret = class::reference(this.object);
    Ok(())
}

fn connections(this: This<Server>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    let open = this.state.core(|core| core.websocket().connections(this.key))?;
    *ret = value::int(open.unwrap_or(0));
    Ok(())
}

fn close(this: This<Server>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    this.closed.set(true);
    this.state.core(|core| core.websocket().close_server(this.key))?;
    Ok(())
}
