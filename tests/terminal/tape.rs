//! Recordings.

use crate::engine::{Act, Script};
use crate::stage::Stage;
use crate::support::{TempDir, in_fork};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Instant, SystemTime};
use towline::terminal::{Error, Header, Recording, Size};

/// The lines of a recording: the header, and time, kind and data of each event.
fn read(path: &Path) -> (serde_json::Value, Vec<(f64, String, String)>) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let header = serde_json::from_str(lines.next().unwrap()).unwrap();
    (header, lines.map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn joined(events: &[(f64, String, String)], of: &str) -> String {
    events.iter().filter(|(_, kind, _)| kind == of).map(|(.., data)| data.as_str()).collect()
}

#[test]
fn a_session_is_recorded() {
    let folder = TempDir::new();
    let (with, without) = (folder.path().join("with.cast"), folder.path().join("without.cast"));
    let script = Script::new();
    let mut it = Stage::new(&script.engine.address);
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    script.write("not recorded");
    it.until_output(page, "not recorded");
    it.lp.terminal().record(session, &with, true).unwrap();
    assert!(it.lp.terminal().info(session).unwrap().recorded);
    let error = it.lp.terminal().record(session, &without, true).unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error}");
    it.pages[page].types("l\u{e9}");
    it.pages[page].send(r#"1{"columns":90,"rows":20}"#);
    it.until("the input", |_| script.input().ends_with('\u{e9}'));
    script.act(Act::Write(b"caf\xc3".to_vec()));
    it.until_output(page, "caf");
    script.act(Act::Write(b"\xa9\x1b[0m\r\n".to_vec()));
    it.until_output(page, "\u{e9}");
    // Within a second it is in the file, though the session goes on.
    it.until("the file", |_| joined(&read(&with).1, "o") == "caf\u{e9}\u{1b}[0m\r\n");
    script.write("end");
    script.exit(0);
    it.until_closed(page);
    let (header, events) = read(&with);
    assert_eq!((&header["version"], &header["width"], &header["height"]), (&2.into(), &80.into(), &24.into()));
    assert_eq!(joined(&events, "o"), "caf\u{e9}\u{1b}[0m\r\nend");
    assert_eq!((joined(&events, "i").as_str(), joined(&events, "r").as_str()), ("l\u{e9}", "90x20"));
    assert!(events.is_sorted_by(|one, two| one.0 <= two.0));
    assert_eq!(std::fs::metadata(&with).unwrap().permissions().mode() & 0o777, 0o600);
    let error = it.lp.terminal().record(session, &without, false).unwrap_err();
    assert!(error.to_string().contains("ended"), "{error}");
    assert!(!without.exists());
}

#[test]
fn input_is_recorded_only_when_asked_for() {
    let folder = TempDir::new();
    let path = folder.path().join("it.cast");
    let script = Script::new();
    let mut it = Stage::new(&script.engine.address);
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    it.lp.terminal().record(session, &path, false).unwrap();
    it.pages[page].types("password");
    it.until("the input", |_| script.input() == "password");
    script.act(Act::Flood(3 * 1024 * 1024));
    script.exit(0);
    it.until_closed(page);
    let (_, events) = read(&path);
    assert!(joined(&events, "o").as_bytes() == crate::engine::flood(3 * 1024 * 1024));
    assert_eq!(joined(&events, "i"), "");
}

#[test]
fn a_forked_child_writes_nothing() {
    let folder = TempDir::new();
    let path = folder.path().join("it.cast");
    let now = Instant::now();
    let header = Header { size: Size::default(), started: SystemTime::now(), title: None, command: None };
    let mut recording = Some(Recording::create(&path, &header, false, now).unwrap());
    recording.as_mut().unwrap().output(now, b"once").unwrap();
    let code = in_fork(|| {
        drop(recording.take());
        0
    });
    assert_eq!(code, 0);
    assert_eq!(joined(&read(&path).1, "o"), "");
    drop(recording);
    assert_eq!(joined(&read(&path).1, "o"), "once");
}

#[test]
fn files_that_cannot_be_had_are_named() {
    let folder = TempDir::new();
    let there = folder.path().join("there.cast");
    std::fs::write(&there, "mine").unwrap();
    let script = Script::new();
    let mut it = Stage::new(&script.engine.address);
    let session = it.session("web", &["sh"]);
    for path in [&there, &folder.path().join("no/such/folder.cast"), folder.path()] {
        let error = it.lp.terminal().record(session, path, false).unwrap_err();
        assert!(matches!(error, Error::Record { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    assert_eq!(std::fs::read(&there).unwrap(), b"mine");
    let path = folder.path().join("good.cast");
    it.lp.terminal().record(session, &path, false).unwrap();
}
