//! Peers that read slowly, and a program that does.

use crate::host::{Host, echo, frame};
use crate::support::TempDir;
use std::time::{Duration, Instant};
use towline::websocket::{Error, EventKind, ServerOptions};

fn drains(host: &Host) -> usize {
    host.seen.iter().filter(|event| matches!(event, EventKind::Drain { .. })).count()
}

#[test]
fn what_the_peer_does_not_read_is_buffered_up_to_the_limit() {
    let options = ServerOptions { high_watermark: 100_000, max_buffered: 1_000_000, ..ServerOptions::default() };
    let mut host = Host::new(options);
    let (mut client, conn) = host.open();
    client.deaf = true;
    let piece = vec![b'x'; 50_000];
    let mut sent = 0;
    let full = loop {
        match host.lp.websocket().send(conn, &piece, true) {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, Error::Full { limit: 1_000_000, .. }), "{full}");
    let buffered = host.lp.websocket().buffered(conn).unwrap();
    assert!((900_000..=1_000_000).contains(&buffered), "{buffered}");
    host.turn(Duration::ZERO);
    assert_eq!(drains(&host), 0);
    client.deaf = false;
    for _ in 0..sent {
        assert!(host.frame(&mut client) == (0x82, piece.clone()));
    }
    host.until("drained", |host| drains(host) == 1);
    assert_eq!(host.lp.websocket().buffered(conn), Ok(0));
    assert_eq!(host.lp.websocket().send(conn, b"x", true), Ok(0));
}

#[test]
fn a_paused_connection_is_not_read() {
    let mut host = Host::new(ServerOptions::default());
    let (mut client, conn) = host.open();
    host.lp.websocket().pause(conn).unwrap();
    let flood = frame(0x82, &[7; 60_000]).repeat(400);
    client.write(&flood);
    for _ in 0..50 {
        host.turn(Duration::from_millis(2));
        client.work();
    }
    assert!(!client.has_sent_all(), "24 MB went somewhere");
    assert!(!host.seen.iter().any(|event| matches!(event, EventKind::Message { .. })));
    host.lp.websocket().resume(conn).unwrap();
    for _ in 0..400 {
        assert_eq!(host.frame(&mut client).1.len(), 60_000);
    }
}

/// While a connection is paused its peer's end lies behind what is not read, if the kernel has let it through at all.
#[test]
fn a_peer_that_goes_while_it_is_not_read_is_noticed() {
    let folder = TempDir::new();
    let unix = format!("unix:{}", folder.join("server.sock"));
    for (address, flood) in [("127.0.0.1:0", 0), ("127.0.0.1:0", 24_000_000), (&*unix, 0), (&*unix, 24_000_000)] {
        let options = ServerOptions { ping_interval: Some(Duration::from_millis(50)), ..ServerOptions::default() };
        let mut host = Host::at(address, options, echo);
        let (mut client, conn) = host.open();
        host.lp.websocket().pause(conn).unwrap();
        client.write(frame(0x82, &vec![7; flood]));
        client.close();
        assert_eq!(host.closed(conn).0, 1006, "{address} {flood}");
        assert_eq!(host.lp.websocket().connections(host.server), Some(0));
        assert!(!host.seen.iter().any(|event| matches!(event, EventKind::Message { .. })));
    }
}

#[test]
fn a_connection_that_breaks_while_it_is_not_read_is_noticed_at_once() {
    let mut host = Host::new(ServerOptions { ping_interval: None, ..ServerOptions::default() });
    let (mut client, conn) = host.open();
    host.lp.websocket().pause(conn).unwrap();
    client.write(frame(0x82, b"not read"));
    client.deaf = true;
    host.lp.websocket().send(conn, b"nor this", true).unwrap();
    // Closing a socket that has something to read breaks the connection.
    client.close();
    let (code, reason) = host.closed(conn);
    assert_eq!(code, 1006);
    assert!(reason.contains("reset"), "{reason}");
}

#[test]
fn a_peer_that_is_not_read_is_not_taken_for_dead() {
    let options = ServerOptions { ping_interval: Some(Duration::from_millis(20)), ..ServerOptions::default() };
    let mut host = Host::new(options);
    let (mut client, conn) = host.open();
    host.lp.websocket().pause(conn).unwrap();
    client.write(frame(0x81, b"kept"));
    for _ in 0..5 {
        assert_eq!(host.frame(&mut client), (0x89, Vec::new()));
    }
    host.lp.websocket().resume(conn).unwrap();
    host.until("the message", |host| matches!(host.seen.last(), Some(EventKind::Message { .. })));
    assert!(!host.seen.iter().any(|event| matches!(event, EventKind::Closed { .. })));
}

#[test]
fn a_peer_that_takes_a_little_now_and_then_does_not_keep_a_server_from_ending() {
    let options = ServerOptions { close_timeout: Duration::from_millis(500), ..ServerOptions::default() };
    let mut host = Host::new(options);
    let (mut client, conn) = host.open();
    let sent = 60 << 20;
    host.lp.websocket().send(conn, &vec![0; sent], true).unwrap();
    host.lp.websocket().close_server(host.server);
    let mut next = Instant::now();
    host.until("the end", |host| {
        if next <= Instant::now() {
            client.read_some(64 * 1024);
            next += Duration::from_millis(5);
        }
        matches!(host.seen.last(), Some(EventKind::Ended))
    });
    assert!(client.got.len() < sent, "it has taken everything");
}

#[test]
fn text_must_be_utf_8() {
    let mut host = Host::new(ServerOptions::default());
    let (mut client, conn) = host.open();
    let error = host.lp.websocket().send(conn, b"abc\xff", false).unwrap_err();
    assert_eq!(error.to_string(), "the text is not UTF-8 from byte 3 on");
    host.lp.websocket().send(conn, b"abc\xff", true).unwrap();
    host.lp.websocket().send_prefixed(conn, b"0", b"data").unwrap();
    assert_eq!(host.frame(&mut client), (0x82, b"abc\xff".to_vec()));
    assert_eq!(host.frame(&mut client), (0x82, b"0data".to_vec()));
}

#[test]
fn pings_of_a_peer_that_never_reads_do_not_fill_memory() {
    let options = ServerOptions { high_watermark: 20_000, ..ServerOptions::default() };
    let mut host = Host::new(options);
    let (mut client, conn) = host.open();
    client.deaf = true;
    let pings = frame(0x89, &[1; 125]).repeat(10_000);
    for _ in 0..30 {
        client.write(&pings);
        host.until("read", |_| {
            client.work();
            client.has_sent_all()
        });
    }
    // One read's worth may come on top of the watermark.
    let buffered = host.lp.websocket().buffered(conn).unwrap();
    assert!((20_000..20_000 + 128 * 1024).contains(&buffered), "{buffered}");
}

#[test]
fn a_slow_peer_that_makes_progress_is_not_taken_for_dead() {
    let options = ServerOptions {
        ping_interval: Some(Duration::from_millis(100)),
        high_watermark: 64 << 20,
        ..ServerOptions::default()
    };
    let mut host = Host::new(options);
    let (mut client, conn) = host.open();
    client.deaf = true;
    let sent = 30 << 20;
    host.lp.websocket().send(conn, &vec![0; sent], true).unwrap();
    let mut rounds = 0;
    // It reads for a moment out of every fifty milliseconds, and answers nothing.
    while client.got.len() < sent {
        host.turn(Duration::from_millis(50));
        client.deaf = false;
        client.work();
        client.deaf = true;
        rounds += 1;
        assert!(!host.seen.iter().any(|event| matches!(event, EventKind::Closed { .. })), "after {rounds} rounds");
    }
}

#[test]
fn a_goodbye_waits_for_what_was_sent_before() {
    let mut host = Host::new(ServerOptions { max_buffered: 64 << 20, ..ServerOptions::default() });
    let (mut client, conn) = host.open();
    client.deaf = true;
    let data = vec![1; 20 << 20];
    assert!(host.lp.websocket().send(conn, &data, true).unwrap() > 0);
    host.lp.websocket().close(conn, 1000, "done").unwrap();
    client.deaf = false;
    assert!(host.frame(&mut client) == (0x82, data));
    assert_eq!(host.close_code(&mut client), 1000);
    client.write(frame(0x88, b"\x03\xe8"));
    assert_eq!(host.closed(conn).0, 1000);
}
