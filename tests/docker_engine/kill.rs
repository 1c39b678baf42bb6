//! Signals to the processes of an exec.

use crate::support::{DockerDriver, exec, terminal};
use towline::docker::{Error, ExecOptions};

on_both! {
    fn a_signal_reaches_the_process_and_its_children(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let script = "sleep 1111 & env -i sleep 2222 & su user -c 'sleep 3333' & echo go; wait";
        let stream = it.exec(client, &container.name, &["sh", "-c", script]);
        let other = it.exec(client, &container.name, &["sleep", "4444"]);
        it.until_output(stream, "go");
        let all = ["1111", "2222", "3333", "4444"];
        it.until("all that sleep", |_| {
            let found = container.processes();
            all.iter().all(|n| found.iter().any(|line| line == &format!("sleep {n}")))
        });
        let call = it.docker().kill(stream, "SIGKILL").unwrap();
        let answer = it.answer(call);
        assert!(answer.body.is_empty());
        assert_eq!(it.exit(stream), Some(137));
        container.until(|found| found == ["sleep infinity", "sleep 4444"]);
        let call = it.docker().kill(other, "term").unwrap();
        it.answer(call);
        assert_eq!(it.exit(other), Some(143));
        assert!(matches!(it.docker().kill(other, "TERM"), Err(Error::Stale(_))));
    }

    fn a_terminals_shell_is_told_before_it_is_open(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let command = ["sh", "-c", "trap 'exit 42' USR1; while :; do sleep 0.01; done"];
        let stream = it.exec_with(client, terminal(&container.name, &command));
        assert!(matches!(it.docker().kill(stream, "NONE"), Err(Error::Invalid(_))));
        let inspect = it.docker().inspect(stream).unwrap();
        assert!(String::from_utf8(it.answer(inspect).body).unwrap().contains("ContainerID"));
        // The trap may not be set yet: then the default action ends it.
        let call = it.docker().kill(stream, "USR1").unwrap();
        it.answer(call);
        let code = it.exit(stream);
        assert!(code == Some(42) || code == Some(138), "{code:?}");
    }

    fn other_users_are_reached(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let options = ExecOptions { user: "user".into(), ..exec(&container.name, &["sleep", "5555"]) };
        let stream = it.exec_with(client, options);
        let changed = it.exec(client, &container.name, &["su", "user", "-c", "echo go; exec sleep 6666"]);
        it.until_open(stream);
        it.until_output(changed, "go");
        for it_is in [stream, changed] {
            let call = it.docker().kill(it_is, "9").unwrap();
            it.answer(call);
            assert_eq!(it.exit(it_is), Some(137));
        }
        container.until(|found| found == ["sleep infinity"]);
    }

    fn a_container_without_a_shell_says_so(engine) {
        let container = engine.bare();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.exec(client, &container.name, &["/sleep", "7777"]);
        it.until_open(stream);
        let call = it.docker().kill(stream, "KILL").unwrap();
        let error = it.call_error(call);
        assert!(matches!(&error, Error::Kill(words) if words.contains("/bin/sh")), "{error:?}");
        assert!(it.docker().close(stream));
        assert_eq!(it.stream_error(stream), Error::Cancelled);
    }

    fn one_that_hides_is_named(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.exec(client, &container.name, &["env", "-i", "/bin/sh", "-c", "echo go; exec sleep 8888"]);
        it.until_output(stream, "go");
        let call = it.docker().kill(stream, "KILL").unwrap();
        let error = it.call_error(call);
        assert!(matches!(&error, Error::Kill(words) if words.contains("TOWLINE_EXEC")), "{error:?}");
    }

    fn one_that_has_ended_is_no_error(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.exec(client, &container.name, &["true"]);
        let call = it.docker().kill(stream, "KILL").unwrap();
        it.end(stream);
        it.answer(call);
    }
}
