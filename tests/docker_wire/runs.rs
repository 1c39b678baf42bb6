//! Commands run to their end, and containers that are attached to.

use crate::support::{DockerDriver, FakeEngine, UPGRADED, answer, frame, json};
use std::time::Duration;
use towline::docker::{AttachOptions, Error, RunOptions};

fn run(timeout: Option<Duration>, max_output: usize) -> RunOptions {
    RunOptions { container: "web".into(), command: vec!["true".into()], timeout, max_output, ..RunOptions::default() }
}

/// Routers forget a half-closed connection that is silent within a minute.
#[test]
fn without_input_a_connection_stays_open_both_ways() {
    let engine = FakeEngine::streams(|conn| {
        conn.send(UPGRADED.as_bytes());
        // The second is taken when all is done that the first has led to.
        for _ in 0..2 {
            conn.send(&frame(2, b"."));
            conn.await_taken();
        }
        let state: &[u8] = if conn.is_silent() { b"open" } else { b"half-closed" };
        conn.send(&frame(1, state));
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let call = it.docker().run(client, run(None, 100)).unwrap();
    assert_eq!(String::from_utf8(it.ran(call).stdout).unwrap(), "open");
    let call = it.docker().run(client, RunOptions { input: b"x".to_vec(), ..run(None, 100) }).unwrap();
    assert_eq!(String::from_utf8(it.ran(call).stdout).unwrap(), "half-closed");
}

/// `e1` is the command, `e2` whatever looks for it, which ends with `code`.
fn engine(code: i64, start: &'static (dyn Fn(&mut crate::support::Conn) + Sync)) -> FakeEngine {
    FakeEngine::start(move |request, conn| match request.path() {
        "/containers/web/exec" if request.text().contains("/bin/sh") => {
            conn.send(&answer("201 Created", "", r#"{"Id":"e2"}"#))
        }
        "/exec/e2/start" => conn.send(UPGRADED.as_bytes()),
        "/exec/e2/json" => conn.send(&json(&format!(r#"{{"Running":false,"ExitCode":{code}}}"#))),
        "/exec/e1/start" => {
            start(conn);
            true
        }
        "/exec/e1/json" => conn.send(&json(r#"{"Running":false,"ExitCode":null}"#)),
        _ => false,
    })
}

#[test]
fn a_command_that_may_yet_begin_is_not_called_killed() {
    // The start is not answered, and nothing is found.
    let engine = engine(3, &|conn| {
        conn.await_close();
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let call = it.docker().run(client, run(Some(Duration::from_millis(100)), 100)).unwrap();
    let error = it.call_error(call);
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    let words = error.to_string();
    assert!(words.contains("may still run") && words.contains("not begun yet"), "{words}");
    assert!(engine.requests("/exec/e1/json").len() > 3);
}

#[test]
fn a_command_that_does_not_end_when_killed_may_still_run() {
    let engine = engine(0, &|conn| {
        conn.send(UPGRADED.as_bytes());
        conn.send(&frame(1, &[b'x'; 101]));
        conn.await_close();
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let call = it.docker().run(client, run(None, 100)).unwrap();
    let error = it.call_error(call);
    assert!(matches!(&error, Error::Protocol(words) if words.contains("may still run")), "{error:?}");
}

/// It may end at any time: whoever kills it cannot know.
#[test]
fn an_attached_container_that_has_just_ended_needs_no_signal() {
    for (status, words, is_done) in [
        ("409 Conflict", "Cannot kill container: c1: Container c1 is not running", true),
        (
            "500 Internal Server Error",
            "can only kill running containers. c1 is in state exited: container state improper",
            true,
        ),
        ("404 Not Found", "No such container: c1", true),
        ("409 Conflict", "Container c1 is paused. Unpause the container before stopping or killing", false),
    ] {
        let engine = FakeEngine::start(move |request, conn| match request.path() {
            "/containers/c1/attach" => {
                conn.send(UPGRADED.as_bytes());
                conn.await_close();
                true
            }
            "/containers/c1/kill" => conn.send(&answer(status, "", &format!(r#"{{"message":"{words}"}}"#))),
            _ => false,
        });
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address);
        let options = AttachOptions { container: "web".into(), ..AttachOptions::default() };
        let stream = it.docker().attach(client, options).unwrap();
        it.until_open(stream);
        let killed = it.docker().kill(stream, "HUP").unwrap();
        if is_done {
            it.answer(killed);
        } else {
            let error = it.call_error(killed);
            assert!(matches!(&error, Error::Api { status: 409, message } if message == words), "{error:?}");
        }
        assert!(it.docker().close(stream));
        it.end(stream);
    }
}

#[test]
fn an_attached_container_is_known_by_its_id() {
    let engine = FakeEngine::start(|request, conn| match request.path() {
        "/containers/c1/attach" => {
            conn.send(UPGRADED.as_bytes());
            conn.await_close();
            true
        }
        "/containers/c1/kill" => conn.send(&answer("204 No Content", "", "")),
        "/containers/c1/json" => conn.send(&json(r#"{"Id":"c1"}"#)),
        _ => false,
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream =
        it.docker().attach(client, AttachOptions { container: "web".into(), ..AttachOptions::default() }).unwrap();
    it.until_open(stream);
    let inspected = it.docker().inspect(stream).unwrap();
    assert_eq!(it.answer(inspected).body, br#"{"Id":"c1"}"#);
    let killed = it.docker().kill(stream, "HUP").unwrap();
    it.answer(killed);
    assert_eq!(engine.requests("/containers/c1/kill").len(), 1);
    assert!(it.docker().close(stream));
    it.end(stream);
}
