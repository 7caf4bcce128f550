//! Money is settled: at rest, what an order's payments keep is what it owes. More is kept only
//! where a gateway refused to give it back or cash is still to be paid out by hand; less only where
//! somebody meant it to be so: by capturing by hand, by giving money back out of goodwill, by a
//! card of which nothing can be taken, by a dispute, or where a parcel turned up whose loss was
//! paid back.

use std::collections::BTreeMap;

use domain::order::{Order, Status};
use domain::payment::{CapturePolicy, Event as Paid, Operation, Payment};
use domain::{Event, Money, OrderId, PaymentId, StreamId};

use super::Verdict;
use super::log::Log;

/// An order's money, over all its payments.
#[derive(Default)]
struct Purse {
    payments: BTreeMap<PaymentId, Payment>,
    /// A capture, or a refund, was refused.
    capture_refused: bool,
    refund_refused: bool,
    /// Somebody gave money back who was not the engine, or would have a bank do so.
    goodwill: bool,
}

pub(super) fn check(log: &Log) -> Verdict {
    let mut verdict = Verdict::new("money that is kept is money that is owed");
    let mut orders: BTreeMap<OrderId, Order> = BTreeMap::new();
    let mut purses: BTreeMap<OrderId, Purse> = BTreeMap::new();
    for entry in &log.entries {
        match (&entry.stream, &entry.event) {
            (StreamId::Order(id), Event::Order(event)) => {
                orders.entry(*id).or_default().evolve(event);
            }
            (StreamId::Payment(id), Event::Payment(event)) => {
                purses.entry(event.order_id()).or_default().take(*id, event);
            }
            _ => {}
        }
    }
    for (id, order) in &orders {
        if let Some(wrong) = purses.get(id).and_then(|purse| wrong(order, purse)) {
            verdict.broken(format!("order {id}: {wrong}"));
        }
    }
    verdict.covers(format!("{} orders, {} of them paid somehow", orders.len(), purses.len()))
}

impl Purse {
    fn take(&mut self, id: PaymentId, event: &Paid) {
        match event {
            Paid::RequestFailed(failed) => match failed.operation {
                Operation::Capture => self.capture_refused = true,
                Operation::Refund => self.refund_refused = true,
                Operation::Authorize | Operation::Void => {}
            },
            // The engine has no reason beside that the money is not owed.
            Paid::Requested(asked) if asked.operation == Operation::Refund => {
                self.goodwill |= asked.reason.is_some();
            }
            Paid::Disputed(_) => self.goodwill = true,
            Paid::Refunded(refunded) => self.goodwill |= refunded.request.is_none(),
            Paid::Reported(reported) => self.goodwill |= reported.operation == Operation::Refund,
            _ => {}
        }
        self.payments.entry(id).or_default().evolve(event);
    }

    fn kept(&self, owed: Money) -> Money {
        let terms = self.payments.values().filter_map(|payment| payment.terms.as_ref());
        let zero = Money::zero(owed.currency());
        terms.fold(zero, |sum, terms| sum.plus(terms.kept()).unwrap_or(sum))
    }

    /// Whether everything was paid through a gateway, and by itself.
    fn by_itself(&self) -> bool {
        let mut terms = self.payments.values().filter_map(|payment| payment.terms.as_ref());
        terms.all(|terms| terms.by_gateway() && terms.capture != CapturePolicy::ByHand)
    }
}

fn wrong(order: &Order, purse: &Purse) -> Option<String> {
    if purse.payments.values().any(|payment| payment.in_flight.is_some()) {
        return None;
    }
    let owed = order.owed()?;
    let kept = purse.kept(owed);
    let cash = |payment: &Payment| payment.terms.as_ref().is_some_and(|terms| !terms.by_gateway());
    let by_hand = purse.payments.values().any(cash);
    let too_much = kept.amount() > owed.amount() && !by_hand && !purse.refund_refused;
    let should = order.status == Status::Completed && purse.by_itself();
    let meant = purse.goodwill || order.regained.is_some();
    let too_little = should && kept.amount() < owed.amount() && !purse.capture_refused && !meant;
    (too_much || too_little)
        .then(|| format!("it is {:?} and owes {owed}, and {kept} is kept", order.status))
}
