//! What a server is made with.

use super::Error;
use std::time::Duration;

/// Which pages may open a WebSocket. A request without `Origin` comes from no page and passes: browsers always
/// send one, and other programs could send any.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Origins {
    /// Those whose origin has the host and port of the request's `Host`.
    #[default]
    Same,
    /// Any.
    Any,
    /// These, as browsers write them: `https://example.org`, `http://example.org:8080`.
    These(Vec<String>),
}

/// What a server is made with.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Which pages may open a WebSocket. Default: same origin.
    pub origins: Origins,
    /// Subprotocols that the server speaks; of those that a client offers the first of these is chosen. Default none.
    pub subprotocols: Vec<String>,
    /// Most bytes of a message. So much address space is set aside for a frame as soon as its header has come, on each
    /// connection. Default 16 MiB.
    pub max_message: usize,
    /// Most bytes of a request's head. Default 16 KiB.
    pub max_head: usize,
    /// Most bytes of a request's body. Default 1 MiB.
    pub max_body: usize,
    /// Connections at a time; more are answered with 503. Default 10,000.
    pub max_connections: usize,
    /// A connection on which nothing has come for this long is sent a ping, and closed when nothing comes for as long
    /// again. While it is [paused](super::Commands::pause), answers cannot be seen: then a peer that has closed its socket
    /// is noticed, and one that vanished when the system gives up sending to it. `None`: never. Default 30 s.
    pub ping_interval: Option<Duration>,
    /// Deadline for a request to arrive, and for an answer's next bytes to be taken. Default 10 s.
    pub handshake_timeout: Duration,
    /// Deadline for the peer's part of a closing handshake, and, once the server is closed, for all that waits to be sent.
    /// Default 5 s.
    pub close_timeout: Duration,
    /// Above this many buffered bytes a sender should wait for [`EventKind::Drain`](super::EventKind::Drain), which
    /// comes once they are at most a quarter. Default 1 MiB.
    pub high_watermark: usize,
    /// Buffered bytes above which nothing more is taken for sending. Default 64 MiB.
    pub max_buffered: usize,
}

impl Default for ServerOptions {
    fn default() -> Self {
        ServerOptions {
            origins: Origins::Same,
            subprotocols: Vec::new(),
            max_message: 16 * 1024 * 1024,
            max_head: 16 * 1024,
            max_body: 1024 * 1024,
            max_connections: 10_000,
            ping_interval: Some(Duration::from_secs(30)),
            handshake_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(5),
            high_watermark: 1024 * 1024,
            max_buffered: 64 * 1024 * 1024,
        }
    }
}

/// No deadline lies further away than this.
const MAX_TIMEOUT: Duration = Duration::from_secs(366 * 24 * 3600);

impl ServerOptions {
    /// Bytes at which a drained buffer is told of.
    pub(super) fn low_watermark(&self) -> usize {
        self.high_watermark / 4
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let at_least = |name: &str, value: usize, least: usize| {
            (value >= least)
                .then_some(())
                .ok_or_else(|| Error::Invalid(format!("{name} is {value}; expected at least {least}")))
        };
        at_least("maxMessage", self.max_message, 1)?;
        at_least("maxHead", self.max_head, 256)?;
        at_least("maxConnections", self.max_connections, 1)?;
        at_least("highWatermark", self.high_watermark, 1)?;
        at_least("maxBuffered", self.max_buffered, self.high_watermark)?;
        let in_range = |name: &str, value: Duration| {
            if value.is_zero() || value > MAX_TIMEOUT {
                return Err(Error::Invalid(format!(
                    "{name} is {} s; expected more than 0 and at most a year",
                    value.as_secs_f64()
                )));
            }
            Ok(())
        };
        if let Some(interval) = self.ping_interval {
            in_range("pingInterval", interval)?;
        }
        in_range("handshakeTimeout", self.handshake_timeout)?;
        in_range("closeTimeout", self.close_timeout)?;
        if let Origins::These(list) = &self.origins {
            for origin in list {
                if super::handshake::Origin::parse(origin).is_none() {
                    return Err(Error::Invalid(format!(
                        "{origin:?} is no origin; expected one like \"https://example.org\", or \"*\" for any"
                    )));
                }
            }
        }
        for name in &self.subprotocols {
            if !super::request::is_token(name.as_bytes()) {
                return Err(Error::Invalid(format!(
                    "{name:?} cannot name a subprotocol; expected a token like \"tty\""
                )));
            }
        }
        Ok(())
    }
}
