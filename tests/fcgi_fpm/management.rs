//! Roles, GET_VALUES, the status page and ping.

use super::support::{Driver, Ended, Fpm};
use super::upload;
use towline::fastcgi::{ClientOptions, Request, Role};

#[test]
fn the_role_is_told() {
    let fpm = Fpm::builder().workers(1).start();
    let script = fpm.script("role.php", "echo $_SERVER['FCGI_ROLE'];");
    let echo = fpm.script("echo.php", "echo file_get_contents('php://input');");
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    for (role, name) in [(Role::Responder, "RESPONDER"), (Role::Authorizer, "AUTHORIZER"), (Role::Filter, "FILTER")] {
        for data in [0, 70_000] {
            let mut builder = Request::builder(script.as_str()).role(role);
            if role == Role::Filter {
                builder = builder.data(vec![b'd'; data]);
            }
            let key = driver.send(client, &builder.build().unwrap());
            assert_eq!(driver.text(key), name);
            // What php-fpm left unread (it knows no DATA) does no harm to the next request.
            let key = driver.send_body(client, &upload("POST", &echo, 5), b"hello");
            assert_eq!(driver.text(key), "hello", "after {name} with {data} bytes of data");
        }
    }
    assert_eq!(driver.lp.fastcgi().stats(client).unwrap().failed, 0);
}

#[test]
fn roles_that_take_no_body_or_data_refuse_it() {
    let body = Request::builder("/a.php").role(Role::Authorizer).content_length(1).build().unwrap_err();
    assert!(body.to_string().contains("an authorizer gets no body"), "{body}");
    for role in [Role::Responder, Role::Authorizer] {
        let data = Request::builder("/a.php").role(role).data("x").build().unwrap_err();
        assert!(data.to_string().contains("only a filter gets a DATA stream"), "{data}");
    }
}

#[test]
fn values_are_told_on_a_connection_of_their_own() {
    let fpm = Fpm::builder().workers(1).start();
    let script = fpm.script("fine.php", "echo 'fine';");
    let mut driver = Driver::new();
    let client = driver.client(&[&fpm.address], ClientOptions { max_connections: 1, ..ClientOptions::default() });
    // The only worker is pinned by a kept connection: that has to go first.
    assert_eq!(driver.get(client, &script).body, b"fine");
    let key = driver.get_values(client);
    let Ended::Values(pairs) = driver.end(key) else { panic!("no values") };
    assert_eq!(pairs, [(b"FCGI_MPXS_CONNS".to_vec(), b"0".to_vec())]);
    assert_eq!(driver.get(client, &script).body, b"fine");
    assert_eq!(driver.lp.fastcgi().stats(client).unwrap().connects, 3);
}

#[test]
fn the_status_page_and_ping() {
    let fpm = Fpm::builder().pool("pm.status_path = /status").pool("ping.path = /ping").start();
    let mut driver = Driver::new();
    let client = driver.plain(&fpm.address);
    assert_eq!(driver.get(client, "/ping").body, b"pong");
    let key = driver.send(client, &Request::builder("/status").query("json").build().unwrap());
    let text = driver.text(key);
    assert!(text.contains("\"pool\":\"www\"") && text.contains("\"process manager\":\"static\""), "{text}");
    let key = driver.send(client, &Request::builder("/status").query("json&full").build().unwrap());
    assert!(driver.text(key).contains("\"processes\":["));
}
