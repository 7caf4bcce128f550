//! What must hold in every shop at any time.

use std::collections::{BTreeMap, BTreeSet};

use domain::cart::Cart;
use domain::fulfilment::{self, Fulfilment};
use domain::order::{Order, ParcelOutcome, Stage, Status, Units};
use domain::payment::{self, Operation, Payment};
use domain::product::Product;
use domain::return_::{self, Return};
use domain::stock::{self, Stock};
use domain::{
    CartId, Event, FulfilmentId, Location, Money, OrderId, PaymentId, ProductId, ReturnId, Sku,
    State, StreamId, order,
};
use rust_decimal::Decimal;

use kit::{Fact, Shop};

use super::money;

/// The shop's states by kind.
#[derive(Default)]
struct Books<'a> {
    products: BTreeMap<ProductId, &'a Product>,
    owners: BTreeMap<&'a Sku, ProductId>,
    stocks: BTreeMap<&'a Sku, &'a Stock>,
    carts: BTreeMap<CartId, &'a Cart>,
    orders: BTreeMap<OrderId, &'a Order>,
    payments: BTreeMap<PaymentId, &'a Payment>,
    parcels: BTreeMap<FulfilmentId, &'a Fulfilment>,
    returns: BTreeMap<ReturnId, &'a Return>,
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
                (StreamId::Cart(id), State::Cart(state)) => {
                    books.carts.insert(*id, state);
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
                (StreamId::Return(id), State::Return(state)) => {
                    books.returns.insert(*id, state);
                }
                // Nothing that the books are about.
                _ => {}
            }
        }
        books
    }

    /// Units of `sku` that were handed over while the rest of their parcels was not.
    fn taken(&self, order: &Order, sku: &Sku) -> u32 {
        let taken = order.fulfilments.keys().flat_map(|id| &self.parcels[id].taken);
        units_of(taken, sku)
    }

    /// The returns of an order.
    fn returns_of(&self, order: &Order) -> Vec<&Return> {
        let order = |id| self.orders.get(&id).is_some_and(|of| std::ptr::eq(*of, order));
        self.returns.values().filter(|back| back.order_id.is_some_and(order)).copied().collect()
    }

    /// The payments of an order.
    fn payments_of(&self, order: &Order) -> Vec<&Payment> {
        order.payments.keys().map(|id| self.payments[id]).collect()
    }
}

/// Units of `sku` in the order's parcels at such a stage.
fn units_at(order: &Order, sku: &Sku, which: fn(Stage) -> bool) -> u32 {
    let parcels = order.fulfilments.values().filter(|parcel| which(parcel.stage));
    units_of(parcels.flat_map(|parcel| &parcel.lines), sku)
}

fn units_of<'a>(lines: impl Iterator<Item = &'a Units>, sku: &Sku) -> u32 {
    lines.filter(|units| units.sku == *sku).map(|units| units.quantity.get()).sum()
}

/// What came back of a parcel and goes out again in another.
fn sent_again(parcel: &Fulfilment) -> Vec<Units> {
    let Fulfilment { order_id: Some(order_id), back, send_again, .. } = parcel.clone() else {
        return vec![];
    };
    fulfilment::ReturnedToSender { order_id, lines: back, send_again }.again()
}

fn has_left(stage: Stage) -> bool {
    use ParcelOutcome as P;
    match stage {
        Stage::Planned | Stage::Closed(P::Cancelled) => false,
        Stage::Shipped | Stage::Closed(P::Delivered | P::Returned | P::Lost) => true,
    }
}

/// The state of the shop as a whole.
pub fn check(shop: &Shop) {
    let books = Books::of(shop);
    books.stocks.values().for_each(|stock| check_levels(stock));
    check_holds(&books);
    check_skus(&books);
    check_carts(&books);
    for order in books.orders.values() {
        check_order(&books, order);
    }
    for (id, payment) in &books.payments {
        money::check_sums(payment);
        check_payment(&books, *id, payment);
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
        let of_others = if level.sellable { 0..=0 } else { 0..=level.on_hand };
        assert!(of_others.contains(&level.of_another), "{stock:?}");
        assert!(level.sellable || (level.reserved, level.committed) == (0, 0), "{stock:?}");
        assert_eq!(level.reserved, held(location, false), "{stock:?}");
        assert_eq!(level.committed, held(location, true), "{stock:?}");
    }
    let few = stock.threshold.is_some_and(|threshold| stock.available() <= i64::from(threshold));
    assert_eq!(stock.low, few, "it was told once, and there were more before the next time");
}

/// An open order holds exactly what it has not sent yet; one that was recorded, or is finished or
/// cancelled, nothing.
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
        let open = matches!(order.status, Status::Pending | Status::Confirmed) && !order.recorded;
        for line in &order.lines {
            let holds = books.stocks.get(&line.sku).and_then(|stock| stock.holds.get(id));
            let held: u32 =
                holds.map_or(0, |hold| hold.parts.iter().map(|part| part.quantity.get()).sum());
            let sent = units_at(order, &line.sku, has_left) + books.taken(order, &line.sku);
            let of = order.progress(&line.sku);
            let to_send = order.unplanned(&line.sku) + of.planned;
            assert!(sent + to_send <= line.quantity.get(), "{} {order:?}", line.sku);
            assert_eq!(held, if open { to_send } else { 0 }, "{} {order:?}", line.sku);
        }
    }
}

/// A SKU has an owner exactly when one product has it: a living one, or one that was archived with
/// it.
fn check_skus(books: &Books) {
    let mut sold: BTreeMap<&Sku, ProductId> = BTreeMap::new();
    for (id, product) in books.products.iter().filter(|(_, product)| !product.skus_freed) {
        for sku in product.variants.keys() {
            assert_eq!(sold.insert(sku, *id), None, "{sku} is sold by two products");
        }
    }
    assert_eq!(sold, books.owners);
}

/// What is in a cart is bought once: but for the order it became, all that came of it are off.
fn check_carts(books: &Books) {
    for (id, order) in &books.orders {
        let Some(cart) = order.cart_id.and_then(|id| books.carts.get(&id)) else { continue };
        let is_latest = cart.order_id == Some(*id);
        assert!(is_latest || order.status == Status::Cancelled, "{cart:?} {order:?}");
    }
}

fn check_order(books: &Books, order: &Order) {
    let sum = order.lines.iter().map(|line| line.total).reduce(|a, b| a.plus(b).expect("a sum"));
    assert_eq!(sum, order.total);
    let skus: BTreeSet<&Sku> = order.lines.iter().map(|line| &line.sku).collect();
    assert_eq!(skus.len(), order.lines.len(), "a SKU stands in one line");
    for line in &order.lines {
        check_line(books, order, line);
    }
    for (id, parcel) in &order.fulfilments {
        use fulfilment::Status as S;
        let state = books.parcels[id];
        let again = sent_again(state);
        for Units { sku, quantity } in &state.lines {
            let here = units_of(parcel.lines.iter(), sku) + units_of(again.iter(), sku);
            assert_eq!(here, quantity.get(), "{parcel:?} {state:?}");
        }
        // One that was lost and turned up is off until it is handed over or back.
        let found = parcel.stage == Stage::Closed(ParcelOutcome::Lost);
        let reached = match state.status {
            S::Unborn => panic!("{parcel:?}"),
            S::Created | S::Packed => Stage::Planned,
            S::PartlyDelivered | S::DeliveryFailed if found => parcel.stage,
            S::Shipped | S::PartlyDelivered | S::DeliveryFailed => Stage::Shipped,
            S::Delivered => Stage::Closed(ParcelOutcome::Delivered),
            S::ReturnedToSender => Stage::Closed(ParcelOutcome::Returned),
            S::Lost => Stage::Closed(ParcelOutcome::Lost),
            S::Cancelled => Stage::Closed(ParcelOutcome::Cancelled),
        };
        assert_eq!(parcel.stage, reached);
        let ended = matches!(reached, Stage::Closed(_));
        match order.status {
            Status::Completed | Status::Cancelled => assert!(ended, "{state:?} of {order:?}"),
            Status::Unplaced | Status::Pending => panic!("{state:?} of {order:?}"),
            Status::Confirmed => {}
        }
    }
    for id in order.returns.keys() {
        use return_::Status as S;
        assert!(
            matches!(books.returns[id].status, S::Requested | S::Approved | S::Received),
            "{order:?}"
        );
    }
    money::check_returns(order, &books.returns_of(order));
    match order.status {
        Status::Completed => assert!(order.any_delivered(), "{order:?}"),
        Status::Cancelled => assert!(!order.has_left(), "{order:?}"),
        Status::Unplaced | Status::Pending | Status::Confirmed => {}
    }
}

/// Units are neither made nor lost on their way through an order, and what is owed follows them.
fn check_line(books: &Books, order: &Order, line: &order::Line) {
    let is_exact = line.unit_price.times(line.quantity.get()) == Some(line.total);
    assert!(is_exact || order.recorded, "{order:?}");
    let units = |which| units_at(order, &line.sku, which);
    let of = order.progress(&line.sku);
    assert_eq!(of.planned, units(|it| it == Stage::Planned), "{order:?}");
    assert_eq!(of.moving, units(|it| it == Stage::Shipped), "{order:?}");
    let delivered = units(|it| it == Stage::Closed(ParcelOutcome::Delivered));
    assert_eq!(of.delivered, delivered + books.taken(order, &line.sku), "{order:?}");
    let gone =
        units(|it| matches!(it, Stage::Closed(ParcelOutcome::Returned | ParcelOutcome::Lost)));
    assert_eq!(of.gone, gone, "{order:?}");
    assert!(of.off >= gone, "{order:?}");
    assert!(of.returned + of.returning <= of.delivered, "{order:?}");
    let whole = order.unplanned(&line.sku) + of.planned + of.moving + of.delivered + of.off;
    assert_eq!(whole, line.quantity.get(), "{order:?}");
    if order.status == Status::Completed {
        assert_eq!(of.delivered + of.off, line.quantity.get(), "{order:?}");
    }
}

/// An order and its payments tell the same story.
fn check_payment(books: &Books, id: PaymentId, payment: &Payment) {
    use payment::Stage as S;
    let order = books.orders[&payment.terms.as_ref().expect("it has events").order_id];
    let attempt = order.payments[&id];
    let fruitless = matches!(payment.stage, S::Voided | S::Expired | S::Failed | S::Uncollected);
    // What an order that is done with asks of nobody any more ends without a word of it.
    if fruitless && !matches!(order.status, Status::Completed | Status::Cancelled) {
        assert!(attempt.ended, "{payment:?} {order:?}");
    }
    if payment.stage == S::Open && !attempt.ended && payment.in_flight.is_none() {
        assert_ne!(order.status, Status::Pending, "{payment:?} {order:?}");
    }
    money::check_needed(order, payment);
    if order.unsecured {
        assert_eq!(order.status, Status::Confirmed, "{order:?}");
        assert!(attempt.ended || payment.stage != S::Open, "{payment:?} {order:?}");
    }
}

/// What a command did, given how things stood before it.
pub fn check_step(before: &Shop, facts: &[Fact], after: &Shop) {
    let (before, after) = (Books::of(before), Books::of(after));
    check_units(&before, facts, &after);
    for (stream, event) in facts {
        match event {
            Event::Payment(payment::Event::Requested(asked))
                if asked.operation == Operation::Capture =>
            {
                let order = before.orders[&asked.order_id];
                assert_ne!(order.status, Status::Cancelled, "taken for nothing: {order:?}");
            }
            Event::Stock(stock::Event::Shipped(shipped)) => {
                let order = before.orders[&shipped.order_id];
                assert_eq!(order.status, Status::Confirmed, "{order:?}");
                let owed = order.owed().expect("it was placed");
                let (firm, back) = stands(&before, order);
                let paid = firm + back >= owed.amount() && (owed.is_zero() || !firm.is_zero());
                assert!(paid, "left unpaid: {order:?}");
                let place = &after.parcels[&shipped.fulfilment_id].location;
                let whole = shipped.parts.iter().all(|part| Some(&part.location) == place.as_ref());
                assert!(whole, "not from {place:?}: {shipped:?}");
            }
            Event::Order(order::Event::Cancelled(_)) => {
                let StreamId::Order(id) = stream else { panic!("{stream}") };
                let payments = after.payments_of(after.orders[id]);
                assert!(payments.into_iter().all(undone), "still paying: {:?}", after.orders[id]);
            }
            _ => {}
        }
    }
}

/// What is kept or may still be taken of an order's payments; and what was given back, of which
/// some may be goodwill.
fn stands(books: &Books, order: &Order) -> (Decimal, Decimal) {
    let (mut firm, mut back) = (Decimal::ZERO, Decimal::ZERO);
    for payment in books.payments_of(order) {
        let Some(terms) = &payment.terms else { continue };
        let asked = payment.in_flight.map(|asked| (asked.operation, asked.amount.amount()));
        let going = match asked {
            Some((Operation::Refund, amount)) => amount,
            _ => Decimal::ZERO,
        };
        let open = payment.open_amount().map_or(Decimal::ZERO, Money::amount);
        let let_go = asked.is_some_and(|(operation, _)| operation == Operation::Void);
        firm += terms.kept().amount() - going + if let_go { Decimal::ZERO } else { open };
        back += terms.refunded.amount() + going;
    }
    (firm, back)
}

/// Units come and go by their events alone, and no more are promised than there are and the policy
/// allows beyond.
fn check_units(before: &Books, facts: &[Fact], after: &Books) {
    let on_hand = |stock: &Stock| -> i64 { stock.levels.values().map(|level| level.on_hand).sum() };
    let nothing = Stock::default();
    let mut changed: BTreeMap<&Sku, (i64, i64)> = BTreeMap::new();
    for (stream, event) in facts {
        let (StreamId::Stock(sku), Event::Stock(event)) = (stream, event) else { continue };
        let (came, freed) = changed.entry(sku).or_default();
        *came += units_that_came(event);
        *freed += event.available_by();
        if let stock::Event::Reserved(_) = event {
            let is = after.stocks[sku];
            assert!(is.available() >= -i64::from(is.backorder_max), "oversold: {is:?}");
        }
    }
    for (sku, (came, freed)) in changed {
        let was = before.stocks.get(sku).copied().unwrap_or(&nothing);
        let is = after.stocks[sku];
        assert_eq!(on_hand(is) - on_hand(was), came, "{facts:?}");
        assert_eq!(is.available() - was.available(), freed, "{facts:?}");
    }
}

fn units_that_came(event: &stock::Event) -> i64 {
    match event {
        stock::Event::Received(received) => i64::from(received.quantity),
        stock::Event::ReceiptCorrected(corrected) => -i64::from(corrected.quantity),
        stock::Event::Counted(counted) => counted.on_hand - counted.expected,
        stock::Event::Adjusted(adjusted) => adjusted.delta,
        stock::Event::Shipped(shipped) => {
            let units = |parts: &[stock::Part]| -> i64 {
                parts.iter().map(|part| i64::from(part.quantity)).sum()
            };
            assert_eq!(units(&shipped.parts), units(&shipped.held), "{shipped:?}");
            -units(&shipped.parts)
        }
        _ => 0,
    }
}

/// Whether nothing is kept or set aside any more, or the gateway is being asked about it.
fn undone(payment: &Payment) -> bool {
    let Some(terms) = &payment.terms else { return true };
    payment.in_flight.is_some()
        || !terms.by_gateway()
        || (!payment.is_alive() && terms.kept().is_zero())
}
