//! Recordings in the format asciicast v2: a line of JSON as the header, then one for each event.

use super::Size;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// With this many bytes waiting they are written.
const MOST: usize = 64 * 1024;
/// An empty buffer keeps no more memory than this.
const KEEP: usize = 4 * 1024;

/// What is said about a recording as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// The terminal's size at the beginning.
    pub size: Size,
    /// When it began.
    pub started: SystemTime,
    /// What it shows.
    pub title: Option<&'a str>,
    /// What was run.
    pub command: Option<&'a str>,
}

/// Makes the lines; works on bytes alone. Times count from the beginning.
#[derive(Debug, Default)]
pub struct Encoder {
    output: Characters,
    input: Characters,
}

impl Encoder {
    /// The first line.
    pub fn header(header: &Header<'_>) -> Vec<u8> {
        #[derive(Serialize)]
        struct Fields<'a> {
            version: u8,
            width: u16,
            height: u16,
            timestamp: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            title: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            command: Option<&'a str>,
        }
        line(&Fields {
            version: 2,
            width: header.size.columns,
            height: header.size.rows,
            timestamp: header.started.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            title: header.title,
            command: header.command,
        })
    }

    /// The line for output; empty when the bytes complete no character. Bytes that are no UTF-8 become U+FFFD.
    pub fn output(&mut self, at: Duration, bytes: &[u8]) -> Vec<u8> {
        event(at, "o", &self.output.take_in(bytes))
    }

    /// The line for input, likewise.
    pub fn input(&mut self, at: Duration, bytes: &[u8]) -> Vec<u8> {
        event(at, "i", &self.input.take_in(bytes))
    }

    /// The line for a new size.
    pub fn resize(&mut self, at: Duration, size: Size) -> Vec<u8> {
        event(at, "r", &format!("{}x{}", size.columns, size.rows))
    }

    /// The last lines: what was left of characters that will not be completed.
    pub fn finish(&mut self, at: Duration) -> Vec<u8> {
        [event(at, "o", &self.output.give_up()), event(at, "i", &self.input.give_up())].concat()
    }
}

fn event(at: Duration, kind: &str, text: &str) -> Vec<u8> {
    if text.is_empty() {
        return Vec::new();
    }
    // Microseconds are exact in a double for 285 years.
    #[allow(clippy::cast_precision_loss, reason = "see above")]
    line(&(at.as_micros() as f64 / 1e6, kind, text))
}

fn line(fields: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::new();
    // Numbers and strings always have a form, and a Vec takes everything.
    let _ = serde_json::to_writer(&mut line, fields);
    line.push(b'\n');
    line
}

/// Bytes into characters, which may be split anywhere.
#[derive(Debug, Default)]
struct Characters {
    /// The beginning of a character: at most three bytes.
    begun: Vec<u8>,
}

impl Characters {
    fn take_in(&mut self, bytes: &[u8]) -> String {
        let joined;
        let mut rest = bytes;
        if !self.begun.is_empty() {
            self.begun.extend_from_slice(bytes);
            joined = std::mem::take(&mut self.begun);
            rest = &joined;
        }
        let mut text = String::with_capacity(rest.len());
        let mut left = rest.len();
        for chunk in rest.utf8_chunks() {
            text.push_str(chunk.valid());
            let bad = chunk.invalid();
            left -= chunk.valid().len() + bad.len();
            match std::str::from_utf8(bad) {
                // Only at the very end can a character be merely incomplete.
                Err(error) if left == 0 && error.error_len().is_none() => self.begun = bad.to_vec(),
                Err(_) => text.push(char::REPLACEMENT_CHARACTER),
                Ok(_) => {}
            }
        }
        text
    }

    fn give_up(&mut self) -> String {
        match std::mem::take(&mut self.begun).is_empty() {
            true => String::new(),
            false => char::REPLACEMENT_CHARACTER.into(),
        }
    }
}

/// A recording on its way into a file. Events are written together: when there are many, or when its owner says so.
#[derive(Debug)]
pub struct Recording {
    file: File,
    /// Lines to be written.
    lines: Vec<u8>,
    encoder: Encoder,
    begun: Instant,
    with_input: bool,
    /// Writing has ended early.
    failed: bool,
    /// The process that records: a forked child has a copy of what waits, which is not for it to write.
    pid: u32,
}

impl Recording {
    /// Begins a recording in a new file that only its owner may read. `with_input` records what is typed, too:
    /// passwords included.
    ///
    /// # Errors
    /// As `open(2)` and `write(2)`; [`io::ErrorKind::AlreadyExists`] when there is such a file.
    pub fn create(path: &Path, header: &Header<'_>, with_input: bool, now: Instant) -> io::Result<Recording> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(&Encoder::header(header))?;
        Ok(Recording::into_file(file, with_input, now))
    }

    /// A recording whose header is written.
    pub(super) fn into_file(file: File, with_input: bool, now: Instant) -> Recording {
        let encoder = Encoder::default();
        let pid = std::process::id();
        Recording { file, lines: Vec::new(), encoder, begun: now, with_input, failed: false, pid }
    }

    /// Records output.
    ///
    /// # Errors
    /// As `write(2)`, once: the recording ends there.
    pub fn output(&mut self, now: Instant, bytes: &[u8]) -> io::Result<()> {
        let line = self.encoder.output(self.at(now), bytes);
        self.write(&line)
    }

    /// Records input, if it is to be recorded.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn input(&mut self, now: Instant, bytes: &[u8]) -> io::Result<()> {
        if !self.with_input {
            return Ok(());
        }
        let line = self.encoder.input(self.at(now), bytes);
        self.write(&line)
    }

    /// Records a new size.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn resize(&mut self, now: Instant, size: Size) -> io::Result<()> {
        let line = self.encoder.resize(self.at(now), size);
        self.write(&line)
    }

    /// Ends the recording.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn finish(&mut self, now: Instant) -> io::Result<()> {
        let lines = self.encoder.finish(self.at(now));
        self.write(&lines)?;
        self.flush()
    }

    /// True when something waits to be written.
    pub fn waits(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn flush(&mut self) -> io::Result<()> {
        let result = self.file.write_all(&self.lines);
        self.lines.clear();
        self.lines.shrink_to(KEEP);
        self.failed = result.is_err();
        result
    }

    fn at(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.begun)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.failed || bytes.is_empty() {
            return Ok(());
        }
        self.lines.extend_from_slice(bytes);
        if self.lines.len() < MOST { Ok(()) } else { self.flush() }
    }
}

impl Drop for Recording {
    /// Saves what can be saved when a program ends without ending its sessions.
    fn drop(&mut self) {
        if !self.failed && self.pid == std::process::id() {
            // There is nobody left to be told.
            let _ = self.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const SIZE: Size = Size { columns: 80, rows: 24 };

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn lines() {
        let started = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let header = Header { size: SIZE, started, title: None, command: Some("sh -c \"x\"") };
        assert_eq!(
            text(Encoder::header(&header)),
            "{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1700000000,\"command\":\"sh -c \\\"x\\\"\"}\n"
        );
        let mut encoder = Encoder::default();
        assert_eq!(
            text(encoder.output(Duration::from_micros(1_500_001), b"\x1b[1m$ \r\n")),
            concat!(r#"[1.500001,"o","\u001b[1m$ \r\n"]"#, "\n")
        );
        assert_eq!(text(encoder.input(Duration::ZERO, b"\x7f")), "[0.0,\"i\",\"\u{7f}\"]\n");
        assert_eq!(text(encoder.resize(Duration::from_secs(3), SIZE)), "[3.0,\"r\",\"80x24\"]\n");
        assert_eq!(encoder.output(Duration::ZERO, b""), b"");
    }

    #[test]
    fn characters_split_anywhere_come_whole() {
        let stream = "\u{20ac} caf\u{e9} \u{1f600}\u{301}".as_bytes();
        for cut in 0..=stream.len() {
            let mut characters = Characters::default();
            let (head, tail) = stream.split_at(cut);
            let joined = characters.take_in(head) + &characters.take_in(tail) + &characters.give_up();
            assert_eq!(joined.as_bytes(), stream);
        }
        let mut characters = Characters::default();
        let joined: String = stream.iter().map(|byte| characters.take_in(&[*byte])).collect();
        assert_eq!(joined.as_bytes(), stream);
    }

    #[test]
    fn what_is_no_utf_8_is_marked() {
        for bytes in [&b"a\xffb"[..], b"a\xe2\x82", b"\xf0\x9f\x98", b"a\xe2b\x82c", b"\xc0\xaf", b"\xed\xa0\x80"] {
            let mut characters = Characters::default();
            let whole = characters.take_in(bytes) + &characters.give_up();
            assert_eq!(whole, String::from_utf8_lossy(bytes), "{bytes:?}");
            let mut characters = Characters::default();
            let single: String = bytes.iter().map(|byte| characters.take_in(&[*byte])).collect();
            assert_eq!(single + &characters.give_up(), whole, "{bytes:?}");
        }
    }

    #[test]
    fn a_file() {
        let path = std::env::temp_dir().join(format!("towline-recording-{}.cast", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let now = Instant::now();
        let header = Header { size: SIZE, started: UNIX_EPOCH, title: Some("t"), command: None };
        let mut recording = Recording::create(&path, &header, false, now).unwrap();
        recording.output(now, b"out\xe2").unwrap();
        recording.input(now, b"secret").unwrap();
        recording.resize(now + Duration::from_millis(250), SIZE).unwrap();
        recording.finish(now + Duration::from_secs(1)).unwrap();
        let lines = std::fs::read_to_string(&path).unwrap();
        let again = Recording::create(&path, &header, false, now).unwrap_err();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(
            lines,
            "{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":0,\"title\":\"t\"}\n[0.0,\"o\",\"out\"]\n\
             [0.25,\"r\",\"80x24\"]\n[1.0,\"o\",\"\u{fffd}\"]\n"
        );
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(mode & 0o777, 0o600);
    }
}
