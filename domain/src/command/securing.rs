//! What stands for an order's money, and what that makes of the order. One that waits for its first
//! payment is certain once all that it owes was taken, however that came. While nothing of it has
//! left, one that is certain waits for another payment, for a time, once nothing stands for what it
//! owes, and no longer once that is taken or set aside again. Asked after whatever changes either
//! side. Nobody is asked for anything here.

use chrono::{DateTime, Utc};

use super::balance::Balance;
use super::confirming::commit_stock;
use super::{Stop, Unit};
use crate::StreamId;
use crate::ids::{OrderId, PaymentId};
use crate::order::{Order, Status};
use crate::payment::{Operation, Payment, Stage};
use crate::state::Streams;

/// A payment of an order, and whether the order has done with it.
pub(super) type Attempt<'a> = (PaymentId, &'a Payment, bool);

/// The payments of an order; `own` as it is after this command.
pub(super) fn attempts<'a>(
    order: &Order,
    own: Option<(PaymentId, &'a Payment)>,
    streams: Streams<'a>,
) -> Result<Vec<Attempt<'a>>, Stop> {
    let is_own = |id: &PaymentId| own.filter(|(own, _)| own == id);
    let others = order.payments.keys().filter(|id| is_own(id).is_none());
    streams.require(others.map(|id| StreamId::Payment(*id)))?;
    let mut attempts = Vec::with_capacity(order.payments.len());
    for (id, attempt) in &order.payments {
        let state = match is_own(id) {
            Some((_, state)) => state,
            None => streams.payment(id)?,
        };
        attempts.push((*id, state, attempt.ended));
    }
    Ok(attempts)
}

/// Asks the rule alone, where nobody is to be asked for money again at once.
pub(super) fn secure(
    unit: &mut Unit,
    (order_id, order): (OrderId, &Order),
    own: Option<(PaymentId, &Payment)>,
    at: Option<DateTime<Utc>>,
    streams: Streams,
) -> Result<(), Stop> {
    let attempts = attempts(order, own, streams)?;
    if let Some(balance) = Balance::of(order, attempts.iter().map(|(_, of, ended)| (*of, *ended))) {
        let own = own.map(|(id, _)| id);
        stand(unit, (order_id, order), (&attempts, &balance), own, at, streams)?;
    }
    Ok(())
}

/// The rule; gives the order as it is then, if it has become certain. What changed it is `payment`,
/// if it was one. Without the time of the command nothing can come to its end, for of that one
/// knows when.
pub(super) fn stand(
    unit: &mut Unit,
    (order_id, order): (OrderId, &Order),
    (attempts, balance): (&[Attempt], &Balance),
    payment: Option<PaymentId>,
    at: Option<DateTime<Utc>>,
    streams: Streams,
) -> Result<Option<Order>, Stop> {
    if order.status == Status::Pending {
        return become_certain(unit, (order_id, order), (attempts, balance), payment, streams);
    }
    let event = if balance.due().is_zero() {
        order.secure(None)
    } else if attempts.iter().any(may_change) {
        None
    } else {
        at.and_then(|at| order.unsecure(payment, at))
    };
    unit.go_on(&StreamId::Order(order_id), event.into_iter().collect());
    Ok(None)
}

/// By `payment`, where that took something, or another that did.
fn become_certain(
    unit: &mut Unit,
    (order_id, order): (OrderId, &Order),
    (attempts, balance): (&[Attempt], &Balance),
    payment: Option<PaymentId>,
    streams: Streams,
) -> Result<Option<Order>, Stop> {
    let took = |of: &Payment| of.terms.as_ref().is_some_and(|terms| !terms.kept().is_zero());
    let paid = || attempts.iter().filter(|(_, of, _)| took(of)).map(|(id, ..)| *id);
    let by = paid().find(|id| payment == Some(*id)).or_else(|| paid().next());
    let Some(by) = by.filter(|_| balance.is_covered()) else { return Ok(None) };
    let confirmed = order.confirm(by)?;
    let mut after = order.clone();
    for event in &confirmed {
        after.evolve(event);
    }
    unit.go_on(&StreamId::Order(order_id), confirmed);
    commit_stock(unit, order_id, order, streams)?;
    Ok(Some(after))
}

/// Whether what stands for the order may change by this payment without anybody's doing: something
/// is set aside or due at the door, or a gateway is being asked. Of one that the order has done
/// with only what was taken counts.
fn may_change((_, payment, ended): &Attempt) -> bool {
    match payment.in_flight.map(|asked| asked.operation) {
        Some(Operation::Capture | Operation::Refund) => true,
        Some(Operation::Authorize | Operation::Void) => !ended,
        None => !ended && payment.stage == Stage::Open,
    }
}
