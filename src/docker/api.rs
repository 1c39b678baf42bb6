//! The Engine API: versions, paths, JSON in and out. No I/O.

use super::error::Error;
use super::options::{ExecOptions, Size, check_container};
use crate::http::{Head, Target};
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

/// An API version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u16,
    minor: u16,
}

/// The versions that Towline knows: Docker 19.03 (and podman) to 29.
pub const OLDEST: Version = Version { major: 1, minor: 40 };
/// See [`OLDEST`].
pub const NEWEST: Version = Version { major: 1, minor: 55 };
/// Since this one an exec takes the terminal's size.
const CONSOLE_SIZE: Version = Version { major: 1, minor: 42 };

impl Version {
    /// Reads `1.41`.
    pub fn parse(text: &str) -> Option<Version> {
        let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok()).flatten();
        let (major, minor) = text.split_once('.')?;
        Some(Version { major: number(major)?, minor: number(minor)? })
    }

    /// The header in which an Engine names the highest version that it speaks.
    pub fn of(head: &Head) -> Option<Version> {
        Version::parse(std::str::from_utf8(head.field("api-version")?).ok()?)
    }

    /// The highest version that both an Engine of this version and Towline speak.
    pub fn common(self) -> Option<Version> {
        (self >= OLDEST).then_some(self.min(NEWEST))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Any call of the Engine API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// `GET`, `POST`, `PUT`, `DELETE`, `HEAD`.
    pub method: String,
    /// Begins with `/`, without the version; may hold a query.
    pub path: String,
    /// Added to the query, encoded.
    pub query: Vec<(String, String)>,
    /// Added to the headers.
    pub headers: Vec<(String, String)>,
    /// Its Content-Type is `application/json` unless `headers` say otherwise.
    pub body: Option<Vec<u8>>,
    /// Total deadline, queueing included; `None`: the client's.
    pub timeout: Option<Duration>,
}

impl Call {
    /// A call without query, headers and body.
    pub fn new(method: &str, path: impl Into<String>) -> Call {
        Call { method: method.to_owned(), path: path.into(), ..Call::default() }
    }

    /// `GET /containers/json`. `filters`: a JSON object as the Engine API documents it, or empty.
    pub fn containers(all: bool, filters: &str) -> Call {
        let mut target = Target::new("/containers/json").query("all", flag(all));
        if !filters.is_empty() {
            target = target.query("filters", filters);
        }
        Call::new("GET", target.as_str())
    }

    /// `GET /containers/{container}/json`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what cannot be a container's name.
    pub fn inspect(container: &str) -> Result<Call, Error> {
        check_container(container)?;
        Ok(Call::new("GET", container_path(container, "json").as_str()))
    }

    /// `GET /exec/{id}/json`.
    pub fn inspect_exec(id: &str) -> Call {
        Call::new("GET", exec_path(id, "json").as_str())
    }

    /// `GET /version`.
    pub fn version() -> Call {
        Call::new("GET", "/version")
    }

    /// True for methods that may be sent twice.
    pub(super) fn is_idempotent(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS")
    }

    pub(super) fn target(&self) -> Target {
        self.query.iter().fold(Target::new(&*self.path), |target, (name, value)| target.query(name, value))
    }

    /// What the encoder would refuse, and what would contradict what Towline writes itself.
    pub(super) fn check(&self) -> Result<(), Error> {
        const OURS: [&str; 6] = ["host", "content-length", "transfer-encoding", "connection", "upgrade", "expect"];
        for (name, _) in &self.headers {
            if OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
                return Err(Error::Invalid(format!("the header {name} is Towline's to set")));
            }
        }
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        crate::http::put_request(&mut Vec::new(), &self.method, self.target().as_str(), &headers, None)?;
        self.timeout.map_or(Ok(()), |timeout| super::options::check_timeout("timeout", timeout))
    }
}

/// The log of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogsOptions {
    /// The container's name or id.
    pub container: String,
    /// Go on as the container writes.
    pub follow: bool,
    /// `all`, or how many lines from the end.
    pub tail: String,
    /// Only what was logged after this unix time in seconds; 0: everything.
    pub since: i64,
    /// Begin every line with its time.
    pub timestamps: bool,
}

impl LogsOptions {
    /// The whole log so far.
    pub fn new(container: &str) -> LogsOptions {
        LogsOptions { container: container.to_owned(), follow: false, tail: "all".into(), since: 0, timestamps: false }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        check_container(&self.container)?;
        if self.tail != "all" && (self.tail.is_empty() || !self.tail.bytes().all(|byte| byte.is_ascii_digit())) {
            return Err(Error::Invalid(format!("tail is {:?}; expected \"all\" or a number of lines", self.tail)));
        }
        if self.since < 0 {
            return Err(Error::Invalid(format!("since is {}; expected a unix time", self.since)));
        }
        Ok(())
    }

    pub(super) fn target(&self) -> Target {
        container_path(&self.container, "logs")
            .query("stdout", "1")
            .query("stderr", "1")
            .query("follow", flag(self.follow))
            .query("tail", &self.tail)
            .query("since", &self.since.to_string())
            .query("timestamps", flag(self.timestamps))
    }
}

/// An answer that streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamCall {
    /// A container's log, stdout and stderr apart.
    Logs(LogsOptions),
    /// The Engine's events, one JSON object a chunk. The text filters: a JSON object, or empty.
    Events(String),
    /// Any other: the body as it comes.
    Raw(Call),
}

/// `/containers/{container}/{what}`.
pub(super) fn container_path(container: &str, what: &str) -> Target {
    Target::new("/containers").segment(container.trim_start_matches('/')).segment(what)
}

/// `/exec/{id}/{what}`.
pub(super) fn exec_path(id: &str, what: &str) -> Target {
    Target::new("/exec").segment(id).segment(what)
}

pub(super) fn flag(on: bool) -> &'static str {
    if on { "1" } else { "0" }
}

/// `resize?h=&w=` of an exec or container.
pub(super) fn resize(path: Target, size: Size) -> Target {
    path.query("h", &size.rows().to_string()).query("w", &size.columns().to_string())
}

/// The environment variable by which the processes of an exec are found again.
pub(super) const MARKER: &str = "TOWLINE_EXEC";

/// The body of `POST /containers/{container}/exec`.
pub(super) fn exec_create(options: &ExecOptions, marker: &str, version: Version) -> Vec<u8> {
    let mut env: Vec<String> = options.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    env.push(format!("{MARKER}={marker}"));
    let mut body = json!({
        "AttachStdin": options.stdin,
        "AttachStdout": true,
        "AttachStderr": true,
        "Tty": options.tty,
        "Cmd": options.command,
        "Env": env,
        "Privileged": options.privileged,
    });
    let optional =
        [("User", &options.user), ("WorkingDir", &options.working_dir), ("DetachKeys", &options.detach_keys)];
    for (name, value) in optional.into_iter().filter(|(_, value)| !value.is_empty()) {
        set(&mut body, name, json!(value));
    }
    put_size(&mut body, options.tty, options.size, version);
    body.to_string().into_bytes()
}

/// The body of `POST /exec/{id}/start`.
pub(super) fn exec_start(tty: bool, size: Size, version: Version) -> Vec<u8> {
    let mut body = json!({ "Detach": false, "Tty": tty });
    put_size(&mut body, tty, size, version);
    body.to_string().into_bytes()
}

fn put_size(body: &mut Value, tty: bool, size: Size, version: Version) {
    if tty && version >= CONSOLE_SIZE {
        set(body, "ConsoleSize", json!([size.rows(), size.columns()]));
    }
}

fn set(body: &mut Value, name: &str, value: Value) {
    if let Some(body) = body.as_object_mut() {
        body.insert(name.to_owned(), value);
    }
}

/// The `Id` in the answer to exec create.
pub(super) fn created_id(body: &[u8]) -> Option<String> {
    let id = serde_json::from_slice::<Value>(body).ok()?.get("Id")?.as_str()?.to_owned();
    (!id.is_empty() && id.len() <= 256).then_some(id)
}

/// How far a process has come, as inspect tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    pub running: bool,
    /// `None`: not known (yet).
    pub exit_code: Option<i64>,
}

/// From `GET /exec/{id}/json`.
pub(super) fn exec_progress(body: &[u8]) -> Option<Progress> {
    let value = serde_json::from_slice::<Value>(body).ok()?;
    Some(Progress {
        running: value.get("Running")?.as_bool()?,
        // Podman's -1 is no code.
        exit_code: value.get("ExitCode").and_then(Value::as_i64).filter(|code| *code >= 0),
    })
}

/// What attach wants to know of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContainerState {
    pub id: String,
    pub tty: bool,
    pub progress: Progress,
}

/// From `GET /containers/{container}/json`.
pub(super) fn container_state(body: &[u8]) -> Option<ContainerState> {
    let value = serde_json::from_slice::<Value>(body).ok()?;
    let state = value.get("State")?;
    let running = state.get("Running")?.as_bool()?;
    let has_run = state.get("Status").and_then(Value::as_str) != Some("created");
    Some(ContainerState {
        id: value.get("Id")?.as_str()?.to_owned(),
        tty: value.get("Config").and_then(|config| config.get("Tty")).and_then(Value::as_bool).unwrap_or(false),
        progress: Progress {
            running,
            exit_code: state.get("ExitCode").and_then(Value::as_i64).filter(|_| has_run && !running),
        },
    })
}

/// The Engine's words in an error's body: JSON's `message`, or plain text.
pub(super) fn message(head: &Head, body: &[u8]) -> String {
    const LONGEST: usize = 4096;
    let from_json = serde_json::from_slice::<Value>(body)
        .ok()
        .and_then(|value| value.get("message").and_then(Value::as_str).map(str::to_owned));
    // One that was too long to be kept whole.
    let body = body.strip_prefix(b"{\"message\":\"").unwrap_or(body);
    let text = from_json.unwrap_or_else(|| String::from_utf8_lossy(body.get(..LONGEST).unwrap_or(body)).into_owned());
    let text = text.trim();
    if text.is_empty() {
        return format!("HTTP status {} {}", head.status(), String::from_utf8_lossy(head.reason())).trim().to_owned();
    }
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::http::HeadParser;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions_meet_in_the_middle() {
        assert_eq!(version("1.41").common(), Some(version("1.41")));
        assert_eq!(version("1.99").common(), Some(NEWEST));
        assert_eq!(version("2.0").common(), Some(NEWEST));
        assert_eq!(version("1.39").common(), None);
        assert!(version("1.9") < version("1.40"));
        for text in ["", "1", "1.", ".1", "1.4x", "+1.4", "1.99999"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_console_size_is_sent_only_to_those_who_know_it() {
        let options = ExecOptions {
            container: "web".into(),
            command: vec!["sh".into()],
            tty: true,
            env: vec![("A".into(), "b=c".into())],
            user: "www".into(),
            size: Size::new(30, 100).unwrap(),
            ..ExecOptions::default()
        };
        let body: Value = serde_json::from_slice(&exec_create(&options, "m", version("1.42"))).unwrap();
        assert_eq!(body["ConsoleSize"], json!([30, 100]));
        assert_eq!(body["Env"], json!(["A=b=c", "TOWLINE_EXEC=m"]));
        assert_eq!(body["User"], "www");
        assert_eq!(body.get("WorkingDir"), None);
        let body: Value = serde_json::from_slice(&exec_create(&options, "m", version("1.41"))).unwrap();
        assert_eq!(body.get("ConsoleSize"), None);
        let start = |tty, v| serde_json::from_slice::<Value>(&exec_start(tty, options.size, version(v))).unwrap();
        assert_eq!(start(true, "1.44"), json!({"Detach": false, "Tty": true, "ConsoleSize": [30, 100]}));
        assert_eq!(start(false, "1.44"), json!({"Detach": false, "Tty": false}));
    }

    #[test]
    fn messages_are_found_in_any_error() {
        let head = HeadParser::default().feed(b"HTTP/1.1 409 Conflict\r\n\r\n").unwrap().unwrap().0;
        assert_eq!(message(&head, b"{\"message\":\"is paused\"}\n"), "is paused");
        assert_eq!(message(&head, b"No such container: x\r\n"), "No such container: x");
        assert_eq!(message(&head, b""), "HTTP status 409 Conflict");
        assert_eq!(message(&head, b"{\"cause\":\"x\"}"), "{\"cause\":\"x\"}");
        assert_eq!(message(&head, b"\xff\xfe"), "\u{fffd}\u{fffd}");
        assert_eq!(message(&head, b"{\"message\":\"cut off here"), "cut off here");
        assert_eq!(message(&head, &vec![b'x'; 1 << 20]).len(), 4096);
    }

    #[test]
    fn inspect_tells_how_far_a_process_is() {
        let progress = |text: &str| exec_progress(text.as_bytes());
        assert_eq!(
            progress(r#"{"Running":false,"ExitCode":3}"#),
            Some(Progress { running: false, exit_code: Some(3) })
        );
        assert_eq!(progress(r#"{"Running":true,"ExitCode":null}"#), Some(Progress { running: true, exit_code: None }));
        assert_eq!(progress(r#"{"Running":false,"ExitCode":-1}"#), Some(Progress { running: false, exit_code: None }));
        assert_eq!(progress("{}"), None);
        assert_eq!(progress("x"), None);
        let state = |status: &str, running| {
            let text = format!(
                r#"{{"Id":"a","Config":{{"Tty":true}},"State":{{"Status":"{status}","Running":{running},"ExitCode":0}}}}"#
            );
            container_state(text.as_bytes()).unwrap().progress.exit_code
        };
        assert_eq!(state("exited", false), Some(0));
        assert_eq!(state("running", true), None);
        assert_eq!(state("created", false), None);
    }

    #[test]
    fn calls_that_cannot_be_sent_are_refused() {
        Call::containers(true, r#"{"label":["a=b"]}"#).check().unwrap();
        Call::new("GET", "/a?b=c").check().unwrap();
        for call in [
            Call::new("GET", "containers"),
            Call::new("GET", "/a b"),
            Call::new("G T", "/a"),
            Call { headers: vec![("Host".into(), "x".into())], ..Call::new("GET", "/a") },
            Call { headers: vec![("X".into(), "a\nb".into())], ..Call::new("GET", "/a") },
            Call { timeout: Some(Duration::MAX), ..Call::new("GET", "/a") },
        ] {
            assert!(matches!(call.check(), Err(Error::Invalid(_))), "{call:?}");
        }
        assert!(Call::inspect("..").is_err());
        assert_eq!(Call::inspect("/a b").unwrap().path, "/containers/a%20b/json");
    }
}
