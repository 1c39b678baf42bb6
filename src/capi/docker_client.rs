//! Engine clients: an address, and the connections to it.

use super::bytes::{optional_text, text};
use super::client::{LONGEST_MS, duration, millis};
use super::event_loop::{enter, towline_loop};
use super::handle::Handle;
use super::panic::boundary_status;
use super::sized::{self, Sized32};
use super::status::{Failure, towline_status};
use super::{docker_call, docker_stream};
use crate::docker::{ClientKey, DockerOptions, Version};
use crate::net::TlsFiles;
use std::ffi::c_char;
use std::mem::size_of;
use std::path::PathBuf;

/// Settings of an Engine client. Fill it with towline_docker_client_options_init(), then change what should differ.
/// Deadlines are in milliseconds, 1 to a year.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct towline_docker_client_options {
    /// sizeof(towline_docker_client_options).
    pub size: u32,
    /// Connections for plain calls; further calls wait. Streams have their own and do not count. Default 32.
    pub max_connections: u32,
    /// A PEM file with the authorities that may have signed the Engine's certificate. NULL, the default: the system's.
    /// Any of the three files makes a tcp address one with TLS; the server's name is always checked.
    pub ca_file: *const c_char,
    /// A PEM file with the client's certificate. Default NULL: none.
    pub cert_file: *const c_char,
    /// A PEM file with the certificate's key. Default NULL: none.
    pub key_file: *const c_char,
    /// The API version to speak, such as "1.41". NULL, the default: the highest that both sides know.
    pub api_version: *const c_char,
    /// Deadline for a connection to stand, TLS included. Default 5000.
    pub connect_timeout_ms: i64,
    /// Deadline for a whole call, queueing included, and for a stream to open. An open stream has none. Default 30000.
    pub timeout_ms: i64,
    /// An idle connection is closed after so many milliseconds, 0 or more. Default 5000.
    pub idle_close_ms: i64,
    /// Most bytes of one answer's body. Default 64 MiB.
    pub max_response: u64,
}

// SAFETY: repr(C), begins with its size, integers and pointers that end at multiples of eight bytes.
unsafe impl Sized32 for towline_docker_client_options {
    const NAME: &'static str = "towline_docker_client_options";
}

impl Default for towline_docker_client_options {
    fn default() -> Self {
        let core = DockerOptions::default();
        towline_docker_client_options {
            size: size_of::<Self>() as u32,
            max_connections: u32::try_from(core.max_connections).unwrap_or(u32::MAX),
            ca_file: std::ptr::null(),
            cert_file: std::ptr::null(),
            key_file: std::ptr::null(),
            api_version: std::ptr::null(),
            connect_timeout_ms: millis(Some(core.connect_timeout)),
            timeout_ms: millis(Some(core.timeout)),
            idle_close_ms: millis(Some(core.idle_close)),
            max_response: core.max_response as u64,
        }
    }
}

impl towline_docker_client_options {
    unsafe fn to_core(self) -> Result<DockerOptions, Failure> {
        if self.max_connections == 0 {
            return Err(Failure::invalid("max_connections is 0; expected 1 or more"));
        }
        // SAFETY: the caller keeps the rules of the header.
        let file = |name, path| unsafe { optional_text(name, path) }.map(|path| path.map(PathBuf::from));
        let always = |name, ms| {
            duration(name, ms)
                .ok()
                .filter(|duration| !duration.is_zero())
                .ok_or_else(|| Failure::invalid(format!("{name} is {ms}; expected 1 to {LONGEST_MS} milliseconds")))
        };
        // SAFETY: as above.
        let version = unsafe { optional_text("api_version", self.api_version) }?;
        if let Some(version) = version.filter(|text| Version::parse(text).is_none()) {
            return Err(Failure::invalid(format!("api_version is {version:?}; expected one such as \"1.41\"")));
        }
        Ok(DockerOptions {
            address: None,
            tls: TlsFiles {
                ca: file("ca_file", self.ca_file)?,
                cert: file("cert_file", self.cert_file)?,
                key: file("key_file", self.key_file)?,
            },
            api_version: version.map(str::to_owned),
            connect_timeout: always("connect_timeout_ms", self.connect_timeout_ms)?,
            timeout: always("timeout_ms", self.timeout_ms)?,
            max_connections: self.max_connections as usize,
            idle_close: duration("idle_close_ms", self.idle_close_ms)?,
            max_response: usize::try_from(self.max_response).unwrap_or(usize::MAX),
        })
    }
}

/// Counters of an Engine client. Set `size` before towline_docker_client_stats().
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct towline_docker_stats {
    /// sizeof(towline_docker_stats).
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Connections opened.
    pub connects: u64,
    /// Calls sent on a connection that had served another.
    pub reused: u64,
    /// Calls sent a second time, because their connection was stale.
    pub retried: u64,
    /// Idle connections now.
    pub idle: u64,
    /// Calls and streams that have not ended.
    pub live: u64,
}

// SAFETY: repr(C), begins with its size, only integers.
unsafe impl Sized32 for towline_docker_stats {
    const NAME: &'static str = "towline_docker_stats";
}

/// Fills options with defaults and sets their size; give sizeof(*options).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_client_options_init(
    options: *mut towline_docker_client_options,
    size: usize,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    boundary_status(|| unsafe { sized::init(options, size, &towline_docker_client_options::default()) })
}

/// Makes a client for an Engine: "unix:///var/run/docker.sock", "/var/run/docker.sock", "tcp://host:2375",
/// "https://host:2376" (TLS). `address` may be NULL for what DOCKER_HOST says, with DOCKER_TLS_VERIFY and
/// DOCKER_CERT_PATH, or unix:///var/run/docker.sock. Nothing is connected yet; TLS files are read. `options` may be NULL
/// for the defaults. `client` receives the handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_client_new(
    r#loop: *mut towline_loop,
    address: *const c_char,
    options: *const towline_docker_client_options,
    client: *mut u64,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            if client.is_null() {
                return Err(Failure::null("client"));
            }
            let address = if address.is_null() { None } else { Some(text("address", address)?.to_owned()) };
            let defaults = towline_docker_client_options::default();
            let options = if options.is_null() { defaults } else { sized::read(options, defaults)? };
            let options = DockerOptions { address, ..options.to_core()? };
            let key = this.core.borrow_mut().docker().client(options)?;
            client.write(key.to_handle());
            Ok(())
        })
    }
}

/// Cancels all calls and streams of the client (each gets on_error with TOWLINE_ERR_CANCELLED in a later tick, and
/// nothing else) and closes its connections. The processes in the containers go on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_client_close(r#loop: *mut towline_loop, client: u64) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let key = ClientKey::from_handle(client)?;
            if !this.core.borrow_mut().docker().close_client(key) {
                return Err(Failure::stale(ClientKey::NAME));
            }
            docker_call::client_closed(this, key);
            docker_stream::client_closed(this, key);
            Ok(())
        })
    }
}

/// Writes the client's counters.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn towline_docker_client_stats(
    r#loop: *mut towline_loop,
    client: u64,
    stats: *mut towline_docker_stats,
) -> towline_status {
    // SAFETY: the caller keeps the rules of the header.
    unsafe {
        enter(r#loop, |this| {
            let key = ClientKey::from_handle(client)?;
            let core = this.core.borrow_mut().docker().stats(key);
            let core = core.ok_or_else(|| Failure::stale(ClientKey::NAME))?;
            let values = towline_docker_stats {
                size: 0,
                reserved: 0,
                connects: core.connects,
                reused: core.reused,
                retried: core.retried,
                idle: core.idle as u64,
                live: core.live as u64,
            };
            sized::write(stats, &values)
        })
    }
}
