//! `\Towline\FastCgi\Fpm`.

use super::class::{self, Class, Declaration, Kind, Method, This, class, handler, parse, static_handler};
use super::errors::{self, Answer};
use super::gc::Held;
use super::{ffi, options, strings, value};
use crate::fastcgi::{self, FpmOptions};
use ext_php_rs::args::Arg;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::ffi::zend_string;
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::{ZendHashTable, Zval};
use std::cell::RefCell;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::rc::{Rc, Weak};

/// A private php-fpm; ends with the object.
pub struct Fpm {
    process: Rc<RefCell<Option<fastcgi::Fpm>>>,
}

thread_local! {
    /// Those of this PHP request, to be ended with it.
    static RUNNING: RefCell<Vec<Weak<RefCell<Option<fastcgi::Fpm>>>>> = const { RefCell::new(Vec::new()) };
}

const ADDRESS: u32 = 0;
const PID: u32 = 1;

class!(Fpm, "Towline\\FastCgi\\Fpm");

impl Held for Fpm {}

impl Class for Fpm {
    fn methods() -> Vec<Method> {
        let array = |name: &str| Arg::new(name, DataType::Array).default("[]");
        vec![
            (
                FunctionBuilder::new("start", static_handler!(start))
                    .not_required()
                    .arg(Arg::new("workers", DataType::Long).default("4"))
                    .arg(array("ini"))
                    .arg(array("env"))
                    .arg(Arg::new("binary", DataType::String).allow_null().default("null"))
                    .arg(Arg::new("startTimeout", DataType::Double).default("10.0"))
                    .returns(DataType::object(Fpm::CLASS_NAME), false, false),
                MethodFlags::Public | MethodFlags::Static,
            ),
            (
                FunctionBuilder::new("stop", handler!(Fpm, stop)).returns(DataType::Void, false, false),
                MethodFlags::Public,
            ),
        ]
    }

    fn declare(class: Declaration) {
        class.readonly(c"address", Kind::String).readonly(c"pid", Kind::Int);
    }
}

/// Ends those that still run. Calls no PHP.
pub fn stop_all() {
    let running = RUNNING.with_borrow_mut(std::mem::take);
    for process in running.iter().filter_map(Weak::upgrade) {
        process.take();
    }
}

fn start(arguments: u32, ret: &mut Zval) -> Answer {
    let (mut workers, mut timeout) = (4i64, 10.0f64);
    let (mut ini, mut env): (*mut ZendHashTable, *mut ZendHashTable) = (std::ptr::null_mut(), std::ptr::null_mut());
    let mut binary: *mut zend_string = std::ptr::null_mut();
    parse!(arguments, c"|lhhS!d", &raw mut workers, &raw mut ini, &raw mut env, &raw mut binary, &raw mut timeout,)?;
    let workers = u32::try_from(options::at_least(1, workers, 1)?)
        .map_err(|_| errors::argument(1, "must be a number of processes that a machine can hold"))?;
    let given = FpmOptions {
        workers,
        ini: strings::pairs(2, ini)?.into_iter().collect(),
        env: strings::pairs(3, env)?.into_iter().collect(),
        binary: (!binary.is_null()).then(|| PathBuf::from(std::ffi::OsStr::from_bytes(value::bytes(binary)))),
        // SAFETY: constants of the shim.
        version_hint: Some(unsafe { (ffi::towline_php_major, ffi::towline_php_minor) }),
        start_timeout: errors::seconds(5, timeout)?,
    };
    given.check().map_err(|error| errors::value_error(&error.to_string()))?;
    let process = fastcgi::Fpm::start(&given).map_err(|error| errors::runtime(&error.to_string()))?;
    let (address, pid) = (value::string(process.address().as_bytes()), value::int(process.pid()));
    let process = Rc::new(RefCell::new(Some(process)));
    RUNNING.with_borrow_mut(|running| {
        running.retain(|process| process.strong_count() > 0);
        running.push(Rc::downgrade(&process));
    });
    *ret = class::create(Fpm { process });
    class::set_slot(super::call::object(ret), ADDRESS, address);
    class::set_slot(super::call::object(ret), PID, pid);
    Ok(())
}

fn stop(this: This<Fpm>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    let process = this.process.take();
    if let Some(mut process) = process {
        process.stop();
    }
    Ok(())
}
