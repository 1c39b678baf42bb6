//! What is said between pages and the hub.

use crate::engine::{Act, Script};
use crate::stage::Stage;
use std::time::Duration;
use towline::docker::StreamEvent;
use towline::terminal::{HubOptions, Said, Size};

#[test]
fn a_page_joins_types_and_sees() {
    let script = Script::new();
    let mut it = Stage::new(&script.engine.address);
    let page = it.page();
    // The program reads the first message, and says which session it is to be.
    it.pages[page].send(r#"{"AuthToken":"secret","columns":100,"rows":30}"#);
    it.until("the first message", |it| !it.messages.is_empty());
    let Ok(Said::Hello(hello)) = Said::read(&it.messages[0].1) else { panic!("{:?}", it.messages) };
    let session = it.session("web", &["sh"]);
    it.attach(session, page, false, hello.size);
    // Right behind, before the hub has heard of anything.
    it.pages[page].types("ls\r");
    let id = it.lp.terminal().id(session).unwrap().to_owned();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    let joined = format!(r#"s{{"session":"{id}","rows":30,"columns":100,"readOnly":false,"replay":0}}"#);
    it.until("the welcome", |it| it.pages[page].said == [joined.clone()]);
    it.until("the input", |_| script.input() == "ls\r");
    script.act(Act::Write(b"a\xff\xe2".to_vec()));
    script.act(Act::Write(b"\x82\xac\0".to_vec()));
    it.until("all output", |it| it.pages[page].output == b"a\xff\xe2\x82\xac\0");
    it.until("the size", |_| script.sizes() == ["h=30&w=100"]);
    // The stream's owner hears that it is open; nothing else of what went through.
    assert!(matches!(it.streams[..], [(_, StreamEvent::Opened { upgraded: true, .. })]), "{:?}", it.streams);
    assert_eq!(it.messages.len(), 1);
    it.until("the start", |it| it.story(session).len() == 2);
    assert_eq!(it.story(session), ["joined false 1", "started"]);
    assert_eq!(it.lp.terminal().viewers(session), Ok(1));
}

#[test]
fn who_comes_back_sees_the_latest() {
    let script = Script::new();
    let mut it = Stage::with(&script.engine.address, HubOptions { scrollback: 12, ..HubOptions::default() });
    let session = it.session("web", &["sh"]);
    let first = it.viewer(session, false);
    script.write("one\r\n");
    it.until_output(first, "one");
    it.pages[first].client.close();
    it.until("the page's leaving", |it| it.lp.terminal().viewers(session) == Ok(0));
    assert_eq!(it.gone.len(), 1);
    // Nobody is there; more comes than is kept.
    script.write("two\r\nthree\r\n$ ");
    it.until("the rest", |it| it.lp.terminal().info(session).unwrap().scrollback == 12);
    let again = it.viewer(session, false);
    it.until_output(again, "$ ");
    assert_eq!(it.pages[again].text(), "three\r\n$ ", "from the beginning of a line");
    assert!(it.pages[again].said[0].contains(r#""replay":9"#), "{:?}", it.pages[again].said);
    script.write("date");
    it.until_output(again, "date");
    let story = it.story(session);
    assert_eq!(story[story.len() - 2..], ["left false 1006 0", "joined false 1"]);
}

#[test]
fn sizes_go_to_the_terminal_and_to_the_others() {
    let script = Script::new();
    let mut it = Stage::new(&script.engine.address);
    let session = it.session("web", &["sh"]);
    let (one, two, watcher) = (it.viewer(session, false), it.viewer(session, false), it.viewer(session, true));
    it.until("the start", |it| it.story(session).contains(&"started".to_owned()));
    it.pages[one].send(r#"1{"columns":90,"rows":20}"#);
    it.until("a word to the watcher", |it| it.said(watcher, 'r') == [r#"r{"rows":20,"columns":90}"#]);
    // Who only watches has no say, and what is no size changes nothing.
    it.pages[watcher].send(r#"1{"columns":10,"rows":10}"#);
    for text in
        ["1", "1{", r#"1{"columns":0,"rows":5}"#, r#"1{"columns":NaN,"rows":5}"#, r#"1{"columns":1e9,"rows":5}"#]
    {
        it.pages[two].send(text);
    }
    // The same again is nothing new.
    it.pages[two].send(r#"1{"columns":90,"rows":20}"#);
    it.pages[two].send(r#"1{"columns":132,"rows":50}"#);
    it.until("a word to all others", |it| it.said(watcher, 'r').len() == 2 && it.said(one, 'r').len() == 1);
    assert_eq!(it.said(one, 'r'), [r#"r{"rows":50,"columns":132}"#]);
    assert_eq!(it.said(two, 'r'), [r#"r{"rows":20,"columns":90}"#]);
    it.until("the last size", |_| script.sizes().last().is_some_and(|size| size == "h=50&w=132"));
    // One who joins brings a size; a watcher's is of no consequence.
    let (late, late_watcher) = (it.page(), it.page());
    it.attach(session, late, false, Some(Size { columns: 70, rows: 7 }));
    it.attach(session, late_watcher, true, Some(Size { columns: 60, rows: 6 }));
    it.until("its welcome", |it| it.said(late_watcher, 's').len() == 1);
    assert!(it.said(late_watcher, 's')[0].contains(r#""rows":7,"columns":70,"readOnly":true"#));
    assert_eq!(it.lp.terminal().info(session).unwrap().size, Size { columns: 70, rows: 7 });
    it.until("the word of it", |it| it.said(one, 'r').len() == 2);
    assert!(!script.sizes().iter().any(|size| size.contains("w=10") || size.contains("w=60")), "{:?}", script.sizes());
}

#[test]
fn who_only_watches_does_not_type() {
    let script = Script::new();
    let mut it = Stage::new(&script.engine.address);
    let session = it.session("web", &["sh"]);
    let (writer, watcher) = (it.viewer(session, false), it.viewer(session, true));
    it.pages[watcher].types("rm -rf /\r");
    it.pages[watcher].send("4");
    it.pages[watcher].send("5what is this");
    // The watcher's messages are read first when these words arrive.
    script.write("seen");
    it.until_output(watcher, "seen");
    it.pages[writer].types("ls\r");
    it.until("the input", |_| script.input().ends_with("ls\r"));
    assert_eq!(script.input(), "ls\r");
    assert_eq!(it.pages[watcher].closed, None);
    it.pages[writer].send("4");
    it.until("the input's end", |_| script.input() == "ls\r\u{4}");
    let info = it.lp.terminal().info(session).unwrap();
    assert_eq!((info.viewers, info.writers), (2, 1));
}

#[test]
fn what_makes_no_sense_is_of_no_consequence() {
    let script = Script::new();
    let mut it = Stage::new(&script.engine.address);
    let session = it.session("web", &["sh"]);
    let page = it.viewer(session, false);
    for message in ["", "{", "{\"AuthToken\":7}", "{\"columns\":NaN}", "x", "\u{ff}", "9{}", "0", "s{}", "{}"] {
        it.pages[page].send(message);
    }
    it.pages[page].send([0xff, 0xfe]);
    let long = format!("{{\"AuthToken\":\"{}\"}}", "x".repeat(100_000));
    it.pages[page].send(long);
    // A first message that comes after the hub has the page brings a size at least.
    it.pages[page].send(r#"{"AuthToken":"","columns":44,"rows":11,"session":"other","readOnly":true}"#);
    it.pages[page].types("still here");
    it.until("the input", |_| script.input() == "still here");
    it.until("the size", |_| script.sizes().last().is_some_and(|size| size == "h=11&w=44"));
    assert!(it.messages.is_empty());
    assert_eq!(it.pages[page].closed, None);
}

#[test]
fn a_burst_of_comings_and_goings() {
    let script = Script::new();
    let mut it =
        Stage::with(&script.engine.address, HubOptions { linger: Duration::from_secs(100), ..HubOptions::default() });
    let session = it.session("web", &["sh"]);
    for round in 0..200 {
        let page = it.viewer(session, round % 3 == 0);
        match round % 4 {
            0 => it.pages[page].client.close(),
            1 => it.pages[page].send("2"),
            _ => it.pages[page].types("x"),
        }
        if round % 2 == 1 {
            it.pages[page].client.close();
        }
        script.write("y");
    }
    for page in 0..it.pages.len() {
        it.pages[page].client.close();
    }
    it.until("an empty house", |it| it.gone.len() == 200);
    assert_eq!(it.lp.terminal().viewers(session), Ok(0));
    let page = it.viewer(session, false);
    it.until("all output", |it| it.pages[page].output.len() == 200);
    let story = it.story(session);
    let count = |word: &str| story.iter().filter(|it| it.starts_with(word)).count();
    assert_eq!((count("joined"), count("left")), (201, 200));
}
