//! One batch of events: folded into rows in one transaction with the checkpoint, or, where some
//! stream is at fault, with that stream parked and the others folded. Before an event that only a
//! newer program can read the batch ends: that program will read it.

use std::collections::BTreeSet;
use std::sync::Arc;

use event_store::{Entry, RawEvent, Recorded};
use sqlx::{PgConnection, PgPool};

use crate::checkpoint::Lease;
use crate::projection::{FoldError, Folder, Projection};
use crate::step;
use crate::step::Fenced;
use crate::working::memory::Memory;
use crate::working::parking::{self, PARKED_STREAMS_MAX, Parked, ParkedStreams, Place};

/// An event that was written by a newer program than this one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an event of a newer program at position {position}: waits for an upgrade of this projector \
     ({cause})"
)]
pub struct Newer {
    /// Where it stands.
    pub position: i64,
    /// Why it cannot be read.
    pub cause: String,
}

/// Why a batch was not folded. Nothing of it was written, but for what stands before a [`Newer`].
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
    /// All before an event that this program cannot read is folded.
    #[error(transparent)]
    Newer(#[from] Newer),
}

impl From<sqlx::Error> for BatchError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// What goes into the transaction.
#[derive(Default)]
struct Plan {
    /// Where each of the events stands.
    places: Vec<Place>,
    events: Vec<Recorded>,
    parked: Vec<Parked>,
    /// Streams that are parked beside those that were.
    streams: BTreeSet<String>,
}

/// Folds events, which directly follow the lease's checkpoint, and moves it past all of them, those
/// of no interest too. Says how many were folded.
pub async fn apply(
    db: &PgPool,
    lease: &mut Lease,
    memory: &mut Memory,
    events: &[Arc<RawEvent>],
) -> Result<usize, BatchError> {
    let Some(last) = events.last() else { return Ok(0) };
    let entries = events.iter().map(Arc::as_ref);
    let entries = entries.filter(|event| lease.reads(event)).map(Entry::from).collect();
    apply_entries(db, lease, memory, entries, last.position).await
}

/// Folds those events of interest that stand between the lease's checkpoint and `to`, and moves it
/// there. Says how many were folded.
pub async fn apply_entries(
    db: &PgPool,
    lease: &mut Lease,
    memory: &mut Memory,
    entries: Vec<Entry>,
    to: i64,
) -> Result<usize, BatchError> {
    let (plan, newer) = plan(lease, memory, entries);
    let to = newer.as_ref().map_or(to, |newer| newer.position - 1);
    let mut folded = 0;
    if to > lease.position {
        folded = fold(db, lease, memory, plan, to).await?;
    }
    newer.map_or(Ok(folded), |newer| Err(newer.into()))
}

/// Folds what was planned, and moves the checkpoint.
async fn fold(
    db: &PgPool,
    lease: &mut Lease,
    memory: &mut Memory,
    plan: Plan,
    to: i64,
) -> Result<usize, BatchError> {
    let mut connection = memory.take_connection(db).await?;
    let mut folder = memory.take_folder(lease.projection);
    let done = fold_all(&mut connection, lease, &mut *folder, &memory.parked, &plan, to).await;
    let done = match done {
        Ok(()) => {
            memory.keep_folder(folder);
            plan
        }
        Err(Failure::Batch(error)) => return Err(error),
        Err(Failure::Events(error)) => {
            let (projection, cause) = (lease.projection.name, parking::chain(&error));
            tracing::warn!(projection, cause, "a batch failed; looking for the stream at fault");
            // What failed may be inside a transaction.
            connection = memory.take_connection(db).await?;
            fold_parts(&mut connection, lease, &memory.parked, plan, to).await?
        }
    };
    memory.put_back(connection);
    memory.parked.extend(done.streams);
    lease.position = to;
    Ok(done.events.len())
}

/// Parks the streams of events that cannot be read, and sets aside what must wait. Ends before an
/// event that a newer program wrote.
fn plan(lease: &Lease, memory: &Memory, entries: Vec<Entry>) -> (Plan, Option<Newer>) {
    let mut plan = Plan::default();
    for Entry { position, stream, version, read, .. } in entries {
        if memory.skipped.contains(&position) {
            continue;
        }
        let place = Place { stream, position, version };
        match read {
            Ok(event) if plan.takes(lease.projection, &memory.parked, &place, &event) => {
                plan.places.push(place);
                plan.events.push(event);
            }
            Err(error) if !plan.waits(&memory.parked, &place.stream) => {
                if parking::is_newer(&place.stream, &error) {
                    return (plan, Some(Newer { position, cause: parking::chain(&error) }));
                }
                plan.park(Parked::at_fault(place, &error));
            }
            Ok(_) | Err(_) => {}
        }
    }
    (plan, None)
}

impl Plan {
    fn park(&mut self, parked: Parked) {
        self.streams.insert(parked.place.stream.clone());
        self.parked.push(parked);
    }

    /// Whether a stream is parked, or about to be.
    fn waits(&self, parked: &ParkedStreams, stream: &str) -> bool {
        parked.contains(stream) || self.streams.contains(stream)
    }

    /// Whether an event can be folded now. If it must wait for another stream, its own is parked.
    fn takes(
        &mut self,
        projection: &Projection,
        parked: &ParkedStreams,
        place: &Place,
        event: &Recorded,
    ) -> bool {
        if self.waits(parked, &place.stream) {
            return false;
        }
        if parked.is_empty() && self.streams.is_empty() {
            return true;
        }
        let behind = (projection.waits_for)(event).map(|other| other.to_string());
        let Some(behind) = behind.filter(|other| self.waits(parked, other)) else { return true };
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

impl From<Fenced> for Failure {
    fn from(fenced: Fenced) -> Self {
        Self::Batch(fenced.into())
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
fn check_bound(parked: &ParkedStreams, plan: &Plan) -> Result<(), BatchError> {
    let within = parked.len() + plan.streams.len() <= PARKED_STREAMS_MAX;
    if within { Ok(()) } else { Err(BatchError::TooManyParked) }
}

/// The normal way: everything at once.
async fn fold_all(
    db: &mut PgConnection,
    lease: &Lease,
    folder: &mut dyn Folder,
    parked: &ParkedStreams,
    plan: &Plan,
    to: i64,
) -> Result<(), Failure> {
    check_bound(parked, plan)?;
    if plan.parked.is_empty() && !plan.events.is_empty() {
        return Ok(folder.fold(db, lease.build, &plan.events, Some(lease.step(to))).await??);
    }
    lease.step(to).begin(db).await??;
    if !plan.events.is_empty() {
        folder.fold(db, lease.build, &plan.events, None).await??;
    }
    parking::store(db, lease.projection, lease.build, &plan.parked).await?;
    step::commit(db).await?;
    Ok(())
}

/// The way after a failure: what fails is halved until the streams at fault are found; they alone
/// are parked.
async fn fold_parts(
    db: &mut PgConnection,
    lease: &Lease,
    parked: &ParkedStreams,
    plan: Plan,
    to: i64,
) -> Result<Plan, BatchError> {
    let Plan { places, events, parked: found, streams } = plan;
    let mut sorted = Plan { parked: found, streams, ..Plan::default() };
    lease.step(to).begin(db).await??;
    // The next part is the last one: in the order of the log.
    let mut parts = Vec::from([(0, events.len())]);
    while let Some((start, end)) = parts.pop() {
        let middle = usize::midpoint(start, end);
        let (mut part_places, mut part_events) = (vec![], vec![]);
        for (place, event) in places[start..end].iter().zip(&events[start..end]) {
            if sorted.takes(lease.projection, parked, place, event) {
                part_places.push(place.clone());
                part_events.push(event.clone());
            }
        }
        match try_fold(db, lease.projection, lease.build, &part_events).await? {
            Ok(()) => {
                sorted.places.append(&mut part_places);
                sorted.events.append(&mut part_events);
            }
            Err(_) if end - start > 1 => parts.extend([(middle, end), (start, middle)]),
            Err(error) => sorted.park(Parked::at_fault(places[start].clone(), &error)),
        }
    }
    check_bound(parked, &sorted)?;
    parking::store(db, lease.projection, lease.build, &sorted.parked).await?;
    step::commit(db).await?;
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
    // Not by the client library's: it does not know of the transaction that a lease began.
    sqlx::raw_sql("SAVEPOINT part").execute(&mut *db).await?;
    match (projection.folder)().fold(db, build, events, None).await {
        Ok(_) => {
            sqlx::raw_sql("RELEASE SAVEPOINT part").execute(db).await?;
            Ok(Ok(()))
        }
        Err(error) => match error.passing() {
            Ok(passing) => Err(passing),
            Err(error) => {
                let undo = "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part";
                sqlx::raw_sql(undo).execute(db).await?;
                Ok(Err(error))
            }
        },
    }
}
