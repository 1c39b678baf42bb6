//! The loop that programs use: the reactor and the protocols on it, commands in, events out.

use crate::docker::{self, Docker};
use crate::fastcgi::{self, FastCgi};
use crate::reactor::{Reactor, Readiness, Source, Tag, TimerId, Waker};
use crate::terminal::{self, Layers, Terminal};
use crate::websocket::{self, WebSocket};
use slotmap::{Key, KeyData, SlotMap, new_key_type};
use std::io;
use std::os::fd::RawFd;
use std::time::Duration;

new_key_type! {
    /// A user's timer.
    pub struct TimerKey;
}

/// What happened; taken with [`Loop::next_event`].
#[derive(Debug)]
pub enum Event {
    /// A timer is due. One that does not repeat is gone when this is taken.
    Timer(TimerKey),
    /// Something about a FastCGI request.
    FastCgi(fastcgi::Event),
    /// Something about an Engine's call or stream.
    Docker(docker::Event),
    /// Something about a WebSocket server.
    WebSocket(websocket::Event),
    /// Something about a session of a terminal hub.
    Terminal(terminal::Event),
}

impl From<fastcgi::Event> for Event {
    fn from(event: fastcgi::Event) -> Self {
        Event::FastCgi(event)
    }
}

impl From<docker::Event> for Event {
    fn from(event: docker::Event) -> Self {
        Event::Docker(event)
    }
}

impl From<websocket::Event> for Event {
    fn from(event: websocket::Event) -> Self {
        Event::WebSocket(event)
    }
}

impl From<terminal::Event> for Event {
    fn from(event: terminal::Event) -> Self {
        Event::Terminal(event)
    }
}

/// Index of each source in the slice given to the reactor.
const TIMERS: u8 = 0;
const _: () = assert!(
    fastcgi::SOURCE == 1 && docker::SOURCE == 2 && websocket::SOURCE == 3 && terminal::SOURCE == 4,
    "the order of sources in `turn`"
);

/// One event loop. It belongs to one thread; a [`Waker`] alone may be used from others.
pub struct Loop {
    reactor: Reactor<Event>,
    timers: UserTimers,
    fastcgi: FastCgi,
    docker: Docker,
    websocket: WebSocket,
    terminal: Terminal,
}

impl Loop {
    /// A loop with nothing to do.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new() -> io::Result<Loop> {
        Ok(Loop {
            reactor: Reactor::new()?,
            timers: UserTimers::default(),
            fastcgi: FastCgi::default(),
            docker: Docker::default(),
            websocket: WebSocket::default(),
            terminal: Terminal::default(),
        })
    }

    /// Waits at most `timeout` (`None`: until something happens), moves bytes, and queues events. Does
    /// nothing while events are waiting to be taken. It may leave some of what is ready to the next turn
    /// ([`goes_on`](Self::goes_on)).
    ///
    /// # Errors
    /// [`io::ErrorKind::Interrupted`] when a signal came; else as `epoll_wait(2)`.
    pub fn turn(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let Loop { reactor, timers, fastcgi, docker, websocket, terminal } = self;
        let result = reactor.turn(timeout, &mut [timers, fastcgi, docker, websocket, terminal]);
        terminal.work(&mut Layers { docker, websocket, reactor });
        result
    }

    /// True when the next turn will neither wait nor ask the kernel, for the last one left some of what is ready to it,
    /// and all events have been taken.
    pub fn goes_on(&self) -> bool {
        self.reactor.goes_on() && self.reactor.queued() == 0
    }

    /// Takes the oldest event. The handle in a final event (done, failed) is spent with it.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            let event = self.reactor.pop()?;
            let Loop { reactor, timers, fastcgi, docker, websocket, terminal } = self;
            match event {
                Event::Timer(key) => {
                    timers.taken(key);
                    return Some(Event::Timer(key));
                }
                Event::FastCgi(event) => {
                    fastcgi.taken(&event);
                    return Some(Event::FastCgi(event));
                }
                Event::Docker(event) => {
                    // A pause holds events back, and a terminal's are not the program's.
                    let event = docker.taken(event);
                    let mut layers = Layers { docker, websocket, reactor };
                    if let Some(event) = event.and_then(|event| terminal.of_docker(&mut layers, event)) {
                        return Some(Event::Docker(event));
                    }
                }
                Event::WebSocket(event) => {
                    websocket.taken(&event);
                    if let Some(event) = terminal.of_websocket(&mut Layers { docker, websocket, reactor }, event) {
                        return Some(Event::WebSocket(event));
                    }
                }
                Event::Terminal(event) => {
                    terminal.taken(&event);
                    return Some(Event::Terminal(event));
                }
            }
        }
    }

    /// Events waiting to be taken.
    pub fn queued(&self) -> usize {
        self.reactor.queued()
    }

    /// The descriptor to watch for reading in a foreign loop: readable when [`turn`](Self::turn) has work. Never
    /// read from it or close it.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn fd(&mut self) -> io::Result<RawFd> {
        self.reactor.fd()
    }

    /// How long the next turn may wait: zero when events wait, `None` when there is no timer. Needed in
    /// a foreign loop only where there is no timerfd (not on Linux).
    pub fn timeout(&self) -> Option<Duration> {
        self.reactor.timeout()
    }

    /// Operations that have not ended and timers that have not fired, plus events not yet taken. Idle pooled
    /// connections do not count. A loop with nothing pending has nothing to wait for.
    pub fn pending(&self) -> usize {
        self.timers.slots.len()
            + self.fastcgi.pending()
            + self.docker.pending()
            + self.websocket.pending()
            + self.terminal.pending()
    }

    /// A handle with which other threads wake a turn that waits.
    pub fn waker(&self) -> Waker {
        self.reactor.waker()
    }

    /// True in a process forked after the loop was made, which must not use it.
    pub fn is_forked(&self) -> bool {
        self.reactor.is_forked()
    }

    /// Starts a timer: due once after `after`, or every `after` when it repeats.
    pub fn timer_start(&mut self, after: Duration, repeat: bool) -> TimerKey {
        let now = self.reactor.refresh_now();
        self.timers.start(&mut self.reactor, now, after, repeat)
    }

    /// Cancels a timer; false when it is gone already. Its event, if queued, may still be taken.
    pub fn timer_cancel(&mut self, key: TimerKey) -> bool {
        self.timers.cancel(&mut self.reactor, key)
    }

    /// True while the timer will fire.
    pub fn timer_is_active(&self, key: TimerKey) -> bool {
        self.timers.slots.contains_key(key)
    }

    /// The Docker commands.
    pub fn docker(&mut self) -> docker::Commands<'_, Event> {
        docker::Commands::new(&mut self.docker, &mut self.reactor)
    }

    /// The FastCGI commands.
    pub fn fastcgi(&mut self) -> fastcgi::Commands<'_, Event> {
        fastcgi::Commands::new(&mut self.fastcgi, &mut self.reactor)
    }

    /// The commands of terminal hubs.
    pub fn terminal(&mut self) -> terminal::Commands<'_, Event> {
        let Loop { reactor, docker, websocket, terminal, .. } = self;
        terminal::Commands::new(terminal, Layers { docker, websocket, reactor })
    }

    /// The WebSocket commands.
    pub fn websocket(&mut self) -> websocket::Commands<'_, Event> {
        websocket::Commands::new(&mut self.websocket, &mut self.reactor)
    }
}

struct UserTimer {
    id: Option<TimerId>,
    every: Option<Duration>,
}

#[derive(Default)]
struct UserTimers {
    slots: SlotMap<TimerKey, UserTimer>,
}

impl UserTimers {
    fn start(
        &mut self,
        reactor: &mut Reactor<Event>,
        now: std::time::Instant,
        after: Duration,
        repeat: bool,
    ) -> TimerKey {
        // A beat of zero would be due again within the same turn, for ever.
        let every = repeat.then_some(after.max(Duration::from_micros(1)));
        let key = self.slots.insert(UserTimer { id: None, every });
        let id = deadline(now, after).map(|at| reactor.set_timer(at, tag(key)));
        if let Some(timer) = self.slots.get_mut(key) {
            timer.id = id;
        }
        key
    }

    fn cancel(&mut self, reactor: &mut Reactor<Event>, key: TimerKey) -> bool {
        let Some(timer) = self.slots.remove(key) else { return false };
        if let Some(id) = timer.id {
            reactor.cancel_timer(id);
        }
        true
    }

    /// A one-shot timer is over once its event has been taken.
    fn taken(&mut self, key: TimerKey) {
        if self.slots.get(key).is_some_and(|timer| timer.every.is_none()) {
            self.slots.remove(key);
        }
    }
}

impl Source<Event> for UserTimers {
    fn ready(&mut self, _: &mut Reactor<Event>, _: Tag, _: Readiness) {}

    fn expired(&mut self, reactor: &mut Reactor<Event>, tag: Tag) {
        let key: TimerKey = KeyData::from_ffi(tag.id).into();
        let Some(timer) = self.slots.get_mut(key) else { return };
        let due = timer.id.map(TimerId::at);
        timer.id = None;
        if let Some(every) = timer.every {
            // Keeps the beat; beats missed while the program was busy are not made up for.
            let now = reactor.now();
            let next = due.and_then(|due| deadline(due, every)).filter(|next| *next > now);
            timer.id = next.or_else(|| deadline(now, every)).map(|at| reactor.set_timer(at, tag));
        }
        reactor.push(Event::Timer(key));
    }

    fn notified(&mut self, _: &mut Reactor<Event>, _: Tag) {}
}

fn tag(key: TimerKey) -> Tag {
    Tag { source: TIMERS, kind: 0, id: key.data().as_ffi() }
}

/// `None`: further away than the clock can count.
fn deadline(from: std::time::Instant, after: Duration) -> Option<std::time::Instant> {
    from.checked_add(after)
}
