//! Execs: output, input, terminals, exit codes.

use crate::support::{DockerDriver, exec, piped, terminal};
use towline::docker::{Error, ExecOptions, Size};

on_both! {
    fn stdout_and_stderr_come_apart_with_the_exit_code(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.exec(client, &container.name, &["sh", "-c", "echo out; echo err >&2; exit 3"]);
        assert_eq!(it.lp.pending(), 1);
        let seen = it.end(stream);
        assert_eq!((seen.text().as_str(), seen.stderr.as_slice()), ("out\n", &b"err\n"[..]));
        assert_eq!(seen.ended, Some(Ok((Some(3), false))));
        let (id, upgraded) = seen.opened.unwrap();
        assert!(upgraded && id.len() == 64, "{id}");
        assert_eq!(it.lp.pending(), 0);
        assert_eq!(it.docker().write(stream, b"x"), Err(Error::Stale("stream")));
    }

    fn a_terminal_talks(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let options = ExecOptions { size: Size::new(33, 111).unwrap(), ..terminal(&container.name, &["sh"]) };
        let stream = it.exec_with(client, options);
        // Before it is open: it is queued.
        assert!(it.docker().write(stream, b"until [ \"$(stty size)\" = '33 111' ]; do :; done; echo fi''rst\n").unwrap() > 0);
        it.until_output(stream, "first");
        it.docker().resize(stream, Size::new(44, 55).unwrap()).unwrap();
        it.docker().write(stream, b"until [ \"$(stty size)\" = '44 55' ]; do :; done; echo sec''ond\n").unwrap();
        it.until_output(stream, "second");
        it.docker().write(stream, b"exit 7\n").unwrap();
        assert_eq!(it.exit(stream), Some(7));
    }

    fn input_ends_with_a_half_close(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.exec_with(client, piped(&container.name, &["sh", "-c", "cat; echo end >&2"]));
        it.docker().write(stream, b"hello ").unwrap();
        it.until_output(stream, "hello");
        it.docker().write(stream, b"world").unwrap();
        it.docker().close_stdin(stream).unwrap();
        it.docker().close_stdin(stream).unwrap();
        assert!(matches!(it.docker().write(stream, b"x"), Err(Error::Closed(_))));
        let seen = it.end(stream);
        assert_eq!((seen.text().as_str(), seen.stderr.as_slice()), ("hello world", &b"end\n"[..]));
        assert_eq!(seen.ended, Some(Ok((Some(0), false))));
    }

    fn a_terminals_input_ends_with_a_control_character(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.exec_with(client, terminal(&container.name, &["sh", "-c", "cat; echo e''nd; exit 5"]));
        it.docker().write(stream, b"line\n").unwrap();
        it.docker().close_stdin(stream).unwrap();
        let seen = it.end(stream);
        assert!(seen.text().contains("end"), "{:?}", seen.text());
        assert_eq!(seen.ended, Some(Ok((Some(5), false))));
    }

    fn every_exit_code_arrives(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        // Podman takes its time for each.
        let codes: Vec<i64> = (0..=255).step_by(if engine.is_podman() { 15 } else { 1 }).collect();
        for batch in codes.chunks(8) {
            let streams: Vec<_> = batch
                .iter()
                .map(|code| it.exec(client, &container.name, &["sh", "-c", &format!("exit {code}")]))
                .collect();
            for (stream, code) in streams.into_iter().zip(batch) {
                assert_eq!(it.exit(stream), Some(*code));
            }
        }
    }

    fn a_command_that_does_not_start_has_a_code_too(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        // Docker (20.10 and 26.1) tells a command that is not found by 127 or, for some, by 126.
        let not_found = if engine.is_podman() { &[127][..] } else { &[126, 127] };
        for (command, codes) in [("/no/such/command", not_found), ("/etc/passwd", &[126]), ("/etc", &[126])] {
            let stream = it.exec_with(client, exec(&container.name, &[command]));
            let code = it.exit(stream).unwrap();
            assert!(codes.contains(&code), "{command}: {code}");
        }
        let stream = it.exec(client, &container.name, &["sh", "-c", "kill -KILL $$"]);
        assert_eq!(it.exit(stream), Some(137));
    }
}
