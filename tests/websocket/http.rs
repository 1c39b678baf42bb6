//! Plain requests and handshakes, good and bad.

use crate::host::{Client, Host, echo, silent, upgrade};
use crate::support::TempDir;
use std::time::Duration;
use towline::websocket::{Error, EventKind, Origins, ServerOptions};

/// The status of an answer, and everything that the server says before it ends the connection.
#[track_caller]
fn last_words(host: &mut Host, bytes: impl AsRef<[u8]>) -> (u16, String) {
    let mut client = host.connect();
    client.write(bytes);
    let text = String::from_utf8(host.rest(&mut client)).unwrap();
    let status = text.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_else(|| panic!("{text:?}"));
    (status, text)
}

#[track_caller]
fn answer(host: &mut Host, client: &mut Client, request: &str) -> (String, String) {
    let head = host.ask(client, request);
    let size = head.split("Content-Length: ").nth(1).map_or(0, |it| it.lines().next().unwrap().parse().unwrap());
    let body = if request.starts_with("HEAD") { Vec::new() } else { host.bytes(client, size) };
    (head, String::from_utf8(body).unwrap())
}

#[test]
fn several_requests_on_one_connection() {
    let mut host = Host::new(ServerOptions::default());
    let mut client = host.connect();
    let (head, body) = answer(&mut host, &mut client, "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("Date: ") && !head.contains("Connection:"), "{head}");
    assert_eq!(body, "GET /a?b=c ");
    let (_, body) = answer(&mut host, &mut client, "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(body, "POST /p hello");
    let (head, body) = answer(&mut host, &mut client, "HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(head.contains("Content-Length: 8\r\n"), "{head}");
    assert_eq!(body, "");
    let (head, _) = answer(&mut host, &mut client, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(head.contains("Connection: close\r\n"), "{head}");
    host.rest(&mut client);
}

#[test]
fn requests_sent_ahead_are_answered_in_order() {
    let mut host = Host::new(ServerOptions::default());
    let mut client = host.connect();
    client.write("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
    client.write("GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let text = String::from_utf8(host.rest(&mut client)).unwrap();
    let bodies: Vec<_> = text.split("\r\n\r\n").skip(1).map(|it| it.split("HTTP/").next().unwrap()).collect();
    assert_eq!(bodies, ["GET /1 ", "POST /2 ab", "GET /3 "]);
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let mut host = Host::new(ServerOptions::default());
    let mut client = host.connect();
    for byte in b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" {
        client.write([*byte]);
        host.turn(Duration::ZERO);
    }
    assert!(host.head(&mut client).starts_with("HTTP/1.1 200"));
    assert_eq!(host.bytes(&mut client, 11), b"POST /p abc");
}

#[test]
fn a_body_is_sent_for_when_the_client_waits_for_that() {
    let mut host = Host::new(ServerOptions::default());
    let mut client = host.connect();
    let head = host.ask(&mut client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(head, "HTTP/1.1 100 Continue\r\n\r\n");
    let (_, body) = answer(&mut host, &mut client, "ab");
    assert_eq!(body, "POST / ab");
}

#[test]
fn a_client_that_waits_for_that_gets_it_also_behind_answers_that_it_was_slow_to_read() {
    let folder = TempDir::new();
    let mut host = Host::at(&format!("unix:{}", folder.join("s")), ServerOptions::default(), echo);
    let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let requests = |host: &Host| host.seen.iter().filter(|it| matches!(it, EventKind::Request { .. })).count();
    // How many answers the kernel keeps for who does not read: the next one waits, and no request is read behind that.
    let (mut full, mut other) = (host.connect(), host.connect());
    full.deaf = true;
    let mut kept = 0;
    loop {
        let before = requests(&host);
        full.write(get);
        answer(&mut host, &mut other, get);
        match requests(&host) - before {
            2 => kept += 1,
            _ => break,
        }
    }
    let mut client = host.connect();
    client.deaf = true;
    for _ in 1..kept {
        client.write(get);
        let before = requests(&host);
        host.until("a request", |host| requests(host) > before);
    }
    client.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    // When this is answered, that has been looked at.
    answer(&mut host, &mut other, get);
    client.deaf = false;
    host.until("the wish for the body", |_| {
        client.work();
        client.got.ends_with(b"HTTP/1.1 100 Continue\r\n\r\n")
    });
    client.write("ab");
    host.until("the answer", |_| {
        client.work();
        client.got.ends_with(b"POST / ab")
    });
}

#[test]
fn an_http_1_0_request_is_answered_and_the_connection_closed() {
    let mut host = Host::new(ServerOptions::default());
    let (status, text) = last_words(&mut host, "GET /old HTTP/1.0\r\n\r\n");
    assert_eq!(status, 200);
    assert!(text.contains("Connection: close\r\n") && text.ends_with("GET /old "), "{text}");
}

#[test]
fn what_is_no_request_is_told_so() {
    let mut host = Host::new(ServerOptions::default());
    for (expected, bytes) in [
        (400, &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..]),
        (400, b"hello there\r\n\r\n"),
        (400, b"\x00\x01\x02\x03"),
        (400, b"GET / HTTP/1.1\r\n\r\n"),
        (411, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (413, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n"),
        (501, b"BREW /coffee HTTP/1.1\r\nHost: x\r\n\r\n"),
        (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x12\x04\x00\x00\x00\x00\x00"),
    ] {
        let (status, text) = last_words(&mut host, bytes);
        assert_eq!(status, expected, "{text}");
        assert!(text.contains("Connection: close\r\n"), "{text}");
    }
    assert!(host.seen.is_empty(), "the program was bothered with {:?}", host.seen);
}

#[test]
fn heads_and_bodies_have_limits() {
    let options = ServerOptions { max_head: 1000, max_body: 10, ..ServerOptions::default() };
    let mut host = Host::new(options);
    let long = "x".repeat(200_000);
    let flood: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    for (expected, bytes) in [
        (414, format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n")),
        (431, format!("GET / HTTP/1.1\r\nHost: x\r\nCookie: {long}\r\n\r\n")),
        (431, format!("GET / HTTP/1.1\r\nHost: x\r\n{flood}\r\n")),
        (413, format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{long}", long.len())),
    ] {
        let (status, text) = last_words(&mut host, bytes);
        assert_eq!(status, expected, "{text}");
    }
}

#[test]
fn slow_heads_and_bodies_are_cut_off() {
    let options = ServerOptions { handshake_timeout: Duration::from_millis(150), ..ServerOptions::default() };
    let mut host = Host::new(options);
    for bytes in
        ["GET / HT", "GET / HTTP/1.1\r\nHost: x\r\nA: ", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc"]
    {
        let (status, text) = last_words(&mut host, bytes);
        assert_eq!(status, 408, "{text}");
    }
    // A byte now and then gains nothing.
    let mut client = host.connect();
    client.write("GET / HTTP/1.1\r\nHost: x\r\nA: ");
    let mut dribble = 0;
    host.until("the cut", |_| {
        dribble += 1;
        if dribble % 10 == 0 {
            client.write("a");
        }
        client.work();
        client.ended
    });
    assert!(client.got.starts_with(b"HTTP/1.1 408 "));
    // Who says nothing is told nothing.
    let mut quiet = host.connect();
    assert_eq!(host.rest(&mut quiet), b"");
    // Nor does an idle connection stay for ever, after an answer, for which there is time enough here.
    let options = ServerOptions { handshake_timeout: Duration::from_secs(2), ..ServerOptions::default() };
    let mut host = Host::new(options);
    let mut idle = host.connect();
    answer(&mut host, &mut idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(host.rest(&mut idle), b"");
}

#[test]
fn handshakes() {
    let mut host = Host::new(ServerOptions::default());
    let (client, conn) = host.open();
    assert!(
        matches!(&host.seen[0], EventKind::Upgrade { head, .. } if head.target == "/ws" && head.remote.starts_with("127.0.0.1:"))
    );
    assert!(host.lp.websocket().remote(conn).unwrap().starts_with("127.0.0.1:"));
    assert_eq!(host.lp.websocket().connections(host.server), Some(1));
    drop(client);
    assert_eq!(host.closed(conn).0, 1006);
    assert_eq!(host.lp.websocket().connections(host.server), Some(0));

    for (expected, words, bytes) in [
        (400, "Sec-WebSocket-Key", upgrade("").replace("Sec-WebSocket-Key: dGhl", "Sec-WebSocket-Key: ")),
        (400, "Connection", upgrade("").replace("Connection: Upgrade", "Connection: close")),
        (403, "origin", upgrade("Origin: https://evil.example\r\n")),
        (403, "origin", upgrade("Origin: null\r\n")),
        (405, "Allow: GET", upgrade("").replace("GET", "POST")),
        (426, "Sec-WebSocket-Version: 13", upgrade("").replace("Version: 13", "Version: 7")),
        (426, "proxy_http_version", upgrade("").replace("HTTP/1.1", "HTTP/1.0")),
    ] {
        let (status, text) = last_words(&mut host, bytes);
        assert_eq!(status, expected, "{text}");
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn origins_and_subprotocols() {
    let options = ServerOptions {
        origins: Origins::These(vec!["https://panel.example".into()]),
        subprotocols: vec!["tty".into(), "chat".into()],
        ..ServerOptions::default()
    };
    let mut host = Host::new(options);
    let mut ask = |more: &str| {
        let mut client = host.connect();
        host.ask(&mut client, upgrade(more))
    };
    assert!(ask("Origin: https://example.org\r\n").starts_with("HTTP/1.1 403"));
    assert!(ask("Origin: https://PANEL.example\r\n").starts_with("HTTP/1.1 101"));
    assert!(!ask("Sec-WebSocket-Protocol: other\r\n").contains("Sec-WebSocket-Protocol"));
    assert!(ask("Sec-WebSocket-Protocol: chat, tty\r\n").contains("Sec-WebSocket-Protocol: tty\r\n"));
}

#[test]
fn the_program_refuses_and_chooses() {
    let mut host = Host::at("127.0.0.1:0", ServerOptions::default(), silent);
    let mut client = host.connect();
    client.write(upgrade("Sec-WebSocket-Protocol: a, b\r\n"));
    host.until("the question", |host| !host.seen.is_empty());
    let EventKind::Upgrade { request, .. } = host.seen.remove(0) else { panic!() };
    let mut commands = host.lp.websocket();
    assert!(matches!(commands.accept(request, Some("c")), Err(Error::Invalid(_))));
    assert!(matches!(commands.respond(request, 101, &[], b""), Err(Error::Invalid(_))));
    assert!(matches!(commands.respond(request, 403, &[("a", b"b\r\nc: d")], b""), Err(Error::Invalid(_))));
    let conn = commands.accept(request, Some("b")).unwrap();
    assert_eq!(commands.accept(request, None), Err(Error::Stale("request")));
    assert_eq!(commands.respond(request, 200, &[], b""), Err(Error::Stale("request")));
    assert!(host.head(&mut client).contains("Sec-WebSocket-Protocol: b\r\n"));
    host.until("open", |host| matches!(host.seen[..], [EventKind::Open { conn: it }] if it == conn));

    let mut client = host.connect();
    client.write(upgrade(""));
    host.until("the question", |host| host.seen.len() == 2);
    let Some(EventKind::Upgrade { request, .. }) = host.seen.pop() else { panic!() };
    host.lp.websocket().respond(request, 401, &[("WWW-Authenticate", b"Basic")], b"who are you?").unwrap();
    let text = String::from_utf8(host.rest(&mut client)).unwrap();
    assert!(text.starts_with("HTTP/1.1 401 Unauthorized\r\n") && text.ends_with("who are you?"), "{text}");
    assert!(text.contains("WWW-Authenticate: Basic\r\n"), "{text}");
}

#[test]
fn a_plain_request_cannot_become_a_websocket() {
    let mut host = Host::at("127.0.0.1:0", ServerOptions::default(), silent);
    let mut client = host.connect();
    client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    host.until("the question", |host| !host.seen.is_empty());
    let EventKind::Request { request, .. } = host.seen.remove(0) else { panic!() };
    assert!(matches!(host.lp.websocket().accept(request, None), Err(Error::Invalid(_))));
    host.lp.websocket().respond(request, 204, &[], b"").unwrap();
    let head = host.head(&mut client);
    assert!(head.starts_with("HTTP/1.1 204 No Content\r\n") && !head.contains("Length"), "{head}");
}

#[test]
fn a_large_answer_arrives_whole() {
    let body = vec![b'x'; 8 << 20];
    let copy = body.clone();
    let mut host = Host::at("127.0.0.1:0", ServerOptions::default(), move |lp, event| match event {
        EventKind::Request { request, .. } => lp.websocket().respond(*request, 200, &[], &copy).unwrap(),
        event => echo(lp, event),
    });
    let mut client = host.connect();
    client.deaf = true;
    client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    host.until("the question", |host| !host.seen.is_empty());
    client.deaf = false;
    host.head(&mut client);
    assert!(host.bytes(&mut client, body.len()) == body);
    host.head(&mut client);
    assert!(host.rest(&mut client) == body);
}
