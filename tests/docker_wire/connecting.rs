//! Addresses where no Engine answers.

use crate::support::{DockerDriver, FakeEngine, Peer, TempDir, UPGRADED, in_fork};
use std::os::unix::net::UnixListener;
use std::time::Duration;
use towline::docker::{Call, DockerOptions, Error};

fn failure(address: &str) -> Error {
    let mut it = DockerDriver::new();
    let options = DockerOptions {
        address: Some(address.to_owned()),
        timeout: Duration::from_millis(200),
        ..DockerOptions::default()
    };
    let client = it.client_with(options);
    let call = it.docker().call(client, Call::version()).unwrap();
    it.call_error(call)
}

#[test]
fn without_permission_the_group_is_named() {
    let folder = TempDir::new();
    let path = folder.join("engine.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let code = in_fork(|| {
        // SAFETY: system calls; root, who may do everything, becomes nobody.
        if unsafe { libc::geteuid() == 0 && (libc::setgid(65534) != 0 || libc::setuid(65534) != 0) } {
            return 2;
        }
        let allowed = std::os::unix::net::UnixStream::connect(&path).is_ok();
        match failure(&path) {
            _ if allowed => 3,
            Error::Connect { address, reason } if address == path && reason.contains("`docker`") => 0,
            _ => 1,
        }
    });
    assert_eq!(code, 0, "3: this user may connect, so run the tests as root");
}

#[test]
fn a_socket_that_nobody_serves_is_told() {
    let folder = TempDir::new();
    let path = folder.join("engine.sock");
    drop(UnixListener::bind(&path).unwrap());
    std::fs::write(folder.join("file"), "").unwrap();
    for (path, words) in [(path, "daemon running"), (folder.join("file"), "daemon running")] {
        let error = failure(&path);
        assert!(matches!(&error, Error::Connect { reason, .. } if reason.contains(words)), "{error:?}");
    }
}

#[test]
fn servers_of_other_kinds_are_no_engines() {
    for (answer, words) in [
        (&b"HTTP/1.1 404 Not Found\r\nServer: x\r\nContent-Length: 6\r\n\r\n<html>"[..], "no Docker Engine"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", "no Docker Engine"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        (b"\x15\x03\x01\0\x02\x02\x46", "TLS"),
        (b"220 mail.example.org ESMTP\r\n", "HTTP"),
        (b"-ERR unknown command\r\n", "HTTP"),
        (b"\x01\x0b\0\0\0\x08\0\0\x09\0\0\0\0\0\0\0", "HTTP"),
        (b"", "closed"),
    ] {
        for tcp in [false, true] {
            let peer = Peer::on(tcp, move |conn| {
                conn.read_some(&mut [0; 4096]);
                conn.send(answer);
                conn.half_close();
                conn.drain();
            });
            let error = failure(&peer.address);
            assert!(matches!(error, Error::Protocol(_) | Error::Closed(_)), "{error:?}");
            assert!(error.to_string().contains(words), "{error} ({words})");
        }
    }
    let silent = Peer::unix(|conn| conn.drain());
    let error = failure(&silent.address);
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}

fn option(fd: i32, level: i32, name: i32) -> i32 {
    let (mut value, mut length) = (0_i32, size_of::<i32>() as libc::socklen_t);
    // SAFETY: the option is one int, for which there is room.
    let got = unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &raw mut length) };
    assert_eq!(got, 0);
    value
}

/// The descriptor in this process that is connected to this port.
fn connected_to(port: u16) -> i32 {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let numbers = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let mut found = numbers.filter(|fd| {
        // SAFETY: an address of any kind fits; a descriptor that is none, or no socket, is an error.
        let peer = unsafe {
            let (mut address, mut length) =
                (std::mem::zeroed::<libc::sockaddr_in>(), size_of::<libc::sockaddr_in>() as libc::socklen_t);
            let got = libc::getpeername(*fd, (&raw mut address).cast(), &raw mut length);
            (got == 0).then_some(address)
        };
        peer.is_some_and(|peer| i32::from(peer.sin_family) == libc::AF_INET && u16::from_be(peer.sin_port) == port)
    });
    found.next().unwrap()
}

#[test]
fn a_silent_stream_is_probed() {
    let engine = FakeEngine::on(true, |request, conn| {
        request.path() == "/exec/e1/start" && conn.send(UPGRADED.as_bytes()) && conn.await_close()
    });
    let port = engine.address.rsplit(':').next().unwrap().parse().unwrap();
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "web", &["sleep"]);
    it.until_open(stream);
    let fd = connected_to(port);
    assert_eq!(option(fd, libc::SOL_SOCKET, libc::SO_KEEPALIVE), 1);
    assert_eq!(option(fd, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE), 30);
    assert_eq!(option(fd, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL), 30);
}
