//! What must hold in every shop at any time.

use std::collections::{BTreeMap, BTreeSet};

use domain::fulfilment::{self, Fulfilment};
use domain::order::{Order, Outcome, PaymentMethod, Status};
use domain::payment::{self, Operation, Payment};
use domain::product::{self, Product};
use domain::stock::{self, Stock};
use domain::{
    Event, FulfilmentId, Location, OrderId, PaymentId, ProductId, Sku, State, StreamId, order,
};

use kit::{Fact, Shop};

/// The shop's states by kind.
#[derive(Default)]
struct Books<'a> {
    products: BTreeMap<ProductId, &'a Product>,
    owners: BTreeMap<&'a Sku, ProductId>,
    stocks: BTreeMap<&'a Sku, &'a Stock>,
    orders: BTreeMap<OrderId, &'a Order>,
    payments: BTreeMap<PaymentId, &'a Payment>,
    parcels: BTreeMap<FulfilmentId, &'a Fulfilment>,
}

impl<'a> Books<'a> {
    fn of(shop: &'a Shop) -> Self {
        let mut books = Self::default();
        for (stream, state) in shop.streams() {
            let kind = std::mem::discriminant(&State::initial(stream));
            assert_eq!(std::mem::discriminant(state), kind, "{stream} holds {state:?}");
            match (stream, state) {
                (StreamId::Product(id), State::Product(state)) => {
                    books.products.insert(*id, state);
                }
                (StreamId::Sku(sku), State::Sku(state)) => {
                    books.owners.extend(state.product_id.map(|id| (sku, id)));
                }
                (StreamId::Stock(sku), State::Stock(state)) => {
                    books.stocks.insert(sku, state);
                }
                (StreamId::Order(id), State::Order(state)) => {
                    books.orders.insert(*id, state);
                }
                (StreamId::Payment(id), State::Payment(state)) => {
                    books.payments.insert(*id, state);
                }
                (StreamId::Fulfilment(id), State::Fulfilment(state)) => {
                    books.parcels.insert(*id, state);
                }
                // Nothing that the books are about.
                _ => {}
            }
        }
        books
    }

    /// Units of `sku` that left the building for the order.
    fn sent(&self, order: &Order, sku: &Sku) -> u32 {
        use fulfilment::Status as S;
        let left = [S::Shipped, S::Delivered, S::DeliveryFailed, S::ReturnedToSender];
        order
            .parcels
            .keys()
            .map(|id| self.parcels[id])
            .filter(|parcel| left.contains(&parcel.status))
            .flat_map(|parcel| &parcel.lines)
            .filter(|units| units.sku == *sku)
            .map(|units| units.quantity.get())
            .sum()
    }
}

/// The state of the shop as a whole.
pub fn check(shop: &Shop) {
    let books = Books::of(shop);
    books.stocks.values().for_each(|stock| check_levels(stock));
    check_holds(&books);
    check_skus(&books);
    for order in books.orders.values() {
        check_order(&books, order);
    }
    for payment in books.payments.values() {
        check_sums(payment);
        check_payment(&books, payment);
    }
}

/// Nothing negative on hand, and what is held is held for somebody, where things are sold.
fn check_levels(stock: &Stock) {
    let held = |location: &Location, committed| -> i64 {
        stock
            .holds
            .values()
            .filter(|hold| hold.committed == committed)
            .flat_map(|hold| &hold.parts)
            .filter(|part| part.location == *location)
            .map(|part| i64::from(part.quantity))
            .sum()
    };
    for (location, level) in &stock.levels {
        assert!(level.on_hand >= 0, "{stock:?}");
        assert!(level.sellable || (level.reserved, level.committed) == (0, 0), "{stock:?}");
        assert_eq!(level.reserved, held(location, false), "{stock:?}");
        assert_eq!(level.committed, held(location, true), "{stock:?}");
    }
    let few = stock.threshold.is_some_and(|threshold| stock.available() <= i64::from(threshold));
    assert_eq!(stock.low, few, "it was told once, and there were more before the next time");
}

/// An open order holds exactly what it has not sent yet; a finished or cancelled one nothing.
fn check_holds(books: &Books) {
    for (sku, stock) in &books.stocks {
        for (order_id, hold) in &stock.holds {
            let order = books.orders[order_id];
            let confirmed = order.status == Status::Confirmed;
            assert!(confirmed || order.status == Status::Pending, "{sku} is held by {order:?}");
            assert_eq!(hold.committed, confirmed, "{hold:?} {order:?}");
        }
    }
    for (id, order) in &books.orders {
        let open = matches!(order.status, Status::Pending | Status::Confirmed);
        for line in &order.lines {
            let holds = books.stocks.get(&line.sku).and_then(|stock| stock.holds.get(id));
            let held: u32 =
                holds.map_or(0, |hold| hold.parts.iter().map(|part| part.quantity.get()).sum());
            let owed = line.quantity.get() - books.sent(order, &line.sku);
            assert_eq!(held, if open { owed } else { 0 }, "{} {order:?}", line.sku);
        }
    }
}

/// A SKU has an owner exactly when one living product sells it.
fn check_skus(books: &Books) {
    let alive = |product: &Product| product.status != product::Status::Archived;
    let mut sold: BTreeMap<&Sku, ProductId> = BTreeMap::new();
    for (id, product) in books.products.iter().filter(|(_, product)| alive(product)) {
        for sku in product.variants.keys() {
            assert_eq!(sold.insert(sku, *id), None, "{sku} is sold by two products");
        }
    }
    assert_eq!(sold, books.owners);
}

fn check_order(books: &Books, order: &Order) {
    let sum = order.lines.iter().map(|line| line.total).reduce(|a, b| a.plus(b).expect("a sum"));
    assert_eq!(sum, order.total);
    let skus: BTreeSet<&Sku> = order.lines.iter().map(|line| &line.sku).collect();
    assert_eq!(skus.len(), order.lines.len(), "a SKU stands in one line");
    for line in &order.lines {
        assert_eq!(line.unit_price.times(line.quantity.get()), Some(line.total));
        assert!(books.sent(order, &line.sku) <= line.quantity.get(), "{order:?}");
    }
    for (id, parcel) in &order.parcels {
        use fulfilment::Status as S;
        let state = books.parcels[id];
        assert_eq!(parcel.lines, state.lines);
        let outcome = match state.status {
            S::Delivered => Some(Outcome::Delivered),
            S::ReturnedToSender => Some(Outcome::Returned),
            // One that was called off with its order has no outcome of its own.
            S::Cancelled if order.status == Status::Cancelled => parcel.outcome,
            S::Cancelled => Some(Outcome::Cancelled),
            S::Unborn | S::Created | S::Packed | S::Shipped | S::DeliveryFailed => None,
        };
        assert_eq!(parcel.outcome, outcome);
        let ended = matches!(state.status, S::Delivered | S::ReturnedToSender | S::Cancelled);
        match order.status {
            Status::Completed => assert!(ended, "{state:?} of {order:?}"),
            Status::Cancelled => assert!(ended && state.status != S::Delivered, "{state:?}"),
            Status::Unplaced | Status::Pending => panic!("{state:?} of {order:?}"),
            Status::Confirmed => {}
        }
    }
    if order.status == Status::Completed {
        assert!(order.any_delivered());
        let all_left = |line: &order::Line| books.sent(order, &line.sku) == line.quantity.get();
        assert!(order.lines.iter().all(all_left), "{order:?}");
    }
}

/// Never more taken than set aside, never more given back than taken.
fn check_sums(payment: &Payment) {
    let terms = payment.terms.as_ref().expect("it has events");
    let within = |less: domain::Money, more: domain::Money| more.minus(less).is_some();
    let set_aside = match terms.method {
        PaymentMethod::Card => terms.authorized,
        PaymentMethod::CashOnDelivery => terms.amount,
    };
    assert!(within(set_aside, terms.amount), "{payment:?}");
    assert!(within(terms.captured, set_aside), "{payment:?}");
    assert!(within(terms.refunded, terms.captured), "{payment:?}");
}

/// An order and its payment tell the same story.
fn check_payment(books: &Books, payment: &Payment) {
    use payment::Status as S;
    let order = books.orders[&payment.terms.as_ref().expect("it has events").order_id];
    let may_be: &[Status] = match payment.status {
        S::Unborn => &[],
        S::Created | S::RequiresAction => &[Status::Pending],
        S::Authorized
        | S::PartiallyCaptured
        | S::Captured
        | S::PartiallyRefunded
        | S::Refunded
        | S::Expired => &[Status::Confirmed, Status::Completed, Status::Cancelled],
        S::Voided | S::Failed | S::Uncollected => &[Status::Cancelled],
        S::CodPending | S::Collected | S::Remitted => &[Status::Confirmed, Status::Completed],
    };
    assert!(may_be.contains(&order.status), "{payment:?} {order:?}");
    if matches!(payment.status, S::Collected | S::Remitted) {
        assert!(order.any_delivered(), "{payment:?} {order:?}");
    }
}

/// What a command did, given how things stood before it.
pub fn check_step(before: &Shop, facts: &[Fact], after: &Shop) {
    let (before, after) = (Books::of(before), Books::of(after));
    check_units(&before, facts, &after);
    for (stream, event) in facts {
        match event {
            Event::Payment(
                payment::Event::Captured(payment::Captured { order_id, .. })
                | payment::Event::Collected(payment::Collected { order_id, .. }),
            ) => {
                let order = before.orders[order_id];
                assert_ne!(order.status, Status::Cancelled, "paid for nothing: {order:?}");
            }
            Event::Stock(stock::Event::Shipped(shipped)) => {
                let order = before.orders[&shipped.order_id];
                assert_eq!(order.status, Status::Confirmed, "{order:?}");
                let (payment_id, _) = order.payment.expect("confirmed by a payment");
                let payment = before.payments[&payment_id];
                assert!(!payment.is_being_voided(), "left unpaid: {payment:?}");
            }
            Event::Order(order::Event::Cancelled(_)) => {
                let StreamId::Order(id) = stream else { panic!("{stream}") };
                let payment = after.orders[id].payment.map(|(id, _)| after.payments[&id]);
                assert!(payment.is_none_or(undone), "still paying: {payment:?}");
            }
            _ => {}
        }
    }
}

/// Units come and go by their events alone, and no more are promised than there are and the policy
/// allows beyond.
fn check_units(before: &Books, facts: &[Fact], after: &Books) {
    let on_hand = |stock: &Stock| -> i64 { stock.levels.values().map(|level| level.on_hand).sum() };
    let nothing = Stock::default();
    for (stream, event) in facts {
        let (StreamId::Stock(sku), Event::Stock(event)) = (stream, event) else { continue };
        let was = before.stocks.get(sku).copied().unwrap_or(&nothing);
        let is = after.stocks[sku];
        let came = match event {
            stock::Event::Received(received) => i64::from(received.quantity),
            stock::Event::Counted(counted) => counted.on_hand - counted.expected,
            stock::Event::Adjusted(adjusted) => adjusted.delta,
            stock::Event::Shipped(shipped) => {
                let units = |parts: &[stock::Part]| -> i64 {
                    parts.iter().map(|part| i64::from(part.quantity)).sum()
                };
                assert_eq!(units(&shipped.parts), units(&shipped.held), "{shipped:?}");
                -units(&shipped.parts)
            }
            // News of what another event of the same decision did.
            stock::Event::Low(_) => continue,
            _ => 0,
        };
        assert_eq!(on_hand(is) - on_hand(was), came, "{event:?}");
        assert_eq!(is.available() - was.available(), event.available_by(), "{event:?}");
        if let stock::Event::Reserved(_) = event {
            assert!(is.available() >= -i64::from(is.backorder_max), "oversold: {is:?}");
        }
    }
}

/// Whether nothing is owed any more, or the gateway is being asked to give it back.
fn undone(payment: &Payment) -> bool {
    use payment::Status as S;
    let going_back = [Operation::Void, Operation::Refund];
    payment.in_flight.is_some_and(|waiting| going_back.contains(&waiting.operation))
        || [S::Refunded, S::Voided, S::Expired, S::Failed, S::Uncollected].contains(&payment.status)
}
