//! Addresses where no Engine answers.

use crate::support::{DockerDriver, Peer, TempDir, in_fork};
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
