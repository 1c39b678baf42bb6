//! Connections that cannot be made, and what their errors say.

use super::get;
use super::support::{Driver, FullBacklog, Peer, TempDir, in_fork};
use std::time::Duration;
use towline::fastcgi::{ClientOptions, Error, Phase, Request};

/// The error of a GET from this address.
fn refusal(address: &str) -> Error {
    let mut driver = Driver::new();
    let client = driver.plain(address);
    let key = driver.send(client, &get());
    let error = driver.error(key);
    let stats = driver.lp.fastcgi().stats(client).unwrap();
    assert_eq!((stats.failed, stats.upstreams[0].refused, stats.connects), (1, 1, 0));
    assert!(!stats.upstreams[0].down, "the only upstream is never left alone");
    error
}

#[track_caller]
fn assert_connect(error: &Error, given: &str, words: &str) {
    let Error::Connect { address, reason } = error else { panic!("not a connect error: {error}") };
    assert_eq!(address, given);
    assert!(reason.contains(words), "{reason}, expected {words}");
}

#[test]
fn a_missing_socket() {
    let dir = TempDir::new();
    let path = dir.join("missing.sock");
    assert_connect(&refusal(&path), &path, "is php-fpm running");
}

#[test]
fn a_stale_socket_and_a_file_that_is_none() {
    let dir = TempDir::new();
    let stale = dir.join("stale.sock");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    assert_connect(&refusal(&stale), &stale, "nothing listens there");
    let file = dir.join("file");
    std::fs::write(&file, "").unwrap();
    assert_connect(&refusal(&file), &file, "nothing listens there");
}

#[test]
fn a_tcp_port_that_refuses() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for address in [format!("tcp://127.0.0.1:{port}"), format!("localhost:{port}")] {
        assert_connect(&refusal(&address), &address, "nothing listens there");
    }
}

#[test]
fn a_name_that_is_none() {
    // A label has at most 63 bytes, so no server is asked.
    let address = format!("tcp://{}.invalid:9000", "x".repeat(70));
    let error = refusal(&address);
    assert_connect(&error, &address, "");
}

#[test]
fn no_permission() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new();
    let path = dir.join("private.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Permissions do not bind root: a child that is nobody tries.
    let code = in_fork(|| {
        // SAFETY: plain system calls in the child alone.
        unsafe {
            if libc::getuid() == 0 {
                assert_eq!(
                    (libc::setgroups(0, std::ptr::null()), libc::setgid(65_534), libc::setuid(65_534)),
                    (0, 0, 0)
                );
            }
        }
        assert_connect(&refusal(&path), &path, "listen.owner");
        0
    });
    assert_eq!(code, 0);
}

#[test]
fn no_descriptors_left() {
    let peer = Peer::echo(false);
    let other = Peer::echo(false);
    let code = in_fork(|| {
        let mut driver = Driver::new();
        let client = driver.client(&[&peer.address, &other.address], ClientOptions::default());
        // SAFETY: plain system calls in the child alone; the highest descriptor in use bounds new ones.
        unsafe {
            let next = libc::dup(0);
            let limit = libc::rlimit { rlim_cur: next as libc::rlim_t, rlim_max: next as libc::rlim_t };
            libc::close(next);
            assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
        }
        let key = driver.send(client, &get());
        let error = driver.error(key);
        assert!(matches!(&error, Error::System(text) if text.contains("Too many open files")), "{error:?}");
        let stats = driver.lp.fastcgi().stats(client).unwrap();
        assert!(stats.upstreams.iter().all(|up| !up.down && up.refused == 0), "no upstream is to blame");
        0
    });
    assert_eq!(code, 0);
}

#[test]
fn a_full_backlog_is_waited_for_until_there_is_room() {
    let mut full = FullBacklog::unix();
    let mut driver = Driver::new();
    let client = driver.plain(&full.address);
    let key = driver.send(client, &get());
    driver.turn(Duration::from_millis(5));
    assert!(!driver.has_ended(key));
    // Room: what was inside is accepted and dropped, then comes the request.
    let inside = full.inside.len();
    full.inside.clear();
    let listener = full.listener.try_clone().unwrap();
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        for _ in 0..inside {
            drop(listener.accept().unwrap());
        }
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        assert!(stream.read(&mut buffer).unwrap() > 0);
        stream.write_all(&[1, 6, 0, 1, 0, 6, 0, 0, b'\r', b'\n', b'f', b'i', b'n', b'e']).unwrap();
        stream.write_all(&[1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
    });
    assert_eq!(driver.text(key), "fine");
    server.join().unwrap();
}

#[test]
fn a_full_backlog_meets_the_connect_deadline() {
    let after = Duration::from_millis(50);
    for full in [FullBacklog::unix(), FullBacklog::tcp()] {
        let mut driver = Driver::new();
        let options = ClientOptions { connect_timeout: after, ..ClientOptions::default() };
        let client = driver.client(&[&full.address], options);
        let key = driver.send(client, &get());
        let Error::Timeout { phase, after: told, address } = driver.error(key) else { panic!("not a timeout") };
        assert_eq!((phase, told, address), (Phase::Connect, after, full.address.clone()));
        assert_eq!(driver.lp.fastcgi().stats(client).unwrap().upstreams[0].refused, 1);
    }
}

#[test]
fn a_name_is_looked_up_for_all_who_wait() {
    let peer = Peer::echo(true);
    let port = peer.address.rsplit(':').next().unwrap();
    let mut driver = Driver::new();
    let client = driver.plain(&format!("localhost:{port}"));
    let keys: Vec<_> = (0..20).map(|_| driver.send(client, &get())).collect();
    for key in keys {
        assert_eq!(driver.text(key), "/srv/a.php");
    }
}

#[test]
fn bad_addresses_and_lists_are_refused_in_words() {
    let mut driver = Driver::new();
    for (addresses, words) in [
        (&[][..], "0 addresses"),
        (&["127.0.0.1"][..], "the port is missing"),
        (&["/a", "http://a:80"][..], "the scheme is not known"),
        (&["/x"; 65][..], "65 addresses"),
    ] {
        let error = driver.lp.fastcgi().client(addresses, ClientOptions::default()).unwrap_err();
        assert!(matches!(&error, Error::Invalid(text) if text.contains(words)), "{error}");
    }
}

#[test]
fn bad_requests_are_refused_before_sending() {
    let build = |builder: towline::fastcgi::RequestBuilder| builder.build().unwrap_err().to_string();
    let script = || Request::builder("/a.php");
    for (text, words) in [
        (build(Request::builder("")), "script path is empty"),
        (build(Request::builder("/a\0b")), "NUL"),
        (build(script().method("")), "no request method"),
        (build(script().method("GET IT")), "no request method"),
        (build(script().param("", "x")), "empty name"),
        (build(script().param("A=B", "x")), "'='"),
        (build(script().param("HTTP_PROXY", "x")), "httpoxy"),
        (build(script().param("http_proxy", "x")), "httpoxy"),
        (build(script().param("CONTENT_LENGTH", "7")), "contradicts"),
        (build(script().param("A", vec![0; 65_530])), "65536"),
        (script().header("Proxy", "x").unwrap_err().to_string(), "httpoxy"),
        (script().header("Content-Length", "1").unwrap_err().to_string(), "follows from the body"),
        (script().header("A B", "x").unwrap_err().to_string(), "no HTTP header name"),
    ] {
        assert!(text.contains(words), "{text}, expected {words}");
    }
    let mut driver = Driver::new();
    let client = driver.plain("/nowhere.sock");
    let body = towline::fastcgi::Body::Bytes(b"abc");
    let error = driver.lp.fastcgi().send(client, &super::post(4), body, Default::default()).unwrap_err();
    assert!(matches!(&error, Error::Invalid(text) if text.contains("3 bytes") && text.contains('4')), "{error}");
    assert_eq!(driver.lp.pending(), 0);
}

#[test]
fn nothing_is_connected_before_there_is_a_request() {
    // php-fpm gives an accepted connection five seconds to send its first byte, and a worker with it.
    let peer = Peer::echo(false);
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    driver.turn(Duration::from_millis(10));
    assert_eq!(peer.accepted(), 0);
    let keys = [driver.send(client, &get()), driver.send(client, &get())];
    for key in keys {
        driver.answer(key);
    }
    assert_eq!(peer.accepted(), 2, "one each, none to spare");
}

#[test]
fn the_last_value_of_a_param_counts() {
    let params =
        Request::builder("/a.php").param("A", "1").param("QUERY_STRING", "x=1").param("A", "2").params().unwrap();
    let values = |name: &[u8]| params.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone()).collect::<Vec<_>>();
    assert_eq!(values(b"A"), [b"2".to_vec()]);
    assert_eq!(values(b"QUERY_STRING"), [b"x=1".to_vec()]);
}
