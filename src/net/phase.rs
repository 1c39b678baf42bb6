//! The deadlines of an exchange, by name.

use std::fmt;

/// The part of an exchange that a deadline guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// From the wish to connect until the connection stands.
    Connect,
    /// From the last byte that the kernel has taken (the request's last, or the last before the server stopped
    /// reading) until the first byte of the answer; for a stream, from the command until the answer's head. Does not
    /// run while the body's source is asked.
    FirstByte,
    /// Between two bytes of the answer (or, while sending, of the request).
    Idle,
    /// The whole request, queueing included.
    Total,
}

impl Phase {
    /// The name that users see: `connect`, `first-byte`, `idle` or `total`.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Connect => "connect",
            Phase::FirstByte => "first-byte",
            Phase::Idle => "idle",
            Phase::Total => "total",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
