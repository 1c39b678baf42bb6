//! An Engine behind TLS that asks for a client certificate.

use crate::engine::{Engine, docker, docker_tls};
use crate::support::{DockerDriver, exec, piped, terminal};
use std::path::Path;
use towline::docker::{DockerOptions, Error};
use towline::net::TlsFiles;

fn files(folder: &Path) -> TlsFiles {
    let file = |name: &str| Some(folder.join(name));
    TlsFiles { ca: file("ca.pem"), cert: file("cert.pem"), key: file("key.pem") }
}

fn options(engine: &Engine, who: &str) -> DockerOptions {
    DockerOptions {
        address: Some(engine.tcp().to_owned()),
        tls: files(&engine.certs().join(who)),
        ..DockerOptions::default()
    }
}

#[track_caller]
fn failure(options: DockerOptions, words: &str) {
    let mut it = DockerDriver::new();
    let client = it.client_with(options);
    let stream = it.exec(client, "web", &["true"]);
    let error = it.stream_error(stream);
    assert!(matches!(&error, Error::Connect { reason, .. } if reason.contains(words)), "{error:?}");
}

#[test]
fn everything_works_behind_tls() {
    let engine = docker_tls();
    let container = engine.container();
    let mut it = DockerDriver::new();
    let client = it.client_with(options(engine, "client"));
    let stream = it.exec(client, &container.name, &["sh", "-c", "echo out; echo err >&2; exit 3"]);
    let seen = it.end(stream);
    assert_eq!((seen.text().as_str(), seen.stderr.as_slice()), ("out\n", &b"err\n"[..]));
    assert_eq!(seen.ended, Some(Ok((Some(3), false))));

    // Half-closed by close_notify, with much on its way.
    let stream = it.exec_with(client, piped(&container.name, &["wc", "-c"]));
    it.docker().write(stream, &vec![b'x'; 5_000_000]).unwrap();
    it.docker().close_stdin(stream).unwrap();
    let seen = it.end(stream);
    assert_eq!((seen.text().trim(), seen.drains), ("5000000", 1));

    let stream = it.exec(client, &container.name, &["head", "-c", "20000000", "/dev/zero"]);
    assert_eq!(it.end(stream).stdout.len(), 20_000_000);

    let stream = it.exec_with(client, terminal(&container.name, &["sh"]));
    it.docker().write(stream, b"echo a''b; exit 4\n").unwrap();
    it.until_output(stream, "ab");
    assert_eq!(it.exit(stream), Some(4));
    assert!(it.docker().stats(client).unwrap().reused > 0);
}

#[test]
fn a_paused_stream_behind_tls_loses_nothing() {
    let engine = docker_tls();
    let container = engine.container();
    let mut it = DockerDriver::new();
    let client = it.client_with(options(engine, "client"));
    let stream = it.exec_with(client, exec(&container.name, &["seq", "1", "1000000"]));
    let mut turns = 0;
    it.until("the end", |it| {
        turns += 1;
        let _ = if turns % 5 == 0 { it.docker().resume(stream) } else { it.docker().pause(stream) };
        it.seen(stream).ended.is_some()
    });
    let expected: String = (1..=1_000_000).map(|n| format!("{n}\n")).collect();
    assert!(it.end(stream).text() == expected);
}

#[test]
fn who_may_not_enter_is_told_why() {
    let engine = docker_tls();
    // The stranger's CA has not signed the server's certificate.
    failure(options(engine, "stranger"), "another authority");
    let mut stranger = options(engine, "client");
    stranger.tls = TlsFiles { ca: stranger.tls.ca.clone(), ..files(&engine.certs().join("stranger")) };
    failure(stranger, "client certificate");
    let mut nobody = options(engine, "client");
    (nobody.tls.cert, nobody.tls.key) = (None, None);
    failure(nobody, "client certificate");
}

#[test]
fn a_certificate_that_is_no_good_is_told() {
    let expired = Engine::start(&["--tls", "--cert", "expired"]);
    failure(options(&expired, "client"), "expired");
    let other = Engine::start(&["--tls", "--cert", "wrong-name"]);
    failure(options(&other, "client"), "another name");
}

#[test]
fn tls_on_one_side_only_is_told() {
    let plain = DockerOptions { address: Some(docker_tls().tcp().to_owned()), ..DockerOptions::default() };
    failure(plain, "wants TLS");
    let tls = DockerOptions { address: Some(docker().tcp().to_owned()), ..options(docker_tls(), "client") };
    failure(tls, "does not speak TLS");
}

#[test]
fn files_that_are_no_good_are_refused_at_once() {
    let engine = docker_tls();
    let good = options(engine, "client");
    let other = files(&engine.certs().join("stranger"));
    let cases = [
        (TlsFiles { ca: Some("/nowhere.pem".into()), ..good.tls.clone() }, "/nowhere.pem"),
        (TlsFiles { ca: good.tls.key.clone(), ..good.tls.clone() }, "no certificate"),
        (TlsFiles { key: None, ..good.tls.clone() }, "key"),
        (TlsFiles { key: good.tls.cert.clone(), ..good.tls.clone() }, "no private key"),
        (TlsFiles { key: other.key, ..good.tls.clone() }, "does not go with"),
    ];
    for (tls, words) in cases {
        let mut it = DockerDriver::new();
        let error = it.docker().client(DockerOptions { tls, ..good.clone() }).unwrap_err();
        assert!(matches!(&error, Error::Invalid(text) if text.contains(words)), "{error:?}");
    }
}
