//! Shows PHP's cycle collector what Rust holds. Each value has exactly one owner, which reports it here.

use super::class;
use super::ffi;
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::ffi::zend_object;
use ext_php_rs::types::{ZendHashTable, Zval};
use std::ffi::c_int;

/// What a Rust type holds of PHP. Called in the middle of collection: no allocation in PHP, no panic.
pub trait Held {
    /// Calls `visit` for each value held.
    fn held(&self, _visit: &mut dyn FnMut(&Zval)) {}
}

/// The `get_gc` handler: declared properties and what [`Held`] reports.
pub unsafe extern "C" fn get_gc<T: RegisteredClass + Held>(
    object: *mut zend_object,
    table: *mut *mut Zval,
    n: *mut c_int,
) -> *mut ZendHashTable {
    // SAFETY: the engine asks with a live object and two places to write to; the buffer is used before the next
    // object is asked.
    unsafe {
        let buffer = ffi::towline_gc_begin(object);
        if let Some(this) = class::object_of::<T>(object) {
            this.held(&mut |value| ffi::towline_gc_add(buffer, value));
        }
        ffi::towline_gc_end(buffer, table, n);
    }
    std::ptr::null_mut()
}
