//! Addresses, transports, the outbound buffer, look-ups.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

mod support;

use bytes::BytesMut;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;
use support::{Driver, FullBacklog, Peer, Prng, TempDir, in_fork};
use towline::fastcgi::{Error, Request};
use towline::net::{Address, Closing, Connected, Endpoint, Flushed, Outbound, Transport};

fn unix_pair() -> (Transport, UnixStream) {
    let dir = TempDir::new();
    let path = dir.join("a.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let (transport, connected) = Transport::connect(&Endpoint::Unix(PathBuf::from(&path))).unwrap();
    assert_eq!(connected, Connected::Now);
    (transport, listener.accept().unwrap().0)
}

fn tcp_pair() -> (Transport, std::net::TcpStream) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (transport, connected) = Transport::connect(&Endpoint::Tcp(listener.local_addr().unwrap())).unwrap();
    assert_eq!(connected, Connected::Later);
    let stream = listener.accept().unwrap().0;
    transport.finish_connect().unwrap();
    (transport, stream)
}

/// Reads, waiting for what is under way.
fn read(transport: &Transport, buffer: &mut BytesMut) -> std::io::Result<usize> {
    buffer.reserve(64);
    loop {
        match transport.read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            result => return result,
        }
    }
}

#[test]
fn any_text_is_an_address_or_an_error() {
    let mut prng = Prng::new(3);
    let pieces = ["unix:", "tcp://", "[", "]", ":", "::1", "127.0.0.1", "9000", "/", "a", "\0", "é", "65536", "0", " "];
    let mut good = 0;
    for _ in 0..20_000 {
        let text: String = (0..prng.next() % 6).map(|_| pieces[(prng.next() % pieces.len() as u64) as usize]).collect();
        if let Ok(address) = Address::parse(&text) {
            good += 1;
            let shown = address.to_string();
            // Two slashes in front of a path look like the other notation.
            if !shown.starts_with("unix://") {
                assert_eq!(Address::parse(&shown).unwrap(), address, "{text:?} shown as {shown:?}");
            }
        }
    }
    assert!(good > 100, "{good} good ones");
}

#[test]
fn a_full_backlog_is_would_block() {
    let full = FullBacklog::unix();
    let path = PathBuf::from(full.address.strip_prefix("unix:").unwrap());
    let error = Transport::connect(&Endpoint::Unix(path)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let full = FullBacklog::tcp();
    let address = full.address.strip_prefix("tcp://").unwrap().parse().unwrap();
    let (transport, connected) = Transport::connect(&Endpoint::Tcp(address)).unwrap();
    assert_eq!(connected, Connected::Later);
    assert_eq!(transport.finish_connect().unwrap_err().kind(), ErrorKind::NotConnected);
}

#[test]
fn how_a_unix_peer_has_closed_is_known() {
    let mut buffer = BytesMut::new();
    let (transport, mut peer) = unix_pair();
    assert!(transport.is_quiet());
    peer.write_all(b"x").unwrap();
    assert!(!transport.is_quiet());
    assert_eq!(read(&transport, &mut buffer).unwrap(), 1);
    assert!(transport.is_quiet());
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(!transport.is_quiet());
    assert_eq!((read(&transport, &mut buffer).unwrap(), transport.closing()), (0, Closing::Half));
    drop(peer);
    assert_eq!((read(&transport, &mut buffer).unwrap(), transport.closing()), (0, Closing::Full));

    // What was sent and not read before the end is a reset.
    let (transport, peer) = unix_pair();
    transport.send(b"unread").unwrap();
    drop(peer);
    assert_eq!(read(&transport, &mut buffer).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(!transport.is_quiet());
}

#[test]
fn how_a_tcp_peer_has_closed_takes_a_probe() {
    let probe = |transport: &Transport| {
        let mut buffer = BytesMut::new();
        assert_eq!((read(transport, &mut buffer).unwrap(), transport.closing()), (0, Closing::Unknown));
        transport.probe();
        loop {
            match transport.probed() {
                Some(how) => return how,
                None => std::thread::yield_now(),
            }
        }
    };
    let (transport, peer) = tcp_pair();
    assert!(transport.is_quiet());
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(probe(&transport), Closing::Half);
    // With something sent before, which the peer has not read.
    let (transport, peer) = tcp_pair();
    transport.send(b"request").unwrap();
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(probe(&transport), Closing::Half);
    let (transport, peer) = tcp_pair();
    drop(peer);
    assert_eq!(probe(&transport), Closing::Full);
    let (transport, mut peer) = tcp_pair();
    transport.send(b"request").unwrap();
    peer.read_exact(&mut [0; 7]).unwrap();
    drop(peer);
    assert_eq!(probe(&transport), Closing::Full);
}

#[test]
fn the_outbound_buffer_lets_go_of_what_the_kernel_takes() {
    let (transport, mut peer) = unix_pair();
    let bytes = Prng::new(4).bytes(3 << 20);
    let mut out = Outbound::new(bytes.clone());
    assert_eq!(out.flush(&transport).unwrap(), Flushed::Blocked);
    assert!(out.sent() > 0);
    assert_eq!(out.sent() + out.left(), bytes.len());
    let reader = std::thread::spawn(move || {
        let mut got = vec![0; 3 << 20];
        peer.read_exact(&mut got).unwrap();
        (got, peer)
    });
    while out.flush(&transport).unwrap() == Flushed::Blocked {
        std::thread::yield_now();
    }
    let (got, mut peer) = reader.join().unwrap();
    assert!(got == bytes);
    assert_eq!((out.left(), out.sent()), (0, bytes.len()));
    out.refill().extend_from_slice(b"more");
    assert_eq!((out.left(), out.sent()), (4, 0));
    assert_eq!(out.flush(&transport).unwrap(), Flushed::All);
    let mut four = [0; 4];
    peer.read_exact(&mut four).unwrap();
    assert_eq!(&four, b"more");
    out.rewind();
    assert_eq!(out.left(), 4);
    drop(peer);
    assert_eq!(out.flush(&transport).unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn no_sigpipe_is_raised() {
    for tcp in [false, true] {
        let (closed, wait) = std::sync::mpsc::channel();
        let peer = Peer::on(tcp, move |conn| {
            conn.read_params();
            conn.close();
            let _ = closed.send(());
        });
        let code = in_fork(|| {
            // SAFETY: a plain system call in the child; Rust's start-up has SIGPIPE ignored.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
            let mut driver = Driver::new();
            let client = driver.plain(&peer.address);
            let request = Request::builder("/a.php").method("POST").content_length(1 << 20).build().unwrap();
            let key = driver.send_asking(client, &request);
            // Asked again and again, so that something is written after the peer has closed.
            driver.until("the end", |driver| {
                let _ = driver.lp.fastcgi().body(key, Some(b"x")).is_ok();
                driver.has_ended(key)
            });
            u8::from(matches!(driver.error(key), Error::Closed(_) | Error::Invalid(_)))
        });
        assert_eq!(code, 1, "tcp: {tcp}");
        wait.recv().unwrap();
        // Below the client: the second write to a closed peer would be the one.
        let code = in_fork(|| {
            // SAFETY: as above.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
            let (transport, peer) = unix_pair();
            drop(peer);
            u8::from(transport.send(b"x").is_err_and(|error| error.kind() == ErrorKind::BrokenPipe))
        });
        assert_eq!(code, 1);
    }
}

#[test]
fn look_ups_end_in_addresses_or_words() {
    let mut driver = Driver::new();
    let tag = towline::reactor::Tag { source: 9, kind: 0, id: 0 };
    let good = towline::net::resolve("localhost", 80, driver.lp.waker(), tag).unwrap();
    let bad = towline::net::resolve(&"x".repeat(70), 80, driver.lp.waker(), tag).unwrap();
    let (mut found, mut failed) = (None, None);
    driver.until("both", |_| {
        found = found.take().or_else(|| good.take());
        failed = failed.take().or_else(|| bad.take());
        found.is_some() && failed.is_some()
    });
    assert!(found.unwrap().unwrap().iter().all(|address| address.ip().is_loopback() && address.port() == 80));
    assert!(!failed.unwrap().unwrap_err().is_empty());
    assert!(good.take().is_none(), "an outcome is taken once");
    driver.turn(Duration::ZERO);
}
