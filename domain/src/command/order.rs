//! Commands to orders: changing one that was placed, and calling it off. Its units go back on sale,
//! its open parcels are cancelled, and its money follows, all in one append. And recording one of
//! other books, of which stock hears nothing.

use chrono::{DateTime, Utc};

use super::balance::Balance;
use super::confirming::commit_stock;
use super::{Events, Stop, Unit, settling};
use crate::StreamId;
use crate::ids::{AddressId, CustomerId, FulfilmentId, GuestId, OrderId};
use crate::order::{self, CancelReason, Event, Order, ParcelOutcome, Recording, Status, Units};
use crate::payment;
use crate::state::Streams;
use crate::text::{Note, Sku};

/// What may be asked of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take one over that was sold before it came to this log. For imports: no caller of the API
    /// may name prices.
    Record(Recording),
    /// Make a guest's order a customer's.
    Assign {
        /// Whose it is from now on.
        customer_id: CustomerId,
        /// The guest they were before they signed in.
        guest_id: Option<GuestId>,
    },
    /// Call it off.
    Cancel {
        /// Why.
        reason: Note,
        /// Which units; nothing named means all that has not left.
        lines: Vec<Units>,
    },
    /// Make a line smaller.
    ShrinkLine {
        /// Which.
        sku: Sku,
        /// Units that are left of it.
        quantity: u32,
        /// Why.
        reason: Note,
    },
    /// Send it to another address.
    ChangeAddress {
        /// Where.
        address_id: AddressId,
    },
    /// Write something about it, for those who work here.
    AddNote {
        /// What.
        note: Note,
    },
    /// Its reservation fell due: call it off unless it was paid.
    Expire {
        /// When this is asked.
        at: DateTime<Utc>,
    },
    /// Ask the gateways again what they refused: to take what is owed, to give back what is not.
    Settle,
}

impl Command {
    /// Whether the subject is new.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Record(_))
    }
}

pub(crate) fn decide(id: OrderId, command: Command, streams: Streams) -> Result<Events, Stop> {
    let order = streams.order(&id)?;
    let events = match command {
        Command::Record(recording) => {
            let mut unit = Unit::default();
            unit.add(&StreamId::Order(id), order.record(recording)?);
            return Ok(unit.0);
        }
        // Nothing follows from it.
        Command::AddNote { note } => {
            let mut unit = Unit::default();
            unit.add(&StreamId::Order(id), order.add_note(note)?);
            return Ok(unit.0);
        }
        Command::Assign { customer_id, .. } => return assign(id, order, customer_id, streams),
        Command::Cancel { reason, lines } if lines.is_empty() => {
            order.cancel(CancelReason::Requested(reason))?
        }
        Command::Cancel { reason, lines } => cancel_units(order, lines, reason, streams)?,
        Command::ShrinkLine { sku, quantity, reason } => {
            let fewer = order.shrink_line(&sku, quantity)?;
            if fewer.is_empty() { vec![] } else { cancel_units(order, fewer, reason, streams)? }
        }
        Command::ChangeAddress { address_id } => change_address(order, address_id, streams)?,
        Command::Expire { at } => expire(order, at, streams)?,
        Command::Settle => {
            let mut unit = Unit::default();
            settling::settle(&mut unit, (id, order), None, None, streams)?;
            return Ok(unit.0);
        }
    };
    let mut unit = Unit::default();
    if let Some(after) = follow(&mut unit, id, order, &events, streams)? {
        settling::settle(&mut unit, (id, &after), None, None, streams)?;
    }
    Ok(unit.0)
}

/// Not under a parcel that is packed: nobody would look at its label again.
fn change_address(
    order: &Order,
    address_id: AddressId,
    streams: Streams,
) -> Result<Vec<Event>, Stop> {
    let changed = order.change_address(address_id)?;
    let fulfilment_ids = packed(order, streams)?;
    if fulfilment_ids.is_empty() {
        Ok(changed)
    } else {
        Err(order::Error::Packed { fulfilment_ids }.into())
    }
}

/// Not out of a parcel that is packed: it would leave as it is.
fn cancel_units(
    order: &Order,
    lines: Vec<Units>,
    reason: Note,
    streams: Streams,
) -> Result<Vec<Event>, Stop> {
    let in_none = order::merge(lines.clone(), |sku| order.unplanned(sku)).is_ok();
    let packed = if in_none { vec![] } else { packed(order, streams)? };
    Ok(order.cancel_units(lines, &packed, reason)?)
}

/// Its parcels that are packed and have not left.
fn packed(order: &Order, streams: Streams) -> Result<Vec<FulfilmentId>, Stop> {
    streams.require(order.planned().map(|(id, _)| StreamId::Fulfilment(id)))?;
    let mut packed = Vec::new();
    for (id, _) in order.planned() {
        if streams.fulfilment(&id)?.is_packed() {
            packed.push(id);
        }
    }
    Ok(packed)
}

/// Its payments name whose it is, and follow it; so does the cart that it was.
fn assign(id: OrderId, order: &Order, to: CustomerId, streams: Streams) -> Result<Events, Stop> {
    let assigned = order.assign(to)?;
    let mut unit = Unit::default();
    if !assigned.is_empty() {
        let cart = order.cart_id.map(StreamId::Cart);
        let payments = order.payments.keys().copied().map(StreamId::Payment);
        streams.require(payments.chain(cart))?;
        unit.add(&StreamId::Order(id), assigned);
        for payment in order.payments.keys() {
            let assigned = streams.payment(payment)?.assign(to)?;
            unit.add(&StreamId::Payment(*payment), assigned);
        }
        if let Some(cart) = order.cart_id {
            unit.add(&StreamId::Cart(cart), streams.cart(&cart)?.go_along(id, to));
        }
    }
    Ok(unit.0)
}

fn expire(order: &Order, at: DateTime<Utc>, streams: Streams) -> Result<Vec<Event>, Stop> {
    match order.status {
        Status::Unplaced => return Err(order::Error::NotFound.into()),
        // What was taken before may be enough, after some of it was called off.
        Status::Confirmed if order.unsecured => {
            if Balance::load(order, streams)?.due().is_zero() {
                return Ok(order.secure(None).into_iter().collect());
            }
        }
        Status::Confirmed | Status::Completed | Status::Cancelled => return Ok(vec![]),
        // Nothing is set aside for it that others wait for.
        Status::Pending if order.recorded => return Ok(vec![]),
        Status::Pending => {}
    }
    if order.reserved_until.is_some_and(|until| at < until) {
        return Err(order::Error::NotDue.into());
    }
    streams.require(order.standing_payments().map(StreamId::Payment))?;
    let bound = order.hold_until_max.is_some_and(|max| at >= max);
    for id in order.standing_payments() {
        // A gateway that is being asked may say yes: that is waited for, but not for ever.
        if !bound && streams.payment(&id)?.in_flight.is_some() {
            return Err(payment::Error::RequestInFlight.into());
        }
    }
    Ok(order.cancel(CancelReason::Expired)?)
}

/// Adds events of an order with what they do to its parcels and its stock; gives the order as it is
/// then, if anything happened. Its money is left to the caller.
pub(super) fn follow(
    unit: &mut Unit,
    id: OrderId,
    order: &Order,
    events: &[Event],
    streams: Streams,
) -> Result<Option<Order>, Stop> {
    if events.is_empty() {
        return Ok(None);
    }
    streams.require(touched(order, events))?;
    let mut after = order.clone();
    unit.add(&StreamId::Order(id), events.to_vec());
    for event in events {
        after.evolve(event);
        match event {
            Event::FulfilmentClosed(closed) if closed.outcome == ParcelOutcome::Cancelled => {
                let cancelled = streams.fulfilment(&closed.fulfilment_id)?.cancel();
                let cancelled = cancelled.map_err(|_| order::Error::AlreadyShipped)?;
                unit.add(&StreamId::Fulfilment(closed.fulfilment_id), cancelled);
            }
            Event::UnitsCancelled(cancelled) if !order.recorded => {
                for Units { sku, quantity } in &cancelled.lines {
                    let released = streams.stock(sku)?.release_units(id, *quantity);
                    unit.add(&StreamId::Stock(sku.clone()), released);
                }
            }
            Event::Confirmed(confirmed) if confirmed.payment_id.is_none() => {
                commit_stock(unit, id, &after, streams)?;
            }
            Event::Cancelled(_) if !has_cancelled_units(events) => {
                for line in order.stocked_lines() {
                    let released = streams.stock(&line.sku)?.release(id);
                    unit.add(&StreamId::Stock(line.sku.clone()), released);
                }
            }
            _ => {}
        }
    }
    Ok(Some(after))
}

/// Whether what the order held was released unit by unit: nothing is left to be released then.
fn has_cancelled_units(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event, Event::UnitsCancelled(_)))
}

fn touched(order: &Order, events: &[Event]) -> Vec<StreamId> {
    let mut streams = Vec::new();
    for event in events {
        match event {
            Event::FulfilmentClosed(closed) if closed.outcome == ParcelOutcome::Cancelled => {
                streams.push(StreamId::Fulfilment(closed.fulfilment_id));
            }
            Event::UnitsCancelled(cancelled) if !order.recorded => {
                let stock = |units: &Units| StreamId::Stock(units.sku.clone());
                streams.extend(cancelled.lines.iter().map(stock));
            }
            Event::Cancelled(_) | Event::Confirmed(_) => {
                let stock = |line: &order::Line| StreamId::Stock(line.sku.clone());
                streams.extend(order.stocked_lines().iter().map(stock));
            }
            _ => {}
        }
    }
    streams
}
