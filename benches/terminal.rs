//! Measures terminal sessions in a process of their own. Prints one line of `name=value` pairs.
//!
//! ```text
//! serve LISTEN ENGINE CONTAINER COMMAND...   a session on a new exec for every WebSocket; prints where it listens
//! idle SESSIONS ECHOES                       memory of idle sessions with a viewer each, and echo times of some
//! ```
//!
//! `idle` brings its own Engine, which is a few threads that answer what is needed.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use towline::docker::{DockerOptions, ExecOptions};
use towline::terminal::{HubOptions, SUBPROTOCOL};
use towline::websocket::{EventKind, ServerOptions};
use towline::{Event, Loop};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["serve", listen, engine, container, command @ ..] if !command.is_empty() => {
            serve(listen, engine, container, command)
        }
        ["idle", sessions, echoes] => idle(sessions.parse()?, echoes.parse()?),
        // `cargo bench` and `cargo test --all-targets` run this without words of ours.
        _ => {
            say("usage: serve LISTEN ENGINE CONTAINER COMMAND... or idle SESSIONS ECHOES");
            Ok(())
        }
    }
}

#[allow(clippy::print_stdout, reason = "a program")]
fn say(line: impl Display) {
    println!("{line}");
}

fn serve(listen: &str, engine: &str, container: &str, command: &[&str]) -> Outcome {
    let mut lp = Loop::new()?;
    let client = lp.docker().client(DockerOptions { address: Some(engine.to_owned()), ..DockerOptions::default() })?;
    let hub =
        lp.terminal().hub(HubOptions { linger: Duration::ZERO, max_sessions: 1_000_000, ..HubOptions::default() })?;
    let options = ServerOptions {
        subprotocols: vec![SUBPROTOCOL.into()],
        max_connections: 1_000_000,
        ping_interval: None,
        ..ServerOptions::default()
    };
    let server = lp.websocket().listen(listen, options)?;
    say(lp.websocket().address(server).unwrap_or_default());
    let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
    loop {
        lp.turn(None)?;
        while let Some(event) = lp.next_event() {
            if let Event::WebSocket(event) = event
                && let EventKind::Upgrade { request, .. } = event.kind
            {
                let conn = lp.websocket().accept(request, None)?;
                let exec = ExecOptions {
                    container: container.to_owned(),
                    command: command.clone(),
                    tty: true,
                    stdin: true,
                    env: vec![("PS1".into(), "ready> ".into())],
                    ..ExecOptions::default()
                };
                let stream = lp.docker().exec(client, exec)?;
                let session = lp.terminal().open(hub, stream, None)?;
                lp.terminal().attach(session, conn, false, None)?;
            }
        }
    }
}

struct Server(Child, String);

impl Server {
    fn start(engine: &Engine) -> Outcome<Server> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", "127.0.0.1:0", &engine.address, "web", "sh"])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut address)?;
        Ok(Server(child, address.trim().to_owned()))
    }

    fn open(&self) -> Outcome<Page> {
        let mut stream = TcpStream::connect(&self.1)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )?;
        // The answer has 129 bytes.
        stream.read_exact(&mut [0; 129])?;
        Ok(Page(stream))
    }

    /// Resident memory in KiB.
    fn resident(&self) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The far end of a WebSocket.
struct Page(TcpStream);

impl Page {
    /// The next message.
    fn message(&mut self) -> Outcome<Vec<u8>> {
        let mut payload = vec![0; self.header()?];
        self.0.read_exact(&mut payload)?;
        Ok(payload)
    }

    fn header(&mut self) -> Outcome<usize> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head)?;
        let mut wide = [0; 8];
        Ok(match head[1] {
            126 => {
                self.0.read_exact(&mut wide[6..])?;
                usize::try_from(u64::from_be_bytes(wide))?
            }
            127 => {
                self.0.read_exact(&mut wide)?;
                usize::try_from(u64::from_be_bytes(wide))?
            }
            size => usize::from(size),
        })
    }

    /// Bytes of output until there are `wanted`.
    fn output(&mut self, wanted: usize) -> Outcome<Vec<u8>> {
        let mut output = Vec::new();
        while output.len() < wanted {
            let message = self.message()?;
            if let Some((b'0', bytes)) = message.split_first() {
                output.extend_from_slice(bytes);
            }
        }
        Ok(output)
    }
}

/// Answers what is needed to open a stream on any number of connections.
struct Engine {
    folder: std::path::PathBuf,
    address: String,
}

impl Engine {
    fn start(stream: fn(&mut UnixStream) -> std::io::Result<()>) -> Outcome<Engine> {
        let folder = std::env::temp_dir().join(format!("towline-bench-{}", std::process::id()));
        std::fs::create_dir(&folder)?;
        let path = folder.join("engine.sock");
        let listener = UnixListener::bind(&path)?;
        std::thread::spawn(move || {
            for conn in listener.incoming().flatten() {
                let thread = std::thread::Builder::new().stack_size(128 * 1024);
                // Without a thread the connection closes, and the client tells.
                let _ = thread.spawn(move || serve_engine(conn, stream));
            }
        });
        Ok(Engine { folder, address: format!("unix://{}", path.display()) })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn serve_engine(mut conn: UnixStream, stream: fn(&mut UnixStream) -> std::io::Result<()>) -> std::io::Result<()> {
    loop {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            conn.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        conn.read_exact(&mut vec![0; length.unwrap_or(0)])?;
        let target = head.split(' ').nth(1).unwrap_or_default();
        if target.ends_with("/start") {
            conn.write_all(
                b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\n\
                  Upgrade: tcp\r\n\r\n",
            )?;
            return stream(&mut conn);
        }
        let body = match target {
            _ if target.ends_with("_ping") => "OK",
            _ if target.ends_with("/exec") => r#"{"Id":"e1"}"#,
            _ => r#"{"Running":false,"ExitCode":0}"#,
        };
        conn.write_all(
            format!(
                "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        )?;
    }
}

fn echo(conn: &mut UnixStream) -> std::io::Result<()> {
    conn.write_all(b"$ ")?;
    let mut buffer = [0; 4096];
    loop {
        match conn.read(&mut buffer)? {
            0 => return Ok(()),
            n => conn.write_all(buffer.get(..n).unwrap_or_default())?,
        }
    }
}

fn idle(sessions: usize, echoes: usize) -> Outcome {
    let engine = Engine::start(echo)?;
    let server = Server::start(&engine)?;
    // What the first session brings is no part of each.
    let mut first = server.open()?;
    first.output(2)?;
    let base = server.resident()?;
    let mut pages = Vec::with_capacity(sessions);
    for _ in 0..sessions {
        let mut page = server.open()?;
        page.output(2)?;
        pages.push(page);
    }
    // Connections for calls are closed when they have been idle for a while.
    std::thread::sleep(Duration::from_secs(6));
    let used = server.resident()?;
    let mut times = Vec::with_capacity(echoes);
    for number in 0..echoes {
        // Each time another one of the idle.
        let index = number.wrapping_mul(7919) % sessions;
        let Some(page) = pages.get_mut(index) else { continue };
        let start = Instant::now();
        page.0.write_all(&[0x82, 0x82, 0, 0, 0, 0, b'0', b'k'])?;
        page.output(1)?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let percentile = |part: usize| times.get(times.len() * part / 100).map_or(0.0, |it| it.as_secs_f64() * 1e6);
    say(format!(
        "sessions={sessions} base_kib={base} idle_kib={used} used_kib={} bytes_each={} echo_p50_us={:.0} \
         echo_p99_us={:.0}",
        server.resident()?,
        used.saturating_sub(base) * 1024 / sessions as u64,
        percentile(50),
        percentile(99),
    ));
    Ok(())
}
