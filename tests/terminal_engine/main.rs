//! Terminal hubs against a real Engine.

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
#[allow(dead_code, reason = "a part of it")]
#[path = "../websocket/host.rs"]
mod host;
#[path = "../terminal/stage.rs"]
mod stage;
#[path = "../support/mod.rs"]
mod support;

mod faults;
mod sessions;
