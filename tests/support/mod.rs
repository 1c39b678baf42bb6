//! What the integration tests stand on: a private php-fpm, a scripted peer, a driver of one loop.

#![allow(dead_code, unused_imports, reason = "every test binary uses its own part of this")]

mod backlog;
mod docker_driver;
mod driver;
mod fake_engine;
mod fpm;
mod peer;
mod temp;

pub use backlog::FullBacklog;
pub use docker_driver::{CallEnd, DockerDriver, SeenStream, exec, piped, terminal};
pub use driver::{Driver, Ended, Seen};
pub use fake_engine::{FakeEngine, Http, UPGRADED, answer, frame, json};
pub use fpm::{Fpm, FpmBuilder};
pub use peer::{Conn, Peer, Received};
pub use temp::TempDir;

use std::time::Duration;

/// Nothing that works takes this long; a test that waits longer has hung and fails.
pub const HANG: Duration = Duration::from_secs(20);

/// Open descriptors of this process.
pub fn open_fds() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Bytes that look random and are the same on every run (xorshift64*).
pub struct Prng(u64);

impl Prng {
    pub fn new(seed: u64) -> Self {
        Prng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

/// Runs `work` in a forked child and returns its exit code (255 when it panicked or was killed).
///
/// The child of a threaded process may hold locks of threads that are gone, so `work` does little.
pub fn in_fork(work: impl FnOnce() -> u8) -> i32 {
    // SAFETY: the child runs `work` alone and leaves with _exit.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", std::io::Error::last_os_error());
    if pid == 0 {
        // SAFETY: a plain system call; a child that hangs is ended by its alarm.
        unsafe { libc::alarm(HANG.as_secs() as u32) };
        let code = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(255);
        // SAFETY: leaves without running what belongs to the parent.
        unsafe { libc::_exit(i32::from(code)) };
    }
    let mut status = 0;
    // SAFETY: waits for the child made above.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { 255 }
}
