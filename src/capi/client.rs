//! FastCGI clients: one or more upstreams and the connections to them.

use super::bytes::texts;
use super::event_loop::{enter, towline_loop};
use super::handle::Handle;
use super::panic::boundary_status;
use super::send;
use super::sized::{self, Sized32};
use super::status::{Failure, towline_status};
use crate::fastcgi::{Balance, ClientKey, ClientOptions};
use std::ffi::c_char;
use std::mem::size_of;
use std::time::Duration;

/// How requests are spread over several upstreams.
#[repr(i32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum towline_fcgi_balance {
    /// The upstream with the fewest requests in flight; among equals the first given.
    TOWLINE_FCGI_LEAST_CONNECTIONS = 0,
    /// One after the other.
    TOWLINE_FCGI_ROUND_ROBIN = 1,
}

/// Settings of a client. Fill it with towline_fcgi_client_options_init(), then change what should differ. Deadlines
/// are in milliseconds, 1 to a year, or -1 for none.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct towline_fcgi_client_options {
    /// sizeof(towline_fcgi_client_options).
    pub size: u32,
    /// Connections per upstream; keep it below the pool's pm.max_children. Requests beyond it wait. Default 8.
    pub max_connections: u32,
    /// Requests that may wait for a connection. Default 100000.
    pub max_pending: u64,
    /// 1: reuse connections, each of which pins a php-fpm worker while it is open. 0: do not; for scripts that go on
    /// after fastcgi_finish_request(), for on a reused connection the next request waits for them. Default 1.
    pub keep_alive: u32,
    /// A towline_fcgi_balance. Default TOWLINE_FCGI_LEAST_CONNECTIONS.
    pub balance: i32,
    /// An idle connection is closed after so many milliseconds, 0 or more. Default 1000.
    pub idle_close_ms: i64,
    /// Deadline for a connection to stand; cannot be -1. Default 5000.
    pub connect_timeout_ms: i64,
    /// Deadline for the first byte of the answer. Default -1.
    pub first_byte_timeout_ms: i64,
    /// Deadline between two bytes. Default -1.
    pub idle_timeout_ms: i64,
    /// Deadline for a whole request, queueing included. Default -1.
    pub timeout_ms: i64,
    /// Most body and STDERR bytes of one answer. Default 64 MiB.
    pub max_response: u64,
    /// With several upstreams, one that refuses is left alone for so many milliseconds, 0 or more. Default 10000.
    pub fail_timeout_ms: i64,
}

// SAFETY: repr(C), begins with its size, only integers.
unsafe impl Sized32 for towline_fcgi_client_options {
    const NAME: &'static str = "towline_fcgi_client_options";
}

impl Default for towline_fcgi_client_options {
    fn default() -> Self {
        let core = ClientOptions::default();
        towline_fcgi_client_options {
            size: size_of::<Self>() as u32,
            max_connections: u32::try_from(core.max_connections).unwrap_or(u32::MAX),
            max_pending: core.max_pending as u64,
            keep_alive: u32::from(core.keep_alive),
            balance: match core.balance {
                Balance::LeastConnections => towline_fcgi_balance::TOWLINE_FCGI_LEAST_CONNECTIONS as i32,
                Balance::RoundRobin => towline_fcgi_balance::TOWLINE_FCGI_ROUND_ROBIN as i32,
            },
            idle_close_ms: millis(Some(core.idle_close)),
            connect_timeout_ms: millis(Some(core.connect_timeout)),
            first_byte_timeout_ms: millis(core.first_byte_timeout),
            idle_timeout_ms: millis(core.idle_timeout),
            timeout_ms: millis(core.timeout),
            max_response: core.max_response,
            fail_timeout_ms: millis(Some(core.fail_timeout)),
        }
    }
}

impl towline_fcgi_client_options {
    fn to_core(self) -> Result<ClientOptions, Failure> {
        const LEAST: i32 = towline_fcgi_balance::TOWLINE_FCGI_LEAST_CONNECTIONS as i32;
        const ROBIN: i32 = towline_fcgi_balance::TOWLINE_FCGI_ROUND_ROBIN as i32;
        if self.max_connections == 0 {
            return Err(Failure::invalid("max_connections is 0; expected 1 or more"));
        }
        if self.max_pending == 0 {
            return Err(Failure::invalid("max_pending is 0; expected 1 or more"));
        }
        Ok(ClientOptions {
            max_connections: self.max_connections as usize,
            max_pending: usize::try_from(self.max_pending).unwrap_or(usize::MAX),
            keep_alive: match self.keep_alive {
                0 => false,
                1 => true,
                other => return Err(Failure::invalid(format!("keep_alive is {other}; expected 0 or 1"))),
            },
            balance: match self.balance {
                LEAST => Balance::LeastConnections,
                ROBIN => Balance::RoundRobin,
                other => return Err(Failure::invalid(format!("balance is {other}; expected a towline_fcgi_balance"))),
            },
            idle_close: duration("idle_close_ms", self.idle_close_ms)?,
            connect_timeout: deadline("connect_timeout_ms", self.connect_timeout_ms)?
                .ok_or_else(|| Failure::invalid("connect_timeout_ms is -1; expected more than 0 milliseconds"))?,
            first_byte_timeout: deadline("first_byte_timeout_ms", self.first_byte_timeout_ms)?,
            idle_timeout: deadline("idle_timeout_ms", self.idle_timeout_ms)?,
            timeout: deadline("timeout_ms", self.timeout_ms)?,
            max_response: self.max_response,
            fail_timeout: duration("fail_timeout_ms", self.fail_timeout_ms)?,
        })
    }
}

/// -1 means none.
pub(super) fn millis(duration: Option<Duration>) -> i64 {
    duration.map_or(-1, |duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// A year: no deadline lies further away.
pub(super) const LONGEST_MS: i64 = 366 * 24 * 3600 * 1000;

pub(super) fn duration(name: &str, ms: i64) -> Result<Duration, Failure> {
    match ms {
        0..=LONGEST_MS => Ok(Duration::from_millis(ms.unsigned_abs())),
        _ => Err(Failure::invalid(format!("{name} is {ms}; expected 0 to {LONGEST_MS} milliseconds"))),
    }
}

pub(super) fn deadline(name: &str, ms: i64) -> Result<Option<Duration>, Failure> {
    match ms {
        -1 => Ok(None),
        1..=LONGEST_MS => Ok(Some(Duration::from_millis(ms.unsigned_abs()))),
        _ => Err(Failure::invalid(format!("{name} is {ms}; expected 1 to {LONGEST_MS} milliseconds, or -1 for none"))),
    }
}

/// Counters of a client. Set `size` before towline_fcgi_client_stats().
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct towline_fcgi_stats {
    /// sizeof(towline_fcgi_stats).
    pub size: u32,
    /// Upstreams.
    pub upstreams: u32,
    /// Requests accepted by towline_fcgi_send().
    pub sent: u64,
    /// Requests answered.
    pub done: u64,
    /// Requests that failed, cancelled ones included.
    pub failed: u64,
    /// Requests waiting for a connection now.
    pub waiting: u64,
    /// Requests on a connection now.
    pub active: u64,
    /// Connections idle now.
    pub idle: u64,
    /// Connections opened.
    pub connects: u64,
    /// Requests sent on a connection that had served another.
    pub reused: u64,
    /// Requests sent a second time.
    pub retried: u64,
}

// SAFETY: repr(C), begins with its size, only integers.
unsafe impl Sized32 for towline_fcgi_stats {
    const NAME: &'static str = "towline_fcgi_stats";
}

/// Counters of one upstream of a client. Set `size` before towline_fcgi_client_upstream().
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct towline_fcgi_upstream_stats {
    /// sizeof(towline_fcgi_upstream_stats).
    pub size: u32,
    /// 1 while it is left alone after a refusal, else 0.
    pub down: u32,
    /// Requests on a connection to it now.
    pub active: u64,
    /// Idle connections to it now.
    pub idle: u64,
    /// Connections opened.
    pub connects: u64,
    /// Connections that could not be made.
    pub refused: u64,
}

// SAFETY: repr(C), begins with its size, only integers.
unsafe impl Sized32 for towline_fcgi_upstream_stats {
    const NAME: &'static str = "towline_fcgi_upstream_stats";
}

/// Fills options with defaults and sets their size; give sizeof(*options).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_client_options_init(
    options: *mut towline_fcgi_client_options,
    size: usize,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    boundary_status(|| unsafe { sized::init(options, size, &towline_fcgi_client_options::default()) })
}

/// Makes a client for `count` upstream addresses: "unix:/run/php/fpm.sock", "/run/php/fpm.sock",
/// "tcp://127.0.0.1:9000", "127.0.0.1:9000", "[::1]:9000", "tcp://name:9000". Nothing is connected yet. `options` may
/// be NULL for the defaults. `client` receives the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_client_new(
    r#loop: *mut towline_loop,
    addresses: *const *const c_char,
    count: usize,
    options: *const towline_fcgi_client_options,
    client: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            if addresses.is_null() {
                return Err(Failure::null("addresses"));
            }
            if client.is_null() {
                return Err(Failure::null("client"));
            }
            let addresses = texts("addresses", addresses, count)?;
            let defaults = towline_fcgi_client_options::default();
            let options = if options.is_null() { defaults } else { sized::read(options, defaults)? };
            let key = this.core.borrow_mut().fastcgi().client(&addresses, options.to_core()?)?;
            client.write(key.to_handle());
            Ok(())
        })
    }
}

/// Cancels all requests of the client (each gets on_error with TOWLINE_ERR_CANCELLED in a later tick, and nothing
/// else) and closes its connections.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_client_close(r#loop: *mut towline_loop, client: u64) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let key = ClientKey::from_handle(client)?;
            if !this.core.borrow_mut().fastcgi().close(key) {
                return Err(Failure::stale(ClientKey::NAME));
            }
            send::client_closed(this, key);
            Ok(())
        })
    }
}

/// Writes the client's counters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_client_stats(
    r#loop: *mut towline_loop,
    client: u64,
    stats: *mut towline_fcgi_stats,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let key = ClientKey::from_handle(client)?;
            let core = this.core.borrow_mut().fastcgi().stats(key);
            let core = core.ok_or_else(|| Failure::stale(ClientKey::NAME))?;
            let values = towline_fcgi_stats {
                size: 0,
                upstreams: u32::try_from(core.upstreams.len()).unwrap_or(u32::MAX),
                sent: core.sent,
                done: core.done,
                failed: core.failed,
                waiting: core.waiting as u64,
                active: core.active as u64,
                idle: core.idle as u64,
                connects: core.connects,
                reused: core.reused,
                retried: core.retried,
            };
            sized::write(stats, &values)
        })
    }
}

/// Writes the counters of the upstream with this index, in the order of the addresses given. TOWLINE_ERR_NOT_FOUND
/// beyond the last.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_fcgi_client_upstream(
    r#loop: *mut towline_loop,
    client: u64,
    index: usize,
    stats: *mut towline_fcgi_upstream_stats,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let key = ClientKey::from_handle(client)?;
            let core = this.core.borrow_mut().fastcgi().stats(key);
            let core = core.ok_or_else(|| Failure::stale(ClientKey::NAME))?;
            let upstream = core.upstreams.get(index).ok_or_else(|| {
                Failure::new(
                    towline_status::TOWLINE_ERR_NOT_FOUND,
                    format!("no upstream {index}; the client has {}", core.upstreams.len()),
                )
            })?;
            let values = towline_fcgi_upstream_stats {
                size: 0,
                down: u32::from(upstream.down),
                active: upstream.active as u64,
                idle: upstream.idle as u64,
                connects: upstream.connects,
                refused: upstream.refused,
            };
            sized::write(stats, &values)
        })
    }
}
