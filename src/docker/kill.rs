//! Signals to the processes of an exec. The Engine has no call for that, so a second exec in the same container
//! finds them by what their environment holds, which works on remote Engines too.

use super::api::{self, Call, Progress};
use super::calls::CallKind;
use super::engine::{CALL, Docker, PAUSE, tag};
use super::error::Error;
use super::exchange::CallStep;
use super::options::ExecOptions;
use super::stream::{Exit, Sink, Stage, Target};
use super::{Answer, CallEvent, CallKey, Event, StreamKey};
use crate::net::Phase;
use crate::reactor::{Reactor, TimerId};
use std::time::Duration;

/// Finds and signals; its comments say how.
const SCRIPT: &str = include_str!("kill.sh");
/// What the script says.
const SIGNALLED: i64 = 0;
const NONE_FOUND: i64 = 3;
const NOT_PERMITTED: i64 = 4;
/// An exec that has just been started may have no process yet: so often it is looked for, with this pause between.
const TRIES: u32 = 10;
const PAUSE_LENGTH: Duration = Duration::from_millis(50);
/// So many other users are tried.
const MAX_USERS: usize = 8;
/// What is kept of the helper's output.
const MAX_OUTPUT: usize = 4096;

const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
];

/// A kill under way.
#[derive(Debug)]
pub struct Kill {
    /// The exec that is to be signalled; empty until it is created.
    pub exec: String,
    container: String,
    user: String,
    privileged: bool,
    marker: String,
    /// Their names, with spaces in between.
    signals: String,
    /// Looks as the exec's own user, who may signal its children, then as the others of the container: a process may
    /// have changed its user, and only its own may look into its environment. These are still to be tried.
    others: Option<Vec<String>>,
    tries: u32,
    output: Vec<u8>,
    pub pause: Option<TimerId>,
    /// The run whose command is killed.
    parent: Option<CallKey>,
}

/// `TERM`, `SIGTERM`, `15`, in any case, as a shell's `kill` takes it.
pub fn signal_name(text: &str) -> Result<String, Error> {
    let upper = text.to_ascii_uppercase();
    let name = upper.strip_prefix("SIG").unwrap_or(&upper);
    let number = name.bytes().all(|byte| byte.is_ascii_digit()).then(|| name.parse::<u8>().ok()).flatten();
    if SIGNALS.contains(&name) {
        return Ok(name.to_owned());
    }
    match number {
        Some(number) if (1..=64).contains(&number) => Ok(number.to_string()),
        _ => Err(Error::Invalid(format!("{text:?} is no signal; expected a name such as \"TERM\" or 1 to 64"))),
    }
}

/// Does an Engine refuse a signal to a container because that has ended, or was removed since? Docker answers 409 to
/// all that the container's state does not allow, Podman 500; the words tell.
pub(super) fn has_ended(status: u16, message: &str) -> bool {
    status == 404
        || ["is not running", "is in state exited", "is in state stopped"].iter().any(|words| message.contains(words))
}

impl Docker {
    /// Signals what a stream leads to.
    pub(super) fn kill<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
        signal: &str,
    ) -> Result<CallKey, Error> {
        let signal = signal_name(signal)?;
        let stream = self.streams.get(key).ok_or(Error::Stale("stream"))?;
        if stream.stage == Stage::Ended {
            if stream.closed || !stream.exited {
                return Err(Error::Closed("the stream has ended; there is nothing to be signalled".into()));
            }
            // Its end is still to be taken: whoever kills it cannot know.
            let call = self.begin_call(reactor, stream.client, CallKind::Nothing, false);
            self.end_call(reactor, call, Ok(CallEvent::Done(Box::default())));
            return Ok(call);
        }
        if let Target::Container(_) = stream.target {
            let path = api::container_path(stream.container_id(), "kill").query("signal", &signal);
            let (client, call) = (stream.client, Call::new("POST", path.as_str()));
            return Ok(self.begin_call(reactor, client, CallKind::Signal(Box::new(call)), false));
        }
        self.begin_kill(reactor, key, signal, false, None).ok_or(Error::Stale("stream"))
    }

    /// Ends what runs on a terminal as one that is gone does: an interactive shell ignores TERM, and follows HUP.
    pub(super) fn hang_up<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
    ) -> Result<CallKey, Error> {
        match self.streams.get(key) {
            Some(stream) if stream.tty && stream.stage != Stage::Ended && matches!(stream.target, Target::Exec(_)) => {
                self.begin_kill(reactor, key, "TERM HUP".into(), false, None).ok_or(Error::Stale("stream"))
            }
            _ => self.kill(reactor, key, "TERM"),
        }
    }

    /// Kills the command of a run that is of no use any more. False when nothing has been started that could run.
    pub(super) fn kill_silently<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
        parent: Option<CallKey>,
    ) -> bool {
        let started = self.streams.get(key).is_some_and(|stream| !stream.id.is_empty() && stream.stage != Stage::Ended);
        started && self.begin_kill(reactor, key, "KILL".into(), true, parent).is_some()
    }

    fn begin_kill<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
        signals: String,
        silent: bool,
        parent: Option<CallKey>,
    ) -> Option<CallKey> {
        let stream = self.streams.get(key)?;
        let (client, preparing) = (stream.client, stream.stage == Stage::Preparing);
        let Target::Exec(options) = &stream.target else { return None };
        let kill = Kill {
            exec: stream.id.clone(),
            container: options.container.clone(),
            user: options.user.clone(),
            privileged: options.privileged,
            marker: stream.marker.clone(),
            signals,
            others: None,
            tries: 0,
            output: Vec::new(),
            pause: None,
            parent,
        };
        let call = self.begin_call(reactor, client, CallKind::Kill(Box::new(kill)), silent);
        let timeout = self.clients.get(client).map(|client| client.options.timeout).unwrap_or_default();
        let at = reactor.now().checked_add(timeout);
        if let Some(state) = self.calls.get_mut(call) {
            state.timer = at.map(|at| reactor.set_timer(at, tag(CALL, call)));
        }
        match self.streams.get_mut(key).filter(|_| preparing && !silent) {
            Some(stream) => stream.waiting.push(call),
            None => self.kill_again(reactor, call),
        }
        Some(call)
    }

    /// Looks for the processes, from the beginning.
    pub(super) fn kill_again<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: CallKey) {
        let Some(state) = self.calls.get_mut(key).filter(|state| !state.ended) else { return };
        if let CallKind::Kill(kill) = &mut state.kind {
            kill.pause = None;
            kill.others = None;
            let user = kill.user.clone();
            self.look(reactor, key, user);
        }
    }

    fn look<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: CallKey, user: String) {
        let Some(state) = self.calls.get_mut(key) else { return };
        let CallKind::Kill(kill) = &mut state.kind else { return };
        kill.output.clear();
        let command = ["/bin/sh", "-c", SCRIPT, "towline", &kill.marker, &kill.signals];
        let options = ExecOptions {
            container: kill.container.clone(),
            command: command.map(str::to_owned).to_vec(),
            user,
            privileged: kill.privileged,
            ..ExecOptions::default()
        };
        let client = state.client;
        let Ok(marker) = super::client::random_marker() else {
            self.end_call(reactor, key, Err(Error::System("the system gives no random numbers".into())));
            return;
        };
        let stream = self.begin_exec(reactor, client, options, Sink::Kill(key), marker);
        if self.streams.contains_key(stream)
            && let Some(state) = self.calls.get_mut(key)
        {
            state.stream = Some(stream);
        }
    }

    pub(super) fn kill_output(&mut self, key: CallKey, bytes: &[u8]) {
        if let Some(CallKind::Kill(kill)) = self.calls.get_mut(key).map(|state| &mut state.kind) {
            let room = MAX_OUTPUT.saturating_sub(kill.output.len());
            kill.output.extend(bytes.iter().take(room));
        }
    }

    /// The helper has ended.
    pub(super) fn kill_ended<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: CallKey,
        result: Result<Exit, Error>,
    ) {
        let Some(state) = self.calls.get_mut(key) else { return };
        state.stream = None;
        let CallKind::Kill(kill) = &mut state.kind else { return };
        let code = match result {
            Ok(exit) => exit.code,
            // Who may not look as another user has looked in vain.
            Err(Error::Api { .. }) if kill.others.is_some() => Some(NONE_FOUND),
            Err(error) => {
                self.end_call(reactor, key, Err(error));
                return;
            }
        };
        let failure = match code {
            Some(SIGNALLED) => {
                self.end_call(reactor, key, Ok(CallEvent::Done(Box::default())));
                return;
            }
            Some(NONE_FOUND) => return self.look_elsewhere(reactor, key),
            Some(126..=128) if kill.others.is_some() => return self.look_elsewhere(reactor, key),
            Some(NOT_PERMITTED) => "the container does not permit it".to_owned(),
            Some(126..=128) => {
                let words = String::from_utf8_lossy(&kill.output).trim().to_owned();
                format!("it takes a shell in the container, and /bin/sh cannot be run there ({words})")
            }
            _ => "the helper in the container came to no end".to_owned(),
        };
        self.end_call(reactor, key, Err(Error::Kill(failure)));
    }

    /// Looks as another user, if there is one left.
    fn look_elsewhere<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: CallKey) {
        let Some(CallKind::Kill(kill)) = self.calls.get_mut(key).map(|state| &mut state.kind) else { return };
        let output = &kill.output;
        let others = kill.others.get_or_insert_with(|| {
            let users = String::from_utf8_lossy(output);
            users.split_ascii_whitespace().take(MAX_USERS).map(str::to_owned).collect()
        });
        match others.pop() {
            Some(user) => self.look(reactor, key, user),
            None => self.call_step(reactor, key, CallStep::Check),
        }
    }

    /// Nothing was found: because it has ended?
    pub(super) fn kill_checked<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: CallKey,
        result: Result<Answer, Error>,
    ) {
        let Some(CallKind::Kill(kill)) = self.calls.get_mut(key).map(|state| &mut state.kind) else { return };
        let ended = match result {
            // Forgotten.
            Ok(answer) if answer.head.status() == 404 => true,
            // Without a code it has yet to begin.
            Ok(answer) => {
                matches!(api::exec_progress(&answer.body), Some(Progress { running: false, exit_code: Some(_) }))
            }
            Err(error) => {
                self.end_call(reactor, key, Err(error));
                return;
            }
        };
        if ended {
            self.end_call(reactor, key, Ok(CallEvent::Done(Box::default())));
        } else if kill.tries < TRIES {
            kill.tries += 1;
            kill.pause = Some(reactor.set_timer(reactor.now() + PAUSE_LENGTH, tag(PAUSE, key)));
        } else {
            let marker = api::MARKER;
            let words =
                format!("none is found whose environment holds {marker} (has it cleared it, or not begun yet?)");
            self.end_call(reactor, key, Err(Error::Kill(words)));
        }
    }

    pub(super) fn kill_timed_out<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: CallKey) {
        let Some(state) = self.calls.get(key) else { return };
        let after = self.clients.get(state.client).map(|client| client.options.timeout).unwrap_or_default();
        let what = format!("a kill in {}", if let CallKind::Kill(kill) = &state.kind { &kill.container } else { "" });
        self.end_call(reactor, key, Err(Error::Timeout { phase: Phase::Total, after, what }));
    }

    /// A call that the program knows nothing of has ended.
    pub(super) fn silent_call_ended<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: CallKey,
        failure: Option<Error>,
    ) {
        let Some(state) = self.calls.remove(key) else { return };
        if let CallKind::Kill(kill) = state.kind
            && let Some(parent) = kill.parent
        {
            self.run_killed(reactor, parent, failure);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn signals_are_named_in_any_way() {
        for (text, name) in [("TERM", "TERM"), ("sigkill", "KILL"), ("15", "15"), ("SIGUSR1", "USR1"), ("64", "64")] {
            assert_eq!(signal_name(text).unwrap(), name);
        }
        for text in ["", "0", "65", "-9", "TERM; ls", "SIG", "256", "+9"] {
            assert!(matches!(signal_name(text), Err(Error::Invalid(_))), "{text}");
        }
    }
}
