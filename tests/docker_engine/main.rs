//! The Docker client against a real Engine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

#[path = "../support/docker.rs"]
mod engine;
#[path = "../support/mod.rs"]
mod support;

/// A test that is run against dockerd and against podman.
macro_rules! on_both {
    ($($(#[$meta:meta])* fn $name:ident($engine:ident) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $(#[$meta])*
            fn check($engine: &'static crate::engine::Engine) $body

            #[test]
            fn docker() {
                check(crate::engine::docker());
            }

            #[test]
            fn podman() {
                check(crate::engine::podman());
            }
        }
    )*};
}

mod attach;
mod calls;
mod endings;
mod exec;
mod faults;
mod flow;
mod kill;
mod run;
mod tls;
