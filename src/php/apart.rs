//! Callbacks that may wait without anybody else waiting for them: each runs in a fiber of its own.
//!
//! They are those that answer somebody: of requests, of WebSockets that open, and of terminals' pages. A callback waits on when
//! whom it answers has gone, so how many there may be at a time is limited here; above that nobody is asked.

use super::class;
use super::errors::Answer;
use super::fiber;
use super::state::State;
use super::value;
use super::wait;
use super::websocket_connection::Connection;
use super::websocket_server::Server;
use crate::websocket::RequestKey;
use ext_php_rs::types::Zval;
use slotmap::{Key, KeyData};

/// What a fiber is started for; its first argument.
const ASK: i64 = 0;
const GREET: i64 = 1;
const ENTER: i64 = 2;

/// How many callbacks of a loop may be in a fiber at a time. Each takes some 17 kB.
const MOST: usize = 1000;

/// The close code of a WebSocket that no callback is called for: it may try again later.
const LATER: u16 = 1013;

/// What is said to whom no callback is called for.
const TOO_MANY: &str = "too many callbacks wait";

impl State {
    fn is_full(&self) -> bool {
        self.apart.get() >= MOST
    }

    /// [`ask`](State::ask), apart.
    pub fn ask_apart(&self, server: Zval, http: Zval, key: RequestKey, upgrade: bool) -> Answer {
        // Where nobody is asked there is nothing to wait for.
        let asks = class::of::<Server>(&server).is_some_and(|server| server.asks(upgrade));
        if !asks || fiber::switch_blocked() {
            return self.ask(&server, &http, key, upgrade);
        }
        if self.is_full() {
            self.answer(key, 503, format!("{TOO_MANY}\n").as_bytes());
            return Ok(());
        }
        let number = value::int(i64::from_ne_bytes(key.data().as_ffi().to_ne_bytes()));
        let started = fiber::start([value::int(ASK), server, http, number, value::bool(upgrade)]);
        started.inspect_err(|_| self.answer_broken(key))
    }

    /// [`greet`](State::greet), apart.
    pub fn greet_apart(&self, closure: Zval, socket: Zval, http: Zval) -> Answer {
        if fiber::switch_blocked() {
            return self.greet(&closure, &socket, http);
        }
        if self.is_full() {
            self.close_full(&socket);
            return Ok(());
        }
        let started = fiber::start([value::int(GREET), closure, socket.shallow_clone(), http, value::bool(false)]);
        started.inspect_err(|_| self.close_broken(&socket))
    }

    /// [`enter`](State::enter), apart.
    pub fn enter_apart(&self, closure: Zval, socket: &Zval, hello: Zval, read_only: bool) -> Answer {
        if fiber::switch_blocked() {
            return self.enter(&closure, socket, hello, read_only);
        }
        if self.is_full() {
            self.close_full(socket);
            return Ok(());
        }
        let arguments = [value::int(ENTER), closure, socket.shallow_clone(), hello, value::bool(read_only)];
        fiber::start(arguments).inspect_err(|_| self.close_broken(socket))
    }

    fn close_full(&self, socket: &Zval) {
        let Some(it) = class::of::<Connection>(socket) else { return };
        self.core_quietly(|core| drop(core.websocket().close(it.key, LATER, TOO_MANY)));
    }
}

/// What a fiber runs.
///
/// # Safety
/// `arguments` are those that one of the functions above has started the fiber with; the fiber's frame holds them.
pub unsafe extern "C" fn job(arguments: *mut Zval) {
    class::guarded(|| {
        // SAFETY: as the caller promises.
        let [what, first, second, third, flag] = unsafe { &*arguments.cast::<[Zval; 5]>() };
        let flag = flag.bool().unwrap_or_default();
        // An exception goes out of the fiber by itself.
        let _ = match what.long() {
            Some(ASK) => {
                let key = KeyData::from_ffi(u64::from_ne_bytes(third.long().unwrap_or_default().to_ne_bytes()));
                class::of::<Server>(first).map(|server| {
                    let state = &server.state;
                    wait::at_home(state, || state.ask(first, second, key.into(), flag))
                })
            }
            Some(GREET) => class::of::<Connection>(second)
                .map(|it| wait::at_home(&it.state, || it.state.greet(first, second, third.shallow_clone()))),
            Some(ENTER) => class::of::<Connection>(second)
                .map(|it| wait::at_home(&it.state, || it.state.enter(first, second, third.shallow_clone(), flag))),
            _ => None,
        };
    });
}
