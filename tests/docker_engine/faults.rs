//! Containers and Engines that are not as one wishes.

use crate::engine::{Engine, docker};
use crate::support::{DockerDriver, exec, terminal};
use towline::docker::{DockerOptions, Error, ExecOptions};

on_both! {
    fn containers_that_cannot_take_an_exec(engine) {
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stopped = engine.stopped();
        let paused = engine.paused();
        for (name, statuses) in
            [("none-of-that-name", &[404][..]), (stopped.name.as_str(), &[409, 500]), (paused.name.as_str(), &[409])]
        {
            let stream = it.exec(client, name, &["true"]);
            let error = it.stream_error(stream);
            let Error::Api { status, message } = &error else { panic!("{error:?}") };
            assert!(statuses.contains(status) && !message.is_empty(), "{error:?}");
        }
        assert_eq!(it.lp.pending(), 0);
    }

    fn a_container_removed_while_attached(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.exec_with(client, terminal(&container.name, &["sh"]));
        it.until_output(stream, "#");
        container.remove();
        let seen = it.end(stream);
        assert!(matches!(seen.ended, Some(Ok((None | Some(137), false)))), "{seen:?}");
    }

    fn a_user_that_is_not_there(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let options = ExecOptions { user: "nobody-of-that-name".into(), ..exec(&container.name, &["true"]) };
        let stream = it.exec_with(client, options);
        let seen = it.end(stream);
        // Some Engines refuse it at once, others when they start it.
        match seen.ended.unwrap() {
            Err(Error::Api { message, .. }) => assert!(message.contains("nobody-of-that-name"), "{message}"),
            Ok((Some(code), _)) => assert!((126..=128).contains(&code), "{code}"),
            other => panic!("{other:?}"),
        }
    }

    fn any_bytes_come_through(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let command = ["sh", "-c", "printf '\\377\\000\\001\\002\\303'; printf '\\200' >&2"];
        let stream = it.exec(client, &container.name, &command);
        let seen = it.end(stream);
        assert_eq!((seen.stdout.as_slice(), seen.stderr.as_slice()), (&b"\xff\0\x01\x02\xc3"[..], &b"\x80"[..]));
    }

    fn closing_leaves_the_process(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.exec(client, &container.name, &["sh", "-c", "echo go; sleep 1234"]);
        it.until_output(stream, "go");
        assert!(it.docker().close(stream));
        assert!(!it.docker().close(stream));
        assert!(matches!(it.docker().write(stream, b"x"), Err(Error::Invalid(_) | Error::Closed(_))));
        assert_eq!(it.stream_error(stream), Error::Cancelled);
        assert_eq!(it.docker().stats(client).unwrap().live, 0);
        container.until(|found| found.iter().any(|line| line == "sleep 1234"));
    }

    fn an_engine_that_goes_away(engine) {
        let options: &[&str] = if engine.is_podman() { &["--podman"] } else { &[] };
        let own = Engine::start(options);
        let container = own.container();
        let mut it = DockerDriver::new();
        let client = it.client(&own.address());
        let stream = it.exec_with(client, terminal(&container.name, &["sh"]));
        it.until_output(stream, "#");
        own.crash();
        let seen = it.end(stream);
        let Some(Err(Error::Closed(words))) = &seen.ended else { panic!("{seen:?}") };
        assert!(words.contains("Engine"), "{words}");
        own.up();
        let again = own.container();
        let stream = it.exec(client, &again.name, &["sh", "-c", "exit 8"]);
        assert_eq!(it.exit(stream), Some(8));
    }
}

fn failure(options: DockerOptions) -> Error {
    let mut it = DockerDriver::new();
    let client = it.client_with(options);
    let stream = it.exec(client, "web", &["true"]);
    it.stream_error(stream)
}

fn at(address: &str) -> DockerOptions {
    DockerOptions { address: Some(address.to_owned()), ..DockerOptions::default() }
}

#[test]
fn an_engine_that_is_not_there_is_named() {
    let error = failure(at("unix:///nowhere/docker.sock"));
    let words = error.to_string();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert!(words.contains("/nowhere/docker.sock") && words.contains("is the Docker daemon running"), "{words}");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let words = failure(at(&format!("tcp://127.0.0.1:{port}"))).to_string();
    assert!(words.contains("daemon running"), "{words}");
    let words = failure(at("tcp://no-such-host.invalid:1")).to_string();
    assert!(words.contains("no-such-host.invalid"), "{words}");
}

#[test]
fn api_versions_that_the_engine_refuses() {
    for version in ["1.1", "1.99"] {
        let options = DockerOptions { api_version: Some(version.into()), ..at(&docker().address()) };
        let error = failure(options);
        let Error::Api { status: 400, message } = &error else { panic!("{error:?}") };
        assert!(message.contains(version), "{message}");
    }
    let mut it = DockerDriver::new();
    let bad = DockerOptions { api_version: Some("latest".into()), ..at(&docker().address()) };
    assert!(matches!(it.docker().client(bad), Err(Error::Invalid(_))));
}

#[test]
fn tcp_works_like_a_unix_socket() {
    let container = docker().container();
    let mut it = DockerDriver::new();
    let client = it.client(docker().tcp());
    let stream = it.exec(client, &container.name, &["sh", "-c", "echo hi; exit 2"]);
    let seen = it.end(stream);
    assert_eq!((seen.text().as_str(), seen.ended), ("hi\n", Some(Ok((Some(2), false)))));
}
