//! Locations: there from the start or from the first `set` on, and what they are for ever.

use chrono::DateTime;
use domain::command::location::Command;
use domain::location::document::{self, Document};
use domain::location::{Error, Event, Set};
use domain::refusal::All;
use domain::{Command as Any, Event as Fact, Refusal, Seen, StreamId};
use kit::*;
use proptest::prelude::*;
use proptest::sample::select;

/// One of each event, with every field filled.
pub fn examples() -> [Event; 1] {
    let (name, address_ref) = (Some(label("Depot North")), Some(label("sites/7")));
    [Set { sellable: true, name, address_ref }.into()]
}

/// One of each refusal.
pub fn refusals() -> Vec<Refusal> {
    let unknown = Error::Unknown(All(vec![place("mian")]));
    let silent = Error::SellsNothing(All(vec![place("attic"), place("returns")]));
    [unknown, silent, Error::SellableStays { sellable: true }].map(Refusal::from).into()
}

/// What random lives do with them.
pub fn steps() -> impl Strategy<Value = Any> {
    let codes = select(vec!["depot", "main", "returns", "attic"]);
    (codes, any::<bool>()).prop_map(|(code, sellable)| set_location(code, sellable))
}

fn renamed(code: &str, sellable: bool) -> Any {
    let set = Set { sellable, name: Some(label("Depot North")), address_ref: None };
    Any::Location(place(code), Command::Set(set))
}

#[test]
fn it_is_set_and_set_anew() {
    let shop = given([]);
    shop.when(set_location("depot", true)).then([of_location("depot", true)]);
    let shop = shop.done(set_location("depot", true));
    shop.when(set_location("depot", true)).then_nothing();
    let shop = shop.done(renamed("depot", true));
    shop.when(renamed("depot", true)).then_nothing();
    shop.when(set_location("depot", true)).then([of_location("depot", true)]);
}

#[test]
fn it_stays_sellable_or_not() {
    let stays = |sellable| Error::SellableStays { sellable };
    let shop = given([]).done(set_location("depot", true)).done(set_location("attic", false));
    shop.when(renamed("depot", false)).then_refused_with(stays(true));
    shop.when(renamed("attic", true)).then_refused_with(stays(false));
    // Those that are there from the start are what they are before anybody says so.
    shop.when(set_location("main", false)).then_refused_with(stays(true));
    shop.when(set_location("returns", true)).then_refused_with(stays(false));
    shop.done(renamed("main", true)).done(renamed("returns", false));
}

#[test]
fn its_document_follows_its_events() {
    let stream = StreamId::Location(place("depot"));
    let bare = Set { sellable: true, name: None, address_ref: None };
    let fold = |document: Option<Document>, (event, version): (Event, i64)| {
        let (event, occurred_at) = (Fact::from(event), DateTime::UNIX_EPOCH);
        let seen =
            Seen { stream: &stream, version, position: 10 + version, occurred_at, event: &event };
        document::fold(document, &seen)
    };
    let all = [bare.clone().into(), examples()[0].clone()];
    let document = all.into_iter().zip(1..).fold(None, fold).expect("it was set");
    assert_eq!((document.id.as_str(), document.sellable), ("depot", true));
    assert_eq!(
        (&document.name, &document.address_ref),
        (&Some(label("Depot North")), &Some(label("sites/7")))
    );
    assert_eq!((document.version, document.position), (2, 12));
    let document = fold(Some(document), (bare.into(), 3)).expect("it is there");
    assert_eq!((document.name, document.address_ref), (None, None), "all of it is set anew");
}
