//! What comes over the wire and should not, and what comes in pieces and should.

use super::support::{Conn, Driver, Peer};
use super::{get, post};
use std::time::Duration;
use towline::fastcgi::{ClientOptions, Error, MAX_HEAD, Phase, Role, SendOptions};

/// GETs from a peer that reads the request and then sends `bytes`, and yields the error.
fn error_after(tcp: bool, bytes: &[u8]) -> Error {
    let bytes = bytes.to_vec();
    let peer = Peer::on(tcp, move |conn| {
        conn.read_request();
        conn.send(&bytes);
        conn.half_close();
        conn.drain();
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    let key = driver.send(client, &get());
    driver.error(key)
}

#[test]
fn what_is_no_fastcgi_server_is_named() {
    for (bytes, words) in [
        (&b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"[..], "an HTTP server?"),
        (b"H", "an HTTP server?"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "an SSH server?"),
        (&[0x15, 3, 1, 0, 2, 2, 70], "a TLS server?"),
        (b"\0garbage", "0x00"),
        (&[2, 6, 0, 1, 0, 0, 0, 0], "0x02"),
    ] {
        for tcp in [false, true] {
            let error = error_after(tcp, bytes);
            assert!(matches!(error, Error::Protocol(_)), "{error:?}");
            assert!(error.to_string().contains("not a FastCGI server"), "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}

#[test]
fn a_server_that_speaks_first_is_no_fastcgi_server() {
    for tcp in [false, true] {
        let peer = Peer::on(tcp, |conn| {
            conn.send(b"220 mail.example.org ESMTP\r\n");
            conn.drain();
        });
        let mut driver = Driver::new();
        let client = driver.plain(&peer.address);
        // Too large for the kernel's buffers: the client has to read while it cannot send.
        let key = driver.send_body(client, &post(16 << 20), &vec![0; 16 << 20]);
        let error = driver.error(key);
        assert!(error.to_string().contains("not a FastCGI server"), "{error}");
    }
}

#[test]
fn a_greeting_from_a_server_that_never_reads_is_seen() {
    for tcp in [false, true] {
        let (greeted, stay) = (std::sync::Mutex::new(()), std::sync::Arc::new(std::sync::Barrier::new(2)));
        let over = std::sync::Arc::clone(&stay);
        let peer = Peer::on(tcp, move |conn| {
            let _one = greeted.lock();
            conn.send(b"220 ready\r\n");
            over.wait();
        });
        let mut driver = Driver::new();
        let client = driver.plain(&peer.address);
        let key = driver.send_body(client, &post(16 << 20), &vec![0; 16 << 20]);
        let error = driver.error(key);
        assert!(error.to_string().contains("not a FastCGI server"), "{error}");
        stay.wait();
    }
}

#[test]
fn silence_ends_with_the_first_byte_deadline() {
    let peer = Peer::unix(|conn| conn.drain());
    let mut driver = Driver::new();
    let after = Duration::from_millis(30);
    let options = ClientOptions { first_byte_timeout: Some(after), ..ClientOptions::default() };
    let client = driver.client(&[&peer.address], options);
    let key = driver.send(client, &get());
    let Error::Timeout { phase, after: told, address } = driver.error(key) else { panic!("not a timeout") };
    assert_eq!((phase, told, address), (Phase::FirstByte, after, peer.address.clone()));
}

#[test]
fn wrong_types_and_ids_are_named() {
    for (bytes, words) in [
        (vec![1, 99, 0, 1, 0, 0, 0, 0], "record type 99"),
        (vec![1, 0, 0, 1, 0, 0, 0, 0], "record type 0"),
        (vec![1, 1, 0, 1, 0, 8, 0, 0], "record type 1"),
        (vec![1, 6, 0, 2, 0, 0, 0, 0], "request id 2"),
        (vec![1, 6, 0, 0, 0, 0, 0, 0], "request id 0"),
        (vec![1, 3, 1, 1, 0, 8, 0, 0], "request id 257"),
        (Conn::record(10, b"", 0), "not asked for"),
        (Conn::record(11, &[42, 0, 0, 0, 0, 0, 0, 0], 0), "record type 42"),
        (Conn::record(3, &[0; 7], 0), "END_REQUEST of 7 bytes"),
        (Conn::record(3, &[0; 9], 0), "END_REQUEST of 9 bytes"),
        (Conn::record(3, &[0, 0, 0, 0, 9, 0, 0, 0], 0), "protocol status 9"),
        (Conn::record(3, &[0, 0, 0, 0, 1, 0, 0, 0], 0), "one request per connection"),
        (Conn::record(3, &[0, 0, 0, 0, 3, 0, 0, 0], 0), "does not know the role"),
        (Conn::record(3, &[0, 0, 0, 0, 2, 0, 0, 0], 0), "overloaded"),
    ] {
        let error = error_after(false, &bytes);
        assert!(matches!(error, Error::Protocol(_)), "{error:?}");
        assert!(error.to_string().contains(words), "{error}, expected {words}");
    }
}

#[test]
fn truncation_is_an_error_that_says_where() {
    let head = Conn::record(6, b"A: b\r\n\r\nhello", 5);
    let cases: [(Vec<u8>, &str); 6] = [
        (head.clone(), "before END_REQUEST"),
        (head[..5].to_vec(), "inside a record's header"),
        (head[..12].to_vec(), "inside a record's content"),
        (head[..head.len() - 2].to_vec(), "inside a record's padding"),
        ([&head[..], &Conn::record(3, &[0; 8], 0)[..8]].concat(), "inside END_REQUEST"),
        ([&head[..], &Conn::record(3, &[0; 8], 0)[..15]].concat(), "inside END_REQUEST"),
    ];
    for (bytes, words) in cases {
        for tcp in [false, true] {
            let error = error_after(tcp, &bytes);
            assert!(matches!(error, Error::Closed(_)), "{error:?}");
            assert!(error.to_string().contains(words), "{error}, expected {words}");
        }
    }
}

#[test]
fn a_large_answer_cut_before_the_client_reads_is_seen_as_cut() {
    for tcp in [false, true] {
        // More than one turn reads, with the end already there when the reading begins.
        let (sent, done) = std::sync::mpsc::channel();
        let peer = Peer::on(tcp, move |conn| {
            conn.read_request();
            conn.stdout(b"A: b\r\n\r\n");
            conn.stdout(&vec![b'x'; 3 << 20]);
            conn.half_close();
            let _ = sent.send(());
            conn.drain();
        });
        let mut driver = Driver::new();
        let client = driver.plain(&peer.address);
        let key = driver.send(client, &get());
        let error = driver.error(key);
        assert!(error.to_string().contains("before END_REQUEST"), "{error}");
        done.recv().unwrap();
    }
}

#[test]
fn endless_headers_hit_a_limit() {
    let peer = Peer::unix(|conn| {
        conn.read_request();
        while conn.stdout(b"X-Header: and another one of those\r\n") {}
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    let key = driver.send(client, &get());
    let error = driver.error(key);
    assert!(matches!(&error, Error::Protocol(text) if text.contains(&MAX_HEAD.to_string())), "{error}");
}

#[test]
fn an_answer_above_the_limit_is_refused() {
    for kind in [6, 7] {
        let peer = Peer::unix(move |conn| {
            conn.read_request();
            conn.stdout(b"\r\n");
            while conn.send(&Conn::record(kind, &[b'x'; 10_000], 0)) {}
        });
        let mut driver = Driver::new();
        let options = ClientOptions { max_response: 100_000, ..ClientOptions::default() };
        let client = driver.client(&[&peer.address], options.clone());
        let key = driver.send(client, &get());
        let error = driver.error(key);
        assert!(matches!(&error, Error::Protocol(text) if text.contains("100000 bytes allowed")), "{error}");
    }
}

#[test]
fn an_answer_of_just_the_limit_or_streamed_is_fine() {
    let peer = Peer::unix(|conn| {
        while conn.read_request().is_some() {
            conn.answer(&[b'x'; 100_000]);
        }
    });
    let mut driver = Driver::new();
    let client = |driver: &mut Driver, limit| {
        driver.client(&[&peer.address], ClientOptions { max_response: limit, ..ClientOptions::default() })
    };
    let exact = client(&mut driver, 100_000);
    assert_eq!(driver.get(exact, "/a.php").body.len(), 100_000);
    let small = client(&mut driver, 10);
    let options = SendOptions { stream_body: true, ..SendOptions::default() };
    let key = driver.send_with(small, &get(), b"", options);
    assert_eq!(driver.answer(key).body, b"");
    assert_eq!(driver.seen[&key].body.len(), 100_000);
}

#[test]
fn an_answer_in_pieces_of_any_size_is_one_answer() {
    let mut bytes = Conn::record(7, b"notice; ", 3);
    bytes.extend(Conn::record(6, b"Status: 404 Not Found\r\nSet-Cookie: a=1\r\nSet-Coo", 1));
    bytes.extend(Conn::record(6, b"kie: b=2\r", 0));
    bytes.extend(Conn::record(6, b"", 0));
    bytes.extend(Conn::record(6, b"\n\r\nbody", 7));
    bytes.extend(Conn::record(7, b"warning", 0));
    bytes.extend(Conn::record(6, b" more", 2));
    bytes.extend(Conn::record(3, &[0, 0, 0, 7, 0, 0, 0, 0], 4));
    for size in [1, 2, 3, 5, 7, 8, 9, 13, 64] {
        let bytes = bytes.clone();
        let peer = Peer::unix(move |conn| {
            while conn.read_request().is_some() {
                conn.send_pieces(&bytes, size);
            }
        });
        let mut driver = Driver::new();
        let client = driver.plain(&peer.address);
        let options = SendOptions { want_head: true, ..SendOptions::default() };
        let key = driver.send_with(client, &get(), b"", options);
        let response = driver.answer(key);
        assert_eq!((response.head.status(), &response.body[..]), (404, &b"body more"[..]), "pieces of {size}");
        assert_eq!((&response.stderr[..], response.app_status), (&b"notice; warning"[..], 7));
        let cookies: Vec<_> = response.head.fields().filter(|(name, _)| *name == b"set-cookie").collect();
        assert_eq!(cookies.len(), 2);
        assert_eq!(driver.seen[&key].heads, [response.head]);
    }
}

#[test]
fn stderr_comes_apart_when_asked_for() {
    let peer = Peer::unix(|conn| {
        conn.read_request();
        conn.send(&Conn::record(7, b"early", 0));
        conn.send(&Conn::record(6, b"\r\nbody", 0));
        conn.send(&Conn::record(7, b" late", 0));
        conn.end();
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    let options = SendOptions { stream_stderr: true, stream_body: true, ..SendOptions::default() };
    let key = driver.send_with(client, &get(), b"", options);
    let response = driver.answer(key);
    assert_eq!((response.body, response.stderr), (Vec::new(), Vec::new()));
    assert_eq!((&driver.seen[&key].body[..], &driver.seen[&key].stderr[..]), (&b"body"[..], &b"early late"[..]));
}

#[test]
fn an_answer_without_a_word_is_an_empty_one() {
    let peer = Peer::unix(|conn| {
        conn.read_request();
        conn.end();
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    let response = driver.get(client, "/a.php");
    assert_eq!((response.head.status(), response.head.fields().count(), response.body.len()), (200, 0, 0));
}

#[test]
fn bad_heads_are_named() {
    for (head, words) in [
        ("no colon\r\n\r\n", "no colon"),
        ("Status: none\r\n\r\n", "none"),
        ("Status: 42\r\n\r\n", "42"),
        ("HTTP/1.1 ok\r\n\r\n", "HTTP/1.1 ok"),
        (": empty\r\n\r\n", ": empty"),
    ] {
        let error = error_after(false, &[Conn::record(6, head.as_bytes(), 0), Conn::record(3, &[0; 8], 0)].concat());
        assert!(matches!(&error, Error::Protocol(text) if text.contains(words)), "{error}");
    }
}

#[test]
fn a_body_that_looks_like_the_end_of_a_head_is_kept() {
    let peer = Peer::unix(|conn| {
        conn.read_request();
        conn.stdout(b"\r\n\r\nfirst line was empty");
        conn.end();
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    assert_eq!(driver.get(client, "/a.php").body, b"\r\nfirst line was empty");
}

#[test]
fn requests_are_encoded_as_php_fpm_wants_them() {
    use std::sync::{Arc, Mutex};
    let requests = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&requests);
    let peer = Peer::unix(move |conn| {
        while let Some(request) = conn.read_request() {
            into.lock().unwrap().push(request);
            conn.answer(b"");
        }
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    let mut builder = towline::fastcgi::Request::builder("/srv/a.php").method("POST").content_length(65_536);
    for n in 0..2000 {
        builder = builder.param(format!("P{n}"), vec![b'v'; n % 300]);
    }
    let key = driver.send_body(client, &builder.build().unwrap(), &[7; 65_536]);
    driver.answer(key);
    let filter = towline::fastcgi::Request::builder("/srv/a.php").role(Role::Filter).data(vec![8; 70_000]);
    let key = driver.send(client, &filter.build().unwrap());
    driver.answer(key);
    let authorizer = towline::fastcgi::Request::builder("/srv/a.php").role(Role::Authorizer).build().unwrap();
    let key = driver.send(client, &authorizer);
    driver.answer(key);

    let requests = requests.lock().unwrap();
    let [responder, filter, authorizer] = &requests[..] else { panic!("{} requests", requests.len()) };
    assert!(requests.iter().flat_map(|r| &r.records).all(|(_, id, _, padding)| (*id, *padding) == (1, 0)));
    assert_eq!((responder.role, responder.keep, responder.stdin.len()), (1, true, 65_536));
    assert!(responder.records.iter().filter(|(kind, ..)| *kind == 4).count() > 4, "several PARAMS records");
    assert_eq!(responder.param("CONTENT_LENGTH").as_deref(), Some("65536"));
    assert_eq!(responder.param("P299").map(|value| value.len()), Some(299));
    assert_eq!((filter.role, filter.keep, filter.data.len(), filter.stdin.len()), (3, false, 70_000, 0));
    assert_eq!(filter.param("FCGI_DATA_LENGTH").as_deref(), Some("70000"));
    assert_eq!((authorizer.role, authorizer.param("CONTENT_LENGTH")), (2, None));
}

#[test]
fn management_answers_are_checked() {
    let ask = |bytes: Vec<u8>| {
        let peer = Peer::unix(move |conn| {
            let (kind, id, ..) = conn.read_record().unwrap();
            assert_eq!((kind, id), (9, 0));
            conn.send(&bytes);
            conn.drain();
        });
        let mut driver = Driver::new();
        let client = driver.plain(&peer.address);
        let key = driver.get_values(client);
        driver.end(key)
    };
    use super::support::Ended;
    let Ended::Values(pairs) = ask(Conn::record(10, b"\x0f\x01FCGI_MPXS_CONNS0", 3)) else { panic!("no values") };
    assert_eq!(pairs, [(b"FCGI_MPXS_CONNS".to_vec(), b"0".to_vec())]);
    for (bytes, words) in [
        (Conn::record(10, b"\x0f\x09FCGI_MPXS_CONNS0", 0), "cut name-value pair"),
        (Conn::record(11, &[9, 0, 0, 0, 0, 0, 0, 0], 0), "record type 9"),
        ([Conn::record(6, b"\r\n", 0), Conn::record(3, &[0; 8], 0)].concat(), "GET_VALUES_RESULT"),
    ] {
        let Ended::Failed(Error::Protocol(text)) = ask(bytes) else { panic!("no protocol error") };
        assert!(text.contains(words), "{text}");
    }
}
