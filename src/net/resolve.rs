//! Name look-ups off the loop: a short-lived thread each, for getaddrinfo blocks.

use crate::reactor::{Tag, Waker};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};

/// The addresses, or the resolver's words.
pub type Outcome = Result<Vec<SocketAddr>, String>;

/// A look-up under way.
#[derive(Debug, Clone)]
pub struct Lookup(Arc<Mutex<Option<Outcome>>>);

impl Lookup {
    /// One that goes on for ever.
    #[cfg(test)]
    pub fn endless() -> Lookup {
        Lookup(Arc::new(Mutex::new(None)))
    }

    /// The outcome, once; `None` while it is under way.
    pub fn take(&self) -> Option<Outcome> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Looks `host` up in a thread, then notifies `tag`.
///
/// # Errors
/// When no thread can be started.
pub fn resolve(host: &str, port: u16, waker: Waker, tag: Tag) -> io::Result<Lookup> {
    let lookup = Lookup(Arc::new(Mutex::new(None)));
    let slot = lookup.clone();
    let host = host.to_owned();
    let mask = SignalMask::block_all();
    let spawned = std::thread::Builder::new().name("towline-resolve".into()).stack_size(256 * 1024).spawn(move || {
        let outcome = match (host.as_str(), port).to_socket_addrs() {
            Ok(addresses) => Ok(addresses.collect()),
            Err(error) => Err(error.to_string()),
        };
        *slot.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        waker.notify(tag);
    });
    drop(mask);
    spawned.map(|_| lookup)
}

/// While it lives, the calling thread takes no signals, nor does a thread that it starts: handlers of the
/// program (PHP's above all) expect to run in the program's own threads.
struct SignalMask(libc::sigset_t);

impl SignalMask {
    fn block_all() -> Self {
        let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        let mut before = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: both sets live through the calls, which fill them.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::sigemptyset(before.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            SignalMask(before.assume_init())
        }
    }
}

impl Drop for SignalMask {
    fn drop(&mut self) {
        // SAFETY: the set was filled by pthread_sigmask.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut()) };
    }
}
