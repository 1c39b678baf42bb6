//! What goes wrong beneath a session.

use crate::engine::{Engine, docker};
use crate::stage::Stage;
use std::time::Duration;
use towline::docker::{DockerOptions, StreamEvent};
use towline::terminal::HubOptions;
use towline::websocket::ServerOptions;

#[test]
fn the_container_is_removed() {
    let container = docker().container();
    let mut it = Stage::new(&docker().address());
    let session = it.session(&container.name, &["sh"]);
    let page = it.viewer(session, false);
    it.until_output(page, "# ");
    container.remove();
    let code = it.until_closed(page);
    // The Engine may or may not remember how the process ended.
    assert_eq!(code, 1000, "{:?}", it.pages[page].said);
    let said = it.said(page, 'x')[0];
    assert!(said == r#"x{"code":137}"# || said == r#"x{"code":null}"#, "{said}");
    // Nothing is there for another session; that one says so.
    let next = it.session(&container.name, &["sh"]);
    let page = it.viewer(next, false);
    assert_eq!(it.until_closed(page), 1011);
    assert!(it.said(page, 'e')[0].contains(&container.name), "{:?}", it.said(page, 'e'));
    assert_eq!(it.story(session).iter().filter(|word| word.starts_with("exited")).count(), 1);
}

#[test]
fn the_engine_is_killed_and_comes_back() {
    let own = Engine::start(&[]);
    let container = own.container();
    let mut it = Stage::new(&own.address());
    let session = it.session(&container.name, &["sh"]);
    let (page, watcher) = (it.viewer(session, false), it.viewer(session, true));
    it.until_output(page, "# ");
    own.crash();
    for page in [page, watcher] {
        assert_eq!(it.until_closed(page), 1011);
        assert!(it.said(page, 'e')[0].contains("Engine"), "{:?}", it.said(page, 'e'));
    }
    assert!(matches!(it.streams.last(), Some((_, StreamEvent::Failed(_)))));
    // What was seen can still be looked at.
    let late = it.viewer(session, false);
    assert_eq!(it.until_closed(late), 1011);
    assert!(it.pages[late].text().contains("# "));
    own.up();
    let container = own.container();
    let session = it.session(&container.name, &["sh"]);
    let page = it.viewer(session, false);
    it.until_output(page, "# ");
}

#[test]
fn no_engine_at_all() {
    let mut it = Stage::new("unix:///nonexistent/docker.sock");
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    assert_eq!(it.until_closed(page), 1011);
    assert!(it.said(page, 'e')[0].contains("/nonexistent/docker.sock"), "{:?}", it.said(page, 'e'));
}

#[test]
fn a_command_that_is_not_there() {
    let container = docker().container();
    let mut it = Stage::new(&docker().address());
    let session = it.session(&container.name, &["/no/such/shell"]);
    let page = it.viewer(session, false);
    it.until_closed(page);
    // The Engine says why on the terminal.
    assert!(it.pages[page].text().contains("/no/such/shell"), "{}", it.pages[page].text());
    assert!(["x{\"code\":126}", "x{\"code\":127}"].contains(&it.said(page, 'x')[0]), "{:?}", it.said(page, 'x'));
}

/// Its machine has lost power: no FIN comes, and no answer to a ping.
#[test]
fn a_viewer_that_vanishes() {
    let container = docker().container();
    let server = ServerOptions { ping_interval: Some(Duration::from_millis(300)), ..ServerOptions::default() };
    let mut it = Stage::serving(&docker().address(), HubOptions::default(), server);
    let session = it.session(&container.name, &["sh"]);
    let (gone, good) = (it.viewer(session, false), it.viewer(session, false));
    it.until_output(good, "# ");
    // A page that takes in what the kernel has, but answers nothing.
    it.pages[gone].deaf = true;
    it.until("its leaving", |it| it.lp.terminal().viewers(session) == Ok(1));
    assert_eq!(it.pages[good].closed, None);
    it.pages[good].types("echo a''live\r");
    it.until_output(good, "alive");
    assert!(it.story(session).contains(&"left false 1006 1".to_owned()), "{:?}", it.story(session));
}

/// With a container that has no shell, nothing can be signalled: the session ends, and says that the process has not.
#[test]
fn a_container_without_a_shell() {
    let container = docker().bare();
    let mut it = Stage::new(&docker().address());
    let session = it.session(&container.name, &["/sleep", "4326"]);
    let page = it.viewer(session, false);
    it.until("the process", |_| container.processes().iter().any(|line| line == "/sleep 4326"));
    it.lp.terminal().end(session).unwrap();
    assert_eq!(it.until_closed(page), 1011);
    assert!(it.said(page, 'e')[0].contains("shell"), "{:?}", it.said(page, 'e'));
    it.until_ended(session);
}

#[test]
fn an_engine_over_tcp() {
    let container = docker().container();
    let mut it = Stage::new(docker().tcp());
    let client = DockerOptions { address: Some(docker().tcp().to_owned()), ..DockerOptions::default() };
    it.client = it.lp.docker().client(client).unwrap();
    let session = it.session(&container.name, &["sh", "-c", "echo hi; exit 2"]);
    let page = it.viewer(session, false);
    assert_eq!(it.until_closed(page), 1000);
    assert_eq!((it.pages[page].text().as_str(), it.said(page, 'x')), ("hi\r\n", vec![r#"x{"code":2}"#]));
}
