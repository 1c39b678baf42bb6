//! No descriptor is left open, however requests end. One test alone in its process, for it counts them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

mod support;

use std::time::Duration;
use support::{Conn, Driver, FullBacklog, Peer, TempDir, open_fds};
use towline::fastcgi::{ClientOptions, Request};

#[test]
fn however_requests_end_no_descriptor_stays_open() {
    let get = Request::builder("/a.php").build().unwrap();
    let post = Request::builder("/a.php").method("POST").content_length(4 << 20).build().unwrap();
    let dir = TempDir::new();
    let missing = dir.join("missing.sock");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refusing = format!("127.0.0.1:{port}");
    let named = format!("localhost:{port}");
    // The resolver may keep something open from its first use on.
    drop(std::net::ToSocketAddrs::to_socket_addrs(&named).unwrap());

    // A peer thread closes its end when it sees ours closed: wait until the process is back at its number.
    let settle = |expected: usize, what: &str| {
        let begun = std::time::Instant::now();
        while open_fds() != expected {
            assert!(begun.elapsed() < support::HANG, "{what}: {} descriptors, expected {expected}", open_fds());
            std::thread::yield_now();
        }
    };
    let echo = Peer::echo(false);
    let echo_tcp = Peer::echo(true);
    let silent = Peer::unix(|conn| conn.drain());
    let cutting = Peer::unix(|conn| {
        conn.read_request();
        conn.send(&Conn::record(6, b"\r\nhalf", 0)[..9]);
    });
    let garbage = Peer::tcp(|conn| {
        conn.send(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        conn.drain();
    });
    let (full, full_tcp) = (FullBacklog::unix(), FullBacklog::tcp());
    let before = open_fds();
    for round in 0..5 {
        let mut driver = Driver::new();
        let own = open_fds() - before;
        assert!(own <= 3, "a loop needs {own} descriptors");
        let short = Some(Duration::from_millis(10));
        let options = ClientOptions {
            connect_timeout: Duration::from_millis(10),
            first_byte_timeout: short,
            ..ClientOptions::default()
        };
        let mut clients = Vec::new();
        let mut keys = Vec::new();
        for address in [
            &echo.address,
            &echo_tcp.address,
            &silent.address,
            &cutting.address,
            &garbage.address,
            &full.address,
            &full_tcp.address,
            &missing,
            &refusing,
            &named,
        ] {
            let client = driver.client(&[address], options.clone());
            clients.push(client);
            for _ in 0..4 {
                keys.push(driver.send(client, &get));
            }
            keys.push(driver.send_body(client, &post, &vec![0; 4 << 20]));
            keys.push(driver.get_values(client));
            let cancelled = driver.send(client, &get);
            assert!(driver.lp.fastcgi().cancel(cancelled) || address == &missing);
        }
        if round < 3 {
            for key in keys {
                let _ = driver.end(key);
            }
        }
        if round < 4 {
            for client in clients {
                assert!(driver.lp.fastcgi().close(client));
            }
            settle(before + own, "after close");
        }
        drop(driver);
        settle(before, "after the loop is gone");
    }
}
