//! Where a server listens.

use crate::host::{Client, Host, echo};
use crate::support::TempDir;
use std::os::unix::net::UnixListener;
use towline::Loop;
use towline::websocket::{Error, Origins, ServerOptions};

fn refused(address: &str) -> String {
    Loop::new().unwrap().websocket().listen(address, ServerOptions::default()).unwrap_err().to_string()
}

#[test]
fn tcp_addresses() {
    let host = Host::at("[::1]:0", ServerOptions::default(), echo);
    assert!(host.address.starts_with("[::1]:") && !host.address.ends_with(":0"), "{}", host.address);
    let host = Host::at("localhost:0", ServerOptions::default(), echo);
    assert!(host.address.starts_with("127.0.0.1:"), "{}", host.address);
    let taken = refused(&host.address);
    assert!(taken.contains(&host.address) && taken.contains("in use"), "{taken}");
    assert!(refused("example.org:80").contains("numeric address"));
    assert!(refused("127.0.0.1:65536").contains("0 to 65535"));
    assert!(refused("here").contains("no address"));
}

#[test]
fn a_unix_socket() {
    let folder = TempDir::new();
    let path = folder.join("ws.sock");
    let mut host = Host::at(&format!("unix:{path}"), ServerOptions::default(), echo);
    assert_eq!(host.address, format!("unix:{path}"));
    let mut client = host.connect();
    assert!(host.ask(&mut client, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 200"));
    let in_use = refused(&path);
    assert!(in_use.contains("another process listens"), "{in_use}");
    drop(host);
    assert!(!std::fs::exists(&path).unwrap());
}

#[test]
fn the_file_of_a_dead_server_is_replaced_and_nothing_else() {
    let folder = TempDir::new();
    let path = folder.join("ws.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(std::fs::exists(&path).unwrap());
    let mut host = Host::at(&path, ServerOptions::default(), echo);
    host.open();
    // Another's file under our name is left alone.
    std::fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    drop(host);
    assert!(std::fs::exists(&path).unwrap());

    let file = folder.join("notes.txt");
    std::fs::write(&file, "dear diary").unwrap();
    assert!(refused(&file).contains("no socket"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "dear diary");
    assert!(refused(&folder.join("no/such/folder.sock")).contains("No such file"));
}

#[test]
fn options_are_checked() {
    let mut lp = Loop::new().unwrap();
    for (words, change) in [
        ("maxMessage", Box::new(|it: &mut ServerOptions| it.max_message = 0) as Box<dyn Fn(&mut ServerOptions)>),
        ("maxConnections", Box::new(|it| it.max_connections = 0)),
        ("highWatermark", Box::new(|it| it.high_watermark = 0)),
        ("pingInterval", Box::new(|it| it.ping_interval = Some(std::time::Duration::ZERO))),
        ("handshakeTimeout", Box::new(|it| it.handshake_timeout = std::time::Duration::MAX)),
        ("origin", Box::new(|it| it.origins = Origins::These(vec!["example.org".into()]))),
        ("subprotocol", Box::new(|it| it.subprotocols = vec!["a b".into()])),
    ] {
        let mut options = ServerOptions::default();
        change(&mut options);
        match lp.websocket().listen("127.0.0.1:0", options) {
            Err(Error::Invalid(text)) => assert!(text.contains(words), "{text}"),
            other => panic!("{words}: {other:?}"),
        }
    }
    assert_eq!(lp.pending(), 0);
}

#[test]
fn a_port_is_free_again_at_once() {
    let mut host = Host::new(ServerOptions::default());
    let address = host.address.clone();
    let mut client = Client::new(&address);
    host.ask(&mut client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    drop(host);
    Host::at(&address, ServerOptions::default(), echo);
}
