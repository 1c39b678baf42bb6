//! `Client::stats()`.

use super::value;
use crate::fastcgi::ClientStats;
use ext_php_rs::types::Zval;

/// The counters as the array that users get.
pub fn array(stats: &ClientStats) -> Zval {
    let mut all = value::array();
    for (name, count) in [("sent", stats.sent), ("done", stats.done), ("failed", stats.failed)] {
        value::put(&mut all, name.as_bytes(), value::int(count));
    }
    for (name, count) in [("waiting", stats.waiting), ("active", stats.active), ("idle", stats.idle)] {
        value::put(&mut all, name.as_bytes(), value::int(count));
    }
    for (name, count) in [("connects", stats.connects), ("reused", stats.reused), ("retried", stats.retried)] {
        value::put(&mut all, name.as_bytes(), value::int(count));
    }
    let mut upstreams = value::array();
    for upstream in &stats.upstreams {
        let mut one = value::array();
        value::put(&mut one, b"address", value::string(upstream.address.as_bytes()));
        value::put(&mut one, b"active", value::int(upstream.active));
        value::put(&mut one, b"idle", value::int(upstream.idle));
        value::put(&mut one, b"connects", value::int(upstream.connects));
        value::put(&mut one, b"refused", value::int(upstream.refused));
        value::put(&mut one, b"down", value::bool(upstream.down));
        value::push(&mut upstreams, one);
    }
    value::put(&mut all, b"upstreams", upstreams);
    all
}
