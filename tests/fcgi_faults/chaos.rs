//! Thousands of requests to peers that do anything, with cancelling in between. Whatever happens: each request
//! ends exactly once, an answer is its own, and nothing that may have run is sent twice.

use super::support::{Conn, Driver, Ended, Peer, Prng};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use towline::fastcgi::{Balance, ClientOptions, Error, Request, RequestKey, SendOptions};

/// How often each request was taken up, by its id.
type Runs = Arc<Mutex<HashMap<String, usize>>>;

/// Reads requests and does to each what the dice say.
fn serve(conn: &mut Conn, seed: u64, runs: &Runs) {
    let mut prng = Prng::new(seed.wrapping_add(conn.number as u64 * 7919));
    loop {
        if prng.next().is_multiple_of(60) {
            // Before the request was read.
            if prng.next().is_multiple_of(2) {
                conn.half_close();
                conn.drain();
            }
            return;
        }
        let Some(request) = conn.read_request() else { return };
        let id = request.param("ID").unwrap_or_default();
        let dice = prng.next() % 40;
        if dice == 0 {
            // As php-fpm does when it will not serve this connection any more: the request is for nobody.
            conn.half_close();
            return conn.drain();
        }
        if dice == 1 {
            conn.send(&Conn::record(3, &[0, 0, 0, 0, 2, 0, 0, 0], 0));
            return conn.drain();
        }
        *runs.lock().unwrap().entry(id.clone()).or_default() += 1;
        let body = [id.as_bytes(), b" ", &request.stdin].concat();
        let mut bytes = Conn::record(6, b"Status: 201 Created\r\nX-Id: ", (prng.next() % 8) as u8);
        bytes.extend(Conn::record(6, &[id.as_bytes(), b"\r\n\r\n"].concat(), 0));
        for piece in body.chunks(1 + prng.next() as usize % 60_000) {
            bytes.extend(Conn::record(6, piece, (prng.next() % 8) as u8));
            if prng.next().is_multiple_of(8) {
                bytes.extend(Conn::record(7, b"notice", 0));
            }
        }
        bytes.extend(Conn::record(3, &[0; 8], 0));
        match dice {
            // Cut, and gone.
            2 => {
                let at = prng.next() as usize % bytes.len();
                conn.send(&bytes[..at]);
                return;
            }
            3 => return conn.reset(),
            4 => return,
            // Silent, until the client has had enough.
            5 => return conn.drain(),
            6 => {
                bytes.extend([1, 3, 0]);
                conn.send(&bytes);
            }
            7 => {
                let at = prng.next() as usize % bytes.len();
                conn.send(&bytes[..at]);
                conn.send(b"HTTP/1.1 500\r\n");
                return conn.drain();
            }
            // As with pm.max_requests.
            8..=10 => {
                conn.send(&bytes);
                conn.half_close();
                return conn.drain();
            }
            11..=13 => {
                for piece in bytes.chunks(1 + prng.next() as usize % 5000) {
                    conn.send(piece);
                }
            }
            _ => drop(conn.send(&bytes)),
        }
    }
}

fn chaos(tcp: bool, seed: u64) {
    let runs = Runs::default();
    let peers: Vec<_> = (0..2)
        .map(|number| {
            let runs = Arc::clone(&runs);
            Peer::on(tcp, move |conn| serve(conn, seed * 31 + number, &runs))
        })
        .collect();
    let addresses: Vec<_> = peers.iter().map(|peer| peer.address.as_str()).collect();
    let mut prng = Prng::new(seed);
    let mut driver = Driver::new();
    let options = ClientOptions {
        max_connections: 4,
        first_byte_timeout: Some(Duration::from_millis(50)),
        idle_timeout: Some(Duration::from_millis(50)),
        idle_close: Duration::from_millis(5),
        max_response: 1 << 20,
        balance: if seed.is_multiple_of(2) { Balance::RoundRobin } else { Balance::LeastConnections },
        ..ClientOptions::default()
    };
    let client = driver.client(&addresses, options);
    let mut sent: Vec<(RequestKey, String, Vec<u8>, bool)> = Vec::new();
    for id in 0..600 {
        let length = match prng.next() % 20 {
            0 => prng.next() as usize % 300_000,
            1..10 => prng.next() as usize % 2000,
            _ => 0,
        };
        let body = prng.bytes(length);
        let method = if length > 0 || prng.next().is_multiple_of(3) { "POST" } else { "GET" };
        let id = id.to_string();
        let request = Request::builder("/srv/a.php")
            .method(method)
            .param("ID", id.as_str())
            .content_length(length as u64)
            .build()
            .unwrap();
        let streamed = prng.next().is_multiple_of(5);
        let key = if prng.next().is_multiple_of(4) {
            let (bytes, mut at) = (body.clone(), 0);
            driver.send_source(client, &request, move |asked| {
                let piece = bytes[at..(at + asked).min(bytes.len())].to_vec();
                at += piece.len();
                Some(piece)
            })
        } else {
            let options = SendOptions { stream_body: streamed, want_head: true, ..SendOptions::default() };
            driver.send_with(client, &request, &body, options)
        };
        sent.push((key, id, body, streamed));
        if prng.next().is_multiple_of(10) {
            let (victim, ..) = sent[prng.next() as usize % sent.len()];
            driver.lp.fastcgi().cancel(victim);
        }
        if prng.next().is_multiple_of(3) {
            driver.turn(Duration::ZERO);
        }
    }
    driver.until("all ends", |driver| driver.lp.pending() == 0);
    let (mut done, mut failed) = (0, 0);
    for (key, id, body, _) in &sent {
        let seen = driver.seen.get_mut(key).unwrap();
        let ran = runs.lock().unwrap().get(id).copied().unwrap_or_default();
        match seen.ended.take().unwrap() {
            Ended::Done(response) => {
                done += 1;
                let whole = [seen.body.as_slice(), &response.body].concat();
                assert!(whole == [id.as_bytes(), b" ", body].concat(), "request {id} got another's answer");
                assert_eq!(response.head.field("x-id"), Some(id.as_bytes()));
                assert_eq!((response.head.status(), ran), (201, 1));
            }
            Ended::Failed(error) => {
                failed += 1;
                assert!(ran <= 1, "request {id} ran {ran} times and failed with {error}");
                assert!(!matches!(error, Error::System(_) | Error::Invalid(_) | Error::Stale(_)), "{error}");
            }
            other @ Ended::Values(_) => panic!("{other:?}"),
        }
    }
    let stats = driver.lp.fastcgi().stats(client).unwrap();
    assert_eq!((stats.done, stats.failed), (done, failed));
    assert_eq!((stats.sent, stats.waiting, stats.active), (600, 0, 0));
    assert!(done > 300, "{done} done, {failed} failed");
    driver.until("idle connections to go", |driver| driver.lp.fastcgi().stats(client).unwrap().idle == 0);
    assert_eq!(driver.lp.timeout(), None, "a timer is left");
}

#[test]
fn whatever_unix_peers_do() {
    for seed in 1..=3 {
        chaos(false, seed);
    }
}

#[test]
fn whatever_tcp_peers_do() {
    for seed in 4..=6 {
        chaos(true, seed);
    }
}
