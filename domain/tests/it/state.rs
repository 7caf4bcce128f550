//! States as snapshots keep them: what they look like, what folds make of events, and that they
//! come back as they were.
//!
//! A fold that changes here means that snapshots taken by older programs are wrong: raise
//! `SCHEMA` of its aggregate, then accept the new fold.

use std::collections::BTreeMap;

use domain::command::stock as stocks;
use domain::payment::{DisputeStage, Report};
use domain::{Category, Command, Event, State, StreamId};
use kit::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::examples;

/// A stream of every category, and the examples of its events.
fn streams() -> BTreeMap<StreamId, Vec<Event>> {
    let key = |category| match category {
        Category::Sku | Category::Stock => "TOTE".to_owned(),
        Category::Location => "depot".to_owned(),
        _ => Uuid::nil().to_string(),
    };
    let mut streams: BTreeMap<StreamId, Vec<Event>> = BTreeMap::new();
    for event in examples::all() {
        let category = event.category();
        let stream = StreamId::of(category, &key(category)).expect("a key of that category");
        streams.entry(stream).or_default().push(event);
    }
    streams
}

fn stored(state: &State) -> Value {
    serde_json::to_value(state).expect("states can be stored")
}

#[test]
fn every_fold_is_as_its_snapshot_says() {
    insta::with_settings!({
        prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "folds"
    }, {
        let streams = streams();
        assert_eq!(streams.len(), Category::ALL.len());
        for (stream, events) in streams {
            let mut state = State::initial(&stream);
            let mut folds = vec![];
            for event in events {
                state.evolve(&event);
                folds.push(json!({ "after": event.kind().0, "state": stored(&state) }));
            }
            let folds = json!({ "schema": stream.schema(), "folds": folds });
            insta::assert_json_snapshot!(stream.category().name(), folds);
        }
    });
}

#[test]
fn every_state_comes_back_as_it_was() {
    for (stream, events) in streams() {
        let mut state = State::initial(&stream);
        for event in events {
            state.evolve(&event);
            let read: State = serde_json::from_value(stored(&state)).expect("states can be read");
            assert_eq!(read, state);
        }
    }
}

/// By that the writer's cache is bounded, and snapshots of large states are taken less often.
#[test]
fn a_state_counts_what_it_holds() {
    let items = |shop: &Shop, stream: StreamId| shop.state(&stream).items() - 1;
    let (tote, order, parcel) = (
        StreamId::Stock(sku(TOTE)),
        StreamId::Order(order_id(1)),
        StreamId::Fulfilment(parcel_id(1)),
    );
    let one_of_each = |shop: &Shop| {
        let known = [
            StreamId::Sku(sku(TOTE)),
            StreamId::Location(place("depot")),
            StreamId::Cart(cart_id(1)),
            StreamId::Product(product_id(1)),
            tote.clone(),
            order.clone(),
            StreamId::Payment(payment_id(1)),
            parcel.clone(),
            StreamId::Return(return_id(1)),
        ];
        known.map(|stream| items(shop, stream))
    };
    let nothing = [0; 9];
    assert_eq!(one_of_each(&Shop::default()), nothing);
    // A variant and its two prices; two places.
    assert_eq!(one_of_each(&catalogue()), [0, 0, 0, 3, 2, 0, 0, 0, 0]);
    assert_eq!(items(&full_cart(), StreamId::Cart(cart_id(1))), 2);
    // A hold; each line, with how far it has come; a payment, and a parcel with its two lines.
    let shop = sent(captured());
    assert_eq!(items(&placed(), tote.clone()), 3);
    assert_eq!((items(&placed(), order.clone()), items(&shop, order.clone())), (4, 8));
    assert_eq!(items(&shop, parcel.clone()), 2);
    let some = shop.clone().done(hand_over(1, &[(TOTE, 1)]));
    assert_eq!(items(&some, parcel.clone()), 3, "some of one is taken, and some is left");
    let back = shop.clone().done(fail(1)).done(give_back(1));
    assert_eq!(items(&back, parcel), 4);
    let announced = shop.done(deliver(1)).done(request_return(1, 1, &[(TOTE, 1)]));
    assert_eq!(items(&announced, order), 10);
    let counted = Command::Stock(
        sku(TOTE),
        stocks::Command::Receive { location: place("cellar"), quantity: units(1), reference: None },
    );
    let cellar = catalogue().done(set_location("cellar", true));
    assert_eq!(items(&cellar.done(counted), tote), 3);
}

/// A variant's options count, wherever they stand.
#[test]
fn a_state_counts_options() {
    let mut bag = variant("BAG", &[eur("10.00")]);
    bag.options = serde_json::from_value(json!([{"name": "Size", "value": "L"}])).unwrap();
    let shop = empty_cart().done(create_product(3, vec![bag])).done(publish(3));
    let shop = shop.done(receive("BAG", 1)).done(add(1, "BAG", 1));
    assert_eq!(shop.state(&StreamId::Product(product_id(3))).items(), 4);
    assert_eq!(shop.state(&StreamId::Cart(cart_id(1))).items(), 3);
}

/// Every name that a gateway gave is kept, for none counts twice.
#[test]
fn a_payment_counts_what_it_was_told() {
    let payment = StreamId::Payment(payment_id(1));
    let items = |shop: &Shop| shop.state(&payment).items() - 1;
    let dispute =
        |stage| Report::Disputed { reference: token("dispute"), amount: eur("1.00"), stage };
    let refunded = Report::Refunded { amount: eur("1.00"), reference: token("refund") };
    let back = Report::RefundFailed {
        request: None,
        amount: eur("1.00"),
        reference: token("refund"),
        reason: note("the card is closed"),
    };
    let shop = captured();
    assert_eq!(items(&shop), 0);
    let shop = shop.done(report(1, refunded));
    assert_eq!(items(&shop), 1);
    let shop = shop.done(report(1, back));
    assert_eq!(items(&shop), 2);
    let shop = shop.done(report(1, dispute(DisputeStage::Lost)));
    assert_eq!(items(&shop), 4, "it is counted, and has ended");
}
