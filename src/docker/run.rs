//! A command run to its end: its output collected, killed when it takes too long or says too much.

use super::calls::CallKind;
use super::engine::{CALL, Docker, tag};
use super::error::Error;
use super::options::{ExecOptions, RunOptions};
use super::stream::{Exit, Sink};
use super::{CallEvent, CallKey, ClientKey, Event, RunResult};
use crate::net::Phase;
use crate::reactor::Reactor;
use std::time::Duration;

/// A killed command ends within this time, or is given up.
const GRACE: Duration = Duration::from_secs(10);

/// What has come so far.
#[derive(Debug)]
pub struct Run {
    container: String,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    max_output: usize,
    timeout: Option<Duration>,
    /// Why it is being killed.
    verdict: Option<Error>,
}

impl Docker {
    pub(super) fn begin_run<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        client: ClientKey,
        options: RunOptions,
        exec: ExecOptions,
        marker: String,
    ) -> CallKey {
        let run = Run {
            container: options.container,
            stdout: Vec::new(),
            stderr: Vec::new(),
            max_output: options.max_output,
            timeout: options.timeout,
            verdict: None,
        };
        let key = self.begin_call(reactor, client, CallKind::Run(Box::new(run)), false);
        let stream_key = self.begin_exec(reactor, client, exec, Sink::Run(key), marker);
        let at = options.timeout.and_then(|timeout| reactor.now().checked_add(timeout));
        // Without descriptors it may have failed at once.
        let Some(stream) = self.streams.get_mut(stream_key) else { return key };
        stream.out.push(&options.input);
        // Without input nobody waits for its end, and routers forget a half-closed connection that is silent.
        stream.input_ended = stream.stdin;
        if let Some(state) = self.calls.get_mut(key) {
            state.stream = Some(stream_key);
            state.timer = at.map(|at| reactor.set_timer(at, tag(CALL, key)));
        }
        key
    }

    pub(super) fn run_output<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: CallKey,
        stream: u8,
        bytes: &[u8],
    ) {
        let Some(CallKind::Run(run)) = self.calls.get_mut(key).map(|state| &mut state.kind) else { return };
        if run.verdict.is_some() {
            return;
        }
        if run.stdout.len() + run.stderr.len() + bytes.len() > run.max_output {
            let error = Error::Protocol(format!(
                "the command wrote more than the {} bytes allowed (maxOutput)",
                run.max_output
            ));
            return self.condemn(reactor, key, error);
        }
        match stream {
            2 => run.stderr.extend_from_slice(bytes),
            _ => run.stdout.extend_from_slice(bytes),
        }
    }

    /// The deadline has passed, or the grace after it.
    pub(super) fn run_timer<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: CallKey) {
        let Some(CallKind::Run(run)) = self.calls.get_mut(key).map(|state| &mut state.kind) else { return };
        if let Some(verdict) = run.verdict.clone() {
            let why = format!("its end has not come within {} s", GRACE.as_secs());
            self.end_call(reactor, key, Err(perhaps_alive(verdict, &why)));
            return;
        }
        let after = run.timeout.unwrap_or_default();
        let what = format!("a command in {}", run.container);
        self.condemn(reactor, key, Error::Timeout { phase: Phase::Total, after, what });
    }

    /// Kills the command; the call ends with `verdict` when that is done.
    fn condemn<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: CallKey, verdict: Error) {
        let Some(state) = self.calls.get_mut(key) else { return };
        let CallKind::Run(run) = &mut state.kind else { return };
        run.verdict = Some(verdict.clone());
        (run.stdout, run.stderr) = (Vec::new(), Vec::new());
        let stream = state.stream;
        if let Some(timer) = state.timer.take() {
            reactor.cancel_timer(timer);
        }
        let killed = stream.is_some_and(|stream| self.kill_silently(reactor, stream, Some(key)));
        if !killed {
            self.end_call(reactor, key, Err(verdict));
            return;
        }
        if let Some(state) = self.calls.get_mut(key) {
            state.timer = Some(reactor.set_timer(reactor.now() + GRACE, tag(CALL, key)));
        }
    }

    /// The kill of a condemned command has ended.
    pub(super) fn run_killed<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: CallKey,
        failure: Option<Error>,
    ) {
        // After a kill that worked, the stream ends by itself.
        let Some(failure) = failure else { return };
        let Some(CallKind::Run(run)) = self.calls.get(key).map(|state| &state.kind) else { return };
        let verdict = match run.verdict.clone() {
            Some(verdict) => perhaps_alive(verdict, &failure.to_string()),
            None => failure,
        };
        self.end_call(reactor, key, Err(verdict));
    }

    /// The command's stream has ended.
    pub(super) fn run_ended<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: CallKey,
        result: Result<Exit, Error>,
    ) {
        let Some(state) = self.calls.get_mut(key) else { return };
        state.stream = None;
        let CallKind::Run(run) = &mut state.kind else { return };
        let result = match (run.verdict.take(), result) {
            (Some(verdict), _) => Err(verdict),
            (None, Err(error)) => Err(error),
            (None, Ok(Exit { truncated: true, .. })) => {
                Err(Error::Closed("the connection broke off: some of the command's output may be missing".into()))
            }
            (None, Ok(Exit { code, .. })) => Ok(CallEvent::RunDone(Box::new(RunResult {
                exit_code: code,
                stdout: std::mem::take(&mut run.stdout),
                stderr: std::mem::take(&mut run.stderr),
            }))),
        };
        self.end_call(reactor, key, result);
    }

    /// The program wants a call to end. The command of a run is killed in the background.
    pub(super) fn cancel<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: CallKey) -> bool {
        let Some(state) = self.calls.get(key).filter(|state| !state.ended) else { return false };
        if let (CallKind::Run(_), Some(stream)) = (&state.kind, state.stream) {
            self.kill_silently(reactor, stream, None);
        }
        self.end_call(reactor, key, Err(Error::Cancelled))
    }

    /// The exec that a run consists of.
    pub(super) fn exec_of(options: &RunOptions) -> ExecOptions {
        ExecOptions {
            container: options.container.clone(),
            command: options.command.clone(),
            stdin: !options.input.is_empty(),
            env: options.env.clone(),
            user: options.user.clone(),
            working_dir: options.working_dir.clone(),
            ..ExecOptions::default()
        }
    }
}

/// Adds to a verdict that the command may still run, and why nobody knows.
fn perhaps_alive(verdict: Error, why: &str) -> Error {
    match verdict {
        Error::Timeout { phase, after, what } => {
            Error::Timeout { phase, after, what: format!("{what}, which may still run: {why}") }
        }
        Error::Protocol(words) => Error::Protocol(format!("{words}; it may still run: {why}")),
        other => other,
    }
}
