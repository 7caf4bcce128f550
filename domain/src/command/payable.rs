//! How much of what an order owes a payment may take, and how much may be said to have come.
//! Decides nothing else.

use super::Stop;
use super::balance::Balance;
use crate::ids::PaymentId;
use crate::money::Money;
use crate::order::{self, Order, PaymentMethod, Status};
use crate::payment::{self, Payment};
use crate::state::Streams;

/// What is owed for the order of a payment beyond what was taken and kept.
pub(super) fn still_owed(state: &Payment, streams: Streams) -> Result<Money, Stop> {
    let terms = state.terms.as_ref().ok_or(payment::Error::NotFound)?;
    let order = streams.order(&terms.order_id)?;
    if order.status == Status::Cancelled {
        return Err(order::Error::Cancelled.into());
    }
    let balance = Balance::load(order, streams)?;
    Ok(balance.lacking(balance.owed))
}

/// Of an order that is off nothing is waited for any more.
fn nothing_delivered(order: &Order) -> order::Error {
    match order.status {
        Status::Cancelled => order::Error::Cancelled,
        _ => order::Error::NotDelivered,
    }
}

/// What may be said to have come in all by this payment, without a gateway: whatever it was, as
/// long as it is money together with what the order's other payments took.
pub(super) fn collected_at_most(
    id: PaymentId,
    state: &Payment,
    streams: Streams,
) -> Result<Money, Stop> {
    let terms = state.terms.as_ref().ok_or(payment::Error::NotFound)?;
    let order = streams.order(&terms.order_id)?;
    let others = Balance::taken_by_others(order, id, streams)?;
    let most = Money::largest(terms.amount.currency());
    Ok(others.map_or(most, |others| most.less(others)))
}

/// What is to be paid without a gateway, less what was taken already: at the door, for what was
/// handed over.
pub(super) fn due_by_hand(state: &Payment, streams: Streams) -> Result<Money, Stop> {
    let terms = state.terms.as_ref().ok_or(payment::Error::NotFound)?;
    if terms.method == PaymentMethod::External {
        return still_owed(state, streams);
    }
    let order = streams.order(&terms.order_id)?;
    if !order.any_delivered() {
        return Err(nothing_delivered(order).into());
    }
    let due = order.owed_for_delivered().ok_or(order::Error::NotFound)?;
    Ok(Balance::load(order, streams)?.lacking(due))
}
