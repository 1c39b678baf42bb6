//! Which API version is spoken.

use crate::support::{DockerDriver, FakeEngine, UPGRADED, answer, terminal};
use towline::docker::{Call, DockerOptions, Error, Version};

fn pings(version: &'static str) -> impl Fn(&crate::support::Http, &mut crate::support::Conn) -> bool {
    move |request, conn| {
        request.path() == "/_ping"
            && conn.send(format!("HTTP/1.1 200 OK\r\n{version}Content-Length: 2\r\n\r\nOK").as_bytes())
    }
}

fn version(engine: &FakeEngine) -> Result<String, Error> {
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let call = it.docker().call(client, Call::new("GET", "/x")).unwrap();
    match it.call_error(call) {
        Error::Api { status: 404, .. } => Ok(it.docker().version(client).unwrap().to_string()),
        other => Err(other),
    }
}

#[test]
fn the_highest_that_both_know_is_spoken() {
    for (header, expected) in [
        ("Api-Version: 1.40\r\n", "1.40"),
        ("Api-Version: 1.44\r\n", "1.44"),
        ("api-version: 9.9\r\n", &*towline::docker::NEWEST.to_string()),
    ] {
        let engine = FakeEngine::start(pings(header));
        assert_eq!(version(&engine).unwrap(), expected);
        assert_eq!(engine.requests("/x")[0].target, format!("/v{expected}/x"));
        assert_eq!(engine.requests("/_ping")[0].target, "/_ping");
    }
}

#[test]
fn what_is_no_engine_is_named() {
    for (header, words) in [
        ("", "no Docker Engine"),
        ("Server: nginx/1.22\r\n", "nginx/1.22"),
        ("Api-Version: 1.39\r\n", "1.39"),
        ("Api-Version: x\r\n", "no Docker"),
    ] {
        let engine = FakeEngine::start(pings(header));
        let error = version(&engine).unwrap_err();
        assert!(matches!(&error, Error::Protocol(text) if text.contains(words)), "{error:?}");
    }
}

#[test]
fn a_filter_that_forbids_pings_is_no_obstacle() {
    let engine = FakeEngine::start(|request, conn| {
        request.path() == "/_ping" && conn.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    });
    assert_eq!(version(&engine).unwrap(), "1.40");
}

#[test]
fn an_engine_that_was_replaced_is_asked_once_more() {
    let engine = FakeEngine::start(|request, conn| match request.path() {
        "/x" if request.target.starts_with("/v1.41/") => {
            let body = r#"{"message":"client version 1.41 is too old. Minimum supported API version is 1.44"}"#;
            let head =
                format!("HTTP/1.1 400 Bad Request\r\nApi-Version: 1.52\r\nContent-Length: {}\r\n\r\n", body.len());
            conn.send(format!("{head}{body}").as_bytes())
        }
        "/y" => conn.send(b"HTTP/1.1 400 Bad Request\r\nApi-Version: 1.50\r\nContent-Length: 0\r\n\r\n"),
        _ => false,
    });
    assert_eq!(version(&engine).unwrap(), "1.52");
    let targets: Vec<_> = engine.requests("/x").into_iter().map(|it| it.target).collect();
    assert_eq!(targets, ["/v1.41/x", "/v1.52/x"]);
    // Only once.
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let call = it.docker().call(client, Call::new("GET", "/y")).unwrap();
    assert!(matches!(it.call_error(call), Error::Api { status: 400, .. }));
    assert_eq!(engine.requests("/y").len(), 2);
}

#[test]
fn a_fixed_version_is_spoken_without_asking() {
    let engine = FakeEngine::start(|request, conn| {
        request.path() == "/x"
            && conn.send(b"HTTP/1.1 400 Bad Request\r\nApi-Version: 1.44\r\nContent-Length: 0\r\n\r\n")
    });
    let mut it = DockerDriver::new();
    let options = DockerOptions {
        address: Some(engine.address.clone()),
        api_version: Some("1.43".into()),
        ..DockerOptions::default()
    };
    let client = it.client_with(options);
    assert_eq!(it.docker().version(client), Version::parse("1.43"));
    let call = it.docker().call(client, Call::new("GET", "/x")).unwrap();
    assert!(matches!(it.call_error(call), Error::Api { status: 400, .. }));
    assert_eq!(engine.requests("/x").len(), 1);
    assert!(engine.requests("/_ping").is_empty());
}

#[test]
fn newer_engines_are_told_the_terminals_size_at_once() {
    let ping = pings("Api-Version: 1.44\r\n");
    let engine = FakeEngine::start(move |request, conn| {
        ping(request, conn) || request.path() == "/exec/e1/start" && conn.send(UPGRADED.as_bytes())
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec_with(client, terminal("web", &["sh"]));
    it.end(stream);
    for path in ["/containers/web/exec", "/exec/e1/start"] {
        let body = engine.requests(path)[0].text();
        assert!(body.contains(r#""ConsoleSize":[24,80]"#), "{body}");
    }
}

#[test]
fn those_who_wait_for_the_version_fail_with_it() {
    let engine = FakeEngine::start(|request, conn| {
        request.path() == "/_ping" && {
            conn.send(&answer("500 Oops", "", ""));
            true
        }
    });
    // An answer with a version is as good as any.
    assert_eq!(version(&engine).unwrap(), "1.41");
    let engine = FakeEngine::start(|request, conn| {
        request.path() == "/_ping" && {
            conn.close();
            true
        }
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let calls: Vec<_> = (0..10).map(|_| it.docker().call(client, Call::version()).unwrap()).collect();
    for call in calls {
        assert!(matches!(it.call_error(call), Error::Closed(_)));
    }
    assert_eq!(engine.requests("/_ping").len(), 1);
}
