//! One batch of events: folded into rows in one transaction with the checkpoint, or, where some
//! stream is at fault, with that stream parked and the others folded.

use std::sync::Arc;

use event_store::{Entry, RawEvent, Recorded};
use sqlx::{Acquire, PgConnection, PgPool};

use crate::checkpoint::{Fenced, Lease, is_fenced};
use crate::parking::{self, PARKED_STREAMS_MAX, Parked, ParkedStreams, Place};
use crate::projection::{FoldError, Folder, Projection};

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
        if is_fenced(&error) { Self::Fenced(Fenced) } else { Self::Database(Arc::new(error)) }
    }
}

/// What is known of a build without asking, for as long as its lease is held.
pub struct Known {
    /// What it has parked.
    pub parked: ParkedStreams,
    /// None after a transaction that came to nothing: what it remembers never was.
    folder: Option<Box<dyn Folder>>,
}

impl Known {
    /// What is parked; all else is learned on the way.
    pub fn new(parked: ParkedStreams) -> Self {
        Self { parked, folder: None }
    }
}

/// What goes into the transaction.
struct Plan {
    /// Where each of the events stands.
    places: Vec<Place>,
    events: Vec<Recorded>,
    parked: Vec<Parked>,
    streams: ParkedStreams,
}

/// Folds events, which directly follow the lease's checkpoint, and moves it past all of them, those
/// of no interest too. Says how many were folded.
pub async fn apply(
    db: &PgPool,
    lease: &mut Lease,
    known: &mut Known,
    events: &[Arc<RawEvent>],
) -> Result<usize, BatchError> {
    let Some(last) = events.last() else { return Ok(0) };
    let entries = events.iter().map(Arc::as_ref);
    let entries = entries.filter(|event| lease.reads(event)).map(Entry::from).collect();
    apply_entries(db, lease, known, entries, last.position).await
}

/// Folds those events of interest that stand between the lease's checkpoint and `to`, and moves it
/// there. Says how many were folded.
pub async fn apply_entries(
    db: &PgPool,
    lease: &mut Lease,
    known: &mut Known,
    entries: Vec<Entry>,
    to: i64,
) -> Result<usize, BatchError> {
    let plan = plan(lease, &known.parked, entries);
    let mut folder = known.folder.take().unwrap_or_else(lease.projection.folder);
    let done = match fold_all(db, lease, &mut *folder, &plan, to).await {
        Ok(()) => {
            known.folder = Some(folder);
            plan
        }
        Err(Failure::Batch(error)) => return Err(error),
        Err(Failure::Events(error)) => {
            let (projection, cause) = (lease.projection.name, parking::chain(&error));
            tracing::warn!(projection, cause, "a batch failed; looking for the stream at fault");
            fold_parts(db, lease, plan, to).await?
        }
    };
    known.parked = done.streams;
    lease.position = to;
    Ok(done.events.len())
}

/// Parks the streams of events that cannot be read, and sets aside what must wait.
fn plan(lease: &Lease, streams: &ParkedStreams, entries: Vec<Entry>) -> Plan {
    let (places, events, parked) = (vec![], vec![], vec![]);
    let mut plan = Plan { places, events, parked, streams: streams.clone() };
    for Entry { position, stream, version, read, .. } in entries {
        let place = Place { stream, position, version };
        match read {
            Ok(event) if plan.takes(lease.projection, &place, &event) => {
                plan.places.push(place);
                plan.events.push(event);
            }
            Err(error) if !plan.streams.contains(&place.stream) => {
                plan.park(Parked::at_fault(place, &error));
            }
            Ok(_) | Err(_) => {}
        }
    }
    plan
}

impl Plan {
    fn park(&mut self, parked: Parked) {
        self.streams.insert(parked.place.stream.clone());
        self.parked.push(parked);
    }

    /// Whether an event can be folded now. If it must wait for another stream, its own is parked.
    fn takes(&mut self, projection: &Projection, place: &Place, event: &Recorded) -> bool {
        if self.streams.contains(&place.stream) {
            return false;
        }
        let Some(behind) = self.streams.blocker(projection, event) else { return true };
        self.park(Parked::waiting(place.clone(), behind));
        false
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
fn check_bound(plan: &Plan) -> Result<(), BatchError> {
    let within = plan.streams.len() <= PARKED_STREAMS_MAX;
    if within { Ok(()) } else { Err(BatchError::TooManyParked) }
}

/// The normal way: everything at once.
async fn fold_all(
    db: &PgPool,
    lease: &Lease,
    folder: &mut dyn Folder,
    plan: &Plan,
    to: i64,
) -> Result<(), Failure> {
    check_bound(plan)?;
    let mut tx = lease.begin(db, to).await?;
    if !plan.events.is_empty() {
        folder.fold(&mut tx, lease.build, &plan.events).await?;
    }
    parking::store(&mut tx, lease.projection, lease.build, &plan.parked).await?;
    tx.commit().await?;
    Ok(())
}

/// The way after a failure: what fails is halved until the streams at fault are found; they alone
/// are parked.
async fn fold_parts(db: &PgPool, lease: &Lease, plan: Plan, to: i64) -> Result<Plan, BatchError> {
    let Plan { places, events, parked, streams } = plan;
    let mut sorted = Plan { places: vec![], events: vec![], parked, streams };
    let mut tx = lease.begin(db, to).await?;
    // The next part is the last one: in the order of the log.
    let mut parts = Vec::from([(0, events.len())]);
    while let Some((start, end)) = parts.pop() {
        let middle = usize::midpoint(start, end);
        let (mut part_places, mut part_events) = (vec![], vec![]);
        for (place, event) in places[start..end].iter().zip(&events[start..end]) {
            if sorted.takes(lease.projection, place, event) {
                part_places.push(place.clone());
                part_events.push(event.clone());
            }
        }
        match try_fold(&mut tx, lease.projection, lease.build, &part_events).await? {
            Ok(()) => {
                sorted.places.append(&mut part_places);
                sorted.events.append(&mut part_events);
            }
            Err(_) if end - start > 1 => parts.extend([(middle, end), (start, middle)]),
            Err(error) => sorted.park(Parked::at_fault(places[start].clone(), &error)),
        }
    }
    check_bound(&sorted)?;
    parking::store(&mut tx, lease.projection, lease.build, &sorted.parked).await?;
    tx.commit().await?;
    Ok(sorted)
}

/// Folds events within the transaction; if they are at fault, it goes on without them.
pub async fn try_fold(
    db: &mut PgConnection,
    projection: &'static Projection,
    build: i16,
    events: &[Recorded],
) -> sqlx::Result<Result<(), FoldError>> {
    if events.is_empty() {
        return Ok(Ok(()));
    }
    let mut savepoint = db.begin().await?;
    match (projection.folder)().fold(&mut savepoint, build, events).await {
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
