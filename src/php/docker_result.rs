//! `\Towline\Docker\Result`.

use super::class::{self, Class, Declaration, Kind, Method, class};
use super::errors::Answer;
use super::gc::Held;
use super::{call, value};
use crate::docker::RunResult;
use ext_php_rs::types::Zval;

/// What a command that was run left: declared properties alone.
pub struct Result;

const EXIT_CODE: u32 = 0;
const STDOUT: u32 = 1;
const STDERR: u32 = 2;

class!(Result, "Towline\\Docker\\Result");

impl Held for Result {}

impl Class for Result {
    fn methods() -> Vec<Method> {
        Vec::new()
    }

    fn declare(class: Declaration) {
        class
            .readonly(c"exitCode", Kind::IntOrNull)
            .readonly(c"stdout", Kind::String)
            .readonly(c"stderr", Kind::String);
    }
}

/// The object for a result.
pub fn create(result: &RunResult) -> Answer<Zval> {
    let created = class::create(Result);
    let object = call::object(&created);
    class::set_slot(object, EXIT_CODE, exit_code(result.exit_code));
    class::set_slot(object, STDOUT, value::received(&result.stdout)?);
    class::set_slot(object, STDERR, value::received(&result.stderr)?);
    Ok(created)
}

/// An exit code, or null.
pub fn exit_code(code: Option<i64>) -> Zval {
    code.map_or_else(Zval::null, value::int)
}
