//! What makes the loop's descriptor tell the truth to a foreign loop.
//!
//! An epoll descriptor is readable only for what the kernel knows. Two things it does not know are made
//! visible: the earliest timer, through a timerfd inside the set (Linux), and work that waits in user
//! space, through the waker's eventfd. Nothing of this costs anything until the descriptor is asked for.

use std::io;
use std::time::Instant;

#[derive(Default)]
pub struct Export {
    on: bool,
    /// The waker was written to since the last poll.
    signalled: bool,
    #[cfg(target_os = "linux")]
    timer: Option<linux::TimerFd>,
    armed: Option<Instant>,
}

impl Export {
    pub fn is_on(&self) -> bool {
        self.on
    }

    pub fn turn_on(&mut self, registry: &mio::Registry, token: mio::Token) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            self.timer = Some(linux::TimerFd::new(registry, token)?);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (registry, token);
        self.on = true;
        Ok(())
    }

    /// Arms the descriptor when the earliest deadline has moved earlier.
    pub fn arm(&mut self, next: Option<Instant>, now: Instant) {
        if !self.on || next.is_none_or(|next| self.armed.is_some_and(|armed| armed <= next)) {
            return;
        }
        #[cfg(target_os = "linux")]
        if let (Some(timer), Some(next)) = (&self.timer, next) {
            timer.set(next.saturating_duration_since(now));
        }
        #[cfg(not(target_os = "linux"))]
        let _ = now;
        self.armed = next;
    }

    /// The timer descriptor fired.
    pub fn fired(&mut self) {
        self.armed = None;
    }

    pub fn signal(&mut self, waker: &mio::Waker) {
        if !self.signalled {
            self.signalled = true;
            let _ = waker.wake();
        }
    }

    pub fn polled(&mut self) {
        self.signalled = false;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::time::Duration;

    pub struct TimerFd(OwnedFd);

    impl TimerFd {
        pub fn new(registry: &mio::Registry, token: mio::Token) -> io::Result<Self> {
            // SAFETY: timerfd_create takes no pointers.
            let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK) };
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the descriptor was just made and is owned by nobody else.
            let fd = unsafe { OwnedFd::from_raw_fd(fd) };
            registry.register(&mut mio::unix::SourceFd(&fd.as_raw_fd()), token, mio::Interest::READABLE)?;
            Ok(TimerFd(fd))
        }

        pub fn set(&self, wait: Duration) {
            // A zero value would disarm; edge-triggered, the descriptor needs no reading.
            let wait = wait.max(Duration::from_nanos(1));
            let value = libc::itimerspec {
                it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 },
                it_value: libc::timespec {
                    tv_sec: libc::time_t::try_from(wait.as_secs()).unwrap_or(libc::time_t::MAX),
                    tv_nsec: wait.subsec_nanos().into(),
                },
            };
            // SAFETY: the descriptor is open and `value` lives through the call; no old value is asked for.
            unsafe { libc::timerfd_settime(self.0.as_raw_fd(), 0, &raw const value, std::ptr::null_mut()) };
        }
    }
}
