//! Messages, control frames and the closing handshake.

use crate::host::{Host, frame, silent, upgrade};
use std::time::Duration;
use towline::websocket::{Error, EventKind, ServerOptions};

#[test]
fn messages_come_back() {
    let mut host = Host::new(ServerOptions::default());
    let (mut client, _) = host.open();
    for size in [0, 1, 125, 126, 65_535, 65_536, 1_000_000] {
        let payload = vec![b'a' + (size % 26) as u8; size];
        client.write(frame(0x82, &payload));
        assert!(host.frame(&mut client) == (0x82, payload), "{size}");
    }
    client.write(frame(0x81, "h\u{e9}llo \u{1f600}".as_bytes()));
    assert_eq!(host.frame(&mut client), (0x81, "h\u{e9}llo \u{1f600}".as_bytes().to_vec()));
}

#[test]
fn fragments_become_one_message_with_pings_in_between() {
    let mut host = Host::new(ServerOptions::default());
    let (mut client, _) = host.open();
    let euro = "\u{20ac}".as_bytes();
    for piece in [frame(0x01, &euro[..1]), frame(0x89, b"are you there"), frame(0x00, b""), frame(0x80, &euro[1..])] {
        for byte in piece {
            client.write([byte]);
            host.turn(Duration::ZERO);
        }
    }
    assert_eq!(host.frame(&mut client), (0x8a, b"are you there".to_vec()));
    assert_eq!(host.frame(&mut client), (0x81, euro.to_vec()));
}

#[test]
fn frames_may_come_with_the_handshake() {
    let mut host = Host::new(ServerOptions::default());
    let mut client = host.connect();
    let mut bytes = upgrade("").into_bytes();
    bytes.extend(frame(0x81, b"early"));
    bytes.extend(frame(0x81, b"bird"));
    assert!(host.ask(&mut client, bytes).starts_with("HTTP/1.1 101"));
    assert_eq!(host.frame(&mut client), (0x81, b"early".to_vec()));
    assert_eq!(host.frame(&mut client), (0x81, b"bird".to_vec()));
}

#[test]
fn violations_end_the_connection_with_their_code() {
    let mut host = Host::new(ServerOptions { max_message: 1000, ..ServerOptions::default() });
    for (code, name, bytes) in [
        (1002, "unmasked", vec![0x81, 1, b'x']),
        (1002, "reserved bits", frame(0xf1, b"x")),
        (1002, "opcode 5", frame(0x85, b"x")),
        (1002, "opcode 15", frame(0x8f, b"x")),
        (1002, "ping of 126 bytes", frame(0x89, &[0; 126])),
        (1002, "fragmented pong", frame(0x0a, b"x")),
        (1002, "close of one byte", frame(0x88, b"x")),
        (1007, "bad text", frame(0x81, b"ok \xff")),
        (1007, "bad text in the first fragment of many", frame(0x01, b"ok \xff")),
        (1009, "too much", frame(0x82, &[0; 1001])),
        (1009, "a gigabyte announced", vec![0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0, 1, 2, 3, 4]),
        (1009, "fragments without end", [frame(0x02, &[0; 500]), frame(0x00, &[0; 400]).repeat(3)].concat()),
    ] {
        let (mut client, conn) = host.open();
        client.write(frame(0x81, b"fine"));
        assert_eq!(host.frame(&mut client), (0x81, b"fine".to_vec()), "{name}");
        client.write(bytes);
        // What follows a violation is not looked at.
        client.write(frame(0x81, b"more"));
        assert_eq!(host.close_code(&mut client), code, "{name}");
        assert_eq!(host.closed(conn).0, code, "{name}");
        client.close();
    }
    let messages = host.seen.iter().filter(|event| matches!(event, EventKind::Message { .. })).count();
    assert_eq!(messages, 12);
}

#[test]
fn a_limit_for_the_next_message_is_for_that_alone() {
    let mut host = Host::new(ServerOptions::default());
    let (mut client, conn) = host.open();
    host.lp.websocket().limit_next_message(conn, Some(10)).unwrap();
    let all = [frame(0x89, b"a ping"), frame(0x01, b"01234"), frame(0x80, b"56789"), frame(0x81, &[b'x'; 5000])];
    client.write(all.concat());
    assert_eq!(host.frame(&mut client), (0x8a, b"a ping".to_vec()));
    assert_eq!(host.frame(&mut client), (0x81, b"0123456789".to_vec()));
    assert_eq!(host.frame(&mut client), (0x81, vec![b'x'; 5000]));
    host.lp.websocket().limit_next_message(conn, Some(10)).unwrap();
    host.lp.websocket().limit_next_message(conn, None).unwrap();
    client.write(frame(0x81, b"0123456789a"));
    assert_eq!(host.frame(&mut client), (0x81, b"0123456789a".to_vec()));
    host.lp.websocket().limit_next_message(conn, Some(10)).unwrap();
    client.write(frame(0x81, b"0123456789a"));
    assert_eq!(host.close_code(&mut client), 1009);
}

/// Nothing that is not a message keeps a peer alive that answers nothing, nor does it add up.
#[test]
fn fragments_without_bytes_and_without_end() {
    let mut host = Host::new(ServerOptions { max_message: 1000, ..ServerOptions::default() });
    let (mut client, _) = host.open();
    client.write(frame(0x01, b"a"));
    for _ in 0..20 {
        client.write(frame(0x00, b"").repeat(10_000));
        host.until("read", |_| {
            client.work();
            client.has_sent_all()
        });
    }
    client.write(frame(0x80, b"b"));
    assert_eq!(host.frame(&mut client), (0x81, b"ab".to_vec()));
}

#[test]
fn a_client_says_goodbye() {
    let mut host = Host::new(ServerOptions::default());
    for (sent, code, reason, answer) in [
        (&b"\x03\xe8bye"[..], 1000, "bye", &b"\x88\x02\x03\xe8"[..]),
        (b"\x0f\xa0", 4000, "", b"\x88\x02\x0f\xa0"),
        (b"", 1005, "", b"\x88\x00"),
        (b"\x03\xed", 1002, "Protocol violation", b"\x88\x02\x03\xea"),
    ] {
        let (mut client, conn) = host.open();
        client.write(frame(0x88, sent));
        assert_eq!(host.rest(&mut client), answer);
        assert_eq!(host.closed(conn), (code, reason.to_owned()));
        assert_eq!(host.lp.websocket().send(conn, b"x", true), Err(Error::Stale("connection")));
    }
}

#[test]
fn the_server_says_goodbye() {
    let mut host = Host::new(ServerOptions::default());
    let (mut client, conn) = host.open();
    let mut commands = host.lp.websocket();
    for (code, reason) in [(1005, ""), (1006, ""), (999, ""), (2000, ""), (5000, ""), (1000, "x".repeat(124).as_str())]
    {
        assert!(matches!(commands.close(conn, code, reason), Err(Error::Invalid(_))), "{code}");
    }
    commands.close(conn, 4001, "enough").unwrap();
    assert_eq!(commands.close(conn, 4001, "enough"), Err(Error::Closed));
    assert_eq!(commands.send(conn, b"x", true), Err(Error::Closed));
    assert_eq!(host.frame(&mut client), (0x88, b"\x0f\xa1enough".to_vec()));
    // A message that crosses the goodbye is not handed on.
    client.write(frame(0x81, b"late"));
    client.write(frame(0x88, b"\x0f\xa1enough"));
    assert_eq!(host.rest(&mut client), b"");
    assert_eq!(host.closed(conn), (4001, "enough".to_owned()));
    assert!(!host.seen.iter().any(|event| matches!(event, EventKind::Message { .. })));
}

#[test]
fn a_goodbye_is_not_awaited_for_ever() {
    let mut host = Host::new(ServerOptions { close_timeout: Duration::from_millis(100), ..ServerOptions::default() });
    let (mut client, conn) = host.open();
    host.lp.websocket().close(conn, 1000, "").unwrap();
    assert_eq!(host.rest(&mut client), b"\x88\x02\x03\xe8");
    let (code, reason) = host.closed(conn);
    assert_eq!(code, 1006);
    assert!(reason.contains("closing handshake"), "{reason}");
}

#[test]
fn a_peer_that_answers_pings_stays_and_one_that_does_not_goes() {
    let mut host =
        Host::new(ServerOptions { ping_interval: Some(Duration::from_millis(100)), ..ServerOptions::default() });
    let (mut lively, lively_conn) = host.open();
    let (mut dead, dead_conn) = host.open();
    for _ in 0..3 {
        assert_eq!(host.frame(&mut lively), (0x89, Vec::new()));
        lively.write(frame(0x8a, b""));
    }
    let (code, reason) = host.closed(dead_conn);
    assert_eq!((code, reason.as_str()), (1006, "the peer answered no ping"));
    assert_eq!(host.rest(&mut dead), b"\x89\x00");
    assert!(host.lp.websocket().send(lively_conn, b"x", true).is_ok());
}

#[test]
fn a_server_that_closes_tells_everyone() {
    let mut host = Host::at("127.0.0.1:0", ServerOptions::default(), silent);
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = host.connect();
        client.write(upgrade(""));
        host.until("the question", |host| matches!(host.seen.last(), Some(EventKind::Upgrade { .. })));
        let Some(EventKind::Upgrade { request, .. }) = host.seen.pop() else { panic!() };
        host.lp.websocket().accept(request, None).unwrap();
        host.head(&mut client);
        clients.push(client);
    }
    let mut waiting = host.connect();
    waiting.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    host.until("the question", |host| matches!(host.seen.last(), Some(EventKind::Request { .. })));
    let mut half = host.connect();
    half.write("GET / HT");
    host.turn(Duration::from_millis(50));
    assert!(host.lp.websocket().close_server(host.server));
    assert!(!host.lp.websocket().close_server(host.server));
    for client in &mut clients {
        assert_eq!(host.close_code(client), 1001);
        client.write(frame(0x88, b"\x03\xe9"));
        host.rest(client);
    }
    assert!(host.rest(&mut waiting).starts_with(b"HTTP/1.1 503 "));
    half.work();
    host.rest(&mut half);
    drop(waiting);
    host.until("the end", |host| matches!(host.seen.last(), Some(EventKind::Ended)));
    let closed = host.seen.iter().filter(|event| matches!(event, EventKind::Closed { code: 1001, .. })).count();
    assert_eq!(closed, 3);
    assert_eq!(host.lp.pending(), 0);
    assert_eq!(host.lp.websocket().address(host.server), None);
    assert!(std::net::TcpStream::connect(&host.address).is_err());
}
