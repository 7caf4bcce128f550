//! Commands to returns, with what they do to the order, its stock and its money: what arrives makes
//! the order smaller, goes back into stock or is written off, and is paid back.

use super::{
    Events, Stop, Unit, location as location_command, order as order_command, settling,
    stock as stock_command,
};
use crate::StreamId;
use crate::ids::{OrderId, ReturnId};
use crate::order::{Order, Units};
use crate::return_::{self, Arrival, Disposal, Event, Return, Withheld};
use crate::state::Streams;
use crate::stock::Source;
use crate::text::Note;

/// What may be asked of a return.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask for it.
    Request {
        /// Whose goods.
        order_id: OrderId,
        /// What is to come back.
        lines: Vec<Units>,
        /// Why.
        reason: Note,
    },
    /// Expect its goods.
    Approve,
    /// Refuse it.
    Reject {
        /// Why.
        reason: Note,
    },
    /// Goods arrived.
    Receive {
        /// What, and what becomes of it.
        lines: Vec<Arrival>,
        /// What of their price is not given back.
        withheld: Option<Withheld>,
    },
    /// Expect nothing more.
    Close,
}

impl Command {
    /// Whether the subject is new.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Request { .. })
    }
}

pub(crate) fn decide(id: ReturnId, command: Command, streams: Streams) -> Result<Events, Stop> {
    let state = streams.return_(&id)?;
    let mut unit = Unit::default();
    let (order_id, events, changes) = match command {
        Command::Request { order_id, lines, reason } => {
            let order = streams.order(&order_id)?;
            let requested = state.request(order_id, lines.clone(), reason)?;
            (order_id, requested, order.open_return(id, lines)?)
        }
        Command::Approve => {
            unit.add(&StreamId::Return(id), state.approve()?);
            return Ok(unit.0);
        }
        Command::Reject { reason } => close(id, state, state.reject(reason)?, streams)?,
        Command::Close => close(id, state, state.close()?, streams)?,
        Command::Receive { lines, withheld } => {
            let order_id = owner(state)?;
            // Nothing withheld is no part of the story.
            let withheld = withheld.filter(|withheld| !withheld.amount.is_zero());
            let part = withheld.as_ref().map(|withheld| withheld.amount);
            let events = state.receive(lines.clone(), withheld)?;
            let came: Vec<Units> = lines.iter().map(units).collect();
            let changes = streams.order(&order_id)?.take_back_units(id, came, part)?;
            put_away(&mut unit, id, order_id, &lines, streams)?;
            (order_id, events, changes)
        }
    };
    unit.add(&StreamId::Return(id), events);
    let order: &Order = streams.order(&order_id)?;
    if let Some(after) = order_command::follow(&mut unit, order_id, order, &changes, streams)? {
        settling::settle(&mut unit, &after, None, streams)?;
    }
    Ok(unit.0)
}

type Changes = (OrderId, Vec<Event>, Vec<crate::order::Event>);

/// Its end, with which the order expects nothing more of it.
fn close(
    id: ReturnId,
    state: &Return,
    events: Vec<Event>,
    streams: Streams,
) -> Result<Changes, Stop> {
    let order_id = owner(state)?;
    let closed =
        if events.is_empty() { vec![] } else { streams.order(&order_id)?.close_return(id) };
    Ok((order_id, events, closed))
}

fn owner(state: &Return) -> Result<OrderId, Stop> {
    state.order_id.ok_or_else(|| return_::Error::NotFound.into())
}

fn units(arrival: &Arrival) -> Units {
    Units { sku: arrival.sku.clone(), quantity: arrival.quantity }
}

/// Puts what is not written off into stock. A SKU named twice is one decision about its stock.
fn put_away(
    unit: &mut Unit,
    id: ReturnId,
    order_id: OrderId,
    lines: &[Arrival],
    streams: Streams,
) -> Result<(), Stop> {
    let stored = lines.iter().filter_map(|arrival| match &arrival.disposal {
        Disposal::Stored(location) => Some((arrival, location)),
        Disposal::WrittenOff => None,
    });
    streams.require(stored.clone().flat_map(|(arrival, location)| {
        [StreamId::Stock(arrival.sku.clone()), StreamId::Location(location.clone())]
    }))?;
    location_command::must_be_known(streams, stored.clone().map(|(_, location)| location))?;
    let (mut changed, mut decided) = (std::collections::BTreeMap::new(), Vec::new());
    for (Arrival { sku, quantity, .. }, location) in stored {
        let stock = match changed.remove(sku) {
            Some(stock) => stock,
            None => streams.stock(sku)?.clone(),
        };
        let source = Source::Return { order_id, return_id: id };
        let at = location_command::shelf(streams, location.clone())?;
        let received = stock.receive(at, *quantity, source);
        let mut after = stock;
        for event in received.iter().flatten() {
            after.evolve(event);
        }
        decided.push((sku.clone(), received));
        changed.insert(sku.clone(), after);
    }
    stock_command::add_all(unit, decided)
}
