//! Strings, lists and maps of strings among the arguments, for what must be UTF-8 on its way.

use super::errors::{self, Answer};
use super::value::{self, Key};
use ext_php_rs::ffi::zend_string;
use ext_php_rs::types::{ZendHashTable, Zval};

/// A string argument; null is the empty one.
pub fn text(number: u32, given: *const zend_string) -> Answer<String> {
    utf8(number, value::bytes(given).to_vec(), "be")
}

/// [`text`], or `None` for null.
pub fn optional(number: u32, given: *const zend_string) -> Answer<Option<String>> {
    if given.is_null() { Ok(None) } else { text(number, given).map(Some) }
}

/// The elements of an array of strings and numbers; its keys do not count.
pub fn list(number: u32, table: *mut ZendHashTable) -> Answer<Vec<String>> {
    let mut all = Vec::new();
    // SAFETY: null, or an argument of the running function.
    let Some(table) = (unsafe { table.as_ref() }) else { return Ok(all) };
    for (_, given) in value::elements(table) {
        if !(given.is_string() || given.is_long() || given.is_double()) {
            return Err(errors::argument_type(number, c"list<string|int|float>", given));
        }
        all.push(utf8(number, value::to_bytes(given)?, "hold")?);
    }
    Ok(all)
}

/// An array of scalars with names as keys.
pub fn pairs(number: u32, table: *mut ZendHashTable) -> Answer<Vec<(String, String)>> {
    let mut all = Vec::new();
    // SAFETY: null, or an argument of the running function.
    let Some(table) = (unsafe { table.as_ref() }) else { return Ok(all) };
    for (key, given) in value::elements(table) {
        let name = name(number, key)?;
        let Some(text) = scalar(number, given)? else {
            return Err(errors::argument_type(number, c"array<string, string|int|bool>", given));
        };
        all.push((name, text));
    }
    Ok(all)
}

/// A key that is a name.
pub fn name(number: u32, key: Key) -> Answer<String> {
    match key {
        Key::Name(name) => utf8(number, name.to_vec(), "hold"),
        Key::Index(_) => Err(errors::argument(number, "must have names as keys, a number given")),
    }
}

/// A scalar as a string, a bool as 1 or 0; `None` for anything else.
pub fn scalar(number: u32, given: &mut Zval) -> Answer<Option<String>> {
    if let Some(truth) = given.bool() {
        return Ok(Some(if truth { "1" } else { "0" }.to_owned()));
    }
    if !(given.is_string() || given.is_long() || given.is_double()) {
        return Ok(None);
    }
    utf8(number, value::to_bytes(given)?, "hold").map(Some)
}

fn utf8(number: u32, bytes: Vec<u8>, verb: &str) -> Answer<String> {
    String::from_utf8(bytes).map_err(|_| errors::argument(number, &format!("must {verb} UTF-8 text")))
}
