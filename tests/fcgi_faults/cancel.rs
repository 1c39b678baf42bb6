//! `cancel` and `close` in every state a request can be in.

use super::support::{Conn, Driver, FullBacklog, Peer};
use super::{get, post};
use std::time::Duration;
use towline::fastcgi::{ClientKey, ClientOptions, Error, RequestKey};

/// Cancels, and sees that nothing is left.
#[track_caller]
fn cancel(driver: &mut Driver, client: ClientKey, key: RequestKey) {
    let failed = driver.lp.fastcgi().stats(client).unwrap().failed;
    assert!(driver.lp.fastcgi().cancel(key));
    assert!(!driver.lp.fastcgi().cancel(key), "cancelled twice");
    assert_eq!(driver.error(key), Error::Cancelled);
    assert!(!driver.lp.fastcgi().cancel(key), "cancelled after its end was taken");
    assert!(matches!(driver.lp.fastcgi().body(key, None), Err(Error::Stale("request"))));
    let stats = driver.lp.fastcgi().stats(client).unwrap();
    assert_eq!((stats.failed, stats.active, stats.idle), (failed + 1, 0, 0));
}

fn one() -> ClientOptions {
    ClientOptions { max_connections: 1, ..ClientOptions::default() }
}

#[test]
fn while_waiting() {
    let peer = Peer::unix(|conn| conn.drain());
    let mut driver = Driver::new();
    let client = driver.client(&[&peer.address], one());
    let (first, second) = (driver.send(client, &get()), driver.send(client, &get()));
    assert!(driver.lp.fastcgi().cancel(second));
    assert_eq!(driver.lp.fastcgi().stats(client).unwrap().waiting, 0);
    assert_eq!(driver.error(second), Error::Cancelled);
    assert!(!driver.has_ended(first));
    cancel(&mut driver, client, first);
}

#[test]
fn while_resolving() {
    let peer = Peer::echo(true);
    let port = peer.address.rsplit(':').next().unwrap();
    let mut driver = Driver::new();
    let client = driver.plain(&format!("tcp://localhost:{port}"));
    // No turn: what the resolver found has not been looked at.
    let key = driver.send(client, &get());
    cancel(&mut driver, client, key);
    // The look-up that goes on serves the next request.
    assert_eq!(driver.get(client, "/b.php").body, b"/b.php");
}

#[test]
fn while_the_backlog_is_full() {
    let full = FullBacklog::unix();
    let mut driver = Driver::new();
    let client = driver.plain(&full.address);
    let key = driver.send(client, &get());
    for _ in 0..5 {
        driver.turn(Duration::from_millis(5));
    }
    cancel(&mut driver, client, key);
    assert_eq!(driver.lp.timeout(), None, "a timer is left");
}

#[test]
fn while_connecting() {
    let full = FullBacklog::tcp();
    let mut driver = Driver::new();
    let client = driver.plain(&full.address);
    let key = driver.send(client, &get());
    driver.turn(Duration::from_millis(5));
    assert_eq!(driver.lp.fastcgi().stats(client).unwrap().connects, 0);
    cancel(&mut driver, client, key);
    assert_eq!(driver.lp.timeout(), None, "a timer is left");
}

#[test]
fn while_sending() {
    let dir = super::support::TempDir::new();
    let path = dir.join("silent.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut driver = Driver::new();
    let client = driver.plain(&path);
    let key = driver.send_body(client, &post(16 << 20), &vec![0; 16 << 20]);
    driver.turn(Duration::ZERO);
    cancel(&mut driver, client, key);
}

#[test]
fn while_a_source_is_asked() {
    let peer = Peer::unix(|conn| conn.drain());
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    let key = driver.send_asking(client, &post(10));
    driver.until("the question", |driver| driver.seen[&key].wants == [10]);
    assert!(driver.lp.fastcgi().cancel(key));
    assert!(matches!(driver.lp.fastcgi().body(key, Some(b"late")), Err(Error::Invalid(_))));
    assert_eq!(driver.error(key), Error::Cancelled);
}

#[test]
fn while_waiting_for_the_first_byte_and_while_receiving() {
    for bytes in [&b""[..], b"\r\nhello"] {
        let bytes = bytes.to_vec();
        let (taken, wait) = std::sync::mpsc::channel();
        let peer = Peer::unix(move |conn| {
            conn.read_request();
            if !bytes.is_empty() {
                conn.send(&Conn::record(6, &bytes, 0));
                conn.await_taken();
            }
            let _ = taken.send(());
            assert!(conn.await_close(), "cancel closes the connection");
        });
        let mut driver = Driver::new();
        let client = driver.plain(&peer.address);
        let key = driver.send(client, &get());
        driver.until("the peer", |_| wait.try_recv().is_ok());
        cancel(&mut driver, client, key);
    }
}

#[test]
fn what_has_ended_cannot_be_cancelled() {
    let peer = Peer::echo(false);
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    let key = driver.send(client, &get());
    while driver.lp.queued() == 0 {
        driver.lp.turn(Some(Duration::from_secs(1))).unwrap();
    }
    assert!(!driver.lp.fastcgi().cancel(key), "its end is queued");
    assert_eq!(driver.text(key), "/srv/a.php");
    assert!(!driver.lp.fastcgi().cancel(key), "its end was taken");
}

#[test]
fn the_next_one_waiting_gets_the_place_of_a_cancelled_one() {
    let peer = Peer::unix(|conn| {
        if conn.number == 0 {
            return conn.drain();
        }
        conn.read_request();
        conn.answer(b"second");
    });
    let mut driver = Driver::new();
    let client = driver.client(&[&peer.address], one());
    let (first, second) = (driver.send(client, &get()), driver.send(client, &get()));
    assert!(driver.lp.fastcgi().cancel(first));
    assert_eq!(driver.text(second), "second");
    assert_eq!(driver.error(first), Error::Cancelled);
}

#[test]
fn close_ends_requests_in_every_state() {
    let silent = Peer::unix(|conn| conn.drain());
    let unix = FullBacklog::unix();
    let tcp = FullBacklog::tcp();
    let name = format!("localhost:{}", tcp.address.rsplit(':').next().unwrap());
    for address in [&silent.address, &unix.address, &tcp.address, &name] {
        let mut driver = Driver::new();
        let client = driver.client(&[address], one());
        let large = driver.send_body(client, &post(4 << 20), &vec![0; 4 << 20]);
        let keys = [large, driver.send(client, &get()), driver.send_asking(client, &post(10))];
        if *address != name {
            driver.turn(Duration::from_millis(1));
        }
        assert_eq!(driver.lp.pending(), 3);
        assert!(driver.lp.fastcgi().close(client));
        assert_eq!(driver.lp.queued(), 3);
        for key in keys {
            assert!(!driver.lp.fastcgi().cancel(key));
            assert_eq!(driver.error(key), Error::Cancelled);
        }
        assert_eq!(driver.lp.pending(), 0);
        assert!(!driver.lp.fastcgi().close(client), "closed twice");
        assert!(driver.lp.fastcgi().stats(client).is_none());
        let refused = driver.lp.fastcgi().send(client, &get(), towline::fastcgi::Body::Bytes(b""), Default::default());
        assert_eq!(refused.unwrap_err(), Error::Stale("client"));
        assert_eq!(driver.lp.fastcgi().get_values(client).unwrap_err(), Error::Stale("client"));
        // What a look-up still finds is for nobody.
        driver.turn(Duration::from_millis(1));
        assert_eq!(driver.lp.pending(), 0);
    }
}

#[test]
fn a_released_client_lives_as_long_as_its_requests() {
    let (answer, wait) = std::sync::mpsc::channel();
    let wait = std::sync::Mutex::new(wait);
    let peer = Peer::unix(move |conn| {
        while conn.read_request().is_some() {
            wait.lock().unwrap().recv().unwrap();
            conn.answer(b"fine");
        }
    });
    let mut driver = Driver::new();
    let client = driver.client(&[&peer.address], one());
    let keys = [driver.send(client, &get()), driver.send(client, &get())];
    driver.lp.fastcgi().release(client);
    let refused = driver.lp.fastcgi().send(client, &get(), towline::fastcgi::Body::Bytes(b""), Default::default());
    assert_eq!(refused.unwrap_err(), Error::Stale("client"));
    for key in keys {
        answer.send(()).unwrap();
        assert_eq!(driver.text(key), "fine");
    }
    assert!(driver.lp.fastcgi().stats(client).is_none());
    assert_eq!((driver.lp.pending(), driver.lp.timeout()), (0, None));

    let unused = driver.plain(&peer.address);
    driver.lp.fastcgi().release(unused);
    assert!(driver.lp.fastcgi().stats(unused).is_none());
}

#[test]
fn a_loop_dropped_with_work_leaves_nothing() {
    let peer = Peer::unix(|conn| {
        conn.read_request();
        assert!(conn.await_close());
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    let key = driver.send(client, &get());
    driver.until("the connection", |_| peer.accepted() == 1);
    assert!(!driver.has_ended(key));
    drop(driver);
}
