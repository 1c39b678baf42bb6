//! Plain calls and answers that stream.

use crate::support::{CallEnd, DockerDriver, FakeEngine, UPGRADED, answer, frame, json, terminal};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use towline::docker::{Call, DockerOptions, Error, StreamCall};
use towline::net::Phase;

#[test]
fn bodies_of_every_kind() {
    let engine = FakeEngine::start(|request, conn| match request.path() {
        "/chunked" => conn.send_pieces(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n5\r\nhello\r\n6;x\r\n world\r\n0\r\n\r\n",
            3,
        ),
        "/to-end" => {
            conn.send(b"HTTP/1.1 200 OK\r\n\r\nhello world");
            conn.close();
            true
        }
        "/close" => conn.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 11\r\n\r\nhello world"),
        "/length" => conn.send(&json("hello world")),
        _ => false,
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    for path in ["/chunked", "/length", "/to-end", "/close", "/chunked"] {
        let call = it.docker().call(client, Call::new("GET", path)).unwrap();
        let answer = it.answer(call);
        assert_eq!(answer.body, b"hello world", "{path}");
        assert_eq!(answer.head.field("x-a"), (path == "/chunked").then_some(&b"b"[..]));
    }
    // One for the ping, chunked, length and to-end, one for close, one for the last.
    assert_eq!(it.docker().stats(client).unwrap().connects, 3);
}

#[test]
fn answers_that_break_off_or_are_too_large() {
    let engine = FakeEngine::start(|request, conn| match request.path() {
        "/cut" => {
            conn.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello");
            conn.close();
            true
        }
        "/chunk" => conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz"),
        "/large" => conn.send(&json(&"x".repeat(2000))),
        "/upgrade" => conn.send(b"HTTP/1.1 101 UPGRADED\r\n\r\n"),
        _ => false,
    });
    let mut it = DockerDriver::new();
    let options =
        DockerOptions { address: Some(engine.address.clone()), max_response: 1999, ..DockerOptions::default() };
    let client = it.client_with(options);
    for (path, words) in
        [("/cut", "inside its answer"), ("/chunk", "chunks"), ("/large", "1999"), ("/upgrade", "not asked for")]
    {
        let call = it.docker().call(client, Call::new("GET", path)).unwrap();
        let error = it.call_error(call);
        assert!(error.to_string().contains(words), "{error:?}");
    }
}

/// A connection that has served closes when it is used again.
fn stale() -> FakeEngine {
    let pings = AtomicUsize::new(0);
    FakeEngine::start(move |request, conn| {
        if request.path() == "/x" && pings.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
            conn.close();
            return true;
        }
        request.path() == "/x" && conn.send(&json("{}"))
    })
}

#[test]
fn a_stale_connection_is_replaced_for_what_may_be_sent_twice() {
    let engine = stale();
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let call = it.docker().call(client, Call::new("GET", "/x")).unwrap();
    it.answer(call);
    assert_eq!(it.docker().stats(client).unwrap().retried, 1);
    let call = it.docker().call(client, Call::new("POST", "/x")).unwrap();
    let error = it.call_error(call);
    assert!(matches!(error, Error::Closed(_)), "{error:?}");
    assert_eq!(it.docker().stats(client).unwrap().retried, 1);
}

#[test]
fn calls_wait_for_a_connection_and_have_a_deadline() {
    let engine = FakeEngine::start(|request, conn| {
        if request.path() == "/hang" {
            conn.await_close();
        }
        request.path() == "/hang"
    });
    let mut it = DockerDriver::new();
    let options =
        DockerOptions { address: Some(engine.address.clone()), max_connections: 1, ..DockerOptions::default() };
    let client = it.client_with(options);
    let hang = Call { timeout: Some(Duration::from_millis(80)), ..Call::new("GET", "/hang") };
    let first = it.docker().call(client, hang.clone()).unwrap();
    let waits = it.docker().call(client, Call { timeout: Some(Duration::from_millis(40)), ..hang.clone() }).unwrap();
    let behind = it.docker().call(client, Call::new("GET", "/exec/e1/json")).unwrap();
    let cancelled = it.docker().call(client, Call::new("GET", "/hang")).unwrap();
    assert!(it.docker().cancel(cancelled));
    assert_eq!(it.call_error(cancelled), Error::Cancelled);
    let error = it.call_error(waits);
    assert!(
        matches!(&error, Error::Timeout { phase: Phase::Total, what, .. } if what.contains("waiting")),
        "{error:?}"
    );
    // What Towline asks for itself does not wait for the program's calls.
    let stream = it.exec(client, "web", &["true"]);
    assert!(matches!(it.stream_error(stream), Error::Api { status: 404, .. }));
    let error = it.call_error(first);
    assert!(matches!(&error, Error::Timeout { phase: Phase::Total, .. }), "{error:?}");
    it.answer(behind);
    assert_eq!(engine.requests("/hang").len(), 1);
}

#[test]
fn many_that_wait_fail_together_when_the_engine_goes() {
    let mut engine = FakeEngine::start(|request, conn| {
        if request.path() == "/hang" {
            conn.await_close();
        }
        request.path() == "/hang"
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let calls: Vec<_> = (0..20_000).map(|_| it.docker().call(client, Call::new("GET", "/hang")).unwrap()).collect();
    it.until("the first", |_| engine.requests("/hang").len() == 32);
    engine.peer.stop_accepting();
    engine.peer.close_all();
    for call in calls {
        let error = it.call_error(call);
        assert!(matches!(error, Error::Closed(_) | Error::Connect { .. }), "{error:?}");
    }
    assert_eq!(it.lp.pending(), 0);
}

#[test]
fn a_full_backlog_is_waited_for() {
    let mut backlog = crate::support::FullBacklog::unix();
    let mut it = DockerDriver::new();
    let options = DockerOptions {
        address: Some(backlog.address.clone()),
        connect_timeout: Duration::from_millis(60),
        ..DockerOptions::default()
    };
    let client = it.client_with(options.clone());
    let call = it.docker().call(client, Call::version()).unwrap();
    let error = it.call_error(call);
    assert!(matches!(&error, Error::Timeout { phase: Phase::Connect, .. }), "{error:?}");
    let client = it.client_with(DockerOptions { connect_timeout: Duration::from_secs(20), ..options });
    let call = it.docker().call(client, Call::version()).unwrap();
    it.turn(Duration::from_millis(1));
    backlog.inside.clear();
    let (listener, mut accepted) = (backlog.listener.try_clone().unwrap(), Vec::new());
    listener.set_nonblocking(true).unwrap();
    let mut answered = false;
    it.until("the ping", |_| {
        while let Ok((socket, _)) = listener.accept() {
            accepted.push(socket);
        }
        for socket in &accepted {
            let _ = socket.set_nonblocking(true);
            let mut buffer = [std::mem::MaybeUninit::uninit(); 512];
            answered |= socket.recv(&mut buffer).is_ok_and(|n| n > 0);
        }
        answered
    });
    assert!(it.docker().cancel(call));
}

#[test]
fn events_are_cut_at_their_lines() {
    let engine = FakeEngine::start(|request, conn| {
        if request.path() != "/events" {
            return false;
        }
        conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        conn.send_pieces(b"f\r\n{\"a\":1}\n\r\n{\"b\":\r\n", 1);
        conn.send(b"7\r\n\"x y\"}\n\r\n8\r\n{}\n{}\n{}\r\n0\r\n\r\n")
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let call = it.docker().stream(client, StreamCall::Events(String::new())).unwrap();
    let (_, chunks) = it.call_end(call);
    let lines: Vec<_> = chunks.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned()).collect();
    assert_eq!(lines, [r#"{"a":1}"#, r#"{"b":"x y"}"#, "{}", "{}"]);
}

#[test]
fn an_event_without_an_end_is_refused() {
    let engine = FakeEngine::start(|request, conn| {
        if request.path() != "/events" {
            return false;
        }
        conn.send(b"HTTP/1.1 200 OK\r\n\r\n");
        while conn.send(&[b'x'; 65_536]) {}
        true
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let call = it.docker().stream(client, StreamCall::Events(String::new())).unwrap();
    assert!(matches!(it.call_error(call), Error::Protocol(_)));
}

#[test]
fn a_raw_stream_is_handed_on() {
    let engine = FakeEngine::start(|request, conn| match request.path() {
        "/build" => {
            conn.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
            conn.send(b"0\r\n\r\n")
        }
        "/fails" => conn.send(&answer("500 Oops", "", r#"{"message":"no"}"#)),
        _ => false,
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let raw = |path: &str| StreamCall::Raw(Call { body: Some(b"{}".to_vec()), ..Call::new("POST", path) });
    let call = it.docker().stream(client, raw("/build")).unwrap();
    let (end, chunks) = it.call_end(call);
    assert_eq!(chunks, [(1, b"hello".to_vec())], "{end:?}");
    let call = it.docker().stream(client, raw("/fails")).unwrap();
    assert_eq!(it.call_error(call), Error::Api { status: 500, message: "no".into() });
}

#[test]
fn the_owner_may_leave_before_the_calls_end() {
    let engine = FakeEngine::start(|request, conn| request.path() == "/x" && conn.send(&json("{}")));
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let call = it.docker().call(client, Call::new("GET", "/x")).unwrap();
    it.docker().release(client);
    assert!(matches!(it.docker().call(client, Call::version()), Err(Error::Stale("client"))));
    it.answer(call);
    assert_eq!(it.docker().stats(client), None);
}

#[test]
fn what_a_pause_holds_outlives_the_client() {
    let engine = FakeEngine::streams(|conn| {
        conn.send(UPGRADED.as_bytes());
        conn.send(&frame(1, b"tail"));
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "web", &["true"]);
    it.docker().pause(stream).unwrap();
    it.docker().release(client);
    it.until("the client's end", |it| it.docker().stats(client).is_none());
    it.docker().resume(stream).unwrap();
    let seen = it.end(stream);
    assert_eq!((seen.text().as_str(), seen.ended), ("tail", Some(Ok((Some(0), false)))));
}

#[test]
fn events_that_end_inside_one_are_an_error() {
    for body in ["Transfer-Encoding: chunked\r\n\r\n9\r\n{\"a\":1}\n{\r\n0\r\n\r\n", "\r\n{\"a\":1}\n{\"b\":2}"] {
        let engine = FakeEngine::start(move |request, conn| {
            if request.path() != "/events" {
                return false;
            }
            conn.send(format!("HTTP/1.1 200 OK\r\n{body}").as_bytes());
            conn.close();
            true
        });
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address);
        let call = it.docker().stream(client, StreamCall::Events(String::new())).unwrap();
        let (end, chunks) = it.call_end(call);
        assert_eq!(chunks, [(1, br#"{"a":1}"#.to_vec())]);
        assert!(matches!(&end, CallEnd::Failed(Error::Closed(words)) if words.contains("event")), "{end:?}");
    }
}

#[test]
fn nothing_is_sent_a_third_time() {
    let engine = FakeEngine::start(|request, conn| {
        let is_x = request.path() == "/x";
        if is_x {
            conn.close();
        }
        is_x
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let call = it.docker().call(client, Call::new("GET", "/x")).unwrap();
    let error = it.call_error(call);
    assert!(matches!(error, Error::Closed(_)), "{error:?}");
    assert_eq!((engine.requests("/x").len(), it.docker().stats(client).unwrap().retried), (2, 1));
}

/// Creating an exec and setting a size do no harm twice; starting does.
#[test]
fn what_is_sent_twice_to_open_a_stream() {
    for (path, times, opens) in
        [("/containers/web/exec", 2, true), ("/exec/e1/resize", 2, true), ("/exec/e1/start", 1, false)]
    {
        let asked = AtomicUsize::new(0);
        let engine = FakeEngine::start(move |request, conn| {
            if request.path() == path && asked.fetch_add(1, Ordering::SeqCst) == 0 {
                conn.close();
                return true;
            }
            request.path() == "/exec/e1/start" && conn.send(UPGRADED.as_bytes()) && conn.await_close()
        });
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address);
        let stream = it.exec_with(client, terminal("web", &["sh"]));
        if opens {
            it.until_open(stream);
            it.until("the second", |_| engine.requests(path).len() == times);
            // An idle connection: all is answered.
            it.until("the answers", |it| it.docker().stats(client).unwrap().idle > 0);
            it.docker().close(stream);
        }
        let error = it.stream_error(stream);
        assert!(matches!(error, Error::Closed(_)) != opens, "{error:?}");
        assert_eq!(engine.requests(path).len(), times, "{path}");
        assert_eq!(it.docker().stats(client).unwrap().retried, times as u64 - 1, "{path}");
    }
}
