//! Handles: a slot, its generation, and the noun, so that none is ever taken for another.

use super::status::Failure;
use crate::TimerKey;
use crate::docker;
use crate::fastcgi::{ClientKey, RequestKey};
use slotmap::{Key, KeyData};

/// A key that C programs hold as a `uint64_t`.
pub(super) trait Handle: Key {
    /// The noun's number, 1 to 7, never changed.
    const NOUN: u64;
    /// The noun for messages.
    const NAME: &'static str;

    /// Never 0: a key's generation is odd.
    fn to_handle(self) -> u64 {
        self.data().as_ffi() ^ Self::NOUN << NOUN_AT
    }

    /// The key of a handle that was given out for this noun; whether it still lives the core will say.
    fn from_handle(handle: u64) -> Result<Self, Failure> {
        let plain = handle ^ Self::NOUN << NOUN_AT;
        let key = KeyData::from_ffi(plain);
        // from_ffi repairs what is no key; that would make another handle of it.
        if key.as_ffi() != plain || plain & NOUN_MASK != 0 {
            return Err(Failure::stale(Self::NAME));
        }
        Ok(key.into())
    }
}

/// The noun lies in the highest bits of the slot number: half a thousand million slots are enough.
const NOUN_AT: u32 = 29;
const NOUN_MASK: u64 = 7 << NOUN_AT;

impl Handle for TimerKey {
    const NOUN: u64 = 1;
    const NAME: &'static str = "timer";
}

impl Handle for ClientKey {
    const NOUN: u64 = 2;
    const NAME: &'static str = "client";
}

impl Handle for RequestKey {
    const NOUN: u64 = 3;
    const NAME: &'static str = "request";
}

impl Handle for docker::ClientKey {
    const NOUN: u64 = 4;
    const NAME: &'static str = "client";
}

impl Handle for docker::CallKey {
    const NOUN: u64 = 5;
    const NAME: &'static str = "call";
}

impl Handle for docker::StreamKey {
    const NOUN: u64 = 6;
    const NAME: &'static str = "stream";
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use slotmap::SlotMap;

    #[test]
    fn a_handle_finds_its_own_noun_only() {
        let mut timers: SlotMap<TimerKey, ()> = SlotMap::with_key();
        let key = timers.insert(());
        let handle = key.to_handle();
        assert_ne!(handle, 0);
        assert_eq!(TimerKey::from_handle(handle).unwrap(), key);
        assert!(ClientKey::from_handle(handle).is_err());
        assert!(RequestKey::from_handle(handle).is_err());
        assert!(docker::ClientKey::from_handle(handle).is_err());
        assert!(docker::CallKey::from_handle(handle).is_err());
        assert!(docker::StreamKey::from_handle(handle).is_err());
        // No generation is even, so this was never given out.
        assert!(TimerKey::from_handle(handle ^ 1 << 32).is_err());
        assert!(TimerKey::from_handle(0).is_err());
    }
}
