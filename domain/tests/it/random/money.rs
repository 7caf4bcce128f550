//! The money of payments moves by their events alone: a ledger of the events beside what the states
//! say, cent by cent. And no order's sales come to less than nothing, or to more than it was sold
//! for.

use std::collections::BTreeMap;

use domain::order::{Order, Status};
use domain::page::sales::{self, Document, Ledger};
use domain::payment::{DisputeStage, Event as Paid, Operation, Payment, Restoration, Terms};
use domain::return_::Return;
use domain::{Event, Money, OrderId, PaymentId, Seen, State, StreamId};
use kit::{Fact, Shop, hour, pay_on_delivery};
use rust_decimal::Decimal;

/// What was taken, given back, taken back by banks, and handed over by couriers.
type Sums = [Decimal; 4];

/// What a command moved is what its events say.
pub fn check(before: &Shop, facts: &[Fact], after: &Shop) {
    let mut moved: BTreeMap<PaymentId, Sums> = BTreeMap::new();
    for (stream, event) in facts {
        let (StreamId::Payment(id), Event::Payment(event)) = (stream, event) else { continue };
        let sums = moved.entry(*id).or_default();
        for (sum, more) in sums.iter_mut().zip(moves(event)) {
            *sum += more;
        }
    }
    for (id, sums) in moved {
        let (was, is) = (known(before, id), known(after, id));
        let changed = std::array::from_fn(|which| is[which] - was[which]);
        assert_eq!(sums, changed, "{id}: {facts:?}");
    }
}

fn moves(event: &Paid) -> Sums {
    let [mut taken, mut back, mut by_banks, mut remitted] = Sums::default();
    match event {
        Paid::Captured(it) => taken = it.amount.amount(),
        Paid::Collected(it) => taken = it.amount.amount(),
        Paid::CollectionCorrected(it) => taken = it.amount.amount() - it.before.amount(),
        Paid::Refunded(it) => back = it.amount.amount(),
        Paid::RefundCorrected(it) => back = it.amount.amount() - it.before.amount(),
        Paid::Reported(it) => match it.operation {
            Operation::Capture => taken = it.amount.amount(),
            Operation::Refund => back = it.amount.amount(),
            Operation::Authorize | Operation::Void => {}
        },
        Paid::Disputed(it) if it.stage == DisputeStage::Lost => by_banks = it.amount.amount(),
        Paid::Restored(it) => match it.what {
            Restoration::Refund => back = -it.amount.amount(),
            Restoration::Dispute => by_banks = -it.amount.amount(),
        },
        Paid::Remitted(it) => remitted = it.amount.amount(),
        Paid::RemittanceCorrected(it) => remitted = it.amount.amount() - it.before.amount(),
        _ => {}
    }
    [taken, back, by_banks, remitted]
}

fn known(shop: &Shop, id: PaymentId) -> Sums {
    let State::Payment(Payment { terms: Some(terms), .. }) = shop.state(&StreamId::Payment(id))
    else {
        return Sums::default();
    };
    let Terms { captured, refunded, charged_back, remitted, .. } = terms;
    [captured, refunded, charged_back, remitted].map(Money::amount)
}

/// The sales of each order, as if it were all the shop had.
#[derive(Default)]
pub struct Sales {
    position: i64,
    orders: BTreeMap<OrderId, (BTreeMap<String, Document>, Ledger)>,
}

impl Sales {
    /// Folds what happened, and looks at the orders it happened to.
    pub fn check(&mut self, facts: &[Fact], after: &Shop) {
        for (stream, event) in facts {
            self.position += 1;
            let (position, version) = (self.position, self.position);
            let seen = Seen { stream, version, position, occurred_at: hour(0), event };
            let Some((_, id)) = sales::keys(&seen) else { continue };
            let (days, ledger) = self.orders.entry(id).or_default();
            sales::fold(days, ledger, &seen);
        }
        for (id, (days, _)) in &self.orders {
            // What was given back may be told before it is told that it was taken.
            if told_early(after, *id) {
                continue;
            }
            for day in days.values() {
                let (net, gross) = (day.net.amount, day.gross.amount);
                assert!(net >= Decimal::ZERO && net <= gross, "{day:?} after {facts:?}");
            }
        }
    }
}

fn told_early(shop: &Shop, id: OrderId) -> bool {
    let State::Order(order) = shop.state(&StreamId::Order(id)) else { return false };
    order.payments.keys().any(|id| {
        let [taken, back, by_banks, _] = known(shop, *id);
        back + by_banks > taken
    })
}

/// Of an order that owes nothing, nothing stays set aside unless the gateway refuses to let go, and
/// it waits for no payment.
pub fn check_needed(order: &Order, payment: &Payment) {
    if order.owed().is_some_and(|owed| !owed.is_zero()) {
        return;
    }
    assert!(!order.unsecured, "it waits for nothing: {order:?}");
    let let_go = payment.in_flight.is_some() || payment.refused.is_some();
    assert!(let_go || !payment.is_alive(), "set aside for nothing: {payment:?} {order:?}");
}

/// An order that is certain, that may be paid again and of which nothing has left waits for that,
/// for a time, and one that may not, for all was taken, is certain; unless somebody is being asked
/// about its money.
pub fn check_waits(shop: &Shop) {
    for (stream, state) in shop.streams() {
        let (StreamId::Order(id), State::Order(order)) = (stream, state) else { continue };
        let is_open = matches!(order.status, Status::Pending | Status::Confirmed);
        if !is_open || order.has_left() {
            continue;
        }
        let asked = order.payments.keys().any(|id| match shop.state(&StreamId::Payment(*id)) {
            State::Payment(payment) => payment.in_flight.is_some(),
            other => panic!("{other:?}"),
        });
        let paying = shop.decide(&pay_on_delivery(9_999, *id));
        if order.status == Status::Pending {
            let paid = paying.is_err_and(|no| no.code().0 == "order_paid");
            assert!(asked || !paid, "it is paid, and not certain: {order:?}");
        } else {
            let waits = order.unsecured || order.recorded || paying.is_err();
            assert!(waits || asked, "it is held for ever: {order:?}");
        }
    }
}

/// Never more taken by a gateway than set aside, never more given back than taken.
pub fn check_sums(payment: &Payment) {
    let terms = payment.terms.as_ref().expect("it has events");
    // What a gateway tells of itself is the truth, in whatever order it is told.
    if payment.counted.iter().any(|reference| reference.as_str().starts_with("seen_")) {
        return;
    }
    let within = |less: Money, more: Money| more.minus(less).is_some();
    let set_aside = terms.at_most_captured();
    assert!(within(set_aside, terms.amount), "{payment:?}");
    // What came in cash is what came, whatever was due.
    assert!(!terms.by_gateway() || within(terms.captured, set_aside), "{payment:?}");
    assert!(within(terms.refunded, terms.captured), "{payment:?}");
    assert!(within(terms.refunded_by_hand, terms.refunded), "{payment:?}");
    let settled = terms.remitted.plus(terms.written_off).expect("a sum");
    assert!(within(settled, terms.captured), "{payment:?}");
}

/// What its returns say has come is what the order counts as back, and holds back of its price.
pub fn check_returns(order: &Order, returns: &[&Return]) {
    for line in &order.lines {
        let came = returns.iter().flat_map(|back| &back.received);
        let came = came.filter(|it| it.sku == line.sku).map(|it| it.quantity.get());
        assert_eq!(order.progress(&line.sku).returned, came.sum::<u32>(), "{order:?} {returns:?}");
        let of = order.returns.values().flatten().filter(|units| units.sku == line.sku);
        let announced: u32 = of.map(|units| units.quantity.get()).sum();
        assert_eq!(order.progress(&line.sku).returning, announced, "{order:?} {returns:?}");
    }
    let amount = |money: Option<Money>| money.map_or(Decimal::ZERO, Money::amount);
    let withheld: Decimal = returns.iter().map(|back| amount(back.withheld)).sum();
    assert_eq!(amount(order.withheld), withheld, "{order:?} {returns:?}");
}
