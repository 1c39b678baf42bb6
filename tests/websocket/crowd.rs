//! Many connections, too many connections, and a process without descriptors.

use crate::host::{Client, Host, echo, frame, silent, upgrade};
use crate::support::open_fds;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;
use towline::Loop;
use towline::websocket::{EventKind, ServerOptions};

#[test]
fn a_thousand_come_and_go_in_a_burst() {
    // Both ends of each are ours: more than the 1024 descriptors that a process has by default.
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: fills one struct, which lives through the call.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0);
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: reads one struct, which lives through the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    let mut host = Host::new(ServerOptions::default());
    let before = open_fds();
    for round in 0..2 {
        let mut clients: Vec<Client> = (0..1000).map(|_| host.connect()).collect();
        for client in &mut clients {
            client.write(upgrade(""));
        }
        for client in &mut clients {
            assert!(host.head(client).starts_with("HTTP/1.1 101"));
        }
        let server = host.server;
        assert_eq!(host.lp.websocket().connections(server), Some(1000));
        for (number, client) in clients.iter_mut().enumerate() {
            match number % 3 {
                0 => client.write(frame(0x88, b"\x03\xe8")),
                1 => client.write(&frame(0x82, &[0; 1000])[..500]),
                _ => {}
            }
        }
        drop(clients);
        host.until("all gone", |host| host.lp.websocket().connections(server) == Some(0));
        let closed = host.seen.iter().filter(|event| matches!(event, EventKind::Closed { .. })).count();
        assert_eq!(closed, 1000 * (round + 1));
    }
    host.until("descriptors given back", |_| open_fds() <= before + 20);
    host.open();
}

#[test]
fn who_is_too_many_is_told_so_and_the_next_is_let_in() {
    let mut host = Host::new(ServerOptions { max_connections: 3, ..ServerOptions::default() });
    let mut inside: Vec<_> = (0..3).map(|_| host.open()).collect();
    let mut surplus = host.connect();
    let text = String::from_utf8({
        surplus.write(upgrade(""));
        host.rest(&mut surplus)
    });
    assert!(text.unwrap().starts_with("HTTP/1.1 503 "));
    let (mut client, conn) = inside.pop().unwrap();
    client.close();
    host.closed(conn);
    drop(surplus);
    host.turn(Duration::from_millis(50));
    host.open();
}

#[test]
fn far_too_many_wait_with_the_kernel_until_there_is_room() {
    let mut host = Host::new(ServerOptions { max_connections: 1, ..ServerOptions::default() });
    let (first, conn) = host.open();
    // They say nothing, so that they keep their places.
    let mut crowd: Vec<Client> = (0..100).map(|_| host.connect()).collect();
    host.turn(Duration::from_millis(50));
    let mut last = host.connect();
    last.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    host.turn(Duration::from_millis(50));
    last.work();
    assert_eq!(last.got, b"");
    crowd.clear();
    drop(first);
    host.closed(conn);
    let head = host.head(&mut last);
    assert!(head.starts_with("HTTP/1.1 "), "{head}");
}

#[test]
fn dropping_the_loop_closes_everything() {
    let mut host = Host::at("127.0.0.1:0", ServerOptions::default(), silent);
    let (mut asking, mut quiet) = (host.connect(), host.connect());
    asking.write(upgrade(""));
    host.until("the question", |host| !host.seen.is_empty());
    let address = host.address.clone();
    drop(host);
    asking.work();
    quiet.work();
    assert!(asking.ended && quiet.ended);
    assert!(TcpStream::connect(address).is_err());
}

/// A process of its own with few descriptors: this test again, with a variable set.
const HELPER: &str = "TOWLINE_TEST_FEW_DESCRIPTORS";

#[test]
fn accepting_goes_on_after_the_descriptors_ran_out() {
    if std::env::var_os(HELPER).is_some() {
        return serve_with_few_descriptors();
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "crowd::accepting_goes_on_after_the_descriptors_ran_out",
            "--nocapture",
            "--test-threads",
            "1",
        ])
        .env(HELPER, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let address =
        lines.find_map(|line| line.split("LISTENS ").nth(1).map(str::to_owned)).expect("the helper must tell");
    let ask = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(crate::support::HANG)).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).map(|()| status)
    };
    // More than it has descriptors for; the kernel holds the rest.
    let mut crowd: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(&address).unwrap()).collect();
    assert_eq!(&ask(&mut crowd[0]).unwrap(), b"HTTP/1.1 200");
    assert!(lines.any(|line| line.contains("FULL")));
    // Those at the end get in as the others go.
    let mut last = crowd.pop().unwrap();
    drop(crowd);
    assert_eq!(&ask(&mut last).unwrap(), b"HTTP/1.1 200");
    for _ in 0..3 {
        assert_eq!(&ask(&mut TcpStream::connect(&address).unwrap()).unwrap(), b"HTTP/1.1 200");
    }
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

fn serve_with_few_descriptors() {
    let mut host =
        Host::at("127.0.0.1:0", ServerOptions::default(), |lp: &mut Loop, event: &EventKind| echo(lp, event));
    let limit = libc::rlimit { rlim_cur: 50, rlim_max: 50 };
    // SAFETY: the limit lives through the call.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    println!("LISTENS {}", host.address);
    // The parent's end of stdin tells when to leave.
    let waker = host.lp.waker();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = tell.send(());
        waker.wake();
    });
    let mut full = false;
    while told.try_recv().is_err() {
        host.turn(Duration::from_millis(100));
        if !full && std::fs::File::open("/dev/null").is_err() {
            full = true;
            println!("FULL");
        }
    }
}
