//! What goes into the query of a call: filters and other parameters.

use super::errors::{self, Answer};
use super::{strings, value};
use ext_php_rs::types::{ZendHashTable, Zval};
use serde_json::{Map, Value};

/// Filters as the Engine API wants them: a JSON object of lists of strings; empty for none.
pub fn filters(number: u32, table: *mut ZendHashTable) -> Answer<String> {
    // SAFETY: null, or an argument of the running function.
    match unsafe { table.as_ref() } {
        Some(table) if !table.is_empty() => json(number, table),
        _ => Ok(String::new()),
    }
}

/// Parameters: a list becomes one for each element, a map the JSON of filters.
pub fn parameters(number: u32, table: *mut ZendHashTable) -> Answer<Vec<(String, String)>> {
    let mut all = Vec::new();
    // SAFETY: null, or an argument of the running function.
    let Some(table) = (unsafe { table.as_ref() }) else { return Ok(all) };
    for (key, given) in value::elements(table) {
        let name = strings::name(number, key)?;
        if let Some(text) = strings::scalar(number, given)? {
            all.push((name, text));
            continue;
        }
        match given.array() {
            Some(list) if list.has_sequential_keys() => {
                for (_, element) in value::elements(list) {
                    let Some(text) = strings::scalar(number, element)? else { return Err(wrong(number, element)) };
                    all.push((name.clone(), text));
                }
            }
            Some(map) => all.push((name, json(number, map)?)),
            None => return Err(wrong(number, given)),
        }
    }
    Ok(all)
}

fn json(number: u32, table: &ZendHashTable) -> Answer<String> {
    let mut all = Map::new();
    for (key, given) in value::elements(table) {
        let name = strings::name(number, key)?;
        let mut list = Vec::new();
        match given.array() {
            Some(elements) => {
                for (_, element) in value::elements(elements) {
                    list.push(filter(number, element)?);
                }
            }
            None => list.push(filter(number, given)?),
        }
        all.insert(name, Value::Array(list));
    }
    Ok(Value::Object(all).to_string())
}

fn filter(number: u32, given: &mut Zval) -> Answer<Value> {
    if let Some(truth) = given.bool() {
        return Ok(Value::String(truth.to_string()));
    }
    strings::scalar(number, given)?.map(Value::String).ok_or_else(|| wrong(number, given))
}

fn wrong(number: u32, given: &mut Zval) -> errors::Thrown {
    errors::argument_type(number, c"array<string, string|int|bool|array>", given)
}
