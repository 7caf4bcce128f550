//! Files into the shop, on a log in a database of its own: real exports, awkward ones, repeated
//! and interrupted imports.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod awkward;
mod exports;
mod orders;
mod people;
mod products;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use event_store::read;
use import::{Args, Report, import};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

/// An event without what differs between two runs.
type Logged = (String, i64, String, DateTime<Utc>, Value);

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// A file with this content.
fn file(content: impl AsRef<[u8]>) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.csv", Uuid::now_v7()));
    std::fs::write(&path, content).unwrap();
    path
}

fn products(file: PathBuf) -> Args {
    Args::Products { file, currency: "EUR".parse().unwrap(), location: "main".parse().unwrap() }
}

fn orders(file: PathBuf) -> Args {
    Args::Orders { file, currency: "USD".parse().unwrap() }
}

async fn run(db: &PgPool, args: Args) -> Report {
    import(args, db.clone(), None).await.unwrap()
}

/// The whole log.
async fn log(db: &PgPool) -> Vec<Logged> {
    let mut log = Vec::new();
    loop {
        let page = read::after(db, log.len() as i64, read::PAGE_EVENTS_MAX).await.unwrap();
        if page.is_empty() {
            return log;
        }
        log.extend(page.into_iter().map(|event| {
            let data = serde_json::from_str(event.data.get()).unwrap();
            (event.stream, event.version, event.kind, event.occurred_at, data)
        }));
    }
}

/// How many events there are of each type.
async fn kinds(db: &PgPool) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for (_, _, kind, _, _) in log(db).await {
        *kinds.entry(kind).or_default() += 1;
    }
    kinds
}

/// The payloads of the events of one type.
async fn of_kind(db: &PgPool, wanted: &str) -> Vec<Value> {
    let log = log(db).await.into_iter();
    log.filter(|(_, _, kind, _, _)| kind == wanted).map(|(.., data)| data).collect()
}

/// Lines left out, with a part of each reason, in the order of the file.
fn assert_left_out(report: &Report, wanted: &[(u64, &str)]) {
    let mut reasons = report.reasons().to_vec();
    reasons.sort();
    let lines: Vec<u64> = reasons.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, wanted.iter().map(|(line, _)| *line).collect::<Vec<_>>(), "{reasons:#?}");
    for ((line, reason), (_, part)) in reasons.iter().zip(wanted) {
        assert!(reason.contains(part), "line {line}: {reason}, not {part}");
    }
}
