//! Towline: a FastCGI client and a Docker exec client on one nonblocking event loop.
//!
//! The core takes commands and yields events; it never calls user code. [`Loop::turn`] waits for the
//! kernel and moves bytes, [`Loop::next_event`] hands out what happened. The C surface (feature
//! `capi`) and the PHP extension (feature `php`) are thin shells over that.

#[cfg(all(feature = "capi", feature = "php"))]
compile_error!(
    "features `capi` and `php` exclude each other: build the extension with \
     `--no-default-features --features php`"
);

pub mod docker;
pub mod event_loop;
pub mod fastcgi;
pub mod http;
pub mod net;
mod random;
pub mod reactor;
pub mod terminal;
pub mod websocket;

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;

#[cfg(feature = "capi")]
pub mod capi;
#[cfg(feature = "php")]
mod php;

pub use event_loop::{Event, Loop, TimerKey};
