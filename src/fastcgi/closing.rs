//! What becomes of a request whose connection has ended.

use super::connection::State;
use super::error::Error;
use super::pool::{CONNECTION, FastCgi, tag};
use super::upstream::ConnKey;
use super::{Event, EventKind};
use crate::net::Closing;
use crate::reactor::Reactor;
use std::time::Duration;

/// Pauses between looks at what a probe has found: doubled up to the limit, and then it is given up.
const PROBE_PAUSE: Duration = Duration::from_millis(1);
const PROBE_PAUSE_MAX: Duration = Duration::from_millis(512);

impl FastCgi {
    /// The connection has ended: `how` the peer closed it, or `None` for a reset.
    pub(super) fn closed<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey, how: Option<Closing>) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let (client_key, index, used) = (connection.client, connection.upstream, connection.used);
        let position = connection.decoder.position();
        let Some(request) = connection.request else { return self.discard(reactor, key) };
        let Some(exchange) = self.requests.get(request) else { return self.discard(reactor, key) };
        // The rule of docs/fastcgi.md, "When a request is sent again".
        let answering = exchange.got_bytes;
        let untouched = !answering && !exchange.has_used_source();
        let unsent = exchange.cannot_have_started();
        let may_retry = used && untouched && !exchange.retried;
        if may_retry && !unsent && how == Some(Closing::Unknown) {
            connection.state = State::Probing { pause: PROBE_PAUSE };
            if let Some((transport, _)) = &connection.transport {
                transport.probe();
            }
            return self.probed(reactor, key);
        }
        let address = self.whereabouts(request);
        self.discard(reactor, key);
        if may_retry && (unsent || how == Some(Closing::Half)) {
            self.again(reactor, request, index);
        } else {
            let error = Error::Closed(if answering {
                format!("{address} closed the connection {position}")
            } else {
                format!(
                    "{address} closed the connection before it answered (worker killed or crashed, request \
                     refused, or listen.allowed_clients)"
                )
            });
            if untouched && unsent {
                self.elsewhere(reactor, request, index, error);
            } else {
                self.end(reactor, request, EventKind::Failed(Box::new(error)));
            }
        }
        self.pump(reactor, client_key);
    }

    /// Looks whether a probe has been answered.
    pub(super) fn probed<E: From<Event>>(&mut self, reactor: &mut Reactor<E>, key: ConnKey) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let State::Probing { pause } = connection.state else { return };
        let found = connection.transport.as_ref().and_then(|(transport, _)| transport.probed());
        if found.is_some() || pause > PROBE_PAUSE_MAX {
            return self.closed(reactor, key, found);
        }
        connection.state = State::Probing { pause: pause * 2 };
        if let Some(timer) = connection.timer.take() {
            reactor.cancel_timer(timer);
        }
        connection.timer = Some(reactor.set_timer(reactor.now() + pause, tag(CONNECTION, key)));
    }
}
