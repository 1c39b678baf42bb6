//! A client that is not ours: the `websockets` package from PyPI, in a private environment below the target folder.

use crate::host::Host;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use towline::websocket::ServerOptions;

const VERSION: &str = "15.0.1";

/// A Python with the package; installed once, next to what cargo builds.
fn python() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("python-websockets-{VERSION}"));
    let python = folder.join("bin/python3");
    let done = folder.join("installed");
    // One installs, the others wait; the lock ends with the file.
    let lock = std::fs::File::create(folder.with_extension("lock")).unwrap();
    // SAFETY: a system call on a descriptor that is open.
    assert_eq!(unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX) }, 0);
    if done.exists() {
        return python;
    }
    let run = |command: &mut Command, hint: &str| {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; {hint}"));
        assert!(output.status.success(), "{command:?}: {}; {hint}", String::from_utf8_lossy(&output.stderr));
    };
    run(
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder),
        "install python3 with venv (Debian: apt-get install python3-venv)",
    );
    run(
        Command::new(&python).args(["-m", "pip", "install", "--quiet", &format!("websockets=={VERSION}")]),
        "the package index must be within reach the first time",
    );
    std::fs::write(done, "").unwrap();
    python
}

/// Serves until the script has ended, which must be well.
fn serve(host: &mut Host, script: &str) {
    let mut child = Command::new(python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/websocket/clients.py"))
        .arg(script)
        .arg(&host.address)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            break;
        }
        host.turn(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{script}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn cases_of_the_protocol() {
    let options = ServerOptions { subprotocols: vec!["tty".into()], max_message: 1 << 20, ..ServerOptions::default() };
    serve(&mut Host::new(options), "cases");
}

#[test]
fn its_keepalive_is_answered_and_ours_is_too() {
    let options = ServerOptions { ping_interval: Some(Duration::from_secs(1)), ..ServerOptions::default() };
    serve(&mut Host::new(options), "keepalive");
}
