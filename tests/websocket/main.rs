//! The WebSocket server against clients that keep to the protocol and clients that do not.

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

mod crowd;
mod endings;
mod foreign;
mod frames;
mod host;
mod http;
mod listening;
mod pressure;
