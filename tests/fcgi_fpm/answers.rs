//! Statuses, headers, STDERR, and the ways in which scripts end.

use super::support::{Driver, Fpm};
use super::{WAIT, upload};
use towline::fastcgi::{ClientOptions, Head, Request, SendOptions};

fn values<'a>(head: &'a Head, name: &str) -> Vec<&'a [u8]> {
    head.fields().filter(|(n, _)| *n == name.as_bytes()).map(|(_, value)| value).collect()
}

const SCRIPTS: [(&str, &str, u16); 7] = [
    ("plain.php", "echo 'body';", 200),
    ("missing.php", "http_response_code(404); echo 'body';", 404),
    ("teapot.php", "header('HTTP/1.1 418 A Teapot'); echo 'body';", 418),
    ("status.php", "header('Status: 503 Later'); echo 'body';", 503),
    ("moved.php", "header('Location: /elsewhere'); echo 'body';", 302),
    ("created.php", "header('Location: /elsewhere', true, 201); echo 'body';", 201),
    ("fixed.php", "header('X-A: 1'); http_response_code(204);", 204),
];

#[test]
fn statuses_in_both_notations() {
    for rfc2616 in ["0", "1"] {
        let fpm = Fpm::builder().pool(&format!("php_admin_value[cgi.rfc2616_headers] = {rfc2616}")).start();
        let mut driver = Driver::new();
        let client = driver.plain(&fpm.address);
        for (name, code, status) in SCRIPTS {
            let response = driver.get(client, &fpm.script(name, code));
            assert_eq!(response.head.status(), status, "{name}, rfc2616_headers={rfc2616}");
            assert_eq!(response.app_status, 0);
            if status != 204 {
                assert_eq!(response.body, b"body");
            }
        }
        let script = fpm.script("unmodified.php", "http_response_code(304);");
        let response = driver.get(client, &script);
        assert_eq!((response.head.status(), response.head.field("content-type")), (304, None));
    }
}

#[test]
fn headers_keep_their_duplicates_and_may_be_long() {
    let fpm = Fpm::start();
    let script = fpm.script(
        "headers.php",
        "setcookie('a', '1'); setcookie('b', '2'); header('X-Long: ' . str_repeat('x', 20000));
         for ($n = 0; $n < 500; $n++) { header(\"X-$n: value $n\"); }
         header('X-Empty:'); echo 'body';",
    );
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    let response = driver.get(client, &script);
    let cookies = values(&response.head, "set-cookie");
    assert_eq!(cookies.len(), 2);
    assert!(cookies[0].starts_with(b"a=1") && cookies[1].starts_with(b"b=2"));
    assert_eq!(response.head.field("x-long").unwrap().len(), 20_000);
    assert_eq!(response.head.field("x-499"), Some(&b"value 499"[..]));
    assert_eq!(response.body, b"body");
}

#[test]
fn no_script_no_access() {
    let fpm = Fpm::start();
    std::fs::write(fpm.dir.join("page.html"), "<?php echo 'no';").unwrap();
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    for (script, status) in [("missing.php", 404), ("../etc.php", 404), ("page.html", 403)] {
        let response = driver.get(client, &fpm.dir.join(script));
        assert_eq!(response.head.status(), status, "{script}");
    }
}

#[test]
fn head_has_no_body() {
    let fpm = Fpm::start();
    let script = fpm.script("plain.php", "header('X-A: b'); echo 'body';");
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    let key = driver.send(client, &Request::builder(script).method("HEAD").build().unwrap());
    let response = driver.answer(key);
    assert_eq!((response.head.field("x-a"), response.body.len()), (Some(&b"b"[..]), 0));
}

#[test]
fn stderr_comes_beside_the_answer() {
    let fpm = Fpm::builder().pool("php_admin_flag[log_errors] = on").start();
    let script = fpm.script(
        "stderr.php",
        "error_log('before the head'); echo 'body'; flush();
         for ($n = 0; $n < 100; $n++) { error_log(str_repeat('x', 900)); } echo ' more'; error_log('at the end');",
    );
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    let response = driver.get(client, &script);
    assert_eq!(response.body, b"body more");
    let stderr = String::from_utf8(response.stderr).unwrap();
    assert!(stderr.contains("before the head") && stderr.contains("at the end"), "{stderr}");
    assert!(stderr.len() > 90_000, "{} bytes", stderr.len());

    let options = SendOptions { stream_stderr: true, ..SendOptions::default() };
    let key = driver.send_with(client, &Request::builder(script).build().unwrap(), b"", options);
    let response = driver.answer(key);
    assert_eq!((&response.body[..], response.stderr.len()), (&b"body more"[..], 0));
    assert_eq!(driver.seen[&key].stderr, stderr.as_bytes());
}

#[test]
fn scripts_that_end_badly_still_answer() {
    let fpm = Fpm::builder().pool("php_admin_flag[display_errors] = off").start();
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    for (name, code, status, body) in [
        ("exit.php", "echo 'said'; exit(255);", 200, &b"said"[..]),
        ("die.php", "die('last words');", 200, b"last words"),
        ("fatal.php", "undefined_function();", 500, b""),
        ("late.php", "echo 'said'; flush(); undefined_function();", 200, b"said"),
        ("throw.php", "throw new Exception('x');", 500, b""),
        ("memory.php", "$a = str_repeat('x', 1 << 30);", 500, b""),
        ("syntax.php", "this is no php", 500, b""),
        ("empty.php", "", 200, b""),
    ] {
        let response = driver.get(client, &fpm.script(name, code));
        assert_eq!((response.head.status(), &response.body[..], response.app_status), (status, body, 0), "{name}");
    }
    assert_eq!(driver.get(client, &fpm.script("fine.php", "echo 'fine';")).body, b"fine");
}

#[test]
fn headerless_answers_keep_their_body() {
    let fpm =
        Fpm::builder().pool("php_admin_value[default_mimetype] =").pool("php_admin_flag[expose_php] = off").start();
    let script = fpm.script("bare.php", "header_remove(); echo \"\\r\\n\\nbody\";");
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    let response = driver.get(client, &script);
    assert!(response.body.ends_with(b"\r\n\nbody"), "{:?}", response.body);
    assert_eq!(response.body.len(), 7, "{:?}", response.body);
}

#[test]
fn an_answer_finished_early_comes_early() {
    let fpm = Fpm::start();
    let code = format!("{WAIT} echo 'answer'; fastcgi_finish_request(); wait('go'); trace('ran on'); echo 'lost';");
    let script = fpm.script("finish.php", &code);
    let quick = fpm.script("quick.php", "echo file_get_contents('php://input');");
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    assert_eq!(driver.get(client, &script).body, b"answer");
    assert_eq!(fpm.traces(), [""; 0], "the script is still at work");
    // The same connection serves the next request once the worker is free.
    let key = driver.send_body(client, &upload("POST", &quick, 5), b"hello");
    std::fs::write(fpm.dir.join("go"), "").unwrap();
    assert_eq!(driver.text(key), "hello");
    assert_eq!(fpm.traces(), ["ran on"]);
}

#[test]
fn without_keep_alive_a_script_that_goes_on_after_its_answer_holds_nobody_up() {
    let fpm = Fpm::start();
    let code = format!("{WAIT} echo 'answer'; fastcgi_finish_request(); wait('go'); trace('ran on');");
    let script = fpm.script("finish.php", &code);
    let quick = fpm.script("quick.php", "echo 'quick';");
    let mut driver = Driver::new();
    let client = driver.client(&[&fpm.address], ClientOptions { keep_alive: false, ..ClientOptions::default() });
    assert_eq!(driver.get(client, &script).body, b"answer");
    assert_eq!(driver.get(client, &quick).body, b"quick");
    assert_eq!(fpm.traces(), [""; 0], "the script is still at work");
    std::fs::write(fpm.dir.join("go"), "").unwrap();
    driver.until("the script's end", |_| fpm.traces() == ["ran on"]);
}
