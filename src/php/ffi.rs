//! What ext-php-rs does not bind: the shim (`shim.c`) and a few functions of the engine.

use super::fiber::Fiber;
use ext_php_rs::ffi::{zend_class_entry, zend_object, zend_object_handlers, zend_string};
use ext_php_rs::types::{ZendHashTable, Zval};
use std::ffi::{c_char, c_int, c_void};

/// An object handler that tells the collector what an object holds.
pub type GetGc = unsafe extern "C" fn(*mut zend_object, *mut *mut Zval, *mut c_int) -> *mut ZendHashTable;

/// An object handler that tells `var_dump()` what to show.
pub type GetDebugInfo = unsafe extern "C" fn(*mut zend_object, *mut c_int) -> *mut ZendHashTable;

unsafe extern "C" {
    pub fn zend_parse_parameters(num_args: u32, spec: *const c_char, ...) -> c_int;
    pub fn zend_argument_type_error(num: u32, format: *const c_char, ...);

    pub fn towline_string_argument(argument: *mut Zval, number: u32) -> bool;
    pub fn towline_only_object(ce: *mut zend_class_entry) -> *mut Zval;
    pub fn towline_only_string() -> *mut zend_string;
    pub fn towline_closure_ce() -> *mut zend_class_entry;
    pub fn towline_runtime_exception_ce() -> *mut zend_class_entry;
    pub fn towline_traversable_ce() -> *mut zend_class_entry;

    pub fn towline_exception_pending() -> bool;
    pub fn towline_call(closure: *mut zend_object, argc: u32, argv: *mut Zval, ret: *mut Zval) -> bool;
    pub fn towline_call_function(
        name: *const c_char,
        length: usize,
        argc: u32,
        argv: *mut Zval,
        ret: *mut Zval,
    ) -> bool;
    pub fn towline_call_method(object: *mut zend_object, name: *const c_char, length: usize, ret: *mut Zval) -> bool;
    pub fn towline_construct(class: *const c_char, argument: *mut Zval, object: *mut Zval) -> bool;
    pub fn towline_instance_of(object: *mut zend_object, ce: *mut zend_class_entry) -> bool;

    pub fn towline_throw(ce: *mut zend_class_entry, message: *const c_char, length: usize);
    pub fn towline_throw_object(exception: *mut zend_object);
    pub fn towline_exception_object(ce: *mut zend_class_entry, message: *const c_char, length: usize, out: *mut Zval);

    pub fn towline_take_exception(out: *mut Zval) -> bool;
    pub fn towline_argument_error(num: u32, message: *const c_char, length: usize);

    pub fn towline_fiber() -> *mut Fiber;
    pub fn towline_fiber_may_suspend() -> bool;
    pub fn towline_fiber_stack_size() -> usize;
    pub fn zend_fiber_switch_blocked() -> bool;
    pub fn towline_fiber_suspend() -> bool;
    pub fn towline_fiber_resume(fiber: *mut zend_object) -> bool;
    pub fn towline_fiber_job(job: unsafe extern "C" fn(arguments: *mut Zval));
    pub fn towline_fiber_start(argc: u32, argv: *mut Zval) -> bool;
    pub fn towline_interrupt() -> bool;
    pub fn towline_parse_query(text: *const c_char, length: usize, out: *mut Zval);
    pub fn towline_stream(fd: c_int, out: *mut Zval) -> bool;
    pub fn towline_open_basedir_allows(path: *const c_char) -> bool;

    pub fn towline_gc_begin(object: *mut zend_object) -> *mut c_void;
    pub fn towline_gc_add(buffer: *mut c_void, value: *const Zval);
    pub fn towline_gc_end(buffer: *mut c_void, table: *mut *mut Zval, n: *mut c_int);

    pub fn towline_handlers(handlers: *mut zend_object_handlers, get_gc: GetGc, get_debug_info: GetDebugInfo);
    pub fn zend_std_get_debug_info(object: *mut zend_object, is_temporary: *mut c_int) -> *mut ZendHashTable;
    pub fn towline_readonly(ce: *mut zend_class_entry, name: *const c_char, mask: u32, class: *const c_char);
    pub fn towline_slot(object: *mut zend_object, index: u32) -> *mut Zval;
    pub fn towline_retype(ce: *mut zend_class_entry, method: *const c_char, argument: c_int, mask: u32);
    pub static towline_php_major: u8;
    pub static towline_php_minor: u8;
    pub static towline_may_be_array: u32;
    pub static towline_may_be_string: u32;
    pub static towline_may_be_long: u32;
    pub static towline_may_be_null: u32;
    pub static towline_may_be_bool: u32;
    pub static towline_may_be_double: u32;
    pub static towline_may_be_static: u32;

    pub fn towline_set_string(out: *mut Zval, bytes: *const c_char, length: usize);
    pub fn towline_try_string(out: *mut Zval, bytes: *const c_char, length: usize) -> bool;
    pub fn towline_assoc(array: *mut Zval, key: *const c_char, length: usize, value: *mut Zval);
    pub fn towline_array_next(
        array: *mut ZendHashTable,
        position: *mut u32,
        key: *mut *mut zend_string,
        index: *mut u64,
        value: *mut *mut Zval,
    ) -> bool;
    pub fn towline_array_find(array: *mut ZendHashTable, key: *const c_char, length: usize) -> *mut Zval;
    pub fn towline_to_string(value: *mut Zval) -> *mut zend_string;
    pub fn towline_string_release(string: *mut zend_string);
    pub fn towline_type_name(value: *mut Zval) -> *const c_char;
}
