//! Commands to returns, with what they do to the order, its stock and its money: what arrives makes
//! the order smaller, goes back into stock or is written off, and is paid back; what of that was
//! told wrongly is put right in all three.

use super::putting_away::{put_away, put_right};
use super::{Events, Stop, Unit, order as order_command, settling};
use crate::StreamId;
use crate::ids::{OrderId, ReturnId};
use crate::money::Money;
use crate::order::{Order, ReturnTold, Units};
use crate::return_::{self, Arrival, Event, Return, Withheld};
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
    /// Keep its goods after all.
    Withdraw,
    /// Goods arrived.
    Receive {
        /// What, and what becomes of it.
        lines: Vec<Arrival>,
        /// What of their price is not given back.
        withheld: Option<Withheld>,
    },
    /// Something else arrived than was told, or another part of its price is not given back.
    CorrectReceipt {
        /// What did in all, and what became of it.
        lines: Vec<Arrival>,
        /// How much of their price is not given back; as much as before, where nobody says.
        withheld: Option<Money>,
        /// Who says so, and how they know.
        reason: Note,
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
        Command::Withdraw => close(id, state, state.withdraw()?, streams)?,
        Command::Close => close(id, state, state.close()?, streams)?,
        Command::Receive { lines, withheld } => {
            let order_id = owner(state)?;
            // Nothing withheld is no part of the story.
            let withheld = withheld.filter(|withheld| !withheld.amount.is_zero());
            let part = withheld.as_ref().map(|withheld| withheld.amount);
            let events = state.receive(lines.clone(), withheld)?;
            let came: Vec<Units> = lines.iter().map(Arrival::units).collect();
            let order = streams.order(&order_id)?;
            let changes = order.take_back_units(id, came, part)?;
            let source = Source::Return { order_id, return_id: id };
            put_away(&mut unit, order, &lines, &source, streams)?;
            (order_id, events, changes)
        }
        Command::CorrectReceipt { lines, withheld, reason } => {
            let events = state.correct_receipt(&lines, withheld, reason)?;
            correct(&mut unit, id, state, events, streams)?
        }
    };
    unit.add(&StreamId::Return(id), events);
    let order: &Order = streams.order(&order_id)?;
    if let Some(after) = order_command::follow(&mut unit, order_id, order, &changes, streams)? {
        settling::settle(&mut unit, (order_id, &after), None, None, streams)?;
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

/// What the order and its stock make of it, of which both know what had been told.
fn correct(
    unit: &mut Unit,
    id: ReturnId,
    state: &Return,
    events: Vec<Event>,
    streams: Streams,
) -> Result<Changes, Stop> {
    let order_id = owner(state)?;
    let mut after = state.clone();
    for event in &events {
        after.evolve(event);
    }
    let order = streams.order(&order_id)?;
    let changes = order.correct_return(id, &told(state), told(&after))?;
    let source = Source::Return { order_id, return_id: id };
    put_right(unit, order, (&state.received, &after.received), &source, streams)?;
    Ok((order_id, events, changes))
}

fn told(state: &Return) -> ReturnTold {
    let lines = state.received.iter().map(Arrival::units).collect();
    ReturnTold { lines, withheld: state.withheld }
}

fn owner(state: &Return) -> Result<OrderId, Stop> {
    state.order_id.ok_or_else(|| return_::Error::NotFound.into())
}
