//! Reservations are all resolved: an order that is off or done holds nothing, one that is under way
//! holds of each line exactly what is still to leave by its own events, whatever stock says left,
//! and one nobody paid is off in time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use domain::order::{Line, Order, Status};
use domain::payment::Payment;
use domain::stock::{Hold, Stock};
use domain::{Event, OrderId, PaymentId, Sku, StreamId};

use super::Verdict;
use super::log::Log;

/// How late an unpaid order may be called off: the clock of a service may have been shifted, and
/// whoever calls it off may have been dead.
const GRACE: TimeDelta = TimeDelta::minutes(4);

/// What is known of a round's orders and of what is held for them.
#[derive(Default)]
struct Books {
    orders: BTreeMap<OrderId, Order>,
    payments: BTreeMap<PaymentId, Payment>,
    stocks: BTreeMap<Sku, Stock>,
}

pub(super) fn check(log: &Log) -> Verdict {
    let mut verdict = Verdict::new("reservations are all resolved");
    let mut books = Books::default();
    for entry in &log.entries {
        books.hear(&entry.stream, &entry.event);
    }
    for wrong in books.wrongs(Utc::now()) {
        verdict.broken(wrong);
    }
    let (orders, holds) = (books.orders.len(), books.holds().count());
    verdict.covers(format!("{orders} orders, {holds} lines still hold units"))
}

impl Books {
    fn hear(&mut self, stream: &StreamId, event: &Event) {
        match (stream, event) {
            (StreamId::Order(id), Event::Order(event)) => {
                self.orders.entry(*id).or_default().evolve(event);
            }
            (StreamId::Payment(id), Event::Payment(event)) => {
                self.payments.entry(*id).or_default().evolve(event);
            }
            (StreamId::Stock(sku), Event::Stock(event)) => {
                self.stocks.entry(sku.clone()).or_default().evolve(event);
            }
            _ => {}
        }
    }

    fn holds(&self) -> impl Iterator<Item = (&Sku, OrderId, &Hold)> {
        self.stocks
            .iter()
            .flat_map(|(sku, stock)| stock.holds.iter().map(move |(id, hold)| (sku, *id, hold)))
    }

    /// Orders of which a payment waits for the gateway's answer.
    fn asking(&self) -> BTreeSet<OrderId> {
        let asking = self.payments.values().filter(|payment| payment.in_flight.is_some());
        asking.filter_map(|payment| Some(payment.terms.as_ref()?.order_id)).collect()
    }

    fn wrongs(&self, now: DateTime<Utc>) -> Vec<String> {
        let mut wrong = Vec::new();
        for (sku, id, _) in self.holds() {
            let lines = self.orders.get(&id).map(|order| &order.lines);
            if !lines.is_some_and(|lines| lines.iter().any(|line| line.sku == *sku)) {
                wrong.push(format!("{sku} is held for {id}, which did not order it"));
            }
        }
        let asking = self.asking();
        for (id, order) in &self.orders {
            let due = order.reserved_until;
            let late = due.is_some_and(|due| due + GRACE < now);
            if order.status == Status::Pending && late && !asking.contains(id) {
                wrong.push(format!("order {id} should have been called off at {due:?}"));
            }
            let lines = order.stocked_lines().iter();
            wrong.extend(lines.filter_map(|line| self.line(*id, order, line)));
        }
        wrong
    }

    /// What is wrong with what one line of an order holds.
    fn line(&self, id: OrderId, order: &Order, line: &Line) -> Option<String> {
        let sku = &line.sku;
        let hold = self.stocks.get(sku).and_then(|stock| stock.holds.get(&id));
        let parts = hold.iter().flat_map(|hold| &hold.parts);
        let units: i64 = parts.map(|part| i64::from(part.quantity)).sum();
        let certain = hold.is_some_and(|hold| hold.committed);
        let to_leave = i64::from(order.unplanned(sku) + order.progress(sku).planned);
        let (should, certainly) = match order.status {
            Status::Pending => (to_leave, false),
            Status::Confirmed => (to_leave, to_leave > 0),
            Status::Completed | Status::Cancelled | Status::Unplaced => (0, false),
        };
        ((units, certain) != (should, certainly)).then(|| {
            let status = order.status;
            format!(
                "order {id} is {status:?} and holds {units} of {sku} (certain: {certain}), \
                 not {should} (certain: {certainly})"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::stock::Event as Happened;
    use kit::*;

    use super::*;

    /// What is wrong after these commands, if of each stock event came what `tampered` makes of it.
    fn wrongs(commands: &[domain::Command], tampered: impl Fn(&mut Happened)) -> Vec<String> {
        let (mut shop, mut books) = (catalogue(), Books::default());
        for command in commands {
            for fact in shop.decide(command).expect("a command that is accepted") {
                shop.evolve(&fact);
                let (stream, mut event) = fact;
                if let Event::Stock(event) = &mut event {
                    tampered(event);
                }
                books.hear(&stream, &event);
            }
        }
        books.wrongs(hour(0))
    }

    /// Two totes and a purse, of which a tote left, came back and is to be sent again, and another
    /// is called off.
    fn story() -> Vec<domain::Command> {
        vec![
            create_cart(1),
            add(1, TOTE, 3),
            add(1, PURSE, 1),
            check_out(1, 1),
            pay_by_card(1, 1),
            record(1, 1, was_authorized()),
            plan(1, 1, &[(TOTE, 1)]),
            pack(1),
            ship(1),
            fail(1),
            send_again(1, "depot"),
            cancel_units(1, &[(TOTE, 1)]),
        ]
    }

    #[test]
    fn what_is_held_is_what_is_still_to_leave_of_each_line() {
        let story = story();
        for told in 1..=story.len() {
            assert_eq!(wrongs(&story[..told], |_| {}), [""; 0], "after {:?}", story[told - 1]);
        }
    }

    #[test]
    fn a_parcel_that_took_more_from_stock_than_from_the_order_is_found() {
        let more = |event: &mut Happened| {
            if let Happened::Shipped(shipped) = event {
                for part in shipped.parts.iter_mut().chain(&mut shipped.held) {
                    part.quantity = units(2);
                }
            }
        };
        let wrong = wrongs(&story()[..9], more);
        assert!(wrong.len() == 1 && wrong[0].contains("holds 1 of TOTE"), "{wrong:?}");
    }

    #[test]
    fn what_came_back_to_be_sent_again_and_is_for_sale_is_found() {
        let for_sale = |event: &mut Happened| {
            if let Happened::Received(received) = event
                && let domain::stock::Source::Parcel { again, .. } = &mut received.source
            {
                *again = false;
            }
        };
        let wrong = wrongs(&story()[..11], for_sale);
        assert!(wrong.len() == 1 && wrong[0].contains("holds 2 of TOTE"), "{wrong:?}");
    }

    #[test]
    fn units_that_are_set_aside_of_another_line_are_found() {
        let elsewhere = |event: &mut Happened| {
            if let Happened::Reserved(reserved) = event {
                for part in &mut reserved.parts {
                    part.quantity = units(2);
                }
            }
        };
        let wrong = wrongs(&story()[..4], elsewhere);
        assert_eq!(wrong.len(), 2, "as many units in all, and of each line too few or too many");
    }
}
