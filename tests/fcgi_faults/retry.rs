//! When a request is sent again, and when not: both ways of every branch.

use super::support::{Conn, Driver, Peer};
use super::{get, post};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use towline::fastcgi::{ClientOptions, Error, Request, Response};

/// What the peer does with a connection when its second request is there.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    /// Half-closes, having read it.
    HalfClose,
    /// Closes, having read it.
    Close,
    /// TCP: resets.
    Reset,
    /// Answers a byte, then closes.
    OneByte,
}

struct Outcome {
    result: Result<Response, Error>,
    retried: u64,
    /// Requests that the peer has read, the first one included.
    seen: usize,
}

/// Sends a GET, and then `second` on the same connection, to which the peer does as told.
fn second_request(tcp: bool, then: Then, second: &Request, body: &[u8]) -> Outcome {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let peer = Peer::on(tcp, move |conn| {
        while conn.read_request().is_some() {
            let request = count.fetch_add(1, Ordering::SeqCst);
            if request != 1 {
                conn.answer(b"fine");
                continue;
            }
            match then {
                Then::HalfClose => {
                    conn.half_close();
                    conn.drain();
                }
                Then::Close => {}
                Then::Reset => conn.reset(),
                Then::OneByte => drop(conn.send(&[1])),
            }
            return;
        }
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    assert_eq!(driver.get(client, "/a.php").body, b"fine");
    let key = driver.send_body(client, second, body);
    let result = driver.result(key);
    let stats = driver.lp.fastcgi().stats(client).unwrap();
    Outcome { result, retried: stats.retried, seen: seen.load(Ordering::SeqCst) }
}

#[test]
fn a_unix_half_close_without_an_answer_is_retried_whatever_the_method() {
    for (request, body) in [(get(), &b""[..]), (post(3), b"abc")] {
        let outcome = second_request(false, Then::HalfClose, &request, body);
        assert_eq!(outcome.result.unwrap().body, b"fine");
        assert_eq!((outcome.retried, outcome.seen), (1, 3));
    }
}

#[test]
fn a_unix_close_after_the_request_was_read_is_not_retried() {
    for (request, body) in [(get(), &b""[..]), (post(3), b"abc")] {
        let outcome = second_request(false, Then::Close, &request, body);
        let error = outcome.result.unwrap_err();
        assert!(matches!(&error, Error::Closed(text) if text.contains("before it answered")), "{error}");
        assert_eq!((outcome.retried, outcome.seen), (0, 2));
    }
}

#[test]
fn a_tcp_half_close_without_an_answer_is_retried() {
    let outcome = second_request(true, Then::HalfClose, &get(), b"");
    assert_eq!(outcome.result.unwrap().body, b"fine");
    assert_eq!((outcome.retried, outcome.seen), (1, 3));
}

#[test]
fn a_tcp_close_after_the_request_was_read_is_not_retried() {
    let outcome = second_request(true, Then::Close, &get(), b"");
    let error = outcome.result.unwrap_err();
    assert!(matches!(&error, Error::Closed(text) if text.contains("before it answered")), "{error}");
    assert_eq!((outcome.retried, outcome.seen), (0, 2));
}

#[test]
fn a_tcp_reset_is_not_retried() {
    let outcome = second_request(true, Then::Reset, &get(), b"");
    assert!(matches!(outcome.result, Err(Error::Closed(_))));
    assert_eq!((outcome.retried, outcome.seen), (0, 2));
}

#[test]
fn over_tcp_an_unsafe_method_gets_a_connection_of_its_own() {
    // A clean end would not tell whether the script has run, so there is nothing to retry on.
    let peer = Peer::tcp(|conn| {
        while conn.read_request().is_some() {
            conn.answer(conn.number.to_string().as_bytes());
        }
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    assert_eq!(driver.get(client, "/a.php").body, b"0");
    let key = driver.send_body(client, &post(3), b"abc");
    assert_eq!(driver.text(key), "1");
    let key = driver.send(client, &get());
    assert_eq!(driver.text(key), "1", "a safe one goes where the last one went");
}

#[test]
fn a_method_given_as_a_param_is_the_method() {
    let unsafe_one = Request::builder("/srv/a.php").param("REQUEST_METHOD", "POST").build().unwrap();
    let outcome = second_request(true, Then::HalfClose, &unsafe_one, b"");
    assert!(matches!(outcome.result, Err(Error::Closed(_))));
    assert_eq!((outcome.retried, outcome.seen), (0, 2));
    let safe = Request::builder("/srv/a.php").method("POST").param("REQUEST_METHOD", "GET").build().unwrap();
    let outcome = second_request(true, Then::HalfClose, &safe, b"");
    assert_eq!(outcome.result.unwrap().body, b"fine");
    assert_eq!((outcome.retried, outcome.seen), (1, 3));
}

#[test]
fn over_tcp_an_unsafe_request_that_may_have_run_is_not_retried() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let peer = Peer::tcp(move |conn| {
        conn.read_request();
        count.fetch_add(1, Ordering::SeqCst);
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    let key = driver.send_body(client, &post(3), b"abc");
    assert!(matches!(driver.error(key), Error::Closed(_)));
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[test]
fn nothing_is_retried_once_a_byte_has_come() {
    for tcp in [false, true] {
        let outcome = second_request(tcp, Then::OneByte, &get(), b"");
        let error = outcome.result.unwrap_err();
        assert!(error.to_string().contains("inside a record's header"), "{error}");
        assert_eq!((outcome.retried, outcome.seen), (0, 2));
    }
}

#[test]
fn the_first_request_on_a_connection_is_not_retried() {
    for tcp in [false, true] {
        let peer = Peer::on(tcp, |conn| {
            conn.read_request();
            conn.half_close();
            conn.drain();
        });
        let mut driver = Driver::new();
        let client = driver.plain(&peer.address);
        let key = driver.send(client, &get());
        let error = driver.error(key);
        assert!(error.to_string().contains("before it answered"), "{error}");
        assert_eq!(peer.accepted(), 1);
    }
}

#[test]
fn there_is_one_retry_at_most() {
    // Every connection serves one request; the retry gets a fresh one, so a second failure is final.
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let peer = Peer::unix(move |conn| {
        while conn.read_request().is_some() {
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                conn.answer(b"fine");
                continue;
            }
            conn.half_close();
            return conn.drain();
        }
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    driver.get(client, "/a.php");
    let key = driver.send(client, &get());
    assert!(matches!(driver.error(key), Error::Closed(_)));
    assert_eq!(seen.load(Ordering::SeqCst), 3);
    assert_eq!(driver.lp.fastcgi().stats(client).unwrap().retried, 1);
}

#[test]
fn a_request_whose_params_are_not_all_out_is_retried_even_if_unsafe() {
    // PARAMS far above what the kernel buffers, to a peer that stops reading and closes.
    let peer = Peer::unix(|conn| {
        if conn.number == 0 {
            conn.read_request();
            conn.answer(b"fine");
            conn.skip(100);
            return;
        }
        while conn.read_request().is_some() {
            conn.answer(b"second");
        }
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    driver.get(client, "/a.php");
    let mut builder = Request::builder("/srv/a.php").method("POST").content_length(3);
    for n in 0..100 {
        builder = builder.param(format!("P{n}"), vec![b'v'; 60_000]);
    }
    let key = driver.send_body(client, &builder.build().unwrap(), b"abc");
    assert_eq!(driver.text(key), "second");
    assert_eq!(driver.lp.fastcgi().stats(client).unwrap().retried, 1);
}

#[test]
fn a_source_that_was_asked_is_not_asked_again() {
    let (go, wait) = mpsc::channel();
    let wait = std::sync::Mutex::new(wait);
    let peer = Peer::unix(move |conn| {
        conn.read_request();
        conn.answer(b"fine");
        conn.read_params();
        wait.lock().unwrap().recv().unwrap();
        conn.half_close();
        conn.drain();
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    driver.get(client, "/a.php");
    let key = driver.send_asking(client, &post(3));
    driver.until("the question", |driver| driver.seen[&key].wants == [3]);
    go.send(()).unwrap();
    assert!(matches!(driver.error(key), Error::Closed(_)));
    assert_eq!(driver.lp.fastcgi().stats(client).unwrap().retried, 0);
}

#[test]
fn a_connection_that_ended_while_idle_is_not_used() {
    for tcp in [false, true] {
        let (closed, wait) = mpsc::channel();
        let peer = Peer::on(tcp, move |conn| {
            conn.read_request();
            conn.answer(b"fine");
            conn.close();
            let _ = closed.send(());
        });
        let mut driver = Driver::new();
        let client = driver.plain(&peer.address);
        for _ in 0..3 {
            let key = driver.send_body(client, &post(3), b"abc");
            assert_eq!(driver.text(key), "fine");
            wait.recv().unwrap();
            driver.until("the idle connection's end", |driver| driver.lp.fastcgi().stats(client).unwrap().idle == 0);
        }
        let stats = driver.lp.fastcgi().stats(client).unwrap();
        assert_eq!((stats.connects, stats.reused, stats.retried), (3, 0, 0));
    }
}

#[test]
fn stray_bytes_after_an_answer_end_the_connection() {
    // In the same packet, so that they are there when the answer is taken.
    for stray in [&[1][..], &Conn::record(3, &[0; 8], 0)] {
        let mut bytes = [Conn::record(6, b"\r\nfine", 0), Conn::record(3, &[0; 8], 0)].concat();
        bytes.extend_from_slice(stray);
        let peer = Peer::unix(move |conn| {
            while conn.read_request().is_some() {
                conn.send(&bytes);
            }
        });
        let mut driver = Driver::new();
        let client = driver.plain(&peer.address);
        for _ in 0..3 {
            assert_eq!(driver.get(client, "/a.php").body, b"fine");
        }
        assert_eq!((driver.lp.fastcgi().stats(client).unwrap().connects, peer.accepted()), (3, 3));
    }
}

#[test]
fn stray_bytes_on_an_idle_connection_end_it() {
    let (go, wait) = mpsc::channel();
    let wait = std::sync::Mutex::new(wait);
    let peer = Peer::unix(move |conn| {
        while conn.read_request().is_some() {
            conn.answer(b"fine");
            wait.lock().unwrap().recv().unwrap();
            conn.send(&Conn::record(3, &[0; 8], 0));
        }
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    driver.get(client, "/a.php");
    go.send(()).unwrap();
    driver.until("the connection's end", |driver| driver.lp.fastcgi().stats(client).unwrap().idle == 0);
}

#[test]
fn what_came_since_the_answer_is_found_before_the_connection_is_used_again() {
    // No turn between the answer and the next request, so nothing but a look at the connection tells.
    for tcp in [false, true] {
        for stray in [&Conn::record(3, &[0; 8], 0)[..], b"!", b""] {
            let (go, wait) = mpsc::channel();
            let (there, arrived) = mpsc::channel();
            let wait = std::sync::Mutex::new(wait);
            let bytes = stray.to_vec();
            let peer = Peer::on(tcp, move |conn| {
                while conn.read_request().is_some() {
                    conn.answer(conn.number.to_string().as_bytes());
                    if conn.number == 0 {
                        wait.lock().unwrap().recv().unwrap();
                        // Nothing to send: its end.
                        if bytes.is_empty() {
                            conn.half_close();
                        } else {
                            conn.send(&bytes);
                        }
                        assert!(conn.await_arrived());
                        there.send(()).unwrap();
                        return conn.drain();
                    }
                }
            });
            let mut driver = Driver::new();
            let client = driver.plain(&peer.address);
            let key = driver.send(client, &get());
            assert_eq!(driver.text(key), "0");
            go.send(()).unwrap();
            arrived.recv().unwrap();
            let key = driver.send(client, &get());
            assert_eq!(driver.text(key), "1", "tcp: {tcp}, {stray:?}");
            let stats = driver.lp.fastcgi().stats(client).unwrap();
            assert_eq!((stats.connects, stats.reused, stats.retried), (2, 0, 0), "tcp: {tcp}, {stray:?}");
        }
    }
}

#[test]
fn an_answer_before_the_body_was_sent_ends_the_connection() {
    let peer = Peer::unix(|conn| {
        if conn.read_params().is_some() {
            conn.answer(b"enough");
            conn.await_taken();
            // Closed only when the client has: it must not wait to send 16 MiB first.
            conn.drain();
        }
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    for n in 1..=2 {
        let key = driver.send_body(client, &post(16 << 20), &vec![0; 16 << 20]);
        assert_eq!(driver.text(key), "enough");
        let stats = driver.lp.fastcgi().stats(client).unwrap();
        assert_eq!((stats.connects, stats.idle), (n, 0));
    }
}

#[test]
fn without_keep_alive_each_request_connects_and_closes_first() {
    let peer = Peer::unix(|conn| {
        let request = conn.read_request().unwrap();
        assert!(!request.keep);
        conn.answer(b"fine");
        assert!(conn.await_close());
    });
    let mut driver = Driver::new();
    let client = driver.client(&[&peer.address], ClientOptions { keep_alive: false, ..ClientOptions::default() });
    for _ in 0..3 {
        assert_eq!(driver.get(client, "/a.php").body, b"fine");
    }
    let stats = driver.lp.fastcgi().stats(client).unwrap();
    assert_eq!((stats.connects, stats.idle, stats.reused), (3, 0, 0));
}
