//! The log as it stands in Postgres: the events of a round's streams and what its commands came
//! to, read by SQL of its own, and decoded and folded with the domain.

use std::collections::{HashMap, hash_map};

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::{Event, OrderId, StreamId};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use crate::history::{Answer, History};

/// Under which clients' keys stand in the log: nobody is asked for a token here.
pub const CLIENT: &str = "c:anyone:";
/// Events read at once.
const PAGE_EVENTS: i64 = 10_000;

/// One event.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place in the log.
    pub position: i64,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: i64,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// What happened.
    pub event: Event,
    /// The key of the command that made it.
    pub key: String,
}

/// What a command came to.
#[derive(Clone, Debug)]
pub struct Kept {
    /// `accepted` or `refused`.
    pub outcome: Value,
    /// Of its last event; without events, where it was decided.
    pub position: i64,
}

impl Kept {
    /// Of a refusal that the log does not keep, its answer tells where it was decided.
    pub fn in_passing(answer: &Answer) -> Option<Self> {
        let position = answer.position().filter(|_| answer.is_passing())?;
        Some(Self { outcome: json!({"refused": {"code": answer.code()}}), position })
    }
}

/// A round's part of the log.
#[derive(Debug, Default)]
pub struct Log {
    /// The events of the streams that began in the round, in order.
    pub entries: Vec<Entry>,
    /// What the round's commands came to, by their key in the log.
    pub commands: HashMap<String, Kept>,
    /// The last position when it was read.
    pub head: i64,
    /// Ids that it had before, and up to where it was the same under each.
    pub lineage: HashMap<String, i64>,
    /// Which entries each stream has, in order.
    streams: HashMap<String, Vec<usize>>,
    /// Which entries each command has, in order.
    keys: HashMap<String, Vec<usize>>,
    /// Which entries each order has, with its payments, parcels and returns.
    orders: HashMap<OrderId, Vec<usize>>,
}

#[derive(Deserialize)]
struct Metadata {
    command: String,
}

impl Log {
    /// Reads what a round did.
    pub async fn load(db: &PgPool, history: &History) -> anyhow::Result<Self> {
        let head: i64 = sqlx::query_scalar("SELECT position FROM log_head").fetch_one(db).await?;
        let mut entries = Vec::new();
        let mut after = history.began_at;
        while after < head {
            let rows = sqlx::query(
                "SELECT position, stream, version, type, schema, occurred_at,
                        metadata::text AS metadata, data::text AS data
                 FROM events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3",
            )
            .bind(after)
            .bind(head)
            .bind(PAGE_EVENTS)
            .fetch_all(db)
            .await?;
            for row in &rows {
                entries.push(entry(row)?);
            }
            // Holes are another check's.
            after = entries.last().map_or(head, |last: &Entry| last.position);
            if rows.is_empty() {
                break;
            }
        }
        let rows = sqlx::query(
            "SELECT key, outcome::text AS outcome, position FROM commands
             WHERE key >= $1 AND key < $2",
        )
        .bind(format!("{CLIENT}{}-", history.tag))
        .bind(format!("{CLIENT}{}.", history.tag))
        .fetch_all(db)
        .await?;
        let mut commands = HashMap::with_capacity(rows.len());
        for row in rows {
            let outcome = serde_json::from_str(row.try_get("outcome")?)?;
            commands
                .insert(row.try_get("key")?, Kept { outcome, position: row.try_get("position")? });
        }
        let lineage: Vec<(String, i64)> =
            sqlx::query_as("SELECT log_id::text, head FROM log_lineage").fetch_all(db).await?;
        Ok(Self { lineage: lineage.into_iter().collect(), ..Self::new(entries, commands, head) })
    }

    /// Of these events and outcomes. Events of streams that began earlier are left out.
    pub fn new(entries: Vec<Entry>, commands: HashMap<String, Kept>, head: i64) -> Self {
        let mut log = Self { commands, head, ..Self::default() };
        for entry in entries {
            let name = entry.stream.to_string();
            if entry.version != 1 && !log.streams.contains_key(&name) {
                continue;
            }
            let number = log.entries.len();
            log.streams.entry(name).or_default().push(number);
            log.keys.entry(entry.key.clone()).or_default().push(number);
            if let Some(order) = order_of(&entry) {
                log.orders.entry(order).or_default().push(number);
            }
            log.entries.push(entry);
        }
        log
    }

    /// Takes in the refusals that the engine does not keep, from the answers that told of them.
    /// Where the log has something under the key all the same, another attempt was decided anew,
    /// and what it was told before counts no more: that history is given.
    pub fn settle(&mut self, history: &History) -> History {
        let mut history = history.clone();
        for asked in history.commands.iter_mut().filter(|asked| !asked.reuses_key) {
            let Some(told) = asked.answer().and_then(Kept::in_passing) else { continue };
            match self.commands.entry(format!("{CLIENT}{}", asked.command.key)) {
                hash_map::Entry::Vacant(entry) => drop(entry.insert(told)),
                hash_map::Entry::Occupied(_) => asked.forget_passing(),
            }
        }
        history
    }

    /// What the command came to; `None` if the log does not know it.
    pub fn kept(&self, key: &str) -> Option<&Kept> {
        self.commands.get(&format!("{CLIENT}{key}"))
    }

    /// The events that the client's command made.
    pub fn made_by(&self, key: &str) -> impl Iterator<Item = &Entry> {
        self.pick(self.keys.get(&format!("{CLIENT}{key}")))
    }

    /// The events of a stream.
    pub fn of_stream(&self, stream: &str) -> impl Iterator<Item = &Entry> {
        self.pick(self.streams.get(stream))
    }

    /// The events of an order, its payments, its parcels and its returns.
    pub fn of_order(&self, order: OrderId) -> impl Iterator<Item = &Entry> {
        self.pick(self.orders.get(&order))
    }

    fn pick<'a>(&'a self, numbers: Option<&'a Vec<usize>>) -> impl Iterator<Item = &'a Entry> {
        numbers.into_iter().flatten().map(|number| &self.entries[*number])
    }

    /// The streams that began in the round.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        self.streams.keys().map(String::as_str)
    }

    /// The version that a stream had at a position; 0 if it had not begun.
    pub fn version_at(&self, stream: &str, position: i64) -> i64 {
        let Some(numbers) = self.streams.get(stream) else { return 0 };
        let before = numbers.partition_point(|number| self.entries[*number].position <= position);
        i64::try_from(before).unwrap_or(i64::MAX)
    }
}

fn entry(row: &PgRow) -> anyhow::Result<Entry> {
    let position: i64 = row.try_get("position")?;
    let (kind, schema): (String, i16) = (row.try_get("type")?, row.try_get("schema")?);
    let event = Event::decode(&kind, u16::try_from(schema)?, row.try_get("data")?);
    let metadata: Metadata = serde_json::from_str(row.try_get("metadata")?)
        .with_context(|| format!("the metadata at {position}"))?;
    Ok(Entry {
        position,
        stream: row.try_get::<&str, _>("stream")?.parse()?,
        version: row.try_get("version")?,
        occurred_at: row.try_get("occurred_at")?,
        event: event.with_context(|| format!("the event at {position}"))?,
        key: metadata.command,
    })
}

/// The order that an event is read with.
fn order_of(entry: &Entry) -> Option<OrderId> {
    match (&entry.event, &entry.stream) {
        (Event::Payment(event), _) => Some(event.order_id()),
        (Event::Fulfilment(event), _) => Some(event.order_id()),
        (Event::Return(event), _) => Some(event.order_id()),
        (_, StreamId::Order(id)) => Some(*id),
        _ => None,
    }
}
