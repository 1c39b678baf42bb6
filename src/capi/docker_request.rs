//! Calls of the Engine: plain ones, logs, events, and commands run to their end.

use super::bytes::{bytes, optional_text, text};
use super::client::deadline;
use super::docker_call::{self, towline_docker_call_callbacks};
use super::docker_exec::{env, flag, or_empty, pairs, strings};
use super::event_loop::{enter, towline_loop};
use super::handle::Handle;
use super::panic::boundary_status;
use super::sized::{self, Sized32};
use super::status::{Failure, towline_status};
use crate::docker::{Call, CallKey, ClientKey, Commands, Error, LogsOptions, RunOptions, StreamCall};
use crate::event_loop::Event;
use std::ffi::{c_char, c_void};
use std::mem::size_of;

/// Any call of the Engine API. Fill it with towline_docker_request_options_init(), then set method and path, and change
/// what should differ.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct towline_docker_request_options {
    /// sizeof(towline_docker_request_options).
    pub size: u32,
    /// 1: hand the body to on_output as it comes, without a deadline for its end. 0, the default: collect it.
    pub streamed: u32,
    /// "GET", "POST", "PUT", "DELETE", "HEAD". GET and HEAD are sent again when a kept connection turns out stale.
    pub method: *const c_char,
    /// Begins with a slash and has no version; may hold a query, percent-encoded already.
    pub path: *const c_char,
    /// Added to the query, percent-encoding it, as "name=value". Default none.
    pub query: *const *const c_char,
    /// How many.
    pub query_count: usize,
    /// Added to the headers, as "Name: value". Default none.
    pub headers: *const *const c_char,
    /// How many.
    pub header_count: usize,
    /// The body; NULL, the default: none. It is taken to be JSON unless a header says otherwise.
    pub body: *const c_void,
    /// How many bytes.
    pub body_length: usize,
    /// Deadline for the whole call in milliseconds, queueing included. Default -1: the client's.
    pub timeout_ms: i64,
}

// SAFETY: repr(C), begins with its size, integers and pointers that end at multiples of eight bytes.
unsafe impl Sized32 for towline_docker_request_options {
    const NAME: &'static str = "towline_docker_request_options";
}

impl towline_docker_request_options {
    const fn new() -> Self {
        towline_docker_request_options {
            size: size_of::<Self>() as u32,
            streamed: 0,
            method: std::ptr::null(),
            path: std::ptr::null(),
            query: std::ptr::null(),
            query_count: 0,
            headers: std::ptr::null(),
            header_count: 0,
            body: std::ptr::null(),
            body_length: 0,
            timeout_ms: -1,
        }
    }

    unsafe fn to_core(self) -> Result<Call, Failure> {
        // SAFETY: the caller keeps the rules of the header.
        unsafe {
            let body = bytes("body", self.body, self.body_length)?;
            let headers = pairs("headers", ':', self.headers, self.header_count)?;
            Ok(Call {
                method: text("method", self.method)?.to_owned(),
                path: text("path", self.path)?.to_owned(),
                query: pairs("query", '=', self.query, self.query_count)?,
                headers: headers.into_iter().map(|(name, value)| (name, value.trim_ascii().to_owned())).collect(),
                body: (!self.body.is_null()).then(|| body.to_vec()),
                timeout: deadline("timeout_ms", self.timeout_ms)?,
            })
        }
    }
}

/// Which log is wanted. Fill it with towline_docker_logs_options_init(), then set container, and change what should
/// differ.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct towline_docker_logs_options {
    /// sizeof(towline_docker_logs_options).
    pub size: u32,
    /// 1: go on as the container writes, until it ends. Default 0.
    pub follow: u32,
    /// The container's name or id.
    pub container: *const c_char,
    /// How many lines from the end, such as "100"; NULL, the default: all.
    pub tail: *const c_char,
    /// Only what was logged after this unix time in seconds. Default 0: everything.
    pub since: i64,
    /// 1: begin every line with its time. Default 0.
    pub timestamps: u32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with its size, integers and pointers that end at multiples of eight bytes.
unsafe impl Sized32 for towline_docker_logs_options {
    const NAME: &'static str = "towline_docker_logs_options";
}

impl towline_docker_logs_options {
    const fn new() -> Self {
        towline_docker_logs_options {
            size: size_of::<Self>() as u32,
            follow: 0,
            container: std::ptr::null(),
            tail: std::ptr::null(),
            since: 0,
            timestamps: 0,
            reserved: 0,
        }
    }

    unsafe fn to_core(self) -> Result<LogsOptions, Failure> {
        // SAFETY: the caller keeps the rules of the header.
        unsafe {
            let defaults = LogsOptions::new(text("container", self.container)?);
            Ok(LogsOptions {
                follow: flag("follow", self.follow)?,
                tail: optional_text("tail", self.tail)?.map_or(defaults.tail, str::to_owned),
                since: self.since,
                timestamps: flag("timestamps", self.timestamps)?,
                container: defaults.container,
            })
        }
    }
}

/// A command to be run to its end. Fill it with towline_docker_run_options_init(), then set container and command, and
/// change what should differ.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct towline_docker_run_options {
    /// sizeof(towline_docker_run_options).
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// The container's name or id.
    pub container: *const c_char,
    /// The program and its arguments.
    pub command: *const *const c_char,
    /// How many they are together.
    pub command_count: usize,
    /// Added to the container's environment, as "NAME=value". Default none.
    pub env: *const *const c_char,
    /// How many environment variables.
    pub env_count: usize,
    /// "name", "uid" or "name:group"; NULL, the default: the container's own.
    pub user: *const c_char,
    /// NULL, the default: the container's own.
    pub working_dir: *const c_char,
    /// Its standard input. Default none.
    pub input: *const c_void,
    /// How many bytes.
    pub input_length: usize,
    /// After so many milliseconds the command and its children are killed, and the call fails with
    /// TOWLINE_ERR_TIMEOUT_TOTAL. Default -1: no deadline.
    pub timeout_ms: i64,
    /// Most bytes of both outputs together; a command that writes more is killed. Default 64 MiB.
    pub max_output: u64,
}

// SAFETY: repr(C), begins with its size, integers and pointers that end at multiples of eight bytes.
unsafe impl Sized32 for towline_docker_run_options {
    const NAME: &'static str = "towline_docker_run_options";
}

impl Default for towline_docker_run_options {
    fn default() -> Self {
        towline_docker_run_options {
            size: size_of::<Self>() as u32,
            reserved: 0,
            container: std::ptr::null(),
            command: std::ptr::null(),
            command_count: 0,
            env: std::ptr::null(),
            env_count: 0,
            user: std::ptr::null(),
            working_dir: std::ptr::null(),
            input: std::ptr::null(),
            input_length: 0,
            timeout_ms: -1,
            max_output: RunOptions::default().max_output as u64,
        }
    }
}

impl towline_docker_run_options {
    unsafe fn to_core(self) -> Result<RunOptions, Failure> {
        // SAFETY: the caller keeps the rules of the header.
        unsafe {
            Ok(RunOptions {
                container: text("container", self.container)?.to_owned(),
                command: strings("command", self.command, self.command_count)?,
                input: bytes("input", self.input, self.input_length)?.to_vec(),
                env: env(self.env, self.env_count)?,
                user: or_empty("user", self.user)?,
                working_dir: or_empty("working_dir", self.working_dir)?,
                timeout: deadline("timeout_ms", self.timeout_ms)?,
                max_output: usize::try_from(self.max_output).unwrap_or(usize::MAX),
            })
        }
    }
}

/// Fills options with defaults and sets their size; give sizeof(*options).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_request_options_init(
    options: *mut towline_docker_request_options,
    size: usize,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    boundary_status(|| unsafe { sized::init(options, size, &towline_docker_request_options::new()) })
}

/// Fills options with defaults and sets their size; give sizeof(*options).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_logs_options_init(
    options: *mut towline_docker_logs_options,
    size: usize,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    boundary_status(|| unsafe { sized::init(options, size, &towline_docker_logs_options::new()) })
}

/// Fills options with defaults and sets their size; give sizeof(*options).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_run_options_init(
    options: *mut towline_docker_run_options,
    size: usize,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    boundary_status(|| unsafe { sized::init(options, size, &towline_docker_run_options::default()) })
}

/// What a program gave together with a call.
struct Given {
    client: u64,
    callbacks: *const towline_docker_call_callbacks,
    user: *mut c_void,
    call: *mut u64,
}

/// Makes a call of what the program gave.
///
/// # Safety
/// The caller keeps the rules of the header.
unsafe fn begin(
    r#loop: *mut towline_loop,
    given: &Given,
    command: impl FnOnce(Commands<'_, Event>, ClientKey) -> Result<Result<CallKey, Error>, Failure>,
) -> towline_status {
    // SAFETY: the caller's promise.
    unsafe {
        enter(r#loop, |this| {
            let client = ClientKey::from_handle(given.client)?;
            let callbacks = docker_call::callbacks(given.callbacks)?;
            let key = command(this.core.borrow_mut().docker(), client)??;
            docker_call::made(this, key, client, callbacks, given.user, given.call);
            Ok(())
        })
    }
}

/// Makes any call of the Engine API; on_done receives the answer, on_error an answer that is an error. No callback is
/// called before this returns. `call` receives the handle; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_request(
    r#loop: *mut towline_loop,
    client: u64,
    options: *const towline_docker_request_options,
    callbacks: *const towline_docker_call_callbacks,
    user: *mut c_void,
    call: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        begin(r#loop, &Given { client, callbacks, user, call }, |mut docker, client| {
            let options = sized::read(options, towline_docker_request_options::new())?;
            let streamed = flag("streamed", options.streamed)?;
            let call = options.to_core()?;
            Ok(if streamed { docker.stream(client, StreamCall::Raw(call)) } else { docker.call(client, call) })
        })
    }
}

/// Hands a container's log to on_output; on_done comes when it ends. `call` receives the handle; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_logs(
    r#loop: *mut towline_loop,
    client: u64,
    options: *const towline_docker_logs_options,
    callbacks: *const towline_docker_call_callbacks,
    user: *mut c_void,
    call: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        begin(r#loop, &Given { client, callbacks, user, call }, |mut docker, client| {
            let options = sized::read(options, towline_docker_logs_options::new())?.to_core()?;
            Ok(docker.stream(client, StreamCall::Logs(options)))
        })
    }
}

/// Hands the Engine's events to on_output as they happen, one JSON object each, until the call is cancelled. `filters`
/// is a JSON object as the Engine API documents it, such as {"event":["die"]}; NULL for all. `call` receives the handle;
/// it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_events(
    r#loop: *mut towline_loop,
    client: u64,
    filters: *const c_char,
    callbacks: *const towline_docker_call_callbacks,
    user: *mut c_void,
    call: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        begin(r#loop, &Given { client, callbacks, user, call }, |mut docker, client| {
            Ok(docker.stream(client, StreamCall::Events(or_empty("filters", filters)?)))
        })
    }
}

/// Runs a command in a container to its end and collects what it writes; on_result receives that. `call` receives the
/// handle; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_run(
    r#loop: *mut towline_loop,
    client: u64,
    options: *const towline_docker_run_options,
    callbacks: *const towline_docker_call_callbacks,
    user: *mut c_void,
    call: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        begin(r#loop, &Given { client, callbacks, user, call }, |mut docker, client| {
            let options = sized::read(options, towline_docker_run_options::default())?.to_core()?;
            Ok(docker.run(client, options))
        })
    }
}
