//! The loop itself: timers, wake-ups, the exported descriptor, bounded turns, stale handles, forks.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

mod support;

use mio::Interest;
use mio::net::UnixStream;
use std::io::Write;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};
use support::{Conn, Driver, FullBacklog, HANG, Peer, in_fork};
use towline::fastcgi::{Body, ClientOptions, EventKind, Request, SendOptions};
use towline::reactor::{Reactor, Readiness, Registration, Source, TURN_BUDGET, Tag};
use towline::{Event, Loop};

const TICK: Duration = Duration::from_millis(5);

/// True when poll(2) says that the descriptor is readable within the time.
fn readable(fd: RawFd, within: Duration) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one pollfd that lives through the call.
    unsafe { libc::poll(&raw mut poll, 1, within.as_millis() as i32) == 1 }
}

#[test]
fn timers_fire_in_the_order_they_are_due_and_never_early() {
    let mut driver = Driver::new();
    let begun = Instant::now();
    let late = driver.lp.timer_start(3 * TICK, false);
    let first = driver.lp.timer_start(TICK, false);
    let second = driver.lp.timer_start(TICK, false);
    let now = driver.lp.timer_start(Duration::ZERO, false);
    assert_eq!(driver.lp.pending(), 4);
    driver.until("all timers", |driver| driver.timers.len() == 4);
    assert!(begun.elapsed() >= 3 * TICK);
    assert_eq!(driver.timers, [now, first, second, late]);
    assert!([late, first, second, now].iter().all(|timer| !driver.lp.timer_is_active(*timer)));
    assert_eq!((driver.lp.pending(), driver.lp.timeout()), (0, None));
}

#[test]
fn a_repeating_timer_repeats_until_it_is_cancelled() {
    let mut driver = Driver::new();
    let begun = Instant::now();
    let timer = driver.lp.timer_start(TICK, true);
    driver.until("five times", |driver| driver.timers.len() == 5);
    assert!(begun.elapsed() >= 5 * TICK);
    assert!(driver.lp.timer_is_active(timer));
    assert!(driver.lp.timer_cancel(timer));
    assert!(!driver.lp.timer_cancel(timer));
    assert_eq!(driver.lp.pending(), 0);
    assert_eq!(driver.lp.timeout(), None);
}

#[test]
fn a_beat_of_nothing_does_not_hold_a_turn_up() {
    let mut driver = Driver::new();
    let timer = driver.lp.timer_start(Duration::ZERO, true);
    driver.until("some", |driver| driver.timers.len() > 10);
    driver.lp.timer_cancel(timer);
}

#[test]
fn a_cancelled_timer_does_not_fire() {
    let mut driver = Driver::new();
    let cancelled = driver.lp.timer_start(TICK, false);
    let other = driver.lp.timer_start(2 * TICK, false);
    assert!(driver.lp.timer_cancel(cancelled));
    assert!(!driver.lp.timer_cancel(cancelled) && !driver.lp.timer_is_active(cancelled));
    driver.until("the other", |driver| !driver.timers.is_empty());
    assert_eq!(driver.timers, [other]);
}

#[test]
fn a_timer_beyond_the_clock_is_no_error() {
    let mut driver = Driver::new();
    let far = driver.lp.timer_start(Duration::MAX, false);
    let year = driver.lp.timer_start(Duration::from_secs(366 * 24 * 3600), true);
    let fd = driver.lp.fd().unwrap();
    driver.turn(Duration::ZERO);
    assert!(driver.lp.timer_is_active(far) && driver.lp.timer_is_active(year));
    assert!(!readable(fd, Duration::ZERO));
}

#[test]
fn stale_handles_find_nothing() {
    let mut driver = Driver::new();
    let old = driver.lp.timer_start(Duration::ZERO, false);
    driver.until("it", |driver| driver.timers.len() == 1);
    // Takes the slot that has become free.
    let new = driver.lp.timer_start(HANG, false);
    assert_ne!(old, new);
    assert!(!driver.lp.timer_cancel(old) && !driver.lp.timer_is_active(old));
    assert!(driver.lp.timer_is_active(new));
}

#[test]
fn a_turn_waits_no_longer_than_asked() {
    let mut lp = Loop::new().unwrap();
    lp.turn(Some(Duration::ZERO)).unwrap();
    let begun = Instant::now();
    lp.turn(Some(TICK)).unwrap();
    assert!(begun.elapsed() >= TICK);
    let _timer = lp.timer_start(TICK, false);
    lp.turn(None).unwrap();
    assert_eq!(lp.queued(), 1);
    assert_eq!(lp.timeout(), Some(Duration::ZERO), "an event waits");
    lp.turn(None).unwrap();
    assert_eq!(lp.queued(), 1, "nothing more until it is taken");
    assert!(matches!(lp.next_event(), Some(Event::Timer(_))));
    assert!(lp.next_event().is_none());
}

#[test]
fn another_thread_wakes_a_turn() {
    let mut lp = Loop::new().unwrap();
    let waker = lp.waker();
    let thread = std::thread::spawn({
        let waker = waker.clone();
        move || waker.wake()
    });
    lp.turn(None).unwrap();
    thread.join().unwrap();
    // Before the turn, and more than once, counts too.
    waker.wake();
    waker.wake();
    lp.turn(None).unwrap();
    // A tag that names nothing harms nobody.
    for source in [0, 1, 2, 255] {
        waker.notify(Tag { source, kind: 9, id: u64::MAX });
    }
    lp.turn(None).unwrap();
    assert_eq!(lp.queued(), 0);
    drop(lp);
    waker.wake();
}

#[test]
fn a_signal_interrupts_a_turn() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: a handler that does nothing, for a signal that nothing else here uses.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as extern "C" fn(libc::c_int) as usize;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()), 0);
    }
    let mut lp = Loop::new().unwrap();
    let timer = lp.timer_start(HANG, false);
    let over = Arc::new(AtomicBool::new(false));
    // SAFETY: names the thread that runs this.
    let me = unsafe { libc::pthread_self() };
    let thread = std::thread::spawn({
        let over = Arc::clone(&over);
        move || {
            while !over.load(Ordering::SeqCst) {
                // SAFETY: that thread waits for this one below.
                unsafe { libc::pthread_kill(me, libc::SIGUSR1) };
                std::thread::yield_now();
            }
        }
    });
    let error = lp.turn(None).unwrap_err();
    over.store(true, Ordering::SeqCst);
    thread.join().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::Interrupted);
    assert!(lp.timer_is_active(timer));
}

#[test]
fn the_descriptor_is_readable_when_there_is_work_and_only_then() {
    let mut driver = Driver::new();
    let early = driver.lp.timer_start(TICK, false);
    let fd = driver.lp.fd().unwrap();
    assert_eq!(driver.lp.fd().unwrap(), fd);
    assert!(readable(fd, HANG), "a timer from before the descriptor was asked for");
    driver.turn(Duration::ZERO);
    assert_eq!(driver.timers, [early]);
    driver.turn(Duration::ZERO);
    assert!(!readable(fd, Duration::ZERO));

    // An earlier one moves the alarm.
    let late = driver.lp.timer_start(HANG, false);
    let soon = driver.lp.timer_start(TICK, false);
    assert!(readable(fd, HANG));
    driver.turn(Duration::ZERO);
    assert_eq!(driver.timers, [early, soon]);
    // And after it the later one counts again, also when the alarm was for one that was cancelled.
    let cancelled = driver.lp.timer_start(TICK, false);
    driver.lp.timer_cancel(cancelled);
    driver.lp.timer_cancel(late);
    let last = driver.lp.timer_start(3 * TICK, false);
    driver.until("the last", |driver| {
        assert!(readable(fd, HANG));
        driver.timers.len() == 3 || driver.turn(Duration::ZERO) > 0
    });
    assert_eq!(driver.timers, [early, soon, last]);

    // Another thread.
    driver.turn(Duration::ZERO);
    assert!(!readable(fd, Duration::ZERO));
    let waker = driver.lp.waker();
    std::thread::spawn(move || waker.wake());
    assert!(readable(fd, HANG));
    driver.turn(Duration::ZERO);
    assert!(!readable(fd, Duration::ZERO));
}

#[test]
fn the_descriptor_stays_readable_until_the_last_event_is_taken() {
    let mut lp = Loop::new().unwrap();
    let fd = lp.fd().unwrap();
    let _timers = [lp.timer_start(Duration::ZERO, false), lp.timer_start(Duration::ZERO, false)];
    assert!(readable(fd, HANG));
    lp.turn(Some(Duration::ZERO)).unwrap();
    assert_eq!(lp.queued(), 2);
    for _ in 0..2 {
        assert!(readable(fd, Duration::ZERO));
        lp.turn(Some(Duration::ZERO)).unwrap();
        lp.next_event().unwrap();
    }
    lp.turn(Some(Duration::ZERO)).unwrap();
    assert!(!readable(fd, Duration::ZERO));
    // An event that a command queues, outside any turn.
    let client = lp.fastcgi().client(&["/nowhere.sock"], ClientOptions::default()).unwrap();
    let request = Request::builder("/a.php").build().unwrap();
    lp.fastcgi().send(client, &request, Body::Bytes(b""), SendOptions::default()).unwrap();
    assert_eq!(lp.queued(), 1);
    assert!(readable(fd, Duration::ZERO));
}

#[test]
fn a_foreign_loop_needs_nothing_but_the_descriptor() {
    let peer = Peer::on(true, |conn| {
        while let Some(request) = conn.read_request() {
            conn.answer(&vec![b'x'; request.stdin.len()]);
        }
    });
    let port = peer.address.rsplit(':').next().unwrap();
    let full = FullBacklog::unix();
    let mut driver = Driver::new();
    let fd = driver.lp.fd().unwrap();
    // A name to look up, a source to ask, an answer of several turns, a back-off, a deadline.
    let named = driver.plain(&format!("localhost:{port}"));
    let length = 5 << 20;
    let request = Request::builder("/a.php").method("PUT").content_length(length as u64).build().unwrap();
    let mut left = length;
    let large = driver.send_source(named, &request, move |asked| {
        let given = asked.min(left);
        left -= given;
        Some(vec![0; given])
    });
    let options = ClientOptions { connect_timeout: 4 * TICK, ..ClientOptions::default() };
    let stuck = driver.client(&[&full.address], options);
    let refused = driver.send(stuck, &Request::builder("/a.php").build().unwrap());
    let begun = Instant::now();
    while driver.lp.pending() > 0 {
        assert!(readable(fd, HANG) && begun.elapsed() < HANG, "hung: {:?}", driver.seen.values());
        driver.turn(Duration::ZERO);
    }
    assert_eq!(driver.answer(large).body.len(), length);
    assert!(driver.result(refused).is_err());
}

#[test]
fn a_turn_is_bounded_and_nobody_starves() {
    let flood = Peer::unix(|conn| {
        conn.read_request();
        conn.stdout(b"\r\n");
        let record = Conn::record(6, &[b'x'; 65_528], 0);
        while conn.send(&record) {}
    });
    let echo = Peer::echo(false);
    let mut lp = Loop::new().unwrap();
    let request = Request::builder("/a.php").build().unwrap();
    let flooded = lp.fastcgi().client(&[&flood.address], ClientOptions::default()).unwrap();
    let options = SendOptions { stream_body: true, ..SendOptions::default() };
    let floods: Vec<_> =
        (0..4).map(|_| lp.fastcgi().send(flooded, &request, Body::Bytes(b""), options).unwrap()).collect();
    let quick = lp.fastcgi().client(&[&echo.address], ClientOptions::default()).unwrap();
    let begun = Instant::now();
    let (mut total, mut answered, mut asked) = (0, 0, None);
    while total < 64 << 20 || answered < 50 {
        assert!(begun.elapsed() < HANG, "hung with {total} bytes and {answered} answers");
        if asked.is_none() {
            asked = Some(lp.fastcgi().send(quick, &request, Body::Bytes(b""), SendOptions::default()).unwrap());
        }
        lp.turn(Some(HANG)).unwrap();
        let mut bytes = 0;
        while let Some(Event::FastCgi(event)) = lp.next_event() {
            match event.kind {
                EventKind::Body(body) => bytes += body.len(),
                EventKind::Done(_) => {
                    assert_eq!(asked.take(), Some(event.request));
                    answered += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(bytes <= TURN_BUDGET + 512 * 1024, "{bytes} bytes in one turn");
        total += bytes;
    }
    for key in floods {
        assert!(lp.fastcgi().cancel(key));
    }
}

/// Notes who was called; the first one called forgets the other.
struct Pair {
    streams: Vec<Option<(UnixStream, Registration)>>,
    calls: Vec<u64>,
}

impl Source<u64> for Pair {
    fn ready(&mut self, reactor: &mut Reactor<u64>, tag: Tag, _: Readiness) {
        self.calls.push(tag.id);
        let other = 1 - tag.id as usize;
        if let Some((stream, registration)) = self.streams[other].take() {
            reactor.forget(registration);
            drop(stream);
        }
        reactor.push(tag.id);
    }
    fn expired(&mut self, _: &mut Reactor<u64>, _: Tag) {}
    fn notified(&mut self, _: &mut Reactor<u64>, _: Tag) {}
}

#[test]
fn what_was_forgotten_in_a_turn_is_not_called_in_it() {
    let mut reactor = Reactor::<u64>::new().unwrap();
    let mut pair = Pair { streams: Vec::new(), calls: Vec::new() };
    let mut far = Vec::new();
    for id in 0..2 {
        let (mut near, mut there) = UnixStream::pair().unwrap();
        let registration = reactor.register(&mut near, Tag { source: 0, kind: 0, id }, Interest::READABLE).unwrap();
        there.write_all(b"x").unwrap();
        far.push(there);
        pair.streams.push(Some((near, registration)));
    }
    reactor.turn(Some(HANG), &mut [&mut pair]).unwrap();
    assert_eq!(pair.calls.len(), 1);
    assert_eq!(reactor.pop(), Some(pair.calls[0]));
    // A registration that is gone may ask to go on; nothing happens.
    let (_, kept) = pair.streams.iter().flatten().next().unwrap();
    let kept = *kept;
    reactor.again(kept);
    reactor.forget(kept);
    reactor.turn(Some(Duration::ZERO), &mut [&mut pair]).unwrap();
    assert_eq!(pair.calls.len(), 1);
}

/// Reads nothing, but says that it has read `bytes`, and notes who was called and whether to read.
struct Crowd {
    members: Vec<(UnixStream, UnixStream, Registration)>,
    bytes: usize,
    calls: Vec<(u64, bool)>,
}

impl Crowd {
    fn new(reactor: &mut Reactor<u64>, size: u64, bytes: usize) -> Crowd {
        let members = (0..size).map(|id| {
            let (mut near, far) = UnixStream::pair().unwrap();
            let registration = reactor.register(&mut near, Tag { source: 0, kind: 0, id }, Interest::READABLE).unwrap();
            (near, far, registration)
        });
        Crowd { members: members.collect(), bytes, calls: Vec::new() }
    }
}

impl Source<u64> for Crowd {
    fn ready(&mut self, reactor: &mut Reactor<u64>, tag: Tag, readiness: Readiness) {
        self.calls.push((tag.id, readiness.readable));
        reactor.spend(self.bytes);
        reactor.push(tag.id);
    }
    fn expired(&mut self, _: &mut Reactor<u64>, _: Tag) {}
    fn notified(&mut self, _: &mut Reactor<u64>, _: Tag) {}
}

#[test]
fn a_turn_ends_with_its_budget_however_many_are_ready() {
    let mut reactor = Reactor::<u64>::new().unwrap();
    let mut crowd = Crowd::new(&mut reactor, 20, TURN_BUDGET / 4);
    for (_, far, _) in &mut crowd.members {
        far.write_all(b"x").unwrap();
    }
    for turns in 1..=5 {
        reactor.turn(Some(HANG), &mut [&mut crowd]).unwrap();
        assert_eq!(reactor.queued(), 4);
        assert_eq!(reactor.goes_on(), turns < 5);
        while reactor.pop().is_some() {}
    }
    let mut called: Vec<_> = crowd.calls.iter().map(|(id, _)| *id).collect();
    called.sort_unstable();
    assert_eq!(called, Vec::from_iter(0..20), "each once");
}

#[test]
fn whoever_asks_to_be_called_again_is_called_once() {
    let mut reactor = Reactor::<u64>::new().unwrap();
    let mut crowd = Crowd::new(&mut reactor, 3, 0);
    for _ in 0..1000 {
        reactor.again(crowd.members[0].2);
        reactor.nudge(crowd.members[0].2);
        reactor.nudge(crowd.members[1].2);
        reactor.again(crowd.members[2].2);
    }
    // The kernel names this one, too.
    crowd.members[2].1.write_all(b"x").unwrap();
    for _ in 0..3 {
        reactor.turn(Some(HANG), &mut [&mut crowd]).unwrap();
        assert_eq!(reactor.pop().map(|_| reactor.queued()), Some(0), "few are handed out one by one");
    }
    assert_eq!(crowd.calls, [(2, true), (0, true), (1, false)]);
    // And may ask anew.
    reactor.again(crowd.members[0].2);
    reactor.turn(Some(HANG), &mut [&mut crowd]).unwrap();
    assert_eq!(crowd.calls.last(), Some(&(0, true)));
    reactor.pop();
    reactor.turn(Some(Duration::ZERO), &mut [&mut crowd]).unwrap();
    assert_eq!(crowd.calls.len(), 4);
}

#[test]
fn a_forked_child_knows_and_leaves_the_parents_loop_alone() {
    let (answer, wait) = std::sync::mpsc::channel();
    let wait = std::sync::Mutex::new(wait);
    let peer = Peer::unix(move |conn| {
        while conn.read_request().is_some() {
            wait.lock().unwrap().recv().unwrap();
            conn.answer(b"fine");
        }
    });
    let mut driver = Driver::new();
    let fd = driver.lp.fd().unwrap();
    let client = driver.plain(&peer.address);
    let request = Request::builder("/a.php").build().unwrap();
    let key = driver.send(client, &request);
    driver.turn(Duration::ZERO);
    assert!(!driver.lp.is_forked());
    let mut slot = Some(driver);
    let code = in_fork(|| {
        let driver = slot.take().unwrap();
        let forked = driver.lp.is_forked();
        drop(driver);
        u8::from(forked)
    });
    assert_eq!(code, 1);
    // The child has dropped its copy: registrations, connection and descriptor of this one are as they were.
    let mut driver = slot.take().unwrap();
    assert!(!driver.lp.is_forked());
    answer.send(()).unwrap();
    assert!(readable(fd, HANG));
    assert_eq!(driver.text(key), "fine");
    answer.send(()).unwrap();
    let key = driver.send(client, &request);
    assert_eq!(driver.text(key), "fine");
    assert_eq!(driver.lp.fastcgi().stats(client).unwrap().connects, 1);
}
