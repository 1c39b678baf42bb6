//! How processes and their streams end, one without the other.

use crate::engine::{Engine, docker};
use crate::support::{DockerDriver, exec, piped, terminal};
use towline::docker::{Call, Error, ExecOptions, StreamKey};

/// Whether the Engine says that the process runs.
fn runs(it: &mut DockerDriver, stream: StreamKey) -> bool {
    let call = it.docker().inspect(stream).unwrap();
    String::from_utf8(it.answer(call).body).unwrap().contains("\"Running\":true")
}

on_both! {
    fn a_process_that_has_closed_its_output_goes_on(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.exec_with(client, piped(&container.name, &["sh", "-c", "echo go; exec >&- 2>&-; read line; exit 5"]));
        it.until_output(stream, "go");
        assert!(runs(&mut it, stream));
        it.docker().write(stream, b"end\n").unwrap();
        assert_eq!(it.exit(stream), Some(5));
    }

    fn a_child_that_keeps_the_output_does_not_hide_the_exit_code(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.exec(client, &container.name, &["sh", "-c", "echo go; sleep 4321 & exit 3"]);
        it.until_output(stream, "go");
        // Some Engines end the stream with the process, others with the last who holds its output.
        container.until(|found| found.iter().all(|line| !line.starts_with("sh ")) && found.iter().any(|line| line == "sleep 4321"));
        if engine.is_podman() {
            let call = it.docker().call(client, Call::new("POST", format!("/containers/{}/kill", container.name))).unwrap();
            it.answer(call);
        }
        assert_eq!(it.exit(stream), Some(3));
    }

    fn closing_ends_a_pipes_input_and_no_process(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let reads = ["sh", "-c", "echo go; cat; sleep 2468"];
        for options in [piped(&container.name, &reads), terminal(&container.name, &["sh", "-c", "echo go; sleep 2469"])] {
            let stream = it.exec_with(client, options);
            it.until_output(stream, "go");
            assert!(it.docker().close(stream));
        }
        let both = ["sleep 2468", "sleep 2469"];
        container.until(|found| both.iter().all(|wanted| found.iter().any(|line| line == wanted)));
    }

    fn other_detach_keys_give_the_usual_ones_to_the_process(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let command = ["sh", "-c", "stty raw -echo; echo ready; head -c 2 | od -An -tx1"];
        let options = ExecOptions { detach_keys: "ctrl-^,ctrl-_".into(), ..terminal(&container.name, &command) };
        let stream = it.exec_with(client, options);
        it.until_output(stream, "ready");
        it.docker().write(stream, b"\x10\x11").unwrap();
        it.until_output(stream, "10 11");
        assert_eq!(it.exit(stream), Some(0));
    }

    fn an_end_within_a_pause_loses_nothing_that_fits(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        // No more than the pause's buffer: neither pipes nor the Engine hold anything back.
        let stream = it.exec_with(client, piped(&container.name, &["sh", "-c", "read line; head -c 1000000 /dev/zero; exit 6"]));
        it.until_open(stream);
        it.docker().pause(stream).unwrap();
        it.docker().write(stream, b"now\n").unwrap();
        it.until("the process's end", |_| container.processes() == ["sleep infinity"]);
        it.docker().resume(stream).unwrap();
        let seen = it.end(stream);
        assert_eq!((seen.stdout.len(), seen.ended), (1_000_000, Some(Ok((Some(6), false)))));
    }

    fn what_cannot_be_started_has_a_code_or_words(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let nowhere = ExecOptions { working_dir: "/no/such/folder".into(), ..exec(&container.name, &["pwd"]) };
        let long = "x".repeat(200_000);
        for options in [nowhere, exec(&container.name, &["echo", &long])] {
            let stream = it.exec_with(client, options);
            match it.end(stream).ended.unwrap() {
                Ok((Some(code), false)) => assert_ne!(code, 0),
                Err(Error::Api { message, .. }) => assert!(!message.is_empty()),
                other => panic!("{other:?}"),
            }
        }
        let created = engine.created(crate::engine::IMAGE, &["true"]);
        let stream = it.exec(client, &created.name, &["true"]);
        let error = it.stream_error(stream);
        assert!(matches!(&error, Error::Api { status: 409 | 500, .. }), "{error:?}");
    }
}

fn own(engine: &Engine) -> Engine {
    Engine::start(if engine.is_podman() { &["--podman"] } else { &[] })
}

on_both! {
    fn an_engine_that_is_stopped_and_started_again(engine) {
        let own = own(engine);
        let container = own.container();
        let mut it = DockerDriver::new();
        let client = it.client(&own.address());
        let stream = it.exec_with(client, terminal(&container.name, &["sh"]));
        it.until_output(stream, "#");
        own.down();
        // Its containers may have been stopped first, and that said.
        match it.end(stream).ended.unwrap() {
            Err(Error::Closed(words)) => assert!(words.contains("Engine"), "{words}"),
            Ok((code, _)) => assert!(matches!(code, None | Some(137)), "{code:?}"),
            other => panic!("{other:?}"),
        }
        let stream = it.exec(client, &container.name, &["true"]);
        let error = it.stream_error(stream);
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
        own.up();
        let again = own.container();
        let stream = it.exec(client, &again.name, &["sh", "-c", "exit 8"]);
        assert_eq!(it.exit(stream), Some(8));
    }

    fn an_engine_that_crashes_under_logs_events_and_attach(engine) {
        use towline::docker::{AttachOptions, LogsOptions, StreamCall};
        let own = own(engine);
        let container = own.created(crate::engine::IMAGE, &["sh", "-c", "echo begun; sleep infinity"]);
        container.start();
        let mut it = DockerDriver::new();
        let client = it.client(&own.address());
        let log = LogsOptions { follow: true, ..LogsOptions::new(&container.name) };
        let log = it.docker().stream(client, StreamCall::Logs(log)).unwrap();
        it.until("the log", |it| it.calls.get(&log).is_some_and(|seen| !seen.chunks.is_empty()));
        let events = it.docker().stream(client, StreamCall::Events(String::new())).unwrap();
        it.until("an event", |it| {
            let stream = it.exec(client, &container.name, &["true"]);
            it.end(stream);
            it.calls.get(&events).is_some_and(|seen| !seen.chunks.is_empty())
        });
        let options = AttachOptions { container: container.name.clone(), ..AttachOptions::default() };
        let attached = it.docker().attach(client, options).unwrap();
        it.until_open(attached);
        own.crash();
        for call in [log, events] {
            let error = it.call_error(call);
            assert!(matches!(error, Error::Closed(_)), "{error:?}");
        }
        let error = it.stream_error(attached);
        assert!(matches!(error, Error::Closed(_)), "{error:?}");
        assert_eq!(it.lp.pending(), 0);
    }
}

/// Podman looks only at keys that come alone, which nobody can see to.
#[test]
fn detach_keys_leave_the_process() {
    let container = docker().container();
    let mut it = DockerDriver::new();
    let client = it.client(&docker().address());
    for (keys, typed) in [("", &b"\x10\x11"[..]), ("ctrl-a,z", b"\x01z")] {
        // The Engine hangs its terminal up.
        let command = ["sh", "-c", "trap '' HUP; stty raw -echo; echo ready; sleep 1357"];
        let options = ExecOptions { detach_keys: keys.into(), ..terminal(&container.name, &command) };
        let stream = it.exec_with(client, options);
        it.until_output(stream, "ready");
        it.docker().write(stream, typed).unwrap();
        assert_eq!(it.exit(stream), None, "{keys:?}");
    }
    container.until(|found| found.iter().filter(|line| *line == "sleep 1357").count() == 2);
}
