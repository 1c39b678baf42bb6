//! The layers that a hub stands on.

use super::Event;
use crate::docker::{self, Docker};
use crate::reactor::Reactor;
use crate::websocket::{self, WebSocket};

/// An event of the loop, of which a hub must be able to make those of its own layer and those below.
pub trait LoopEvent: From<docker::Event> + From<websocket::Event> + From<Event> {}

impl<E: From<docker::Event> + From<websocket::Event> + From<Event>> LoopEvent for E {}

/// What lies below, lent for one piece of work.
pub struct Layers<'a, E> {
    pub docker: &'a mut Docker,
    pub websocket: &'a mut WebSocket,
    pub reactor: &'a mut Reactor<E>,
}

impl<E: LoopEvent> Layers<'_, E> {
    pub fn docker(&mut self) -> docker::Commands<'_, E> {
        docker::Commands::new(self.docker, self.reactor)
    }

    pub fn websocket(&mut self) -> websocket::Commands<'_, E> {
        websocket::Commands::new(self.websocket, self.reactor)
    }
}
