//! Commands to stock from the warehouse. What orders do to stock is decided with the order.

use super::{Events, Stop, Unit, offer};
use crate::StreamId;
use crate::state::Streams;
use crate::stock;
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
    let command = match command {
        Command::Receive { location, quantity, reference } => {
            stock::Command::Receive { location, quantity, reference }
        }
        Command::Adjust { location, delta, reason } => {
            stock::Command::Adjust { location, delta, reason }
        }
    };
    let mut unit = Unit::default();
    let events = ask(streams, &sku, command)?;
    unit.add(&StreamId::Stock(sku), events);
    Ok(unit.0)
}

/// Asks the stock of `sku`; a refusal names it.
pub(super) fn ask(
    streams: Streams,
    sku: &Sku,
    command: stock::Command,
) -> Result<Vec<stock::Event>, Stop> {
    let stock = streams.stock(sku)?;
    stock::decide(stock, command).map_err(|error| stock::Refusal { sku: sku.clone(), error }.into())
}
