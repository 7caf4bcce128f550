//! Reservations are all resolved: an order that is off or done holds nothing, one that is under way
//! holds exactly what it has bought and neither sent nor called off, and one nobody paid is off in
//! time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::order::{Order, Status};
use domain::stock::{Event as Happened, Hold, Received, Source, Stock};
use domain::{Event, OrderId, Sku, StreamId};

use super::Verdict;
use super::log::Log;

/// How late an unpaid order may be called off: the clock of a service may have been shifted, and
/// whoever calls it off may have been dead.
const GRACE: TimeDelta = TimeDelta::minutes(4);

/// What is known of a round's orders and of what is held for them.
#[derive(Default)]
struct Books {
    orders: BTreeMap<OrderId, Order>,
    /// Orders of which a payment waits for the gateway's answer.
    asking: BTreeSet<OrderId>,
    holds: BTreeMap<(OrderId, Sku), Hold>,
    /// Units that left, or were called off before they did; not those that came back to be sent
    /// again.
    gone: BTreeMap<(OrderId, Sku), i64>,
}

pub(super) fn check(log: &Log) -> Verdict {
    let mut verdict = Verdict::new("reservations are all resolved");
    let books = Books::of(log);
    for wrong in books.wrongs(Utc::now()) {
        verdict.broken(wrong);
    }
    verdict.covers(format!("{} orders, {} still hold units", books.orders.len(), books.holds.len()))
}

impl Books {
    fn of(log: &Log) -> Self {
        let mut books = Self::default();
        let mut payments: BTreeMap<StreamId, domain::payment::Payment> = BTreeMap::new();
        let mut stocks: BTreeMap<Sku, Stock> = BTreeMap::new();
        for entry in &log.entries {
            match (&entry.stream, &entry.event) {
                (StreamId::Order(id), Event::Order(event)) => {
                    if let domain::order::Event::UnitsCancelled(off) = event {
                        for units in &off.lines {
                            let place = (*id, units.sku.clone());
                            *books.gone.entry(place).or_default() += i64::from(units.quantity);
                        }
                    }
                    books.orders.entry(*id).or_default().evolve(event);
                }
                (stream, Event::Payment(event)) => {
                    let payment = payments.entry(stream.clone()).or_default();
                    payment.evolve(event);
                }
                (StreamId::Stock(sku), Event::Stock(event)) => {
                    if let Some((order, units)) = left(event) {
                        *books.gone.entry((order, sku.clone())).or_default() += units;
                    }
                    stocks.entry(sku.clone()).or_default().evolve(event);
                }
                _ => {}
            }
        }
        let asking = payments.values().filter(|payment| payment.in_flight.is_some());
        let orders = asking.filter_map(|payment| payment.terms.as_ref());
        books.asking = orders.map(|terms| terms.order_id).collect();
        for (sku, stock) in stocks {
            let holds = stock.holds.into_iter();
            books.holds.extend(holds.map(|(order, hold)| ((order, sku.clone()), hold)));
        }
        books
    }

    fn wrongs(&self, now: DateTime<Utc>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (order, sku) in self.holds.keys() {
            if !self.orders.contains_key(order) {
                wrong.push(format!("{sku} is held for {order}, which does not exist"));
            }
        }
        for (id, order) in &self.orders {
            let due = order.reserved_until;
            let late = due.is_some_and(|due| due + GRACE < now);
            let asking = self.asking.contains(id);
            if order.status == Status::Pending && late && !asking {
                wrong.push(format!("order {id} should have been called off at {due:?}"));
            }
            wrong.extend(order.lines.iter().filter_map(|line| {
                let ordered = i64::from(line.quantity);
                self.line(*id, order.status, &line.sku, ordered)
            }));
        }
        wrong
    }

    /// What is wrong with what one line of an order holds.
    fn line(&self, id: OrderId, status: Status, sku: &Sku, ordered: i64) -> Option<String> {
        let place = (id, sku.clone());
        let hold = self.holds.get(&place);
        let parts = hold.iter().flat_map(|hold| &hold.parts);
        let units: i64 = parts.map(|part| i64::from(part.quantity)).sum();
        let certain = hold.is_some_and(|hold| hold.committed);
        let left = ordered - self.gone.get(&place).copied().unwrap_or(0);
        let (should, certainly) = match status {
            Status::Pending => (left, false),
            Status::Confirmed => (left, left > 0),
            Status::Completed | Status::Cancelled | Status::Unplaced => (0, false),
        };
        ((units, certain) != (should, certainly)).then(|| {
            format!(
                "order {id} is {status:?} and holds {units} of {sku} (certain: {certain}), \
                 not {should} (certain: {certainly})"
            )
        })
    }
}

/// How many of an order's units left with this event; fewer than none, where some came back that
/// are to leave again.
fn left(event: &Happened) -> Option<(OrderId, i64)> {
    match event {
        Happened::Shipped(shipped) => {
            let units = shipped.parts.iter().map(|part| i64::from(part.quantity)).sum();
            Some((shipped.order_id, units))
        }
        Happened::Received(Received {
            source: Source::Parcel { order_id, again: true, .. },
            quantity,
            ..
        }) => Some((*order_id, -i64::from(*quantity))),
        _ => None,
    }
}
