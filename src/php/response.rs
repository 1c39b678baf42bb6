//! `\Towline\FastCgi\Response`: declared properties that the engine itself reads; the headers become an array only
//! when somebody looks at them.

use super::class::{self, Class, Declaration, Kind, Method, This, class, handler, parse};
use super::errors::Answer;
use super::gc::Held;
use super::{call, value};
use crate::fastcgi::{Head, Response as Answered};
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::ffi::{
    zend_object, zend_std_get_properties, zend_std_has_property, zend_std_read_property, zend_string,
};
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::{ZendHashTable, Zval};
use std::cell::RefCell;
use std::ffi::{c_int, c_void};

/// An answer. Its head stays as it came until the headers are asked for.
#[derive(Default)]
pub struct Response {
    came: RefCell<Came>,
}

/// What has come of it, where it came.
#[derive(Default)]
enum Came {
    #[default]
    Nothing,
    Head(Box<Head>),
    /// Without body and stderr, which are properties.
    All(Box<Answered>),
}

impl Came {
    fn head(&self) -> Option<&Head> {
        match self {
            Came::Nothing => None,
            Came::Head(head) => Some(head),
            Came::All(answer) => Some(&answer.head),
        }
    }
}

const STATUS: u32 = 0;
const HEADERS: u32 = 1;
const BODY: u32 = 2;
const STDERR: u32 = 3;
const APP_STATUS: u32 = 4;
const DURATION: u32 = 5;

class!(Response, "Towline\\FastCgi\\Response");

impl Held for Response {}

impl Class for Response {
    fn methods() -> Vec<Method> {
        vec![(
            FunctionBuilder::new("header", handler!(Response, header)).arg(Arg::new("name", DataType::String)).returns(
                DataType::String,
                false,
                true,
            ),
            MethodFlags::Public,
        )]
    }

    fn declare(class: Declaration) {
        class
            .readonly(c"status", Kind::Int)
            .readonly(c"headers", Kind::Array)
            .readonly(c"body", Kind::String)
            .readonly(c"stderr", Kind::String)
            .readonly(c"appStatus", Kind::Int)
            .readonly(c"duration", Kind::Float);
        let handlers = std::ptr::from_ref(Self::get_metadata().handlers()).cast_mut();
        // SAFETY: as in `class::register`: MINIT, before the first object is made.
        unsafe {
            (*handlers).read_property = Some(read_property);
            (*handlers).has_property = Some(has_property);
            (*handlers).get_properties = Some(get_properties);
        }
    }
}

/// A response of which the head has come; [`set_head`] follows.
pub fn begun() -> Zval {
    let response = class::create(Response::default());
    let object = call::object(&response);
    class::set_slot(object, BODY, value::string(b""));
    class::set_slot(object, STDERR, value::string(b""));
    class::set_slot(object, APP_STATUS, value::int(0));
    class::set_slot(object, DURATION, value::float(0.0));
    response
}

/// A response with everything but the head; [`keep`] follows.
pub fn answered(answer: &Answered) -> Answer<Zval> {
    let response = class::create(Response::default());
    let object = call::object(&response);
    class::set_slot(object, BODY, value::received(&answer.body)?);
    class::set_slot(object, STDERR, value::received(&answer.stderr)?);
    class::set_slot(object, APP_STATUS, value::int(answer.app_status));
    class::set_slot(object, DURATION, value::float(answer.duration.as_secs_f64()));
    Ok(response)
}

/// Takes over the head.
pub fn set_head(response: &Zval, head: Box<Head>) {
    set(response, Came::Head(head));
}

/// Takes over what the properties do not have.
pub fn keep(response: &Zval, mut answer: Box<Answered>) {
    (answer.body, answer.stderr) = (Vec::new(), Vec::new());
    set(response, Came::All(answer));
}

fn set(response: &Zval, came: Came) {
    let status = came.head().map_or(0, Head::status);
    class::set_slot(call::object(response), STATUS, value::int(status));
    if let Some(this) = class::of::<Response>(response) {
        this.came.replace(came);
    }
}

/// Makes the array of headers, once.
fn fill_headers(object: *mut zend_object) {
    let Some(this) = class::object_of::<Response>(object) else { return };
    if class::slot(object, HEADERS).is_array() {
        return;
    }
    let headers = match this.came.borrow().head() {
        Some(head) => value::lists(head.fields()),
        None => value::array(),
    };
    class::set_slot(object, HEADERS, headers);
}

fn fill_if_headers(object: *mut zend_object, name: *mut zend_string) {
    if value::bytes(name) == b"headers" {
        fill_headers(object);
    }
}

unsafe extern "C" fn read_property(
    object: *mut zend_object,
    name: *mut zend_string,
    kind: c_int,
    cache: *mut *mut c_void,
    rv: *mut Zval,
) -> *mut Zval {
    fill_if_headers(object, name);
    // SAFETY: the engine's own handler with the engine's own arguments.
    unsafe { zend_std_read_property(object, name, kind, cache, rv) }
}

unsafe extern "C" fn has_property(
    object: *mut zend_object,
    name: *mut zend_string,
    kind: c_int,
    cache: *mut *mut c_void,
) -> c_int {
    fill_if_headers(object, name);
    // SAFETY: as above.
    unsafe { zend_std_has_property(object, name, kind, cache) }
}

unsafe extern "C" fn get_properties(object: *mut zend_object) -> *mut ZendHashTable {
    fill_headers(object);
    // SAFETY: as above.
    unsafe { zend_std_get_properties(object) }
}

fn header(this: This<Response>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut name: *mut zend_string = std::ptr::null_mut();
    parse!(arguments, c"S", &raw mut name)?;
    let name = value::bytes(name);
    let came = this.came.borrow();
    let found = came.head().into_iter().flat_map(Head::fields).find(|(field, _)| field.eq_ignore_ascii_case(name));
    match found {
        Some((_, text)) => *ret = value::string(text),
        None => ret.set_null(),
    }
    Ok(())
}
