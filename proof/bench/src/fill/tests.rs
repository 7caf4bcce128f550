//! A filled log is one that the engine could have written: it reads, folds and goes on like it.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::collections::{BTreeSet, HashMap};

use domain::command::cart;
use domain::stream::slot_of;
use domain::{CartId, Command};
use event_store::recorded::Metadata;
use event_store::{Outcome, RawEvent, Request, Writer, read, writer};
use indicatif::ProgressBar;
use projector::building::rebuild;
use projector::{builds, projections};
use serde_json::Value;
use sqlx::PgPool;

use super::{Log, fill, time};

/// More than three rounds, less than a page.
const EVENTS: i64 = 1_500;

async fn log(db: &PgPool) -> (Log, Vec<RawEvent>) {
    let filled = fill(db, EVENTS).await.unwrap();
    assert!(filled.rounds > 2);
    let events = read::after(db, 0, read::PAGE_EVENTS_MAX).await.unwrap();
    assert_eq!(filled.events, events.len() as i64, "all fit one page");
    (filled, events)
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_event_reads_and_stands_where_it_belongs(db: PgPool) {
    let (_, events) = log(&db).await;
    let mut versions: HashMap<&str, i64> = HashMap::new();
    for (raw, position) in events.iter().zip(1..) {
        assert_eq!(raw.position, position);
        let version = versions.entry(&raw.stream).or_default();
        *version += 1;
        assert_eq!(raw.version, *version, "{}", raw.stream);
        let recorded = raw.decode().unwrap();
        let slot = slot_of(&recorded.event.partition_key(&recorded.stream));
        assert_eq!(raw.slot.unsigned_abs(), slot, "{}", raw.stream);
    }
    let head = read::head(&db).await.unwrap();
    assert_eq!(head, events.last().unwrap().position);
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_event_has_a_command_whose_outcome_was_kept(db: PgPool) {
    let (_, events) = log(&db).await;
    let kept: Vec<(String, Value, i64)> =
        sqlx::query_as("SELECT key, outcome, position FROM commands").fetch_all(&db).await.unwrap();
    let mut last: HashMap<String, i64> = HashMap::new();
    for event in &events {
        let metadata: Metadata = serde_json::from_str(event.metadata.get()).unwrap();
        last.insert(metadata.command, event.position);
    }
    assert_eq!(kept.len(), last.len());
    for (key, outcome, position) in kept {
        assert_eq!(last[&key], position, "of the command's last event");
        let outcome: Outcome = serde_json::from_value(outcome).unwrap();
        let Outcome::Accepted { id, .. } = outcome else { panic!("{outcome:?}") };
        let stream = &events[usize::try_from(position).unwrap() - 1].stream;
        let round = stream.split_once('-').unwrap().1.get(..time::prefix(0).len()).unwrap();
        assert!(id.starts_with(round), "{id} is of another round than {stream}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn projections_fold_it_and_park_nothing(db: PgPool) {
    let (filled, events) = log(&db).await;
    for projection in projections::ALL {
        builds::active(&db, projection).await.unwrap();
        let bar = ProgressBar::hidden();
        let report = rebuild::rebuild(&db, projection, None, "test", &bar).await.unwrap();
        assert_eq!(report.parked, 0, "{}", projection.name);
    }
    let rounds = filled.rounds;
    let orders: BTreeSet<&str> = events
        .iter()
        .map(|event| &*event.stream)
        .filter(|name| name.starts_with("order-"))
        .collect();
    let by_status: Vec<(String, i64)> =
        sqlx::query_as("SELECT status, count(*) FROM orders GROUP BY status")
            .fetch_all(&db)
            .await
            .unwrap();
    assert_eq!(by_status.iter().map(|(_, count)| count).sum::<i64>(), orders.len() as i64);
    for (status, count) in by_status {
        assert_eq!(count % rounds, 0, "{status}: as many in each round");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn commands_go_on_in_a_copied_round(db: PgPool) {
    let (filled, _) = log(&db).await;
    let last = filled.rounds - 1;
    let of_last = |first: String| time::in_round(&first, last);
    let id: CartId = of_last(filled.cart.to_string()).parse().unwrap();
    let sku = of_last(filled.sku.to_string()).parse().unwrap();
    let (writer, task) = Writer::start(&db, writer::Settings::default());
    let add = cart::Command::AddLine { sku, quantity: 2.try_into().unwrap() };
    let request = Request::new(Command::Cart(id, add), time::of(last + 1));
    let answer = writer.submit(request).await.unwrap();
    assert_eq!(answer.position, filled.events + 1);
    assert!(matches!(answer.outcome, Outcome::Accepted { .. }), "{:?}", answer.outcome);
    writer.close();
    task.await.unwrap();
}
