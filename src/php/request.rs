//! `\Towline\FastCgi\Request`: immutable, checked and encoded once.

use super::balance::Role;
use super::class::{self, Class, Declaration, Method, This, class, handler, parse, static_handler};
use super::errors::{self, Answer};
use super::gc::Held;
use super::{call, form, json, value};
use crate::fastcgi::{self, RequestBuilder};
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::class::{ConstructorMeta, RegisteredClass};
use ext_php_rs::convert::FromZval;
use ext_php_rs::ffi::zend_string;
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::{ZendHashTable, Zval};

/// A request that may be sent any number of times.
pub struct Request {
    builder: RequestBuilder,
    /// What goes over the wire before the body.
    pub encoded: fastcgi::Request,
    /// The body's string, or the closure that gives it piece by piece.
    body: Zval,
}

class!(Request, "Towline\\FastCgi\\Request");

impl Held for Request {
    fn held(&self, visit: &mut dyn FnMut(&Zval)) {
        visit(&self.body);
    }
}

impl Class for Request {
    fn methods() -> Vec<Method> {
        let string = |name: &str| Arg::new(name, DataType::String);
        let array = |name: &str| Arg::new(name, DataType::Array);
        let itself =
            |function: FunctionBuilder<'static>| function.returns(DataType::object(Request::CLASS_NAME), false, false);
        let named = MethodFlags::Public | MethodFlags::Static;
        let method = MethodFlags::Public;
        let get = FunctionBuilder::new("get", static_handler!(from_query)).arg(string("script")).not_required();
        let post = FunctionBuilder::new("post", static_handler!(from_form)).arg(string("script")).arg(array("form"));
        let json = FunctionBuilder::new("json", static_handler!(from_json)).arg(string("script"));
        let multipart = FunctionBuilder::new("multipart", static_handler!(from_multipart)).arg(string("script"));
        let param = FunctionBuilder::new("withParam", handler!(Request, with_param));
        let header = FunctionBuilder::new("withHeader", handler!(Request, with_header));
        let data = FunctionBuilder::new("withData", handler!(Request, with_data));
        let params = FunctionBuilder::new("getParams", handler!(Request, get_params));
        vec![
            (itself(get.arg(array("query").default("[]"))), named),
            (itself(post), named),
            (itself(json.arg(Arg::new("data", DataType::Mixed))), named),
            (itself(multipart.arg(array("fields")).arg(array("files"))), named),
            (itself(param.arg(string("name")).arg(string("value"))), method),
            (itself(header.arg(string("name")).arg(string("value"))), method),
            (itself(data.arg(string("data"))), method),
            (params.returns(DataType::Array, false, false), method),
        ]
    }

    fn construct() -> ConstructorMeta<Self> {
        ConstructorMeta {
            constructor: |ex| class::constructed(ex, |_, arguments| construct(arguments)),
            build_fn: |function| {
                let string = |name: &str, default: &str| Arg::new(name, DataType::String).default(default);
                let role = DataType::object("Towline\\FastCgi\\Role");
                function
                    .arg(Arg::new("script", DataType::String))
                    .not_required()
                    .arg(string("method", "'GET'"))
                    .arg(string("query", "''"))
                    .arg(Arg::new("body", DataType::object("Closure")).default("''"))
                    .arg(Arg::new("contentLength", DataType::Long).allow_null().default("null"))
                    .arg(string("contentType", "''"))
                    .arg(Arg::new("params", DataType::Array).default("[]"))
                    .arg(Arg::new("role", role).default("Towline\\FastCgi\\Role::Responder"))
            },
            flags: None,
        }
    }

    fn debug(&self) -> Option<Zval> {
        let mut shown = value::array();
        value::put(&mut shown, b"params", params_array(&self.builder.params().unwrap_or_default()));
        value::put(&mut shown, b"body", self.body.shallow_clone());
        Some(shown)
    }

    fn declare(class: Declaration) {
        class.or_string(c"__construct", 3);
    }
}

impl Request {
    fn new(builder: RequestBuilder, body: Zval) -> Answer<Request> {
        let encoded = builder.build().map_err(|error| errors::throw(&error))?;
        Ok(Request { builder, encoded, body })
    }

    /// The body; none when a source gives it.
    pub fn body_bytes(&self) -> &[u8] {
        value::bytes_of(&self.body).unwrap_or_default()
    }

    /// The closure that gives the body, or null.
    pub fn source(&self) -> Zval {
        if self.body.is_object() { self.body.shallow_clone() } else { Zval::new() }
    }
}

/// A GET of `script` as a PHP object.
pub fn get(script: &[u8], query: &[u8]) -> Answer<Zval> {
    let builder = fastcgi::Request::builder(script).query(query);
    Request::new(builder, value::string(b"")).map(class::create)
}

/// A POST of `script` with this body.
fn post(script: &[u8], content_type: &[u8], body: Zval) -> Answer<Zval> {
    let length = value::bytes_of(&body).map_or(0, <[u8]>::len) as u64;
    let builder = fastcgi::Request::builder(script).method("POST").content_type(content_type).content_length(length);
    Request::new(builder, body).map(class::create)
}

fn construct(arguments: u32) -> Answer<Request> {
    if let Some(script) = class::only_string() {
        return Request::new(fastcgi::Request::builder(script), value::string(b""));
    }
    let mut script: *mut zend_string = std::ptr::null_mut();
    let mut method: *mut zend_string = std::ptr::null_mut();
    let mut query: *mut zend_string = std::ptr::null_mut();
    let mut content_type: *mut zend_string = std::ptr::null_mut();
    let mut body: *mut Zval = std::ptr::null_mut();
    let (mut length, mut no_length) = (0i64, true);
    let mut params: *mut ZendHashTable = std::ptr::null_mut();
    let mut role: *mut Zval = std::ptr::null_mut();
    parse!(
        arguments,
        c"S|SSzl!ShO",
        &raw mut script,
        &raw mut method,
        &raw mut query,
        &raw mut body,
        &raw mut length,
        &raw mut no_length,
        &raw mut content_type,
        &raw mut params,
        &raw mut role,
        class::entry::<Role>(),
    )?;
    // SAFETY: null, or arguments of the running function.
    let (body, params, role) = unsafe { (body.as_mut(), params.as_ref(), role.as_ref()) };
    let length = if no_length { None } else { Some(super::options::at_least(5, length, 0)? as u64) };
    // First, for it may run PHP code.
    let (body, length) = body_argument(body, length)?;
    let mut builder = fastcgi::Request::builder(value::bytes(script))
        .query(value::bytes(query))
        .content_type(value::bytes(content_type));
    if !method.is_null() {
        builder = builder.method(value::bytes(method));
    }
    if let Some(role) = role.and_then(Role::from_zval) {
        builder = builder.role(role.into());
    }
    if let Some(params) = params {
        builder = with_params(builder, params)?;
    }
    Request::new(builder.content_length(length), body)
}

/// The body as it is kept, and its length.
fn body_argument(body: Option<&mut Zval>, length: Option<u64>) -> Answer<(Zval, u64)> {
    let Some(body) = body else {
        return match length {
            None | Some(0) => Ok((value::string(b""), 0)),
            Some(_) => Err(errors::argument(5, "must be null or 0 when there is no body")),
        };
    };
    if value::instance_of(call::object(body), class::closure_entry()) {
        return match length {
            Some(length) => Ok((body.shallow_clone(), length)),
            None => Err(errors::argument(5, "must be the number of bytes that the body's source will give")),
        };
    }
    let given = value::string_argument(4, c"Closure|string", body)?.len() as u64;
    match length {
        Some(length) if length != given => {
            Err(errors::argument(5, &format!("must be null or the body's length of {given} bytes, {length} given")))
        }
        _ => Ok((body.shallow_clone(), given)),
    }
}

fn with_params(mut builder: RequestBuilder, params: &ZendHashTable) -> Answer<RequestBuilder> {
    for (key, text) in value::elements(params) {
        if !(text.is_string() || text.is_long() || text.is_double() || text.is_bool()) {
            return Err(errors::argument_type(7, c"array<string, string|int|float|bool>", text));
        }
        let text = value::to_bytes(text)?;
        builder = match key {
            value::Key::Name(name) => builder.param(name, text),
            value::Key::Index(index) => builder.param(index.to_string(), text),
        };
    }
    Ok(builder)
}

fn from_query(arguments: u32, ret: &mut Zval) -> Answer {
    let mut script: *mut zend_string = std::ptr::null_mut();
    let mut query: *mut Zval = std::ptr::null_mut();
    parse!(arguments, c"S|a", &raw mut script, &raw mut query)?;
    // SAFETY: null, or an argument of the running function.
    let query = match unsafe { query.as_ref() } {
        Some(query) => call::function(c"http_build_query", &mut [query.shallow_clone()])?,
        None => value::string(b""),
    };
    *ret = get(value::bytes(script), value::bytes_of(&query).unwrap_or_default())?;
    Ok(())
}

fn from_form(arguments: u32, ret: &mut Zval) -> Answer {
    let mut script: *mut zend_string = std::ptr::null_mut();
    let mut form: *mut Zval = std::ptr::null_mut();
    parse!(arguments, c"Sa", &raw mut script, &raw mut form)?;
    // SAFETY: the parser succeeded, so this is an argument of the running function.
    let form = unsafe { (*form).shallow_clone() };
    let body = call::function(c"http_build_query", &mut [form])?;
    *ret = post(value::bytes(script), b"application/x-www-form-urlencoded", body)?;
    Ok(())
}

fn from_json(arguments: u32, ret: &mut Zval) -> Answer {
    let mut script: *mut zend_string = std::ptr::null_mut();
    let mut data: *mut Zval = std::ptr::null_mut();
    parse!(arguments, c"Sz", &raw mut script, &raw mut data)?;
    // SAFETY: the parser succeeded, so this is an argument of the running function.
    let body = json::encode(unsafe { &*data })?;
    *ret = post(value::bytes(script), b"application/json", body)?;
    Ok(())
}

fn from_multipart(arguments: u32, ret: &mut Zval) -> Answer {
    let mut script: *mut zend_string = std::ptr::null_mut();
    let (mut fields, mut files): (*mut ZendHashTable, *mut ZendHashTable) =
        (std::ptr::null_mut(), std::ptr::null_mut());
    parse!(arguments, c"Shh", &raw mut script, &raw mut fields, &raw mut files)?;
    // SAFETY: the parser succeeded, so these are arguments of the running function.
    let (content_type, body) = form::multipart(unsafe { &*fields }, unsafe { &*files })?;
    *ret = post(value::bytes(script), content_type.as_bytes(), value::string(&body))?;
    Ok(())
}

/// The two strings that `withParam` and `withHeader` take.
fn name_and_value<'a>(arguments: u32) -> Answer<(&'a [u8], &'a [u8])> {
    let mut name: *mut zend_string = std::ptr::null_mut();
    let mut text: *mut zend_string = std::ptr::null_mut();
    parse!(arguments, c"SS", &raw mut name, &raw mut text)?;
    Ok((value::bytes(name), value::bytes(text)))
}

fn changed(this: This<Request>, builder: RequestBuilder, ret: &mut Zval) -> Answer {
    *ret = class::create(Request::new(builder, this.body.shallow_clone())?);
    Ok(())
}

fn with_param(this: This<Request>, arguments: u32, ret: &mut Zval) -> Answer {
    let (name, text) = name_and_value(arguments)?;
    changed(this, this.builder.clone().param(name, text), ret)
}

fn with_header(this: This<Request>, arguments: u32, ret: &mut Zval) -> Answer {
    let (name, text) = name_and_value(arguments)?;
    let builder = this.builder.clone().header(&String::from_utf8_lossy(name), text);
    changed(this, builder.map_err(|error| errors::throw(&error))?, ret)
}

fn with_data(this: This<Request>, arguments: u32, ret: &mut Zval) -> Answer {
    let mut data: *mut zend_string = std::ptr::null_mut();
    parse!(arguments, c"S", &raw mut data)?;
    changed(this, this.builder.clone().data(value::bytes(data)), ret)
}

fn get_params(this: This<Request>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    *ret = params_array(&this.builder.params().map_err(|error| errors::throw(&error))?);
    Ok(())
}

fn params_array(params: &[(Vec<u8>, Vec<u8>)]) -> Zval {
    let mut array = value::array();
    for (name, text) in params {
        value::put(&mut array, name, value::string(text));
    }
    array
}
