//! Commands to stock from the warehouse. What orders do to stock is decided with the order.

use super::location::{must_be_known, shelf};
use super::{Events, Stop, Unit, offer};
use crate::StreamId;
use crate::refusal::{All, OfSku};
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
    /// Carry units to another location.
    Transfer {
        /// Where from.
        from: Location,
        /// Where to.
        to: Location,
        /// How many.
        quantity: Quantity,
        /// Why.
        reason: Option<Note>,
    },
    /// Say how many there are.
    Count {
        /// Where.
        location: Location,
        /// Units found.
        on_hand: u32,
        /// Why, or what was found.
        reason: Option<Note>,
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
    /// Say how many units may be promised beyond what is there.
    SetPolicy {
        /// How many.
        backorder_max: u32,
    },
    /// Say how few units are few.
    SetThreshold {
        /// So many, or fewer; nobody is told without one.
        threshold: Option<u32>,
    },
}

impl Command {
    /// Whether the subject is new.
    #[allow(clippy::unused_self, reason = "as the others have it")]
    pub fn creates(&self) -> bool {
        false
    }

    /// The locations it speaks of.
    fn locations(&self) -> Vec<&Location> {
        match self {
            Self::Receive { location, .. }
            | Self::Count { location, .. }
            | Self::Adjust { location, .. } => vec![location],
            Self::Transfer { from, to, .. } => vec![from, to],
            Self::SetPolicy { .. } | Self::SetThreshold { .. } => vec![],
        }
    }

    /// Whether it is of use only while a product sells the SKU. What is left of one that nobody
    /// sells any more can be counted, carried and written off.
    fn needs_owner(&self) -> bool {
        match self {
            Self::Receive { .. } | Self::SetPolicy { .. } | Self::SetThreshold { .. } => true,
            Self::Transfer { .. } | Self::Count { .. } | Self::Adjust { .. } => false,
        }
    }
}

pub(crate) fn decide(sku: Sku, command: Command, streams: Streams) -> Result<Events, Stop> {
    let locations = command.locations().into_iter().cloned().map(StreamId::Location);
    let own = [StreamId::Sku(sku.clone()), StreamId::Stock(sku.clone())];
    streams.require(own.into_iter().chain(locations))?;
    let stock = streams.stock(&sku)?;
    // What an order still waits for may arrive, though nobody sells it any more.
    let is_awaited = matches!(command, Command::Receive { .. }) && !stock.holds.is_empty();
    if (command.needs_owner() && !is_awaited) || stock.levels.is_empty() {
        offer::owner(streams, &sku)?;
    }
    must_be_known(streams, command.locations())?;
    let events = match command {
        Command::Receive { location, quantity, reference } => {
            stock.receive(shelf(streams, location)?, quantity, Source::Delivery { reference })
        }
        Command::Transfer { from, to, quantity, reason } => {
            let (from, to) = (shelf(streams, from)?, shelf(streams, to)?);
            let of_sku = |error| OfSku { sku: sku.clone(), error };
            let transferred = stock.transfer(from, to, quantity, reason);
            let all = |errors: Vec<_>| All(errors.into_iter().map(of_sku).collect());
            Ok(transferred.map_err(all)?)
        }
        Command::Count { location, on_hand, reason } => {
            stock.count(shelf(streams, location)?, on_hand, reason)
        }
        Command::Adjust { location, delta, reason } => {
            stock.adjust(shelf(streams, location)?, delta, reason)
        }
        Command::SetPolicy { backorder_max } => Ok(stock.set_policy(backorder_max)),
        Command::SetThreshold { threshold } => Ok(stock.set_threshold(threshold)),
    };
    let mut unit = Unit::default();
    add_all(&mut unit, vec![(sku, events)])?;
    Ok(unit.0)
}

/// What the stock of a SKU decided.
pub(super) type Decided = (Sku, Result<Vec<stock::Event>, stock::Error>);

/// Adds what the stocks of several SKUs decided, each behind what they decided before; a refusal
/// names all that refused.
pub(super) fn add_all(unit: &mut Unit, decided: Vec<Decided>) -> Result<(), Stop> {
    let mut refused = Vec::new();
    for (sku, decided) in decided {
        match decided {
            Ok(events) => unit.go_on(&StreamId::Stock(sku), events),
            Err(error) => refused.push(OfSku { sku, error }),
        }
    }
    if refused.is_empty() { Ok(()) } else { Err(All(refused).into()) }
}
