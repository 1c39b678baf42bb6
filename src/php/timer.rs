//! `\Towline\Timer`.

use super::class::{Class, Method, This, class, handler, parse};
use super::errors::Answer;
use super::gc::Held;
use super::state::{State, Task};
use super::value;
use crate::TimerKey;
use ext_php_rs::builders::FunctionBuilder;
use ext_php_rs::flags::{DataType, MethodFlags};
use ext_php_rs::types::Zval;
use std::rc::Rc;

/// A timer of a loop. Losing the object does not cancel it.
pub struct Timer {
    /// The `\Towline\Loop` object.
    owner: Zval,
    state: Rc<State>,
    key: TimerKey,
}

impl Timer {
    pub fn new(owner: Zval, state: Rc<State>, key: TimerKey) -> Self {
        Timer { owner, state, key }
    }
}

class!(Timer, "Towline\\Timer");

impl Class for Timer {
    fn methods() -> Vec<Method> {
        vec![
            (
                FunctionBuilder::new("cancel", handler!(Timer, cancel)).returns(DataType::Void, false, false),
                MethodFlags::Public,
            ),
            (
                FunctionBuilder::new("isActive", handler!(Timer, is_active)).returns(DataType::Bool, false, false),
                MethodFlags::Public,
            ),
        ]
    }

    fn debug(&self) -> Option<Zval> {
        let active = self.state.core_quietly(|core| core.timer_is_active(self.key));
        let mut shown = value::array();
        value::put(&mut shown, b"active", value::bool(active.unwrap_or(false)));
        Some(shown)
    }
}

impl Held for Timer {
    fn held(&self, visit: &mut dyn FnMut(&Zval)) {
        visit(&self.owner);
    }
}

fn cancel(this: This<Timer>, arguments: u32, _: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    this.state.core(|core| core.timer_cancel(this.key))?;
    let closure = this.state.timers.borrow_mut().remove(this.key);
    let beats = this.state.unqueue(|task| matches!(task, Task::Beat(key, _) if *key == this.key));
    drop(beats);
    drop(closure);
    Ok(())
}

fn is_active(this: This<Timer>, arguments: u32, ret: &mut Zval) -> Answer {
    parse!(arguments, c"")?;
    ret.set_bool(this.state.core(|core| core.timer_is_active(this.key))?);
    Ok(())
}
