//! `\Towline\WebSocket\HttpRequest`: what a browser asks for. Arrays are made only when somebody looks at them.

use super::class::{self, Class, Declaration, Kind, Method, This, class, handler, parse};
use super::errors::{Answer, Thrown};
use super::gc::Held;
use super::value::Key;
use super::{call, ffi, value};
use crate::websocket::Head;
use bytes::Bytes;
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::ffi::{
    zend_object, zend_std_get_properties, zend_std_has_property, zend_std_read_property, zend_string,
};
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::{ZendHashTable, Zval};
use std::cell::OnceCell;
use std::ffi::{c_int, c_void};

/// A request, as it came.
#[derive(Default)]
pub struct Request {
    came: OnceCell<(Box<Head>, Bytes)>,
}

const METHOD: u32 = 0;
const PATH: u32 = 1;
const QUERY: u32 = 2;
const HEADERS: u32 = 3;
const BODY: u32 = 4;
const REMOTE_ADDRESS: u32 = 5;

class!(Request, "Towline\\WebSocket\\HttpRequest");

impl Held for Request {}

impl Class for Request {
    fn methods() -> Vec<Method> {
        let of_name = |function: FunctionBuilder<'static>| {
            let name = Arg::new("name", DataType::String);
            (function.arg(name).returns(DataType::String, false, true), MethodFlags::Public)
        };
        vec![
            of_name(FunctionBuilder::new("header", handler!(Request, header))),
            of_name(FunctionBuilder::new("cookie", handler!(Request, cookie))),
            of_name(FunctionBuilder::new("parameter", handler!(Request, get_parameter))),
        ]
    }

    fn declare(class: Declaration) {
        class
            .readonly(c"method", Kind::String)
            .readonly(c"path", Kind::String)
            .readonly(c"query", Kind::Array)
            .readonly(c"headers", Kind::Array)
            .readonly(c"body", Kind::String)
            .readonly(c"remoteAddress", Kind::String);
        let handlers = std::ptr::from_ref(Self::get_metadata().handlers()).cast_mut();
        // SAFETY: as in `class::register`: MINIT, before the first object is made.
        unsafe {
            (*handlers).read_property = Some(read_property);
            (*handlers).has_property = Some(has_property);
            (*handlers).get_properties = Some(get_properties);
        }
    }
}

/// The object for a request with this head; [`keep`] follows.
pub fn create(head: &Head) -> Zval {
    let created = class::create(Request::default());
    let object = call::object(&created);
    class::set_slot(object, METHOD, value::string(head.method.as_bytes()));
    class::set_slot(object, PATH, value::string(&decoded(head.path().as_bytes())));
    class::set_slot(object, REMOTE_ADDRESS, value::string(head.remote.as_bytes()));
    created
}

/// Takes over the bytes of a request.
pub fn keep(request: &Zval, head: Box<Head>, body: Bytes) {
    if let Some(this) = class::of::<Request>(request) {
        let _ = this.came.set((head, body));
    }
}

/// Who asks.
pub fn remote(request: &Zval) -> Zval {
    class::slot(call::object(request), REMOTE_ADDRESS).shallow_clone()
}

impl Request {
    /// The first value of a field; its name in lower case.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        let (head, _) = self.came.get()?;
        head.headers.iter().find(|(other, _)| other == name).map(|(_, value)| &**value)
    }
}

/// Percent-encoding undone. What only looks like it stays as it is.
fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            _ => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    bytes
}

/// Makes a property that nobody has looked at before.
fn fill(object: *mut zend_object, slot: u32) {
    let Some((head, body)) = class::object_of::<Request>(object).and_then(|this| {
        if class::slot(object, slot).is_array() || class::slot(object, slot).is_string() {
            return None;
        }
        // SAFETY: the caller holds the object, and what it has of the request never changes.
        this.came.get().map(|(head, body)| unsafe { (&*std::ptr::from_ref(&**head), &*std::ptr::from_ref(body)) })
    }) else {
        return;
    };
    let made = match slot {
        QUERY => query(head.query()),
        HEADERS => value::lists(head.headers.iter().map(|(name, value)| (name.as_bytes(), &**value))),
        _ => match value::received(body) {
            Ok(body) => body,
            Err(Thrown) => return,
        },
    };
    class::set_slot(object, slot, made);
}

/// The array that PHP makes of a query string.
fn query(text: &str) -> Zval {
    let mut made = Zval::new();
    let (bytes, length) = value::raw(text);
    // SAFETY: the text is copied; the value is empty.
    unsafe { ffi::towline_parse_query(bytes, length, &raw mut made) };
    made
}

fn fill_named(object: *mut zend_object, name: *mut zend_string) {
    match value::bytes(name) {
        b"query" => fill(object, QUERY),
        b"headers" => fill(object, HEADERS),
        b"body" => fill(object, BODY),
        _ => {}
    }
}

unsafe extern "C" fn read_property(
    object: *mut zend_object,
    name: *mut zend_string,
    kind: c_int,
    cache: *mut *mut c_void,
    rv: *mut Zval,
) -> *mut Zval {
    fill_named(object, name);
    // SAFETY: the engine's own handler with the engine's own arguments.
    unsafe { zend_std_read_property(object, name, kind, cache, rv) }
}

unsafe extern "C" fn has_property(
    object: *mut zend_object,
    name: *mut zend_string,
    kind: c_int,
    cache: *mut *mut c_void,
) -> c_int {
    fill_named(object, name);
    // SAFETY: as above.
    unsafe { zend_std_has_property(object, name, kind, cache) }
}

unsafe extern "C" fn get_properties(object: *mut zend_object) -> *mut ZendHashTable {
    [QUERY, HEADERS, BODY].into_iter().for_each(|slot| fill(object, slot));
    // SAFETY: as above.
    unsafe { zend_std_get_properties(object) }
}

fn name_argument(arguments: u32) -> Answer<&'static [u8]> {
    let mut name: *mut zend_string = std::ptr::null_mut();
    parse!(arguments, c"S", &raw mut name)?;
    Ok(value::bytes(name))
}

fn header(this: This<Request>, arguments: u32, ret: &mut Zval) -> Answer {
    let name = String::from_utf8_lossy(name_argument(arguments)?).to_ascii_lowercase();
    *ret = this.field(&name).map_or_else(Zval::null, value::string);
    Ok(())
}

fn get_parameter(this: This<Request>, arguments: u32, ret: &mut Zval) -> Answer {
    let name = name_argument(arguments)?;
    *ret = parameter(this, name).map_or_else(Zval::null, |text| value::string(&text));
    Ok(())
}

/// A parameter of the query, when it is a text and no array.
pub fn parameter(request: This<Request>, name: &[u8]) -> Option<Vec<u8>> {
    fill(request.object, QUERY);
    let table = class::slot(request.object, QUERY).array()?;
    let text = value::elements(table).find_map(|(key, text)| match key {
        Key::Name(other) if other == name => Some(text),
        Key::Index(index) if index.to_string().as_bytes() == name => Some(text),
        _ => None,
    })?;
    value::bytes_of(text).map(<[u8]>::to_vec)
}

fn cookie(this: This<Request>, arguments: u32, ret: &mut Zval) -> Answer {
    let name = name_argument(arguments)?;
    let Some((head, _)) = this.came.get() else { return Ok(()) };
    let found = head
        .values("cookie")
        .flat_map(|line| line.split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii)
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix(b"="));
    *ret = found.map_or_else(Zval::null, |text| value::string(&decoded(text)));
    Ok(())
}
