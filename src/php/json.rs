//! JSON through PHP's own functions.

use super::errors::{self, Answer};
use super::{call, value};
use ext_php_rs::types::Zval;

/// `JSON_THROW_ON_ERROR`.
const THROW_ON_ERROR: i64 = 4_194_304;

/// `json_encode($data, JSON_THROW_ON_ERROR)`.
pub fn encode(data: &Zval) -> Answer<Zval> {
    call::function(c"json_encode", &mut [data.shallow_clone(), value::int(THROW_ON_ERROR)])
}

/// The array that a JSON text stands for; `None` when it is something else.
pub fn decode(text: Zval) -> Answer<Option<Zval>> {
    let decoded = call::function(c"json_decode", &mut [text, value::bool(true)])?;
    Ok(decoded.is_array().then_some(decoded))
}

/// What php-fpm's status page says: its array, or the `ProtocolException` for an answer that is none.
pub fn status(status: u16, body: Zval) -> Answer<Result<Zval, Zval>> {
    if status != 200 {
        let text = format!("the status page answered {status}; is pm.status_path set to the path that was asked for?");
        return Ok(Err(errors::protocol(&text)));
    }
    Ok(decode(body)?.ok_or_else(|| {
        errors::protocol("the status page answered something else than JSON: is this php-fpm's pm.status_path?")
    }))
}
