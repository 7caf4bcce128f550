//! What callers may ask for, and the decisions that take several aggregates.
//!
//! A command names only what its caller may choose. Prices, titles and states come from the
//! streams it looks up; its events, over however many streams, are appended together or not at
//! all. A command decides at most once about each stream, so every decision sees the state that
//! the appended events will meet.

mod balance;
pub mod cart;
mod confirming;
pub mod fulfilment;
mod leaving;
pub mod location;
mod offer;
pub mod order;
mod overpaying;
mod payable;
pub mod payment;
pub mod product;
mod putting_away;
pub mod refused;
pub mod return_;
mod securing;
mod settling;
pub mod sku;
pub mod stock;

use crate::state::Missing;
use crate::{Command, Event, Refusal, StreamId};

impl Command {
    /// The stream the answer speaks of: the target, but for a checkout the new order.
    pub fn subject(&self) -> StreamId {
        match self {
            Self::Cart(_, cart::Command::CheckOut { order_id, .. }) => StreamId::Order(*order_id),
            _ => self.target(),
        }
    }
}

/// Why a decision stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// States are missing: load them and decide again.
    Missing(Missing),
    /// The answer is no.
    Refused(Refusal),
}

impl From<Missing> for Stop {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl<E: Into<Refusal>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

/// The events of one command, in the order they are appended.
pub type Events = Vec<(StreamId, Event)>;

/// Collects the events of one command.
#[derive(Default)]
struct Unit(Events);

impl Unit {
    fn add<E: Into<Event>>(&mut self, stream: &StreamId, events: Vec<E>) {
        self.0.extend(events.into_iter().map(|event| (stream.clone(), event.into())));
    }

    /// Adds what was decided with the state after the events of that stream that are here already:
    /// behind them, for a stream's events stand together.
    fn go_on<E: Into<Event>>(&mut self, stream: &StreamId, events: Vec<E>) {
        let last = self.0.iter().rposition(|(known, _)| known == stream);
        let place = last.map_or(self.0.len(), |last| last + 1);
        let events = events.into_iter().map(|event| (stream.clone(), event.into()));
        self.0.splice(place..place, events);
    }
}
