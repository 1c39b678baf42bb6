//! Commands run to their end.

use crate::support::{DockerDriver, Prng};
use std::time::Duration;
use towline::docker::{Error, RunOptions};
use towline::net::Phase;

fn run(container: &str, command: &[&str]) -> RunOptions {
    RunOptions {
        container: container.to_owned(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        ..RunOptions::default()
    }
}

on_both! {
    fn everything_is_collected(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let call = it.docker().run(client, run(&container.name, &["sh", "-c", "echo out; echo err >&2; exit 6"])).unwrap();
        assert_eq!(it.lp.pending(), 1);
        let result = it.ran(call);
        assert_eq!((result.exit_code, result.stdout, result.stderr), (Some(6), b"out\n".to_vec(), b"err\n".to_vec()));
        let options = RunOptions {
            env: vec![("A".into(), "b=c\nd".into())],
            user: "user".into(),
            working_dir: "/tmp".into(),
            ..run(&container.name, &["sh", "-c", "echo \"$A\"; id -un; pwd"])
        };
        let call = it.docker().run(client, options).unwrap();
        assert_eq!(it.ran(call).stdout, b"b=c\nd\nuser\n/tmp\n");
        assert_eq!(it.lp.pending(), 0);
    }

    fn input_goes_in_and_comes_out(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let input = Prng::new(7).bytes(8 * 1024 * 1024);
        let call = it.docker().run(client, RunOptions { input: input.clone(), ..run(&container.name, &["cat"]) }).unwrap();
        let result = it.ran(call);
        assert!(result.stdout == input, "{} bytes of {}", result.stdout.len(), input.len());
        assert_eq!(result.exit_code, Some(0));
        // A process that does not read it all.
        let call = it.docker().run(client, RunOptions { input, ..run(&container.name, &["head", "-c", "3"]) }).unwrap();
        assert_eq!(it.ran(call).stdout.len(), 3);
    }

    fn a_deadline_kills_it_and_its_children(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let timeout = Some(Duration::from_millis(500));
        let options =
            RunOptions { timeout, ..run(&container.name, &["sh", "-c", "trap '' TERM; sleep 9999 & env -i sleep 9999; wait"]) };
        let call = it.docker().run(client, options).unwrap();
        let error = it.call_error(call);
        assert!(matches!(&error, Error::Timeout { phase: Phase::Total, .. }), "{error:?}");
        assert!(!error.to_string().contains("may still run"), "{error}");
        it.until("the helper's end", |it| it.lp.pending() == 0);
        container.until(|processes| processes == ["sleep infinity"]);
    }

    fn too_much_output_kills_it(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let call = it.docker().run(client, RunOptions { max_output: 100_000, ..run(&container.name, &["yes"]) }).unwrap();
        let error = it.call_error(call);
        assert!(matches!(&error, Error::Protocol(words) if words.contains("100000")), "{error:?}");
        container.until(|processes| processes == ["sleep infinity"]);
    }

    fn cancelling_kills_it(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let call = it.docker().run(client, run(&container.name, &["sh", "-c", "sleep 9999; true"])).unwrap();
        it.until("the sleep", |_| container.processes().iter().any(|line| line == "sleep 9999"));
        assert!(it.docker().cancel(call));
        assert_eq!(it.call_error(call), Error::Cancelled);
        assert_eq!(it.lp.pending(), 1);
        it.until("the kill", |it| it.lp.pending() == 0);
        container.until(|processes| processes == ["sleep infinity"]);
    }

    fn a_command_that_cannot_be_run(engine) {
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let call = it.docker().run(client, run("none-of-that-name", &["true"])).unwrap();
        assert!(matches!(it.call_error(call), Error::Api { status: 404, .. }));
        assert!(matches!(it.docker().run(client, run("x", &[])), Err(Error::Invalid(_))));
    }
}
