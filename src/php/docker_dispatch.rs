//! From the events of Engines to closures, by the rules of `dispatch`.

use super::class::{self, This};
use super::dispatch::Driver;
use super::docker_exec::{self, Exec};
use super::errors::{self, Answer, Thrown};
use super::state::{Call, State, Task, Yields};
use super::{call, docker_result, future, json, value};
use crate::Event;
use crate::docker::{self, Answer as Answered, CallEvent, CallKey, Error, StreamEvent, StreamKey};
use ext_php_rs::types::Zval;

impl State {
    /// Makes the event in `current`, one of this call, into tasks.
    pub fn prepare_call(&self, key: CallKey, driver: Driver) -> Answer {
        let current = self.current.borrow();
        let Some(Event::Docker(docker::Event::Call { kind, .. })) = &*current else { return Ok(()) };
        let CallEvent::Chunk { bytes, stream } = kind else {
            drop(current);
            let call = self.calls.borrow_mut().remove(key);
            return match call {
                Some(call) => self.end_call(call, driver),
                None => Ok(()),
            };
        };
        let Some((follower, yields)) = self.follower(key) else { return Ok(()) };
        let (text, stream) = (value::received(bytes)?, *stream);
        drop(current);
        let task = match yields {
            Yields::Log => Task::Output(follower, text, stream),
            Yields::Events => match json::decode(text)? {
                Some(event) => Task::With(follower, event),
                None => return self.break_off(key, driver),
            },
            _ => Task::With(follower, text),
        };
        self.ready.borrow_mut().push_back(task);
        Ok(())
    }

    /// The closure that follows a call, unless there is none.
    fn follower(&self, key: CallKey) -> Option<(Zval, Yields)> {
        let calls = self.calls.borrow();
        let call = calls.get(key).filter(|call| call.follower.is_object())?;
        Some((call.follower.shallow_clone(), call.yields))
    }

    /// The Engine tells what is no event.
    fn break_off(&self, key: CallKey, driver: Driver) -> Answer {
        self.core_quietly(|core| core.docker().cancel(key));
        let call = self.calls.borrow_mut().remove(key);
        let Some(Call { future, follower, .. }) = call else { return Ok(()) };
        let broken = errors::protocol("the Engine sent an event that is no JSON object");
        future::settle(self, &future, Err(broken), driver);
        drop(follower);
        drop(future);
        if call::exception_pending() { Err(Thrown) } else { Ok(()) }
    }

    /// The final event of a call.
    fn end_call(&self, call: Call, driver: Driver) -> Answer {
        let outcome = call::caught(self.call_outcome(&call))?;
        let Call { future, follower, .. } = call;
        future::settle(self, &future, outcome, driver);
        drop(follower);
        drop(future);
        if call::exception_pending() { Err(Thrown) } else { Ok(()) }
    }

    /// What the final event in `current` means: a value, or an exception object.
    fn call_outcome(&self, call: &Call) -> Answer<Result<Zval, Zval>> {
        if call.cancelled {
            return Ok(Err(errors::exception(&Error::Cancelled)));
        }
        let current = self.current.borrow();
        let Some(Event::Docker(docker::Event::Call { kind, .. })) = &*current else { return Ok(Ok(Zval::null())) };
        Ok(match (kind, call.yields) {
            (CallEvent::Failed(error), _) => Err(errors::exception(&**error)),
            (CallEvent::RunDone(result), _) => Ok(docker_result::create(result)?),
            (CallEvent::Done(answer), Yields::Json) => {
                let text = value::received(&answer.body)?;
                drop(current);
                json::decode(text)?.ok_or_else(|| errors::protocol("the Engine's answer is no JSON array or object"))
            }
            (CallEvent::Done(answer), Yields::Answer) => Ok(answer_array(answer)?),
            _ => Ok(Zval::null()),
        })
    }

    /// Makes the event in `current`, one of this stream, into tasks.
    pub fn prepare_stream(&self, key: StreamKey, driver: Driver) -> Answer {
        let held = self.streams.borrow().get(key).map(Zval::shallow_clone);
        let Some(held) = held else { return Ok(()) };
        let Some(exec) = class::of::<Exec>(&held) else { return Ok(()) };
        let current = self.current.borrow();
        let Some(Event::Docker(docker::Event::Stream { kind, .. })) = &*current else { return Ok(()) };
        match kind {
            StreamEvent::Opened { id, upgraded } => {
                docker_exec::set_id(exec, id);
                exec.tell(|callbacks| &callbacks.open, |closure| Task::With(closure, value::bool(*upgraded)));
            }
            StreamEvent::Output { bytes, stream } => {
                if exec.listens(|callbacks| &callbacks.output) {
                    let text = value::received(bytes)?;
                    let task = |closure| Task::Output(closure, text.shallow_clone(), *stream);
                    exec.tell(|callbacks| &callbacks.output, task);
                }
            }
            StreamEvent::Drain => exec.tell(|callbacks| &callbacks.drain, Task::Plain),
            StreamEvent::Exited { .. } | StreamEvent::Failed(_) => {
                drop(current);
                return self.end_stream(key, exec, driver);
            }
        }
        Ok(())
    }

    /// The final event of a stream.
    fn end_stream(&self, key: StreamKey, exec: This<Exec>, driver: Driver) -> Answer {
        let current = self.current.borrow();
        let (outcome, truncated) = match &*current {
            Some(Event::Docker(docker::Event::Stream { kind: StreamEvent::Exited { code, truncated }, .. })) => {
                (Ok(docker_result::exit_code(*code)), *truncated)
            }
            Some(Event::Docker(docker::Event::Stream { kind: StreamEvent::Failed(error), .. })) => {
                (Err(errors::exception(&**error)), false)
            }
            _ => return Ok(()),
        };
        drop(current);
        let mut unwanted = Vec::new();
        let live = exec.ended(truncated, &mut unwanted);
        let outcome = if live { outcome } else { Err(errors::exception(&Error::Cancelled)) };
        let owned = self.streams.borrow_mut().remove(key);
        drop(owned);
        // The caller holds one reference to the object, which holds one to the future.
        let seen = future::is_shared_object(exec.object) || future::is_shared(exec.end());
        future::settle_seen(self, exec.end(), outcome, driver, seen);
        drop(unwanted);
        if call::exception_pending() { Err(Thrown) } else { Ok(()) }
    }
}

/// What `request()` yields.
fn answer_array(answer: &Answered) -> Answer<Zval> {
    let mut all = value::array();
    value::put(&mut all, b"status", value::int(answer.head.status()));
    value::put(&mut all, b"headers", value::lists(answer.head.fields()));
    value::put(&mut all, b"body", value::received(&answer.body)?);
    Ok(all)
}
