//! Timers in the order they are due.

use super::Tag;
use std::collections::BTreeMap;
use std::time::Instant;

/// Names one timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerId {
    at: Instant,
    number: u64,
}

impl TimerId {
    /// When it is due.
    pub fn at(self) -> Instant {
        self.at
    }
}

/// A sorted map: removal really removes, so that a million cancelled deadlines hold no memory.
#[derive(Debug, Default)]
pub struct Timers {
    due: BTreeMap<TimerId, Tag>,
    count: u64,
}

impl Timers {
    pub fn insert(&mut self, at: Instant, tag: Tag) -> TimerId {
        self.count += 1;
        let id = TimerId { at, number: self.count };
        self.due.insert(id, tag);
        id
    }

    pub fn remove(&mut self, id: TimerId) -> bool {
        self.due.remove(&id).is_some()
    }

    pub fn next(&self) -> Option<Instant> {
        self.due.first_key_value().map(|(id, _)| id.at)
    }

    pub fn pop_due(&mut self, now: Instant) -> Option<Tag> {
        let entry = self.due.first_entry()?;
        if entry.key().at > now {
            return None;
        }
        Some(entry.remove())
    }
}
