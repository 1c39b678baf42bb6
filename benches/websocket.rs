//! Measures the WebSocket server in a process of its own. Prints one line of `name=value` pairs.
//!
//! ```text
//! idle CONNECTIONS ECHOES   memory of idle connections, and echo times of one among them
//! pour MESSAGES SIZE        messages of SIZE bytes that the server sends to one client
//! ```

use std::fmt::Display;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use towline::websocket::{EventKind, ServerOptions};
use towline::{Event, Loop};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["serve"] => serve(),
        ["idle", connections, echoes] => idle(connections.parse()?, echoes.parse()?),
        ["pour", messages, size] => pour(messages.parse()?, size.parse()?),
        // `cargo bench` and `cargo test --all-targets` run this without words of ours.
        _ => {
            say("usage: idle CONNECTIONS ECHOES, or pour MESSAGES SIZE");
            Ok(())
        }
    }
}

#[allow(clippy::print_stdout, reason = "a program")]
fn say(line: impl Display) {
    println!("{line}");
}

/// Sends messages back; a text of two numbers asks for that many messages of that size.
fn serve() -> Outcome {
    let mut lp = Loop::new()?;
    let options = ServerOptions { max_connections: 1_000_000, ping_interval: None, ..ServerOptions::default() };
    let server = lp.websocket().listen("127.0.0.1:0", options)?;
    say(lp.websocket().address(server).unwrap_or_default());
    let mut data = Vec::new();
    let mut left = 0;
    loop {
        lp.turn(None)?;
        while let Some(event) = lp.next_event() {
            let Event::WebSocket(event) = event else { continue };
            let conn = match event.kind {
                EventKind::Upgrade { request, .. } => {
                    lp.websocket().accept(request, None)?;
                    continue;
                }
                EventKind::Message { conn, data, binary: true } => {
                    lp.websocket().send(conn, &data, true)?;
                    continue;
                }
                EventKind::Message { conn, data: text, binary: false } => {
                    let text = String::from_utf8(text.to_vec())?;
                    let (messages, size) = text.split_once(' ').ok_or("two numbers are expected")?;
                    left = messages.parse::<u64>()?;
                    data = vec![b'x'; size.parse()?];
                    conn
                }
                EventKind::Drain { conn } => conn,
                _ => continue,
            };
            while left > 0 {
                left -= 1;
                if lp.websocket().send(conn, &data, true)? > 1 << 20 {
                    break;
                }
            }
        }
    }
}

struct Server(Child, String);

impl Server {
    fn start() -> Outcome<Server> {
        let mut child = Command::new(std::env::current_exe()?).arg("serve").stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut address)?;
        Ok(Server(child, address.trim().to_owned()))
    }

    fn open(&self) -> Outcome<TcpStream> {
        let mut stream = TcpStream::connect(&self.1)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )?;
        // The answer has 129 bytes.
        stream.read_exact(&mut [0; 129])?;
        Ok(stream)
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

fn idle(connections: usize, echoes: usize) -> Outcome {
    let server = Server::start()?;
    let base = server.resident()?;
    let start = Instant::now();
    let mut streams = (0..connections).map(|_| server.open()).collect::<Outcome<Vec<_>>>()?;
    let opened = start.elapsed();
    let fresh = server.resident()?;
    let (mut times, mut answer) = (Vec::with_capacity(echoes), [0; 3]);
    for number in 0..echoes {
        // Each time another one of the idle.
        let index = number.wrapping_mul(7919) % connections;
        let Some(stream) = streams.get_mut(index) else { continue };
        let start = Instant::now();
        stream.write_all(&[0x82, 0x81, 0, 0, 0, 0, b'k'])?;
        stream.read_exact(&mut answer)?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let percentile = |part: usize| times.get(times.len() * part / 100).map_or(0.0, |it| it.as_secs_f64() * 1e6);
    say(format!(
        "connections={connections} base_kib={base} idle_kib={fresh} used_kib={} bytes_each={} opened_per_s={:.0} \
         echo_p50_us={:.0} echo_p99_us={:.0}",
        server.resident()?,
        (server.resident()?.saturating_sub(base)) * 1024 / connections as u64,
        connections as f64 / opened.as_secs_f64(),
        percentile(50),
        percentile(99),
    ));
    Ok(())
}

fn pour(messages: u64, size: u64) -> Outcome {
    let server = Server::start()?;
    let mut stream = server.open()?;
    let order = format!("{messages} {size}");
    stream.write_all(&[0x81, 0x80 | u8::try_from(order.len())?, 0, 0, 0, 0])?;
    stream.write_all(order.as_bytes())?;
    let header = if size < 126 {
        2
    } else if size < 65536 {
        4
    } else {
        10
    };
    let (mut left, mut buffer) = (messages * (size + header), vec![0; 256 * 1024]);
    let start = Instant::now();
    while left > 0 {
        left = left.checked_sub(stream.read(&mut buffer)? as u64).ok_or("more came than was asked for")?;
    }
    let rate = (messages * size) as f64 / start.elapsed().as_secs_f64() / 1e6;
    say(format!("messages={messages} size={size} mb_per_s={rate:.0}"));
    Ok(())
}
