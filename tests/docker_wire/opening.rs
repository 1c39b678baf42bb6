//! From the request to the open stream.

use crate::support::{DockerDriver, FakeEngine, UPGRADED, answer, exec, frame, piped, terminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use towline::docker::{AttachOptions, DockerOptions, Error};
use towline::net::Phase;

#[test]
fn requests_look_as_engines_want_them() {
    let engine = FakeEngine::streams(|conn| {
        conn.send(UPGRADED.as_bytes());
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "/a b", &["true"]);
    assert_eq!(it.exit(stream), Some(0));
    let create = &engine.requests("/containers/a%20b/exec")[0];
    assert_eq!(create.header("content-type"), Some("application/json"));
    assert_eq!(create.header("content-length"), Some(create.body.len().to_string().as_str()));
    assert_eq!(create.header("host"), Some("docker"));
    assert_eq!(create.header("connection"), None);
    let start = &engine.requests("/exec/e1/start")[0];
    assert_eq!(start.target, "/v1.41/exec/e1/start");
    // Podman compares the whole value.
    assert_eq!((start.header("connection"), start.header("upgrade")), (Some("Upgrade"), Some("tcp")));
    assert_eq!(start.text(), r#"{"Detach":false,"Tty":false}"#);
}

#[test]
fn attach_sends_no_body() {
    let engine =
        FakeEngine::start(|request, conn| request.path() == "/containers/c1/attach" && conn.send(UPGRADED.as_bytes()));
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let options = AttachOptions { container: "web".into(), detach_keys: "ctrl-x".into(), ..AttachOptions::default() };
    let stream = it.docker().attach(client, options).unwrap();
    let seen = it.end(stream);
    // It goes on running: detached.
    assert_eq!(seen.ended, Some(Ok((None, false))));
    let attach = &engine.requests("/containers/c1/attach")[0];
    assert_eq!((attach.body.len(), attach.header("content-length"), attach.header("content-type")), (0, None, None));
    assert!(
        attach.target.ends_with("?stream=1&stdout=1&stderr=1&stdin=0&logs=0&detachKeys=ctrl-x"),
        "{}",
        attach.target
    );
}

#[test]
fn a_head_in_pieces_and_frames_behind_it() {
    let bytes = [UPGRADED.as_bytes(), &frame(1, b"hello"), &frame(2, b"oops")].concat();
    for size in [1, 2, 7, 66, 80, 1 << 20] {
        let bytes = bytes.clone();
        let engine = FakeEngine::streams(move |conn| {
            conn.send_pieces(&bytes, size);
        });
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address);
        let stream = it.exec(client, "web", &["true"]);
        let seen = it.end(stream);
        assert_eq!((seen.text().as_str(), seen.stderr.as_slice()), ("hello", &b"oops"[..]), "{size}");
        assert_eq!(seen.opened, Some(("e1".to_owned(), true)));
        assert_eq!(seen.ended, Some(Ok((Some(0), false))));
    }
}

#[test]
fn a_200_is_a_stream_too() {
    let heads = [
        ("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n", false),
        ("HTTP/1.1 200 OK\n\n", false),
        ("HTTP/1.0 200 OK\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true),
    ];
    for (head, chunked) in heads {
        let engine = FakeEngine::streams(move |conn| {
            let bytes = frame(1, b"hello");
            conn.send(head.as_bytes());
            if chunked {
                conn.send(format!("{:x}\r\n", bytes.len()).as_bytes());
                conn.send(&bytes);
                conn.send(b"\r\n0\r\n\r\n");
                conn.await_close();
            } else {
                conn.send(&bytes);
            }
        });
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address);
        let stream = it.exec(client, "web", &["true"]);
        let seen = it.end(stream);
        assert_eq!((seen.text().as_str(), seen.opened), ("hello", Some(("e1".to_owned(), false))), "{head}");
        assert_eq!(seen.ended, Some(Ok((Some(0), false))));
    }
    let engine = FakeEngine::streams(|conn| {
        conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        conn.await_close();
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "web", &["true"]);
    assert_eq!(it.exit(stream), Some(0));
}

#[test]
fn input_waits_for_the_end_of_the_head() {
    let early = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&early);
    let engine = FakeEngine::streams(move |conn| {
        conn.send_pieces(&UPGRADED.as_bytes()[..UPGRADED.len() - 1], 30);
        seen.store(!conn.is_silent(), Ordering::SeqCst);
        conn.send(b"\n");
        let mut buffer = [0; 64];
        let mut got = Vec::new();
        while got.len() < 5 {
            let n = conn.read_some(&mut buffer);
            got.extend(&buffer[..n]);
        }
        conn.send(&frame(1, &got));
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec_with(client, piped("web", &["cat"]));
    assert_eq!(it.docker().write(stream, b"hel"), Ok(3));
    assert_eq!(it.docker().write(stream, b"lo"), Ok(5));
    assert_eq!(it.end(stream).text(), "hello");
    assert!(!early.load(Ordering::SeqCst));
}

#[test]
fn the_content_type_tells_the_framing_when_it_can() {
    const MULTIPLEXED: &str =
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\r\n";
    let engine = FakeEngine::streams(|conn| {
        conn.send(MULTIPLEXED.as_bytes());
        conn.send(&frame(2, b"framed"));
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec_with(client, terminal("web", &["sh"]));
    assert_eq!(it.end(stream).stderr, b"framed");
    // A terminal's output may look like a frame.
    let engine = FakeEngine::streams(|conn| {
        conn.send(UPGRADED.as_bytes());
        conn.send(b"\x01\0\0\0\0\0\0\x02hi");
    });
    let client = it.client(&engine.address);
    let stream = it.exec_with(client, terminal("web", &["sh"]));
    assert_eq!(it.end(stream).stdout, b"\x01\0\0\0\0\0\0\x02hi");
}

#[test]
fn other_answers_are_errors() {
    let long = "x".repeat(10 * 1024 * 1024);
    let chunked = format!(
        "HTTP/1.1 409 Conflict\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
        27, r#"{"message":"it is  paused"}"#
    );
    let cases: Vec<(Vec<u8>, u16, &str)> = vec![
        (answer("404 Not Found", "", r#"{"message":"No such exec"}"#), 404, "No such exec"),
        (chunked.into_bytes(), 409, "it is  paused"),
        (b"HTTP/1.1 404 Not Found\r\n\r\nNo such container: x\r\n".to_vec(), 404, "No such container: x"),
        (answer("502 Bad Gateway", "", "<html>"), 502, "<html>"),
        (answer("301 Moved", "Location: /x\r\n", ""), 301, "the Engine answered with a redirect to /x, "),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n".to_vec(), 500, "HTTP status 500 Oops"),
        (answer("500 Oops", "", &long), 500, "xxxx"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n\xff\xfe".to_vec(), 403, "\u{fffd}\u{fffd}"),
    ];
    for (bytes, status, words) in cases {
        let (send, sent) = mpsc::channel();
        let (send, is_long) = (std::sync::Mutex::new(send), bytes.len() > long.len());
        let engine = FakeEngine::streams(move |conn| {
            send.lock().unwrap().send(conn.send(&bytes)).unwrap();
        });
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address);
        let stream = it.exec(client, "web", &["true"]);
        match it.stream_error(stream) {
            Error::Api { status: got, message } => {
                assert_eq!(got, status);
                assert!(message.starts_with(words), "{message}");
                assert_eq!(message.len() == 4096, is_long, "{} bytes", message.len());
            }
            other => panic!("{other:?}"),
        }
        // Of a long one the rest is not read.
        assert_eq!(sent.recv().unwrap(), !is_long);
    }
}

#[test]
fn broken_heads_are_errors() {
    let cases: [(&[u8], &str); 7] = [
        (b"HTTP/1.1 204 No Content\r\n\r\n", "expected 101 or 200"),
        (b"SSH-2.0-OpenSSH\r\n", "SSH"),
        (b"\x15\x03\x03\0\x02\x02\x28", "TLS"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "Content-Length"),
        (b"HTTP/1.1 2", "inside the head"),
        (b"", "before it answered"),
        (b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n", "broken"),
    ];
    for (bytes, words) in cases {
        let engine = FakeEngine::streams(move |conn| {
            conn.send(bytes);
        });
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address);
        let stream = it.exec(client, "web", &["true"]);
        let error = it.stream_error(stream);
        assert!(error.to_string().contains(words), "{error:?}");
        assert!(matches!(error, Error::Protocol(_) | Error::Closed(_)), "{error:?}");
    }
}

#[test]
fn a_head_that_never_ends_and_one_that_never_comes() {
    let engine = FakeEngine::streams(|conn| {
        conn.send(b"HTTP/1.1 101 UPGRADED\r\n");
        while conn.send(b"X-More: and more\r\n") {}
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "web", &["true"]);
    assert!(it.stream_error(stream).to_string().contains("65536"));

    let engine = FakeEngine::streams(|conn| {
        conn.await_close();
    });
    let options = DockerOptions {
        address: Some(engine.address.clone()),
        timeout: Duration::from_millis(50),
        ..DockerOptions::default()
    };
    let client = it.client_with(options);
    let stream = it.exec(client, "web", &["true"]);
    let error = it.stream_error(stream);
    assert!(matches!(&error, Error::Timeout { phase: Phase::FirstByte, .. }), "{error:?}");
}

#[test]
fn a_stream_has_no_hidden_deadline() {
    let engine = FakeEngine::streams(|conn| {
        conn.send(UPGRADED.as_bytes());
        let mut buffer = [0; 8];
        conn.read_some(&mut buffer);
    });
    let mut it = DockerDriver::new();
    let options = DockerOptions {
        address: Some(engine.address.clone()),
        timeout: Duration::from_millis(30),
        connect_timeout: Duration::from_millis(30),
        idle_close: Duration::from_millis(1),
        ..DockerOptions::default()
    };
    let client = it.client_with(options);
    let stream = it.exec_with(client, piped("web", &["cat"]));
    it.until_open(stream);
    // Those of idle connections end with them.
    it.until("the last timer", |it| it.lp.timeout().is_none());
    it.docker().write(stream, b"x").unwrap();
    assert_eq!(it.exit(stream), Some(0));
}

#[test]
fn closing_in_every_state_closes_the_connection() {
    let engine = FakeEngine::streams(|conn| {
        conn.send(UPGRADED.as_bytes());
        conn.await_close();
    });
    for turns in 0..12 {
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address);
        let stream = it.exec_with(client, exec("web", &["true"]));
        for _ in 0..turns {
            it.turn(Duration::from_millis(5));
        }
        assert!(it.docker().close(stream));
        assert_eq!(it.stream_error(stream), Error::Cancelled);
        assert_eq!(it.lp.pending(), 0);
        assert!(it.docker().close_client(client));
        assert!(!it.docker().close_client(client));
        assert!(matches!(it.docker().exec(client, exec("web", &["true"])), Err(Error::Stale("client"))));
    }
}
