//! People at work.

use crate::engine::{Container, docker};
use crate::stage::Stage;
use crate::support::{TempDir, terminal};
use std::time::{Duration, Instant};
use towline::docker::ExecOptions;
use towline::terminal::{Cause, HubOptions, SessionKey, Size};

fn with_shell(options: HubOptions) -> (Container<'static>, Stage, SessionKey, usize) {
    let container = docker().container();
    let mut it = Stage::with(&docker().address(), options);
    let session = it.session(&container.name, &["sh"]);
    let page = it.viewer(session, false);
    it.until_output(page, "# ");
    (container, it, session, page)
}

/// The loop goes on while the processes are looked at.
fn until_processes(it: &mut Stage, container: &Container<'_>, wanted: impl Fn(&[String]) -> bool) {
    it.until("the processes", |_| wanted(&container.processes()));
}

#[test]
fn typing_and_seeing() {
    let (_container, mut it, session, page) = with_shell(HubOptions::default());
    it.pages[page].types("echo $((6*7))-$(tty)\r");
    it.until_output(page, "42-/dev/pts/");
    // Characters of several bytes, byte by byte.
    it.pages[page].types("stty raw -echo; cat; exit 3\r");
    it.until_output(page, "exit 3\r\n");
    let text = "\u{20ac}\u{1f600}e\u{301}\u{4f60}\u{597d}";
    for byte in text.bytes() {
        it.pages[page].send([b'0', byte]);
    }
    it.until_output(page, text);
    it.pages[page].send([b"0".as_slice(), text.as_bytes()].concat());
    it.until_output(page, &text.repeat(2));
    assert_eq!(it.story(session), ["joined false 1", "started"]);
}

#[test]
fn the_size_reaches_the_terminal() {
    let (container, mut it, session, page) = with_shell(HubOptions::default());
    // Engines before API 1.42 are told the first size only once the shell runs.
    it.pages[page].types("while [ \"$(stty size)\" != '24 80' ]; do :; done; echo st''arted\r");
    it.until_output(page, "started");
    for size in ["1{\"columns\":100,\"rows\":30}", "1{\"columns\":101,\"rows\":31}", "1{\"columns\":133,\"rows\":43}"] {
        it.pages[page].send(size);
    }
    it.pages[page].types("while [ \"$(stty size)\" != '43 133' ]; do :; done; echo si''zed\r");
    it.until_output(page, "sized");
    // Nonsense leaves it as it is.
    it.pages[page].send("1{\"columns\":0,\"rows\":NaN}");
    it.pages[page].types("stty size\r");
    it.until_output(page, "43 133");
    // A page that comes brings its own.
    let other = it.page();
    it.attach(session, other, false, Some(Size { columns: 60, rows: 20 }));
    it.pages[other].types("while [ \"$(stty size)\" != '20 60' ]; do :; done; echo resi''zed\r");
    it.until_output(other, "resized");
    // And one can have it from the start.
    let options =
        ExecOptions { size: towline::docker::Size::new(9, 77).unwrap(), ..terminal(&container.name, &["sh"]) };
    let session = it.session_with(options);
    let page = it.viewer(session, false);
    assert_eq!(it.lp.terminal().info(session).unwrap().size, Size { columns: 77, rows: 9 });
    it.pages[page].types("while [ \"$(stty size)\" != '9 77' ]; do :; done; echo be''gun\r");
    it.until_output(page, "begun");
}

#[test]
fn a_page_that_reloads_finds_its_session() {
    let (_container, mut it, session, page) = with_shell(HubOptions::default());
    it.pages[page].types("x=kept; echo first-$((1+1))\r");
    it.until_output(page, "first-2");
    let id = it.lp.terminal().id(session).unwrap().to_owned();
    it.pages[page].client.close();
    it.until("its leaving", |it| it.lp.terminal().viewers(session) == Ok(0));
    let hub = it.hub;
    let found = it.lp.terminal().find(hub, &id).unwrap();
    let page = it.viewer(found, false);
    it.until_output(page, "first-2");
    it.pages[page].types("echo $x-again\r");
    it.until_output(page, "kept-again");
}

#[test]
fn two_pages_and_a_watcher() {
    let (_container, mut it, session, one) = with_shell(HubOptions::default());
    let (two, watcher) = (it.viewer(session, false), it.viewer(session, true));
    it.pages[watcher].types("echo for''bidden\r");
    it.pages[one].types("echo from-o''ne\r");
    it.until_output(two, "from-one");
    it.pages[two].types("echo from-t''wo\r");
    for page in [one, two, watcher] {
        it.until_output(page, "from-two");
        assert!(!it.pages[page].text().contains("bidden"), "{}", it.pages[page].text());
    }
    it.pages[one].types("exit 9\r");
    for page in [one, two, watcher] {
        assert_eq!(it.until_closed(page), 1000);
        assert_eq!(it.said(page, 'x'), [r#"x{"code":9}"#]);
    }
}

/// A page that draws slowly pauses in the middle of a flood; the person gives up on it.
#[test]
fn an_interrupt_ends_a_flood_that_is_paused() {
    let (_container, mut it, _, page) = with_shell(HubOptions::default());
    it.pages[page].types("yes 'a line of the flood'\r");
    it.until("some of it", |it| it.pages[page].output.len() > 4 * 1024 * 1024);
    it.pages[page].send("2");
    it.until_still();
    let held = it.pages[page].output.len();
    it.pages[page].types("\u{3}");
    it.turn();
    assert_eq!(it.pages[page].output.len(), held);
    it.pages[page].send("3");
    it.pages[page].types("echo ou''t\r");
    it.until_output(page, "out\r\n");
}

#[test]
fn a_page_that_does_not_read_stops_only_itself() {
    let (_container, mut it, session, good) = with_shell(HubOptions::default());
    let bad = it.viewer(session, true);
    it.pages[bad].deaf = true;
    it.pages[good].types("head -c 50000000 /dev/zero | tr '\\0' x; echo do''ne\r");
    it.until_output(good, "done");
    assert!(it.pages[good].output.len() > 50_000_000);
    it.pages[bad].deaf = false;
    assert_eq!(it.until_closed(bad), 1013);
}

#[test]
fn the_process_waits_for_a_page_that_does_not_read() {
    let (_container, mut it, _, page) = with_shell(HubOptions::default());
    it.pages[page].types("head -c 50000000 /dev/zero | tr '\\0' '\\121'; exit 4\r");
    it.until_output(page, "QQ");
    it.pages[page].deaf = true;
    it.until_still();
    assert!(it.pages[page].output.len() < 40_000_000);
    it.pages[page].deaf = false;
    assert_eq!(it.until_closed(page), 1000);
    assert_eq!(it.pages[page].output.iter().filter(|byte| **byte == b'Q').count(), 50_000_000);
    assert_eq!(it.said(page, 'x'), [r#"x{"code":4}"#]);
}

#[test]
fn a_paste_of_megabytes_arrives() {
    let (_container, mut it, _, page) = with_shell(HubOptions::default());
    it.pages[page].types("stty raw -echo; echo rea''dy; head -c 20000000 | wc -c; stty sane\r");
    it.until_output(page, "ready");
    for _ in 0..20 {
        it.pages[page].types(&"p".repeat(1_000_000));
    }
    it.until_output(page, "20000000");
}

#[test]
fn ending_a_session_ends_its_processes() {
    let (container, mut it, session, page) = with_shell(HubOptions::default());
    it.pages[page].types("trap '' TERM HUP; sleep 4321 & sleep 4322\r");
    until_processes(&mut it, &container, |all| {
        ["sleep 4321", "sleep 4322"].iter().all(|name| all.iter().any(|line| line == name))
    });
    let since = Instant::now();
    it.lp.terminal().end(session).unwrap();
    assert_eq!(it.until_closed(page), 1000);
    assert_eq!(it.until_ended(session), Cause::Asked);
    assert!(since.elapsed() >= Duration::from_secs(5), "the shell follows neither TERM nor HUP: {:?}", since.elapsed());
    assert_eq!(it.said(page, 'x'), [r#"x{"code":137}"#]);
    until_processes(&mut it, &container, |all| !all.iter().any(|line| line.contains("sleep 432")));
}

/// It ignores TERM.
#[test]
fn a_shell_is_hung_up() {
    let (_container, mut it, session, page) = with_shell(HubOptions::default());
    it.lp.terminal().end(session).unwrap();
    assert_eq!(it.until_closed(page), 1000);
    assert_eq!(it.until_ended(session), Cause::Asked);
    assert_eq!(it.said(page, 'x'), [r#"x{"code":129}"#]);
}

#[test]
fn a_process_that_follows_a_signal_is_ended_at_once() {
    let container = docker().container();
    let mut it = Stage::new(&docker().address());
    let session = it.session(&container.name, &["sleep", "4323"]);
    let page = it.viewer(session, false);
    until_processes(&mut it, &container, |all| all.iter().any(|line| line == "sleep 4323"));
    it.lp.terminal().end(session).unwrap();
    assert_eq!(it.until_closed(page), 1000);
    assert_eq!(it.said(page, 'x'), [r#"x{"code":143}"#]);
    until_processes(&mut it, &container, |all| !all.iter().any(|line| line == "sleep 4323"));
}

#[test]
fn a_session_that_nobody_watches_ends_with_its_process() {
    let options = HubOptions { linger: Duration::from_millis(100), ..HubOptions::default() };
    let (container, mut it, session, page) = with_shell(options);
    it.pages[page].types("exec sleep 4324\r");
    until_processes(&mut it, &container, |all| all.iter().any(|line| line == "sleep 4324"));
    it.pages[page].client.close();
    assert_eq!(it.until_ended(session), Cause::Abandoned);
    until_processes(&mut it, &container, |all| !all.iter().any(|line| line == "sleep 4324"));
}

#[test]
fn a_session_into_which_nobody_types_ends_with_its_process() {
    let container = docker().container();
    let options = HubOptions { idle_timeout: Some(Duration::from_secs(1)), ..HubOptions::default() };
    let mut it = Stage::with(&docker().address(), options);
    let session = it.session(&container.name, &["sleep", "4325"]);
    let page = it.viewer(session, false);
    assert_eq!(it.until_closed(page), 1000);
    assert_eq!(it.until_ended(session), Cause::Idle);
    until_processes(&mut it, &container, |all| !all.iter().any(|line| line == "sleep 4325"));
}

#[test]
fn a_session_is_recorded() {
    let folder = TempDir::new();
    let path = folder.path().join("shell.cast");
    let (_container, mut it, session, page) = with_shell(HubOptions::default());
    it.lp.terminal().record(session, &path, true).unwrap();
    it.pages[page].types("printf '\\342'; sleep 0.2; printf '\\202\\254\\n'\r");
    it.until_output(page, "\u{20ac}\r\n");
    it.pages[page].types("exit\r");
    it.until_closed(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["version"], &lines[0]["width"]), (&2.into(), &80.into()));
    let of =
        |kind: &str| lines[1..].iter().filter(|it| it[1] == kind).map(|it| it[2].as_str().unwrap()).collect::<String>();
    assert!(of("o").contains("\u{20ac}\r\n") && !of("o").contains('\u{fffd}'), "{}", of("o"));
    assert!(of("i").ends_with("exit\r"), "{}", of("i"));
}
