//! How a Rust type becomes a PHP class: final, not cloneable, not serializable, without dynamic properties.
//!
//! Methods are written by hand on ext-php-rs's builders instead of its attributes: the engine's own parser
//! checks their arguments (so messages, coercion and `strict_types` are what PHP users know) without an
//! allocation, and nothing that needs `Drop` lies on the stack while PHP runs inside a method.

use super::errors::{self, Answer, Thrown};
use super::ffi;
use super::gc::Held;
use super::value;
use ext_php_rs::builders::{ClassBuilder, FunctionBuilder};
use ext_php_rs::class::{ClassEntryInfo, ConstructorMeta, ConstructorResult, RegisteredClass};
use ext_php_rs::ffi::{zend_class_entry, zend_object};
use ext_php_rs::flags::{ClassFlags, MethodFlags};
use ext_php_rs::types::{ZendClassObject, ZendHashTable, Zval};
use ext_php_rs::zend::ExecuteData;
use std::ffi::{CStr, c_int};
use std::ops::Deref;

/// A method and its visibility.
pub type Method = (FunctionBuilder<'static>, MethodFlags);

/// What every class of Towline is.
pub const FLAGS: ClassFlags = ClassFlags::Final.union(ClassFlags::NoDynamicProperties);

/// A class: its methods, what its objects hold, and what ext-php-rs's builder cannot declare.
pub trait Class: RegisteredClass + Held {
    /// All methods but the constructor.
    fn methods() -> Vec<Method>;
    /// The constructor; [`hidden`] unless users make the objects.
    fn construct() -> ConstructorMeta<Self> {
        hidden()
    }
    /// What `var_dump()` shows of an object without declared properties: an array. May not call PHP.
    fn debug(&self) -> Option<Zval> {
        None
    }
    /// Declares properties and refines types, once the class is registered.
    fn declare(_class: Declaration) {}
}

/// Implements ext-php-rs's trait for a [`Class`].
macro_rules! class {
    ($type:ty, $name:literal $(, $interface:expr)?) => {
        impl ext_php_rs::class::RegisteredClass for $type {
            const CLASS_NAME: &'static str = $name;
            const BUILDER_MODIFIER: Option<
                fn(ext_php_rs::builders::ClassBuilder) -> ext_php_rs::builders::ClassBuilder,
            > = None;
            const EXTENDS: Option<ext_php_rs::class::ClassEntryInfo> = None;
            const IMPLEMENTS: &'static [ext_php_rs::class::ClassEntryInfo] = &[$($interface)?];
            const FLAGS: ext_php_rs::flags::ClassFlags = $crate::php::class::FLAGS;
            fn get_metadata() -> &'static ext_php_rs::class::ClassMetadata<Self> {
                static METADATA: ext_php_rs::class::ClassMetadata<$type> = ext_php_rs::class::ClassMetadata::new(&[]);
                &METADATA
            }
            fn method_builders() -> Vec<$crate::php::class::Method> {
                <Self as $crate::php::class::Class>::methods()
            }
            fn constructor() -> Option<ext_php_rs::class::ConstructorMeta<Self>> {
                Some(<Self as $crate::php::class::Class>::construct())
            }
            fn constants() -> &'static [(
                &'static str,
                &'static dyn ext_php_rs::convert::IntoZvalDyn,
                ext_php_rs::describe::DocComments,
                ext_php_rs::flags::ConstantFlags,
            )] {
                &[]
            }
        }
    };
}
pub(super) use class;

/// The engine's entry point of a method written as `fn(This<T>, arguments: u32, ret: &mut Zval) -> Answer`.
macro_rules! handler {
    ($type:ty, $function:path) => {{
        extern "C" fn handler(ex: &mut ext_php_rs::zend::ExecuteData, ret: &mut ext_php_rs::types::Zval) {
            $crate::php::class::guarded(|| {
                if let Ok(this) = $crate::php::class::this::<$type>(ex) {
                    let _: $crate::php::errors::Answer = $function(this, $crate::php::class::arguments(ex), ret);
                }
            });
        }
        handler
    }};
}
pub(super) use handler;

/// The engine's entry point of a static method written as `fn(arguments: u32, ret: &mut Zval) -> Answer`.
macro_rules! static_handler {
    ($function:path) => {{
        extern "C" fn handler(ex: &mut ext_php_rs::zend::ExecuteData, ret: &mut ext_php_rs::types::Zval) {
            $crate::php::class::guarded(|| {
                let _: $crate::php::errors::Answer = $function($crate::php::class::arguments(ex), ret);
            });
        }
        handler
    }};
}
pub(super) use static_handler;

/// Reads the arguments of the running function with the engine's parser; the pointers follow the specification.
macro_rules! parse {
    ($arguments:expr, $spec:literal $(, $out:expr)* $(,)?) => {{
        // SAFETY: each pointer is to a live variable of the type that its letter of the specification asks for.
        let result = unsafe { $crate::php::ffi::zend_parse_parameters($arguments, $spec.as_ptr() $(, $out)*) };
        if result == 0 { Ok(()) } else { Err($crate::php::errors::Thrown) }
    }};
}
pub(super) use parse;

/// A PHP object with its Rust part, as one of its methods sees it. PHP keeps it alive while the method runs.
pub struct This<'a, T> {
    pub object: *mut zend_object,
    value: &'a T,
}

impl<T> Clone for This<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for This<'_, T> {}

impl<T> Deref for This<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.value
    }
}

/// Runs a method; a fault of ours that panics becomes an `\Error`. A fatal error of PHP's jumps over these frames, as over
/// those of an extension in C: by the rule above nothing is lost, so there is no `setjmp` to pay for.
pub fn guarded(body: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).is_err() {
        errors::error("a fault in Towline itself; please report it");
    }
}

/// The argument of the running function if it is the only one and an object of exactly this class: the common case,
/// without the engine's parser of arguments.
pub fn only_object<'a>(class: *mut zend_class_entry) -> Option<&'a Zval> {
    // SAFETY: called from a function of the extension, whose frame holds its arguments while it runs.
    unsafe { ffi::towline_only_object(class).as_ref() }
}

/// [`only_object`] for a string.
pub fn only_string<'a>() -> Option<&'a [u8]> {
    // SAFETY: as above.
    unsafe { ffi::towline_only_string().as_ref() }.map(|string| value::bytes(string))
}

/// How many arguments the running function was given.
pub fn arguments(ex: &ExecuteData) -> u32 {
    // SAFETY: every field of this union is the same u32; in a call frame it counts the arguments.
    unsafe { ex.This.u2.num_args }
}

/// `$this` of the running method.
pub fn this<'a, T: RegisteredClass>(ex: &mut ExecuteData) -> Answer<This<'a, T>> {
    let object = ex.get_self().map_or(std::ptr::null_mut(), std::ptr::from_mut);
    object_of(object).ok_or_else(|| errors::error("this object was never constructed"))
}

/// The Rust part of a PHP object; `None` for another class, or an object whose constructor has not run.
pub fn object_of<'a, T: RegisteredClass>(object: *mut zend_object) -> Option<This<'a, T>> {
    // SAFETY: objects come from the engine, which keeps them alive while a function that got them runs.
    let value = unsafe { object.as_ref() }.and_then(|std| ZendClassObject::<T>::from_zend_obj(std))?;
    Some(This { object, value })
}

/// [`object_of`] the object in a value.
pub fn of<T: RegisteredClass>(value: &Zval) -> Option<This<'_, T>> {
    value.object().and_then(|object| object_of(std::ptr::from_ref(object).cast_mut()))
}

/// A new PHP object around `value`.
pub fn create<T: RegisteredClass>(value: T) -> Zval {
    let object = ZendClassObject::new(value).into_raw();
    // SAFETY: the object was just made; its only reference goes into the value.
    owned(unsafe { &raw mut (*object).std })
}

/// A value that takes over one reference to `object`.
fn owned(object: *mut zend_object) -> Zval {
    let mut value = Zval::new();
    value.u1.type_info = ext_php_rs::ffi::IS_OBJECT_EX;
    value.value.obj = object;
    value
}

/// A value with a reference of its own to `object`.
pub fn reference(object: *mut zend_object) -> Zval {
    let mut value = Zval::new();
    // SAFETY: `object` is alive: PHP holds it for the running method.
    value.set_object(unsafe { &mut *object });
    value
}

/// The engine's entry of a class of ours.
pub fn entry<T: RegisteredClass>() -> *mut zend_class_entry {
    std::ptr::from_ref(T::get_metadata().ce()).cast_mut()
}

/// The engine's entry of `\Closure`.
pub fn closure_entry() -> *mut zend_class_entry {
    // SAFETY: PHP's own class, there before any extension.
    unsafe { ffi::towline_closure_ce() }
}

/// A constructor that nobody may call.
pub fn hidden<T: RegisteredClass>() -> ConstructorMeta<T> {
    fn refuse<T: RegisteredClass>(_: &mut ExecuteData) -> ConstructorResult<T> {
        errors::error(&format!("{} is made by Towline itself", T::CLASS_NAME));
        ConstructorResult::ArgError
    }
    ConstructorMeta { constructor: refuse::<T>, build_fn: |function| function, flags: Some(MethodFlags::Private) }
}

/// Refuses a second call of the constructor and maps the answer of the first.
pub fn constructed<T: RegisteredClass>(
    ex: &mut ExecuteData,
    construct: impl FnOnce(*mut zend_object, u32) -> Answer<T>,
) -> ConstructorResult<T> {
    let arguments = arguments(ex);
    let object = ex.get_self().map_or(std::ptr::null_mut(), std::ptr::from_mut);
    if object_of::<T>(object).is_some() {
        errors::error("this object has been constructed already");
        return ConstructorResult::ArgError;
    }
    match construct(object, arguments) {
        Ok(value) => ConstructorResult::Ok(value),
        Err(Thrown) => ConstructorResult::ArgError,
    }
}

/// Declares what ext-php-rs's builder cannot.
#[derive(Clone, Copy)]
pub struct Declaration(*mut zend_class_entry);

/// The type of a declared property.
#[derive(Clone, Copy)]
pub enum Kind {
    Int,
    IntOrNull,
    Bool,
    Float,
    String,
    StringOrNull,
    Array,
    Object(&'static CStr),
}

impl Declaration {
    /// A public read-only property. Slots count from 0 in the order of declaration.
    pub fn readonly(self, name: &CStr, kind: Kind) -> Self {
        // SAFETY: constants of the shim.
        let (mask, class) = unsafe {
            match kind {
                Kind::Int => (ffi::towline_may_be_long, std::ptr::null()),
                Kind::IntOrNull => (ffi::towline_may_be_long | ffi::towline_may_be_null, std::ptr::null()),
                Kind::Bool => (ffi::towline_may_be_bool, std::ptr::null()),
                Kind::StringOrNull => (ffi::towline_may_be_string | ffi::towline_may_be_null, std::ptr::null()),
                Kind::Float => (ffi::towline_may_be_double, std::ptr::null()),
                Kind::String => (ffi::towline_may_be_string, std::ptr::null()),
                Kind::Array => (ffi::towline_may_be_array, std::ptr::null()),
                Kind::Object(class) => (0, class.as_ptr()),
            }
        };
        // SAFETY: the class is being registered (MINIT); the strings are copied.
        unsafe { ffi::towline_readonly(self.0, name.as_ptr(), mask, class) };
        self
    }

    /// Argument `n` of `method` (in lower case) takes arrays as well.
    pub fn or_array(self, method: &CStr, n: i32) -> Self {
        // SAFETY: MINIT, as above; a method that does not exist is left alone.
        unsafe {
            ffi::towline_retype(self.0, method.as_ptr(), n, ffi::towline_may_be_array | ffi::towline_may_be_string);
        }
        self
    }

    /// Argument `n` of `method` takes strings as well as objects.
    pub fn or_string(self, method: &CStr, n: i32) -> Self {
        // SAFETY: as above.
        unsafe { ffi::towline_retype(self.0, method.as_ptr(), n, ffi::towline_may_be_string) };
        self
    }

    /// `method` returns `static`.
    pub fn fluent(self, method: &CStr) -> Self {
        // SAFETY: as above.
        unsafe { ffi::towline_retype(self.0, method.as_ptr(), -1, ffi::towline_may_be_static) };
        self
    }
}

/// Sets a declared property.
pub fn set_slot(object: *mut zend_object, index: u32, value: Zval) {
    // SAFETY: the object is ours and declares more than `index` properties.
    unsafe { *ffi::towline_slot(object, index) = value };
}

/// Reads a declared property.
pub fn slot<'a>(object: *mut zend_object, index: u32) -> &'a Zval {
    // SAFETY: the object is ours, alive, and declares more than `index` properties.
    unsafe { &*ffi::towline_slot(object, index) }
}

/// Registers a class; MINIT only.
pub fn register<T: Class>() -> ext_php_rs::error::Result<()> {
    let mut builder = ClassBuilder::new(T::CLASS_NAME);
    for (method, flags) in T::method_builders() {
        builder = builder.method(method, flags);
    }
    for interface in T::IMPLEMENTS {
        builder = builder.implements(*interface);
    }
    builder
        .flags(T::FLAGS)
        .object_override::<T>()
        .registration(|ce, arg_info| {
            T::get_metadata().set_ce(ce);
            T::get_metadata().set_arg_info(arg_info);
        })
        .register()?;
    let handlers = std::ptr::from_ref(T::get_metadata().handlers()).cast_mut();
    // SAFETY: the table is written only here, before the first object of the class is made; it lives in a cell.
    unsafe { ffi::towline_handlers(handlers, super::gc::get_gc::<T>, get_debug_info::<T>) };
    T::declare(Declaration(entry::<T>()));
    Ok(())
}

unsafe extern "C" fn get_debug_info<T: Class>(object: *mut zend_object, temporary: *mut c_int) -> *mut ZendHashTable {
    let shown = object_of::<T>(object).and_then(|this| this.debug());
    // SAFETY: the engine asks with a live object and a place to write to; it frees a temporary table itself.
    unsafe {
        match shown {
            Some(array) => {
                *temporary = 1;
                std::mem::ManuallyDrop::new(array).value.arr
            }
            None => ffi::zend_std_get_debug_info(object, temporary),
        }
    }
}

/// Interfaces of the engine, for [`class!`].
pub const ITERATOR: ClassEntryInfo = (ext_php_rs::zend::ce::iterator, "\\Iterator");
