//! The one place where errors become PHP exceptions.

use super::{call, ffi, value};
use crate::net::Phase;
use crate::{docker, fastcgi, terminal, websocket};
use ext_php_rs::args::ArgInfo;
use ext_php_rs::builders::{ClassBuilder, ClassProperty, FunctionBuilder};
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::ffi::zend_class_entry;
use ext_php_rs::flags::{ClassFlags, DataType, MethodFlags, PropertyFlags};
use ext_php_rs::types::Zval;
use ext_php_rs::zend::{ClassEntry, ExecuteData, ce};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

/// A PHP exception is pending: return to PHP at once.
#[derive(Debug, Clone, Copy)]
pub struct Thrown;

/// What a step gives, unless it threw.
pub type Answer<T = ()> = Result<T, Thrown>;

/// The classes of `\Towline\Exception` and below.
#[derive(Debug, Clone, Copy)]
enum Class {
    Base,
    Connect,
    Timeout,
    Protocol,
    Closed,
    Cancelled,
    QueueFull,
    Api,
}

/// A registered class, and the tables of its methods' arguments, which the engine reads until the module ends.
struct Registered {
    entry: AtomicPtr<ClassEntry>,
    arguments: AtomicPtr<Box<[ArgInfo]>>,
}

static ENTRIES: [Registered; 8] = [const {
    Registered { entry: AtomicPtr::new(std::ptr::null_mut()), arguments: AtomicPtr::new(std::ptr::null_mut()) }
}; 8];

/// What an error of the core is to PHP.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Connect,
    Timeout(Phase),
    Protocol,
    Closed,
    Cancelled,
    QueueFull,
    /// With the HTTP status.
    Api(u16),
    /// The program gave a value that cannot be used.
    Invalid,
    /// The program used what is closed.
    Stale,
    Other,
}

/// An error of the core, whatever the protocol.
pub trait Failure: std::fmt::Display {
    fn kind(&self) -> Kind;
}

impl Failure for fastcgi::Error {
    fn kind(&self) -> Kind {
        use fastcgi::Error;
        match self {
            Error::Connect { .. } => Kind::Connect,
            Error::Timeout { phase, .. } => Kind::Timeout(*phase),
            Error::Protocol(_) => Kind::Protocol,
            Error::Closed(_) | Error::Source(_) => Kind::Closed,
            Error::Cancelled => Kind::Cancelled,
            Error::QueueFull { .. } => Kind::QueueFull,
            Error::Invalid(_) => Kind::Invalid,
            Error::Stale(_) => Kind::Stale,
            Error::System(_) => Kind::Other,
        }
    }
}

impl Failure for docker::Error {
    fn kind(&self) -> Kind {
        use docker::Error;
        match self {
            Error::Connect { .. } => Kind::Connect,
            Error::Timeout { phase, .. } => Kind::Timeout(*phase),
            Error::Api { status, .. } => Kind::Api(*status),
            Error::Protocol(_) => Kind::Protocol,
            Error::Closed(_) => Kind::Closed,
            Error::Cancelled => Kind::Cancelled,
            Error::QueueFull { .. } => Kind::QueueFull,
            Error::Invalid(_) => Kind::Invalid,
            Error::Stale(_) => Kind::Stale,
            Error::Kill(_) | Error::System(_) => Kind::Other,
        }
    }
}

impl Failure for websocket::Error {
    fn kind(&self) -> Kind {
        use websocket::Error;
        match self {
            Error::Invalid(_) => Kind::Invalid,
            Error::Stale(_) => Kind::Stale,
            Error::Closed => Kind::Closed,
            Error::Full { .. } => Kind::QueueFull,
            Error::Listen { .. } | Error::System(_) => Kind::Other,
        }
    }
}

impl Failure for terminal::Error {
    fn kind(&self) -> Kind {
        use terminal::Error;
        match self {
            Error::Invalid(_) | Error::Exists(_) => Kind::Invalid,
            Error::Stale(_) => Kind::Stale,
            Error::Closed => Kind::Closed,
            Error::Full(_) => Kind::QueueFull,
            Error::Record { .. } | Error::System(_) => Kind::Other,
        }
    }
}

impl Class {
    fn entry(self) -> *mut zend_class_entry {
        ENTRIES.get(self as usize).map_or(std::ptr::null_mut(), |class| class.entry.load(Ordering::Acquire))
    }

    fn of(kind: Kind) -> Class {
        match kind {
            Kind::Connect => Class::Connect,
            Kind::Timeout(_) => Class::Timeout,
            Kind::Protocol => Class::Protocol,
            Kind::Closed => Class::Closed,
            Kind::Cancelled => Class::Cancelled,
            Kind::QueueFull => Class::QueueFull,
            Kind::Api(_) => Class::Api,
            Kind::Invalid | Kind::Stale | Kind::Other => Class::Base,
        }
    }
}

/// Registers the exception classes; MINIT only.
pub fn register() -> ext_php_rs::error::Result<()> {
    fn runtime() -> &'static ClassEntry {
        // SAFETY: SPL is always there and registers its classes before any extension.
        unsafe { &*ffi::towline_runtime_exception_ce() }
    }
    fn base() -> &'static ClassEntry {
        // SAFETY: registered first, below; lives until the module ends.
        unsafe { &*Class::Base.entry() }
    }
    macro_rules! exception {
        ($class:ident, $name:literal, $parent:expr, $flags:expr) => {
            ClassBuilder::new($name).extends($parent).flags($flags).registration(|ce, arg_info| {
                if let Some(class) = ENTRIES.get(Class::$class as usize) {
                    class.entry.store(ce, Ordering::Release);
                    class.arguments.store(Box::into_raw(arg_info).cast(), Ordering::Release);
                }
            })
        };
    }
    let base = (base as fn() -> _, "Towline\\Exception");
    exception!(Base, "Towline\\Exception", (runtime as fn() -> _, "RuntimeException"), ClassFlags::empty())
        .register()?;
    exception!(Connect, "Towline\\ConnectException", base, ClassFlags::Final).register()?;
    exception!(Timeout, "Towline\\TimeoutException", base, ClassFlags::Final)
        .method(FunctionBuilder::new("getPhase", phase).returns(DataType::String, false, false), MethodFlags::Public)
        .property(private("phase"))
        .register()?;
    exception!(Protocol, "Towline\\ProtocolException", base, ClassFlags::Final).register()?;
    exception!(Closed, "Towline\\ClosedException", base, ClassFlags::Final).register()?;
    exception!(Cancelled, "Towline\\CancelledException", base, ClassFlags::Final).register()?;
    exception!(QueueFull, "Towline\\QueueFullException", base, ClassFlags::Final).register()?;
    exception!(Api, "Towline\\Docker\\ApiException", base, ClassFlags::Final)
        .method(FunctionBuilder::new("getStatus", status).returns(DataType::Long, false, false), MethodFlags::Public)
        .property(private("status"))
        .register()
}

fn private(name: &str) -> ClassProperty {
    ClassProperty {
        name: name.into(),
        flags: PropertyFlags::Private,
        default: None,
        docs: &[],
        ty: None,
        nullable: false,
        readonly: false,
        default_stub: None,
    }
}

/// The slot of what a class adds, such as `TimeoutException::$phase`: behind the properties of its parent.
fn own_slot() -> u32 {
    // SAFETY: registered at startup; lives until the module ends.
    let parents = unsafe { (*Class::Base.entry()).default_properties_count };
    u32::try_from(parents).unwrap_or_default()
}

/// `TimeoutException::getPhase()`.
extern "C" fn phase(ex: &mut ExecuteData, ret: &mut Zval) {
    if let Some(object) = ex.get_self() {
        let phase = super::class::slot(object, own_slot());
        *ret = if phase.is_string() { phase.shallow_clone() } else { value::string(b"") };
    }
}

/// `ApiException::getStatus()`.
extern "C" fn status(ex: &mut ExecuteData, ret: &mut Zval) {
    if let Some(object) = ex.get_self() {
        let status = super::class::slot(object, own_slot());
        *ret = if status.is_long() { status.shallow_clone() } else { value::int(0) };
    }
}

/// The exception object for an error of an operation.
pub fn exception(error: &impl Failure) -> Zval {
    let text = error.to_string();
    let kind = error.kind();
    let object = object(Class::of(kind), &text);
    match kind {
        Kind::Timeout(phase) => {
            super::class::set_slot(call::object(&object), own_slot(), value::string(phase.as_str().as_bytes()));
        }
        Kind::Api(status) => super::class::set_slot(call::object(&object), own_slot(), value::int(status)),
        _ => {}
    }
    object
}

/// True for a `\Towline\Exception`.
pub fn is_ours(exception: &Zval) -> bool {
    value::instance_of(call::object(exception), Class::Base.entry())
}

/// A `ProtocolException` with these words.
pub fn protocol(text: &str) -> Zval {
    object(Class::Protocol, text)
}

fn object(class: Class, text: &str) -> Zval {
    let (bytes, length) = value::raw(text);
    let mut object = Zval::new();
    // SAFETY: the class is registered; the text is copied.
    unsafe { ffi::towline_exception_object(class.entry(), bytes, length, &raw mut object) };
    object
}

/// Throws an exception object; it may be thrown again later.
pub fn throw_object(exception: &Zval) -> Thrown {
    // SAFETY: the value holds a Throwable, made here.
    unsafe { ffi::towline_throw_object(call::object(exception)) };
    Thrown
}

/// Throws what a command refused with.
pub fn throw(error: &impl Failure) -> Thrown {
    match error.kind() {
        Kind::Invalid => value_error(&error.to_string()),
        Kind::Stale => self::error("the client is closed"),
        _ => throw_object(&exception(error)),
    }
}

/// Throws `\Towline\Exception`.
pub fn runtime(text: &str) -> Thrown {
    throw_as(Class::Base.entry(), text)
}

/// Throws `\Error`: the program is wrong.
pub fn error(text: &str) -> Thrown {
    throw_as(std::ptr::from_ref(ce::error()).cast_mut(), text)
}

/// Throws `\TypeError`.
pub fn type_error(text: &str) -> Thrown {
    throw_as(std::ptr::from_ref(ce::type_error()).cast_mut(), text)
}

/// Throws `\ValueError`.
pub fn value_error(text: &str) -> Thrown {
    throw_as(std::ptr::from_ref(ce::value_error()).cast_mut(), text)
}

fn throw_as(class: *mut zend_class_entry, text: &str) -> Thrown {
    let (bytes, length) = value::raw(text);
    // SAFETY: the class lives as long as the engine or the module; the text is copied.
    unsafe { ffi::towline_throw(class, bytes, length) };
    Thrown
}

/// Throws `\ValueError` in the engine's own form: function, argument number and name, then these words.
pub fn argument(number: u32, text: &str) -> Thrown {
    let (bytes, length) = value::raw(text);
    // SAFETY: called from a function of the extension, so there is an active one; the text is copied.
    unsafe { ffi::towline_argument_error(number, bytes, length) };
    Thrown
}

/// Throws `\TypeError` in the engine's own form: "must be of type `expected`, ... given".
pub fn argument_type(number: u32, expected: &std::ffi::CStr, given: &mut Zval) -> Thrown {
    let given = value::type_name(given);
    // SAFETY: the format takes two strings, which live through the call.
    unsafe {
        ffi::zend_argument_type_error(
            number,
            c"must be of type %s, %s given".as_ptr(),
            expected.as_ptr(),
            given.as_ptr(),
        );
    }
    Thrown
}

/// Checks an argument that counts seconds.
pub fn seconds(number: u32, seconds: f64) -> Answer<Duration> {
    if seconds.is_nan() || seconds.is_infinite() || seconds < 0.0 {
        return Err(argument(number, &format!("must be a finite number of seconds, 0 or more, {seconds} given")));
    }
    // Beyond what a clock can count there is no difference that anybody could see.
    Ok(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// [`seconds`] of an argument that may be null.
pub fn optional_seconds(number: u32, value: f64, is_null: bool) -> Answer<Option<Duration>> {
    if is_null { Ok(None) } else { seconds(number, value).map(Some) }
}

/// `T` has a class name to be told to users.
pub fn not_constructed<T: RegisteredClass>() -> Thrown {
    error(&format!("this {} was never constructed", T::CLASS_NAME))
}
