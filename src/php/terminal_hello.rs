//! `\Towline\Terminal\Hello`: a browser's first message, and waiting for it.

use super::class::{self, Class, Declaration, Kind, Method, This, class};
use super::errors::{self, Answer, Thrown};
use super::gc::Held;
use super::state::State;
use super::terminal_hub::{self, Hub};
use super::terminal_session::{self, Session};
use super::terminal_tokens::Tokens;
use super::websocket_connection::{Connection, Welcome, Wish};
use super::{call, value};
use crate::TimerKey;
use crate::terminal::{self, Error, Hello as Message, MAX_HELLO, Pass, Said};
use ext_php_rs::types::Zval;
use std::time::Duration;

/// A first message: declared properties alone.
pub struct Hello;

const TOKEN: u32 = 0;
const SESSION: u32 = 1;
const READ_ONLY: u32 = 2;
const ROWS: u32 = 3;
const COLUMNS: u32 = 4;

class!(Hello, "Towline\\Terminal\\Hello");

impl Held for Hello {}

impl Class for Hello {
    fn methods() -> Vec<Method> {
        Vec::new()
    }

    fn declare(class: Declaration) {
        class
            .readonly(c"token", Kind::String)
            .readonly(c"session", Kind::StringOrNull)
            .readonly(c"readOnly", Kind::Bool)
            .readonly(c"rows", Kind::Int)
            .readonly(c"columns", Kind::Int);
    }
}

fn create(message: &Message) -> Zval {
    let created = class::create(Hello);
    let object = call::object(&created);
    let size = message.size.unwrap_or_default();
    let session = message.session.as_ref().map_or_else(Zval::null, |session| value::string(session.as_bytes()));
    class::set_slot(object, TOKEN, value::string(message.token.as_bytes()));
    class::set_slot(object, SESSION, session);
    class::set_slot(object, READ_ONLY, value::bool(message.read_only));
    class::set_slot(object, ROWS, value::int(size.rows));
    class::set_slot(object, COLUMNS, value::int(size.columns));
    created
}

/// Close codes (RFC 6455, section 7.4.1).
const REFUSED: u16 = 1008;
const BROKEN: u16 = 1011;

/// Most bytes of a close frame's words.
const MAX_REASON: usize = 123;

/// Awaits the first message of a connection, which is closed when none comes in time.
pub fn expect(connection: This<Connection>, timeout: Duration, welcome: impl FnOnce(TimerKey) -> Welcome) -> Answer {
    if connection.welcome.borrow().is_some() || connection.attached.get() {
        return Err(errors::error("this connection has been welcomed already"));
    }
    if !connection.is_open() {
        return Ok(());
    }
    let deadline = connection.state.core(|core| core.timer_start(timeout, false))?;
    connection.state.deadlines.borrow_mut().insert(deadline, connection.key);
    // Who has said nothing yet is nobody to keep much for.
    connection.state.core_quietly(|core| drop(core.websocket().limit_next_message(connection.key, Some(MAX_HELLO))));
    connection.welcome.replace(Some(Box::new(welcome(deadline))));
    Ok(())
}

/// Whom a browser may join to what.
enum Entrance {
    /// To this session, which is there already.
    Session(Zval),
    /// To what the program opens, or chooses.
    Program,
    /// To nothing.
    Ended,
    Refused,
}

impl State {
    /// A timer has passed: true when it was one of ours, for a first message that has not come.
    pub fn is_overdue(&self, timer: TimerKey) -> bool {
        let Some(conn) = self.deadlines.borrow_mut().remove(timer) else { return false };
        self.core_quietly(|core| drop(core.websocket().close(conn, REFUSED, "no first message has come")));
        true
    }

    /// Nobody waits for a first message any more.
    pub fn expect_no_more(&self, welcome: &Welcome) {
        self.core_quietly(|core| core.timer_cancel(welcome.deadline));
        self.deadlines.borrow_mut().remove(welcome.deadline);
    }

    /// The first message has come.
    pub fn welcome(&self, socket: &Zval, welcome: Welcome, data: &[u8]) -> Answer {
        self.expect_no_more(&welcome);
        let Some(connection) = class::of::<Connection>(socket) else { return Ok(()) };
        self.core_quietly(|core| drop(core.websocket().limit_next_message(connection.key, None)));
        let message = match Said::read(data) {
            Ok(Said::Hello(message)) => message,
            Ok(_) => {
                self.close_with(connection, REFUSED, "the first message is not the one that opens or rejoins");
                return Ok(());
            }
            Err(error) => {
                self.close_with(connection, REFUSED, &error.to_string());
                return Ok(());
            }
        };
        connection.wish.set(Wish { size: message.size, read_only: message.read_only });
        let mut read_only = welcome.read_only;
        let entrance = self.entrance(&welcome, &message, &mut read_only)?;
        let hello = create(&message);
        drop(message);
        let Welcome { closure, hub, tokens, .. } = welcome;
        drop((hub, tokens));
        match entrance {
            Entrance::Session(session) => self.join(connection, &session, read_only),
            Entrance::Ended => {
                self.fail(connection, "This session has ended.");
                Ok(())
            }
            Entrance::Refused => {
                self.close_with(connection, REFUSED, "This token is missing, wrong, or was used already.");
                Ok(())
            }
            Entrance::Program => self.enter_apart(closure, socket, hello, read_only),
        }
    }

    /// Asks the program which session a browser is for, and joins it to that.
    pub fn enter(&self, closure: &Zval, socket: &Zval, hello: Zval, read_only: bool) -> Answer {
        let Some(connection) = class::of::<Connection>(socket) else { return Ok(()) };
        self.hold(connection);
        let given = call::closure(closure, &mut [hello, socket.shallow_clone()]);
        let held = self.let_go(connection);
        let joined = match given {
            Ok(session) => self.join(connection, &session, read_only),
            Err(thrown) => self.excuse(connection, thrown),
        };
        self.core_quietly(|core| {
            let said = held.iter().flatten().filter_map(value::bytes_of);
            said.for_each(|said| core.terminal().hear(connection.key, said));
        });
        joined
    }

    /// While the program opens a session, which may take its time, what the browser says is kept for it.
    fn hold(&self, connection: This<Connection>) {
        self.core_quietly(|core| drop(core.websocket().pause(connection.key)));
        connection.held.replace(Some(Vec::new()));
    }

    fn let_go(&self, connection: This<Connection>) -> Option<Vec<Zval>> {
        self.core_quietly(|core| drop(core.websocket().resume(connection.key)));
        connection.held.take()
    }

    /// What a browser's token is good for, if tokens count.
    fn entrance(&self, welcome: &Welcome, message: &Message, read_only: &mut bool) -> Answer<Entrance> {
        let Some(tokens) = class::of::<Tokens>(&welcome.tokens) else { return Ok(Entrance::Program) };
        let shared = match tokens.good_for(message.token.as_bytes()) {
            None => return Ok(Entrance::Refused),
            Some(Pass::Share(session)) => Some(session),
            Some(Pass::Access | Pass::Single) => None,
        };
        *read_only |= shared.is_some();
        let Some(hub) = class::of::<Hub>(&welcome.hub) else { return Ok(Entrance::Program) };
        let found = match (shared, &message.session) {
            (Some(shared), _) => self.core(|core| terminal_hub::shared(core, hub, &shared))?,
            (None, Some(id)) => self.core(|core| terminal_hub::lookup(core, hub, id.as_bytes()))?,
            (None, None) => return Ok(Entrance::Program),
        };
        Ok(if found.is_object() { Entrance::Session(found) } else { Entrance::Ended })
    }

    /// Joins a browser to the session that was found, or that the program gave.
    fn join(&self, connection: This<Connection>, session: &Zval, read_only: bool) -> Answer {
        if session.is_null() {
            if !connection.attached.get() {
                self.close_with(connection, REFUSED, "refused");
            }
            return Ok(());
        }
        let Some(session) = class::of::<Session>(session) else {
            self.close_with(connection, BROKEN, "something went wrong here");
            return Err(errors::type_error("the callback must return Towline\\Terminal\\Session or null"));
        };
        let Some(joined) = terminal_session::join(session, connection, read_only)? else {
            self.close_with(connection, BROKEN, "something went wrong here");
            return Err(errors::value_error("the callback must return a session on the connection's own loop"));
        };
        match joined {
            // The browser may go at any time.
            Ok(()) | Err(Error::Closed | Error::Stale("connection")) => {}
            Err(_) if connection.attached.get() => {}
            Err(Error::Stale(_)) => self.fail(connection, "This session has ended."),
            Err(error) => self.fail(connection, &error.to_string()),
        }
        Ok(())
    }

    /// The program has not let a browser in: if it was for a reason that people can read, the browser is told.
    fn excuse(&self, connection: This<Connection>, thrown: Thrown) -> Answer {
        let Some(exception) = call::take_exception() else { return Err(thrown) };
        if !errors::is_ours(&exception) {
            self.close_with(connection, BROKEN, "something went wrong here");
            return Err(errors::throw_object(&exception));
        }
        let words = call::method(&exception, c"getmessage")?;
        let words = String::from_utf8_lossy(value::bytes_of(&words).unwrap_or_default());
        self.fail(connection, &words);
        Ok(())
    }

    /// Tells a browser why there is no terminal for it.
    fn fail(&self, connection: This<Connection>, words: &str) {
        let message = terminal::error(words);
        self.core_quietly(|core| drop(core.websocket().send(connection.key, &message, true)));
        self.close_with(connection, BROKEN, words);
    }

    fn close_with(&self, connection: This<Connection>, code: u16, words: &str) {
        let mut end = words.len().min(MAX_REASON);
        while !words.is_char_boundary(end) {
            end -= 1;
        }
        let words = words.get(..end).unwrap_or_default();
        self.core_quietly(|core| drop(core.websocket().close(connection.key, code, words)));
    }
}
