//! `\Towline\Terminal\Tokens` and `\Towline\Terminal\Pass`.

use super::class::{self, Class, Declaration, Kind, Method, This, class, handler, parse};
use super::errors::{self, Answer};
use super::gc::Held;
use super::state::State;
use super::terminal_session::Session;
use super::websocket_request::{self as request, Request};
use super::{call, strings, value};
use crate::terminal::{self, SessionKey};
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::class::{ConstructorMeta, RegisteredClass};
use ext_php_rs::ffi::{zend_object, zend_string};
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::Zval;
use std::cell::RefCell;
use std::ptr::null_mut;
use std::rc::{Rc, Weak};
use std::time::Instant;

/// The tokens that a program has given out.
pub struct Tokens {
    tokens: RefCell<terminal::Tokens<Shared>>,
}

/// A session that is shared, of whatever loop.
#[derive(Clone)]
pub struct Shared {
    state: Weak<State>,
    pub key: SessionKey,
}

impl PartialEq for Shared {
    fn eq(&self, other: &Shared) -> bool {
        Weak::ptr_eq(&self.state, &other.state) && self.key == other.key
    }
}

impl Shared {
    /// It is one of this loop.
    pub fn is_of(&self, state: &Rc<State>) -> bool {
        std::ptr::eq(self.state.as_ptr(), Rc::as_ptr(state))
    }

    /// Its id; `None` when it is gone.
    fn id(&self) -> Option<Zval> {
        let state = self.state.upgrade()?;
        // Making a value may run PHP, as at the memory limit, so the core is let go before.
        let id = state.core_quietly(|core| core.terminal().id(self.key).ok().map(|id| id.to_owned()))??;
        Some(value::string(id.as_bytes()))
    }
}

/// The slot of `$access`.
const ACCESS: u32 = 0;

class!(Tokens, "Towline\\Terminal\\Tokens");

impl Held for Tokens {}

impl Class for Tokens {
    fn methods() -> Vec<Method> {
        let public = |function: FunctionBuilder<'static>, returns: DataType, nullable: bool| {
            (function.returns(returns, false, nullable), MethodFlags::Public)
        };
        let token = || Arg::new("token", DataType::String);
        let session = Arg::new("session", DataType::object(Session::CLASS_NAME));
        vec![
            public(FunctionBuilder::new("issue", handler!(Tokens, issue)), DataType::String, false),
            public(FunctionBuilder::new("share", handler!(Tokens, share)).arg(session), DataType::String, false),
            public(
                FunctionBuilder::new("isAccess", handler!(Tokens, is_access))
                    .arg(Arg::new("token", DataType::object(Request::CLASS_NAME))),
                DataType::Bool,
                false,
            ),
            public(
                FunctionBuilder::new("redeem", handler!(Tokens, redeem)).arg(token()),
                DataType::object(Pass::CLASS_NAME),
                true,
            ),
        ]
    }

    fn construct() -> ConstructorMeta<Self> {
        ConstructorMeta {
            constructor: |ex| class::constructed(ex, construct),
            build_fn: |function| {
                function
                    .not_required()
                    .arg(Arg::new("access", DataType::String).allow_null().default("null"))
                    .arg(Arg::new("lifetime", DataType::Double).default("60.0"))
            },
            flags: None,
        }
    }

    fn debug(&self) -> Option<Zval> {
        // What nobody may know is not for logs either.
        Some(value::array())
    }

    fn declare(class: Declaration) {
        class.readonly(c"access", Kind::String).or_string(c"isaccess", 0);
    }
}

impl Tokens {
    /// What a token is good for; one that is good once is used up.
    pub fn good_for(&self, token: &[u8]) -> Option<terminal::Pass<Shared>> {
        self.tokens.borrow_mut().redeem(token, Instant::now())
    }
}

/// What a token is good for: declared properties alone.
pub struct Pass;

const SESSION: u32 = 0;
const READ_ONLY: u32 = 1;

class!(Pass, "Towline\\Terminal\\Pass");

impl Held for Pass {}

impl Class for Pass {
    fn methods() -> Vec<Method> {
        Vec::new()
    }

    fn declare(class: Declaration) {
        class.readonly(c"session", Kind::StringOrNull).readonly(c"readOnly", Kind::Bool);
    }
}

fn construct(object: *mut zend_object, arguments: u32) -> Answer<Tokens> {
    let mut access: *mut zend_string = null_mut();
    let mut lifetime = 60.0f64;
    parse!(arguments, c"|S!d", &raw mut access, &raw mut lifetime)?;
    let access = strings::optional(1, access)?;
    if access.as_ref().is_some_and(String::is_empty) {
        return Err(errors::argument(1, "must not be empty: expected a text that nobody can guess"));
    }
    let lifetime = errors::seconds(2, lifetime)?;
    let tokens = terminal::Tokens::new(access, lifetime).map_err(|error| errors::throw(&error))?;
    class::set_slot(object, ACCESS, value::string(tokens.access().as_bytes()));
    Ok(Tokens { tokens: RefCell::new(tokens) })
}

fn issue(this: This<Tokens>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    let token = this.tokens.borrow_mut().issue(Instant::now()).map_err(|error| errors::throw(&error))?;
    *ret = value::string(token.as_bytes());
    Ok(())
}

fn share(this: This<Tokens>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut session: *mut Zval = null_mut();
    parse!(arguments, c"O", &raw mut session, class::entry::<Session>())?;
    // SAFETY: the parser succeeded, so this is the first argument.
    let Some(session) = class::of::<Session>(unsafe { &*session }) else {
        return Err(errors::not_constructed::<Session>());
    };
    let shared = Shared { state: Rc::downgrade(&session.state), key: session.key };
    let token = this.tokens.borrow_mut().share(shared).map_err(|error| errors::throw(&error))?;
    *ret = value::string(token.as_bytes());
    Ok(())
}

fn is_access(this: This<Tokens>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut given: *mut Zval = null_mut();
    parse!(arguments, c"z", &raw mut given)?;
    // SAFETY: the parser succeeded, so this is the first argument.
    let given = unsafe { &mut *given };
    let good = match (class::of::<Request>(given), value::bytes_of(given)) {
        (Some(request), _) => of_request(request).is_some_and(|token| this.tokens.borrow().is_access(&token)),
        (None, Some(token)) => this.tokens.borrow().is_access(token),
        (None, None) => {
            return Err(errors::argument_type(1, c"Towline\\WebSocket\\HttpRequest|string", given));
        }
    };
    ret.set_bool(good);
    Ok(())
}

/// The token that comes with a request: `Authorization: Bearer TOKEN`, or the parameter `token`.
fn of_request(request: This<Request>) -> Option<Vec<u8>> {
    if let Some((scheme, token)) = request.field("authorization").and_then(|field| field.split_at_checked(7)) {
        return scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii().to_vec());
    }
    request::parameter(request, b"token")
}

fn redeem(this: This<Tokens>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut token: *mut zend_string = null_mut();
    parse!(arguments, c"S", &raw mut token)?;
    let session = match this.good_for(value::bytes(token)) {
        Some(terminal::Pass::Share(shared)) => shared.id(),
        Some(terminal::Pass::Access | terminal::Pass::Single) => Some(Zval::null()),
        None => None,
    };
    let Some(session) = session else {
        ret.set_null();
        return Ok(());
    };
    let pass = class::create(Pass);
    let object = call::object(&pass);
    class::set_slot(object, READ_ONLY, value::bool(session.is_string()));
    class::set_slot(object, SESSION, session);
    *ret = pass;
    Ok(())
}
