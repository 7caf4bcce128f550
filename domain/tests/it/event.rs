//! The stored shape of every event. A snapshot that changes is history that changes: raise the
//! schema and lift the old shape in `domain::event`, then accept the new snapshot.

use std::collections::BTreeSet;

use domain::event::DecodeError;
use domain::order::CancelReason;
use domain::{Event, StreamId, order, product};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::examples;
use kit::*;

fn payload(event: &Event) -> Value {
    let stored = event.encode().expect("events can be stored");
    serde_json::from_str(&stored).expect("stored as JSON")
}

#[test]
fn every_event_has_the_shape_of_its_snapshot() {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        for event in examples::all() {
            let (name, schema) = event.kind();
            let stored = json!({ "type": name, "schema": schema, "payload": payload(&event) });
            insta::assert_json_snapshot!(name, stored);
        }
    });
}

#[test]
fn every_event_type_has_a_snapshot_and_every_snapshot_a_type() {
    let known: BTreeSet<String> = Event::types().map(|(name, _)| name.to_owned()).collect();
    let examples = examples::all();
    let shown: BTreeSet<String> = examples.iter().map(|event| event.kind().0.to_owned()).collect();
    assert_eq!(shown, known);
    assert_eq!(examples.len(), known.len(), "one example a type");
    assert_eq!(Event::types().count(), known.len(), "no two events share a name");

    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/snapshots");
    let files = std::fs::read_dir(folder).expect("the snapshots are there");
    let files = files.map(|file| file.expect("readable").file_name().into_string());
    let files: BTreeSet<String> = files
        .map(|name| name.expect("plain names"))
        .filter_map(|name| name.strip_suffix(".snap").map(ToOwned::to_owned))
        .collect();
    assert_eq!(files, known);
}

#[test]
fn every_event_can_be_stored_and_read() {
    for event in examples::all() {
        assert_eq!(stored_and_read(&event), event);
        let (name, _) = event.kind();
        assert!(name.starts_with(&format!("{}.", event.category().name())), "{name}");
    }
}

#[test]
fn every_reason_to_cancel_can_be_stored_and_read() {
    for reason in [
        CancelReason::Requested(note("changed my mind")),
        CancelReason::Expired,
        CancelReason::Undeliverable,
    ] {
        let (total, units) = (eur("1.00"), 1);
        let event: order::Event =
            order::Cancelled { reason, was_confirmed: false, total, units }.into();
        let event = Event::from(event);
        assert_eq!(stored_and_read(&event), event);
    }
}

#[test]
fn a_field_taken_away_is_not_a_field_left_alone() {
    let changed = |brand| {
        let changed = product::Changed { brand, ..product::Changed::default() };
        Event::from(product::Event::from(changed))
    };
    assert_eq!(payload(&changed(None)), json!({}));
    assert_eq!(payload(&changed(Some(None))), json!({ "brand": null }));
    for event in [changed(None), changed(Some(None)), changed(Some(Some(label("Acme"))))] {
        assert_eq!(stored_and_read(&event), event);
    }
}

fn read_created(schema: u16, payload: &Value) -> product::Details {
    match Event::decode("product.created", schema, &payload.to_string()) {
        Ok(Event::Product(product::Event::Created(created))) => created.details,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_category_of_schema_1_becomes_a_path() {
    let of = |category: &str| read_created(1, &json!({ "title": "Tote", "category": category }));
    assert_eq!(of("Bags > Totes").category, [label("Bags"), label("Totes")]);
    assert_eq!(of("Bags").category, [label("Bags")]);
    assert_eq!(of(" Bags >> Totes > ").category, [label("Bags"), label("Totes")]);
    assert_eq!(of("").category, []);
    assert_eq!(read_created(1, &json!({ "title": "Tote" })).category, []);
    let now = json!({ "title": "Tote", "category": ["Bags", "Totes"] });
    assert_eq!(read_created(2, &now).category, of("Bags > Totes").category);
}

#[test]
fn what_cannot_be_read_is_an_error() {
    let read = |name, schema, payload| Event::decode(name, schema, payload);
    for unknown in ["product.exploded", "created", "", "nothing.created", "product.Created"] {
        let error = read(unknown, 1, "{}");
        assert!(matches!(error, Err(DecodeError::UnknownType(_))), "{unknown}: {error:?}");
    }
    let newer = read("product.created", 3, r#"{"title":"Tote"}"#);
    assert!(matches!(newer, Err(DecodeError::NewerSchema { found: 3, known: 2, .. })), "{newer:?}");
    for (schema, malformed) in [
        (2, "{}"),
        (2, "not JSON"),
        (2, r#"{"title":""}"#),
        (2, r#"{"title":"Tote","category":"Bags"}"#),
        (1, "[]"),
        (1, "7"),
        (1, "not JSON"),
        (1, r#"{"title":"Tote","category":7}"#),
    ] {
        let error = read("product.created", schema, malformed);
        assert!(matches!(error, Err(DecodeError::Payload { .. })), "{malformed}: {error:?}");
    }
    let price = r#"{"sku":"A","prices":[{"amount":19.99,"currency":"EUR"}]}"#;
    let error = read("product.variant_set", 1, price);
    assert!(matches!(error, Err(DecodeError::Payload { .. })), "a number is no price: {error:?}");
}

#[test]
fn what_is_read_together_shares_a_partition_key() {
    let order = order_id(1).to_string();
    for event in examples::all() {
        let (stream, key) = match &event {
            Event::Product(_) => (StreamId::Product(product_id(1)), product_id(1).to_string()),
            Event::Sku(_) => (StreamId::Sku(sku(TOTE)), TOTE.to_owned()),
            Event::Stock(_) => (StreamId::Stock(sku(TOTE)), TOTE.to_owned()),
            Event::Cart(_) => (StreamId::Cart(cart_id(1)), cart_id(1).to_string()),
            Event::Order(_) => (StreamId::Order(order_id(1)), order.clone()),
            Event::Payment(_) => (StreamId::Payment(payment_id(1)), order.clone()),
            Event::Fulfilment(_) => (StreamId::Fulfilment(parcel_id(1)), order.clone()),
            Event::Return(_) => (StreamId::Return(return_id(1)), order.clone()),
            Event::Location(_) => (StreamId::Location(place("depot")), "depot".to_owned()),
        };
        assert_eq!(event.partition_key(&stream), key, "{event:?}");
    }
}

#[test]
fn the_words_in_events_are_pinned() {
    use domain::order::{ParcelOutcome, PaymentMethod};
    use domain::payment::{CapturePolicy, DisputeStage, Operation};
    let words = json!([
        [CancelReason::Requested(note("x")), CancelReason::Expired, CancelReason::Undeliverable],
        [PaymentMethod::Card, PaymentMethod::Paypal],
        [PaymentMethod::CashOnDelivery, PaymentMethod::External],
        [
            ParcelOutcome::Delivered,
            ParcelOutcome::Cancelled,
            ParcelOutcome::Returned,
            ParcelOutcome::Lost
        ],
        [CapturePolicy::AtOnce, CapturePolicy::AtShipment, CapturePolicy::ByHand],
        [DisputeStage::Opened, DisputeStage::Won, DisputeStage::Lost],
        [Operation::Authorize, Operation::Capture, Operation::Void, Operation::Refund],
    ]);
    let pinned = json!([
        [
            { "reason": "requested", "note": "x" },
            { "reason": "expired" },
            { "reason": "undeliverable" }
        ],
        ["card", "paypal"],
        ["cash_on_delivery", "external"],
        ["delivered", "cancelled", "returned", "lost"],
        ["at_once", "at_shipment", "by_hand"],
        ["opened", "won", "lost"],
        ["authorize", "capture", "void", "refund"],
    ]);
    assert_eq!(words, pinned);
}

/// Places in a document, as JSON pointers.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => {
            (0..).zip(items).for_each(|(n, item)| places(item, &format!("{at}/{n}"), all));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| places(member, &format!("{at}/{name}"), all));
        }
        _ => {}
    }
}

/// Nearly what some field holds.
const NEARLY: [&str; 9] =
    ["0.1", "-0", "1.", "1e2", "19.990", "JPY", "", "expired", "2026-01-01T24:00:00Z"];

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(&NEARLY[..]).prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!({ "amount": "1.5", "currency": "KWD" })),
        Just(json!({ "reason": "requested", "note": "a\u{0}b" })),
    ]
}

proptest! {
    #[test]
    fn whatever_can_be_read_can_be_stored_and_read_again(
        example: prop::sample::Index,
        place: prop::sample::Index,
        value in any_value(),
        schema in 0..3_u16,
    ) {
        let examples = examples::all();
        let example = example.get(&examples);
        let (name, known) = example.kind();
        let mut changed = payload(example);
        let mut all = Vec::new();
        places(&changed, "", &mut all);
        let place: &String = place.get(&all);
        if let Some(there) = changed.pointer_mut(place) {
            *there = value;
        }
        for schema in [schema, known] {
            if let Ok(event) = Event::decode(name, schema, &changed.to_string()) {
                prop_assert_eq!(event.kind(), (name, known));
                prop_assert_eq!(stored_and_read(&event), event);
            }
        }
    }
}
