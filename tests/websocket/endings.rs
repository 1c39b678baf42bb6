//! Peers that go, and what they have said before.

use crate::host::{Client, Host, frame};
use crate::support::TempDir;
use std::time::Duration;
use towline::Loop;
use towline::websocket::{ConnKey, EventKind, ServerOptions};

/// Lets everybody in and answers nothing.
fn listen(lp: &mut Loop, event: &EventKind) {
    if let EventKind::Upgrade { request, .. } = event {
        lp.websocket().accept(*request, None).unwrap();
    }
}

/// A server that asks nobody for a sign of life.
fn host(address: &str) -> Host {
    Host::at(address, ServerOptions { ping_interval: None, ..ServerOptions::default() }, listen)
}

fn messages(host: &Host, of: ConnKey) -> Vec<Vec<u8>> {
    let messages = host.seen.iter().filter_map(|event| match event {
        EventKind::Message { conn, data, .. } if *conn == of => Some(data.to_vec()),
        _ => None,
    });
    messages.collect()
}

/// The kernel tells of an end once, and long before it is read.
#[test]
fn an_end_that_was_told_while_nobody_read_is_seen() {
    let folder = TempDir::new();
    for address in ["127.0.0.1:0", &format!("unix:{}", folder.join("s"))] {
        let mut host = host(address);
        let (mut client, conn) = host.open();
        host.lp.websocket().pause(conn).unwrap();
        client.write(frame(0x81, b"last"));
        client.close();
        for _ in 0..5 {
            host.turn(Duration::from_millis(2));
        }
        host.lp.websocket().resume(conn).unwrap();
        assert_eq!(host.closed(conn).0, 1006, "{address}");
        assert_eq!(messages(&host, conn), [b"last"], "{address}");
    }
}

#[test]
fn an_end_behind_more_than_a_turn_reads_is_seen() {
    const SIZE: usize = 100_000;
    let folder = TempDir::new();
    let mut host = host(&format!("unix:{}", folder.join("s")));
    let mut all: Vec<(Client, ConnKey)> = (0..20).map(|_| host.open()).collect();
    for (client, _) in &mut all {
        client.write(frame(0x82, &[7; SIZE]));
        assert!(client.has_sent_all());
        client.close();
    }
    // The first turn's budget, 1 MiB, is used up in the first of the two reads that the eleventh needs.
    for (_, conn) in all {
        assert_eq!(host.closed(conn).0, 1006);
        assert_eq!(messages(&host, conn), [[7; SIZE]]);
    }
}

#[test]
fn what_a_peer_said_last_counts_though_it_has_not_read_all() {
    let folder = TempDir::new();
    for address in ["127.0.0.1:0", &format!("unix:{}", folder.join("s"))] {
        for goodbye in [true, false] {
            let mut host = host(address);
            let (mut client, conn) = host.open();
            client.deaf = true;
            assert!(host.lp.websocket().send(conn, &[b'x'; 16 << 20], true).unwrap() > 0);
            client.write(frame(0x81, b"last"));
            if goodbye {
                client.write(frame(0x88, b"\x03\xe9bye"));
            }
            client.close();
            let (code, reason) = host.closed(conn);
            assert_eq!(messages(&host, conn), [b"last"], "{address}");
            match goodbye {
                true => assert_eq!((code, reason.as_str()), (1001, "bye"), "{address}"),
                false => {
                    assert_eq!(code, 1006);
                    assert!(reason.contains("Broken pipe") || reason.contains("reset"), "{reason}");
                }
            }
            assert_eq!(host.lp.websocket().connections(host.server), Some(0));
        }
    }
}

#[test]
fn a_connection_that_breaks_while_it_is_paused_is_given_up() {
    let folder = TempDir::new();
    let mut host = host(&format!("unix:{}", folder.join("s")));
    let (mut client, conn) = host.open();
    host.lp.websocket().pause(conn).unwrap();
    client.write(frame(0x81, b"not read"));
    client.close();
    host.lp.websocket().send(conn, b"who is there", true).unwrap();
    let (code, reason) = host.closed(conn);
    assert_eq!(code, 1006);
    assert!(reason.contains("Broken pipe"), "{reason}");
    assert_eq!(messages(&host, conn), [b""; 0]);
}
