//! Names, limits, and handles that name nothing.

use crate::engine::Script;
use crate::stage::Stage;
use crate::support::terminal;
use std::time::Duration;
use towline::terminal::{Cause, Error, HubKey, HubOptions, SessionKey};
use towline::websocket::ConnKey;

#[test]
fn sessions_are_found_by_their_ids() {
    let script = Script::new();
    let mut it = Stage::new(&script.engine.address);
    let (hub, client) = (it.hub, it.client);
    let stream = it.lp.docker().exec(client, terminal("web", &["sh"])).unwrap();
    let session = it.lp.terminal().open(hub, stream, Some("mine")).unwrap();
    assert_eq!(it.lp.terminal().find(hub, "mine"), Some(session));
    assert_eq!(it.lp.terminal().find(hub, "yours"), None);
    assert_eq!(it.lp.terminal().sessions(hub), Ok(vec![session]));
    // One stream, one session; one id, one session.
    let again = it.lp.terminal().open(hub, stream, None).unwrap_err();
    assert!(matches!(again, Error::Invalid(_)), "{again}");
    let other = it.lp.docker().exec(client, terminal("web", &["sh"])).unwrap();
    assert_eq!(it.lp.terminal().open(hub, other, Some("mine")), Err(Error::Exists("mine".into())));
    for id in ["", &"x".repeat(256)] {
        let error = it.lp.terminal().open(hub, other, Some(id)).unwrap_err();
        assert!(error.to_string().contains("1 to 255"), "{error}");
    }
    let other = it.lp.terminal().open(hub, other, None).unwrap();
    let ids = [session, other].map(|key| it.lp.terminal().id(key).unwrap().to_owned());
    assert_ne!(ids[0], ids[1]);
    // Another hub has names of its own.
    let second = it.lp.terminal().hub(HubOptions::default()).unwrap();
    assert_eq!(it.lp.terminal().find(second, "mine"), None);
}

#[test]
fn a_full_hub_makes_room_only_by_what_has_ended() {
    let script = Script::new();
    let mut it = Stage::with(&script.engine.address, HubOptions { max_sessions: 1, ..HubOptions::default() });
    let (hub, client) = (it.hub, it.client);
    let first = it.session("web", &["sh"]);
    script.write("$ ");
    it.until("its output", |it| it.lp.terminal().info(first).unwrap().scrollback == 2);
    let stream = it.lp.docker().exec(client, terminal("web", &["sh"])).unwrap();
    assert_eq!(it.lp.terminal().open(hub, stream, None), Err(Error::Full(1)));
    script.exit(0);
    it.until("an exit", |it| it.story(first).iter().any(|word| word.starts_with("exited")));
    it.lp.terminal().open(hub, stream, None).unwrap();
    assert_eq!(it.until_ended(first), Cause::Process);
}

#[test]
fn handles_that_name_nothing() {
    let script = Script::new();
    let mut it =
        Stage::with(&script.engine.address, HubOptions { linger: Duration::from_millis(10), ..HubOptions::default() });
    let (hub, client) = (it.hub, it.client);
    let gone = it.session("web", &["sh"]);
    script.exit(0);
    it.until_ended(gone);
    let path = std::path::Path::new("/nonexistent/file");
    for session in [gone, SessionKey::default()] {
        let stale = Error::Stale("session");
        let mut hub = it.lp.terminal();
        assert_eq!(hub.viewers(session), Err(stale.clone()));
        assert_eq!(hub.info(session).unwrap_err(), stale);
        assert_eq!(hub.id(session), Err(stale.clone()));
        assert_eq!(hub.end(session), Err(stale.clone()));
        assert_eq!(hub.record(session, path, false), Err(stale.clone()));
        assert_eq!(hub.attach(session, ConnKey::default(), false, None), Err(stale));
    }
    let stream = it.lp.docker().exec(client, terminal("web", &["sh"])).unwrap();
    let mut commands = it.lp.terminal();
    assert_eq!(commands.open(HubKey::default(), stream, None), Err(Error::Stale("hub")));
    assert_eq!(commands.open(hub, Default::default(), None), Err(Error::Stale("stream")));
    assert_eq!(commands.sessions(HubKey::default()), Err(Error::Stale("hub")));
    assert_eq!(commands.find(HubKey::default(), ""), None);
    assert!(!commands.close_hub(HubKey::default()));
    let session = commands.open(hub, stream, None).unwrap();
    assert_eq!(commands.attach(session, ConnKey::default(), false, None), Err(Error::Stale("connection")));
    // A connection is attached once, and only while it is open.
    let page = it.page();
    let conn = it.pages[page].conn;
    it.attach(session, page, false, None);
    let error = it.lp.terminal().attach(session, conn, false, None).unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error}");
    let closing = it.page();
    let conn = it.pages[closing].conn;
    it.lp.websocket().close(conn, 1000, "").unwrap();
    assert_eq!(it.lp.terminal().attach(session, conn, false, None), Err(Error::Closed));
    it.until("its end", |it| it.gone.iter().any(|(of, _)| *of == conn));
    assert_eq!(it.lp.terminal().attach(session, conn, false, None), Err(Error::Stale("connection")));
    assert_eq!(it.lp.terminal().viewers(session), Ok(1));
    it.pages[page].client.close();
    it.until("the viewer's end", |it| it.gone.len() == 2);
    let conn = it.pages[page].conn;
    assert_eq!(it.lp.terminal().attach(session, conn, false, None), Err(Error::Stale("connection")));
}

#[test]
fn options_out_of_range_are_named() {
    let script = Script::new();
    let mut it = Stage::new(&script.engine.address);
    let long = Duration::from_secs(400 * 24 * 3600);
    let good = HubOptions::default;
    for (options, words) in [
        (HubOptions { max_sessions: 0, ..good() }, "maxSessions"),
        (HubOptions { high_watermark: 0, ..good() }, "highWatermark"),
        (HubOptions { scrollback: 32 * 1024 * 1024 + 1, ..good() }, "scrollback"),
        (HubOptions { linger: long, ..good() }, "linger"),
        (HubOptions { pause_lift: long, ..good() }, "pauseLift"),
        (HubOptions { idle_timeout: Some(long), ..good() }, "idleTimeout"),
        (HubOptions { idle_timeout: Some(Duration::ZERO), ..good() }, "idleTimeout"),
    ] {
        let error = it.lp.terminal().hub(options).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
