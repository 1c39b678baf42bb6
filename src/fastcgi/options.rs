//! What a client is made with, and what it counts.

use std::time::Duration;

/// How requests are spread over several upstreams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Balance {
    /// The upstream with the fewest requests in flight; among equals the first given.
    #[default]
    LeastConnections,
    /// One after the other.
    RoundRobin,
}

/// What a client is made with.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Connections per upstream; keep it below the pool's `pm.max_children`. Default 8.
    pub max_connections: usize,
    /// Requests that may wait for a connection. Default 100,000.
    pub max_pending: usize,
    /// Reuse connections. Each pins a php-fpm worker while it is open. Default true.
    pub keep_alive: bool,
    /// An idle connection is closed after this long. Default 1 s.
    pub idle_close: Duration,
    /// Deadline for a connection to stand. Default 5 s.
    pub connect_timeout: Duration,
    /// Deadline for the first byte of the answer. Default none.
    pub first_byte_timeout: Option<Duration>,
    /// Deadline between two bytes. Default none.
    pub idle_timeout: Option<Duration>,
    /// Deadline for the whole request, queueing included. Default none.
    pub timeout: Option<Duration>,
    /// Most body and STDERR bytes of an answer that are collected; what is streamed does not count. Default 64 MiB.
    pub max_response: u64,
    /// Default least connections.
    pub balance: Balance,
    /// With several upstreams, one that refuses is left alone this long. Default 10 s.
    pub fail_timeout: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        ClientOptions {
            max_connections: 8,
            max_pending: 100_000,
            keep_alive: true,
            idle_close: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: None,
            idle_timeout: None,
            timeout: None,
            max_response: 64 * 1024 * 1024,
            balance: Balance::LeastConnections,
            fail_timeout: Duration::from_secs(10),
        }
    }
}

/// Counters of a client.
#[derive(Debug, Clone, Default)]
pub struct ClientStats {
    /// Requests accepted by `send`.
    pub sent: u64,
    /// Requests answered.
    pub done: u64,
    /// Requests that failed, cancelled ones included.
    pub failed: u64,
    /// Requests waiting for a connection now.
    pub waiting: usize,
    /// Requests on a connection now.
    pub active: usize,
    /// Connections idle now.
    pub idle: usize,
    /// Connections opened.
    pub connects: u64,
    /// Requests sent on a connection that had served another.
    pub reused: u64,
    /// Requests sent a second time.
    pub retried: u64,
    /// Each upstream, in the order given.
    pub upstreams: Vec<UpstreamStats>,
}

/// Counters of an upstream.
#[derive(Debug, Clone)]
pub struct UpstreamStats {
    /// Its address as it was given.
    pub address: String,
    /// Requests on a connection to it now.
    pub active: usize,
    /// Idle connections to it now.
    pub idle: usize,
    /// Connections opened.
    pub connects: u64,
    /// Connections that could not be made.
    pub refused: u64,
    /// True while it is left alone after a refusal.
    pub down: bool,
}
