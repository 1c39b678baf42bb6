//! What each exchange asks, and where its answer goes.

use super::api::{self, Version, container_path, exec_path, flag};
use super::calls::CallKind;
use super::engine::Docker;
use super::error::Error;
use super::exchange::{CallStep, ExchangeKey, Job, StreamStep};
use super::stream::Target as Leads;
use super::{Answer, Call, ClientKey, Event, StreamKey};
use crate::http::{Target, put_request};
use crate::reactor::Reactor;

/// What Towline calls itself.
const AGENT: &str = concat!("towline/", env!("CARGO_PKG_VERSION"));

/// A request before it is encoded.
struct Asked {
    method: String,
    target: Target,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    idempotent: bool,
}

impl Asked {
    fn get(target: Target) -> Asked {
        Asked { method: "GET".into(), target, headers: Vec::new(), body: None, idempotent: true }
    }

    fn post(target: Target, body: Option<Vec<u8>>) -> Asked {
        Asked { method: "POST".into(), target, headers: Vec::new(), body, idempotent: false }
    }

    fn call(call: &Call) -> Asked {
        Asked {
            method: call.method.clone(),
            target: call.target(),
            headers: call.headers.clone(),
            body: call.body.clone(),
            idempotent: call.is_idempotent(),
        }
    }
}

impl Docker {
    /// Writes an exchange's request, for this API version.
    pub(super) fn encode(&mut self, key: ExchangeKey, version: Version) -> Result<(), Error> {
        let Some(job) = self.exchanges.get(key).map(|exchange| exchange.job) else { return Ok(()) };
        let asked = match job {
            Job::Ping => Some(Asked::get(Target::new("/_ping"))),
            Job::Call(call, step) => self.asked_by_call(call, step),
            Job::Stream(stream, step) => self.asked_by_stream(stream, step, version),
        };
        // Whoever asked has ended: nobody waits for this either.
        let asked = asked.ok_or(Error::Cancelled)?;
        let Some(exchange) = self.exchanges.get_mut(key) else { return Ok(()) };
        let Some(client) = self.clients.get(exchange.client) else { return Ok(()) };
        let mut headers: Vec<(&str, &str)> = vec![("Host", &client.host.header)];
        let has = |name: &str| asked.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        if !has("user-agent") {
            headers.push(("User-Agent", AGENT));
        }
        if job.takes_over() {
            // Podman wants this to be the whole value.
            headers.extend([("Connection", "Upgrade"), ("Upgrade", "tcp")]);
        }
        if asked.body.is_some() && !has("content-type") {
            headers.push(("Content-Type", "application/json"));
        }
        headers.extend(asked.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let target = match job {
            Job::Ping => asked.target.as_str().to_owned(),
            _ => format!("/v{version}{}", asked.target.as_str()),
        };
        let mut out = Vec::with_capacity(256 + asked.body.as_ref().map_or(0, Vec::len));
        put_request(&mut out, &asked.method, &target, &headers, asked.body.as_deref())?;
        exchange.out = crate::net::Outbound::new(out);
        exchange.method = asked.method;
        exchange.idempotent = asked.idempotent;
        exchange.version = version;
        Ok(())
    }

    fn asked_by_call(&self, call: super::CallKey, step: CallStep) -> Option<Asked> {
        let state = self.calls.get(call).filter(|state| !state.ended)?;
        Some(match (&state.kind, step) {
            (CallKind::Plain(call) | CallKind::Signal(call), _) => Asked::call(call),
            (CallKind::Inspect(id), _) => Asked::get(exec_path(id, "json")),
            (CallKind::Follow(follow), CallStep::Target) => Asked::get(container_path(follow.container()?, "json")),
            (CallKind::Follow(follow), _) => Asked::call(&follow.call()),
            (CallKind::Kill(kill), _) => Asked::get(exec_path(&kill.exec, "json")),
            (CallKind::Run(_) | CallKind::Nothing, _) => return None,
        })
    }

    fn asked_by_stream(&mut self, key: StreamKey, step: StreamStep, version: Version) -> Option<Asked> {
        let stream = self.streams.get_mut(key)?;
        let size = stream.resize.wanted.unwrap_or_default();
        Some(match (&stream.target, step) {
            (Leads::Exec(options), StreamStep::Create) => Asked {
                // Twice leaves an exec that is never started, which harms nobody.
                idempotent: true,
                ..Asked::post(
                    container_path(&options.container, "exec"),
                    Some(api::exec_create(options, &stream.marker, version)),
                )
            },
            (Leads::Exec(_), StreamStep::Start) => {
                Asked::post(exec_path(&stream.id, "start"), Some(api::exec_start(stream.tty, size, version)))
            }
            (Leads::Exec(_), StreamStep::Exit) => Asked::get(exec_path(&stream.id, "json")),
            (Leads::Container(options), StreamStep::Target) => Asked::get(container_path(&options.container, "json")),
            (Leads::Container(options), StreamStep::Attach) => {
                let mut target = container_path(&stream.id, "attach")
                    .query("stream", "1")
                    .query("stdout", "1")
                    .query("stderr", "1")
                    .query("stdin", flag(options.stdin))
                    .query("logs", flag(options.logs));
                if !options.detach_keys.is_empty() {
                    target = target.query("detachKeys", &options.detach_keys);
                }
                // No body: an Engine would take it for the container's input.
                Asked::post(target, None)
            }
            (Leads::Container(_), StreamStep::Exit) => Asked::get(container_path(&stream.id, "json")),
            (target, StreamStep::Resize) => {
                stream.resize.sending = Some(size);
                let path = match target {
                    Leads::Exec(_) => exec_path(&stream.id, "resize"),
                    Leads::Container(_) => container_path(&stream.id, "resize"),
                };
                Asked { idempotent: true, ..Asked::post(api::resize(path, size), None) }
            }
            _ => return None,
        })
    }

    /// An exchange is over.
    pub(super) fn finished<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        client: ClientKey,
        job: Job,
        result: Result<Answer, Error>,
    ) {
        match job {
            Job::Ping => self.negotiated(reactor, client, result),
            Job::Call(call, step) => self.call_answer(reactor, call, step, result),
            Job::Stream(stream, StreamStep::Resize) => self.resize_answer(reactor, stream, &result),
            Job::Stream(stream, step) => {
                let Some(state) = self.streams.get_mut(stream) else { return };
                state.exchange = None;
                if step == StreamStep::Exit {
                    return self.exit_answer(reactor, stream, result);
                }
                if let Err(error) =
                    result.and_then(good).and_then(|answer| self.prepared(reactor, stream, step, &answer))
                {
                    self.finish_stream(reactor, stream, Err(error));
                }
            }
        }
    }

    /// A step on the way to an open stream has succeeded.
    fn prepared<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        key: StreamKey,
        step: StreamStep,
        answer: &Answer,
    ) -> Result<(), Error> {
        let Some(stream) = self.streams.get_mut(key) else { return Ok(()) };
        match step {
            StreamStep::Create => {
                stream.id = api::created_id(&answer.body)
                    .ok_or_else(|| Error::Protocol("the Engine's answer to exec create holds no Id".into()))?;
                self.step(reactor, key, StreamStep::Start);
                Ok(())
            }
            StreamStep::Target => {
                let state = api::container_state(&answer.body)
                    .ok_or_else(|| Error::Protocol("the Engine's answer to inspect is not understood".into()))?;
                stream.id = state.id;
                stream.tty = state.tty;
                let logs = matches!(&stream.target, Leads::Container(options) if options.logs);
                stream.is_podmans_log = logs && answer.head.field("libpod-api-version").is_some();
                self.step(reactor, key, StreamStep::Attach);
                Ok(())
            }
            _ => Err(Error::Protocol(format!(
                "the Engine answered status {} to a request for a stream; expected 101 or 200",
                answer.head.status()
            ))),
        }
    }
}

/// Errors of the Engine are ours. So are its redirects, with which it answers a path that it would write otherwise.
///
/// # Errors
/// [`Error::Api`] for a status of 400 or above, or a redirect.
pub(super) fn good(answer: Answer) -> Result<Answer, Error> {
    let status = answer.head.status();
    let message = match (status, answer.head.field("location")) {
        (400.., _) => api::message(&answer.head, &answer.body),
        (300..=303 | 305..=308, Some(to)) => {
            format!("the Engine answered with a redirect to {}, which is not followed", String::from_utf8_lossy(to))
        }
        _ => return Ok(answer),
    };
    Err(Error::Api { status, message })
}
