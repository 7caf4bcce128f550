//! Streams that wait for a program that can read them: seen, and taken up again.
//!
//! A stream waits, for a reaction, from the first event on that no program could read. It is read
//! again from there, up to where the reaction has come, by every program at its start and now and
//! then, so that a newer one needs nobody to tell it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use event_store::read;
use service::database;
use service::health::Health;
use sqlx::{Acquire as _, PgConnection, PgExecutor, PgPool};

use crate::list;
use crate::notes::{Notes, Waiting};
use crate::reaction::Registered;
use crate::reactions;

/// Streams that are tried in one transaction.
pub(crate) const STREAMS_MAX: i64 = 64;

/// An event that waits, with what stands behind it in its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingEvent {
    /// Where it stands in the log.
    pub position: i64,
    /// Its stream, all of which waits from there on.
    pub stream: String,
    /// The reactions for which it waits, by name.
    pub reactions: Vec<String>,
    /// Why it could not be understood.
    pub reason: String,
    /// Since when it waits.
    pub parked_at: DateTime<Utc>,
}

/// The events that wait, up to `limit`, in the log's order.
pub async fn list(db: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<Vec<WaitingEvent>> {
    sqlx::query_as!(
        WaitingEvent,
        r#"SELECT position, min(stream) AS "stream!", min(reason) AS "reason!",
               array_agg(reaction ORDER BY reaction) AS "reactions!", min(since) AS "parked_at!"
           FROM reaction_waiting GROUP BY position ORDER BY position LIMIT $1"#,
        limit,
    )
    .fetch_all(db)
    .await
}

/// How many events wait.
pub async fn count(db: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"SELECT count(DISTINCT position) AS "count!" FROM reaction_waiting"#)
        .fetch_one(db)
        .await
}

/// Has the health of a process say, as `reactions`, whether none waits.
#[must_use]
pub fn watch(health: Health, db: &PgPool) -> Health {
    let db = db.clone();
    health.prefers("reactions", move || {
        let db = db.clone();
        async move { check(&db).await }
    })
}

/// Whether none waits, for health checks.
pub async fn check(db: &PgPool) -> Result<(), String> {
    match count(db).await {
        Ok(0) => Ok(()),
        Ok(parked) => Err(format!("{parked} events are parked: see `command-api parked`")),
        Err(error) => Err(error.to_string()),
    }
}

/// Which of these streams wait, for which of these reactions.
pub(crate) async fn among(
    db: &PgPool,
    reactions: &[&'static Registered],
    streams: &[String],
) -> sqlx::Result<Waiting> {
    let names: Vec<String> = reactions.iter().map(|known| known.name.to_owned()).collect();
    let rows = sqlx::query!(
        "SELECT reaction, stream FROM reaction_waiting
         WHERE reaction = ANY($1) AND stream = ANY($2)",
        &names,
        streams,
    )
    .fetch_all(db)
    .await?;
    let mut waiting = Waiting::new();
    for row in rows {
        if let Some(reaction) = reactions.iter().find(|known| known.name == row.reaction) {
            waiting.entry(reaction.name).or_default().insert(row.stream);
        }
    }
    Ok(waiting)
}

/// What became of an event that was taken up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetryOutcome {
    /// It is understood now, and what it asks for is on the list.
    Done,
    /// It still is not, or one that came after it in its stream.
    StillWaits(String),
    /// No event at this position waits.
    NotWaiting,
}

/// Takes up the event at a position again, with all that came after it in its stream.
pub async fn retry(db: &PgPool, position: i64) -> sqlx::Result<RetryOutcome> {
    take_up_at(db, position, 0).await
}

/// Leaves out the event at a position, for whoever waits for it, for ever, and takes up what came
/// after it in its stream.
pub async fn skip(db: &PgPool, position: i64) -> sqlx::Result<RetryOutcome> {
    take_up_at(db, position, 1).await
}

/// Takes up a stream from the event at a position on, without so many of its first events.
async fn take_up_at(db: &PgPool, position: i64, skipped: i64) -> sqlx::Result<RetryOutcome> {
    let rows = sqlx::query!(
        "SELECT reaction, stream FROM reaction_waiting WHERE position = $1",
        position,
    )
    .fetch_all(db)
    .await?;
    let mut retried = RetryOutcome::NotWaiting;
    for row in rows {
        let Some(reaction) = reactions::find(&row.reaction) else {
            return Ok(RetryOutcome::StillWaits(format!("this program has no {}", row.reaction)));
        };
        let notes = take_up(db, reaction, &[row.stream], skipped).await?;
        match notes.stuck.into_values().next() {
            Some(stuck) => return Ok(RetryOutcome::StillWaits(stuck.reason)),
            None => retried = RetryOutcome::Done,
        }
    }
    Ok(retried)
}

/// The next streams after one, by name, that wait for a reaction.
pub(crate) async fn next(
    db: &PgPool,
    reaction: &'static Registered,
    after: &str,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "SELECT stream FROM reaction_waiting WHERE reaction = $1 AND stream > $2
         ORDER BY stream LIMIT $3",
        reaction.name,
        after,
        STREAMS_MAX,
    )
    .fetch_all(db)
    .await
}

/// Takes streams up again that wait for a reaction, as far as they can be read, without the first
/// events of each that are to be skipped. Says what came of it: those that still wait, and where.
pub(crate) async fn take_up(
    db: &PgPool,
    reaction: &'static Registered,
    streams: &[String],
    skipped: i64,
) -> sqlx::Result<Notes> {
    let mut transaction = database::begin(db).await?;
    let connection = transaction.acquire().await?;
    // Nobody goes on with its list meanwhile; what is after its position comes by itself.
    let Some(place) = list::hold(&mut *connection, reaction).await? else {
        return Ok(Notes::default());
    };
    let waiting = sqlx::query!(
        "SELECT stream, version FROM reaction_waiting WHERE reaction = $1 AND stream = ANY($2)",
        reaction.name,
        streams,
    )
    .fetch_all(&mut *connection)
    .await?;
    let (mut notes, mut released, mut progress) = (Notes::default(), Vec::new(), false);
    for row in waiting {
        let from = row.version + skipped;
        read_on(connection, reaction, &row.stream, from, place.position, &mut notes).await?;
        let stuck = notes.stuck.get(&(reaction.name, row.stream.clone()));
        progress |= stuck.is_none_or(|stuck| stuck.version > row.version);
        if stuck.is_none() {
            released.push(row.stream);
        }
    }
    if !progress {
        return Ok(notes);
    }
    let written = notes.clone();
    list::keep(&mut *connection, std::slice::from_ref(&place), place.position, written).await?;
    release(connection, reaction, &released).await?;
    transaction.commit().await?;
    Ok(notes)
}

/// Takes a stream into account from a version on, up to a position of the log.
async fn read_on(
    connection: &mut PgConnection,
    reaction: &'static Registered,
    stream: &str,
    version: i64,
    until: i64,
    notes: &mut Notes,
) -> sqlx::Result<()> {
    let mut after = version - 1;
    loop {
        let page = read::of_stream(&mut *connection, stream, after, read::PAGE_EVENTS_MAX).await?;
        let Some(last) = page.events.last().map(|event| (event.version, event.position)) else {
            return Ok(());
        };
        after = last.0;
        let mut events = page.events;
        events.retain(|event| event.position <= until);
        notes.take(&events, &[reaction], &HashMap::new());
        if last.1 >= until {
            return Ok(());
        }
    }
}

async fn release(
    connection: &mut PgConnection,
    reaction: &'static Registered,
    streams: &[String],
) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH released AS (
             DELETE FROM reaction_waiting WHERE reaction = $1 AND stream = ANY($2))
         UPDATE reactions SET taken_up = taken_up + 1 WHERE name = $1",
        reaction.name,
        streams,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Goes round the streams that wait for a reaction, some at a time, so that those that nobody can
/// read do not keep others from their turn.
pub(crate) struct Round {
    reaction: &'static Registered,
    /// The last one that was tried, by name.
    after: String,
}

impl Round {
    pub(crate) fn new(reaction: &'static Registered) -> Self {
        Self { reaction, after: String::new() }
    }

    /// Tries the next streams, and goes on for as long as some can be read. Says whether any could.
    pub(crate) async fn go_on(&mut self, db: &PgPool) -> sqlx::Result<bool> {
        let mut any = false;
        loop {
            let streams = next(db, self.reaction, &self.after).await?;
            let whole = streams.len() as i64 == STREAMS_MAX;
            self.after = streams.last().filter(|_| whole).cloned().unwrap_or_default();
            if streams.is_empty() {
                return Ok(any);
            }
            let notes = take_up(db, self.reaction, &streams, 0).await?;
            if notes.stuck.len() >= streams.len() {
                return Ok(any);
            }
            any = true;
        }
    }
}
