//! What the core holds in memory, counted by the allocator. One test alone in its process.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{Conn, Peer};
use towline::fastcgi::{Body, ClientKey, ClientOptions, EventKind, Request, SendOptions};
use towline::{Event, Loop};

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed on to the system's allocator; the counters do not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Turns until `count` requests have ended well.
fn finish(lp: &mut Loop, count: usize) {
    let mut done = 0;
    while done < count {
        lp.turn(None).unwrap();
        while let Some(event) = lp.next_event() {
            match event {
                Event::FastCgi(event) if event.is_final() => {
                    assert!(matches!(event.kind, EventKind::Done(_)), "{event:?}");
                    done += 1;
                }
                _ => {}
            }
        }
    }
}

fn send(lp: &mut Loop, client: ClientKey, request: &Request) {
    lp.fastcgi().send(client, request, Body::Bytes(b""), SendOptions::default()).unwrap();
}

#[test]
fn memory_is_bounded() {
    small_requests_wait_in_two_kibibytes();
    what_was_cancelled_while_waiting_leaves_nothing();
    requests_that_have_ended_leave_nothing();
    a_streamed_answer_is_not_collected();
    a_streamed_body_is_not_collected();
}

fn small_requests_wait_in_two_kibibytes() {
    let peer = Peer::unix(|conn| conn.drain());
    let mut lp = Loop::new().unwrap();
    let options = ClientOptions { max_connections: 64, ..ClientOptions::default() };
    let client = lp.fastcgi().client(&[&peer.address], options).unwrap();
    let request =
        Request::builder("/srv/www/scripts/report.php").query("from=2024-01-01&to=2024-12-31").build().unwrap();
    for _ in 0..64 {
        send(&mut lp, client, &request);
    }
    let before = live();
    for _ in 0..10_000 {
        send(&mut lp, client, &request);
    }
    let each = (live() - before) / 10_000;
    assert!(each <= 2048, "{each} bytes for a waiting request");
    assert!(lp.fastcgi().close(client));
    while lp.next_event().is_some() {}
}

fn what_was_cancelled_while_waiting_leaves_nothing() {
    let peer = Peer::unix(|conn| conn.drain());
    let mut lp = Loop::new().unwrap();
    let options = ClientOptions { max_connections: 1, ..ClientOptions::default() };
    let client = lp.fastcgi().client(&[&peer.address], options).unwrap();
    let request = Request::builder("/a.php").build().unwrap();
    send(&mut lp, client, &request);
    let round = |lp: &mut Loop| {
        let keys: Vec<_> = (0..1000)
            .map(|_| lp.fastcgi().send(client, &request, Body::Bytes(b""), SendOptions::default()).unwrap())
            .collect();
        for key in keys {
            assert!(lp.fastcgi().cancel(key));
        }
        while lp.next_event().is_some() {}
    };
    round(&mut lp);
    let before = live();
    for _ in 0..50 {
        round(&mut lp);
    }
    assert!(live() <= before + 64 * 1024, "{} bytes more after 50,000 were cancelled", live() - before);
}

fn requests_that_have_ended_leave_nothing() {
    let peer = Peer::echo(false);
    let mut lp = Loop::new().unwrap();
    let client = lp.fastcgi().client(&[&peer.address], ClientOptions::default()).unwrap();
    let request = Request::builder("/a.php").build().unwrap();
    let round = |lp: &mut Loop| {
        for _ in 0..500 {
            send(lp, client, &request);
        }
        finish(lp, 500);
    };
    round(&mut lp);
    round(&mut lp);
    let before = live();
    for _ in 0..20 {
        round(&mut lp);
    }
    // One read buffer more or less may be in use.
    assert!(live() <= before + 512 * 1024, "{} bytes more after 10,000 requests", live() - before);
}

const STREAMED: usize = 128 << 20;

fn a_streamed_answer_is_not_collected() {
    let peer = Peer::unix(|conn| {
        conn.read_request();
        let record = Conn::record(6, &[b'x'; 65_528], 0);
        conn.send(&Conn::record(6, b"\r\n", 0));
        for _ in 0..STREAMED / 65_528 {
            conn.send(&record);
        }
        conn.end();
    });
    let mut lp = Loop::new().unwrap();
    let client = lp.fastcgi().client(&[&peer.address], ClientOptions::default()).unwrap();
    let request = Request::builder("/a.php").build().unwrap();
    let options = SendOptions { stream_body: true, ..SendOptions::default() };
    PEAK.store(live(), Ordering::Relaxed);
    let before = live();
    lp.fastcgi().send(client, &request, Body::Bytes(b""), options).unwrap();
    let (mut total, mut done) = (0, false);
    while !done {
        lp.turn(None).unwrap();
        while let Some(event) = lp.next_event() {
            match event {
                Event::FastCgi(event) => match event.kind {
                    EventKind::Body(bytes) => total += bytes.len(),
                    EventKind::Done(_) => done = true,
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(total, STREAMED / 65_528 * 65_528);
    let peak = PEAK.load(Ordering::Relaxed) - before;
    assert!(peak <= 4 << 20, "{peak} bytes at the peak");
}

fn a_streamed_body_is_not_collected() {
    let peer = Peer::unix(|conn| {
        conn.read_params();
        let mut total = 0;
        loop {
            let (_, _, content, _) = conn.read_record().unwrap();
            if content.is_empty() {
                break;
            }
            total += content.len();
        }
        assert_eq!(total, STREAMED);
        conn.answer(b"");
    });
    let mut lp = Loop::new().unwrap();
    let client = lp.fastcgi().client(&[&peer.address], ClientOptions::default()).unwrap();
    let request = Request::builder("/a.php").method("PUT").content_length(STREAMED as u64).build().unwrap();
    let piece = vec![b'x'; 65_536];
    PEAK.store(live(), Ordering::Relaxed);
    let before = live();
    let key = lp.fastcgi().send(client, &request, Body::Source, SendOptions::default()).unwrap();
    let (mut left, mut done) = (STREAMED, false);
    while !done {
        lp.turn(None).unwrap();
        while let Some(event) = lp.next_event() {
            match event {
                Event::FastCgi(event) => match event.kind {
                    EventKind::WantBody(asked) => {
                        let given = asked.min(left);
                        left -= given;
                        lp.fastcgi().body(key, Some(&piece[..given])).unwrap();
                    }
                    EventKind::Done(_) => done = true,
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            }
        }
    }
    let peak = PEAK.load(Ordering::Relaxed) - before;
    assert!(peak <= 4 << 20, "{peak} bytes at the peak");
}
