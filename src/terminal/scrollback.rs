//! The latest output of a session, kept for viewers who come later.

use std::collections::VecDeque;

/// How far into what is kept the beginning of a line is looked for.
const SEARCH: usize = 4 * 1024;

/// The last bytes of a stream, at most as many as its limit. Holds memory only for what it keeps, up to the next
/// power of two.
#[derive(Debug)]
pub struct Scrollback {
    bytes: VecDeque<u8>,
    limit: usize,
    /// Bytes that have been dropped from the front.
    dropped: u64,
}

impl Scrollback {
    /// Keeps nothing yet, and never more than `limit` bytes.
    pub fn new(limit: usize) -> Scrollback {
        Scrollback { bytes: VecDeque::new(), limit, dropped: 0 }
    }

    /// Adds bytes; the oldest give way.
    pub fn push(&mut self, bytes: &[u8]) {
        let skipped = bytes.len().saturating_sub(self.limit);
        let kept = bytes.get(skipped..).unwrap_or_default();
        let excess = (self.bytes.len() + kept.len()).saturating_sub(self.limit);
        self.dropped += (skipped + excess) as u64;
        self.bytes.drain(..excess);
        let needed = self.bytes.len() + kept.len();
        if needed > self.bytes.capacity() {
            let capacity = needed.next_power_of_two().min(self.limit);
            self.bytes.reserve_exact(capacity.saturating_sub(self.bytes.len()));
        }
        self.bytes.extend(kept);
    }

    /// The most bytes that it keeps.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Where in the stream its latest byte ends: how many bytes it has had.
    pub fn end(&self) -> u64 {
        self.dropped + self.bytes.len() as u64
    }

    /// Where in the stream the oldest byte is that is kept.
    pub fn oldest(&self) -> u64 {
        self.dropped
    }

    /// Where in the stream a viewer begins who joins now. When the oldest bytes have been dropped that is with a line,
    /// or at least with a whole character.
    pub fn start(&self) -> u64 {
        self.dropped + if self.dropped > 0 { self.beginning() } else { 0 } as u64
    }

    /// The stream from this place on, in two pieces; `None` when that is not kept any more.
    pub fn since(&self, place: u64) -> Option<(&[u8], &[u8])> {
        let start = usize::try_from(place.checked_sub(self.dropped)?).ok()?;
        let (first, second) = self.bytes.as_slices();
        Some(match first.get(start..) {
            Some(rest) => (rest, second),
            None => (second.get(start - first.len()..).unwrap_or_default(), &[]),
        })
    }

    /// What a viewer is shown who joins now, in two pieces: [`since`](Self::since) the [`start`](Self::start).
    pub fn replay(&self) -> (&[u8], &[u8]) {
        self.since(self.start()).unwrap_or_default()
    }

    /// Gives memory back that is not needed unless more bytes come.
    pub fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    fn beginning(&self) -> usize {
        let line = self.bytes.iter().take(SEARCH).position(|byte| *byte == b'\n');
        match line {
            // Not at the price of everything.
            Some(end) if end + 1 < self.bytes.len() => end + 1,
            // The continuation bytes of a character in UTF-8, of which there are at most three.
            _ => self.bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count(),
        }
    }

    /// Bytes that are kept.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// True while nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn replay(scrollback: &Scrollback) -> Vec<u8> {
        let (first, second) = scrollback.replay();
        [first, second].concat()
    }

    #[test]
    fn the_last_bytes_stay() {
        // No line ends in it: every byte counts.
        let stream: Vec<u8> = (0..10_000u32).map(|n| b'a' + (n * n % 26) as u8).collect();
        for limit in [0, 1, 7, 100, 1024, 9_999, 10_000, 20_000] {
            for chunk in [1, 3, 64, 5_000, 10_000] {
                let mut scrollback = Scrollback::new(limit);
                let mut end = 0;
                for piece in stream.chunks(chunk) {
                    scrollback.push(piece);
                    end += piece.len();
                    assert!(scrollback.bytes.capacity() <= limit);
                    if chunk >= 64 {
                        let expected = &stream[end.saturating_sub(limit)..end];
                        assert!(replay(&scrollback) == expected, "limit {limit}, chunks of {chunk}, at {end}");
                    }
                }
                assert_eq!(replay(&scrollback), &stream[stream.len().saturating_sub(limit)..]);
                assert_eq!(scrollback.len(), limit.min(stream.len()));
            }
        }
    }

    #[test]
    fn a_replay_whose_beginning_is_lost_starts_with_a_line() {
        let mut scrollback = Scrollback::new(10);
        scrollback.push(b"ab\ncd\n");
        assert_eq!(replay(&scrollback), b"ab\ncd\n");
        scrollback.push(b"efghij");
        assert_eq!(replay(&scrollback), b"cd\nefghij", "the end of the cut line is left out");
        scrollback.push(b"klmnopqrst\n");
        assert_eq!(replay(&scrollback), b"lmnopqrst\n", "one line alone is better than none");
    }

    #[test]
    fn a_replay_never_starts_within_a_character() {
        let text = "\u{20ac}\u{1f600}\u{e9}".repeat(50);
        for limit in 1..60 {
            let mut scrollback = Scrollback::new(limit);
            scrollback.push(text.as_bytes());
            let shown = replay(&scrollback);
            assert!(std::str::from_utf8(&shown).is_ok(), "{limit}");
            assert!(shown.len() + 3 >= limit);
        }
    }

    #[test]
    fn memory_grows_with_what_is_kept() {
        let mut scrollback = Scrollback::new(256 * 1024);
        assert_eq!(scrollback.bytes.capacity(), 0);
        scrollback.push(b"$ ");
        assert!(scrollback.bytes.capacity() <= 8);
        for _ in 0..1000 {
            scrollback.push(&[b'x'; 1000]);
        }
        assert_eq!(scrollback.bytes.capacity(), 256 * 1024);
    }
}
