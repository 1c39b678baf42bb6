//! The queue of waiting requests.

use super::get;
use super::support::{Driver, Peer};
use std::sync::{Arc, Mutex};
use towline::fastcgi::{Body, ClientOptions, Error, Request, SendOptions};

#[test]
fn requests_are_served_in_the_order_they_came() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&order);
    let peer = Peer::unix(move |conn| {
        while let Some(request) = conn.read_request() {
            into.lock().unwrap().push(request.param("SCRIPT_NAME").unwrap());
            conn.answer(b"");
        }
    });
    let mut driver = Driver::new();
    let client = driver.client(&[&peer.address], ClientOptions { max_connections: 1, ..ClientOptions::default() });
    let scripts: Vec<_> = (0..200).map(|n| format!("/{n}.php")).collect();
    let keys: Vec<_> =
        scripts.iter().map(|script| driver.send(client, &Request::builder(script.as_str()).build().unwrap())).collect();
    // Cancelled ones leave no gap.
    for key in keys.iter().skip(1).step_by(7) {
        assert!(driver.lp.fastcgi().cancel(*key));
    }
    for key in &keys {
        let _ = driver.result(*key);
    }
    let expected: Vec<_> =
        scripts.iter().enumerate().filter(|(n, _)| n % 7 != 1).map(|(_, script)| script.clone()).collect();
    assert_eq!(*order.lock().unwrap(), expected);
    assert_eq!(driver.lp.fastcgi().stats(client).unwrap().connects, 1);
}

#[test]
fn the_number_of_connections_is_bounded() {
    let peer = Peer::echo(false);
    let mut driver = Driver::new();
    let client = driver.client(&[&peer.address], ClientOptions { max_connections: 3, ..ClientOptions::default() });
    let keys: Vec<_> = (0..300).map(|_| driver.send(client, &get())).collect();
    let stats = driver.lp.fastcgi().stats(client).unwrap();
    assert_eq!((stats.active, stats.waiting), (3, 297));
    for key in keys {
        driver.answer(key);
    }
    let stats = driver.lp.fastcgi().stats(client).unwrap();
    assert_eq!((stats.sent, stats.done, stats.reused, stats.connects, stats.idle), (300, 300, 297, 3, 3));
}

#[test]
fn a_hundred_thousand_may_wait_and_then_the_queue_is_full() {
    let peer = Peer::unix(|conn| conn.drain());
    let mut driver = Driver::new();
    let client = driver.client(&[&peer.address], ClientOptions { max_connections: 1, ..ClientOptions::default() });
    let request = get();
    for _ in 0..=100_000 {
        driver.lp.fastcgi().send(client, &request, Body::Bytes(b""), SendOptions::default()).unwrap();
    }
    let full = driver.lp.fastcgi().send(client, &request, Body::Bytes(b""), SendOptions::default()).unwrap_err();
    assert_eq!(full, Error::QueueFull { limit: 100_000 });
    assert_eq!(driver.lp.fastcgi().get_values(client).unwrap_err(), full);
    let stats = driver.lp.fastcgi().stats(client).unwrap();
    assert_eq!((stats.waiting, stats.active, stats.sent), (100_000, 1, 100_001));
    assert_eq!(driver.lp.pending(), 100_001);
    assert!(driver.lp.fastcgi().close(client));
    assert_eq!(driver.drain(), 100_001);
    assert_eq!(driver.lp.pending(), 0);
}

#[test]
fn when_the_server_goes_all_who_wait_are_told() {
    // Each is refused at once and makes room for the next: no matter how many there are.
    let mut peer = Peer::unix(|conn| conn.drain());
    let mut driver = Driver::new();
    let client = driver.client(&[&peer.address], ClientOptions { max_connections: 1, ..ClientOptions::default() });
    let request = get();
    let keys: Vec<_> = (0..50_000)
        .map(|_| driver.lp.fastcgi().send(client, &request, Body::Bytes(b""), SendOptions::default()).unwrap())
        .collect();
    peer.stop_accepting();
    assert!(driver.lp.fastcgi().cancel(keys[0]));
    driver.until("all ends", |driver| driver.lp.pending() == 0);
    let refused =
        |seen: &super::support::Seen| matches!(seen.ended, Some(super::support::Ended::Failed(Error::Connect { .. })));
    assert_eq!(driver.seen.values().filter(|seen| refused(seen)).count(), keys.len() - 1);
}
