//! Workers that are busy, slow, killed, replaced.

use super::support::{Driver, Fpm};
use super::{WAIT, upload};
use std::time::Duration;
use towline::fastcgi::{ClientOptions, Error, Phase, Request, RequestKey};

const SHORT: Duration = Duration::from_millis(50);

/// Waits for the line a script leaves: its pid.
fn worker(driver: &mut Driver, fpm: &Fpm, lines: usize) -> i32 {
    driver.until("the script's start", |_| fpm.traces().len() >= lines);
    fpm.traces()[lines - 1].parse().unwrap()
}

fn kill(pid: i32) {
    assert!(pid > 1);
    // SAFETY: a worker of the fixture's own php-fpm.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
}

#[test]
fn a_worker_killed_mid_answer_is_an_error_and_the_next_serves() {
    for tcp in [false, true] {
        let builder = Fpm::builder().workers(1);
        let fpm = if tcp { builder.tcp() } else { builder }.start();
        let code = format!("{WAIT} echo str_repeat('x', 100000); flush(); trace(getmypid()); wait('never');");
        let script = fpm.script("dies.php", &code);
        let fine = fpm.script("fine.php", "echo 'fine';");
        let mut driver = Driver::new();
        let client = driver.plain(&fpm.address);
        let key = driver.send(client, &Request::builder(script).build().unwrap());
        kill(worker(&mut driver, &fpm, 1));
        let error = driver.error(key);
        assert!(matches!(&error, Error::Closed(text) if text.contains("before END_REQUEST")), "{error}");
        assert_eq!(driver.get(client, &fine).body, b"fine");
    }
}

#[test]
fn a_request_whose_worker_was_killed_is_not_sent_twice() {
    for tcp in [false, true] {
        for method in ["POST", "GET"] {
            let builder = Fpm::builder().workers(2);
            let fpm = if tcp { builder.tcp() } else { builder }.start();
            let script = fpm.script("dies.php", &format!("{WAIT} trace(getmypid()); wait('never');"));
            let fine = fpm.script("fine.php", "echo 'fine';");
            let mut driver = Driver::new();
            let client = driver.plain(&fpm.address);
            // On a connection that has served before.
            driver.get(client, &fine);
            let key = driver.send_body(client, &upload(method, &script, 3), b"abc");
            kill(worker(&mut driver, &fpm, 1));
            let error = driver.error(key);
            assert!(matches!(&error, Error::Closed(text) if text.contains("before it answered")), "{error}");
            assert_eq!(driver.get(client, &fine).body, b"fine");
            assert_eq!(fpm.traces().len(), 1, "{method}, tcp: {tcp}");
            assert_eq!(driver.lp.fastcgi().stats(client).unwrap().retried, 0);
        }
    }
}

#[test]
fn a_worker_killed_while_its_connection_was_idle_does_no_harm() {
    for tcp in [false, true] {
        let builder = Fpm::builder().workers(1);
        let fpm = if tcp { builder.tcp() } else { builder }.start();
        let script = fpm.script("pid.php", "echo getmypid();");
        let mut driver = Driver::new();
        let client =
            driver.client(&[&fpm.address], ClientOptions { idle_close: Duration::from_secs(60), ..Default::default() });
        for _ in 0..3 {
            let pid: i32 = String::from_utf8(driver.get(client, &script).body).unwrap().parse().unwrap();
            kill(pid);
            driver.until("the connection's end", |driver| driver.lp.fastcgi().stats(client).unwrap().idle == 0);
            let key = driver.send_body(client, &upload("POST", &script, 3), b"abc");
            assert_ne!(driver.text(key), pid.to_string());
        }
    }
}

#[test]
fn with_one_request_per_worker_all_succeed_and_each_runs_once() {
    for tcp in [false, true] {
        let builder = Fpm::builder().workers(4).pool("pm.max_requests = 1");
        let fpm = if tcp { builder.tcp() } else { builder }.start();
        let code = format!("{WAIT} trace($_GET['id']); echo file_get_contents('php://input');");
        let script = fpm.script("once.php", &code);
        let mut driver = Driver::new();
        let client = driver.client(&[&fpm.address], ClientOptions { max_connections: 3, ..Default::default() });
        let keys: Vec<(RequestKey, String)> = (0..60)
            .map(|id| {
                let body = format!("body {id}");
                let post = id % 2 == 1;
                let request = Request::builder(script.as_str())
                    .query(format!("id={id}"))
                    .method(if post { "POST" } else { "GET" })
                    .content_type("text/plain")
                    .content_length(body.len() as u64);
                (driver.send_body(client, &request.build().unwrap(), body.as_bytes()), body)
            })
            .collect();
        for (key, body) in keys {
            assert_eq!(driver.text(key), body, "tcp: {tcp}");
        }
        let mut ran: Vec<u32> = fpm.traces().iter().map(|line| line.parse().unwrap()).collect();
        ran.sort_unstable();
        assert_eq!(ran, (0..60).collect::<Vec<_>>(), "each once; tcp: {tcp}");
    }
}

#[test]
fn a_request_that_a_worker_leaves_unanswered_as_it_ends_is_sent_again() {
    // The worker is at its last request and closes in good order after that, with the next one in its socket.
    for (tcp, method) in [(false, "GET"), (false, "POST"), (true, "GET")] {
        let builder = Fpm::builder().workers(1).pool("pm.max_requests = 1");
        let fpm = if tcp { builder.tcp() } else { builder }.start();
        let last = format!("{WAIT} echo 'last'; fastcgi_finish_request(); wait('go');");
        let last = fpm.script("last.php", &last);
        let next = fpm.script("next.php", &format!("{WAIT} trace('ran'); echo 'next';"));
        let mut driver = Driver::new();
        let client = driver.plain(&fpm.address);
        assert_eq!(driver.get(client, &last).body, b"last");
        let key = driver.send(client, &upload(method, &next, 0));
        let sent = driver.lp.fastcgi().stats(client).unwrap();
        assert_eq!((sent.reused, sent.connects), (1, 1), "{method}, tcp: {tcp}");
        std::fs::write(fpm.dir.join("go"), "").unwrap();
        assert_eq!(driver.text(key), "next", "{method}, tcp: {tcp}");
        assert_eq!(driver.lp.fastcgi().stats(client).unwrap().retried, 1, "{method}, tcp: {tcp}");
        assert_eq!(fpm.traces(), ["ran"], "{method}, tcp: {tcp}");
    }
}

#[test]
fn when_all_workers_are_busy_the_first_byte_deadline_ends_the_wait() {
    let fpm = Fpm::builder().workers(1).start();
    let script = fpm.script("holds.php", &format!("{WAIT} trace(getmypid()); wait('go'); echo 'fine';"));
    let mut driver = Driver::new();
    let patient = driver.plain(&fpm.address);
    let first = driver.send(patient, &Request::builder(script.as_str()).build().unwrap());
    worker(&mut driver, &fpm, 1);
    let options = ClientOptions { first_byte_timeout: Some(SHORT), ..ClientOptions::default() };
    let hasty = driver.client(&[&fpm.address], options);
    let second = driver.send(hasty, &Request::builder(script.as_str()).build().unwrap());
    let third = driver.send_body(hasty, &upload("POST", &script, 4 << 20), &vec![0; 4 << 20]);
    for key in [second, third] {
        let error = driver.error(key);
        assert!(matches!(error, Error::Timeout { phase: Phase::FirstByte, .. }), "{error}");
    }
    std::fs::write(fpm.dir.join("go"), "").unwrap();
    assert_eq!(driver.text(first), "fine");
}

#[test]
fn a_dripping_script_meets_the_total_deadline() {
    let fpm = Fpm::start();
    let script = fpm.script("drip.php", "for ($n = 0; $n < 10000; $n++) { echo '.'; flush(); usleep(1000); }");
    let mut driver = Driver::new();
    let long = Some(Duration::from_secs(60));
    let options =
        ClientOptions { timeout: Some(SHORT), idle_timeout: long, first_byte_timeout: long, ..Default::default() };
    let client = driver.client(&[&fpm.address], options);
    let key = driver.send(client, &Request::builder(script).build().unwrap());
    let error = driver.error(key);
    assert!(matches!(error, Error::Timeout { phase: Phase::Total, .. }), "{error}");
}

#[test]
fn a_script_that_is_terminated_ends_its_answer() {
    let fpm = Fpm::builder().pool("request_terminate_timeout = 1s").start();
    let script = fpm.script("slow.php", "echo 'begun'; flush(); for (;;) { usleep(10000); }");
    let fine = fpm.script("fine.php", "echo 'fine';");
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    let key = driver.send(client, &Request::builder(script).build().unwrap());
    assert!(matches!(driver.error(key), Error::Closed(_)));
    assert_eq!(driver.get(client, &fine).body, b"fine");
}

#[test]
fn a_cancelled_script_leaves_its_connection() {
    let fpm = Fpm::builder().workers(1).start();
    let code = format!("{WAIT} echo 'begun'; flush(); trace(getmypid()); wait('go');");
    let script = fpm.script("holds.php", &code);
    let fine = fpm.script("fine.php", "echo 'fine';");
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    let key = driver.send(client, &Request::builder(script).build().unwrap());
    worker(&mut driver, &fpm, 1);
    assert!(driver.lp.fastcgi().cancel(key));
    assert_eq!(driver.error(key), Error::Cancelled);
    // Its worker is still at it; the next request waits for that.
    let next = driver.send(client, &Request::builder(fine).build().unwrap());
    std::fs::write(fpm.dir.join("go"), "").unwrap();
    assert_eq!(driver.text(next), "fine");
}

#[test]
fn a_full_backlog_of_php_fpm_is_waited_for() {
    let fpm = Fpm::builder().workers(1).pool("listen.backlog = 1").start();
    let script = fpm.script("fine.php", "usleep(1000); echo 'fine';");
    let mut driver = Driver::new();
    let options = ClientOptions { max_connections: 30, keep_alive: false, ..ClientOptions::default() };
    let client = driver.client(&[&fpm.address], options);
    let request = Request::builder(script).build().unwrap();
    let keys: Vec<_> = (0..60).map(|_| driver.send(client, &request)).collect();
    for key in keys {
        assert_eq!(driver.text(key), "fine");
    }
}

#[test]
fn a_php_fpm_that_does_not_want_us_is_named_as_one() {
    let fpm = Fpm::builder().tcp().pool("listen.allowed_clients = 192.0.2.1").start();
    let script = fpm.script("fine.php", "echo 'fine';");
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    for length in [0, 4 << 20] {
        let key = driver.send_body(client, &upload("POST", &script, length), &vec![0; length]);
        let error = driver.error(key);
        assert!(matches!(&error, Error::Closed(text) if text.contains("listen.allowed_clients")), "{error}");
    }
}

#[test]
fn a_worker_terminated_while_its_connection_was_idle_does_no_harm() {
    // request_terminate_timeout counts for a kept connection's worker too, while it waits for the next request.
    let fpm = Fpm::builder().workers(1).pool("request_terminate_timeout = 1s").start();
    let script = fpm.script("echo.php", "echo file_get_contents('php://input');");
    let mut driver = Driver::new();
    let long = Duration::from_secs(60);
    let client = driver.client(&[&fpm.address], ClientOptions { idle_close: long, ..ClientOptions::default() });
    assert_eq!(driver.get(client, &script).body, b"");
    let timer = driver.lp.timer_start(Duration::from_millis(1500), false);
    driver.until("the time to pass", |driver| driver.timers.contains(&timer));
    let key = driver.send_body(client, &upload("POST", &script, 3), b"abc");
    assert_eq!(driver.text(key), "abc");
}
