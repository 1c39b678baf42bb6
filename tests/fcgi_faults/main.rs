//! The FastCGI client against peers that break the protocol, stall, or go away.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

#[path = "../support/mod.rs"]
mod support;

mod cancel;
mod chaos;
mod connect;
mod deadlines;
mod queue;
mod retry;
mod sources;
mod upstreams;
mod wire;

use towline::fastcgi::Request;

/// GET of a script that no peer looks at.
fn get() -> Request {
    Request::builder("/srv/a.php").build().unwrap()
}

/// POST of a body of this length.
fn post(length: usize) -> Request {
    Request::builder("/srv/a.php").method("POST").content_length(length as u64).build().unwrap()
}
