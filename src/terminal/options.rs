//! What a hub is made with.

use super::Error;
use std::time::Duration;

/// No deadline lies further away than this.
const MAX_TIMEOUT: Duration = Duration::from_secs(366 * 24 * 3600);

/// A session that is over is shown to a viewer in one go: more would not fit into what a WebSocket may buffer.
pub(crate) const MAX_SCROLLBACK: usize = 32 * 1024 * 1024;

/// What a hub is made with.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// Bytes of output kept for a viewer who (re)joins, or who has to catch up; at most 32 MiB, and well below the server's
    /// [`max_buffered`](crate::websocket::ServerOptions::max_buffered). Default 256 KiB.
    pub scrollback: usize,
    /// How long a session without viewers lives on before its process is ended, and how long one whose process has
    /// ended can still be looked at. Default 300 s.
    pub linger: Duration,
    /// A session without input for this long is ended. Default: never.
    pub idle_timeout: Option<Duration>,
    /// Sessions at a time; those whose process has ended give way to new ones. Default 10,000.
    pub max_sessions: usize,
    /// A viewer for whom more bytes wait to be sent is not sent any more for now. Default 1 MiB.
    pub high_watermark: usize,
    /// How long viewers that pause, or take nothing of what is sent, may hold the process up when nobody else watches.
    /// Then its output goes on into the scrollback. Default 30 s.
    pub pause_lift: Duration,
}

impl Default for HubOptions {
    fn default() -> Self {
        HubOptions {
            scrollback: 256 * 1024,
            linger: Duration::from_secs(300),
            idle_timeout: None,
            max_sessions: 10_000,
            high_watermark: 1024 * 1024,
            pause_lift: Duration::from_secs(30),
        }
    }
}

impl HubOptions {
    pub(super) fn check(&self) -> Result<(), Error> {
        for (name, value) in [("maxSessions", self.max_sessions), ("highWatermark", self.high_watermark)] {
            if value == 0 {
                return Err(Error::Invalid(format!("{name} is 0; expected at least 1")));
            }
        }
        if self.scrollback > MAX_SCROLLBACK {
            return Err(Error::Invalid(format!(
                "scrollback is {}; expected at most {MAX_SCROLLBACK}",
                self.scrollback
            )));
        }
        let idle = self.idle_timeout.unwrap_or(Duration::MAX);
        if idle.is_zero() {
            return Err(Error::Invalid("idleTimeout is 0 s; expected more".into()));
        }
        let idle = self.idle_timeout.unwrap_or_default();
        for (name, value) in [("linger", self.linger), ("idleTimeout", idle), ("pauseLift", self.pause_lift)] {
            if value > MAX_TIMEOUT {
                return Err(Error::Invalid(format!("{name} is {} s; expected at most a year", value.as_secs())));
            }
        }
        Ok(())
    }
}
