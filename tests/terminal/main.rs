//! Terminal hubs against a scripted Engine: what a real one does not do on demand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "tests"
)]

#[allow(dead_code, reason = "a part of it")]
#[path = "../websocket/host.rs"]
mod host;
#[path = "../support/mod.rs"]
mod support;

mod engine;
mod flow;
mod handles;
mod lives;
mod messages;
mod stage;
mod tape;
