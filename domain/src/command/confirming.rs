//! Money is there for an order: whether that makes it certain, and its units with it. What is asked
//! of the gateways because of it stands in [`super::settling`].

use super::balance::Balance;
use super::{Stop, Unit, stock as stock_command};
use crate::StreamId;
use crate::ids::{OrderId, PaymentId};
use crate::order::{self, Order, Status};
use crate::payment::{Operation, Payment, Stage};
use crate::state::Streams;

/// Money is set aside, or was taken: the order is certain, or secured again; though it had
/// expired, if its units are still to be had. What stands beside another payment, or for an order
/// that is off, and what is being let go is left to [`super::settling`].
pub(super) fn authorized(
    unit: &mut Unit,
    id: PaymentId,
    (before, after): (&Payment, &Payment),
    order: &Order,
    order_id: OrderId,
    streams: Streams,
) -> Result<Vec<order::Event>, Stop> {
    let waits = match order.status {
        Status::Pending => true,
        Status::Confirmed if order.unsecured => true,
        Status::Cancelled if order.expired => false,
        Status::Unplaced | Status::Confirmed | Status::Completed | Status::Cancelled => {
            return Ok(vec![]);
        }
    };
    let given_up = order.payments.get(&id).is_some_and(|attempt| attempt.ended)
        && matches!(before.stage, Stage::Created | Stage::RequiresAction);
    let let_go = after.in_flight.is_some_and(|asked| asked.operation == Operation::Void);
    // What was taken for good is not let go any more: it pays for the order.
    let taken = after.terms.as_ref().is_some_and(|terms| !terms.kept().is_zero());
    if !taken && (given_up || let_go) {
        return Ok(order.end_payment(id));
    }
    let others = || order.standing_payments().filter(|standing| *standing != id);
    streams.require(others().map(StreamId::Payment))?;
    for other in others() {
        if streams.payment(&other)?.is_alive() {
            return Ok(order.end_payment(id));
        }
    }
    if !waits {
        return reserve_anew(unit, id, order, order_id, streams);
    }
    if let Some(secured) = order.secure(Some(id)) {
        return Ok(vec![secured]);
    }
    commit_stock(unit, order_id, order, streams)?;
    Ok(order.confirm(id)?)
}

/// Somebody took money in the gateway's dashboard: the order is certain if that is enough.
pub(super) fn taken_there(
    unit: &mut Unit,
    id: PaymentId,
    states: (&Payment, &Payment),
    order: &Order,
    order_id: OrderId,
    streams: Streams,
) -> Result<Vec<order::Event>, Stop> {
    let secured = Balance::load_with(order, (id, states.1, false), streams)?.secured();
    let wanted = order.owed_unless_off().ok_or(order::Error::NotFound)?;
    if secured.amount() < wanted.amount() {
        return Ok(vec![]);
    }
    authorized(unit, id, states, order, order_id, streams)
}

fn reserve_anew(
    unit: &mut Unit,
    id: PaymentId,
    order: &Order,
    order_id: OrderId,
    streams: Streams,
) -> Result<Vec<order::Event>, Stop> {
    let lines = order.stocked_lines();
    let stocks = lines.iter().map(|line| StreamId::Stock(line.sku.clone()));
    let skus = lines.iter().map(|line| StreamId::Sku(line.sku.clone()));
    streams.require(stocks.chain(skus).chain(order.cart_id.map(StreamId::Cart)))?;
    // The shopper has gone on with the cart: to bring this back would be to sell it twice.
    if let Some(cart_id) = order.cart_id
        && streams.cart(&cart_id)?.order_id != Some(order_id)
    {
        return Ok(vec![]);
    }
    for line in lines {
        // Under this name another product may be sold by now.
        let owner = streams.sku(&line.sku)?.product_id;
        if owner.is_some_and(|owner| owner != line.product_id) {
            return Ok(vec![]);
        }
    }
    let (Ok(reinstated), Some(until)) = (order.reinstate(id), order.reserved_until) else {
        return Ok(vec![]);
    };
    let mut taken = Vec::new();
    for line in lines {
        let Ok(quantity) = order.kept(line).try_into() else { continue };
        match streams.stock(&line.sku)?.reserve_committed(order_id, quantity, until) {
            Ok(events) => taken.push((StreamId::Stock(line.sku.clone()), events)),
            // Sold meanwhile.
            Err(_) => return Ok(vec![]),
        }
    }
    for (stream, events) in taken {
        unit.add(&stream, events);
    }
    Ok(reinstated)
}

/// What an order keeps is its for certain, after what was called off in the same breath.
pub(super) fn commit_stock(
    unit: &mut Unit,
    order_id: OrderId,
    order: &Order,
    streams: Streams,
) -> Result<(), Stop> {
    let lines = || order.stocked_lines().iter().filter(|line| order.kept(line) > 0);
    streams.require(lines().map(|line| StreamId::Stock(line.sku.clone())))?;
    let mut decided = Vec::new();
    for line in lines() {
        let stream = StreamId::Stock(line.sku.clone());
        let before = streams.stock(&line.sku)?;
        // Copied only where it has changed: a SKU on sale may hold units for thousands.
        let mut after = None;
        for (of, event) in &unit.0 {
            if let (true, crate::Event::Stock(event)) = (*of == stream, event) {
                after.get_or_insert_with(|| before.clone()).evolve(event);
            }
        }
        let committed = after.as_ref().unwrap_or(before).commit(order_id);
        decided.push((line.sku.clone(), committed));
    }
    stock_command::add_all(unit, decided)
}
