//! Whether more was taken for an order than it was sold for, of all its payments together.

use super::Stop;
use super::balance::Balance;
use crate::ids::PaymentId;
use crate::money::Money;
use crate::order::{self, Order};
use crate::payment::Payment;
use crate::state::Streams;

/// What happened to the order, and whether more was taken for it than it was sold for.
pub(super) fn with_overpaid(
    mut events: Vec<order::Event>,
    id: PaymentId,
    (before, after): (&Payment, &Payment),
    order: &Order,
    streams: Streams,
) -> Result<Vec<order::Event>, Stop> {
    let taken = |payment: &Payment| payment.terms.as_ref().map(|terms| terms.captured);
    let (Some(before), Some(after)) = (taken(before), taken(after)) else { return Ok(events) };
    if before == after {
        return Ok(events);
    }
    let mut changed = order.clone();
    for event in &events {
        changed.evolve(event);
    }
    let others = Balance::taken_by_others(order, id, streams)?;
    let with_others = |own: Money| others.and_then(|sum| sum.plus(own)).unwrap_or(own);
    events.extend(changed.overpaid(id, with_others(before), with_others(after)));
    Ok(events)
}
