//! What clients, streams and calls are made with.

use super::error::Error;
use crate::net::TlsFiles;
use std::time::Duration;

/// No deadline lies further away than this; longer ones are refused rather than silently cut.
const MAX_TIMEOUT: Duration = Duration::from_secs(366 * 24 * 3600);

/// What a client is made with.
#[derive(Debug, Clone)]
pub struct DockerOptions {
    /// `unix:///path`, `/path`, `tcp://host:port`, `https://host:port` (TLS). Default: `DOCKER_HOST`, with
    /// `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`, or `unix:///var/run/docker.sock`.
    pub address: Option<String>,
    /// Files for TLS. Any of them makes a tcp address one with TLS; the server's name is always checked.
    pub tls: TlsFiles,
    /// Speak this API version (`1.41`) instead of the highest that both sides know.
    pub api_version: Option<String>,
    /// Deadline for a connection to stand, TLS included. Default 5 s.
    pub connect_timeout: Duration,
    /// Deadline for the whole of a plain call, queueing included, and for the head of a stream's answer. A stream
    /// itself has none. Default 30 s.
    pub timeout: Duration,
    /// Connections for plain calls; further calls wait in a queue. Streams have their own and do not count. Default 32.
    pub max_connections: usize,
    /// An idle connection is closed after this long. Default 5 s.
    pub idle_close: Duration,
    /// The largest body of a plain call's answer in bytes. Default 64 MiB.
    pub max_response: usize,
}

impl Default for DockerOptions {
    fn default() -> Self {
        DockerOptions {
            address: None,
            tls: TlsFiles::default(),
            api_version: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            max_connections: 32,
            idle_close: Duration::from_secs(5),
            max_response: 64 * 1024 * 1024,
        }
    }
}

impl DockerOptions {
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.max_connections == 0 {
            return Err(Error::Invalid("maxConnections is 0; expected at least 1".into()));
        }
        check_timeout("connectTimeout", self.connect_timeout)?;
        check_timeout("timeout", self.timeout)?;
        check_timeout("idleClose", self.idle_close)
    }
}

/// A terminal's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    rows: u16,
    columns: u16,
}

impl Size {
    /// A size in characters, each side 1 to 65535.
    ///
    /// # Errors
    /// [`Error::Invalid`] for anything else.
    pub fn new(rows: i64, columns: i64) -> Result<Size, Error> {
        let side = |name: &str, value: i64| match u16::try_from(value) {
            Ok(side) if side > 0 => Ok(side),
            _ => Err(Error::Invalid(format!("{name} is {value}; expected 1 to 65535"))),
        };
        Ok(Size { rows: side("rows", rows)?, columns: side("columns", columns)? })
    }

    /// Characters from top to bottom.
    pub fn rows(self) -> u16 {
        self.rows
    }

    /// Characters from left to right.
    pub fn columns(self) -> u16 {
        self.columns
    }
}

impl Default for Size {
    /// 24 by 80.
    fn default() -> Self {
        Size { rows: 24, columns: 80 }
    }
}

/// An exec to be made in a running container.
#[derive(Debug, Clone, Default)]
pub struct ExecOptions {
    /// The container's name or id.
    pub container: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Give it a terminal: one output stream, size, signals by control characters.
    pub tty: bool,
    /// Attach its standard input.
    pub stdin: bool,
    /// Added to the container's environment.
    pub env: Vec<(String, String)>,
    /// `name`, `uid`, `name:group`; empty: the container's own.
    pub user: String,
    /// Empty: the container's own.
    pub working_dir: String,
    /// With extended privileges.
    pub privileged: bool,
    /// The terminal's first size.
    pub size: Size,
    /// The keys that detach from a terminal, such as `ctrl-p,ctrl-q`; empty: the Engine's own default.
    pub detach_keys: String,
    /// Bounds of the buffers.
    pub limits: Limits,
}

/// The stream of a container's own process.
#[derive(Debug, Clone, Default)]
pub struct AttachOptions {
    /// The container's name or id.
    pub container: String,
    /// Attach its standard input (which the container must have been made with).
    pub stdin: bool,
    /// Begin with what the container has logged so far.
    pub logs: bool,
    /// The keys that detach from a terminal; empty: the Engine's own default.
    pub detach_keys: String,
    /// Bounds of the buffers.
    pub limits: Limits,
}

/// Bounds of a stream's buffers, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// After this many waiting to be sent, a writer should wait for the drain event. Default 1 MiB.
    pub high_watermark: usize,
    /// The drain event comes when no more than this many are left. Default 256 KiB.
    pub low_watermark: usize,
    /// A write that would make more than this many wait is refused. Default 1 GiB.
    pub max_buffered: usize,
    /// What a paused stream still reads and keeps. A process that ends during a pause loses what neither this nor
    /// the Engine (about 1 MB) can hold. Default 1 MiB.
    pub pause_buffer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            high_watermark: 1024 * 1024,
            low_watermark: 256 * 1024,
            max_buffered: 1024 * 1024 * 1024,
            pause_buffer: 1024 * 1024,
        }
    }
}

/// A command to be run to its end.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The container's name or id.
    pub container: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Its standard input; without any it has none.
    pub input: Vec<u8>,
    /// Added to the container's environment.
    pub env: Vec<(String, String)>,
    /// `name`, `uid`, `name:group`; empty: the container's own.
    pub user: String,
    /// Empty: the container's own.
    pub working_dir: String,
    /// When this has passed, the command and its children are killed. Default none.
    pub timeout: Option<Duration>,
    /// Most bytes of both outputs together; a command that writes more is killed. Default 64 MiB.
    pub max_output: usize,
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions {
            container: String::new(),
            command: Vec::new(),
            input: Vec::new(),
            env: Vec::new(),
            user: String::new(),
            working_dir: String::new(),
            timeout: None,
            max_output: 64 * 1024 * 1024,
        }
    }
}

impl RunOptions {
    pub(super) fn check(&self) -> Result<(), Error> {
        self.timeout.map_or(Ok(()), |timeout| check_timeout("timeout", timeout))
    }
}

impl ExecOptions {
    pub(super) fn check(&self) -> Result<(), Error> {
        check_container(&self.container)?;
        if self.command.is_empty() {
            return Err(Error::Invalid("the command is empty; expected a program and its arguments".into()));
        }
        if self.command.first().is_some_and(String::is_empty) {
            return Err(Error::Invalid("the command's program is an empty string".into()));
        }
        for (index, argument) in self.command.iter().enumerate() {
            no_nul(&format!("argument {index} of the command"), argument)?;
        }
        for (name, value) in &self.env {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(Error::Invalid(format!(
                    "{name:?} is no name of an environment variable; expected one without = and NUL, and not empty"
                )));
            }
            no_nul(&format!("the environment variable {name}"), value)?;
        }
        no_nul("user", &self.user)?;
        no_nul("workingDir", &self.working_dir)?;
        self.limits.check()
    }
}

impl AttachOptions {
    pub(super) fn check(&self) -> Result<(), Error> {
        check_container(&self.container)?;
        self.limits.check()
    }
}

impl Limits {
    fn check(&self) -> Result<(), Error> {
        if self.low_watermark > self.high_watermark {
            return Err(Error::Invalid(format!(
                "the low watermark ({}) is above the high one ({})",
                self.low_watermark, self.high_watermark
            )));
        }
        Ok(())
    }
}

/// A container's name must stay one segment of a path.
pub(super) fn check_container(name: &str) -> Result<(), Error> {
    let inner = name.trim_start_matches('/');
    if matches!(inner, "" | "." | "..") || inner.contains(['/', '\0']) {
        return Err(Error::Invalid(format!("{name:?} is no name or id of a container")));
    }
    Ok(())
}

fn no_nul(what: &str, text: &str) -> Result<(), Error> {
    if text.contains('\0') { Err(Error::Invalid(format!("{what} holds a NUL byte"))) } else { Ok(()) }
}

pub(super) fn check_timeout(name: &str, timeout: Duration) -> Result<(), Error> {
    if timeout > MAX_TIMEOUT {
        return Err(Error::Invalid(format!("{name} is {} s; expected at most a year", timeout.as_secs())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn exec() -> ExecOptions {
        ExecOptions { container: "web".into(), command: vec!["ls".into()], ..ExecOptions::default() }
    }

    #[test]
    fn sizes_have_sides_from_1_to_65535() {
        for (rows, columns, good) in [
            (1, 65535, true),
            (0, 80, false),
            (24, 0, false),
            (65536, 80, false),
            (-1, 80, false),
            (24, i64::MIN, false),
        ] {
            assert_eq!(Size::new(rows, columns).is_ok(), good, "{rows} {columns}");
        }
    }

    #[test]
    fn good_execs_pass() {
        exec().check().unwrap();
        ExecOptions { env: vec![("A".into(), "b=c\nd".into()), ("B".into(), String::new())], ..exec() }
            .check()
            .unwrap();
    }

    #[test]
    fn bad_execs_are_named() {
        let cases = [
            (ExecOptions { container: String::new(), ..exec() }, "container"),
            (ExecOptions { container: "..".into(), ..exec() }, "container"),
            (ExecOptions { command: vec![], ..exec() }, "empty"),
            (ExecOptions { command: vec![String::new()], ..exec() }, "empty"),
            (ExecOptions { command: vec!["a".into(), "b\0".into()], ..exec() }, "argument 1"),
            (ExecOptions { env: vec![("A=B".into(), "c".into())], ..exec() }, "A=B"),
            (ExecOptions { env: vec![(String::new(), "c".into())], ..exec() }, "environment"),
            (ExecOptions { env: vec![("A".into(), "c\0".into())], ..exec() }, "NUL"),
            (ExecOptions { user: "\0".into(), ..exec() }, "user"),
        ];
        for (options, words) in cases {
            let error = options.check().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
