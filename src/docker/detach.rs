//! A terminal left by its detach keys. The Engine says so in the output alone, and gives the process, which goes on,
//! the exit code of a command that could not be started.

/// How the Engine's words end.
const WORDS: &[u8] = b"read escape sequence\r\n";
/// The exit code that comes with them.
const CODE: i64 = 126;

/// Looks out for those words at the end of a terminal's output, however it is cut.
#[derive(Debug, Default)]
pub struct Detached {
    /// So many of their bytes were the last ones.
    seen: usize,
}

impl Detached {
    /// Takes note of output.
    pub fn look(&mut self, chunk: &[u8]) {
        let end = chunk.len().saturating_sub(WORDS.len());
        for byte in chunk.get(end..).unwrap_or_default() {
            self.seen = match WORDS.get(self.seen) {
                Some(expected) if expected == byte => self.seen + 1,
                // Their first byte does not come twice, so a match that fails can only begin anew.
                _ => usize::from(WORDS.first() == Some(byte)),
            };
        }
    }

    /// The exit code that is the process's own; `None` when it only was left.
    pub fn code(&self, code: i64) -> Option<i64> {
        (code != CODE || self.seen != WORDS.len()).then_some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(chunks: &[&[u8]], code: i64) -> Option<i64> {
        let mut it = Detached::default();
        chunks.iter().for_each(|chunk| it.look(chunk));
        it.code(code)
    }

    #[test]
    fn the_words_at_the_end_count() {
        let whole = b"$ exec attach failed: error on attach stdin: read escape sequence\r\n";
        assert_eq!(code(&[whole], 126), None);
        assert_eq!(code(&[whole], 0), Some(0));
        for size in 1..whole.len() {
            assert_eq!(code(&whole.chunks(size).collect::<Vec<_>>(), 126), None, "{size}");
        }
        assert_eq!(code(&[b"rread escape sequence\r\n"], 126), None);
        assert_eq!(code(&[whole, b"$ "], 126), Some(126));
        assert_eq!(code(&[b"read escape", b"read escape sequence\r\n"], 126), None);
        assert_eq!(code(&[b"sh: not executable\r\n"], 126), Some(126));
        assert_eq!(code(&[], 126), Some(126));
    }
}
