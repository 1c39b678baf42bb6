//! From the events of terminal sessions to closures, by the rules of `dispatch`.

use super::class;
use super::errors::{self, Answer, Thrown};
use super::state::{State, Task};
use super::terminal_session::{Callbacks, Session};
use super::{call, docker_result, value};
use crate::Event;
use crate::terminal::{self, Cause, EventKind};
use ext_php_rs::types::Zval;

impl State {
    /// Makes the event in `current`, one of a session, into tasks.
    pub fn prepare_terminal(&self) -> Answer {
        let current = self.current.borrow();
        let Some(Event::Terminal(terminal::Event { session: key, kind })) = &*current else { return Ok(()) };
        let held = self.sessions.borrow().get(*key).map(Zval::shallow_clone);
        let Some(session) = held.as_ref().and_then(class::of::<Session>) else { return Ok(()) };
        let tell = |which: fn(&Callbacks) -> &Vec<Zval>, task: &dyn Fn(Zval) -> Task| {
            let mut ready = self.ready.borrow_mut();
            session.with_callbacks(which, |closure| ready.push_back(task(closure.shallow_clone())));
        };
        match kind {
            EventKind::Started => tell(|all| &all.start, &Task::Plain),
            EventKind::Exited { code } => {
                tell(|all| &all.exit, &|closure| Task::With(closure, docker_result::exit_code(*code)));
            }
            EventKind::Failed(error) => {
                let exception = errors::exception(&**error);
                tell(|all| &all.error, &|closure| Task::With(closure, exception.shallow_clone()));
            }
            EventKind::Joined { conn, read_only, .. } => {
                let viewer = session.viewer(*conn);
                let task = |closure| Task::Pair(closure, viewer.shallow_clone(), value::bool(*read_only));
                tell(|all| &all.join, &task);
            }
            EventKind::Left { conn, code, .. } => {
                let (conn, code) = (*conn, value::int(*code));
                // Losing the last reference to the viewer may run PHP code.
                drop(current);
                let viewer = session.left(conn).unwrap_or_else(Zval::null);
                tell(|all| &all.leave, &|closure| Task::Pair(closure, viewer.shallow_clone(), code.shallow_clone()));
            }
            EventKind::RecordingFailed(error) => {
                let exception = errors::exception(&**error);
                let mut told = false;
                session.with_callbacks(|all| &all.recording_error, |_| told = true);
                if told {
                    tell(|all| &all.recording_error, &|closure| Task::With(closure, exception.shallow_clone()));
                } else {
                    self.ready.borrow_mut().push_back(Task::Throw(exception));
                }
            }
            EventKind::Ended(cause) => {
                let words = value::string(match cause {
                    Cause::Process => &b"process"[..],
                    Cause::Asked => b"asked",
                    Cause::Abandoned => b"abandoned",
                    Cause::Idle => b"idle",
                    Cause::HubClosed => b"closed",
                });
                tell(|all| &all.end, &|closure| Task::With(closure, words.shallow_clone()));
                let ended = self.sessions.borrow_mut().remove(*key);
                drop(current);
                let unwanted = session.ended();
                drop(unwanted);
                drop(ended);
            }
        }
        drop(held);
        if call::exception_pending() { Err(Thrown) } else { Ok(()) }
    }
}
