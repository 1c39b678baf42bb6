//! The Docker client against a scripted peer: what a real Engine does rarely, or only when it is broken.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod connecting;
mod exits;
mod opening;
mod resizing;
mod runs;
mod streams;
mod versions;
