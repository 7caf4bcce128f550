//! A medlar's life.

use chrono::DateTime;
use domain::command::quince::Command;
use domain::quince::document::{self, Document, Status};
use domain::quince::{Created, Error, Event, Retired};
use domain::{Command as Any, Event as Fact, QuinceId, Refusal, Seen, StreamId};
use kit::*;
use proptest::prelude::*;
use uuid::Uuid;

pub fn quince_id(n: u128) -> QuinceId {
    QuinceId(Uuid::from_u128(n))
}

/// One of each event, with every field filled.
pub fn examples() -> [Event; 2] {
    [Created { title: label("First") }.into(), Retired {}.into()]
}

/// One of each refusal.
pub fn refusals() -> Vec<Refusal> {
    [Error::AlreadyExists, Error::NotFound].map(Refusal::from).into()
}

/// What random lives do with it.
pub fn steps() -> impl Strategy<Value = Any> {
    prop_oneof![Just(create()), Just(to(Command::Retire))]
}

fn of(event: impl Into<Event>) -> (StreamId, Fact) {
    (StreamId::Quince(quince_id(1)), event.into().into())
}

fn to(command: Command) -> Any {
    Any::Quince(quince_id(1), command)
}

fn create() -> Any {
    to(Command::Create { title: label("First") })
}

#[test]
fn it_is_created_once() {
    given([]).when(create()).then([of(Created { title: label("First") })]);
    given([]).done(create()).when(create()).then_refused("quince_already_exists");
}

#[test]
fn it_is_retired_once_and_for_all() {
    given([]).when(to(Command::Retire)).then_refused("quince_not_found");
    let open = given([]).done(create());
    open.when(to(Command::Retire)).then([of(Retired {})]);
    let retired = open.done(to(Command::Retire));
    retired.when(to(Command::Retire)).then_nothing();
    retired.when(create()).then_refused("quince_already_exists");
}

#[test]
fn its_document_follows_its_events() {
    let stream = StreamId::Quince(quince_id(1));
    let fold = |document: Option<Document>, (event, version): (Event, i64)| {
        let event = Fact::from(event);
        let occurred_at = DateTime::UNIX_EPOCH;
        document::fold(
            document,
            &Seen { stream: &stream, version, position: 10 + version, occurred_at, event: &event },
        )
    };
    let document = examples().into_iter().zip(1..).fold(None, fold).expect("it was created");
    assert_eq!((document.id, document.title), (quince_id(1), label("First")));
    assert_eq!((document.version, document.position), (2, 12));
    assert_eq!(document.status, Status::Retired);
}
