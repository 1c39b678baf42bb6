//! Bytes of an open stream.

use crate::support::{Conn, DockerDriver, FakeEngine, Prng, UPGRADED, exec, frame, open_fds, piped, terminal};
use std::sync::mpsc;
use std::time::Duration;
use towline::docker::{Error, ExecOptions, Limits};

fn upgraded(conn: &mut Conn) {
    conn.send(UPGRADED.as_bytes());
}

#[test]
fn frames_split_at_every_byte_and_empty_ones() {
    let bytes = [frame(1, b""), frame(1, b"ab"), frame(2, b""), frame(2, b"c"), frame(0, b"d"), frame(1, b"")].concat();
    for size in 1..bytes.len() {
        let bytes = bytes.clone();
        let engine = FakeEngine::streams(move |conn| {
            upgraded(conn);
            conn.await_taken();
            conn.send_pieces(&bytes, size);
        });
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address);
        let stream = it.exec(client, "web", &["true"]);
        let seen = it.end(stream);
        assert_eq!((seen.text().as_str(), seen.stderr.as_slice()), ("abd", &b"c"[..]), "{size}");
        assert_eq!(seen.ended, Some(Ok((Some(0), false))));
    }
}

#[test]
fn an_end_inside_a_frame_is_told_with_the_exit_code() {
    for cut in [1, 7, 8, 10] {
        let engine = FakeEngine::streams(move |conn| {
            upgraded(conn);
            conn.send(&frame(1, b"abc")[..cut]);
        });
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address);
        let stream = it.exec(client, "web", &["true"]);
        let seen = it.end(stream);
        assert_eq!(seen.stdout, b"abc"[..cut.saturating_sub(8)]);
        assert_eq!(seen.ended, Some(Ok((Some(0), true))), "{cut}");
    }
}

#[test]
fn what_is_no_frame_ends_the_stream() {
    for (bytes, words) in [(&b"Hello"[..], "type 72"), (&[4, 0, 0, 0, 0, 0, 0, 0], "type 4")] {
        let engine = FakeEngine::streams(move |conn| {
            upgraded(conn);
            conn.send(&frame(1, b"before"));
            conn.send(bytes);
            conn.await_close();
        });
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address);
        let stream = it.exec(client, "web", &["true"]);
        let seen = it.end(stream);
        assert_eq!(seen.stdout, b"before");
        let Some(Err(Error::Protocol(text))) = &seen.ended else { panic!("{seen:?}") };
        assert!(text.contains(words), "{text}");
    }
    let engine = FakeEngine::streams(|conn| {
        upgraded(conn);
        conn.send(&frame(3, b"the log driver failed\n"));
        conn.await_close();
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "web", &["true"]);
    assert_eq!(it.stream_error(stream), Error::Api { status: 200, message: "the log driver failed".into() });
}

#[test]
fn a_frame_of_four_gibibytes_is_handed_on_as_it_comes() {
    let engine = FakeEngine::streams(|conn| {
        upgraded(conn);
        conn.send(&[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        for _ in 0..256 {
            conn.send(&[b'x'; 65_536]);
        }
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "web", &["true"]);
    let seen = it.end(stream);
    assert_eq!(seen.stdout.len(), 256 * 65_536);
    assert_eq!(seen.ended, Some(Ok((Some(0), true))));
}

#[test]
fn a_pipe_is_half_closed_and_a_terminal_is_told() {
    for tty in [false, true] {
        let (send, received) = mpsc::channel();
        let send = std::sync::Mutex::new(send);
        let engine = FakeEngine::streams(move |conn| {
            upgraded(conn);
            let mut got = Vec::new();
            let mut buffer = [0; 4096];
            // A terminal's connection stays open both ways.
            while !tty || !got.ends_with(&[4]) {
                match conn.read_some(&mut buffer) {
                    0 => break,
                    n => got.extend(&buffer[..n]),
                }
            }
            let open = conn.is_silent();
            send.lock().unwrap().send((got, open)).unwrap();
            conn.send(if tty { b"bye".to_vec() } else { frame(1, b"bye") }.as_slice());
        });
        let mut it = DockerDriver::new();
        let client = it.client(&engine.address);
        let options = if tty { terminal("web", &["sh"]) } else { piped("web", &["sh"]) };
        let stream = it.exec_with(client, options);
        let bytes = Prng::new(3).bytes(3_000_000).iter().map(|b| b | 0x80).collect::<Vec<_>>();
        it.docker().write(stream, &bytes).unwrap();
        it.docker().close_stdin(stream).unwrap();
        assert!(matches!(it.docker().write(stream, b"x"), Err(Error::Closed(_))));
        assert_eq!(it.end(stream).text(), "bye");
        let (got, open) = received.recv().unwrap();
        assert_eq!(got.len(), bytes.len() + usize::from(tty));
        assert!(got.starts_with(&bytes));
        assert_eq!(open, tty);
    }
}

#[test]
fn without_input_nothing_is_written() {
    let engine = FakeEngine::streams(|conn| {
        upgraded(conn);
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "web", &["true"]);
    assert!(matches!(it.docker().write(stream, b"x"), Err(Error::Invalid(_))));
    assert!(matches!(it.docker().close_stdin(stream), Err(Error::Invalid(_))));
    it.end(stream);
}

#[test]
fn writing_to_a_process_that_has_gone_is_no_error() {
    let engine = FakeEngine::streams(|conn| {
        upgraded(conn);
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec_with(client, piped("web", &["true"]));
    let mut written = 0;
    it.until("the end", |it| {
        if it.seen(stream).ended.is_none() {
            match it.docker().write(stream, &[b'x'; 100_000]) {
                Ok(_) => written += 1,
                // The end has been taken since we looked.
                Err(Error::Stale(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        it.seen(stream).ended.is_some()
    });
    assert!(written > 0);
    assert_eq!(it.exit(stream), Some(0));
    assert_eq!(it.docker().write(stream, b"x"), Err(Error::Stale("stream")));
}

#[test]
fn whoever_waits_with_writing_hears_that_nothing_more_is_taken() {
    let (written, write) = mpsc::channel();
    let (seen, see) = mpsc::channel();
    let waits = std::sync::Mutex::new((write, see));
    let engine = FakeEngine::streams(move |conn| {
        upgraded(conn);
        let waits = waits.lock().unwrap();
        waits.0.recv().unwrap();
        conn.refuse_more();
        waits.1.recv().unwrap();
        conn.send(&frame(1, b"output"));
    });
    // Gone before the Engine, should this fail: its thread must not wait for ever.
    let (written, seen) = (written, seen);
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec_with(client, piped("web", &["head"]));
    it.until_open(stream);
    assert!(it.docker().write(stream, &[b'x'; 4 << 20]).unwrap() > Limits::default().high_watermark);
    written.send(()).unwrap();
    it.until("the drain", |it| it.seen(stream).drains == 1);
    assert_eq!(it.docker().write(stream, b"more"), Ok(0));
    seen.send(()).unwrap();
    let seen = it.end(stream);
    assert_eq!((seen.text().as_str(), seen.drains), ("output", 1));
}

#[test]
fn a_pause_reads_no_more_than_it_may_keep() {
    const FRAMES: usize = 2000;
    // To the peer: send what the kernel takes, or at last the rest; from it: how much that was.
    let (ask, asked) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let (asked, tell) = (std::sync::Mutex::new(asked), std::sync::Mutex::new(tell));
    let engine = FakeEngine::streams(move |conn| {
        upgraded(conn);
        let all = frame(1, &[b'x'; 8184]).repeat(FRAMES);
        let mut rest = &all[..];
        while asked.lock().unwrap().recv() == Ok(true) {
            let sent = conn.send_now(rest);
            rest = &rest[sent..];
            tell.lock().unwrap().send(sent).unwrap();
        }
        conn.send(rest);
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let limits = Limits { pause_buffer: 100_000, ..Limits::default() };
    let stream = it.exec_with(client, ExecOptions { limits, ..exec("web", &["yes"]) });
    it.docker().pause(stream).unwrap();
    it.until_open(stream);
    let mut total = 0;
    loop {
        ask.send(true).unwrap();
        match told.recv().unwrap() {
            // The kernel has no room, and what it has is not read.
            0 => break,
            sent => total += sent,
        }
        assert!(total < 8 << 20, "more than the pause and the kernel may keep");
        it.turn(Duration::ZERO);
    }
    assert!(total > limits.pause_buffer);
    assert_eq!(it.seen(stream).pieces, 0);
    it.docker().resume(stream).unwrap();
    ask.send(false).unwrap();
    let seen = it.end(stream);
    assert_eq!(seen.stdout.len(), FRAMES * 8184);
    assert_eq!(seen.ended, Some(Ok((Some(0), false))));
}

#[test]
fn an_end_during_a_pause_comes_after_the_output() {
    let engine = FakeEngine::streams(|conn| {
        upgraded(conn);
        conn.send(&frame(1, b"tail"));
    });
    let mut it = DockerDriver::new();
    let client = it.client(&engine.address);
    let stream = it.exec(client, "web", &["true"]);
    it.docker().pause(stream).unwrap();
    it.until("the question for the exit code", |_| !engine.requests("/exec/e1/json").is_empty());
    for _ in 0..10 {
        it.turn(Duration::from_millis(2));
    }
    assert_eq!((it.seen(stream).stdout.len(), it.seen(stream).ended.is_some(), it.lp.pending()), (0, false, 1));
    it.docker().resume(stream).unwrap();
    let seen = it.end(stream);
    assert_eq!((seen.text().as_str(), seen.ended), ("tail", Some(Ok((Some(0), false)))));
    // Closing instead of resuming tells the end, without the output.
    let stream = it.exec(client, "web", &["true"]);
    it.docker().pause(stream).unwrap();
    it.until("the question for the exit code", |_| engine.requests("/exec/e1/json").len() == 2);
    for _ in 0..10 {
        it.turn(Duration::from_millis(2));
    }
    assert!(it.docker().close(stream));
    let seen = it.end(stream);
    assert_eq!((seen.stdout.len(), it.lp.pending()), (0, 0));
}

#[test]
fn nothing_stays_open() {
    // Alone in a process: other tests open descriptors too.
    assert_eq!(crate::support::in_fork(nothing_stays_open_here), 0);
}

fn nothing_stays_open_here() -> u8 {
    let engine = FakeEngine::streams(|conn| {
        upgraded(conn);
        conn.send(&frame(1, b"x"));
    });
    let mut it = DockerDriver::new();
    let before = open_fds();
    let client = it.client(&engine.address);
    for _ in 0..20 {
        let stream = it.exec(client, "web", &["true"]);
        it.end(stream);
    }
    assert!(it.docker().close_client(client));
    // The peer's threads close their ends.
    let end = std::time::Instant::now() + crate::support::HANG;
    while open_fds() > before && std::time::Instant::now() < end {
        std::thread::yield_now();
    }
    u8::from(open_fds() > before)
}

#[test]
fn many_floods_do_not_starve_a_keystroke() {
    let engine = FakeEngine::start(|request, conn| {
        if request.path() != "/exec/e1/start" {
            return false;
        }
        conn.send(UPGRADED.as_bytes());
        if request.text().contains("\"Tty\":true") {
            let mut byte = [0];
            while conn.read_some(&mut byte) == 1 {
                conn.send(&byte);
            }
        } else {
            let piece = frame(1, &[b'x'; 32 * 1024]);
            while conn.send(&piece) {}
        }
        true
    });
    let mut it = DockerDriver::new();
    it.forget_output = true;
    let client = it.client(&engine.address);
    let floods: Vec<_> = (0..8).map(|_| it.exec(client, "web", &["yes"])).collect();
    let shell = it.exec_with(client, terminal("web", &["sh"]));
    it.until("all are open", |it| {
        floods.iter().all(|flood| it.seen(*flood).pieces > 100) && it.seen(shell).opened.is_some()
    });
    for round in 1..=50 {
        it.docker().write(shell, b"k").unwrap();
        let mut turns = 0;
        it.until("the echo", |it| {
            turns += 1;
            it.seen(shell).pieces >= round
        });
        assert!(turns < 200, "{turns} turns for one echo");
    }
    assert!(it.docker().close_client(client));
}
