//! A pseudo-terminal for programs that want one.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything takes.
const HANG: Duration = Duration::from_secs(120);

/// Both ends of a pseudo-terminal, and what a program on it has written.
pub struct Terminal {
    master: File,
    slave: OwnedFd,
    seen: String,
}

fn size(rows: u16, columns: u16) -> libc::winsize {
    libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

impl Terminal {
    pub fn new(rows: u16, columns: u16) -> Terminal {
        let (mut master, mut slave, mut size) = (-1, -1, size(rows, columns));
        let (name, settings) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: both descriptors and the size are valid to write and read; no name and no settings are given.
        let opened = unsafe { libc::openpty(&raw mut master, &raw mut slave, name, settings, &raw mut size) };
        assert_eq!(opened, 0, "no pseudo-terminal: {}", std::io::Error::last_os_error());
        // SAFETY: just opened, and owned by nobody else.
        let (master, slave) = unsafe { (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
        // SAFETY: a descriptor that is open.
        unsafe { libc::fcntl(master.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
        for fd in [master.as_raw_fd(), slave.as_raw_fd()] {
            // SAFETY: a descriptor that is open.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        Terminal { master, slave, seen: String::new() }
    }

    /// Starts a program that has it as its controlling terminal.
    pub fn start(&self, command: &mut Command) -> Child {
        let end = || Stdio::from(self.slave.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        // SAFETY: only system calls that a child may make between fork and exec.
        unsafe {
            command.pre_exec(|| {
                if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        command.spawn().unwrap()
    }

    /// Reads until `words` have come since the last time.
    pub fn until(&mut self, words: &str) {
        let end = Instant::now() + HANG;
        let mut buffer = [0; 4096];
        loop {
            if let Some(at) = self.seen.find(words) {
                self.seen.drain(..at + words.len());
                return;
            }
            assert!(Instant::now() < end, "{words:?} does not come; the terminal has {:?}", self.seen);
            let mut poll = libc::pollfd { fd: self.master.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one valid pollfd.
            unsafe { libc::poll(&raw mut poll, 1, 1000) };
            match self.master.read(&mut buffer) {
                Ok(length) => self.seen.push_str(&String::from_utf8_lossy(buffer.get(..length).unwrap())),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
    }

    pub fn types(&mut self, bytes: &[u8]) {
        self.master.write_all(bytes).unwrap();
    }

    pub fn resize(&self, rows: u16, columns: u16) {
        let size = size(rows, columns);
        // SAFETY: a descriptor that is open, and a size to read.
        let set = unsafe { libc::ioctl(self.master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        assert_eq!(set, 0);
    }

    /// True when nothing is echoed, collected into lines, or turned into signals.
    pub fn is_raw(&self) -> bool {
        // SAFETY: all zero is a value.
        let mut settings: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: a descriptor that is open, and settings to write.
        let got = unsafe { libc::tcgetattr(self.slave.as_raw_fd(), &raw mut settings) };
        assert_eq!(got, 0);
        let local = settings.c_lflag & (libc::ECHO | libc::ICANON | libc::ISIG);
        assert!([0, libc::ECHO | libc::ICANON | libc::ISIG].contains(&local), "{local:o}");
        local == 0
    }
}
