//! Events to tell what a reaction notes: given these, then that is due, or settled, or nothing is.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use domain::{CartId, Event, OrderId, PaymentId, ProductId, StreamId};
use event_store::Recorded;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::notes::{Change, Changes};
use crate::reaction::{Reaction, Registered};

/// What a reaction made of events.
pub struct Noted<R: Reaction>(Changes, PhantomData<R>);

/// Has a reaction look at events that stand in the log from position 1 on.
pub fn given<R: Reaction>(events: impl IntoIterator<Item = (StreamId, Event)>) -> Noted<R> {
    let mut changes = Changes::new();
    for recorded in history(events) {
        (Registered::of::<R>().note)(&recorded, &mut changes);
    }
    Noted(changes, PhantomData)
}

impl<R: Reaction> Noted<R> {
    /// This, and nothing else, is due at that time because of the event at that position.
    pub fn then_due(self, subject: &R::Subject, at: DateTime<Utc>, cause: i64) {
        self.then(subject, Change::Due { at, cause });
    }

    /// This, and nothing else, is settled.
    pub fn then_settled(self, subject: &R::Subject) {
        self.then(subject, Change::Settled);
    }

    /// The list is as it was.
    pub fn then_nothing(self) {
        assert_eq!(self.0, Changes::new());
    }

    fn then(self, subject: &R::Subject, change: Change) {
        assert_eq!(self.0, Changes::from([((R::NAME, subject.to_string()), change)]));
    }
}

/// The events as they stand in the log.
pub fn history(events: impl IntoIterator<Item = (StreamId, Event)>) -> Vec<Recorded> {
    (1..)
        .zip(events)
        .map(|(position, (stream, event))| Recorded {
            position,
            stream,
            version: position,
            slot: 0,
            occurred_at: time("2026-03-01T11:00:00Z"),
            recorded_at: recorded_at(),
            event,
        })
        .collect()
}

pub fn order_id() -> OrderId {
    OrderId(Uuid::from_u128(1))
}

pub fn cart_id() -> CartId {
    CartId(Uuid::from_u128(3))
}

pub fn payment_id() -> PaymentId {
    PaymentId(Uuid::from_u128(2))
}

/// When all of it was appended.
pub fn recorded_at() -> DateTime<Utc> {
    time("2026-03-01T12:00:00Z")
}

/// How long the order's units are reserved.
pub fn reserved_until() -> DateTime<Utc> {
    time("2026-03-01T12:15:00Z")
}

/// How long the authorisation holds.
pub fn expires_at() -> DateTime<Utc> {
    time("2026-03-08T12:00:00Z")
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The order was placed.
pub fn placed() -> (StreamId, Event) {
    order("placed")
}

/// An event of the order, by the second half of its name.
pub fn order(name: &str) -> (StreamId, Event) {
    // With what any of them needs: each reads its own.
    let payload = json!({
        "cart_id": Uuid::nil(), "lines": [], "total": money(), "units": 2,
        "reserved_until": reserved_until(), "payment_id": payment_id(), "method": "card",
        "fulfilment_id": Uuid::nil(), "outcome": "delivered", "reason": "expired",
        "was_confirmed": false,
    });
    (StreamId::Order(order_id()), event(&format!("order.{name}"), &payload))
}

/// An event of a cart, by the second half of its name.
pub fn cart(name: &str) -> (StreamId, Event) {
    let payload = json!({
        "currency": "EUR", "customer_id": Uuid::nil(), "order_id": order_id(), "into": Uuid::nil(),
        "sku": "TOTE", "product_id": Uuid::nil(), "title": "Tote", "quantity": 1,
        "unit_price": money(),
    });
    (StreamId::Cart(cart_id()), event(&format!("cart.{name}"), &payload))
}

/// An event of its payment; `captured_last` is the capture after which nothing is left.
pub fn payment(name: &str) -> (StreamId, Event) {
    let last = name == "captured_last";
    let name = if last { "captured" } else { name };
    let mut payload = json!({
        "order_id": order_id(), "method": "card", "gateway": "sandbox", "token": "tok_1",
        "amount": money(), "before": money(), "written_off_before": money(), "last": last,
        "operation": "authorize", "what": "refund", "request": 1, "url": "https://bank.example/confirm",
        "reference": "auth_1", "expires_at": expires_at(), "reason": "insufficient funds",
    });
    // What is remitted says for what nobody waits any more, too: more than an amount.
    if name == "remittance_corrected" {
        payload["written_off"] = money();
    }
    (StreamId::Payment(payment_id()), event(&format!("payment.{name}"), &payload))
}

/// An event of a product.
pub fn product(name: &str, payload: &Value) -> (StreamId, Event) {
    let id = ProductId(Uuid::from_u128(7));
    (StreamId::Product(id), event(&format!("product.{name}"), payload))
}

fn event(name: &str, payload: &Value) -> Event {
    let (_, schema) = Event::types().find(|(known, _)| *known == name).unwrap();
    Event::decode(name, schema, &payload.to_string()).unwrap()
}

fn money() -> Value {
    json!({"amount": "39.98", "currency": "EUR"})
}
