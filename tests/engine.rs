//! The real Engines that the tests of Docker run against: that they are there, private, and gone afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs, reason = "tests")]

#[path = "support/docker.rs"]
mod docker;

use docker::{BARE_IMAGE, Engine, docker, docker_tls, podman};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

fn a_container_in_every_state(engine: &Engine) {
    let running = engine.container();
    running.until(|processes| processes == ["sleep infinity"]);
    let state = |name: &str| engine.ask("GET", &format!("/containers/{name}/json"), "");
    assert!(state(&running.name).contains(r#""Running":true"#));
    assert!(state(&engine.paused().name).contains(r#""Paused":true"#));
    let stopped = engine.stopped();
    assert!(state(&stopped.name).contains(r#""Running":false"#));
    stopped.until(<[String]>::is_empty);
    engine.bare().until(|processes| processes == ["/sleep infinity"]);
    assert!(state(&engine.created(BARE_IMAGE, &["/true"]).name).contains(r#""Status":"created""#));
    running.remove();
    assert_eq!(engine.call("GET", &format!("/containers/{}/json", running.name), "").0, 404);
}

#[test]
fn dockerd_has_containers_in_every_state() {
    a_container_in_every_state(docker());
    assert!(docker().tcp().starts_with("tcp://127.0.0.1:"));
}

#[test]
fn podman_has_containers_in_every_state() {
    a_container_in_every_state(podman());
}

#[test]
fn the_daemon_ends_and_starts_again() {
    for options in [&[][..], &["--podman"]] {
        let engine = Engine::start(options);
        let container = engine.container();
        engine.down();
        assert!(std::os::unix::net::UnixStream::connect(engine.socket()).is_err());
        engine.up();
        engine.ask("GET", &format!("/containers/{}/json", container.name), "");
        engine.crash();
        assert!(std::os::unix::net::UnixStream::connect(engine.socket()).is_err());
        engine.up();
        engine.ask("GET", "/_ping", "");
    }
}

#[test]
fn dockerd_has_certificates() {
    for who in ["client", "stranger"] {
        for file in ["ca.pem", "cert.pem", "key.pem"] {
            assert!(docker_tls().certs().join(who).join(file).is_file());
        }
    }
}

#[test]
fn an_engine_ends_with_its_owner() {
    // This very test, run again in a process of its own, is the owner.
    if std::env::var_os("TOWLINE_OWNER").is_some() {
        let engine = Engine::start(&["--podman"]);
        let container = engine.container();
        println!("\nfolder={} id={}", engine.socket().parent().unwrap().display(), container.id());
        loop {
            std::thread::park();
        }
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "an_engine_ends_with_its_owner", "--nocapture"])
        .env("TOWLINE_OWNER", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.find_map(|line| line.unwrap().strip_prefix("folder=").map(str::to_owned)).unwrap();
    let (folder, id) = line.split_once(" id=").unwrap();
    // Its keeper holds this lock until all is gone.
    let lock = std::fs::File::open(Path::new(folder).join("lock")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(Command::new("flock").arg("0").stdin(lock).status().unwrap().success());
    assert!(!Path::new(folder).exists(), "{folder} is still there");
    let processes = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&processes.stdout).contains(id), "conmon of {id} is still there");
}

#[test]
fn an_engine_with_a_paused_container_ends() {
    for (options, stopped) in [(&[][..], true), (&[], false), (&["--podman"], true), (&["--podman"], false)] {
        let engine = Engine::start(options);
        let folder = engine.socket().parent().unwrap().to_owned();
        // Its keeper holds this lock until all is gone.
        let lock = std::fs::File::open(folder.join("lock")).unwrap();
        let container = engine.paused();
        let id = container.id();
        // Left for the Engine's end.
        std::mem::forget(container);
        if stopped {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/engine");
            let status = Command::new("timeout").arg("60").arg(script).arg("stop").arg(&folder).status().unwrap();
            assert!(status.success(), "{options:?}: engine stop: {status}");
        }
        drop(engine);
        let ended = Command::new("flock").args(["--timeout", "60", "0"]).stdin(lock).status().unwrap();
        assert!(ended.success(), "{options:?}, stopped: {stopped}: still there");
        assert!(!folder.exists(), "{} is still there", folder.display());
        let left = Command::new("find").args(["/sys/fs/cgroup", "-name", &format!("*{id}*")]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&left.stdout), "", "{options:?}, stopped: {stopped}");
    }
}
