//! The terminal's size.

use crate::support::{DockerDriver, FakeEngine, UPGRADED, answer, terminal};
use std::sync::atomic::{AtomicUsize, Ordering};
use towline::docker::{Error, ExecOptions, Size};

fn engine(refusals: usize) -> FakeEngine {
    let asked = AtomicUsize::new(0);
    FakeEngine::start(move |request, conn| match request.path() {
        "/exec/e1/start" => {
            conn.send(UPGRADED.as_bytes());
            conn.await_close();
            true
        }
        "/exec/e1/resize" if asked.fetch_add(1, Ordering::SeqCst) < refusals => {
            conn.send(&answer("400 Bad Request", "", r#"{"message":"exec process is not started"}"#))
        }
        _ => false,
    })
}

fn sizes(engine: &FakeEngine) -> Vec<String> {
    engine.requests("/exec/e1/resize").iter().map(|it| it.target.split('?').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn the_first_size_is_told_once_the_stream_is_open() {
    let engine = engine(0);
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let options = ExecOptions { size: Size::new(30, 100).unwrap(), ..terminal("web", &["sh"]) };
    let stream = it.exec_with(client, options);
    it.until("the size", |_| sizes(&engine) == ["h=30&w=100"]);
    // The Engine of API 1.41 does not know ConsoleSize.
    assert!(!engine.requests("/exec/e1/start")[0].text().contains("ConsoleSize"));
    it.docker().resize(stream, Size::new(30, 100).unwrap()).unwrap();
    it.docker().resize(stream, Size::new(31, 101).unwrap()).unwrap();
    it.until("the new size", |_| sizes(&engine).len() == 2);
    assert_eq!(sizes(&engine)[1], "h=31&w=101");
    assert!(it.docker().close(stream));
}

#[test]
fn a_refusal_is_tried_again_and_the_latest_wins() {
    let engine = engine(4);
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec_with(client, terminal("web", &["sh"]));
    it.until("a refusal", |_| !sizes(&engine).is_empty());
    for rows in 1..=50 {
        it.docker().resize(stream, Size::new(rows, 9).unwrap()).unwrap();
    }
    it.until("the last size", |_| sizes(&engine).len() >= 5);
    let sent = sizes(&engine);
    assert_eq!(sent[0], "h=24&w=80");
    assert_eq!(sent.last().unwrap(), "h=50&w=9");
    assert!(it.docker().close(stream));
}

#[test]
fn it_takes_a_terminal() {
    let engine = engine(0);
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "web", &["sh"]);
    assert!(matches!(it.docker().resize(stream, Size::default()), Err(Error::Invalid(_))));
    it.until_open(stream);
    assert!(sizes(&engine).is_empty());
    assert!(it.docker().close(stream));
}

#[test]
fn an_engine_that_always_refuses_is_left_alone_after_a_while() {
    let engine = engine(usize::MAX);
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec_with(client, terminal("web", &["sh"]));
    it.until("the last try", |it| sizes(&engine).len() > 20 && it.docker().stats(client).unwrap().idle > 0);
    assert_eq!(it.seen(stream).ended, None);
    assert!(it.docker().close(stream));
}
