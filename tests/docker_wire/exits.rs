//! How the exit code is found.

use crate::support::{CallEnd, Conn, DockerDriver, FakeEngine, UPGRADED, answer, frame, json, piped};
use std::sync::atomic::{AtomicUsize, Ordering};
use towline::docker::{Error, RunOptions};

/// Answers the n-th question for the exit code with the n-th text, and the last for ever.
fn engine(answers: Vec<Vec<u8>>) -> FakeEngine {
    let asked = AtomicUsize::new(0);
    FakeEngine::start(move |request, conn| match request.path() {
        "/exec/e1/start" => conn.send(UPGRADED.as_bytes()),
        "/exec/e1/json" => {
            let number = asked.fetch_add(1, Ordering::SeqCst);
            conn.send(&answers[number.min(answers.len() - 1)]);
            true
        }
        _ => false,
    })
}

fn ended(engine: &FakeEngine) -> Result<(Option<i64>, bool), Error> {
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "web", &["true"]);
    let end = it.end(stream).ended.unwrap();
    assert_eq!(it.lp.pending(), 0);
    end
}

#[test]
fn it_is_asked_for_until_it_is_known() {
    let running = json(r#"{"Running":true,"ExitCode":null}"#);
    let podmans = json(r#"{"Running":true,"ExitCode":0}"#);
    let between = json(r#"{"Running":false,"ExitCode":null}"#);
    let done = json(r#"{"Running":false,"ExitCode":42}"#);
    let engine = engine(vec![running, podmans, between, answer("500 Oops", "", "{}"), done]);
    assert_eq!(ended(&engine), Ok((Some(42), false)));
    assert_eq!(engine.requests("/exec/e1/json").len(), 5);
}

#[test]
fn a_process_that_goes_on_is_detached() {
    let engine = engine(vec![json(r#"{"Running":true,"ExitCode":null}"#)]);
    assert_eq!(ended(&engine), Ok((None, false)));
    let asked = engine.requests("/exec/e1/json").len();
    assert!((5..100).contains(&asked), "{asked}");
}

#[test]
fn an_exec_that_is_forgotten_has_no_code() {
    let engine = engine(vec![answer("404 Not Found", "", r#"{"message":"No such exec instance"}"#)]);
    assert_eq!(ended(&engine), Ok((None, false)));
    assert_eq!(engine.requests("/exec/e1/json").len(), 1);
}

#[test]
fn an_answer_that_makes_no_sense_is_an_error() {
    for body in ["{}", "nonsense", r#"{"Running":"yes"}"#] {
        assert!(matches!(ended(&engine(vec![json(body)])), Err(Error::Protocol(_))));
    }
}

#[test]
fn a_connection_that_breaks_is_an_error_while_the_process_goes_on() {
    for (state, words) in [
        (json(r#"{"Running":true,"ExitCode":null}"#), "goes on"),
        (answer("404 Not Found", "", r#"{"message":"No such exec instance"}"#), "nothing is known"),
    ] {
        let engine = FakeEngine::on(true, move |request, conn| match request.path() {
            "/exec/e1/start" => {
                conn.send(UPGRADED.as_bytes());
                // Something unread makes TCP send a reset.
                conn.reset();
                true
            }
            "/exec/e1/json" => conn.send(&state),
            _ => false,
        });
        let end = ended(&engine);
        let Err(Error::Closed(text)) = &end else { panic!("{end:?}") };
        assert!(text.contains(words), "{text}");
    }
}

fn run(container: &str) -> RunOptions {
    RunOptions { container: container.to_owned(), command: vec!["true".into()], ..RunOptions::default() }
}

/// What becomes of an exec and of a run whose stream does this; both exit with 0.
fn of_exec_and_run(tcp: bool, stream: fn(&mut Conn)) -> (bool, Result<Vec<u8>, Error>) {
    let engine = FakeEngine::on(tcp, move |request, conn| {
        let is_start = request.path() == "/exec/e1/start";
        if is_start {
            stream(conn);
        }
        is_start
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "web", &["true"]);
    let seen = it.end(stream);
    assert_eq!(seen.text(), "whole");
    let Some(Ok((Some(0), truncated))) = seen.ended else { panic!("{seen:?}") };
    let call = it.docker().run(client, run("web")).unwrap();
    let collected = match it.call_end(call).0 {
        CallEnd::Run(result) => Ok(result.stdout),
        CallEnd::Failed(error) => Err(error),
        other @ CallEnd::Done(_) => panic!("{other:?}"),
    };
    (truncated, collected)
}

#[test]
fn output_may_be_missing_when_the_connection_breaks_after_a_whole_frame() {
    let (truncated, collected) = of_exec_and_run(true, |conn| {
        conn.send(UPGRADED.as_bytes());
        conn.send(&frame(1, b"whole"));
        // The reset must not overtake it.
        conn.await_taken();
        conn.reset();
    });
    assert!(truncated);
    assert!(matches!(&collected, Err(Error::Closed(words)) if words.contains("missing")), "{collected:?}");
}

#[test]
fn an_answer_that_ends_before_its_length_is_cut() {
    let streams: [fn(&mut Conn); 2] = [
        |conn| {
            conn.send([b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", &*frame(1, b"whole")].concat().as_slice());
        },
        |conn| {
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n";
            conn.send([head, &*frame(1, b"whole"), b"\r\n"].concat().as_slice());
        },
    ];
    for stream in streams {
        let (truncated, collected) = of_exec_and_run(false, stream);
        assert!(truncated);
        assert!(matches!(&collected, Err(Error::Closed(_))), "{collected:?}");
    }
    // The same, complete.
    let streams: [fn(&mut Conn); 3] = [
        |conn| {
            conn.send([b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n", &*frame(1, b"whole")].concat().as_slice());
        },
        |conn| {
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n";
            conn.send([head, &*frame(1, b"whole"), b"\r\n0\r\n\r\n"].concat().as_slice());
        },
        |conn| {
            conn.send([b"HTTP/1.1 200 OK\r\n\r\n", &*frame(1, b"whole")].concat().as_slice());
        },
    ];
    for stream in streams {
        assert_eq!(of_exec_and_run(false, stream), (false, Ok(b"whole".to_vec())));
    }
}

/// An Engine that leaves input unread has sent all the same what it had: on a unix socket nothing is lost.
#[test]
fn a_unix_socket_that_is_closed_over_unread_input_has_lost_nothing() {
    let engine = FakeEngine::streams(|conn| {
        conn.send(UPGRADED.as_bytes());
        while conn.is_silent() {
            std::thread::yield_now();
        }
        conn.send(&frame(1, b"whole"));
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec_with(client, piped("web", &["true"]));
    it.until_open(stream);
    it.docker().write(stream, b"unread").unwrap();
    let seen = it.end(stream);
    assert_eq!((seen.text().as_str(), seen.ended), ("whole", Some(Ok((Some(0), false)))));
}

#[test]
fn a_process_that_has_exited_need_not_be_killed() {
    let engine = FakeEngine::streams(|conn| {
        conn.send(UPGRADED.as_bytes());
        conn.send(&frame(1, b"whole"));
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "web", &["true"]);
    it.docker().pause(stream).unwrap();
    it.until("the held end", |it| it.docker().stats(client).unwrap().live == 0);
    let call = it.docker().kill(stream, "TERM").unwrap();
    assert!(it.answer(call).body.is_empty());
    assert!(matches!(it.docker().kill(stream, "NONE"), Err(Error::Invalid(_))));
    it.docker().resume(stream).unwrap();
    assert_eq!(it.exit(stream), Some(0));
    assert_eq!(engine.requests("/containers/web/exec").len(), 1, "no helper");
    // Closed, it is out of reach, whatever is known of it.
    let stream = it.exec(client, "web", &["true"]);
    it.docker().pause(stream).unwrap();
    it.until("the held end", |it| it.docker().stats(client).unwrap().live == 0);
    assert!(it.docker().close(stream));
    assert!(matches!(it.docker().kill(stream, "TERM"), Err(Error::Closed(_))));
    it.end(stream);
    assert_eq!(it.lp.pending(), 0);
}

#[test]
fn a_process_of_which_nothing_is_known_cannot_be_killed() {
    let engine = FakeEngine::start(|request, conn| match request.path() {
        "/exec/e1/start" => conn.send(UPGRADED.as_bytes()) && conn.send(&frame(1, b"whole")),
        "/exec/e1/json" => conn.send(&answer("404 Not Found", "", r#"{"message":"No such exec instance"}"#)),
        _ => false,
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "web", &["true"]);
    it.docker().pause(stream).unwrap();
    it.until("the held end", |it| it.docker().stats(client).unwrap().live == 0);
    assert!(matches!(it.docker().kill(stream, "TERM"), Err(Error::Closed(_))));
    it.docker().resume(stream).unwrap();
    assert_eq!(it.exit(stream), None);
}
