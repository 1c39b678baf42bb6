//! How the exit code is found.

use crate::support::{DockerDriver, FakeEngine, UPGRADED, answer, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use towline::docker::Error;

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
