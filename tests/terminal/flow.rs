//! Slow viewers, pauses, and processes that do not take their input.

use crate::engine::{Act, Script, flood};
use crate::stage::Stage;
use crate::support::HANG;
use std::time::{Duration, Instant};
use towline::docker::{ExecOptions, Limits};
use towline::terminal::HubOptions;

/// More than all buffers between the Engine and a page that does not read.
const FLOOD: usize = 24 * 1024 * 1024;

/// Bytes on their way to a page that tells what it has taken in, at the most.
const WINDOW: usize = 1024 * 1024;

fn small() -> HubOptions {
    HubOptions { scrollback: 64 * 1024, high_watermark: 128 * 1024, ..HubOptions::default() }
}

fn server() -> towline::websocket::ServerOptions {
    // Who is cut off may learn of it late: until then the goodbye waits.
    let close_timeout = Duration::from_secs(60);
    towline::websocket::ServerOptions { high_watermark: 128 * 1024, close_timeout, ..Default::default() }
}

/// As terminal/page/ does, and nothing so far. What is typed shows that this has been heard.
fn tells_what_it_takes(it: &mut Stage, script: &Script, page: usize) {
    it.pages[page].send("50");
    it.pages[page].types("k");
    it.until("the input", |_| script.input() == "k");
}

#[test]
fn the_process_waits_for_its_only_viewer() {
    let script = Script::new();
    let mut it = Stage::serving(&script.engine.address, small(), server());
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    it.pages[page].deaf = true;
    script.act(Act::Flood(FLOOD));
    script.exit(5);
    it.until_still();
    assert!(it.story(session).iter().all(|word| !word.starts_with("exited")), "{:?}", it.story(session));
    it.pages[page].deaf = false;
    assert_eq!(it.until_closed(page), 1000);
    assert!(it.pages[page].output == flood(FLOOD), "every byte, in order");
    assert_eq!(it.said(page, 'x'), [r#"x{"code":5}"#]);
}

#[test]
fn a_pause_holds_the_process_and_loses_nothing() {
    let script = Script::new();
    let mut it = Stage::serving(&script.engine.address, small(), server());
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    script.act(Act::Flood(FLOOD));
    let mut pauses = 0;
    let mut next = 1024 * 1024;
    while it.pages[page].output.len() < FLOOD {
        it.until("more output", |it| it.pages[page].output.len() >= next.min(FLOOD));
        it.pages[page].send("2");
        it.until_still();
        let held = it.pages[page].output.len();
        it.turn();
        assert_eq!(it.pages[page].output.len(), held);
        // Its input still arrives.
        it.pages[page].types("k");
        it.pages[page].send("3");
        pauses += 1;
        next = held + 6 * 1024 * 1024;
    }
    assert!(it.pages[page].output == flood(FLOOD), "every byte, in order");
    assert!(pauses >= 3);
    script.write("end");
    it.until("the input", |_| script.input() == "k".repeat(pauses));
}

#[test]
fn a_page_that_tells_what_it_has_taken_is_sent_no_more_than_a_window_beyond() {
    // A read of the stream comes on top.
    const MOST: usize = WINDOW + 256 * 1024;
    const SIZE: usize = 5 * 1024 * 1024;
    let script = Script::new();
    let mut it = Stage::serving(&script.engine.address, HubOptions::default(), Default::default());
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    tells_what_it_takes(&mut it, &script, page);
    script.act(Act::Flood(SIZE));
    let mut rounds = 0;
    while it.pages[page].output.len() < SIZE {
        let taken = it.pages[page].output.len();
        // Less than before, more than was sent and no number are of no consequence.
        it.pages[page].send(["50", "599999999999", "5x"][rounds % 3]);
        it.pages[page].send(format!("5{taken}"));
        it.until("more output", |it| it.pages[page].output.len() > taken);
        it.until_still();
        let beyond = it.pages[page].output.len() - taken;
        assert!(beyond <= MOST, "{beyond} bytes were sent beyond what was taken");
        rounds += 1;
    }
    assert!(rounds > SIZE / MOST, "{rounds} rounds");
    assert!(it.pages[page].output == flood(SIZE), "every byte, in order");
}

/// A message costs a page as much as kilobytes do: one that has enough to do gets what is written in fewer of them.
#[test]
fn small_output_for_a_busy_page_is_gathered_for_a_moment() {
    const BEFORE: usize = 64 * 1024;
    for scrollback in [HubOptions::default().scrollback, 4096] {
        let script = Script::new();
        let options = HubOptions { scrollback, ..HubOptions::default() };
        let mut it = Stage::serving(&script.engine.address, options, Default::default());
        let session = it.session("web", &["sh"]);
        let (busy, other) = (it.viewer(session, false), it.viewer(session, false));
        tells_what_it_takes(&mut it, &script, busy);
        script.act(Act::Flood(BEFORE));
        it.until("the flood", |it| it.pages.iter().all(|page| page.output.len() == BEFORE));
        // Sooner or later some are written within that moment.
        it.pages.iter_mut().for_each(|page| page.outputs = 0);
        let since = Instant::now();
        while it.pages[busy].outputs >= it.pages[other].outputs {
            assert!(since.elapsed() < HANG, "{} messages each", it.pages[busy].outputs);
            for _ in 0..10 {
                let size = it.pages[other].output.len() + 100;
                script.act(Act::Write(flood(100)));
                it.until("what was written", |it| it.pages[other].output.len() == size);
            }
            // Without another word of the page.
            it.until("all of it", |it| it.pages[busy].output == it.pages[other].output);
        }
    }
}

/// A page that tells of some progress is not one that has stopped, though the kernel has long taken all it was sent.
#[test]
fn a_slow_page_is_waited_for_longer() {
    const SIZE: usize = 1792 * 1024;
    let script = Script::new();
    let options = HubOptions { pause_lift: Duration::from_millis(1000), ..small() };
    let mut it = Stage::serving(&script.engine.address, options, server());
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    tells_what_it_takes(&mut it, &script, page);
    script.act(Act::Flood(SIZE));
    let (mut taken, mut next) = (0, Instant::now());
    it.until("the whole flood", |it| {
        assert_eq!(it.pages[page].closed, None, "{:?}", it.story(session));
        if next <= Instant::now() && taken < it.pages[page].output.len() {
            taken = it.pages[page].output.len().min(taken + 16 * 1024);
            it.pages[page].send(format!("5{taken}"));
            next = Instant::now() + Duration::from_millis(100);
        }
        it.pages[page].output.len() == SIZE
    });
    assert!(it.pages[page].output == flood(SIZE));
}

/// The piece that fills the window is the last one that is read.
#[test]
fn a_page_with_a_full_window_loses_nothing_to_a_small_scrollback() {
    const SIZE: usize = 4 * 1024 * 1024;
    let script = Script::new();
    let options = HubOptions { scrollback: 4096, ..small() };
    let mut it = Stage::serving(&script.engine.address, options, server());
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    tells_what_it_takes(&mut it, &script, page);
    script.act(Act::Flood(SIZE));
    let mut taken = 0;
    it.until("the whole flood", |it| {
        assert_eq!(it.pages[page].closed, None, "{:?}", it.story(session));
        let came = it.pages[page].output.len();
        // Nothing is said before the window is full.
        if came - taken >= WINDOW {
            taken = came;
            it.pages[page].send(format!("5{taken}"));
        }
        came == SIZE
    });
    assert!(it.pages[page].output == flood(SIZE));
}

/// A pause that lasts takes in what the stream's pause buffer may hold; a short one does not.
#[test]
fn a_pause_takes_nothing_in_until_it_lasts() {
    const SIZE: usize = 512 * 1024;
    let script = Script::new();
    let mut it = Stage::serving(&script.engine.address, small(), server());
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    it.pages[page].send("2");
    it.pages[page].types("k");
    it.until("the input", |_| script.input() == "k");
    let since = Instant::now();
    script.act(Act::Flood(SIZE));
    script.exit(3);
    // Which asks for the exit code: its end has been read.
    it.until("the process's end", |_| !script.engine.requests("/exec/e1/json").is_empty());
    assert!(since.elapsed() > Duration::from_millis(900), "{:?}", since.elapsed());
    assert_eq!(it.pages[page].output, b"");
    it.pages[page].send("3");
    assert_eq!(it.until_closed(page), 1000);
    assert!(it.pages[page].output == flood(SIZE));
}

#[test]
fn a_pause_that_lasts_is_lifted_into_the_scrollback() {
    let script = Script::new();
    let options = HubOptions { pause_lift: Duration::from_millis(300), ..small() };
    let mut it = Stage::serving(&script.engine.address, options, server());
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    script.write("before\n");
    it.until_output(page, "before");
    it.pages[page].send("2");
    it.pages[page].types("paused");
    it.until("the pause", |_| script.input() == "paused");
    let since = Instant::now();
    script.write("meanwhile\n");
    script.exit(0);
    // The process has gone on, and ended: its viewer is shown all of it.
    assert_eq!(it.until_closed(page), 1000);
    assert!(since.elapsed() > Duration::from_millis(200), "{:?}", since.elapsed());
    assert_eq!(it.pages[page].text(), "before\nmeanwhile\n");
    assert_eq!(it.said(page, 'x'), [r#"x{"code":0}"#]);
}

/// A connection that takes little is not one that takes nothing.
#[test]
fn a_slow_connection_is_waited_for_longer() {
    let script = Script::new();
    let options = HubOptions { high_watermark: 24 * 1024 * 1024, pause_lift: Duration::from_millis(1000), ..small() };
    let server = towline::websocket::ServerOptions { high_watermark: 8 * 1024 * 1024, ..server() };
    let mut it = Stage::serving(&script.engine.address, options, server);
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    it.pages[page].deaf = true;
    const SIZE: usize = FLOOD * 2;
    script.act(Act::Flood(SIZE));
    let mut next = Instant::now();
    it.until("the whole flood", |it| {
        it.pages[page].deaf = next > Instant::now();
        if !it.pages[page].deaf {
            next = Instant::now() + Duration::from_millis(350);
        }
        assert_eq!(it.pages[page].closed, None, "{:?}", it.story(session));
        it.pages[page].output.len() == SIZE
    });
    assert!(it.pages[page].output == flood(SIZE));
}

#[test]
fn a_lifted_pause_ends_with_the_rest_or_when_that_is_lost() {
    let script = Script::new();
    let options = HubOptions { pause_lift: Duration::from_millis(20), ..small() };
    let mut it = Stage::serving(&script.engine.address, options, server());
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    it.pages[page].send("2");
    it.pages[page].types("paused");
    it.until("the pause", |_| script.input() == "paused");
    script.write("one\n");
    it.until("the lift", |it| it.lp.terminal().info(session).unwrap().scrollback == 4);
    assert_eq!(it.pages[page].output, b"");
    it.pages[page].send("3");
    it.until_output(page, "one\n");
    // Again, and for longer than the scrollback reaches.
    it.pages[page].send("2");
    script.act(Act::Flood(1024 * 1024));
    assert_eq!(it.until_closed(page), 1013);
    let again = it.viewer(session, false);
    script.write("two");
    it.until_output(again, "two");
    let all = flood(1024 * 1024);
    let shown = &it.pages[again].output;
    assert!(shown.len() > 60 * 1024 && all.ends_with(&shown[..shown.len() - 3]), "{}", shown.len());
}

/// Whoever is stopped is sent nothing, or sizes would fill memory; in the end the last one counts.
#[test]
fn of_many_sizes_a_stopped_viewer_hears_the_last() {
    let script = Script::new();
    let mut it = Stage::serving(&script.engine.address, small(), server());
    let session = it.session("web", &["sh"]);
    let (page, other) = (it.viewer(session, false), it.viewer(session, false));
    it.pages[page].send("2");
    it.pages[page].types("paused");
    it.until("the pause", |_| script.input() == "paused");
    for columns in 1..=1000 {
        it.pages[other].send(format!(r#"1{{"columns":{columns},"rows":20}}"#));
    }
    it.pages[other].types(".");
    it.until("all sizes", |_| script.input() == "paused.");
    script.write("shown to who goes on");
    it.pages[page].send("3");
    it.until_output(page, "shown to who goes on");
    assert_eq!(it.said(page, 'r'), [r#"r{"rows":20,"columns":1000}"#]);
    // One's own size is none to hear of.
    assert_eq!(it.said(other, 'r'), [""; 0]);
    it.pages[page].send(r#"1{"columns":5,"rows":5}"#);
    it.until("a size while it goes on", |it| it.said(other, 'r') == [r#"r{"rows":5,"columns":5}"#]);
}

#[test]
fn a_viewer_who_does_not_read_stops_nobody() {
    for (read_only, pauses) in [(true, false), (false, false), (true, true), (false, true)] {
        let script = Script::new();
        let mut it = Stage::serving(&script.engine.address, small(), server());
        let session = it.session("web", &["sh"]);
        let (good, bad) = (it.viewer(session, false), it.viewer(session, read_only));
        if pauses {
            it.pages[bad].send("2");
        } else {
            it.pages[bad].deaf = true;
        }
        script.act(Act::Flood(FLOOD));
        it.until("the whole flood", |it| it.pages[good].output.len() == FLOOD);
        assert!(it.pages[good].output == flood(FLOOD));
        assert_eq!(it.lp.terminal().viewers(session), Ok(1), "{read_only} {pauses}");
        // It learns why once it reads, and comes back.
        it.pages[bad].deaf = false;
        assert_eq!(it.until_closed(bad), 1013);
        assert!(it.story(session).contains(&format!("left {read_only} 1013 1")));
        let again = it.viewer(session, read_only);
        script.write("more");
        it.until_output(again, "more");
        it.until_output(good, "more");
        assert_eq!(it.pages[good].closed, None);
    }
}

/// Not even for a moment: it could do so again and again.
#[test]
fn a_watcher_who_pauses_holds_up_nobody_who_types() {
    let script = Script::new();
    let mut it = Stage::new(&script.engine.address);
    let session = it.session("web", &["sh"]);
    let (writer, watcher) = (it.viewer(session, false), it.viewer(session, true));
    let since = Instant::now();
    for round in 0..15 {
        // All of a pause that is lifted would be a second each.
        it.pages[watcher].send("2");
        it.turn();
        script.write(&format!("<{round}>"));
        it.until_output(writer, &format!("<{round}>"));
        it.pages[watcher].send("3");
        it.until_output(watcher, &format!("<{round}>"));
    }
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
}

#[test]
fn input_that_is_too_much_is_refused_aloud() {
    let script = Script::new();
    let mut it = Stage::new(&script.engine.address);
    let limits = Limits { high_watermark: 64, low_watermark: 16, max_buffered: 1000, ..Limits::default() };
    let session = it.session_with(ExecOptions { limits, ..crate::support::terminal("web", &["sh"]) });
    let (greedy, other) = (it.viewer(session, false), it.viewer(session, false));
    // In one piece, so that the hub finds both in its queue.
    let mut both = crate::host::frame(0x82, &[b'0'; 1002]);
    both.extend(crate::host::frame(0x82, b"0the rest"));
    it.pages[greedy].client.write(both);
    assert_eq!(it.until_closed(greedy), 1013);
    it.pages[other].types("ok");
    it.until("the input", |_| script.input().ends_with("ok"));
    assert_eq!(script.input(), "ok", "nothing with a gap before it");
}

/// The process waits for its output to be taken, and the page for its input, behind which it says `3`.
#[test]
fn input_and_output_do_not_wait_for_each_other() {
    let script = Script::new();
    let mut it = Stage::serving(&script.engine.address, small(), server());
    let limits = Limits { high_watermark: 64 * 1024, low_watermark: 16 * 1024, ..Limits::default() };
    let session = it.session_with(ExecOptions { limits, ..crate::support::terminal("web", &["sh"]) });
    let page = it.viewer(session, false);
    script.write("ready");
    it.until_output(page, "ready");
    it.pages[page].send("2");
    script.act(Act::Flood(FLOOD));
    const INPUT: usize = 24 * 1024 * 1024;
    for _ in 0..24 {
        it.pages[page].types(&"x".repeat(INPUT / 24));
    }
    it.pages[page].send("3");
    it.until("all input", |_| script.input.lock().unwrap().len() == INPUT);
    it.until("all output", |it| it.pages[page].output.len() == FLOOD + 5);
    assert!(it.pages[page].output[5..] == flood(FLOOD));
}

/// Pages that draw a flood each say when they have had enough: those who may type are waited for.
#[test]
fn pages_that_take_turns_stay() {
    let script = Script::new();
    let mut it = Stage::serving(&script.engine.address, small(), server());
    let session = it.session("web", &["sh"]);
    let pages = [it.viewer(session, false), it.viewer(session, false)];
    script.act(Act::Flood(FLOOD));
    let mut paused = [None, None];
    let mut next = [0, 512 * 1024];
    it.until("the whole flood", |it| {
        for (index, page) in pages.into_iter().enumerate() {
            let page = &mut it.pages[page];
            if let Some(since) = paused[index] {
                if Instant::elapsed(&since) > Duration::from_millis(30) {
                    paused[index] = None;
                    next[index] = page.output.len() + 1024 * 1024;
                    page.send("3");
                }
            } else if page.output.len() >= next[index] {
                paused[index] = Some(Instant::now());
                page.send("2");
            }
        }
        pages.into_iter().all(|page| it.pages[page].output.len() == FLOOD)
    });
    for page in pages {
        assert!(it.pages[page].output == flood(FLOOD));
        assert_eq!(it.pages[page].closed, None);
    }
}

#[test]
fn a_process_that_takes_no_input_stops_the_typing_not_the_session() {
    let script = Script::new();
    let mut it = Stage::serving(&script.engine.address, small(), server());
    let limits = Limits { high_watermark: 64 * 1024, low_watermark: 16 * 1024, ..Limits::default() };
    let session = it.session_with(ExecOptions { limits, ..crate::support::terminal("web", &["sh"]) });
    let (page, watcher) = (it.viewer(session, false), it.viewer(session, true));
    script.act(Act::Deaf);
    script.write("ready");
    script.act(Act::Deaf);
    it.until_output(watcher, "ready");
    // 24 MiB, of which the hub takes a part; the page's connection holds the rest.
    for _ in 0..24 {
        it.pages[page].types(&"x".repeat(1024 * 1024));
    }
    // Another page pauses behind input that is not read: that must not hold up what the process writes for ever.
    it.pages[page].send("2");
    it.until_still();
    assert!(!it.pages[page].client.has_sent_all(), "the hub has taken it all");
    script.write("output");
    it.until_output(watcher, "output");
    it.until("all input", |_| script.input.lock().unwrap().len() == 24 * 1024 * 1024);
    assert!(it.pages[page].client.has_sent_all());
    it.pages[page].send("3");
    it.pages[page].types("end");
    it.until("the end", |_| script.input().ends_with("end"));
    it.until_output(page, "output");
}

/// A page that has nearly as much on its way as it may: `scrollback` bytes are kept, the window is full but for `room`.
fn nearly_full(script: &Script, scrollback: usize, room: usize) -> (Stage, [usize; 2], usize) {
    let options = HubOptions { scrollback, ..HubOptions::default() };
    let mut it = Stage::serving(&script.engine.address, options, Default::default());
    let session = it.session("web", &["sh"]);
    let pages = [it.viewer(session, false), it.viewer(session, false)];
    tells_what_it_takes(&mut it, script, pages[0]);
    let mut sent = 0;
    while sent < WINDOW - room {
        let size = (WINDOW - room - sent).min(32 * 1024);
        script.act(Act::Flood(size));
        sent += size;
        it.until("a part of the flood", |it| it.pages.iter().all(|page| page.output.len() == sent));
    }
    // What is gathered until now has been sent when this is over.
    it.until_still();
    (it, pages, sent)
}

#[test]
fn gathered_output_that_fills_the_window_takes_nothing_along() {
    for scrollback in [4096, 49 * 1024] {
        let script = Script::new();
        let (mut it, [busy, other], sent) = nearly_full(&script, scrollback, 50);
        script.act(Act::Write(flood(100)));
        it.until("what is gathered", |it| it.pages[other].output.len() == sent + 100);
        // More than is kept of what was written.
        script.act(Act::Flood(50 * 1024));
        let mut taken = sent;
        it.until("all of it", |it| {
            assert_eq!(it.pages[busy].closed, None);
            if it.pages[busy].output.len() > taken {
                taken = it.pages[busy].output.len();
                it.pages[busy].send(format!("5{taken}"));
            }
            it.pages.iter().all(|page| page.output.len() == sent + 100 + 50 * 1024)
        });
        assert!(it.pages[busy].output == it.pages[other].output);
    }
}

#[test]
fn a_size_that_is_owed_comes_before_what_is_written_then() {
    let script = Script::new();
    let (mut it, [page, other], sent) = nearly_full(&script, HubOptions::default().scrollback, 256 * 1024);
    it.pages[page].send("2");
    it.pages[page].types("p");
    it.until("the pause", |_| script.input() == "kp");
    it.pages[other].send(r#"1{"columns":77,"rows":20}"#);
    it.pages[other].types(".");
    it.until("the size", |_| script.input() == "kp.");
    script.act(Act::Flood(40 * 1024));
    it.pages[page].send("3");
    it.until("more output", |it| it.pages[page].output.len() > sent);
    assert_eq!(it.said(page, 'r'), [r#"r{"rows":20,"columns":77}"#]);
}

#[test]
fn a_hub_that_closes_shows_what_is_gathered() {
    let script = Script::new();
    let (mut it, [page, other], sent) = nearly_full(&script, HubOptions::default().scrollback, 256 * 1024);
    script.write("the last words");
    it.until_output(other, "last words");
    it.lp.terminal().close_hub(it.hub);
    assert_eq!(it.until_closed(page), 1001);
    assert_eq!(it.pages[page].text()[sent..], *"the last words");
}
