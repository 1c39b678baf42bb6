//! The stream of a container's own process.

use crate::engine::IMAGE;
use crate::support::DockerDriver;
use towline::docker::{AttachOptions, Error, Size};

fn attach(container: &str) -> AttachOptions {
    AttachOptions { container: container.to_owned(), stdin: true, ..AttachOptions::default() }
}

on_both! {
    fn a_container_is_talked_to(engine) {
        let container = engine.created(IMAGE, &["sh", "-c", "while read line; do echo got $line; echo e >&2; done; exit 4"]);
        container.start();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.docker().attach(client, attach(&container.name)).unwrap();
        it.docker().write(stream, b"one\n").unwrap();
        it.until_output(stream, "got one\n");
        assert_eq!(it.docker().stream_id(stream), Some(container.id().as_str()));
        assert!(matches!(it.docker().resize(stream, Size::default()), Err(Error::Invalid(_))));
        let inspected = it.docker().inspect(stream).unwrap();
        assert!(String::from_utf8(it.answer(inspected).body).unwrap().contains("\"Running\":true"));
        // A container keeps its input open when one who attached leaves, unless it was made with StdinOnce.
        let killed = it.docker().kill(stream, "KILL").unwrap();
        it.answer(killed);
        let seen = it.end(stream);
        assert_eq!(seen.stderr, b"e\n");
        assert_eq!(seen.ended, Some(Ok((Some(137), false))));
    }

    fn what_was_logged_comes_first(engine) {
        let container = engine.created(IMAGE, &["sh", "-c", "echo early; read line; echo $line; exit 9"]);
        container.start();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.docker().attach(client, AttachOptions { logs: true, ..attach(&container.name) }).unwrap();
        it.until_output(stream, "early\n");
        it.docker().write(stream, b"late\n").unwrap();
        let seen = it.end(stream);
        assert_eq!(seen.text(), "early\nlate\n");
        assert_eq!(seen.ended, Some(Ok((Some(9), false))));
    }

    fn no_such_container(engine) {
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.docker().attach(client, attach("none-of-that-name")).unwrap();
        let error = it.stream_error(stream);
        assert!(matches!(&error, Error::Api { status: 404, .. }), "{error:?}");
    }
}
