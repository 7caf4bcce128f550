//! Money against what is owed: what the gateways are to be asked so that what was taken is what an
//! order owes. Decided with whatever changes either; what a gateway refuses is asked again later.
//!
//! Too much was taken: it is given back. Goods left: as much as they cost is taken, by the
//! payment's policy. Nothing more will be owed: what is still set aside is let go.

use super::{Stop, Unit};
use crate::StreamId;
use crate::ids::PaymentId;
use crate::money::Money;
use crate::order::{Order, Status};
use crate::payment::{self, CapturePolicy, Operation, Payment, Stage, Terms};
use crate::state::Streams;
use crate::text::Note;

/// Adds what is to be asked about the payments of `order`, as it is after this command. `own` is a
/// payment that the command itself has changed, as it is then. A payment about which the gateway is
/// being asked waits for the answer.
pub(super) fn settle(
    unit: &mut Unit,
    order: &Order,
    own: Option<(PaymentId, &Payment)>,
    streams: Streams,
) -> Result<(), Stop> {
    let Some(owed) = order.owed() else { return Ok(()) };
    streams.require(order.payments.keys().filter_map(|id| {
        let known = own.is_some_and(|(own, _)| own == *id);
        (!known).then_some(StreamId::Payment(*id))
    }))?;
    let mut payments = Vec::with_capacity(order.payments.len());
    for (id, attempt) in &order.payments {
        let state = match own {
            Some((own, state)) if own == *id => state,
            _ => streams.payment(id)?,
        };
        payments.push((*id, state, attempt.ended));
    }
    let mut balance =
        Balance::of(owed, &payments.iter().map(|(_, payment, _)| *payment).collect::<Vec<_>>());
    for (id, payment, ended) in payments {
        if payment.in_flight.is_none() {
            unit.go_on(&StreamId::Payment(id), balance.next(order, payment, ended));
        }
    }
    Ok(())
}

/// What all payments of an order have come to.
struct Balance {
    /// What is owed in the end.
    owed: Money,
    /// What was taken and kept, or is being taken.
    kept: Money,
    /// What of that is too much and is not being given back already.
    excess: Money,
}

impl Balance {
    fn of(owed: Money, payments: &[&Payment]) -> Self {
        let zero = Money::zero(owed.currency());
        let sum = |amounts: &mut dyn Iterator<Item = Money>| {
            amounts.fold(zero, |sum, amount| sum.plus(amount).unwrap_or(sum))
        };
        let asked = |operation: Operation| {
            let asked = payments.iter().filter_map(|payment| payment.in_flight);
            sum(&mut asked.filter(|it| it.operation == operation).map(|it| it.amount))
        };
        let taken = payments.iter().filter_map(|payment| payment.terms.as_ref());
        let taken = sum(&mut taken.map(Terms::kept));
        let kept = taken.plus(asked(Operation::Capture)).unwrap_or(taken);
        let excess = taken.less(owed).less(asked(Operation::Refund));
        Self { owed, kept, excess }
    }

    /// What is to be asked about one payment; counts it.
    fn next(&mut self, order: &Order, payment: &Payment, ended: bool) -> Vec<payment::Event> {
        let Some(terms) = &payment.terms else { return vec![] };
        let dead = ended || order.status == Status::Cancelled;
        let asked = match payment.stage {
            Stage::Created | Stage::RequiresAction if dead => payment.abort(off()),
            Stage::Open if !terms.by_gateway() => {
                let over = order.status == Status::Completed && self.rest(order, terms).is_zero();
                if dead || over { payment.uncollect(None) } else { Ok(vec![]) }
            }
            Stage::Open => {
                let due = self.due(order, payment, terms);
                let over = order.status == Status::Completed && self.rest(order, terms).is_zero();
                if dead || over {
                    payment.void()
                } else if due.is_zero() {
                    Ok(vec![])
                } else {
                    self.kept = self.kept.plus(due).unwrap_or(self.kept);
                    payment.capture(Some(due), due)
                }
            }
            _ => Ok(vec![]),
        };
        // What cannot be asked any more is for people to see to: it must not stop what happened.
        let asked = asked.unwrap_or_default();
        let back = self.excess.at_most(terms.kept());
        if !asked.is_empty() || back.is_zero() || !terms.by_gateway() {
            return asked;
        }
        self.excess = self.excess.less(back);
        payment.refund(Some(back), None).unwrap_or_default()
    }

    /// What is still to be taken of a payment in the end.
    fn rest(&self, order: &Order, terms: &Terms) -> Money {
        self.lacking(self.owed, order, terms)
    }

    /// What of `wanted` is not there yet. What this payment has given back beyond what came back
    /// was goodwill: it is not taken again.
    fn lacking(&self, wanted: Money, order: &Order, terms: &Terms) -> Money {
        let came_back = order.worth_of_returned().unwrap_or_else(|| wanted.less(wanted));
        let ever_wanted = wanted.plus(came_back).unwrap_or(wanted);
        let by_others = self.kept.less(terms.kept());
        let ever_taken = by_others.plus(terms.captured).unwrap_or(by_others);
        wanted.less(self.kept).at_most(ever_wanted.less(ever_taken))
    }

    /// What is to be taken of a payment now, by its policy.
    fn due(&self, order: &Order, payment: &Payment, terms: &Terms) -> Money {
        let zero = Money::zero(self.owed.currency());
        let certain = matches!(order.status, Status::Confirmed | Status::Completed);
        let wanted = match terms.capture {
            CapturePolicy::AtOnce if certain => self.owed,
            // What cannot be taken in parts is taken when the first goods leave.
            CapturePolicy::AtShipment if terms.once && order.has_left() => self.owed,
            CapturePolicy::AtShipment => order.owed_for_sent().unwrap_or(zero),
            CapturePolicy::AtOnce | CapturePolicy::ByHand => zero,
        };
        self.lacking(wanted, order, terms).at_most(payment.open_amount().unwrap_or(zero))
    }
}

fn off() -> Note {
    Note::try_from("the order was not paid this way".to_owned()).expect("the constant is a note")
}
