//! Opening hijacked streams: an exec in a container, and a container's own process.

use super::bytes::{optional_text, text, texts};
use super::docker_stream::{self, towline_docker_stream_callbacks};
use super::event_loop::{enter, towline_loop};
use super::handle::Handle;
use super::panic::boundary_status;
use super::sized::{self, Sized32};
use super::status::{Failure, towline_status};
use crate::docker::{AttachOptions, ClientKey, ExecOptions, Limits, Size};
use std::ffi::{c_char, c_void};
use std::mem::size_of;

/// What is to run in a container. Fill it with towline_docker_exec_options_init(), then set container and command,
/// and change what should differ.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct towline_docker_exec_options {
    /// sizeof(towline_docker_exec_options).
    pub size: u32,
    /// 1: give it a terminal, which has one output stream and a size. Default 0.
    pub tty: u32,
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
    /// The keys that detach from a terminal, such as "ctrl-p,ctrl-q"; NULL, the default: the Engine's own.
    pub detach_keys: *const c_char,
    /// 1: attach its standard input, for towline_docker_write(). Default 0.
    pub attach_stdin: u32,
    /// 1: with extended privileges. Default 0.
    pub privileged: u32,
    /// The terminal's first height in characters, 1 to 65535. Default 24.
    pub rows: u32,
    /// The terminal's first width in characters, 1 to 65535. Default 80.
    pub columns: u32,
    /// With more bytes than this waiting to be sent, a writer should wait for on_drain. Default 1 MiB.
    pub high_watermark: u64,
    /// on_drain comes when no more than this many are left. Default 256 KiB.
    pub low_watermark: u64,
    /// A write that would make more than this many wait is refused. Default 1 GiB.
    pub max_buffered: u64,
    /// Most bytes that a paused stream still reads and keeps. Default 1 MiB.
    pub pause_buffer: u64,
}

// SAFETY: repr(C), begins with its size, integers and pointers that end at multiples of eight bytes.
unsafe impl Sized32 for towline_docker_exec_options {
    const NAME: &'static str = "towline_docker_exec_options";
}

impl Default for towline_docker_exec_options {
    fn default() -> Self {
        let (size, limits) = (Size::default(), Limits::default());
        towline_docker_exec_options {
            size: size_of::<Self>() as u32,
            tty: 0,
            container: std::ptr::null(),
            command: std::ptr::null(),
            command_count: 0,
            env: std::ptr::null(),
            env_count: 0,
            user: std::ptr::null(),
            working_dir: std::ptr::null(),
            detach_keys: std::ptr::null(),
            attach_stdin: 0,
            privileged: 0,
            rows: u32::from(size.rows()),
            columns: u32::from(size.columns()),
            high_watermark: limits.high_watermark as u64,
            low_watermark: limits.low_watermark as u64,
            max_buffered: limits.max_buffered as u64,
            pause_buffer: limits.pause_buffer as u64,
        }
    }
}

impl towline_docker_exec_options {
    unsafe fn to_core(self) -> Result<ExecOptions, Failure> {
        // SAFETY: the caller keeps the rules of the header.
        unsafe {
            Ok(ExecOptions {
                container: text("container", self.container)?.to_owned(),
                command: strings("command", self.command, self.command_count)?,
                tty: flag("tty", self.tty)?,
                stdin: flag("attach_stdin", self.attach_stdin)?,
                env: env(self.env, self.env_count)?,
                user: or_empty("user", self.user)?,
                working_dir: or_empty("working_dir", self.working_dir)?,
                privileged: flag("privileged", self.privileged)?,
                size: Size::new(i64::from(self.rows), i64::from(self.columns))?,
                detach_keys: or_empty("detach_keys", self.detach_keys)?,
                limits: limits(self.high_watermark, self.low_watermark, self.max_buffered, self.pause_buffer),
            })
        }
    }
}

/// Which container's own process to attach to. Fill it with towline_docker_attach_options_init(), then set container,
/// and change what should differ.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct towline_docker_attach_options {
    /// sizeof(towline_docker_attach_options).
    pub size: u32,
    /// 1: attach its standard input, which the container must have been made with. Default 0.
    pub attach_stdin: u32,
    /// The container's name or id.
    pub container: *const c_char,
    /// The keys that detach from a terminal; NULL, the default: the Engine's own.
    pub detach_keys: *const c_char,
    /// 1: begin with what the container has logged so far. Default 0.
    pub logs: u32,
    /// Zero.
    pub reserved: u32,
    /// As in towline_docker_exec_options.
    pub high_watermark: u64,
    /// As in towline_docker_exec_options.
    pub low_watermark: u64,
    /// As in towline_docker_exec_options.
    pub max_buffered: u64,
    /// As in towline_docker_exec_options.
    pub pause_buffer: u64,
}

// SAFETY: repr(C), begins with its size, integers and pointers that end at multiples of eight bytes.
unsafe impl Sized32 for towline_docker_attach_options {
    const NAME: &'static str = "towline_docker_attach_options";
}

impl Default for towline_docker_attach_options {
    fn default() -> Self {
        let limits = Limits::default();
        towline_docker_attach_options {
            size: size_of::<Self>() as u32,
            attach_stdin: 0,
            container: std::ptr::null(),
            detach_keys: std::ptr::null(),
            logs: 0,
            reserved: 0,
            high_watermark: limits.high_watermark as u64,
            low_watermark: limits.low_watermark as u64,
            max_buffered: limits.max_buffered as u64,
            pause_buffer: limits.pause_buffer as u64,
        }
    }
}

impl towline_docker_attach_options {
    unsafe fn to_core(self) -> Result<AttachOptions, Failure> {
        // SAFETY: the caller keeps the rules of the header.
        unsafe {
            Ok(AttachOptions {
                container: text("container", self.container)?.to_owned(),
                stdin: flag("attach_stdin", self.attach_stdin)?,
                logs: flag("logs", self.logs)?,
                detach_keys: or_empty("detach_keys", self.detach_keys)?,
                limits: limits(self.high_watermark, self.low_watermark, self.max_buffered, self.pause_buffer),
            })
        }
    }
}

pub(super) fn flag(name: &str, value: u32) -> Result<bool, Failure> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Failure::invalid(format!("{name} is {other}; expected 0 or 1"))),
    }
}

fn limits(high: u64, low: u64, max_buffered: u64, pause_buffer: u64) -> Limits {
    let bytes = |count| usize::try_from(count).unwrap_or(usize::MAX);
    Limits {
        high_watermark: bytes(high),
        low_watermark: bytes(low),
        max_buffered: bytes(max_buffered),
        pause_buffer: bytes(pause_buffer),
    }
}

/// A text that may be left out with NULL, which means the same as an empty one.
pub(super) unsafe fn or_empty(argument: &str, text: *const c_char) -> Result<String, Failure> {
    // SAFETY: the caller keeps the rules of the header.
    Ok(unsafe { optional_text(argument, text) }?.unwrap_or_default().to_owned())
}

pub(super) unsafe fn strings(argument: &str, list: *const *const c_char, count: usize) -> Result<Vec<String>, Failure> {
    // SAFETY: the caller keeps the rules of the header.
    Ok(unsafe { texts(argument, list, count) }?.into_iter().map(str::to_owned).collect())
}

/// Names and values, in the order given, each "name" + `between` + "value".
pub(super) unsafe fn pairs(
    argument: &str,
    between: char,
    list: *const *const c_char,
    count: usize,
) -> Result<Vec<(String, String)>, Failure> {
    // SAFETY: the caller keeps the rules of the header.
    let items = unsafe { texts(argument, list, count) }?.into_iter();
    let split = items.enumerate().map(|(index, item)| match item.split_once(between) {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Failure::invalid(format!("{argument}[{index}] is {item:?}; expected \"name{between}value\""))),
    });
    split.collect()
}

pub(super) unsafe fn env(list: *const *const c_char, count: usize) -> Result<Vec<(String, String)>, Failure> {
    // SAFETY: the caller keeps the rules of the header.
    unsafe { pairs("env", '=', list, count) }
}

/// Fills options with defaults and sets their size; give sizeof(*options).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_exec_options_init(
    options: *mut towline_docker_exec_options,
    size: usize,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    boundary_status(|| unsafe { sized::init(options, size, &towline_docker_exec_options::default()) })
}

/// Fills options with defaults and sets their size; give sizeof(*options).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_attach_options_init(
    options: *mut towline_docker_attach_options,
    size: usize,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    boundary_status(|| unsafe { sized::init(options, size, &towline_docker_attach_options::default()) })
}

/// Runs a command in a container with a stream to read from and write to. What is written before it is open waits. No
/// callback is called before this returns. `stream` receives the handle; it may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_exec(
    r#loop: *mut towline_loop,
    client: u64,
    options: *const towline_docker_exec_options,
    callbacks: *const towline_docker_stream_callbacks,
    user: *mut c_void,
    stream: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let client = ClientKey::from_handle(client)?;
            let callbacks = docker_stream::callbacks(callbacks)?;
            let options = sized::read(options, towline_docker_exec_options::default())?.to_core()?;
            let key = this.core.borrow_mut().docker().exec(client, options)?;
            docker_stream::opened(this, key, client, callbacks, user, stream);
            Ok(())
        })
    }
}

/// Opens a stream to the container's own process: its output from now on, and its input. As towline_docker_exec().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_attach(
    r#loop: *mut towline_loop,
    client: u64,
    options: *const towline_docker_attach_options,
    callbacks: *const towline_docker_stream_callbacks,
    user: *mut c_void,
    stream: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let client = ClientKey::from_handle(client)?;
            let callbacks = docker_stream::callbacks(callbacks)?;
            let options = sized::read(options, towline_docker_attach_options::default())?.to_core()?;
            let key = this.core.borrow_mut().docker().attach(client, options)?;
            docker_stream::opened(this, key, client, callbacks, user, stream);
            Ok(())
        })
    }
}
