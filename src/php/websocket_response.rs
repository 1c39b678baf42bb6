//! `\Towline\WebSocket\HttpResponse`.

use super::class::{self, Class, Declaration, Kind, Method, This, class, parse, static_handler};
use super::errors::{self, Answer};
use super::gc::Held;
use super::json;
use super::value::{self, Key};
use super::websocket_file as file;
use crate::websocket;
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::class::{ConstructorMeta, RegisteredClass};
use ext_php_rs::ffi::{zend_object, zend_string};
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::{ZendHashTable, Zval};
use std::ptr::null_mut;

/// Header fields, in order.
pub type Fields = Vec<(String, Vec<u8>)>;

/// An answer: checked when it is made, so that it can be sent.
pub struct Response {
    pub status: u16,
    pub headers: Fields,
}

const STATUS: u32 = 0;
const BODY: u32 = 1;
const HEADERS: u32 = 2;

class!(Response, "Towline\\WebSocket\\HttpResponse");

impl Held for Response {}

impl Class for Response {
    fn methods() -> Vec<Method> {
        let named = MethodFlags::Public | MethodFlags::Static;
        let headers = || Arg::new("headers", DataType::Array).default("[]");
        let itself = || DataType::object(Response::CLASS_NAME);
        vec![
            (
                FunctionBuilder::new("json", static_handler!(from_json))
                    .arg(Arg::new("data", DataType::Mixed))
                    .not_required()
                    .arg(Arg::new("status", DataType::Long).default("200"))
                    .arg(headers())
                    .returns(itself(), false, false),
                named,
            ),
            (
                FunctionBuilder::new("file", static_handler!(file::respond))
                    .arg(Arg::new("root", DataType::String))
                    .arg(Arg::new("path", DataType::object("Towline\\WebSocket\\HttpRequest")))
                    .not_required()
                    .arg(headers())
                    .returns(itself(), false, true),
                named,
            ),
        ]
    }

    fn construct() -> ConstructorMeta<Self> {
        ConstructorMeta {
            constructor: |ex| class::constructed(ex, construct),
            build_fn: |function| {
                function
                    .not_required()
                    .arg(Arg::new("status", DataType::Long).default("200"))
                    .arg(Arg::new("body", DataType::String).default("''"))
                    .arg(Arg::new("headers", DataType::Array).default("[]"))
            },
            flags: None,
        }
    }

    fn declare(class: Declaration) {
        class
            .readonly(c"status", Kind::Int)
            .readonly(c"body", Kind::String)
            .readonly(c"headers", Kind::Array)
            .or_string(c"file", 1);
    }
}

/// The body of an answer.
pub fn body(this: This<'_, Response>) -> &[u8] {
    value::bytes_of(class::slot(this.object, BODY)).unwrap_or_default()
}

fn construct(object: *mut zend_object, arguments: u32) -> Answer<Response> {
    let mut status = 200i64;
    let mut body: *mut zend_string = null_mut();
    let mut headers: *mut ZendHashTable = null_mut();
    parse!(arguments, c"|lSh", &raw mut status, &raw mut body, &raw mut headers)?;
    let status = self::status(1, status)?;
    let mut fields = fields(3, headers)?;
    let body = value::bytes(body);
    if !body.is_empty() {
        add_missing(&mut fields, "Content-Type", b"text/plain; charset=utf-8");
    }
    let response = checked(3, status, fields)?;
    set_slots(object, &response, value::string(body));
    Ok(response)
}

/// A response as a PHP object. The header fields are argument `number` of the running function.
pub fn create(number: u32, status: u16, fields: Fields, body: Zval) -> Answer<Zval> {
    let response = checked(number, status, fields)?;
    let created = class::create(response);
    if let Some(this) = class::of::<Response>(&created) {
        set_slots(this.object, &this, body);
    }
    Ok(created)
}

fn set_slots(object: *mut zend_object, response: &Response, body: Zval) {
    class::set_slot(object, STATUS, value::int(response.status));
    class::set_slot(object, BODY, body);
    let fields = response.headers.iter().map(|(name, text)| (name.as_bytes(), text.as_slice()));
    class::set_slot(object, HEADERS, value::lists(fields));
}

fn status(number: u32, given: i64) -> Answer<u16> {
    match u16::try_from(given) {
        Ok(status @ 200..=599) => Ok(status),
        _ => Err(errors::argument(number, &format!("must be between 200 and 599, {given} given"))),
    }
}

fn checked(number: u32, status: u16, headers: Fields) -> Answer<Response> {
    let given: Vec<(&str, &[u8])> = headers.iter().map(|(name, text)| (&**name, text.as_slice())).collect();
    if let Err(error) = websocket::check_answer(status, &given) {
        return Err(errors::argument(number, &format!("cannot be sent: {error}")));
    }
    Ok(Response { status, headers })
}

/// Adds a field unless it is there.
pub fn add_missing(fields: &mut Fields, name: &str, text: &[u8]) {
    if !fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
        fields.push((name.to_owned(), text.to_vec()));
    }
}

/// Reads an array of header fields: a text, a number or a list of these for each name.
pub fn fields(number: u32, table: *mut ZendHashTable) -> Answer<Fields> {
    let mut all = Fields::new();
    // SAFETY: null, or an argument of the running function.
    let Some(table) = (unsafe { table.as_ref() }) else { return Ok(all) };
    for (key, given) in value::elements(table) {
        let Key::Name(name) = key else {
            return Err(errors::argument(number, "must have the names of header fields as keys, a number given"));
        };
        let name = String::from_utf8_lossy(name).into_owned();
        if let Some(list) = given.array() {
            for (_, given) in value::elements(list) {
                all.push((name.clone(), text(number, given)?));
            }
        } else {
            all.push((name, text(number, given)?));
        }
    }
    Ok(all)
}

fn text(number: u32, given: &mut Zval) -> Answer<Vec<u8>> {
    if given.is_string() || given.is_long() || given.is_double() {
        return value::to_bytes(given);
    }
    Err(errors::argument_type(number, c"array<string, string|int|float|list<string|int|float>>", given))
}

fn from_json(arguments: u32, ret: &mut Zval) -> Answer {
    let mut data: *mut Zval = null_mut();
    let mut status = 200i64;
    let mut headers: *mut ZendHashTable = null_mut();
    parse!(arguments, c"z|lh", &raw mut data, &raw mut status, &raw mut headers)?;
    let status = self::status(2, status)?;
    // First, for it may run PHP code.
    // SAFETY: the parser succeeded, so this is the first argument.
    let body = json::encode(unsafe { &*data })?;
    let mut fields = fields(3, headers)?;
    add_missing(&mut fields, "Content-Type", b"application/json");
    add_missing(&mut fields, "Cache-Control", b"no-store");
    *ret = create(3, status, fields, body)?;
    Ok(())
}
