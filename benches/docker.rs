//! The Docker clients that the benchmarks measure, in Rust, against `floor/fake_engine` or a real Engine. Prints one
//! line of `name=value` pairs.
//!
//! ```text
//! read ADDRESS CONTAINER COMMAND...   runs a command without a terminal and counts its output
//! echo ADDRESS CONTAINER KEYS         types into a shell, the next key after the echo of the last
//! sessions ADDRESS COUNT              opens so many sessions that are silent
//! paused ADDRESS CONTAINER COMMAND... pauses the stream until nothing moves, then reads it to its end
//! ```

use std::fmt::Display;
use std::time::{Duration, Instant};
use towline::docker::{ClientKey, DockerOptions, Event, ExecOptions, StreamEvent};
use towline::{Event as LoopEvent, Loop};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["read", address, container, command @ ..] => read(address, container, command, false),
        ["paused", address, container, command @ ..] => read(address, container, command, true),
        ["echo", address, container, keys] => echo(address, container, keys.parse()?),
        ["sessions", address, count] => sessions(address, count.parse()?),
        // `cargo bench` and `cargo test --all-targets` run this without words of ours.
        _ => {
            say("run by benches/run");
            Ok(())
        }
    }
}

#[allow(clippy::print_stdout, reason = "a program")]
fn say(line: impl Display) {
    println!("{line}");
}

fn client(events: &mut Loop, address: &str) -> Result<ClientKey, Box<dyn std::error::Error>> {
    let options = DockerOptions { address: Some(address.to_owned()), ..DockerOptions::default() };
    Ok(events.docker().client(options)?)
}

fn exec(container: &str, command: &[&str]) -> ExecOptions {
    ExecOptions {
        container: container.to_owned(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        ..ExecOptions::default()
    }
}

/// The next event of a stream; waits for one.
fn next(events: &mut Loop) -> Result<StreamEvent, Box<dyn std::error::Error>> {
    loop {
        match events.next_event() {
            Some(LoopEvent::Docker(Event::Stream { kind: StreamEvent::Failed(error), .. })) => return Err(error),
            Some(LoopEvent::Docker(Event::Stream { kind, .. })) => return Ok(kind),
            Some(other) => return Err(format!("{other:?}").into()),
            None => events.turn(Some(Duration::from_secs(10)))?,
        }
    }
}

fn read(address: &str, container: &str, command: &[&str], pause: bool) -> Outcome {
    let mut events = Loop::new()?;
    let client = client(&mut events, address)?;
    let stream = events.docker().exec(client, exec(container, command))?;
    while !matches!(next(&mut events)?, StreamEvent::Opened { .. }) {}
    let before = peak_kib()?;
    if pause {
        events.docker().pause(stream)?;
        let mut still = 0;
        while still < 100 {
            let since = Instant::now();
            events.turn(Some(Duration::from_millis(10)))?;
            still = if since.elapsed() < Duration::from_millis(10) { 0 } else { still + 1 };
            if let Some(event) = events.next_event() {
                return Err(format!("during the pause: {event:?}").into());
            }
        }
        events.docker().resume(stream)?;
    }
    let paused = peak_kib()? - before;
    let (mut bytes, mut pieces) = (0, 0);
    let begun = (Instant::now(), cpu());
    loop {
        match next(&mut events)? {
            StreamEvent::Output { bytes: piece, .. } => {
                bytes += piece.len();
                pieces += 1;
            }
            StreamEvent::Exited { .. } => break,
            _ => {}
        }
    }
    say(format_args!(
        "bytes={bytes} pieces={pieces} seconds={:.6} cpu={:.6} grown_kib={} paused_kib={paused}",
        begun.0.elapsed().as_secs_f64(),
        cpu() - begun.1,
        peak_kib()? - before
    ));
    Ok(())
}

/// As `floor/hijack_echo` does it.
fn echo(address: &str, container: &str, keys: usize) -> Outcome {
    const LINE: usize = 40;
    let mut events = Loop::new()?;
    let client = client(&mut events, address)?;
    let env = vec![("PS1".to_owned(), "ready> ".to_owned())];
    let options = ExecOptions { tty: true, stdin: true, env, ..exec(container, &["sh"]) };
    let stream = events.docker().exec(client, options)?;
    let mut seen = Vec::new();
    let mut until = |events: &mut Loop, wanted: &[u8]| -> Outcome {
        loop {
            if let Some(at) = seen.windows(wanted.len()).position(|window| window == wanted) {
                // What is behind belongs to the next.
                seen.drain(..at + wanted.len());
                return Ok(());
            }
            if let StreamEvent::Output { bytes, .. } = next(events)? {
                seen.extend_from_slice(&bytes);
            }
        }
    };
    // The prompt may have come in pieces; an empty line brings another.
    events.docker().write(stream, b"\r")?;
    until(&mut events, b"ready> ")?;
    let mut times = Vec::with_capacity(keys);
    for key in 0..keys {
        if key % LINE == 0 {
            if key > 0 {
                events.docker().write(stream, b"\r")?;
                until(&mut events, b"ready> ")?;
            }
            events.docker().write(stream, b": y")?;
            until(&mut events, b"y")?;
        }
        let begun = Instant::now();
        events.docker().write(stream, b"x")?;
        until(&mut events, b"x")?;
        times.push(begun.elapsed());
    }
    let mut times = times.split_off(keys / 10);
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6);
    say(format_args!("keys={} p50={:.1} p99={:.1}", times.len(), at(50), at(99)));
    Ok(())
}

/// Live heap bytes per open session, everything that the loop holds counted in.
fn sessions(address: &str, count: usize) -> Outcome {
    let mut events = Loop::new()?;
    let client = client(&mut events, address)?;
    let before = live_bytes();
    for _ in 0..count {
        let options = ExecOptions { tty: true, stdin: true, ..exec("any", &["hold"]) };
        events.docker().exec(client, options)?;
    }
    let mut open = 0;
    while open < count {
        open += usize::from(matches!(next(&mut events)?, StreamEvent::Opened { .. }));
    }
    // The sizes are told, and the connections for that close.
    while events.docker().stats(client).is_some_and(|stats| stats.idle > 0) {
        events.turn(Some(Duration::from_secs(1)))?;
    }
    let held = live_bytes() - before;
    say(format_args!("sessions={count} bytes={held} each={}", held / count.max(1)));
    Ok(())
}

fn cpu() -> f64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is room for one rusage, zeroed, which is valid for it whatever the call does.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

/// The most memory that this process has ever had resident, in KiB.
fn peak_kib() -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Bytes that the allocator has given out, its own overhead included.
fn live_bytes() -> usize {
    // SAFETY: mallinfo2 takes nothing and returns numbers.
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}
