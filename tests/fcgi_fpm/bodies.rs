//! Bodies of every size, given at once and piece by piece.

use super::support::{Driver, Fpm, Prng};
use super::upload;
use towline::fastcgi::SendOptions;

const ECHO: &str = "echo file_get_contents('php://input');";

#[test]
fn bodies_of_every_size_arrive_whole() {
    let fpm = Fpm::builder().pool("php_admin_value[post_max_size] = 64M").start();
    let script = fpm.script("echo.php", ECHO);
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    let bytes = Prng::new(1).bytes(16 << 20);
    for method in ["POST", "PUT", "GET"] {
        for length in [0, 1, 8, 65_527, 65_528, 65_529, 65_535, 65_536, 131_056, 1 << 20] {
            let key = driver.send_body(client, &upload(method, &script, length), &bytes[..length]);
            assert!(driver.answer(key).body == bytes[..length], "{method} of {length}");
        }
    }
    let key = driver.send_body(client, &upload("POST", &script, bytes.len()), &bytes);
    assert!(driver.answer(key).body == bytes, "16 MiB");
    let stats = driver.lp.fastcgi().stats(client).unwrap();
    assert_eq!((stats.connects, stats.retried), (1, 0), "one connection served all of them");
}

#[test]
fn a_body_of_one_zero_is_a_body() {
    let fpm = Fpm::start();
    let script = fpm.script("zero.php", "echo $_SERVER['CONTENT_LENGTH'], ':', file_get_contents('php://input');");
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    let key = driver.send_body(client, &upload("POST", &script, 1), b"0");
    assert_eq!(driver.text(key), "1:0");
    let key = driver.send_body(client, &upload("POST", &script, 0), b"");
    assert_eq!(driver.text(key), "0:");
}

#[test]
fn a_form_arrives_as_one() {
    let fpm = Fpm::start();
    let script = fpm.script("form.php", "echo $_GET['q'], ' ', $_POST['a'], ' ', implode(',', $_POST['b']);");
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    let body = b"a=x%26y&b[]=1&b[]=2";
    let request = towline::fastcgi::Request::builder(script)
        .method("POST")
        .query("q=1%202")
        .content_type("application/x-www-form-urlencoded")
        .content_length(body.len() as u64)
        .build()
        .unwrap();
    let key = driver.send_body(client, &request, body);
    assert_eq!(driver.text(key), "1 2 x&y 1,2");
}

#[test]
fn a_source_gives_sixteen_mebibytes() {
    let fpm = Fpm::start();
    let script = fpm.script("echo.php", ECHO);
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    for piece in [65_528, 8_191] {
        let bytes = Prng::new(2).bytes(16 << 20);
        let (from, mut at) = (bytes.clone(), 0);
        let key = driver.send_source(client, &upload("PUT", &script, bytes.len()), move |asked| {
            let given = from.get(at..(at + asked.min(piece)).min(from.len())).unwrap_or_default();
            at += given.len();
            Some(given.to_vec())
        });
        assert!(driver.answer(key).body == bytes);
    }
    assert_eq!(driver.lp.fastcgi().stats(client).unwrap().connects, 1);
}

#[test]
fn a_script_may_write_before_it_has_read() {
    // Both sides would wait for ever if the client sent all before it read.
    let fpm = Fpm::start();
    let script = fpm
        .script("duplex.php", "echo str_repeat('x', 1 << 20); flush(); echo strlen(file_get_contents('php://input'));");
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    let key = driver.send_body(client, &upload("PUT", &script, 16 << 20), &vec![7; 16 << 20]);
    let body = driver.answer(key).body;
    assert_eq!(&body[1 << 20..], b"16777216");
    let mut left: usize = 16 << 20;
    let key = driver.send_source(client, &upload("PUT", &script, 16 << 20), move |asked| {
        let length = asked.min(left);
        left -= length;
        Some(vec![7; length])
    });
    assert_eq!(&driver.answer(key).body[1 << 20..], b"16777216");
}

#[test]
fn a_body_that_the_script_leaves_unread_does_no_harm() {
    let fpm = Fpm::builder().workers(1).start();
    let lazy = fpm.script("lazy.php", "echo 'lazy';");
    let leaving = fpm.script("leaving.php", "echo 'leaving'; exit(3);");
    let echo = fpm.script("echo.php", ECHO);
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    for (script, says) in [(&lazy, "lazy"), (&leaving, "leaving")] {
        for length in [1, 100_000, 1 << 20] {
            let key = driver.send_body(client, &upload("PUT", script, length), &vec![1; length]);
            assert_eq!(driver.text(key), says);
            let key = driver.send_body(client, &upload("POST", &echo, 5), b"hello");
            assert_eq!(driver.text(key), "hello");
        }
    }
}

#[test]
fn a_large_answer_comes_whole_or_in_chunks() {
    let fpm = Fpm::start();
    let script = fpm.script("large.php", "for ($n = 0; $n < 256; $n++) { echo str_repeat(chr($n % 251), 32768); }");
    let expected = (0..256).map(|n| vec![(n % 251) as u8; 32_768]).collect::<Vec<_>>().concat();
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    assert!(driver.get(client, &script).body == expected);
    let request = towline::fastcgi::Request::builder(script).build().unwrap();
    let options = SendOptions { stream_body: true, want_head: true, ..SendOptions::default() };
    let key = driver.send_with(client, &request, b"", options);
    assert_eq!(driver.answer(key).body.len(), 0);
    let seen = &driver.seen[&key];
    assert!(seen.body == expected);
    assert!(seen.chunks > 16 && seen.heads.len() == 1, "{} chunks", seen.chunks);
}
