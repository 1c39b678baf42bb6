//! Several upstreams: balance, fail-out, fail-over.

use super::support::{Conn, Driver, Peer, TempDir};
use super::{get, post};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use towline::fastcgi::{Balance, ClientOptions, Error, Phase, Request};

/// Answers with its name.
fn named(name: &'static str) -> Peer {
    Peer::unix(move |conn| {
        while let Some(request) = conn.read_request() {
            conn.answer(&[name.as_bytes(), &request.stdin].concat());
        }
    })
}

/// Answers with its name when told so.
fn held(name: &'static str) -> (Peer, mpsc::Sender<()>) {
    let (go, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    let peer = Peer::unix(move |conn| {
        while conn.read_request().is_some() {
            if wait.lock().unwrap().recv().is_err() {
                return;
            }
            conn.answer(name.as_bytes());
        }
    });
    (peer, go)
}

#[test]
fn the_least_busy_upstream_is_taken() {
    let ((a, go_a), (b, go_b)) = (held("a"), held("b"));
    let mut driver = Driver::new();
    let client = driver.client(&[&a.address, &b.address], ClientOptions::default());
    let keys: Vec<_> = (0..6).map(|_| driver.send(client, &get())).collect();
    let active = |driver: &mut Driver| {
        let stats = driver.lp.fastcgi().stats(client).unwrap();
        [stats.upstreams[0].active, stats.upstreams[1].active]
    };
    assert_eq!(active(&mut driver), [3, 3]);
    for _ in 0..2 {
        go_b.send(()).unwrap();
    }
    driver.until("two answers", |driver| driver.lp.fastcgi().stats(client).unwrap().done == 2);
    assert_eq!(active(&mut driver), [3, 1]);
    let more = [driver.send(client, &get()), driver.send(client, &get())];
    assert_eq!(active(&mut driver), [3, 3]);
    for _ in 0..3 {
        go_a.send(()).unwrap();
        go_b.send(()).unwrap();
    }
    let texts: Vec<_> = keys.into_iter().chain(more).map(|key| driver.text(key)).collect();
    assert_eq!(texts.iter().filter(|text| *text == "a").count(), 3);
}

#[test]
fn round_robin_goes_round() {
    let peers = [named("a"), named("b"), named("c")];
    let addresses: Vec<_> = peers.iter().map(|peer| peer.address.as_str()).collect();
    let mut driver = Driver::new();
    let options = ClientOptions { balance: Balance::RoundRobin, ..ClientOptions::default() };
    let client = driver.client(&addresses, options);
    let mut texts = String::new();
    for _ in 0..7 {
        let key = driver.send(client, &get());
        texts += &driver.text(key);
    }
    assert_eq!(texts, "abcabca");
}

#[test]
fn an_upstream_that_refuses_is_left_alone_and_comes_back() {
    let dir = TempDir::new();
    let missing = dir.join("missing.sock");
    let second = named("second");
    let mut driver = Driver::new();
    let options = ClientOptions { fail_timeout: Duration::from_millis(100), ..ClientOptions::default() };
    let client = driver.client(&[&missing, &second.address], options);
    for _ in 0..5 {
        // POSTs: a request that was never sent is any upstream's to serve.
        let key = driver.send_body(client, &post(3), b"abc");
        assert_eq!(driver.text(key), "secondabc");
    }
    let stats = driver.lp.fastcgi().stats(client).unwrap();
    assert!(stats.upstreams[0].refused >= 1, "{stats:?}");
    assert_eq!((stats.done, stats.failed, stats.retried), (5, 0, 0));

    let listener = std::os::unix::net::UnixListener::bind(&missing).unwrap();
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(&Conn::record(6, b"\r\nback", 0)).unwrap();
        stream.write_all(&Conn::record(3, &[0; 8], 0)).unwrap();
    });
    driver.until("the end of the pause", |driver| !driver.lp.fastcgi().stats(client).unwrap().upstreams[0].down);
    let key = driver.send(client, &get());
    assert_eq!(driver.text(key), "back");
    server.join().unwrap();
}

#[test]
fn while_an_upstream_is_left_alone_it_is_not_asked() {
    let dir = TempDir::new();
    let missing = dir.join("missing.sock");
    let second = named("second");
    let mut driver = Driver::new();
    let options = ClientOptions { fail_timeout: Duration::from_secs(600), ..ClientOptions::default() };
    let client = driver.client(&[&missing, &second.address], options);
    for _ in 0..20 {
        let key = driver.send(client, &get());
        assert_eq!(driver.text(key), "second");
    }
    let stats = driver.lp.fastcgi().stats(client).unwrap();
    assert_eq!((stats.upstreams[0].refused, stats.upstreams[0].down, stats.upstreams[1].down), (1, true, false));
}

#[test]
fn when_all_refuse_the_request_fails() {
    let dir = TempDir::new();
    let (a, b) = (dir.join("a.sock"), dir.join("b.sock"));
    let mut driver = Driver::new();
    let client = driver.client(&[&a, &b], ClientOptions::default());
    for _ in 0..2 {
        // Also while both are left alone: they are the only ones there are.
        let key = driver.send(client, &get());
        assert!(matches!(driver.error(key), Error::Connect { .. }));
    }
    let stats = driver.lp.fastcgi().stats(client).unwrap();
    assert_eq!((stats.upstreams[0].refused, stats.upstreams[1].refused), (2, 2));
}

#[test]
fn a_request_that_was_read_stays_where_it_is() {
    let second = named("second");
    let first = Peer::unix(|conn| {
        conn.read_request();
    });
    let mut driver = Driver::new();
    let client = driver.client(&[&first.address, &second.address], ClientOptions::default());
    let key = driver.send(client, &get());
    assert!(matches!(driver.error(key), Error::Closed(_)));
    assert!(!driver.lp.fastcgi().stats(client).unwrap().upstreams[0].down, "it does not refuse");
}

#[test]
fn a_request_whose_params_were_not_all_out_goes_elsewhere() {
    let second = named("second");
    let first = Peer::unix(|conn| {
        conn.skip(100);
    });
    let mut driver = Driver::new();
    let client = driver.client(&[&first.address, &second.address], ClientOptions::default());
    let mut builder = Request::builder("/srv/a.php").method("POST").content_length(3);
    for n in 0..100 {
        builder = builder.param(format!("P{n}"), vec![b'v'; 60_000]);
    }
    let key = driver.send_body(client, &builder.build().unwrap(), b"abc");
    assert_eq!(driver.text(key), "secondabc");
}

#[test]
fn an_overloaded_server_passes_the_request_on() {
    let second = named("second");
    let first = Peer::unix(|conn| {
        conn.read_request();
        conn.send(&Conn::record(7, b"too busy", 0));
        conn.send(&Conn::record(3, &[0, 0, 0, 0, 2, 0, 0, 0], 0));
        conn.drain();
    });
    let mut driver = Driver::new();
    let client = driver.client(&[&first.address, &second.address], ClientOptions::default());
    let key = driver.send_body(client, &post(3), b"abc");
    let response = driver.answer(key);
    assert_eq!((&response.body[..], &response.stderr[..]), (&b"secondabc"[..], &b""[..]));
    // Its source cannot be asked again.
    let mut pieces = vec![b"abc".to_vec()];
    let key = driver.send_source(client, &post(3), move |_| pieces.pop());
    let error = driver.error(key);
    assert!(error.to_string().contains("overloaded"), "{error}");
}

#[test]
fn the_first_byte_is_waited_for_anew_elsewhere() {
    let silent = Peer::unix(|conn| conn.drain());
    let first = Peer::unix(|conn| {
        conn.read_request();
        conn.send(&Conn::record(3, &[0, 0, 0, 0, 2, 0, 0, 0], 0));
        conn.drain();
    });
    let mut driver = Driver::new();
    let after = Duration::from_millis(30);
    let options = ClientOptions { first_byte_timeout: Some(after), ..ClientOptions::default() };
    let client = driver.client(&[&first.address, &silent.address], options);
    let key = driver.send(client, &get());
    let Error::Timeout { phase, address, .. } = driver.error(key) else { panic!("not a timeout") };
    assert_eq!((phase, address), (Phase::FirstByte, silent.address.clone()));
}

#[test]
fn overload_after_a_part_of_the_answer_is_an_error() {
    let second = named("second");
    let first = Peer::unix(|conn| {
        conn.read_request();
        conn.stdout(b"Content-Type: text/plain\r\n");
        conn.send(&Conn::record(3, &[0, 0, 0, 0, 2, 0, 0, 0], 0));
        conn.drain();
    });
    let mut driver = Driver::new();
    let client = driver.client(&[&first.address, &second.address], ClientOptions::default());
    let key = driver.send(client, &get());
    let error = driver.error(key);
    assert!(matches!(&error, Error::Protocol(text) if text.contains("overloaded")), "{error}");
}

#[test]
fn many_requests_survive_an_upstream_that_goes() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&order);
    let second = Peer::unix(move |conn| {
        while let Some(request) = conn.read_request() {
            into.lock().unwrap().push(request.param("SCRIPT_NAME").unwrap());
            conn.answer(b"second");
        }
    });
    let mut first = named("first");
    let mut driver = Driver::new();
    let options = ClientOptions { max_connections: 2, keep_alive: false, ..ClientOptions::default() };
    let client = driver.client(&[&first.address, &second.address], options);
    let keys: Vec<_> = (0..400).map(|_| driver.send(client, &get())).collect();
    driver.until("some answers", |driver| driver.lp.fastcgi().stats(client).unwrap().done > 50);
    first.stop_accepting();
    let (mut fine, mut failed) = (0, 0);
    for key in keys {
        match driver.result(key) {
            Ok(_) => fine += 1,
            // What had been accepted into the backlog of a socket that is closed.
            Err(Error::Closed(_)) => failed += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(failed <= 2, "{failed} failed, {fine} fine");
}
