//! Taking parked streams up again: their events are folded in the order of the log, from where
//! they stopped to the checkpoint, and they are released; or they stay parked where they fail now.

use std::collections::BTreeMap;

use event_store::RawEvent;
use event_store::read::{self, StreamPage};
use sqlx::{PgConnection, PgPool};

use crate::batch::try_fold;
use crate::builds::{self, WrongVersion};
use crate::parking::{self, Parked, ParkedStreams, Place};
use crate::projection::Projection;

/// Events of one stream taken up in one transaction.
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
pub async fn retry(
    db: &PgPool,
    projection: &'static Projection,
    stream: Option<&str>,
) -> Result<Retried, RetryError> {
    let active = builds::active(db, projection).await?;
    active.check(projection)?;
    let build = active.build;
    let heads = sqlx::query_scalar!(
        "SELECT stream FROM parked_streams
         WHERE projection = $1 AND build = $2 AND ($3::text IS NULL OR stream = $3)
           AND (behind IS NULL OR $3 IS NOT NULL)
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
    let checkpoints = take_over(&mut tx, projection, build).await?;
    let waiting = waiting(&mut tx, projection, build, head).await?;
    let (events, complete) = page(&mut tx, &waiting, &checkpoints).await?;
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
            let (position, version) = (last.position + 1, last.version + 1);
            kept.push(Parked {
                place: Place { stream: stream.clone(), position, version },
                behind: at.behind.clone(),
                reason: "being retried".to_owned(),
            });
        }
    }
    parking::store(&mut tx, projection, build, &kept).await?;
    tx.commit().await?;
    Ok(complete || stuck.contains_key(head))
}

/// A range of slots and its checkpoint.
type Checkpoint = (i16, i16, i64);

async fn take_over(
    db: &mut PgConnection,
    projection: &Projection,
    build: i16,
) -> sqlx::Result<Vec<Checkpoint>> {
    let rows = sqlx::query!(
        "UPDATE projection_slots SET epoch = epoch + 1, owner = NULL, lease_until = NULL
         WHERE projection = $1 AND build = $2
         RETURNING slot_from, slot_to, position",
        projection.name,
        build,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.slot_from, row.slot_to, row.position)).collect())
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

/// The next events of the streams, in the order of the log, as far as all of them are at hand and
/// the checkpoint has come. Says whether that is all there is.
async fn page(
    db: &mut PgConnection,
    waiting: &BTreeMap<String, Waiting>,
    checkpoints: &[Checkpoint],
) -> sqlx::Result<(Vec<RawEvent>, bool)> {
    // What lies after the checkpoint the worker will fold itself.
    let passed = |event: &RawEvent| {
        checkpoints.iter().any(|(from, to, position)| {
            (*from..=*to).contains(&event.slot) && event.position <= *position
        })
    };
    let mut events = vec![];
    let mut horizon = i64::MAX;
    for (stream, at) in waiting {
        let StreamPage { events: page, cut } =
            read::of_stream(&mut *db, stream, at.version - 1, PAGE_EVENTS).await?;
        let full = cut || i64::try_from(page.len()).unwrap_or(i64::MAX) == PAGE_EVENTS;
        if let Some(last) = page.last().filter(|last| full && passed(last)) {
            horizon = horizon.min(last.position);
        }
        events.extend(page);
    }
    events.retain(|event| event.position <= horizon && passed(event));
    events.sort_by_key(|event| event.position);
    Ok((events, horizon == i64::MAX))
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
    for event in events {
        if stuck.contains_key(&event.stream) {
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
