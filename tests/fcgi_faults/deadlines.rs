//! The four deadlines, each where it applies and not where it does not.

use super::support::{Conn, Driver, Peer};
use super::{get, post};
use std::time::Duration;
use towline::fastcgi::{ClientOptions, Error, Phase, SendOptions};

const SHORT: Duration = Duration::from_millis(30);

#[track_caller]
fn phase(error: Error) -> Phase {
    match error {
        Error::Timeout { phase, after, .. } => {
            assert_eq!(after, SHORT);
            phase
        }
        other => panic!("not a timeout: {other}"),
    }
}

#[test]
fn a_dripping_answer_does_not_dodge_the_total_deadline() {
    let peer = Peer::unix(|conn| {
        conn.read_request();
        conn.stdout(b"\r\n");
        while conn.send(&Conn::record(6, b".", 0)) && conn.await_taken() {}
    });
    let mut driver = Driver::new();
    let options = ClientOptions {
        timeout: Some(SHORT),
        first_byte_timeout: Some(Duration::from_secs(60)),
        idle_timeout: Some(Duration::from_secs(60)),
        ..ClientOptions::default()
    };
    let client = driver.client(&[&peer.address], options);
    let key = driver.send(client, &get());
    assert_eq!(phase(driver.error(key)), Phase::Total);
}

#[test]
fn a_pause_in_the_answer_meets_the_idle_deadline() {
    let peer = Peer::unix(|conn| {
        conn.read_request();
        conn.stdout(b"\r\nhello");
        conn.drain();
    });
    let mut driver = Driver::new();
    let client =
        driver.client(&[&peer.address], ClientOptions { idle_timeout: Some(SHORT), ..ClientOptions::default() });
    let key = driver.send(client, &get());
    assert_eq!(phase(driver.error(key)), Phase::Idle);
}

#[test]
fn the_idle_deadline_does_not_hurry_the_first_byte() {
    let (answer, wait) = std::sync::mpsc::channel();
    let wait = std::sync::Mutex::new(wait);
    let peer = Peer::unix(move |conn| {
        conn.read_request();
        wait.lock().unwrap().recv().unwrap();
        conn.answer(b"slow");
    });
    let mut driver = Driver::new();
    let client =
        driver.client(&[&peer.address], ClientOptions { idle_timeout: Some(SHORT), ..ClientOptions::default() });
    let key = driver.send(client, &get());
    let timer = driver.lp.timer_start(2 * SHORT, false);
    driver.until("the timer", |driver| driver.timers.contains(&timer));
    answer.send(()).unwrap();
    assert_eq!(driver.text(key), "slow");
}

#[test]
fn a_server_that_stops_reading_meets_the_idle_deadline() {
    let (done, over) = std::sync::mpsc::channel::<()>();
    let over = std::sync::Mutex::new(over);
    let peer = Peer::unix(move |conn| {
        conn.read_params();
        conn.stdout(b"\r\n");
        let _ = over.lock().unwrap().recv();
    });
    let mut driver = Driver::new();
    let client =
        driver.client(&[&peer.address], ClientOptions { idle_timeout: Some(SHORT), ..ClientOptions::default() });
    let key = driver.send_body(client, &post(16 << 20), &vec![0; 16 << 20]);
    assert_eq!(phase(driver.error(key)), Phase::Idle);
    drop(done);
}

#[test]
fn a_large_body_does_not_dodge_the_first_byte_deadline() {
    // All workers busy: the kernel takes a little of the body and then no more.
    let dir = super::support::TempDir::new();
    let path = dir.join("busy.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut driver = Driver::new();
    let options = ClientOptions { first_byte_timeout: Some(SHORT), ..ClientOptions::default() };
    let client = driver.client(&[&path], options);
    let key = driver.send_body(client, &post(16 << 20), &vec![0; 16 << 20]);
    assert_eq!(phase(driver.error(key)), Phase::FirstByte);
}

#[test]
fn a_slow_source_is_not_the_servers_fault() {
    let peer = Peer::unix(|conn| {
        conn.read_request();
        conn.answer(b"fine");
    });
    let mut driver = Driver::new();
    let options = ClientOptions { first_byte_timeout: Some(SHORT), ..ClientOptions::default() };
    let client = driver.client(&[&peer.address], options);
    let key = driver.send_asking(client, &post(3));
    driver.until("the question", |driver| driver.seen[&key].wants == [3]);
    let timer = driver.lp.timer_start(2 * SHORT, false);
    driver.until("the timer", |driver| driver.timers.contains(&timer));
    driver.lp.fastcgi().body(key, Some(b"abc")).unwrap();
    driver.until("the second question", |driver| driver.seen[&key].wants == [3, 1]);
    driver.lp.fastcgi().body(key, None).unwrap();
    // From here on the server is waited for, and it answers.
    assert_eq!(driver.text(key), "fine");
}

#[test]
fn the_total_deadline_counts_queueing_too() {
    let peer = Peer::unix(|conn| conn.drain());
    let mut driver = Driver::new();
    let client = driver.client(&[&peer.address], ClientOptions { max_connections: 1, ..ClientOptions::default() });
    let first = driver.send(client, &get());
    let options = SendOptions { timeout: Some(SHORT), ..SendOptions::default() };
    let second = driver.send_with(client, &get(), b"", options);
    let error = driver.error(second);
    assert!(error.to_string().contains("while waiting for a free connection"), "{error}");
    assert_eq!(phase(error), Phase::Total);
    assert!(!driver.has_ended(first));
}

#[test]
fn a_requests_own_deadline_overrides_the_clients() {
    let peer = Peer::unix(|conn| conn.drain());
    let mut driver = Driver::new();
    let long = Some(Duration::from_secs(600));
    let client = driver.client(&[&peer.address], ClientOptions { timeout: long, ..ClientOptions::default() });
    let options = SendOptions { timeout: Some(SHORT), ..SendOptions::default() };
    let key = driver.send_with(client, &get(), b"", options);
    assert_eq!(phase(driver.error(key)), Phase::Total);
    let none = SendOptions { timeout: Some(Duration::ZERO), ..SendOptions::default() };
    let key = driver.send_with(client, &get(), b"", none);
    assert!(matches!(driver.error(key), Error::Timeout { phase: Phase::Total, .. }));
}

#[test]
fn deadlines_out_of_range_are_refused() {
    let mut driver = Driver::new();
    for options in [
        ClientOptions { timeout: Some(Duration::MAX), ..ClientOptions::default() },
        ClientOptions { connect_timeout: Duration::MAX, ..ClientOptions::default() },
        ClientOptions { idle_close: Duration::MAX, ..ClientOptions::default() },
        ClientOptions { max_connections: 0, ..ClientOptions::default() },
        ClientOptions { max_pending: 0, ..ClientOptions::default() },
    ] {
        let error = driver.lp.fastcgi().client(&["/x"], options).unwrap_err();
        assert!(matches!(&error, Error::Invalid(text) if text.contains("expected")), "{error}");
    }
}

#[test]
fn an_idle_connection_is_closed_in_time() {
    let peer = Peer::unix(|conn| {
        conn.read_request();
        conn.answer(b"fine");
        assert!(conn.await_close());
    });
    let mut driver = Driver::new();
    let client = driver.client(&[&peer.address], ClientOptions { idle_close: SHORT, ..ClientOptions::default() });
    driver.get(client, "/a.php");
    assert_eq!(driver.lp.fastcgi().stats(client).unwrap().idle, 1);
    assert_eq!(driver.lp.pending(), 0, "an idle connection is nothing to wait for");
    driver.until("the close", |driver| driver.lp.fastcgi().stats(client).unwrap().idle == 0);
}
