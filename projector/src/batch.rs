//! One batch of events: folded into rows in one transaction with the checkpoint, or, where some
//! stream is at fault, with that stream parked and the others folded.

use std::sync::Arc;

use event_store::{RawEvent, Recorded};
use sqlx::{Acquire, PgConnection, PgPool};

use crate::checkpoint::{Fenced, Lease};
use crate::parking::{self, PARKED_STREAMS_MAX, Parked, ParkedStreams};
use crate::projection::FoldError;

/// Why a batch was not folded. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// Somebody else holds the lease.
    #[error(transparent)]
    Fenced(#[from] Fenced),
    /// Postgres is away or in trouble: the batch may be tried again.
    #[error("the database is in trouble")]
    Database(#[source] Arc<sqlx::Error>),
    /// So many streams fail that it is not theirs.
    #[error("more than {PARKED_STREAMS_MAX} streams are parked: the projection itself is at fault")]
    TooManyParked,
}

impl From<sqlx::Error> for BatchError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// What goes into the transaction.
struct Plan<'a> {
    raw: Vec<&'a RawEvent>,
    events: Vec<Recorded>,
    parked: Vec<Parked>,
    streams: ParkedStreams,
}

/// Folds events, which directly follow the lease's checkpoint, and moves it past all of them, those
/// of no interest too. Says how many were folded.
pub async fn apply(
    db: &PgPool,
    lease: &mut Lease,
    streams: &mut ParkedStreams,
    events: &[RawEvent],
) -> Result<usize, BatchError> {
    let Some(last) = events.last() else { return Ok(0) };
    let plan = plan(lease, streams, events);
    let folded = match fold_all(db, lease, &plan, last.position).await {
        Ok(()) => plan,
        Err(Failure::Batch(error)) => return Err(error),
        Err(Failure::Events(error)) => {
            let (projection, cause) = (lease.projection.name, parking::chain(&error));
            tracing::warn!(projection, cause, "a batch failed; looking for the stream at fault");
            fold_each(db, lease, plan, last.position).await?
        }
    };
    *streams = folded.streams;
    lease.position = last.position;
    Ok(folded.events.len())
}

/// Reads the events of interest, and parks the streams of those that cannot be read.
fn plan<'a>(lease: &Lease, streams: &ParkedStreams, events: &'a [RawEvent]) -> Plan<'a> {
    let (raw, recorded, parked) = (vec![], vec![], vec![]);
    let mut plan = Plan { raw, events: recorded, parked, streams: streams.clone() };
    let wanted =
        |event: &&RawEvent| lease.covers(event.slot) && lease.projection.reads(&event.stream);
    for event in events.iter().filter(wanted) {
        if plan.streams.contains(&event.stream) {
            continue;
        }
        let recorded = match event.decode() {
            Ok(recorded) => recorded,
            Err(error) => {
                plan.park(Parked::at_fault(event, &error));
                continue;
            }
        };
        if let Some(behind) = plan.streams.blocker(lease.projection, &recorded) {
            plan.park(Parked::waiting(event, behind));
            continue;
        }
        plan.raw.push(event);
        plan.events.push(recorded);
    }
    plan
}

impl Plan<'_> {
    fn park(&mut self, parked: Parked) {
        self.streams.insert(parked.stream.clone());
        self.parked.push(parked);
    }
}

enum Failure {
    Batch(BatchError),
    Events(FoldError),
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        Self::Batch(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Batch(error.into())
    }
}

impl From<FoldError> for Failure {
    fn from(error: FoldError) -> Self {
        match error.passing() {
            Ok(passing) => Self::Batch(passing.into()),
            Err(error) => Self::Events(error),
        }
    }
}

/// Checks the bound before anything is written.
fn check_bound(plan: &Plan<'_>) -> Result<(), BatchError> {
    let within = plan.streams.len() <= PARKED_STREAMS_MAX;
    if within { Ok(()) } else { Err(BatchError::TooManyParked) }
}

/// The normal way: everything at once.
async fn fold_all(db: &PgPool, lease: &Lease, plan: &Plan<'_>, to: i64) -> Result<(), Failure> {
    check_bound(plan)?;
    let mut tx = db.begin().await?;
    lease.advance(&mut tx, to).await?.map_err(BatchError::from)?;
    if !plan.events.is_empty() {
        (lease.projection.fold)(&mut tx, lease.build, &plan.events).await?;
    }
    parking::store(&mut tx, lease.projection, lease.build, &plan.parked).await?;
    tx.commit().await?;
    Ok(())
}

/// The way after a failure: event by event, so that only the streams at fault are parked.
async fn fold_each<'a>(
    db: &PgPool,
    lease: &Lease,
    plan: Plan<'a>,
    to: i64,
) -> Result<Plan<'a>, BatchError> {
    let Plan { raw, events, parked, streams } = plan;
    let mut sorted = Plan { raw: vec![], events: vec![], parked, streams };
    let mut tx = db.begin().await?;
    lease.advance(&mut tx, to).await??;
    for (raw, event) in raw.into_iter().zip(events) {
        if sorted.streams.contains(&raw.stream) {
            continue;
        }
        if let Some(behind) = sorted.streams.blocker(lease.projection, &event) {
            sorted.park(Parked::waiting(raw, behind));
            continue;
        }
        match fold_one(&mut tx, lease.projection, lease.build, &event).await? {
            Ok(()) => {
                sorted.raw.push(raw);
                sorted.events.push(event);
            }
            Err(error) => sorted.park(Parked::at_fault(raw, &error)),
        }
    }
    check_bound(&sorted)?;
    parking::store(&mut tx, lease.projection, lease.build, &sorted.parked).await?;
    tx.commit().await?;
    Ok(sorted)
}

/// Folds one event within the transaction; if it is at fault, the transaction goes on without it.
pub async fn fold_one(
    db: &mut PgConnection,
    projection: &'static crate::projection::Projection,
    build: i16,
    event: &Recorded,
) -> sqlx::Result<Result<(), FoldError>> {
    let mut savepoint = db.begin().await?;
    match (projection.fold)(&mut savepoint, build, std::slice::from_ref(event)).await {
        Ok(()) => {
            savepoint.commit().await?;
            Ok(Ok(()))
        }
        Err(error) => match error.passing() {
            Ok(passing) => Err(passing),
            Err(error) => {
                savepoint.rollback().await?;
                Ok(Err(error))
            }
        },
    }
}
