//! The reactor: readiness, timers, wake-ups and the event queue. It knows no protocol.
//!
//! Protocols implement [`Source`]; the reactor tells them what became ready and they push events, which
//! the owner of the loop takes out one by one. Registrations are edge-triggered: a source reads until
//! the kernel has no more, or asks with [`Reactor::again`] to be called in the next turn.

mod export;
mod fork;
mod timer;

pub use fork::ForkGuard;
pub use timer::TimerId;

use export::Export;
use mio::{Interest, Token};
use slotmap::{Key, KeyData, SlotMap, new_key_type};
use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use timer::Timers;

/// Bytes that all sources together may read in one turn before the owner sees the events. The source that uses it up
/// may read a little more, and so may those whose reading brings no events.
pub const TURN_BUDGET: usize = 1024 * 1024;

/// Of so few that are ready, each is handed out before the next is read: answered at once, its server goes on while
/// the others are read. Of more, servers find enough to do, and to go back and forth costs more than it brings.
const FEW: usize = 8;

/// Who is meant: a source (its index in the slice given to [`Reactor::turn`]) and something of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// Index of the source.
    pub source: u8,
    /// A matter within the source.
    pub kind: u8,
    /// An id within the matter.
    pub id: u64,
}

/// What the kernel says of a descriptor.
#[derive(Debug, Clone, Copy, Default)]
pub struct Readiness {
    /// Reading may yield something (data, end of file, an error).
    pub readable: bool,
    /// Writing may go on.
    pub writable: bool,
    /// The peer has shut its writing side, or more.
    pub read_closed: bool,
}

/// A protocol, seen from below.
pub trait Source<E> {
    /// A registered descriptor became ready.
    fn ready(&mut self, reactor: &mut Reactor<E>, tag: Tag, readiness: Readiness);
    /// A timer set with [`Reactor::set_timer`] passed; its id is spent.
    fn expired(&mut self, reactor: &mut Reactor<E>, tag: Tag);
    /// Another thread called [`Waker::notify`].
    fn notified(&mut self, reactor: &mut Reactor<E>, tag: Tag);
}

new_key_type! {
    /// A registration; a stale one finds nothing.
    pub struct Registration;
}

/// What a registration stands for.
struct Registered {
    tag: Tag,
    /// It is to be called in the next turn, whatever the kernel says; true: to read.
    asked: Option<bool>,
}

struct Shared {
    waker: mio::Waker,
    inbox: Mutex<Vec<Tag>>,
}

/// Wakes the loop from any thread.
#[derive(Clone)]
pub struct Waker(Arc<Shared>);

impl Waker {
    /// Makes a turn that waits return, or the next one not wait.
    pub fn wake(&self) {
        // An eventfd that cannot be written to is full: the loop is awake already.
        let _ = self.0.waker.wake();
    }

    /// Has [`Source::notified`] called with `tag` in the loop's thread.
    pub fn notify(&self, tag: Tag) {
        self.0.inbox.lock().unwrap_or_else(PoisonError::into_inner).push(tag);
        self.wake();
    }
}

/// Tokens of mio: the waker, the timer descriptor, else a [`Registration`].
const WAKER: Token = Token(usize::MAX);
const TIMER_FD: Token = Token(usize::MAX - 1);

/// Polls, keeps timers and the queue of events of type `E`.
pub struct Reactor<E> {
    poll: mio::Poll,
    ready: mio::Events,
    batch: VecDeque<(Registration, Readiness)>,
    /// The batch began with no more than [`FEW`].
    few: bool,
    registrations: SlotMap<Registration, Registered>,
    timers: Timers,
    /// Those whose `asked` is set, each once.
    again: VecDeque<Registration>,
    events: VecDeque<E>,
    shared: Arc<Shared>,
    export: Export,
    now: Instant,
    budget: usize,
    fork: ForkGuard,
}

impl<E> Reactor<E> {
    /// Opens the poll.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new() -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), WAKER)?;
        Ok(Reactor {
            poll,
            ready: mio::Events::with_capacity(512),
            batch: VecDeque::new(),
            few: false,
            registrations: SlotMap::with_key(),
            timers: Timers::default(),
            again: VecDeque::new(),
            events: VecDeque::new(),
            shared: Arc::new(Shared { waker, inbox: Mutex::new(Vec::new()) }),
            export: Export::default(),
            now: Instant::now(),
            budget: TURN_BUDGET,
            fork: ForkGuard::mark(),
        })
    }

    /// The time that this turn began; deadlines count from here.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Looks at the clock; commands given outside a turn do.
    pub fn refresh_now(&mut self) -> Instant {
        self.now = Instant::now();
        self.now
    }

    /// True in a process forked after the loop was made.
    pub fn is_forked(&self) -> bool {
        self.fork.is_child()
    }

    /// Watches a descriptor. Closing it ends the watch; tell [`forget`](Self::forget) too.
    ///
    /// # Errors
    /// As `epoll_ctl(2)`.
    pub fn register(
        &mut self,
        io: &mut impl mio::event::Source,
        tag: Tag,
        interest: Interest,
    ) -> io::Result<Registration> {
        let registration = self.registrations.insert(Registered { tag, asked: None });
        let result = self.poll.registry().register(io, token(registration), interest);
        if let Err(error) = result {
            self.registrations.remove(registration);
            return Err(error);
        }
        Ok(registration)
    }

    /// Changes what is watched for.
    ///
    /// # Errors
    /// As `epoll_ctl(2)`.
    pub fn reregister(
        &mut self,
        io: &mut impl mio::event::Source,
        registration: Registration,
        interest: Interest,
    ) -> io::Result<()> {
        self.poll.registry().reregister(io, token(registration), interest)
    }

    /// Drops a registration whose descriptor is being closed.
    pub fn forget(&mut self, registration: Registration) {
        self.registrations.remove(registration);
    }

    /// Has [`Source::ready`] called (readable) in the next turn, behind what the kernel has ready.
    pub fn again(&mut self, registration: Registration) {
        self.call_again(registration, true);
    }

    /// [`again`](Self::again) for what is not reading: nothing is ready.
    pub fn nudge(&mut self, registration: Registration) {
        self.call_again(registration, false);
    }

    fn call_again(&mut self, registration: Registration, readable: bool) {
        let Some(registered) = self.registrations.get_mut(registration) else { return };
        match &mut registered.asked {
            Some(asked) => *asked |= readable,
            None => {
                registered.asked = Some(readable);
                self.again.push_back(registration);
            }
        }
        self.look_readable_if_work_waits();
    }

    /// Bytes that may still be read in this turn.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// Takes what was read off the budget.
    pub fn spend(&mut self, bytes: usize) {
        self.budget = self.budget.saturating_sub(bytes);
    }

    /// Has [`Source::expired`] called once `at` has passed.
    pub fn set_timer(&mut self, at: Instant, tag: Tag) -> TimerId {
        let id = self.timers.insert(at, tag);
        self.export.arm(self.timers.next(), self.now);
        id
    }

    /// Forgets a timer; false when it has fired already.
    pub fn cancel_timer(&mut self, id: TimerId) -> bool {
        self.timers.remove(id)
    }

    /// Appends an event.
    pub fn push(&mut self, event: impl Into<E>) {
        self.events.push_back(event.into());
        if self.export.is_on() {
            self.export.signal(&self.shared.waker);
        }
    }

    /// Takes the oldest event.
    pub fn pop(&mut self) -> Option<E> {
        self.events.pop_front()
    }

    /// Events waiting to be taken.
    pub fn queued(&self) -> usize {
        self.events.len()
    }

    /// A handle that other threads may use.
    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.shared))
    }

    /// The descriptor to watch for reading in a foreign loop: readable when a turn has work.
    ///
    /// # Errors
    /// When the system has no descriptor for the timer.
    pub fn fd(&mut self) -> io::Result<RawFd> {
        use std::os::fd::AsRawFd;
        if !self.export.is_on() {
            self.export.turn_on(self.poll.registry(), TIMER_FD)?;
            let now = self.refresh_now();
            self.export.arm(self.timers.next(), now);
            self.look_readable_if_work_waits();
        }
        Ok(self.poll.as_raw_fd())
    }

    /// How long the next turn may wait: zero when work waits, `None` when only the kernel can bring some.
    pub fn timeout(&self) -> Option<Duration> {
        if self.has_work() {
            return Some(Duration::ZERO);
        }
        self.timers.next().map(|at| at.saturating_duration_since(Instant::now()))
    }

    fn has_work(&self) -> bool {
        !self.events.is_empty() || !self.again.is_empty() || !self.batch.is_empty()
    }

    fn look_readable_if_work_waits(&mut self) {
        if self.export.is_on() && self.has_work() {
            self.export.signal(&self.shared.waker);
        }
    }

    /// Waits at most `timeout` (`None`: until something happens) and lets the sources work. With the budget used up, or
    /// few ready, it leaves the rest of what is ready to the next turn ([`goes_on`](Self::goes_on)). With events waiting
    /// it does nothing: the owner takes those first, so the queue stays within one turn's budget.
    ///
    /// # Errors
    /// [`io::ErrorKind::Interrupted`] when a signal came; else as `epoll_wait(2)`.
    pub fn turn(&mut self, timeout: Option<Duration>, sources: &mut [&mut dyn Source<E>]) -> io::Result<()> {
        if !self.events.is_empty() {
            return Ok(());
        }
        self.budget = TURN_BUDGET;
        if self.batch.is_empty() {
            self.poll(timeout)?;
        } else {
            self.refresh_now();
        }
        while let Some((registration, readiness)) = self.batch.pop_front() {
            let Some(&Registered { tag, .. }) = self.registrations.get(registration) else { continue };
            if let Some(source) = sources.get_mut(usize::from(tag.source)) {
                source.ready(self, tag, readiness);
            }
            if (self.few || self.budget == 0) && !self.events.is_empty() && self.goes_on() {
                self.look_readable_if_work_waits();
                return Ok(());
            }
        }
        while let Some(tag) = self.timers.pop_due(self.now) {
            if let Some(source) = sources.get_mut(usize::from(tag.source)) {
                source.expired(self, tag);
            }
        }
        self.export.arm(self.timers.next(), self.now);
        self.look_readable_if_work_waits();
        self.deliver_notices(sources);
        Ok(())
    }

    /// True when the last turn ended with some of what is ready left to the next, which will not wait.
    pub fn goes_on(&self) -> bool {
        !self.batch.is_empty()
    }

    fn poll(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let wait = match (self.timeout(), timeout) {
            (Some(own), Some(asked)) => Some(own.min(asked)),
            (own, asked) => own.or(asked),
        };
        let polled = self.poll.poll(&mut self.ready, wait.map(round_up));
        self.refresh_now();
        self.export.polled();
        polled?;
        self.collect();
        self.few = self.batch.len() <= FEW;
        Ok(())
    }

    /// Puts what the kernel said in front of what asked to go on, each registration once.
    fn collect(&mut self) {
        for event in &self.ready {
            match event.token() {
                WAKER => {}
                TIMER_FD => self.export.fired(),
                Token(id) => {
                    let registration = KeyData::from_ffi(id as u64).into();
                    let asked =
                        !self.again.is_empty() && take_asked(&mut self.registrations, registration) == Some(true);
                    let readiness = Readiness {
                        readable: event.is_readable() || event.is_read_closed() || event.is_error() || asked,
                        writable: event.is_writable() || event.is_write_closed(),
                        read_closed: event.is_read_closed() || event.is_error(),
                    };
                    self.batch.push_back((registration, readiness));
                }
            }
        }
        while let Some(registration) = self.again.pop_front() {
            if let Some(readable) = take_asked(&mut self.registrations, registration) {
                self.batch.push_back((registration, Readiness { readable, ..Readiness::default() }));
            }
        }
    }

    fn deliver_notices(&mut self, sources: &mut [&mut dyn Source<E>]) {
        let notices = {
            let mut inbox = self.shared.inbox.lock().unwrap_or_else(PoisonError::into_inner);
            if inbox.is_empty() {
                return;
            }
            std::mem::take(&mut *inbox)
        };
        for tag in notices {
            if let Some(source) = sources.get_mut(usize::from(tag.source)) {
                source.notified(self, tag);
            }
        }
    }
}

/// What was asked for, which is settled with that.
fn take_asked(registrations: &mut SlotMap<Registration, Registered>, registration: Registration) -> Option<bool> {
    registrations.get_mut(registration)?.asked.take()
}

fn token(registration: Registration) -> Token {
    #[allow(clippy::cast_possible_truncation, reason = "pointers are 64 bits wide where Towline runs")]
    Token(registration.data().as_ffi() as usize)
}

const _: () = assert!(usize::BITS >= 64, "registrations need 64-bit tokens");

/// epoll counts milliseconds and mio rounds up below one; a timer must have passed when the wait ends.
fn round_up(wait: Duration) -> Duration {
    if wait.is_zero() { wait } else { wait.max(Duration::from_micros(1)) }
}
