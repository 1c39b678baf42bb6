//! Plain calls, logs, events.

use crate::engine::IMAGE;
use crate::support::{DockerDriver, exec};
use towline::docker::{Call, Error, LogsOptions, StreamCall, Version};

on_both! {
    fn plain_calls_share_a_connection(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        assert_eq!(it.docker().version(client), None);
        for _ in 0..3 {
            let call = it.docker().call(client, Call::version()).unwrap();
            let answer = it.answer(call);
            assert_eq!(answer.head.status(), 200);
            assert!(String::from_utf8(answer.body).unwrap().contains("\"ApiVersion\""));
        }
        let stats = it.docker().stats(client).unwrap();
        assert_eq!((stats.connects, stats.reused, stats.idle, stats.live), (1, 3, 1, 0));
        assert!(it.docker().version(client) >= Version::parse("1.40"));

        let call = it.docker().call(client, Call::containers(false, r#"{"status":["running"]}"#)).unwrap();
        let body = String::from_utf8(it.answer(call).body).unwrap();
        assert!(body.contains(&container.name), "{body}");
        let call = it.docker().call(client, Call::inspect(&container.name).unwrap()).unwrap();
        let body = String::from_utf8(it.answer(call).body).unwrap();
        assert!(body.contains(&container.id()), "{body}");
        let call = it.docker().call(client, Call::inspect("none-of-that-name").unwrap()).unwrap();
        let error = it.call_error(call);
        assert!(matches!(&error, Error::Api { status: 404, message } if message.contains("none-of-that-name")), "{error:?}");
    }

    fn a_call_with_a_body_and_one_without_an_answer(engine) {
        let container = engine.created(IMAGE, &["sleep", "infinity"]);
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let start = Call::new("POST", format!("/containers/{}/start", container.name));
        let call = it.docker().call(client, start).unwrap();
        let answer = it.answer(call);
        assert_eq!((answer.head.status(), answer.body.len()), (204, 0));
        let create = Call {
            body: Some(br#"{"Cmd":["true"],"AttachStdout":true}"#.to_vec()),
            ..Call::new("POST", format!("/containers/{}/exec", container.name))
        };
        let call = it.docker().call(client, create).unwrap();
        assert_eq!(it.answer(call).head.status(), 201);
        let call = it.docker().call(client, Call::new("HEAD", "/_ping")).unwrap();
        assert_eq!(it.answer(call).body, b"");
    }

    fn a_log_comes_apart(engine) {
        let container = engine.created(IMAGE, &["sh", "-c", "echo out; echo err >&2; read x"]);
        container.start();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let options = LogsOptions { follow: true, ..LogsOptions::new(&container.name) };
        let call = it.docker().stream(client, StreamCall::Logs(options)).unwrap();
        it.until("both lines", |it| it.calls.get(&call).is_some_and(|seen| seen.chunks.len() >= 2));
        container.stop();
        let (_, chunks) = it.call_end(call);
        let of = |stream| -> Vec<u8> { chunks.iter().filter(|(s, _)| *s == stream).flat_map(|(_, b)| b.clone()).collect() };
        assert_eq!((of(1), of(2)), (b"out\n".to_vec(), b"err\n".to_vec()));

        let options = LogsOptions { tail: "1".into(), timestamps: true, ..LogsOptions::new(&container.name) };
        let call = it.docker().stream(client, StreamCall::Logs(options)).unwrap();
        let (_, chunks) = it.call_end(call);
        let text: Vec<u8> = chunks.into_iter().flat_map(|(_, bytes)| bytes).collect();
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with("20") && text.lines().count() == 1, "{text}");

        let call = it.docker().stream(client, StreamCall::Logs(LogsOptions::new("none-of-that-name"))).unwrap();
        assert!(matches!(it.call_error(call), Error::Api { status: 404, .. }));
    }

    fn events_come_one_by_one(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let filters = format!(r#"{{"container":["{}"]}}"#, container.name);
        let call = it.docker().stream(client, StreamCall::Events(filters)).unwrap();
        // Nothing tells when the Engine has begun to listen; so something happens until it is heard of.
        let mut stream = None;
        it.until("an event", |it| {
            if stream.is_none_or(|stream| it.streams.get(&stream).is_some_and(|seen| seen.ended.is_some())) {
                stream = Some(it.exec_with(client, exec(&container.name, &["true"])));
            }
            it.calls.get(&call).is_some_and(|seen| !seen.chunks.is_empty())
        });
        let event: &[u8] = &it.calls[&call].chunks[0].1;
        assert!(event.starts_with(b"{") && event.ends_with(b"}"), "{}", String::from_utf8_lossy(event));
        assert!(it.docker().cancel(call));
        assert!(!it.docker().cancel(call));
        assert_eq!(it.call_error(call), Error::Cancelled);
    }
}
