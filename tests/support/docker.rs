//! Real Engines for tests: `docker()` and `podman()`, each started once per test binary, and containers in them.
//!
//! An Engine is private: a folder, sockets and namespaces of its own. It watches a pipe that this process holds, so it
//! ends with the process, its containers and files with it, however the process ends. `TOWLINE_ENGINE_ROOT` in the
//! environment chooses the root whose dockerd is run, as `make test-matrix` does.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The image of every container: busybox with a shell, and the users root, user (1000) and nobody.
pub const IMAGE: &str = "towline";
/// An image with `/sleep` and `/true` alone, so without a shell.
pub const BARE_IMAGE: &str = "towline-bare";

/// A running Engine. Ends when it is dropped, and with this process.
pub struct Engine {
    folder: PathBuf,
    settings: Vec<(String, String)>,
    /// The end of the pipe that the Engine watches.
    _owner: ChildStdin,
}

/// The dockerd that this binary's tests share, on a unix socket and on plain tcp.
pub fn docker() -> &'static Engine {
    static SHARED: OnceLock<Engine> = OnceLock::new();
    SHARED.get_or_init(|| Engine::start(&[]))
}

/// The podman service that this binary's tests share, on a unix socket.
pub fn podman() -> &'static Engine {
    static SHARED: OnceLock<Engine> = OnceLock::new();
    SHARED.get_or_init(|| Engine::start(&["--podman"]))
}

/// A dockerd whose tcp socket wants TLS with a client certificate, shared as well. See [`Engine::certs`].
pub fn docker_tls() -> &'static Engine {
    static SHARED: OnceLock<Engine> = OnceLock::new();
    SHARED.get_or_init(|| Engine::start(&["--tls"]))
}

fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn script() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/engine"))
}

impl Engine {
    /// An Engine of one's own, for tests that stop it; `options` are those of `scripts/engine start`.
    ///
    /// # Panics
    /// When dockerd, podman, busybox or another part is missing, with the package to install.
    pub fn start(options: &[&str]) -> Engine {
        let folder = std::env::temp_dir().join(format!("towline-engine-{}", unique()));
        let mut child = script()
            .args([Path::new("start"), &folder])
            .args(options)
            .arg("--watch")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("scripts/engine runs");
        let owner = child.stdin.take().unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "no Engine: {}", String::from_utf8_lossy(&output.stderr));
        let settings = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let engine = Engine { folder, settings, _owner: owner };
        engine.control("image", &[IMAGE]);
        engine.control("image", &[BARE_IMAGE, "--bare"]);
        engine
    }

    fn control(&self, action: &str, arguments: &[&str]) {
        let output = script().arg(action).arg(&self.folder).args(arguments).output().unwrap();
        assert!(output.status.success(), "engine {action}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn socket(&self) -> &Path {
        Path::new(self.setting("ENGINE_SOCKET").unwrap())
    }

    /// `unix:///...`, as in `DOCKER_HOST`.
    pub fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// `tcp://127.0.0.1:PORT`; podman has none.
    pub fn tcp(&self) -> &str {
        self.setting("ENGINE_TCP").expect("only dockerd listens on tcp")
    }

    pub fn is_podman(&self) -> bool {
        self.setting("ENGINE_TCP").is_none()
    }

    /// Of an Engine with `--tls`: `client` and `stranger` in it are folders as `DOCKER_CERT_PATH` wants them (`ca.pem`,
    /// `cert.pem`, `key.pem`). The stranger's CA is another one.
    pub fn certs(&self) -> PathBuf {
        self.folder.join("certs")
    }

    /// Ends the daemon as a service manager would: containers are stopped, sockets closed and removed.
    pub fn down(&self) {
        self.control("down", &[]);
    }

    /// Kills the daemon alone.
    pub fn crash(&self) {
        self.control("down", &["--crash"]);
    }

    /// Starts the daemon again, on the same addresses.
    pub fn up(&self) {
        self.control("up", &[]);
    }

    /// A plain call: status and body. `path` begins with `/`, without a version.
    pub fn call(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = UnixStream::connect(self.socket()).expect("the Engine listens");
        // HTTP/1.0: the answer ends with the connection and is not chunked.
        let mut request = format!("{method} /v1.40{path} HTTP/1.0\r\nHost: engine\r\n");
        if !body.is_empty() {
            let _ = write!(request, "Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        }
        stream.write_all(format!("{request}\r\n{body}").as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {path}: {answer:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("no status: {head:?}")), body.to_owned())
    }

    /// As [`Engine::call`]; a status that is no success fails the test.
    pub fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let (status, answer) = self.call(method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// A running container of [`IMAGE`] that does nothing.
    pub fn container(&self) -> Container<'_> {
        let container = self.created(IMAGE, &["sleep", "infinity"]);
        container.start();
        container
    }

    /// A running container without a shell.
    pub fn bare(&self) -> Container<'_> {
        let container = self.created(BARE_IMAGE, &["/sleep", "infinity"]);
        container.start();
        container
    }

    /// A running container, paused.
    pub fn paused(&self) -> Container<'_> {
        let container = self.container();
        container.pause();
        container
    }

    /// A container that has run and ended.
    pub fn stopped(&self) -> Container<'_> {
        let container = self.container();
        container.stop();
        container
    }

    /// A container that was never started. `command` must not need escaping in JSON.
    pub fn created(&self, image: &str, command: &[&str]) -> Container<'_> {
        let container = Container { engine: self, name: format!("towline-{}", unique()) };
        let cgroup = self.setting("ENGINE_CGROUP").unwrap();
        // SIGKILL ends any first process at once; others may ignore SIGTERM there.
        let body = format!(
            r#"{{"Image":"{image}","Cmd":{command:?},"StopSignal":"SIGKILL","OpenStdin":true,
                "HostConfig":{{"NetworkMode":"none","CgroupParent":"{cgroup}"}}}}"#
        );
        self.ask("POST", &format!("/containers/create?name={}", container.name), &body);
        container
    }
}

/// A container, removed with its value.
pub struct Container<'a> {
    engine: &'a Engine,
    pub name: String,
}

impl Container<'_> {
    fn post(&self, action: &str) {
        self.engine.ask("POST", &format!("/containers/{}/{action}", self.name), "");
    }

    pub fn start(&self) {
        self.post("start");
    }

    pub fn pause(&self) {
        self.post("pause");
    }

    pub fn unpause(&self) {
        self.post("unpause");
    }

    /// Returns once it has ended.
    pub fn stop(&self) {
        self.post("stop");
    }

    /// Removes it, running or not.
    pub fn remove(&self) {
        self.engine.ask("DELETE", &format!("/containers/{}?force=1", self.name), "");
    }

    pub fn id(&self) -> String {
        let answer = self.engine.ask("GET", &format!("/containers/{}/json", self.name), "");
        let (_, rest) = answer.split_once(r#""Id":""#).expect("an id");
        rest.split('"').next().unwrap().to_owned()
    }

    /// The command lines of its processes, words parted by one blank, as the kernel of this machine tells them.
    pub fn processes(&self) -> Vec<String> {
        let (id, cgroup) = (self.id(), self.engine.setting("ENGINE_CGROUP").unwrap());
        let groups = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].map(|top| PathBuf::from(format!("{top}{cgroup}")));
        let group = groups.iter().find(|group| group.is_dir()).expect("the container's control group");
        let mut found = Vec::new();
        for entry in fs::read_dir(group).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.to_string_lossy().ends_with(&id) {
                for pid in fs::read_to_string(entry.join("cgroup.procs")).unwrap_or_default().lines() {
                    // Empty for one that has just ended.
                    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                    let line = String::from_utf8_lossy(&line).trim_end_matches('\0').replace('\0', " ");
                    found.extend((!line.is_empty()).then_some(line));
                }
            }
        }
        found
    }
}

impl Container<'_> {
    /// Waits until its processes are as `wanted` says. There is no event for that, so it looks again and again: what
    /// the kernel shows lags behind what the Engine has answered.
    ///
    /// # Panics
    /// After half a minute, with the processes there are.
    pub fn until(&self, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let processes = self.processes();
            if wanted(&processes) {
                return processes;
            }
            assert!(Instant::now() < end, "the processes of {} are {processes:?}", self.name);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        // The test may have removed it, or have ended its Engine.
        if UnixStream::connect(self.engine.socket()).is_ok() {
            let _ = self.engine.call("DELETE", &format!("/containers/{}?force=1", self.name), "");
        }
    }
}
