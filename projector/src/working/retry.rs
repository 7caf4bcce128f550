//! Taking parked streams up again: their events are folded in the order of the log, from where
//! they stopped to the checkpoint, and they are released; or they stay parked where they fail now.

use std::collections::{BTreeMap, BTreeSet};

use event_store::RawEvent;
use event_store::read::{self, Page};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::{PgConnection, PgPool};

use crate::builds::{self, WrongVersion};
use crate::checkpoint::{self, BuildRange};
use crate::projection::Projection;
use crate::working::fold::try_fold;
use crate::working::parking::{self, Parked, ParkedStreams, Place};
use crate::working::skipped;

/// Events taken up in one transaction, of all streams together; fewer if they are large.
const PAGE_EVENTS: i64 = 1_000;

/// Why a retry ended early. What was released before stays released.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// The rows are not this program's.
    #[error(transparent)]
    Version(#[from] WrongVersion),
    /// Postgres is away.
    #[error("the database is in trouble")]
    Database(#[from] sqlx::Error),
}

/// What came of a retry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retried {
    /// Streams that go on as before.
    pub released: Vec<String>,
    /// Streams that are still parked, with the reason.
    pub stuck: BTreeMap<String, String>,
}

/// Takes up one parked stream, or all of them, and with each those that wait behind it.
pub fn retry<'a>(
    db: &'a PgPool,
    projection: &'static Projection,
    stream: Option<&'a str>,
) -> BoxFuture<'a, Result<Retried, RetryError>> {
    // Boxed, so that its code is made here once and not in each program anew.
    async move {
        let active = builds::active(db, projection).await?;
        active.check(projection)?;
        let build = active.build;
        let heads = sqlx::query_scalar!(
            // Also those that wait for nobody any more.
            "SELECT stream FROM parked_streams AS parked
             WHERE projection = $1 AND build = $2 AND ($3::text IS NULL OR stream = $3)
               AND (behind IS NULL OR $3 IS NOT NULL OR NOT EXISTS (
                   SELECT FROM parked_streams AS other
                   WHERE other.projection = $1 AND other.build = $2
                     AND other.stream = parked.behind))
             ORDER BY position",
            projection.name,
            build,
            stream,
        )
        .fetch_all(db)
        .await?;
        let mut retried = Retried::default();
        for head in heads {
            while !retry_page(db, projection, build, &head, &mut retried).await? {}
        }
        Ok(retried)
    }
    .boxed()
}

/// A parked stream as it is taken up.
struct Waiting {
    version: i64,
    behind: Option<String>,
}

/// Takes up one page of a stream and those behind it. Says whether that was all.
///
/// One transaction, which takes the leases of the build: a worker in the middle of something is
/// fenced, comes back for its lease and reads anew which streams are parked.
async fn retry_page(
    db: &PgPool,
    projection: &'static Projection,
    build: i16,
    head: &str,
    retried: &mut Retried,
) -> sqlx::Result<bool> {
    let mut tx = db.begin().await?;
    let ranges = take_over(&mut tx, projection, build).await?;
    let waiting = waiting(&mut tx, projection, build, head).await?;
    let (events, complete) = page(&mut tx, &waiting, &ranges).await?;
    let stuck = fold(&mut tx, projection, build, &waiting, &events).await?;

    let mut kept = vec![];
    for (stream, at) in &waiting {
        if let Some(parked) = stuck.get(stream) {
            retried.stuck.insert(stream.clone(), parked.reason.clone());
            kept.push(parked.clone());
        } else if complete {
            release(&mut tx, projection, build, stream).await?;
            retried.released.push(stream.clone());
        } else if let Some(last) = events.iter().rfind(|event| event.stream == *stream) {
            kept.push(Parked {
                place: next_place(&mut tx, last).await?,
                behind: at.behind.clone(),
                reason: "being retried".to_owned(),
            });
        }
    }
    parking::store(&mut tx, projection, build, &kept).await?;
    tx.commit().await?;
    Ok(complete || stuck.contains_key(head))
}

/// The event after another in its stream; the same one again where there is no other, as something
/// that readers can wait for.
async fn next_place(db: &mut PgConnection, last: &RawEvent) -> sqlx::Result<Place> {
    let next = read::of_stream(db, &last.stream, last.version, 1).await?.events.pop();
    let position = next.map_or(last.position, |next| next.position);
    Ok(Place { stream: last.stream.clone(), position, version: last.version + 1 })
}

/// Takes the leases of a build, for as long as the transaction lasts, and gives them to nobody.
/// Whoever left it to others may take it again: what it stood before is gone, perhaps.
pub(crate) async fn take_over(
    db: &mut PgConnection,
    projection: &Projection,
    build: i16,
) -> sqlx::Result<Vec<BuildRange>> {
    let ranges = checkpoint::free(&mut *db, projection, build).await?;
    sqlx::query!(
        "UPDATE projection_slots SET released_by = NULL, released_until = NULL
         WHERE projection = $1 AND build = $2 AND released_by IS NOT NULL",
        projection.name,
        build,
    )
    .execute(db)
    .await?;
    Ok(ranges)
}

async fn waiting(
    db: &mut PgConnection,
    projection: &Projection,
    build: i16,
    head: &str,
) -> sqlx::Result<BTreeMap<String, Waiting>> {
    let rows = sqlx::query!(
        "SELECT stream, version, behind FROM parked_streams
         WHERE projection = $1 AND build = $2 AND (stream = $3 OR behind = $3)",
        projection.name,
        build,
        head,
    )
    .fetch_all(db)
    .await?;
    let waiting = rows.into_iter();
    Ok(waiting
        .map(|row| (row.stream, Waiting { version: row.version, behind: row.behind }))
        .collect())
}

/// Whether the checkpoint of an event's range has come past it.
pub(crate) fn passed(event: &RawEvent, ranges: &[BuildRange]) -> bool {
    ranges.iter().any(|range| {
        (range.slot_from..=range.slot_to).contains(&event.slot) && event.position <= range.position
    })
}

/// The next events of the streams, in the order of the log, as far as the checkpoint has come and
/// as they fit a page. Says whether that is all there is.
async fn page(
    db: &mut PgConnection,
    waiting: &BTreeMap<String, Waiting>,
    ranges: &[BuildRange],
) -> sqlx::Result<(Vec<RawEvent>, bool)> {
    let streams: Vec<String> = waiting.keys().cloned().collect();
    let after: Vec<i64> = waiting.values().map(|at| at.version - 1).collect();
    let Page { mut events, cut } = read::of_streams(db, &streams, &after, PAGE_EVENTS).await?;
    let more = cut || i64::try_from(events.len()).unwrap_or(i64::MAX) == PAGE_EVENTS;
    // What lies after the checkpoint the worker will fold itself.
    let beyond = |last: &RawEvent| ranges.iter().all(|range| last.position > range.position);
    let complete = !more || events.last().is_some_and(beyond);
    events.retain(|event| passed(event, ranges));
    Ok((events, complete))
}

/// Folds them one by one. The streams that fail are given back, as they are to be parked now.
async fn fold(
    db: &mut PgConnection,
    projection: &'static Projection,
    build: i16,
    waiting: &BTreeMap<String, Waiting>,
    events: &[RawEvent],
) -> sqlx::Result<BTreeMap<String, Parked>> {
    let mut stuck: BTreeMap<String, Parked> = BTreeMap::new();
    let mut streams = ParkedStreams::default();
    for stream in others(db, projection, build, waiting).await? {
        streams.insert(stream);
    }
    let skipped: BTreeSet<i64> = skipped::positions(&mut *db, projection).await?;
    for event in events {
        if stuck.contains_key(&event.stream) || skipped.contains(&event.position) {
            continue;
        }
        let parked = match event.decode() {
            Err(error) => Some(Parked::at_fault(event.into(), &error)),
            Ok(recorded) => match streams.blocker(projection, &recorded) {
                Some(behind) => Some(Parked::waiting(event.into(), behind)),
                None => match try_fold(&mut *db, projection, build, &[recorded]).await? {
                    Ok(()) => None,
                    Err(error) => Some(Parked::at_fault(event.into(), &error)),
                },
            },
        };
        if let Some(parked) = parked {
            streams.insert(event.stream.clone());
            stuck.insert(event.stream.clone(), parked);
        }
    }
    Ok(stuck)
}

/// Streams that stay parked whatever comes of these.
async fn others(
    db: &mut PgConnection,
    projection: &Projection,
    build: i16,
    waiting: &BTreeMap<String, Waiting>,
) -> sqlx::Result<Vec<String>> {
    let these: Vec<String> = waiting.keys().cloned().collect();
    sqlx::query_scalar!(
        "SELECT stream FROM parked_streams
         WHERE projection = $1 AND build = $2 AND NOT stream = ANY($3)",
        projection.name,
        build,
        &these,
    )
    .fetch_all(db)
    .await
}

async fn release(
    db: &mut PgConnection,
    projection: &Projection,
    build: i16,
    stream: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM parked_streams WHERE projection = $1 AND build = $2 AND stream = $3",
        projection.name,
        build,
        stream,
    )
    .execute(db)
    .await
    .map(drop)
}
