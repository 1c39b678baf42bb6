//! From the events of WebSocket servers to closures, by the rules of `dispatch`.
//!
//! Closures are looked up when their task is done, not when its event came: onOpen, which adds them, may still be
//! waiting then.

use super::class;
use super::errors::{self, Answer, Thrown};
use super::state::{State, Task};
use super::websocket_connection::{self as connection, Connection};
use super::websocket_request as request;
use super::websocket_response::{self as response, Response};
use super::websocket_server::Server;
use super::{call, value};
use crate::Event;
use crate::websocket::{self, EventKind, RequestKey, ServerKey};
use bytes::Bytes;
use ext_php_rs::types::Zval;

/// What happened on a WebSocket.
pub enum Told {
    Open,
    /// Its bytes, and true when they are binary.
    Message(Zval, bool),
    Drain,
    /// Code and reason.
    Closed(u16, Zval),
}

impl State {
    /// Makes the event in `current`, one of a server, into tasks.
    pub fn prepare_websocket(&self) -> Answer {
        let current = self.current.borrow();
        let Some(Event::WebSocket(websocket::Event { server, kind })) = &*current else { return Ok(()) };
        let (conn, told) = match kind {
            EventKind::Request { request, head, .. } => {
                let (server, key, http) = (*server, *request, request::create(head));
                drop(current);
                self.prepare_request_of(server, key, http, false);
                return Ok(());
            }
            EventKind::Upgrade { request, head } => {
                let (server, key, http) = (*server, *request, request::create(head));
                drop(current);
                self.prepare_request_of(server, key, http, true);
                return Ok(());
            }
            EventKind::Open { conn } => (*conn, Told::Open),
            EventKind::Message { conn, data, binary } => (*conn, Told::Message(value::received(data)?, *binary)),
            EventKind::Drain { conn } => (*conn, Told::Drain),
            EventKind::Closed { conn, code, reason } => (*conn, Told::Closed(*code, value::string(reason.as_bytes()))),
            EventKind::Ended => {
                let ended = self.servers.borrow_mut().remove(*server);
                drop(current);
                let unwanted = ended.as_ref().and_then(class::of::<Server>).map(|server| server.ended());
                drop(unwanted);
                drop(ended);
                return if call::exception_pending() { Err(Thrown) } else { Ok(()) };
            }
        };
        drop(current);
        let socket = match told {
            Told::Closed(..) => self.sockets.borrow_mut().remove(conn),
            _ => self.sockets.borrow().get(conn).map(Zval::shallow_clone),
        };
        if let Some(socket) = socket {
            self.ready.borrow_mut().push_back(Task::Socket(socket, told));
        }
        Ok(())
    }

    /// The request in `current` becomes a task; its bytes go to the object made for it.
    fn prepare_request_of(&self, server: ServerKey, key: RequestKey, http: Zval, upgrade: bool) {
        let (head, body) = match self.current.take() {
            Some(Event::WebSocket(websocket::Event { kind: EventKind::Request { head, body, .. }, .. })) => {
                (head, body)
            }
            Some(Event::WebSocket(websocket::Event { kind: EventKind::Upgrade { head, .. }, .. })) => {
                (head, Bytes::new())
            }
            _ => return,
        };
        request::keep(&http, head, body);
        let server = self.servers.borrow().get(server).map(Zval::shallow_clone);
        match server {
            Some(server) => self.ready.borrow_mut().push_back(Task::Ask(server, http, key, upgrade)),
            None => self.answer(key, 503, b"this server is closed\n"),
        }
    }

    /// Answers a request with a line of text. Whoever asked may be gone, which is no matter.
    pub fn answer(&self, request: RequestKey, status: u16, text: &[u8]) {
        let headers: [(&str, &[u8]); 1] = [("Content-Type", b"text/plain; charset=utf-8")];
        self.core_quietly(|core| drop(core.websocket().respond(request, status, &headers, text)));
    }

    /// Answers a request that the program could not.
    pub fn answer_broken(&self, request: RequestKey) {
        self.answer(request, 500, b"something went wrong here\n");
    }

    /// Asks a server's closures, one after the other, what to answer; the first answer counts. Without one a request
    /// is for what is not there, and a WebSocket is welcome.
    pub fn ask(&self, server: &Zval, http: &Zval, key: RequestKey, upgrade: bool) -> Answer {
        let Some(asked) = class::of::<Server>(server) else { return Ok(()) };
        let mut number = 0;
        while let Some(closure) = asked.callback(|all| if upgrade { &all.upgrade } else { &all.request }, number) {
            number += 1;
            let given = call::closure(&closure, &mut [http.shallow_clone()]).and_then(|given| self.checked(given));
            match given {
                Ok(given) if given.is_null() => {}
                Ok(given) => {
                    self.respond(key, &given);
                    return Ok(());
                }
                Err(thrown) => {
                    self.answer_broken(key);
                    return Err(thrown);
                }
            }
        }
        if upgrade {
            self.accept(server, http, key);
        } else {
            self.answer(key, 404, b"not found\n");
        }
        Ok(())
    }

    /// What a closure may give: null or a response.
    fn checked(&self, mut given: Zval) -> Answer<Zval> {
        if given.is_null() || class::of::<Response>(&given).is_some() {
            return Ok(given);
        }
        let given = value::type_name(&mut given).to_string_lossy();
        Err(errors::type_error(&format!(
            "the callback must return Towline\\WebSocket\\HttpResponse or null, {given} returned"
        )))
    }

    fn respond(&self, key: RequestKey, given: &Zval) {
        let Some(response) = class::of::<Response>(given) else { return };
        let fields: Vec<(&str, &[u8])> =
            response.headers.iter().map(|(name, text)| (&**name, text.as_slice())).collect();
        let body = response::body(response);
        // It was checked when it was made; whoever asked may be gone.
        self.core_quietly(|core| drop(core.websocket().respond(key, response.status, &fields, body)));
    }

    fn accept(&self, server: &Zval, http: &Zval, key: RequestKey) {
        let Some(asked) = class::of::<Server>(server) else { return };
        let accepted = self.core_quietly(|core| core.websocket().accept(key, None));
        if let Some(Ok(conn)) = accepted {
            let socket = connection::create(server, &asked.state, conn, http, request::remote(http));
            self.sockets.borrow_mut().insert(conn, socket);
        }
    }

    /// Hands a WebSocket that has opened to the program. One that it cannot deal with is not left open.
    pub fn greet(&self, closure: &Zval, socket: &Zval, http: Zval) -> Answer {
        let given = call::closure(closure, &mut [socket.shallow_clone(), http]);
        given.map(drop).inspect_err(|_| self.close_broken(socket))
    }

    /// Closes a WebSocket that the program cannot deal with.
    pub fn close_broken(&self, socket: &Zval) {
        let Some(it) = class::of::<Connection>(socket) else { return };
        self.core_quietly(|core| drop(core.websocket().close(it.key, 1011, "something went wrong here")));
    }

    /// Makes what happened on a WebSocket into calls, done next.
    pub fn tell(&self, socket: &Zval, told: Told) -> Answer {
        let Some(it) = class::of::<Connection>(socket) else { return Ok(()) };
        match told {
            Told::Open => {
                let http = it.request.take();
                let Some(server) = class::of::<Server>(&it.server) else { return Ok(()) };
                let mut ready = self.ready.borrow_mut();
                for number in (0..server.count(|all| &all.open)).rev() {
                    if let Some(closure) = server.callback(|all| &all.open, number) {
                        ready.push_front(Task::Greet(closure, socket.shallow_clone(), http.shallow_clone()));
                    }
                }
            }
            Told::Message(data, binary) if it.is_open() => {
                if let Some(welcome) = it.welcome.take().map(|welcome| *welcome) {
                    return self.welcome(socket, welcome, value::bytes_of(&data).unwrap_or_default());
                }
                if let Some(held) = it.held.borrow_mut().as_mut() {
                    held.push(data);
                    return Ok(());
                }
                // It may have been attached to a session while this message waited.
                let bytes = value::bytes_of(&data).unwrap_or_default();
                self.core_quietly(|core| core.terminal().hear(it.key, bytes));
                let mut ready = self.ready.borrow_mut();
                it.with_callbacks(
                    |all| &all.message,
                    |closure| {
                        let (data, binary) = (data.shallow_clone(), value::bool(binary));
                        ready.push_front(Task::Pair(closure.shallow_clone(), data, binary));
                    },
                );
            }
            Told::Drain if it.is_open() => {
                let mut ready = self.ready.borrow_mut();
                it.with_callbacks(|all| &all.drain, |closure| ready.push_front(Task::Plain(closure.shallow_clone())));
            }
            Told::Message(..) | Told::Drain => {}
            Told::Closed(code, reason) => {
                let welcome = it.welcome.take();
                if let Some(welcome) = &welcome {
                    self.expect_no_more(welcome);
                }
                let held = it.held.take();
                drop(held);
                let unwanted = it.ended();
                let mut ready = self.ready.borrow_mut();
                for closure in unwanted.close.iter().rev() {
                    let task = Task::Pair(closure.shallow_clone(), value::int(code), reason.shallow_clone());
                    ready.push_front(task);
                }
                drop(ready);
                drop(unwanted);
                drop(welcome);
            }
        }
        if call::exception_pending() { Err(Thrown) } else { Ok(()) }
    }
}
