//! The boundary that no panic crosses: unwinding into C would be undefined behaviour.

use super::status::{Failure, towline_status};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of an exported function; a panic becomes `TOWLINE_ERR_INTERNAL` with its words.
pub(super) fn boundary<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    // Whatever a panic leaves half done stays behind RefCells, whose guards are released on the way.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        Err(Failure::new(towline_status::TOWLINE_ERR_INTERNAL, format!("internal fault: {}", words(payload.as_ref()))))
    })
}

/// As [`boundary`], for functions that return a plain value.
pub(super) fn boundary_or<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

/// As [`boundary`], for functions without a loop to keep the text in.
pub(super) fn boundary_status(body: impl FnOnce() -> Result<(), Failure>) -> towline_status {
    boundary(body).map_or_else(|failure| failure.status, |()| towline_status::TOWLINE_OK)
}

fn words(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no words")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_panic_becomes_a_status_with_its_words() {
        let failure = boundary::<()>(|| panic!("slot {} is gone", 7)).expect_err("a panic");
        assert_eq!(failure.status, towline_status::TOWLINE_ERR_INTERNAL);
        assert_eq!(failure.text, "internal fault: slot 7 is gone");
        assert_eq!(boundary_or(5, || panic!("x")), 5);
        assert_eq!(boundary_status(|| panic!("x")), towline_status::TOWLINE_ERR_INTERNAL);
        assert_eq!(boundary_status(|| Ok(())), towline_status::TOWLINE_OK);
    }
}
