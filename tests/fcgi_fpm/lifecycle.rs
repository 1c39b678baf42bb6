//! php-fpm reloaded, stopped, and driven hard.

use super::WAIT;
use super::support::{Driver, Ended, Fpm, TempDir};
use towline::fastcgi::{Body, ClientOptions, Error, Request, RequestKey, SendOptions};

#[test]
fn a_thousand_requests_over_a_few_connections() {
    for tcp in [false, true] {
        let builder = Fpm::builder().workers(3);
        let fpm = if tcp { builder.tcp() } else { builder }.start();
        let script = fpm.script("id.php", "echo $_GET['id'];");
        let mut driver = Driver::new();
        let client = driver.client(&[&fpm.address], ClientOptions { max_connections: 3, ..Default::default() });
        let keys: Vec<_> = (0..1000)
            .map(|id| {
                let request = Request::builder(script.as_str()).query(format!("id={id}")).build().unwrap();
                driver.send(client, &request)
            })
            .collect();
        for (id, key) in keys.into_iter().enumerate() {
            assert_eq!(driver.text(key), id.to_string());
        }
        let stats = driver.lp.fastcgi().stats(client).unwrap();
        assert_eq!((stats.done, stats.connects, stats.retried), (1000, 3, 0));
    }
}

/// Sends while php-fpm is reloaded.
fn reload(tcp: bool, control_timeout: &str) {
    let builder = Fpm::builder().workers(3).global(&format!("process_control_timeout = {control_timeout}"));
    let fpm = if tcp { builder.tcp() } else { builder }.start();
    let script = fpm.script("id.php", &format!("{WAIT} trace($_GET['id']); usleep(300); echo $_GET['id'];"));
    let mut driver = Driver::new();
    let client = driver.client(&[&fpm.address], ClientOptions { max_connections: 3, ..Default::default() });
    let mut keys: Vec<RequestKey> = Vec::new();
    let mut reloads = 0;
    driver.until("two reloads under load", |driver| {
        while driver.lp.pending() < 6 {
            let id = keys.len();
            let method = if id.is_multiple_of(2) { "GET" } else { "POST" };
            let request = Request::builder(script.as_str()).method(method).query(format!("id={id}")).build().unwrap();
            let key = driver.lp.fastcgi().send(client, &request, Body::Bytes(b""), SendOptions::default()).unwrap();
            keys.push(key);
        }
        let done = driver.lp.fastcgi().stats(client).unwrap().done;
        if reloads < 2 && done > 50 * (reloads + 1) && fpm.log().matches("ready to handle").count() > reloads as usize {
            reloads += 1;
            fpm.signal(libc::SIGUSR2);
        }
        reloads == 2 && done > 200 && fpm.log().matches("ready to handle").count() == 3
    });
    driver.until("all ends", |driver| driver.lp.pending() == 0);
    let mut failed = 0;
    let ran = fpm.traces();
    for (id, key) in keys.iter().enumerate() {
        let times = ran.iter().filter(|line| **line == id.to_string()).count();
        match driver.seen.get_mut(key).unwrap().ended.take().unwrap() {
            Ended::Done(response) => {
                assert_eq!(response.body, id.to_string().as_bytes());
                assert_eq!(times, 1, "request {id}");
            }
            Ended::Failed(Error::Closed(_)) => {
                assert!(times <= 1, "request {id} ran {times} times");
                failed += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    // php-fpm closes kept connections under the requests on them. Each of the six workers that it ends has one.
    assert!(failed <= 6, "{failed} failed, tcp: {tcp}, process_control_timeout: {control_timeout}");
}

#[test]
fn a_hard_reload_under_load_runs_no_script_twice() {
    for tcp in [false, true] {
        reload(tcp, "0");
    }
}

#[test]
fn a_graceful_reload_under_load_runs_no_script_twice() {
    for tcp in [false, true] {
        reload(tcp, "10s");
    }
}

#[test]
fn a_php_fpm_that_goes_is_told_and_one_that_comes_is_used() {
    let dir = TempDir::new();
    let start = || Fpm::builder().listen(dir.join("fpm.sock")).start();
    let fpm = start();
    let script = dir.join("fine.php");
    std::fs::write(&script, "<?php echo 'fine';").unwrap();
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    assert_eq!(driver.get(client, &script).body, b"fine");
    drop(fpm);
    let key = driver.send(client, &Request::builder(script.as_str()).build().unwrap());
    assert!(matches!(driver.error(key), Error::Connect { .. }));
    let _fpm = start();
    assert_eq!(driver.get(client, &script).body, b"fine");
}
