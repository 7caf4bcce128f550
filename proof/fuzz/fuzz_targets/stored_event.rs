//! An event as it stands in the log: `type schema`, a line feed, the payload. Old schemas are
//! lifted. What is read can be stored again without changing, and be folded first of its stream.

#![no_main]

use chrono::DateTime;
use domain::stream::{SLOTS, slot_of};
use domain::{
    CartId, Category, Event, FulfilmentId, OrderId, PaymentId, ProductId, ReturnId, Seen, State,
    StreamId,
};
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

fuzz_target!(|data: &str| {
    let Some((kind, payload)) = data.split_once('\n') else { return };
    let Some((name, schema)) = kind.split_once(' ') else { return };
    let Ok(schema) = schema.parse() else { return };
    let _ = serde_json::from_str::<event_store::Metadata>(payload);
    let Ok(event) = Event::decode(name, schema, payload) else { return };

    let (kind, known) = event.kind();
    assert_eq!(kind, name);
    assert!(schema <= known);
    let stored = event.encode().expect("what was read can be stored");
    let again = Event::decode(name, known, &stored).expect("and read again");
    assert_eq!(again, event);
    assert_eq!(again.encode().expect("what was read can be stored"), stored);

    let stream = stream(event.category());
    assert_eq!(stream.to_string().parse(), Ok(stream.clone()));
    assert!(slot_of(&event.partition_key(&stream)) < SLOTS);
    State::initial(&stream).evolve(&event);
    check_documents(&Seen {
        stream: &stream,
        version: 1,
        position: 1,
        occurred_at: DateTime::UNIX_EPOCH,
        event: &event,
    });
});

/// What readers get of it is JSON, and is itself when read again.
fn check_documents(seen: &Seen<'_>) {
    macro_rules! check {
        ($($($module:ident)::+),+) => { $(
            if let Some(document) = domain::$($module)::+::fold(None, seen) {
                let stored = serde_json::to_string(&document).expect("a document is JSON");
                let again: domain::$($module)::+::Document =
                    serde_json::from_str(&stored).expect("and is read again");
                assert_eq!(serde_json::to_string(&again).expect("a document is JSON"), stored);
            }
        )+ };
    }
    check!(product::document, stock::document, cart::document, payment::document);
    check!(location::document, fulfilment::document, return_::document);
    check!(page::order, page::search);
}

fn stream(category: Category) -> StreamId {
    let (id, sku) = (Uuid::nil(), "TOTE".parse().expect("a SKU"));
    match category {
        Category::Product => StreamId::Product(ProductId(id)),
        Category::Sku => StreamId::Sku(sku),
        Category::Stock => StreamId::Stock(sku),
        Category::Location => StreamId::Location("depot".parse().expect("a location")),
        Category::Cart => StreamId::Cart(CartId(id)),
        Category::Order => StreamId::Order(OrderId(id)),
        Category::Payment => StreamId::Payment(PaymentId(id)),
        Category::Fulfilment => StreamId::Fulfilment(FulfilmentId(id)),
        Category::Return => StreamId::Return(ReturnId(id)),
    }
}
