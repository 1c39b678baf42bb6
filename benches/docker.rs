//! The Docker clients that `benches/docker_run` measures, in Rust. Prints one line of `name=value` pairs.
//!
//! ```text
//! read SOCKET CONTAINER COMMAND...        a command's output to its end
//! echo SOCKET CONTAINER KEYS              keystrokes through a shell on a terminal, one at a time
//! idle SOCKET CONTAINER SESSIONS          memory of sessions in which nothing happens
//! live SOCKET CONTAINER SESSIONS SECONDS  sessions in each of which ten keys a second are typed
//! held SOCKET CONTAINER BYTES             a command that writes to a paused session; then all of it, with its hash
//! ```

use std::fmt::Display;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use towline::docker::{self, ClientKey, DockerOptions, ExecOptions, StreamEvent, StreamKey};
use towline::{Event, Loop};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["read", socket, container, command @ ..] => read(&mut Engine::new(socket, container)?, command),
        ["echo", socket, container, keys] => echo(&mut Engine::new(socket, container)?, keys.parse()?),
        ["idle", socket, container, sessions] => idle(socket, container, sessions.parse()?),
        ["live", socket, container, sessions, seconds] => {
            live(&mut Engine::new(socket, container)?, sessions.parse()?, seconds.parse()?)
        }
        ["held", socket, container, bytes] => held(&mut Engine::new(socket, container)?, bytes.parse()?),
        // `cargo bench` and `cargo test --all-targets` run this without words of ours.
        _ => {
            say("run by benches/docker_run");
            Ok(())
        }
    }
}

#[allow(clippy::print_stdout, reason = "a program")]
fn say(line: impl Display) {
    println!("{line}");
}

/// A loop, and a client of one Engine on it.
struct Engine {
    events: Loop,
    client: ClientKey,
    container: String,
}

impl Engine {
    fn new(socket: &str, container: &str) -> Outcome<Engine> {
        let mut events = Loop::new()?;
        let options = DockerOptions { address: Some(format!("unix://{socket}")), ..DockerOptions::default() };
        let client = events.docker().client(options)?;
        Ok(Engine { events, client, container: container.to_owned() })
    }

    fn exec(&mut self, command: &[&str], terminal: bool) -> Outcome<StreamKey> {
        let options = ExecOptions {
            container: self.container.clone(),
            command: command.iter().map(|&word| word.to_owned()).collect(),
            env: vec![("PS1".to_owned(), "ready> ".to_owned())],
            tty: terminal,
            stdin: terminal,
            ..ExecOptions::default()
        };
        Ok(self.events.docker().exec(self.client, options)?)
    }

    /// What happens next to a stream, or a timer that is due: `None`.
    fn next(&mut self) -> Outcome<Option<(StreamKey, StreamEvent)>> {
        loop {
            match self.events.next_event() {
                Some(Event::Docker(docker::Event::Stream { kind: StreamEvent::Failed(error), .. })) => {
                    return Err(error.into());
                }
                Some(Event::Docker(docker::Event::Stream { stream, kind })) => return Ok(Some((stream, kind))),
                Some(Event::Timer(_)) => return Ok(None),
                Some(_) => {}
                None if self.events.pending() == 0 => return Err("nothing is pending".into()),
                None => self.events.turn(None)?,
            }
        }
    }

    /// Waits until a number of streams are open.
    fn opened(&mut self, sessions: usize) -> Outcome {
        let mut open = 0;
        while open < sessions {
            if let Some((_, StreamEvent::Opened { .. })) = self.next()? {
                open += 1;
            }
        }
        Ok(())
    }
}

fn read(engine: &mut Engine, command: &[&str]) -> Outcome {
    let mut bytes = [0, 0, 0];
    engine.exec(command, false)?;
    let mut clocks = Clocks::start();
    loop {
        match engine.next()? {
            // From here on, as the floor program does.
            Some((_, StreamEvent::Opened { .. })) => clocks = Clocks::start(),
            Some((_, StreamEvent::Output { bytes: piece, stream })) => {
                if let Some(count) = bytes.get_mut(usize::from(stream)) {
                    *count += piece.len();
                }
            }
            Some((_, StreamEvent::Exited { code: Some(0), .. })) => break,
            Some((_, StreamEvent::Exited { code, .. })) => return Err(format!("exit code {code:?}").into()),
            _ => {}
        }
    }
    let (seconds, cpu) = clocks.stop();
    let [_, out, err] = bytes;
    say(format_args!("bytes={out} stderr={err} seconds={seconds:.6} cpu={cpu:.6}"));
    Ok(())
}

/// A terminal whose echo is awaited.
struct Keyboard<'a> {
    engine: &'a mut Engine,
    stream: StreamKey,
    seen: Vec<u8>,
}

impl Keyboard<'_> {
    fn press(&mut self, keys: &[u8], echo: &[u8]) -> Outcome {
        self.engine.events.docker().write(self.stream, keys)?;
        loop {
            if let Some(at) = self.seen.windows(echo.len()).position(|seen| seen == echo) {
                self.seen.drain(..at + echo.len());
                return Ok(());
            }
            match self.engine.next()? {
                Some((_, StreamEvent::Output { bytes, .. })) => self.seen.extend_from_slice(&bytes),
                Some((_, StreamEvent::Exited { .. })) => return Err("the shell ended".into()),
                _ => {}
            }
        }
    }
}

/// As the floor program does: a new line every so many keys, which are behind a colon; a tenth of them warms up.
fn echo(engine: &mut Engine, keys: usize) -> Outcome {
    const LINE: usize = 40;
    let stream = engine.exec(&["sh"], true)?;
    let mut keyboard = Keyboard { engine, stream, seen: Vec::new() };
    keyboard.press(b"\r", b"ready> ")?;
    let mut taken = Vec::with_capacity(keys);
    for key in 0..keys {
        if key % LINE == 0 {
            if key > 0 {
                keyboard.press(b"\r", b"ready> ")?;
            }
            keyboard.press(b": y", b"y")?;
        }
        let from = Instant::now();
        keyboard.press(b"x", b"x")?;
        taken.push(from.elapsed());
    }
    keyboard.engine.events.docker().write(stream, b"\rexit\r")?;
    while !matches!(keyboard.engine.next()?, Some((_, StreamEvent::Exited { .. }))) {}
    taken.drain(..keys / 10);
    say(Times::of(&mut taken));
    Ok(())
}

/// Live heap bytes per session, everything that the loop holds counted in.
fn idle(socket: &str, container: &str, sessions: usize) -> Outcome {
    let before = live_bytes();
    let mut engine = Engine::new(socket, container)?;
    for _ in 0..sessions {
        engine.exec(&["hold"], true)?;
    }
    engine.opened(sessions)?;
    // A terminal's size is set behind its opening.
    let until = Instant::now() + Duration::from_secs(1);
    while let Some(rest) = until.checked_duration_since(Instant::now()) {
        engine.events.turn(Some(rest))?;
    }
    let held = live_bytes() - before;
    say(format_args!("sessions={sessions} bytes={held} each={}", held / sessions));
    Ok(())
}

/// A tenth of the sessions gets its key every hundredth of a second. Times are from the key to its echo.
fn live(engine: &mut Engine, sessions: usize, seconds: u64) -> Outcome {
    const GROUPS: usize = 10;
    let mut streams = Vec::with_capacity(sessions);
    for _ in 0..sessions {
        streams.push(engine.exec(&["echo"], true)?);
    }
    engine.opened(sessions)?;
    let beats = usize::try_from(seconds)? * 100;
    engine.events.timer_start(Duration::from_millis(10), true);
    let mut pressed = std::collections::HashMap::with_capacity(sessions);
    let mut taken = Vec::with_capacity(beats * sessions / GROUPS);
    let clocks = Clocks::start();
    let (mut beat, mut skipped) = (0, 0);
    while beat < beats || !pressed.is_empty() {
        match engine.next()? {
            None if beat < beats => {
                for &stream in streams.iter().skip(beat % GROUPS).step_by(GROUPS) {
                    // A session whose last echo is still to come would be slower than a typist.
                    if pressed.insert(stream, Instant::now()).is_some() {
                        skipped += 1;
                    }
                    engine.events.docker().write(stream, b"x")?;
                }
                beat += 1;
            }
            Some((stream, StreamEvent::Output { bytes, .. })) if !bytes.is_empty() => {
                if let Some(from) = pressed.remove(&stream) {
                    taken.push(from.elapsed());
                }
            }
            _ => {}
        }
    }
    let (_, cpu) = clocks.stop();
    say(format_args!("{} skipped={skipped} cpu={cpu:.6}", Times::of(&mut taken)));
    Ok(())
}

/// The command hashes a block and writes it again and again; each block that comes is hashed too.
fn held(engine: &mut Engine, bytes: usize) -> Outcome {
    const BLOCK: usize = 64 * 1024 * 1024;
    let blocks = bytes.div_ceil(BLOCK);
    let script = format!(
        "head -c {BLOCK} /dev/urandom >/tmp/block && sha1sum </tmp/block >&2 && \
         for i in $(seq {blocks}); do cat /tmp/block || exit 1; done; rm /tmp/block"
    );
    let stream = engine.exec(&["sh", "-c", &script], false)?;
    engine.opened(1)?;
    engine.events.docker().pause(stream)?;
    let (live, peak) = (live_bytes(), peak_kib()?);
    let mut most = live;
    // More than enough for what fits in between to be written.
    engine.events.timer_start(Duration::from_secs(5), false);
    loop {
        if engine.events.next_event().is_some() {
            break;
        }
        engine.events.turn(None)?;
        most = most.max(live_bytes());
    }
    let (grown, resident) = (most - live, peak_kib()? - peak);
    engine.events.docker().resume(stream)?;
    let (mut said, mut hashes, mut got) = (String::new(), Vec::new(), 0);
    let mut hash = None;
    let clocks = Clocks::start();
    loop {
        match engine.next()? {
            Some((_, StreamEvent::Output { bytes, stream: 2 })) => said.push_str(std::str::from_utf8(&bytes)?),
            Some((_, StreamEvent::Output { bytes, .. })) => {
                let mut rest: &[u8] = &bytes;
                while !rest.is_empty() {
                    let (part, behind) = rest.split_at(rest.len().min(BLOCK - got % BLOCK));
                    let sum = match &mut hash {
                        Some(sum) => sum,
                        none => none.insert(Hash::start()?),
                    };
                    sum.take(part)?;
                    got += part.len();
                    rest = behind;
                    if got % BLOCK == 0
                        && let Some(sum) = hash.take()
                    {
                        hashes.push(sum.end()?);
                    }
                }
            }
            Some((_, StreamEvent::Exited { code: Some(0), truncated: false })) => break,
            Some((_, StreamEvent::Exited { .. })) => return Err(format!("the command failed: {said}").into()),
            _ => {}
        }
    }
    let (seconds, cpu) = clocks.stop();
    if said.is_empty() || hash.is_some() || hashes.len() != blocks || hashes.iter().any(|hash| *hash != said) {
        return Err(format!("{got} bytes of {blocks} blocks {said:?} have come, with hashes {hashes:?}").into());
    }
    say(format_args!(
        "bytes={got} seconds={seconds:.6} cpu={cpu:.6} grown_bytes={grown} grown_kib={resident} hashes={}",
        hashes.len()
    ));
    Ok(())
}

/// A hash, made by the program that also made the other one.
struct Hash(Child);

impl Hash {
    fn start() -> Outcome<Hash> {
        Ok(Hash(Command::new("sha1sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?))
    }

    fn take(&mut self, bytes: &[u8]) -> Outcome {
        Ok(self.0.stdin.as_mut().ok_or("no pipe")?.write_all(bytes)?)
    }

    fn end(self) -> Outcome<String> {
        Ok(String::from_utf8(self.0.wait_with_output()?.stdout)?)
    }
}

/// Sorted times.
struct Times<'a>(&'a [Duration]);

impl Times<'_> {
    fn of(taken: &mut [Duration]) -> Times<'_> {
        taken.sort_unstable();
        Times(taken)
    }

    fn micros(&self, percent: usize) -> f64 {
        let at = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    }
}

impl Display for Times<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (p50, p99, max) = (self.micros(50), self.micros(99), self.micros(100));
        write!(f, "keys={} p50={p50:.1} p99={p99:.1} max={max:.1}", self.0.len())
    }
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
