//! The C surface: `include/towline.h` is generated from these files, one per noun.
//!
//! Every exported function checks its arguments, keeps panics in (`panic`), and borrows the core only
//! while no callback runs, so that any function may be called from inside any callback.

#![allow(non_camel_case_types, reason = "these are the names that C programs see")]
#![allow(clippy::missing_safety_doc, reason = "the header's introduction states the rules once for all functions")]

mod blocking;
mod bytes;
mod client;
mod docker_answer;
mod docker_call;
mod docker_client;
mod docker_exec;
mod docker_request;
mod docker_stream;
mod event_loop;
mod fpm;
mod handle;
mod panic;
mod request;
mod response;
mod send;
mod sized;
mod status;
mod timer;

pub use blocking::*;
pub use bytes::*;
pub use client::*;
pub use docker_answer::*;
pub use docker_call::*;
pub use docker_client::*;
pub use docker_exec::*;
pub use docker_request::*;
pub use docker_stream::*;
pub use event_loop::*;
pub use fpm::*;
pub use request::*;
pub use response::*;
pub use send::*;
pub use status::*;
pub use timer::*;
