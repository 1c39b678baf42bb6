//! PHP values in and out: bytes stay bytes.

use super::errors::{Answer, Thrown};
use super::ffi;
use ext_php_rs::ffi::{zend_object, zend_string};
use ext_php_rs::types::{ZendHashTable, Zval};
use std::ffi::{CStr, c_char};

/// A PHP string of these bytes.
pub fn string(bytes: &[u8]) -> Zval {
    let mut value = Zval::new();
    // SAFETY: the bytes are copied; the value is empty, so nothing is lost by overwriting it.
    unsafe { ffi::towline_set_string(&raw mut value, bytes.as_ptr().cast(), bytes.len()) };
    value
}

/// [`string`] of bytes that a peer sent, however many: an error is the end of the script, for they are beyond the memory
/// limit. Not to be called where the core is borrowed.
pub fn received(bytes: &[u8]) -> Answer<Zval> {
    let mut value = Zval::new();
    // SAFETY: as in `string`.
    if unsafe { ffi::towline_try_string(&raw mut value, bytes.as_ptr().cast(), bytes.len()) } {
        return Ok(value);
    }
    super::call::interrupt()?;
    Err(Thrown)
}

/// A PHP integer; what does not fit is the largest one.
pub fn int(number: impl TryInto<i64>) -> Zval {
    let mut value = Zval::new();
    value.set_long(number.try_into().unwrap_or(i64::MAX));
    value
}

/// A PHP float.
pub fn float(number: f64) -> Zval {
    let mut value = Zval::new();
    value.set_double(number);
    value
}

/// A PHP bool.
pub fn bool(truth: bool) -> Zval {
    let mut value = Zval::new();
    value.set_bool(truth);
    value
}

/// A new, empty array.
pub fn array() -> Zval {
    let mut value = Zval::new();
    value.set_hashtable(ZendHashTable::new());
    value
}

/// Puts a value into an array under a string key (a decimal one becomes an integer, as in PHP).
pub fn put(array: &mut Zval, key: &[u8], value: Zval) {
    let mut value = std::mem::ManuallyDrop::new(value);
    // SAFETY: `array` is an array; it takes over the value's reference.
    unsafe { ffi::towline_assoc(array, key.as_ptr().cast(), key.len(), &raw mut *value) };
}

/// The element of an array under a string key.
pub fn get<'a>(array: &'a mut Zval, key: &[u8]) -> Option<&'a mut Zval> {
    let table = array.array_mut()?;
    // SAFETY: the table is live and borrowed for the answer's life.
    unsafe { ffi::towline_array_find(table, key.as_ptr().cast(), key.len()).as_mut() }
}

/// Appends a value to an array.
pub fn push(array: &mut Zval, value: Zval) {
    if let Some(table) = array.array_mut() {
        let _ = table.push(value);
    }
}

/// An array of lists: each name with all its values in order.
pub fn lists<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Zval {
    let mut all = array();
    for (name, text) in fields {
        match get(&mut all, name) {
            Some(list) => push(list, string(text)),
            None => {
                let mut list = array();
                push(&mut list, string(text));
                put(&mut all, name, list);
            }
        }
    }
    all
}

/// The bytes of a string that outlives the running function's use of it; none for null.
pub fn bytes<'a>(string: *const zend_string) -> &'a [u8] {
    // SAFETY: strings come from the engine's argument parser, whose caller keeps them through the call.
    unsafe {
        match string.as_ref() {
            Some(string) => std::slice::from_raw_parts((&raw const string.val).cast::<u8>(), string.len),
            None => &[],
        }
    }
}

/// The bytes of a string value; `None` when it is no string.
pub fn bytes_of(value: &Zval) -> Option<&[u8]> {
    value.zend_str().map(|string| string.as_bytes())
}

/// A value as PHP would make it a string; an error is an exception thrown.
pub fn to_bytes(value: &mut Zval) -> Answer<Vec<u8>> {
    // SAFETY: the value is live; the string is released below.
    let string = unsafe { ffi::towline_to_string(value) };
    if string.is_null() {
        return Err(Thrown);
    }
    let copy = bytes(string).to_vec();
    // SAFETY: the reference that `towline_to_string` gave.
    unsafe { ffi::towline_string_release(string) };
    Ok(copy)
}

/// The bytes of an argument that may be a string or of the types `expected`, taken as the engine takes strings. May run
/// PHP code.
pub fn string_argument<'a>(number: u32, expected: &CStr, given: &'a mut Zval) -> Answer<&'a [u8]> {
    // SAFETY: an argument of the running function, which the engine may convert in its place.
    let taken = unsafe { ffi::towline_string_argument(given, number) };
    if super::call::exception_pending() {
        return Err(Thrown);
    }
    if !taken {
        return Err(super::errors::argument_type(number, expected, given));
    }
    Ok(bytes_of(given).unwrap_or_default())
}

/// A key of an array.
pub enum Key<'a> {
    Index(i64),
    Name(&'a [u8]),
}

/// Puts a value into an array under a key of another.
pub fn put_at(array: &mut Zval, key: Key, value: Zval) {
    match key {
        Key::Name(name) => put(array, name, value),
        Key::Index(index) => {
            if let Some(table) = array.array_mut() {
                let _ = table.insert_at_index(index, value);
            }
        }
    }
}

/// True for an object that `foreach` can walk.
pub fn is_traversable(value: &Zval) -> bool {
    // SAFETY: the class entry is PHP's own.
    instance_of(super::call::object(value), unsafe { ffi::towline_traversable_ce() })
}

/// Walks an array; values are dereferenced.
pub struct Elements<'a> {
    table: &'a ZendHashTable,
    position: u32,
}

/// The elements of an array in order.
pub fn elements(table: &ZendHashTable) -> Elements<'_> {
    Elements { table, position: 0 }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (Key<'a>, &'a mut Zval);

    fn next(&mut self) -> Option<Self::Item> {
        let mut key: *mut zend_string = std::ptr::null_mut();
        let mut index = 0u64;
        let mut value: *mut Zval = std::ptr::null_mut();
        let table = std::ptr::from_ref(self.table).cast_mut();
        // SAFETY: the table is borrowed for 'a; walking does not change it, and each value is handed out once.
        unsafe {
            if !ffi::towline_array_next(table, &raw mut self.position, &raw mut key, &raw mut index, &raw mut value) {
                return None;
            }
            let key = if key.is_null() { Key::Index(index.cast_signed()) } else { Key::Name(bytes(key)) };
            Some((key, &mut *value))
        }
    }
}

/// PHP's word for a value's type.
pub fn type_name(value: &mut Zval) -> &'static CStr {
    // SAFETY: the engine answers with a string constant.
    unsafe { CStr::from_ptr(ffi::towline_type_name(value)) }
}

/// True when the object is of the class, or implements the interface.
pub fn instance_of(object: *mut zend_object, ce: *mut ext_php_rs::ffi::zend_class_entry) -> bool {
    // SAFETY: both are live: the object by its owner, the class until the module ends.
    !object.is_null() && unsafe { ffi::towline_instance_of(object, ce) }
}

/// A pointer that C reads bytes from, with their number.
pub fn raw(text: &str) -> (*const c_char, usize) {
    (text.as_ptr().cast(), text.len())
}
