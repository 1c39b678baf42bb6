//! How sessions live on and how they end.

use crate::engine::{Act, Script};
use crate::stage::Stage;
use crate::support::{FakeEngine, UPGRADED, answer};
use std::time::{Duration, Instant};
use towline::docker::{self, ExecOptions, Limits, StreamEvent};
use towline::terminal::{Cause, Error, EventKind, HubOptions, Stage as At};
use towline::websocket::ServerOptions;

fn lingering(milliseconds: u64) -> HubOptions {
    HubOptions { linger: Duration::from_millis(milliseconds), ..HubOptions::default() }
}

#[test]
fn an_exit_is_told_to_everyone_and_to_who_comes_later() {
    let script = Script::new();
    let mut it = Stage::with(&script.engine.address, lingering(1500));
    let session = it.session("web", &["sh"]);
    let (one, two) = (it.viewer(session, false), it.viewer(session, true));
    script.write("bye\r\n");
    script.exit(7);
    for page in [one, two] {
        assert_eq!(it.until_closed(page), 1000);
        assert_eq!((it.pages[page].text().as_str(), it.said(page, 'x')), ("bye\r\n", vec![r#"x{"code":7}"#]));
    }
    it.until("the goodbyes", |it| it.gone.len() == 2);
    assert_eq!(
        it.story(session),
        [
            "joined false 1",
            "joined true 2",
            "started",
            "exited { code: some(7) }",
            "left false 1000 1",
            "left true 1000 0"
        ]
    );
    assert!(matches!(it.streams.last(), Some((_, StreamEvent::Exited { code: Some(7), .. }))));
    // Nobody need wait for it, but it can be looked at.
    assert_eq!(it.lp.pending(), 1, "the server");
    let info = it.lp.terminal().info(session).unwrap();
    assert_eq!((info.stage, info.scrollback, info.viewers), (At::Over, 5, 0));
    let late = it.viewer(session, false);
    assert_eq!(it.until_closed(late), 1000);
    assert_eq!((it.pages[late].text().as_str(), it.said(late, 'x').len()), ("bye\r\n", 1));
    assert!(it.pages[late].said[0].starts_with('s'));
    let hub = it.hub;
    assert_eq!(it.until_ended(session), Cause::Process);
    assert_eq!(it.lp.terminal().sessions(hub), Ok(vec![]));
    assert_eq!(it.lp.terminal().info(session), Err(Error::Stale("session")));
}

#[test]
fn an_exit_code_that_nobody_knows() {
    let script = Script::new();
    let engine = FakeEngine::start(|request, conn| match request.path() {
        "/exec/e1/start" => {
            conn.send(UPGRADED.as_bytes());
            true
        }
        "/exec/e1/json" => conn.send(&answer("404 Not Found", "", r#"{"message":"No such exec instance"}"#)),
        _ => false,
    });
    drop(script);
    let mut it = Stage::new(&engine.address);
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    assert_eq!(it.until_closed(page), 1000);
    assert_eq!(it.said(page, 'x'), [r#"x{"code":null}"#]);
}

#[test]
fn what_cannot_be_started_says_why() {
    let engine = FakeEngine::start(|request, conn| {
        request.path().ends_with("/exec")
            && conn.send(&answer("404 Not Found", "", r#"{"message":"No such container: web"}"#))
    });
    let mut it = Stage::with(&engine.address, lingering(50));
    let page = it.page();
    let session = it.session("web", &["sh"]);
    it.attach(session, page, false, None);
    assert_eq!(it.until_closed(page), 1011);
    assert_eq!(it.said(page, 'e'), [r#"e{"message":"No such container: web"}"#]);
    assert_eq!(it.until_ended(session), Cause::Process);
    assert_eq!(
        it.story(session),
        ["joined false 1", "failed No such container: web", "left false 1011 0", "ended(process)"]
    );
    assert!(matches!(it.streams[..], [(_, StreamEvent::Failed(_))]));
}

#[test]
fn ending_sends_the_signals_in_turn() {
    let script = Script::new();
    script.mortal.lock().unwrap().push("KILL".into());
    let mut it = Stage::new(&script.engine.address);
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    script.write("$ ");
    it.until_output(page, "$ ");
    let since = Instant::now();
    it.lp.terminal().end(session).unwrap();
    it.lp.terminal().end(session).unwrap();
    it.until("the signal", |_| *script.signals.lock().unwrap() == ["TERM HUP"]);
    assert!(it.lp.terminal().info(session).unwrap().ending);
    // What it writes in its last moments is seen.
    script.write("caught TERM");
    it.until_output(page, "caught TERM");
    assert_eq!(it.until_closed(page), 1000);
    assert!(since.elapsed() >= Duration::from_secs(5), "{:?}", since.elapsed());
    assert_eq!(*script.signals.lock().unwrap(), ["TERM HUP", "KILL"]);
    assert_eq!(it.said(page, 'x'), [r#"x{"code":137}"#]);
    assert_eq!(it.until_ended(session), Cause::Asked);
    assert_eq!(it.lp.terminal().end(session), Err(Error::Stale("session")));
}

#[test]
fn a_pause_does_not_hold_up_the_end() {
    let script = Script::new();
    script.mortal.lock().unwrap().push("TERM HUP".into());
    let mut it = Stage::new(&script.engine.address);
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    it.pages[page].send("2");
    it.pages[page].types("paused");
    it.until("the pause", |_| script.input() == "paused");
    script.write("last words");
    it.until_still();
    it.lp.terminal().end(session).unwrap();
    assert_eq!(it.until_closed(page), 1000);
    assert_eq!((it.pages[page].text().as_str(), it.said(page, 'x')), ("last words", vec![r#"x{"code":143}"#]));
}

#[test]
fn a_process_that_cannot_be_signalled_is_given_up() {
    let script = Script::new();
    *script.no_shell.lock().unwrap() = true;
    let mut it = Stage::new(&script.engine.address);
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    it.lp.terminal().end(session).unwrap();
    assert_eq!(it.until_closed(page), 1011);
    assert_eq!(it.until_ended(session), Cause::Asked);
    assert!(it.said(page, 'e')[0].contains("/bin/sh cannot be run"), "{:?}", it.said(page, 'e'));
    let told = it
        .told
        .iter()
        .any(|(_, kind)| matches!(kind, EventKind::Failed(error) if matches!(**error, docker::Error::Kill(_))));
    assert!(told, "{:?}", it.told);
    assert_eq!(*script.signals.lock().unwrap(), ["TERM HUP", "KILL"]);
}

#[test]
fn a_session_that_nobody_watches_is_ended() {
    let script = Script::new();
    script.mortal.lock().unwrap().push("TERM HUP".into());
    let mut it = Stage::with(&script.engine.address, lingering(400));
    let (page, next) = (it.page(), it.page());
    let session = it.session("web", &["sh"]);
    it.attach(session, page, true, None);
    it.until_still();
    it.pages[page].client.close();
    it.until("its leaving", |it| it.lp.terminal().viewers(session) == Ok(0));
    // In time, however long that has taken: time passes for a session when the loop turns.
    it.attach(session, next, true, None);
    let page = next;
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(600) {
        it.turn();
    }
    assert_eq!(it.lp.terminal().viewers(session), Ok(1));
    script.write("still here");
    it.until_output(page, "still here");
    it.pages[page].client.close();
    assert_eq!(it.until_ended(session), Cause::Abandoned);
    assert!(it.story(session).contains(&"exited { code: some(143) }".to_owned()), "{:?}", it.story(session));
    let other = it.session("web", &["sh"]);
    assert_eq!(it.until_ended(other), Cause::Abandoned, "one that never had a viewer");
}

/// Who types into a process that takes nothing is not read, and goes all the same.
#[test]
fn a_viewer_who_leaves_while_nobody_reads_what_it_typed() {
    let script = Script::new();
    script.mortal.lock().unwrap().push("TERM HUP".into());
    let server = ServerOptions { ping_interval: Some(Duration::from_millis(50)), ..ServerOptions::default() };
    let mut it = Stage::serving(&script.engine.address, lingering(0), server);
    let limits = Limits { high_watermark: 64 * 1024, low_watermark: 16 * 1024, ..Limits::default() };
    let page = it.page();
    let session = it.session_with(ExecOptions { limits, ..crate::support::terminal("web", &["cat"]) });
    it.attach(session, page, false, None);
    script.act(Act::Deaf);
    script.write("ready");
    script.act(Act::Deaf);
    it.until_output(page, "ready");
    for _ in 0..24 {
        it.pages[page].types(&"x".repeat(1024 * 1024));
    }
    it.until_still();
    assert!(!it.pages[page].client.has_sent_all(), "the hub has taken it all");
    assert_eq!(it.lp.terminal().viewers(session), Ok(1));
    it.pages[page].client.close();
    assert_eq!(it.until_ended(session), Cause::Abandoned);
    assert!(it.story(session).contains(&"left false 1006 0".to_owned()), "{:?}", it.story(session));
}

#[test]
fn a_session_into_which_nobody_types_is_ended() {
    let script = Script::new();
    script.mortal.lock().unwrap().push("TERM HUP".into());
    const IDLE: Duration = Duration::from_millis(700);
    let options = HubOptions { idle_timeout: Some(IDLE), ..HubOptions::default() };
    let mut it = Stage::with(&script.engine.address, options);
    let (mut session, mut page);
    // A machine that stands still for a while shows nothing: then it is tried again.
    loop {
        page = it.page();
        let since = Instant::now();
        session = it.session("web", &["sh"]);
        it.attach(session, page, false, None);
        let (mut turned, mut stall) = (since, Duration::ZERO);
        while since.elapsed() < IDLE * 2 {
            it.pages[page].types("k");
            it.turn();
            stall = stall.max(turned.elapsed());
            turned = Instant::now();
        }
        if stall < IDLE / 4 {
            break;
        }
        it.until_ended(session);
        script.signals.lock().unwrap().clear();
    }
    assert!(script.signals.lock().unwrap().is_empty());
    // Output does not count.
    script.write("busy");
    assert_eq!(it.until_closed(page), 1000);
    assert!(it.pages[page].closed.as_ref().unwrap().1.contains("typed"), "{:?}", it.pages[page].closed);
    assert_eq!(it.until_ended(session), Cause::Idle);
}

#[test]
fn closing_the_hub_sends_all_away() {
    let script = Script::new();
    script.mortal.lock().unwrap().push("TERM HUP".into());
    let mut it = Stage::new(&script.engine.address);
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    script.write("$ ");
    it.until_output(page, "$ ");
    let hub = it.hub;
    assert!(it.lp.terminal().close_hub(hub));
    assert!(!it.lp.terminal().close_hub(hub));
    assert_eq!(it.until_closed(page), 1001);
    assert_eq!(it.until_ended(session), Cause::HubClosed);
    assert_eq!(it.lp.terminal().sessions(hub), Err(Error::Stale("hub")));
    let server = it.server;
    it.lp.websocket().close_server(server);
    it.until("the server's end", |it| it.server_ended);
    // The call that sent the signal may come to its end a little later.
    it.until("an empty loop", |it| it.lp.pending() == 0);
}

#[test]
fn a_server_that_closes_says_so_and_the_sessions_go_on() {
    let script = Script::new();
    let mut it = Stage::new(&script.engine.address);
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    script.write("$ ");
    it.until_output(page, "$ ");
    let server = it.server;
    it.lp.websocket().close_server(server);
    assert_eq!(it.until_closed(page), 1001);
    it.until("the server's end", |it| it.server_ended);
    assert_eq!(it.lp.terminal().viewers(session), Ok(0));
    script.exit(0);
    it.until("the exit", |it| it.story(session).iter().any(|word| word.starts_with("exited")));
}

#[test]
fn a_closed_stream_or_client_ends_the_session() {
    let script = Script::new();
    let mut it = Stage::new(&script.engine.address);
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    script.write("$ ");
    it.until_output(page, "$ ");
    let client = it.client;
    it.lp.docker().close_client(client);
    assert_eq!(it.until_closed(page), 1011);
    assert!(it.story(session).contains(&"failed the operation was cancelled".to_owned()), "{:?}", it.story(session));
    it.lp.terminal().end(session).unwrap();
    assert_eq!(it.until_ended(session), Cause::Process);
}
