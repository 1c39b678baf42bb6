//! The clients that `benches/run` measures, in Rust. Prints one line of `name=value` pairs.
//!
//! ```text
//! load SOCKET SCRIPT REQUESTS CONCURRENCY   sends one request again and again, that many in flight
//! anew SOCKET SCRIPT REQUESTS CONCURRENCY   the same, each request built anew
//! read SOCKET SCRIPT                        streams one answer
//! write SOCKET SCRIPT BYTES                 gives one request body from a source
//! waiting SOCKET SCRIPT WAITING ACTIVE      fills the queue of a server that never answers
//! ```

use std::borrow::Borrow;
use std::fmt::Display;
use std::time::{Duration, Instant};
use towline::fastcgi::{Body, ClientKey, ClientOptions, EventKind, Request, SendOptions};
use towline::{Event, Loop};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["load", socket, script, requests, concurrency] => {
            let once = request(script)?;
            load(socket, requests.parse()?, concurrency.parse()?, || Ok(&once))
        }
        ["anew", socket, script, requests, concurrency] => {
            load(socket, requests.parse()?, concurrency.parse()?, || request(script))
        }
        ["read", socket, script] => read(socket, script),
        ["write", socket, script, bytes] => write(socket, script, bytes.parse()?),
        ["waiting", socket, script, waiting, active] => fill_queue(socket, script, waiting.parse()?, active.parse()?),
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

fn client(events: &mut Loop, socket: &str, connections: usize) -> Result<ClientKey, Box<dyn std::error::Error>> {
    let options = ClientOptions { max_connections: connections, ..ClientOptions::default() };
    Ok(events.fastcgi().client(&[socket], options)?)
}

fn request(script: &str) -> Result<Request, towline::fastcgi::Error> {
    Request::builder(script).build()
}

/// The next event; waits for one.
fn next(events: &mut Loop) -> Result<Event, Box<dyn std::error::Error>> {
    loop {
        if let Some(event) = events.next_event() {
            return Ok(event);
        }
        events.turn(Some(Duration::from_secs(10)))?;
        if events.queued() == 0 && events.pending() == 0 {
            return Err("nothing is pending".into());
        }
    }
}

fn load<R: Borrow<Request>>(
    socket: &str,
    requests: u64,
    concurrency: usize,
    request: impl Fn() -> Result<R, towline::fastcgi::Error>,
) -> Outcome {
    let mut events = Loop::new()?;
    let client = client(&mut events, socket, concurrency)?;
    let (mut sent, mut done) = (0, 0);
    let clocks = Clocks::start();
    while sent < requests.min(concurrency as u64) {
        events.fastcgi().send(client, request()?.borrow(), Body::Bytes(b""), SendOptions::default())?;
        sent += 1;
    }
    while done < requests {
        match next(&mut events)? {
            Event::FastCgi(event) => match event.kind {
                EventKind::Done(response) if response.head.status() == 200 && !response.body.is_empty() => done += 1,
                other => return Err(format!("{other:?}").into()),
            },
            Event::Timer(_) | Event::Docker(_) | Event::WebSocket(_) | Event::Terminal(_) => {}
        }
        if sent < requests {
            events.fastcgi().send(client, request()?.borrow(), Body::Bytes(b""), SendOptions::default())?;
            sent += 1;
        }
    }
    let (seconds, cpu) = clocks.stop();
    say(format_args!("requests={done} seconds={seconds:.6} cpu={cpu:.6}"));
    Ok(())
}

fn read(socket: &str, script: &str) -> Outcome {
    let mut events = Loop::new()?;
    let client = client(&mut events, socket, 1)?;
    let before = peak_kib()?;
    let mut bytes = 0;
    let clocks = Clocks::start();
    let options = SendOptions { stream_body: true, ..SendOptions::default() };
    events.fastcgi().send(client, &request(script)?, Body::Bytes(b""), options)?;
    loop {
        if let Event::FastCgi(event) = next(&mut events)? {
            match event.kind {
                EventKind::Body(chunk) => bytes += chunk.len(),
                EventKind::Done(_) => break,
                other => return Err(format!("{other:?}").into()),
            }
        }
    }
    let (seconds, cpu) = clocks.stop();
    say(format_args!("bytes={bytes} seconds={seconds:.6} cpu={cpu:.6} grown_kib={}", peak_kib()? - before));
    Ok(())
}

fn write(socket: &str, script: &str, bytes: u64) -> Outcome {
    let mut events = Loop::new()?;
    let client = client(&mut events, socket, 1)?;
    let before = peak_kib()?;
    let page = vec![b'x'; 65_536];
    let mut left = bytes;
    let clocks = Clocks::start();
    let request = Request::builder(script).method("POST").content_length(bytes).build()?;
    events.fastcgi().send(client, &request, Body::Source, SendOptions::default())?;
    loop {
        if let Event::FastCgi(event) = next(&mut events)? {
            match event.kind {
                EventKind::WantBody(most) => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(most).min(page.len());
                    left -= length as u64;
                    events.fastcgi().body(event.request, page.get(..length))?;
                }
                EventKind::Done(_) => break,
                other => return Err(format!("{other:?}").into()),
            }
        }
    }
    let (seconds, cpu) = clocks.stop();
    say(format_args!("bytes={bytes} seconds={seconds:.6} cpu={cpu:.6} grown_kib={}", peak_kib()? - before));
    Ok(())
}

/// Live heap bytes per waiting request, everything that the loop holds counted in.
fn fill_queue(socket: &str, script: &str, waiting: usize, active: usize) -> Outcome {
    let before = live_bytes();
    let mut events = Loop::new()?;
    let client = client(&mut events, socket, active)?;
    for _ in 0..active + waiting {
        events.fastcgi().send(client, &request(script)?, Body::Bytes(b""), SendOptions::default())?;
    }
    // Turns until all connections stand and have sent.
    while events.fastcgi().stats(client).is_some_and(|stats| stats.connects < active as u64) {
        events.turn(Some(Duration::from_secs(1)))?;
    }
    let stats = events.fastcgi().stats(client).ok_or("the client is gone")?;
    if (stats.waiting, stats.active) != (waiting, active) {
        return Err(format!("{stats:?}").into());
    }
    let held = live_bytes() - before;
    say(format_args!("waiting={waiting} active={active} bytes={held} each={}", held / waiting));
    Ok(())
}

/// Wall clock and this process's CPU time.
struct Clocks {
    wall: Instant,
    cpu: f64,
}

impl Clocks {
    fn start() -> Clocks {
        Clocks { wall: Instant::now(), cpu: cpu() }
    }

    /// Seconds of each since the start.
    fn stop(&self) -> (f64, f64) {
        (self.wall.elapsed().as_secs_f64(), cpu() - self.cpu)
    }
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
