//! Commands to stock from the warehouse. What orders do to stock is decided with the order.

use super::{Events, Stop, Unit, offer};
use crate::StreamId;
use crate::state::Streams;
use crate::stock::{self, Source};
use crate::text::{Location, Note, Quantity, Sku};

/// What the warehouse may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take in units that arrived.
    Receive {
        /// Where to.
        location: Location,
        /// How many.
        quantity: Quantity,
        /// The delivery note.
        reference: Option<Note>,
    },
    /// Put a count right.
    Adjust {
        /// Where.
        location: Location,
        /// Units found or missing.
        delta: i64,
        /// Why.
        reason: Note,
    },
}

impl Command {
    /// Whether the subject is new.
    #[allow(clippy::unused_self, reason = "as the others have it")]
    pub fn creates(&self) -> bool {
        false
    }
}

pub(crate) fn decide(sku: Sku, command: Command, streams: Streams) -> Result<Events, Stop> {
    streams.require([StreamId::Sku(sku.clone()), StreamId::Stock(sku.clone())])?;
    offer::owner(streams, &sku)?;
    let stock = streams.stock(&sku)?;
    let events = match command {
        Command::Receive { location, quantity, reference } => {
            stock.receive(location, quantity, Source::Delivery { reference })
        }
        Command::Adjust { location, delta, reason } => stock.adjust(location, delta, reason),
    };
    let events = named(&sku, events)?;
    let mut unit = Unit::default();
    unit.add(&StreamId::Stock(sku), events);
    Ok(unit.0)
}

/// What the stock of `sku` decided; a refusal names it.
pub(super) fn named(
    sku: &Sku,
    decided: Result<Vec<stock::Event>, stock::Error>,
) -> Result<Vec<stock::Event>, Stop> {
    decided.map_err(|error| stock::Refusal { sku: sku.clone(), error }.into())
}
