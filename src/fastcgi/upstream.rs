//! One upstream of a client, and the choice among several.

use super::options::{Balance, UpstreamStats};
use crate::net::{Address, Endpoint, Lookup};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

slotmap::new_key_type! {
    pub struct ConnKey;
}

/// A looked-up name is used this long before it is looked up again.
const NAME_AGE: Duration = Duration::from_secs(30);

/// A server and the connections to it.
#[derive(Debug)]
pub struct Upstream {
    pub address: Address,
    /// As the user gave it, for messages.
    pub given: String,
    /// Idle connections, the one used last at the end: the others may close.
    pub idle: Vec<ConnKey>,
    /// Connections of every state.
    pub total: usize,
    /// Requests bound to a connection.
    pub active: usize,
    pub connects: u64,
    pub refused: u64,
    pub down_until: Option<Instant>,
    pub lookup: Option<Lookup>,
    resolved: Option<(Vec<SocketAddr>, Instant)>,
}

impl Upstream {
    pub fn new(address: Address, given: &str) -> Self {
        Upstream {
            address,
            given: given.to_owned(),
            idle: Vec::new(),
            total: 0,
            active: 0,
            connects: 0,
            refused: 0,
            down_until: None,
            lookup: None,
            resolved: None,
        }
    }

    /// Where to connect to, in the order to try; `None`: the name has to be looked up.
    pub fn endpoints(&self, now: Instant) -> Option<Vec<Endpoint>> {
        match &self.address {
            Address::Unix(path) => Some(vec![Endpoint::Unix(path.clone())]),
            Address::Tcp(address) => Some(vec![Endpoint::Tcp(*address)]),
            Address::Name { .. } => {
                let (addresses, at) = self.resolved.as_ref()?;
                (now.saturating_duration_since(*at) < NAME_AGE)
                    .then(|| addresses.iter().rev().map(|address| Endpoint::Tcp(*address)).collect())
            }
        }
    }

    pub fn set_resolved(&mut self, addresses: Vec<SocketAddr>, now: Instant) {
        self.resolved = Some((addresses, now));
    }

    /// Its name may have got another address: the next connection looks it up anew.
    pub fn forget_resolved(&mut self) {
        self.resolved = None;
    }

    pub fn is_down(&self, now: Instant) -> bool {
        self.down_until.is_some_and(|until| now < until)
    }

    pub fn stats(&self, now: Instant) -> UpstreamStats {
        UpstreamStats {
            address: self.given.clone(),
            active: self.active,
            idle: self.idle.len(),
            connects: self.connects,
            refused: self.refused,
            down: self.is_down(now),
        }
    }
}

/// What became of the wish for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// This one.
    Take(usize),
    /// All that may be used are at their limit.
    Full,
    /// All have been tried for this request.
    Exhausted,
}

/// Chooses an upstream for a request that has tried those in the bit mask `tried`. An upstream that is
/// down is used only when every other has been tried or is down too; then the one that recovers first.
pub fn choose(
    upstreams: &[Upstream],
    tried: u64,
    balance: Balance,
    turn: usize,
    max_connections: usize,
    now: Instant,
) -> Choice {
    let untried = |index: &usize| tried & (1 << index) == 0;
    let has_room = |upstream: &Upstream| !upstream.idle.is_empty() || upstream.total < max_connections;
    let mut candidates = 0;
    let mut best: Option<(usize, usize)> = None;
    let count = upstreams.len().max(1);
    for (index, upstream) in upstreams.iter().enumerate().filter(|(index, _)| untried(index)) {
        if upstream.is_down(now) {
            continue;
        }
        candidates += 1;
        let weight = match balance {
            Balance::LeastConnections => upstream.active,
            Balance::RoundRobin => (index + count - turn % count) % count,
        };
        if has_room(upstream) && best.is_none_or(|(_, least)| weight < least) {
            best = Some((index, weight));
        }
    }
    if let Some((index, _)) = best {
        return Choice::Take(index);
    }
    if candidates > 0 {
        return Choice::Full;
    }
    let first_back = upstreams
        .iter()
        .enumerate()
        .filter(|(index, _)| untried(index))
        .min_by_key(|(_, upstream)| upstream.down_until);
    match first_back {
        Some((index, upstream)) if has_room(upstream) => Choice::Take(index),
        Some(_) => Choice::Full,
        None => Choice::Exhausted,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn three() -> Vec<Upstream> {
        ["/a", "/b", "/c"].iter().map(|path| Upstream::new(Address::parse(path).unwrap(), path)).collect()
    }

    #[test]
    fn the_least_busy_is_chosen() {
        let mut ups = three();
        let now = Instant::now();
        (ups[0].active, ups[0].total) = (2, 2);
        (ups[1].active, ups[1].total) = (1, 1);
        (ups[2].active, ups[2].total) = (1, 1);
        let choice = |ups: &[Upstream], tried| choose(ups, tried, Balance::LeastConnections, 0, 4, now);
        assert_eq!(choice(&ups, 0), Choice::Take(1));
        assert_eq!(choice(&ups, 0b010), Choice::Take(2));
        assert_eq!(choice(&ups, 0b111), Choice::Exhausted);
        for up in &mut ups {
            up.total = 4;
        }
        assert_eq!(choice(&ups, 0), Choice::Full);
    }

    #[test]
    fn round_robin_goes_round_and_skips_the_full() {
        let mut ups = three();
        let now = Instant::now();
        let choice = |ups: &[Upstream], turn| choose(ups, 0, Balance::RoundRobin, turn, 1, now);
        assert_eq!([0, 1, 2, 3].map(|turn| choice(&ups, turn)), [0, 1, 2, 0].map(Choice::Take));
        ups[1].total = 1;
        assert_eq!(choice(&ups, 1), Choice::Take(2));
    }

    #[test]
    fn the_down_are_left_alone_unless_all_are() {
        let mut ups = three();
        let now = Instant::now();
        let choice = |ups: &[Upstream], tried| choose(ups, tried, Balance::LeastConnections, 0, 4, now);
        ups[0].down_until = Some(now + Duration::from_secs(9));
        assert_eq!(choice(&ups, 0), Choice::Take(1));
        ups[1].down_until = Some(now + Duration::from_secs(3));
        ups[2].down_until = Some(now + Duration::from_secs(6));
        assert_eq!(choice(&ups, 0), Choice::Take(1));
        assert_eq!(choice(&ups, 0b010), Choice::Take(2));
    }
}
