//! Which API version is spoken: the Engine is asked first, and believed when it refuses.

use super::api::{NEWEST, OLDEST, Version, message};
use super::engine::{Docker, Negotiation};
use super::error::Error;
use super::exchange::ExchangeKey;
use super::{Answer, ClientKey, Event};
use crate::reactor::Reactor;

impl Docker {
    /// An Engine that refuses our API version names its own: then that is spoken from now on.
    pub(super) fn other_version(&mut self, key: ExchangeKey, answer: &Answer) -> Option<(ClientKey, Version)> {
        let exchange = self.exchanges.get(key)?;
        let client = self.clients.get_mut(exchange.client)?;
        if answer.head.status() != 400 || exchange.version_retried || !matches!(client.version, Negotiation::Known(_)) {
            return None;
        }
        let version = Version::of(&answer.head)?.common()?;
        if version == exchange.version {
            return None;
        }
        client.version = Negotiation::Known(version);
        Some((exchange.client, version))
    }

    /// The answer to a ping.
    pub(super) fn negotiated<E: From<Event>>(
        &mut self,
        reactor: &mut Reactor<E>,
        client_key: ClientKey,
        result: Result<Answer, Error>,
    ) {
        let given = self.whereabouts(client_key);
        let version = result.and_then(|answer| {
            let status = answer.head.status();
            let hint = message(&answer.head, &answer.body);
            match Version::of(&answer.head) {
                Some(version) => version.common().ok_or_else(|| {
                    Error::Protocol(format!(
                        "the Engine at {given} speaks API {version} at most; Towline needs {OLDEST} to {NEWEST}"
                    ))
                }),
                // A filter that lets calls through, but no ping.
                None if status == 403 => Ok(OLDEST),
                None if status == 400 && hint.contains("HTTPS server") => Err(Error::Connect {
                    address: given.clone(),
                    reason: "it wants TLS (give a CA file, or an https:// address)".into(),
                }),
                None => {
                    let server = answer.head.field("server").map(|server| String::from_utf8_lossy(server).into_owned());
                    let server = server.map(|server| format!("; it calls itself {server:?}")).unwrap_or_default();
                    Err(Error::Protocol(format!(
                        "{given} is no Docker Engine: it answered /_ping with status {status} and no Api-Version{server}"
                    )))
                }
            }
        });
        let Some(client) = self.clients.get_mut(client_key) else { return };
        match version {
            Ok(version) => client.version = Negotiation::Known(version),
            Err(error) => {
                client.version = Negotiation::Unknown;
                let waiting: Vec<_> = client.waiting.iter_mut().flat_map(std::mem::take).collect();
                for key in waiting {
                    // Out of the queue, it counts as active until it is removed.
                    if let Some(lane) = self.exchanges.get(key).map(|exchange| exchange.job.lane()) {
                        self.count(client_key, lane, 1);
                        self.fail(reactor, key, error.clone());
                    }
                }
            }
        }
    }
}
