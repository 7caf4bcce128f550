//! Money against what is owed: what the gateways are to be asked so that what was taken is what an
//! order owes. Decided with whatever changes either; what a gateway refuses is asked again later.
//!
//! Too much was taken: it is given back. Goods left: as much as they cost is taken, by the
//! payment's policy. Nothing more can be owed: what is still set aside is let go, and the order
//! waits for no other payment.

use chrono::{DateTime, Utc};

use super::balance::Balance;
use super::{Stop, Unit, securing};
use crate::StreamId;
use crate::ids::{OrderId, PaymentId};
use crate::money::Money;
use crate::order::{Order, Status};
use crate::payment::{self, CapturePolicy, Operation, Payment, Stage, Terms};
use crate::state::Streams;
use crate::text::Note;

/// Adds what is to be asked about the payments of an order, as it is after this command, and what
/// the order becomes by how they stand. `own` is a payment that the command itself has changed, as
/// it is then. A payment about which the gateway is being asked waits for the answer.
pub(super) fn settle(
    unit: &mut Unit,
    (order_id, order): (OrderId, &Order),
    own: Option<(PaymentId, &Payment)>,
    at: Option<DateTime<Utc>>,
    streams: Streams,
) -> Result<(), Stop> {
    let payments = securing::attempts(order, own, streams)?;
    let states = payments.iter().map(|(_, payment, ended)| (*payment, *ended));
    let Some(mut balance) = Balance::of(order, states) else { return Ok(()) };
    let (known, own) = ((&payments[..], &balance), own.map(|(id, _)| id));
    let certain = securing::stand(unit, (order_id, order), known, own, at, streams)?;
    let order = certain.as_ref().unwrap_or(order);
    for (id, payment, ended) in payments {
        if payment.in_flight.is_none() {
            let asked = next(&mut balance, order, payment, ended);
            // One that is done with ends without a word of it.
            if order.status == Status::Confirmed && asked.iter().any(|it| is_end(payment, it)) {
                unit.go_on(&StreamId::Order(order_id), order.end_payment(id));
            }
            unit.go_on(&StreamId::Payment(id), asked);
        }
    }
    Ok(())
}

/// Whether a payment comes to nothing by this. What is set aside does when the gateway says so.
fn is_end(payment: &Payment, event: &payment::Event) -> bool {
    let fruitless = payment.terms.as_ref().is_none_or(|terms| terms.captured.is_zero());
    match event {
        payment::Event::Failed(_) | payment::Event::Uncollected(_) => fruitless,
        payment::Event::Requested(asked) => payment.is_given_up(asked.operation),
        _ => false,
    }
}

/// What is to be asked about one payment; counts it. What cannot be asked any more is for people to
/// see to: it must not stop what happened.
fn next(
    balance: &mut Balance,
    order: &Order,
    payment: &Payment,
    ended: bool,
) -> Vec<payment::Event> {
    let Some(terms) = &payment.terms else { return vec![] };
    let dead = ended || order.status == Status::Cancelled;
    let done = order.status == Status::Completed && balance.lacking(balance.owed).is_zero();
    let over = done || order.status == Status::Confirmed && balance.is_covered();
    let unneeded = payment.stage == Stage::Open && (dead || over);
    // What goes back and what is let go do not wait for each other: what was refused last comes
    // second.
    let back = balance.excess().at_most(terms.kept());
    let void_first = unneeded && payment.refused == Some(Operation::Refund);
    if terms.by_gateway()
        && !back.is_zero()
        && !void_first
        && let Ok(asked) = payment.refund(Some(back), None, false)
    {
        balance.give_back(back);
        return asked;
    }
    let asked = match payment.stage {
        Stage::Created | Stage::RequiresAction if dead || over => payment.abort(off()),
        Stage::Open if unneeded && terms.by_gateway() => payment.void(),
        Stage::Open if unneeded => payment.uncollect(None),
        Stage::Open if !terms.by_gateway() => Ok(vec![]),
        Stage::Open => {
            let due = due(balance, order, payment, terms);
            if due.is_zero() {
                Ok(vec![])
            } else {
                balance.take(due);
                payment.capture(Some(due), due)
            }
        }
        _ => Ok(vec![]),
    };
    asked.unwrap_or_default()
}

/// What is to be taken of a payment now, by its policy.
fn due(balance: &Balance, order: &Order, payment: &Payment, terms: &Terms) -> Money {
    let zero = Money::zero(balance.owed.currency());
    let certain = matches!(order.status, Status::Confirmed | Status::Completed);
    let wanted = match terms.capture {
        CapturePolicy::AtOnce if certain => balance.owed,
        // What cannot be taken in parts is taken when the first goods leave.
        CapturePolicy::AtShipment if terms.once && order.has_left() => balance.owed,
        CapturePolicy::AtShipment => order.owed_for_sent().unwrap_or(zero),
        CapturePolicy::AtOnce | CapturePolicy::ByHand => zero,
    };
    balance.lacking(wanted).at_most(payment.open_amount().unwrap_or(zero))
}

fn off() -> Note {
    Note::try_from("the order was not paid this way".to_owned()).expect("the constant is a note")
}
