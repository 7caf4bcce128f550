//! Given these events, then this document.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{order, search};
use crate::cart::document as cart;
use crate::payment::document as payment;
use crate::product::document as product;
use crate::stock::document as stock;
use crate::{Event, Seen, StreamId, return_};

pub(super) const P: &str = "00000000-0000-7000-8000-000000000001";
const CART: &str = "cart-00000000-0000-7000-8000-000000000002";
pub const ORDER: &str = "order-00000000-0000-7000-8000-000000000003";
pub(super) const O: &str = "00000000-0000-7000-8000-000000000003";
pub const PAYMENT: &str = "payment-00000000-0000-7000-8000-000000000004";
pub const PARCEL: &str = "fulfilment-00000000-0000-7000-8000-000000000005";
const OTHER_PARCEL: &str = "fulfilment-00000000-0000-7000-8000-000000000006";

pub(super) fn product_stream() -> String {
    format!("product-{P}")
}

pub(super) fn eur(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

/// Events in the order of the log, an hour apart from midnight on.
#[derive(Default)]
pub(super) struct Story(pub(super) Vec<(StreamId, i64, DateTime<Utc>, Event)>);

impl Story {
    #[allow(clippy::needless_pass_by_value)] // so that stories read `json!({…})`, not `&json!({…})`
    pub(super) fn and(mut self, stream: &str, kind: &str, data: Value) -> Self {
        let stream: StreamId = stream.parse().unwrap();
        let (_, schema) = Event::types().find(|(known, _)| *known == kind).unwrap();
        let event = Event::decode(kind, schema, &data.to_string()).unwrap();
        let version = 1 + self.0.iter().filter(|(known, ..)| *known == stream).count();
        let midnight: DateTime<Utc> = "2026-03-01T00:00:00Z".parse().unwrap();
        let at = midnight + TimeDelta::hours(self.0.len() as i64);
        self.0.push((stream, version as i64, at, event));
        self
    }

    pub fn seen(&self) -> impl Iterator<Item = Seen<'_>> {
        self.0.iter().zip(1..).map(|((stream, version, at, event), position)| Seen {
            stream,
            version: *version,
            position,
            occurred_at: *at,
            event,
        })
    }

    pub(super) fn then<D>(&self, fold: fn(Option<D>, &Seen) -> Option<D>) -> D {
        self.seen().fold(None, |document, seen| fold(document, &seen)).unwrap()
    }
}

pub(super) fn given(stream: &str, kind: &str, data: Value) -> Story {
    Story::default().and(stream, kind, data)
}

pub(super) fn tote() -> Story {
    let size = |value: &str| json!({ "name": "Size", "value": value });
    let small = json!({ "sku": "TOTE-S", "options": [size("S")], "prices": [eur("19.99")] });
    let middle = json!({ "sku": "TOTE-M", "options": [size("M")], "prices": [eur("29.99")] });
    let details = json!({
        "title": "Tote", "brand": "Acme", "category": ["Bags", "Totes"],
        "description": "<p>Soft&nbsp;<b>leather</b></p>", "attributes": { "material": "leather" },
        "media": [{ "url": "https://example.com/tote.jpg" }],
    });
    given(&product_stream(), "product.created", details)
        .and(&product_stream(), "product.variant_set", small)
        .and(&product_stream(), "product.variant_set", middle)
        .and(&product_stream(), "product.published", json!({}))
}

pub fn bought() -> Story {
    let line = json!({ "sku": "TOTE-S", "product_id": P, "title": "Tote", "quantity": 4,
                       "unit_price": eur("25.00"), "total": eur("100.00") });
    let placed = json!({ "cart_id": &CART[5..], "lines": [line], "total": eur("100.00"),
                         "reserved_until": "2026-03-02T00:00:00Z" });
    given(ORDER, "order.placed", placed)
}

pub fn paying(story: Story) -> Story {
    let created = json!({ "order_id": O, "method": "card", "gateway": "sandbox",
                          "amount": eur("100.00"), "token": "t" });
    let ask = json!({ "order_id": O, "operation": "authorize", "amount": eur("100.00"),
                      "request": 1 });
    let authorized = json!({ "order_id": O, "request": 1, "amount": eur("100.00"),
                             "reference": "ref", "expires_at": "2026-03-08T00:00:00Z" });
    let confirmed = json!({ "payment_id": &PAYMENT[8..], "total": eur("100.00"), "units": 4 });
    story
        .and(PAYMENT, "payment.created", created)
        .and(PAYMENT, "payment.requested", ask)
        .and(PAYMENT, "payment.authorized", authorized)
        .and(ORDER, "order.confirmed", confirmed)
}

pub fn money(story: Story, kind: &str, amount: &str) -> Story {
    story.and(PAYMENT, kind, json!({ "order_id": O, "request": 2, "amount": eur(amount) }))
}

pub fn lines(quantity: u32) -> Value {
    json!([{ "sku": "TOTE-S", "quantity": quantity }])
}

pub fn parcel(story: Story, stream: &str, quantity: u32) -> Story {
    let planned = json!({ "fulfilment_id": &stream[11..], "lines": lines(quantity) });
    let created = json!({ "order_id": O, "lines": lines(quantity) });
    story.and(ORDER, "order.fulfilment_planned", planned).and(stream, "fulfilment.created", created)
}

pub fn leaves(story: Story, stream: &str, quantity: u32) -> Story {
    let shipped = json!({ "fulfilment_id": &stream[11..], "lines": lines(quantity) });
    story.and(stream, "fulfilment.shipped", json!({ "order_id": O })).and(
        ORDER,
        "order.fulfilment_shipped",
        shipped,
    )
}

pub fn ends(story: Story, stream: &str, quantity: u32, (event, outcome): (&str, &str)) -> Story {
    let off = if outcome == "delivered" { Value::Null } else { eur("25.00") };
    let closed = json!({ "fulfilment_id": &stream[11..], "outcome": outcome,
                         "lines": lines(quantity), "amount": off });
    story.and(stream, event, json!({ "order_id": O, "reason": "gone" })).and(
        ORDER,
        "order.fulfilment_closed",
        closed,
    )
}

pub fn cancelled() -> Value {
    json!({ "reason": "requested", "note": "changed my mind", "was_confirmed": true,
            "total": eur("100.00"), "units": 4 })
}

#[test]
fn a_document_survives_being_written_and_read() {
    let document = tote().then(product::fold);
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<product::Document>(&text).unwrap(), document);
    let document = tote().then(search::fold);
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<search::Document>(&text).unwrap(), document);
    let document = parcel(paying(bought()), PARCEL, 4).then(order::fold);
    let text = serde_json::to_string(&document).unwrap();
    assert_eq!(serde_json::from_str::<order::Document>(&text).unwrap(), document);
}

fn received(at: &str, quantity: u32) -> Value {
    json!({ "location": at, "quantity": quantity, "sellable": true, "source": { "delivery": {} } })
}

#[test]
fn stock_adds_up_by_location() {
    let (parts, id) = (json!([{ "location": "north", "quantity": 3 }]), &PARCEL[11..]);
    let reserved = json!({ "order_id": O, "parts": parts, "until": "2026-03-02T00:00:00Z" });
    let shipped = json!({ "order_id": O, "fulfilment_id": id, "parts": parts, "held": parts });
    let story = given("stock-TOTE-S", "stock.received", received("north", 10))
        .and("stock-TOTE-S", "stock.received", received("south", 5))
        .and("stock-TOTE-S", "stock.reserved", reserved);
    let document = story.then(stock::fold);
    assert_eq!((document.on_hand, document.reserved, document.available), (15, 3, 12));
    let document = story
        .and("stock-TOTE-S", "stock.committed", json!({ "order_id": O, "parts": parts }))
        .and("stock-TOTE-S", "stock.shipped", shipped)
        .then(stock::fold);
    assert_eq!((document.on_hand, document.reserved, document.committed), (12, 0, 0));
    assert_eq!((document.available, document.locations[0].on_hand), (12, 7));
}

#[test]
fn a_cart_totals_its_lines_until_it_is_an_order() {
    let line = |sku: &str, quantity: u32| {
        json!({ "sku": sku, "product_id": P, "title": "Tote", "quantity": quantity,
                "unit_price": eur("19.99") })
    };
    let changed = json!({ "sku": "TOTE-S", "product_id": P, "title": "Tote", "quantity": 3,
                          "unit_price": eur("20.00"), "unit_price_before": eur("19.99") });
    let document = given(CART, "cart.created", json!({ "currency": "EUR" }))
        .and(CART, "cart.line_added", line("TOTE-S", 1))
        .and(CART, "cart.line_added", line("TOTE-M", 2))
        .and(CART, "cart.line_changed", changed)
        .and(CART, "cart.line_removed", json!({ "sku": "TOTE-M" }))
        .and(CART, "cart.checked_out", json!({ "order_id": O }))
        .then(cart::fold);
    assert_eq!(serde_json::to_value(document.total).unwrap(), eur("60.00"));
    assert_eq!((document.units, document.status), (3, cart::Status::CheckedOut));
    assert_eq!(serde_json::to_value(document.lines[0].unit_price_before).unwrap(), eur("19.99"));
    assert_eq!(document.order_id.unwrap().to_string(), O);
}

#[test]
fn an_order_says_what_has_come_of_paying() {
    use order::PaymentStatus as Paid;
    let status = |story: &Story| story.then(order::fold).payment_status;
    let story = bought();
    assert_eq!(status(&story), Paid::None);
    let story = paying(story);
    assert_eq!(status(&story), Paid::Authorized);
    let story = money(story, "payment.captured", "40.00");
    assert_eq!(status(&story), Paid::PartiallyPaid);
    let story = money(story, "payment.captured", "60.00");
    assert_eq!(status(&story), Paid::Paid);
    let story = money(story, "payment.refunded", "30.00");
    assert_eq!(status(&story), Paid::PartiallyRefunded);
    let story = money(story, "payment.refunded", "70.00");
    assert_eq!(status(&story), Paid::Refunded);
    let document = story.then(order::fold);
    assert_eq!(document.payments[0], story.then(payment::fold));
    assert_eq!(document.version, 2, "the version is that of the order's own stream");
    assert_eq!(document.position, 9, "the position is that of the last event of all");
}

/// What the bank took back is not paid, whatever was captured.
#[test]
fn an_order_that_was_charged_back_in_part_is_paid_in_part() {
    let lost = |amount| {
        json!({ "order_id": O, "reference": "dp_1", "amount": eur(amount),
                                "stage": "lost" })
    };
    let story = money(paying(bought()), "payment.captured", "100.00");
    let story = story.and(PAYMENT, "payment.disputed", lost("40.00"));
    let document = story.then(order::fold);
    assert_eq!(document.payment_status, order::PaymentStatus::PartiallyPaid);
    assert_eq!(document.paid.amount().to_string(), "60.00");
}

#[test]
fn a_courier_owes_what_was_collected_until_it_is_handed_over() {
    let of = |more: Value| {
        let mut payload = json!({ "order_id": O });
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        payload
    };
    let created = of(json!({ "method": "cash_on_delivery", "amount": eur("100.00") }));
    let amount = |amount| of(json!({ "amount": eur(amount) }));
    let story = bought()
        .and(PAYMENT, "payment.created", created)
        .and(PAYMENT, "payment.collection_due", amount("100.00"))
        .and(PAYMENT, "payment.collected", amount("100.00"))
        .and(PAYMENT, "payment.remitted", amount("70.00"))
        // Paid back in the shop: the courier still has what is left.
        .and(PAYMENT, "payment.refunded", amount("100.00"));
    assert_eq!(story.then(payment::fold).to_remit.amount().to_string(), "30.00");
}

#[test]
fn an_order_says_when_paying_failed() {
    use order::PaymentStatus as Paid;
    let failed = json!({ "order_id": O, "reason": "declined" });
    let created = json!({ "order_id": O, "method": "card", "amount": eur("100.00") });
    let story = bought().and(PAYMENT, "payment.created", created);
    assert_eq!(story.then(order::fold).payment_status, Paid::Awaiting);
    let document = story.and(PAYMENT, "payment.failed", failed).then(order::fold);
    assert_eq!(document.payment_status, Paid::Failed);
    assert_eq!(document.payments[0].failure.as_ref().unwrap().as_str(), "declined");
}

#[test]
fn an_order_says_what_has_come_of_sending() {
    use order::FulfilmentStatus as Sent;
    let status = |story: &Story| story.then(order::fold).fulfilment_status;
    let story = parcel(parcel(paying(bought()), PARCEL, 3), OTHER_PARCEL, 1);
    assert_eq!(status(&story), Sent::Unfulfilled);
    let story = leaves(story, PARCEL, 3);
    assert_eq!(status(&story), Sent::Partial);
    let story = leaves(story, OTHER_PARCEL, 1);
    assert_eq!(status(&story), Sent::Fulfilled);
    let story = ends(story, PARCEL, 3, ("fulfilment.delivered", "delivered"));
    assert_eq!(status(&story), Sent::Fulfilled);
    let story = ends(story, OTHER_PARCEL, 1, ("fulfilment.lost", "lost"));
    assert_eq!(status(&story), Sent::Delivered, "three were handed over, one was lost");
    let document = story.then(order::fold);
    assert_eq!(document.fulfilments.len(), 2);
    assert_eq!(serde_json::to_value(document.owed).unwrap(), eur("75.00"));
    let line = &document.lines[0];
    assert_eq!((line.progress.delivered, line.progress.off, line.unplanned), (3, 1, 0));
}

#[test]
fn what_goes_out_again_has_not_left_for_good() {
    use order::FulfilmentStatus as Sent;
    let status = |story: &Story| story.then(order::fold).fulfilment_status;
    let story = leaves(parcel(paying(bought()), PARCEL, 4), PARCEL, 4);
    assert_eq!(status(&story), Sent::Fulfilled);
    let back = json!({ "order_id": O, "send_again": true, "lines": [
        { "sku": "TOTE-S", "quantity": 4, "location": "main" },
    ] });
    let closed = json!({ "fulfilment_id": &PARCEL[11..], "outcome": "returned",
                         "lines": lines(4), "again": lines(4) });
    let story = story.and(PARCEL, "fulfilment.returned_to_sender", back);
    let story = story.and(ORDER, "order.fulfilment_closed", closed);
    let document = story.then(order::fold);
    assert_eq!(document.fulfilment_status, Sent::Unfulfilled);
    assert_eq!((document.lines[0].unplanned, document.lines[0].progress.moving), (4, 0));
    assert_eq!(document.owed, document.total);
    // What came back once is not what was lost after that.
    let story = leaves(parcel(story, OTHER_PARCEL, 4), OTHER_PARCEL, 4);
    let story = ends(story, OTHER_PARCEL, 4, ("fulfilment.lost", "lost"));
    assert_eq!(status(&story), Sent::Lost);
}

#[test]
fn an_order_says_what_is_to_be_given_back() {
    let story = money(paying(bought()), "payment.captured", "100.00");
    let off = json!({ "lines": lines(1), "reason": "broken", "amount": eur("25.00"),
                      "was_confirmed": true });
    let story = story.and(ORDER, "order.units_cancelled", off);
    let amounts = |story: &Story| {
        let document = story.then(order::fold);
        [document.owed, document.paid, document.to_refund].map(|of| of.amount().to_string())
    };
    assert_eq!(amounts(&story), ["75.00", "100.00", "25.00"]);
    let story = money(story, "payment.refunded", "25.00");
    assert_eq!(amounts(&story), ["75.00", "75.00", "0.00"]);
    let story = story.and(ORDER, "order.cancelled", cancelled());
    assert_eq!(amounts(&story), ["0.00", "75.00", "75.00"], "all of it, once it is off");
}

#[test]
fn an_order_says_what_came_back_after_it_was_delivered() {
    const BACK: &str = "return-00000000-0000-7000-8000-000000000021";
    let id = &BACK[7..];
    let story = leaves(parcel(paying(bought()), PARCEL, 4), PARCEL, 4);
    let story = ends(story, PARCEL, 4, ("fulfilment.delivered", "delivered"));
    let asked = json!({ "order_id": O, "lines": lines(2), "reason": "does not fit" });
    let arrived = json!([{ "sku": "TOTE-S", "quantity": 1, "written_off": true }]);
    let came = json!({ "return_id": id, "lines": lines(1), "amount": eur("25.00") });
    let story = story
        .and(BACK, "return.requested", asked)
        .and(ORDER, "order.return_opened", json!({ "return_id": id, "lines": lines(2) }))
        .and(BACK, "return.approved", json!({ "order_id": O }))
        .and(BACK, "return.received", json!({ "order_id": O, "lines": arrived }))
        .and(ORDER, "order.units_returned", came)
        .and(BACK, "return.closed", json!({ "order_id": O }))
        .and(ORDER, "order.return_closed", json!({ "return_id": id, "lines": lines(1) }));
    let document = story.then(order::fold);
    let of = document.lines[0].progress;
    assert_eq!((of.delivered, of.returning, of.returned), (4, 0, 1));
    let back = &document.returns[0];
    assert_eq!((back.received.len(), back.status), (1, return_::Status::Closed));
    assert_eq!(serde_json::to_value(back.amount).unwrap(), eur("25.00"));
    assert_eq!(serde_json::to_value(document.owed).unwrap(), eur("75.00"));
    assert_eq!(document.fulfilment_status, order::FulfilmentStatus::Delivered);
    let rest = json!({ "return_id": id, "lines": lines(3), "amount": eur("65.00"),
                       "withheld": eur("10.00") });
    let document = story.and(ORDER, "order.units_returned", rest).then(order::fold);
    assert_eq!(document.fulfilment_status, order::FulfilmentStatus::Returned);
    assert_eq!(serde_json::to_value(document.owed).unwrap(), eur("10.00"));
}

#[test]
fn an_order_names_the_streams_of_its_parts() {
    const BACK: &str = "return-00000000-0000-7000-8000-000000000021";
    let part = |kind, data| {
        let part = order::part(&given(ORDER, kind, data).0[0].3);
        part.map(|stream| stream.to_string())
    };
    let started = json!({ "payment_id": &PAYMENT[8..], "method": "card" });
    let planned = json!({ "fulfilment_id": &PARCEL[11..], "lines": lines(1) });
    let opened = json!({ "return_id": &BACK[7..], "lines": lines(1) });
    assert_eq!(part("order.payment_started", started).as_deref(), Some(PAYMENT));
    assert_eq!(part("order.fulfilment_planned", planned).as_deref(), Some(PARCEL));
    assert_eq!(part("order.return_opened", opened).as_deref(), Some(BACK));
    assert_eq!(part("order.cancelled", cancelled()), None);
}

#[test]
fn the_streams_of_an_order_may_arrive_in_any_order_once_it_is_placed() {
    let story = parcel(money(paying(bought()), "payment.captured", "100.00"), PARCEL, 4).and(
        ORDER,
        "order.cancelled",
        cancelled(),
    );
    let in_order = story.then(order::fold);
    let late = |seen: &Seen| matches!(seen.event, Event::Payment(_));
    let early = story.seen().filter(|seen| !late(seen));
    let shuffled = early.chain(story.seen().filter(late));
    let shuffled = shuffled.fold(None, |document, seen| order::fold(document, &seen)).unwrap();
    assert_eq!(shuffled, in_order);
    assert_eq!(in_order.cancelled.unwrap().reason, order::Reason::Requested);
}

#[test]
fn events_of_others_change_nothing() {
    let mine = bought().then(order::fold);
    for seen in tote().seen() {
        assert_eq!(order::fold(Some(mine.clone()), &seen), Some(mine.clone()));
        assert_eq!(cart::fold(None, &seen), None);
    }
}
