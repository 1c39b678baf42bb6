//! Bodies that a source gives piece by piece.

use super::post;
use super::support::{Driver, Peer};
use towline::fastcgi::{Error, Request};

/// Answers with the length of the body that came.
fn counting() -> Peer {
    Peer::unix(|conn| {
        while let Some(request) = conn.read_request() {
            conn.answer(request.stdin.len().to_string().as_bytes());
        }
    })
}

/// Gives `total` bytes, at most `piece` at a time.
fn giving(total: usize, piece: usize) -> impl FnMut(usize) -> Option<Vec<u8>> {
    let mut left = total;
    move |asked| {
        let length = asked.min(piece).min(left);
        left -= length;
        (length > 0).then(|| vec![b'x'; length])
    }
}

#[test]
fn a_source_is_asked_until_its_end() {
    let peer = counting();
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    for (total, piece) in [(0, 1), (1, 1), (100, 7), (65_528, 65_528), (65_529, 1 << 20), (1 << 20, 1 << 20)] {
        let key = driver.send_source(client, &post(total), giving(total, piece));
        assert_eq!(driver.text(key), total.to_string());
        let wants = &driver.seen[&key].wants;
        assert!(wants.iter().all(|asked| (1..=65_528).contains(asked)), "{wants:?}");
        assert_eq!(wants.last(), Some(&1), "the end is asked for");
    }
    assert_eq!(peer.accepted(), 1, "the connection is good for more");
}

#[test]
fn a_source_that_ends_early_fails_its_request() {
    let peer = counting();
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    for given in [0, 1, 99] {
        let key = driver.send_source(client, &post(100), giving(given, 1000));
        let error = driver.error(key);
        let words = format!("ended {} bytes before the content length", 100 - given);
        assert!(matches!(&error, Error::Source(text) if text.contains(&words)), "{error}");
    }
}

#[test]
fn a_source_with_too_much_fails_its_request() {
    let peer = counting();
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    for total in [0, 1, 100] {
        let key = driver.send_source(client, &post(total), giving(total + 1, 1000));
        let error = driver.error(key);
        assert!(
            matches!(&error, Error::Source(text) if text.contains("more bytes than the content length")),
            "{error}"
        );
    }
    let key = driver.send_source(client, &post(100), |asked| Some(vec![0; asked + 1]));
    let error = driver.error(key);
    assert!(
        matches!(&error, Error::Source(text) if text.contains("gave 101 bytes; it was asked for at most 100")),
        "{error}"
    );
}

#[test]
fn a_late_source_is_waited_for() {
    let peer = counting();
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    let key = driver.send_asking(client, &post(3));
    driver.until("the question", |driver| driver.seen[&key].wants == [3]);
    // Others go on meanwhile.
    assert_eq!(driver.get(client, "/b.php").body, b"0");
    driver.lp.fastcgi().body(key, Some(b"ab")).unwrap();
    driver.until("the second question", |driver| driver.seen[&key].wants == [3, 1]);
    assert_eq!(driver.get(client, "/b.php").body, b"0");
    driver.lp.fastcgi().body(key, Some(b"c")).unwrap();
    driver.until("the third question", |driver| driver.seen[&key].wants == [3, 1, 1]);
    driver.lp.fastcgi().body(key, Some(b"")).unwrap();
    assert_eq!(driver.text(key), "3");
}

#[test]
fn bytes_that_nobody_asked_for_are_refused() {
    let peer = counting();
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    let key = driver.send_asking(client, &post(3));
    let error = driver.lp.fastcgi().body(key, Some(b"abc")).unwrap_err();
    assert!(matches!(&error, Error::Invalid(text) if text.contains("no body bytes were asked for")), "{error}");
    assert_eq!(driver.error(key), error, "and the request fails with the same words");
    assert_eq!(driver.lp.fastcgi().body(key, Some(b"abc")), Err(Error::Stale("request")));

    let key = driver.send_body(client, &post(3), b"abc");
    assert!(driver.lp.fastcgi().body(key, Some(b"abc")).is_err(), "a body of bytes has no source");
    assert!(driver.result(key).is_err());
}

#[test]
fn an_answer_may_come_before_the_source_has_ended() {
    let peer = Peer::unix(|conn| {
        conn.read_params();
        conn.answer(b"enough");
        conn.drain();
    });
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    let key = driver.send_asking(client, &post(1 << 20));
    assert_eq!(driver.text(key), "enough");
    assert_eq!(driver.lp.fastcgi().body(key, Some(b"abc")), Err(Error::Stale("request")));
    let stats = driver.lp.fastcgi().stats(client).unwrap();
    assert_eq!((stats.done, stats.idle), (1, 0), "half a request is on that connection");
}

#[test]
fn an_eager_source_does_not_starve_others() {
    let peer = counting();
    let mut driver = Driver::new();
    let client = driver.plain(&peer.address);
    let large = driver.send_source(client, &post(64 << 20), giving(64 << 20, 65_528));
    let small = driver.send(client, &Request::builder("/b.php").build().unwrap());
    assert_eq!(driver.text(small), "0");
    assert!(!driver.has_ended(large), "64 MiB went before nothing");
    assert_eq!(driver.text(large), (64 << 20).to_string());
}
