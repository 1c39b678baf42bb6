//! Much output, much input, pauses.

use crate::support::{DockerDriver, Prng, exec, in_fork, piped, terminal};
use std::time::Duration;
use towline::docker::{Error, ExecOptions, Limits};

fn rss() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Until nothing moves any more: the process waits for us.
fn standstill(it: &mut DockerDriver) {
    let mut still = 0;
    it.until("a standstill", |it| {
        still = if it.turn(Duration::from_millis(20)) == 0 { still + 1 } else { 0 };
        still > 20
    });
}

on_both! {
    fn sixteen_mebibytes_go_through_a_pipe(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.exec_with(client, piped(&container.name, &["sha256sum"]));
        let bytes = Prng::new(1).bytes(16 * 1024 * 1024);
        let waiting = it.docker().write(stream, &bytes).unwrap();
        assert_eq!(waiting, bytes.len());
        it.docker().close_stdin(stream).unwrap();
        let seen = it.end(stream);
        assert_eq!(seen.drains, 1);
        assert_eq!(seen.text().split(' ').next().unwrap(), sha256(&bytes));
    }

    fn sixteen_mebibytes_are_pasted_into_a_terminal(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let command = ["sh", "-c", "stty raw -echo; echo ready; head -c 16777216 | sha256sum"];
        let stream = it.exec_with(client, terminal(&container.name, &command));
        it.until_output(stream, "ready");
        // The keys that detach are not for the process.
        let bytes: Vec<u8> = Prng::new(2).bytes(16 * 1024 * 1024).into_iter().map(|b| if b == 16 { 0 } else { b }).collect();
        it.docker().write(stream, &bytes).unwrap();
        let seen = it.end(stream);
        assert!(seen.text().contains(&sha256(&bytes)), "{}", seen.text());
    }

    fn a_flood_is_held_back_while_paused(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        const SIZE: usize = 256 * 1024 * 1024;
        let command = ["sh", "-c", &format!("head -c {SIZE} /dev/zero; exit 3")];
        let stream = it.exec_with(client, exec(&container.name, &command));
        it.forget_output = true;
        it.until("some output", |it| it.seen(stream).pieces > 10);
        it.docker().pause(stream).unwrap();
        let pieces = it.seen(stream).pieces;
        standstill(&mut it);
        assert_eq!(it.seen(stream).pieces, pieces);
        it.docker().resume(stream).unwrap();
        let mut it_has = 0;
        it.until("the rest", |it| {
            it_has = it.seen(stream).pieces;
            it.seen(stream).ended.is_some()
        });
        assert!(it_has > pieces);
        assert_eq!(it.seen(stream).ended, Some(Ok((Some(3), false))));
    }

    fn a_flood_takes_no_memory_while_paused(engine) {
        let container = engine.container();
        // Alone in a process: other tests take memory too.
        let grown = in_fork(|| {
            let mut it = DockerDriver::new();
            it.forget_output = true;
            let client = it.client(&engine.address());
            let stream = it.exec(client, &container.name, &["cat", "/dev/zero"]);
            it.until("some output", |it| it.seen(stream).pieces > 10);
            it.docker().pause(stream).unwrap();
            let before = rss();
            standstill(&mut it);
            u8::try_from(rss().saturating_sub(before) / (64 * 1024)).unwrap_or(u8::MAX)
        });
        // The megabyte that a pause may keep, and a little for what is counted in pages.
        assert!(grown < 24, "{grown} times 64 KiB");
    }

    fn every_byte_arrives_over_pauses(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let stream = it.exec(client, &container.name, &["sh", "-c", "seq 1 2000000"]);
        let mut paused = false;
        let mut turns = 0;
        it.until("the end", |it| {
            turns += 1;
            if it.seen(stream).ended.is_some() {
                return true;
            }
            paused = turns % 7 != 0;
            let _ = if paused { it.docker().pause(stream) } else { it.docker().resume(stream) };
            false
        });
        let seen = it.end(stream);
        assert_eq!(seen.ended, Some(Ok((Some(0), false))));
        let expected: String = (1..=2_000_000).map(|n| format!("{n}\n")).collect();
        assert!(seen.text() == expected, "{} of {} bytes", seen.stdout.len(), expected.len());
    }

    fn the_buffer_of_input_has_a_bound(engine) {
        let container = engine.container();
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address());
        let limits = Limits { max_buffered: 1000, high_watermark: 100, low_watermark: 10, ..Limits::default() };
        let stream = it.exec_with(client, ExecOptions { limits, ..piped(&container.name, &["cat"]) });
        assert_eq!(it.docker().write(stream, &[b'x'; 1000]), Ok(1000));
        assert_eq!(it.docker().write(stream, b"x"), Err(Error::QueueFull { waiting: 1000, limit: 1000 }));
        it.until("the drain", |it| it.seen(stream).drains == 1);
        it.docker().close_stdin(stream).unwrap();
        assert_eq!(it.end(stream).stdout.len(), 1000);
    }
}

fn sha256(bytes: &[u8]) -> String {
    use std::io::Write;
    let mut child = std::process::Command::new("sha256sum")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}
