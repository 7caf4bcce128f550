//! The worker of one range of slots of one projection: it waits for the lease, follows the log from
//! the checkpoint, and stops in order. Any number of them may compete; one works.

use std::time::{Duration, Instant};

use event_store::feed::Batch;
use event_store::tail::Tail;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::batch::{self, BatchError, Known};
use crate::builds::{self, WrongVersion};
use crate::checkpoint::{self, LEASE, Lease, RENEWAL};
use crate::parking::{self, ParkedStreams};
use crate::projection::Projection;

/// Events folded in one transaction. Small enough to commit well within a lease.
const BATCH_EVENTS_MAX: usize = 2_000;
/// How long a checkpoint may stand behind what was read, where nothing of that is of interest: a
/// commit for each message that others are interested in would keep Postgres busier than the work.
/// It is also how much later a reader may be told that a model knows of another's event.
const CHECKPOINT_DELAY: Duration = Duration::from_millis(25);
/// The first and the longest pause after a failure.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// NATS, and the name of the stream that carries the log.
pub type Bus = (async_nats::Client, String);

/// What every worker of the process shares.
#[derive(Clone)]
pub struct Context {
    /// The database.
    pub db: PgPool,
    /// The end of the log, for all workers together.
    pub tail: Tail,
    /// Where to tell how far they have come.
    pub bus: Option<Bus>,
    /// Who this process is, unlike any other.
    pub owner: String,
    /// Cancelled when the process shall end.
    pub stop: CancellationToken,
}

/// A lease that is being worked on, as those see it who depend on it; `None` in between. The
/// position is that of the last commit.
pub type Held = watch::Sender<Option<Lease>>;

/// How a worker's turn ended.
enum End {
    /// Somebody else has the lease, or the build is no longer read.
    Fenced,
    /// The process ends.
    Stopped,
}

/// A pause that grows with every failure in a row.
struct Backoff(Duration);

impl Backoff {
    fn new() -> Self {
        Self(PAUSE_MIN)
    }

    /// Waits, unless the process ends meanwhile.
    async fn pause(&mut self, stop: &CancellationToken) {
        let _ = tokio::time::timeout(self.0, stop.cancelled()).await;
        self.0 = (self.0 * 2).min(PAUSE_MAX);
    }
}

/// Works on one range of slots of a projection until the process ends.
pub async fn run(
    context: Context,
    projection: &'static Projection,
    slot_from: i16,
    held: Held,
) -> Result<(), WrongVersion> {
    let mut backoff = Backoff::new();
    while !context.stop.is_cancelled() {
        match take_turn(&context, projection, slot_from, &held).await {
            Ok(Some(End::Stopped)) => break,
            // At once: a retry or a switch took the lease for a moment.
            Ok(Some(End::Fenced)) => backoff = Backoff::new(),
            Ok(None) => {
                backoff = Backoff::new();
                let _ = tokio::time::timeout(RENEWAL, context.stop.cancelled()).await;
            }
            Err(TurnError::Version(error)) => return Err(error),
            Err(error) => {
                let cause = parking::chain(&error);
                tracing::warn!(projection = projection.name, cause, "no turn; trying again");
                backoff.pause(&context.stop).await;
            }
        }
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum TurnError {
    #[error(transparent)]
    Version(#[from] WrongVersion),
    #[error("the database is in trouble")]
    Database(#[from] sqlx::Error),
}

/// Takes the lease and works for as long as it is held; `None` if it is not to be had.
async fn take_turn(
    context: &Context,
    projection: &'static Projection,
    slot_from: i16,
    held: &Held,
) -> Result<Option<End>, TurnError> {
    let active = builds::active(&context.db, projection).await?;
    match active.check(projection) {
        Ok(()) => {}
        // It is being rebuilt, by this process or another; until then the old rows are read.
        Err(WrongVersion::Older { .. }) => return Ok(None),
        Err(newer @ WrongVersion::Newer { .. }) => return Err(newer.into()),
    }
    let owner = format!("{}/{slot_from}", context.owner);
    let lease =
        checkpoint::acquire(&context.db, projection, active.build, slot_from, &owner, LEASE)
            .await?;
    let Some(lease) = lease else { return Ok(None) };
    let streams = ParkedStreams::load(&context.db, projection, active.build).await?;
    let Lease { build, epoch, position, .. } = lease;
    tracing::info!(projection = projection.name, build, epoch, position, "working");
    held.send_replace(Some(lease.clone()));
    let end = work(context, lease, Known::new(streams), held).await;
    held.send_replace(None);
    tracing::info!(projection = projection.name, build, epoch, "no longer working");
    Ok(Some(end))
}

/// Follows the log until the lease is lost or the process ends.
async fn work(context: &Context, mut lease: Lease, mut known: Known, held: &Held) -> End {
    let Context { db, tail, stop, .. } = context;
    let mut log = tail.follow(lease.position);
    let mut backoff = Backoff::new();
    let mut passed = None;
    loop {
        let wait = passed.as_ref().map_or(RENEWAL, Passed::remaining);
        // A batch in hand is finished: only the wait for the next one is broken off.
        let next = tokio::select! {
            next = log.next(wait) => next,
            () = stop.cancelled() => {
                // Unreleased, it is over by itself in a few seconds.
                let _ = lease.release(db).await;
                return End::Stopped;
            }
        };
        let done = match next {
            Ok(next) => fold(db, &mut lease, &mut known, &mut passed, next, held).await,
            Err(error) => Err(Trouble::Passing(parking::chain(&error))),
        };
        match done {
            Ok(()) => backoff = Backoff::new(),
            Err(Trouble::Fenced) => {
                let (name, build) = (lease.projection.name, lease.build);
                tracing::warn!(projection = name, build, "the lease was lost; nothing was written");
                return End::Fenced;
            }
            Err(Trouble::Passing(cause)) => {
                let (name, position) = (lease.projection.name, lease.position);
                tracing::warn!(projection = name, position, cause, "trying again");
                metrics::counter!("projection_batch_failures_total", "projection" => name)
                    .increment(1);
                backoff.pause(stop).await;
                passed = None;
                log.rewind(lease.position);
            }
        }
    }
}

enum Trouble {
    Fenced,
    Passing(String),
}

impl From<BatchError> for Trouble {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Fenced(_) => Self::Fenced,
            BatchError::Database(_) | BatchError::TooManyParked => {
                Self::Passing(parking::chain(&error))
            }
        }
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        BatchError::from(error).into()
    }
}

/// Events that were read and are of no interest, past which the checkpoint was not moved yet.
struct Passed {
    to: i64,
    since: Instant,
}

impl Passed {
    /// For how long the checkpoint may still stay behind.
    fn remaining(&self) -> Duration {
        CHECKPOINT_DELAY.saturating_sub(self.since.elapsed())
    }
}

/// Folds what came of the log, in bounded transactions; with nothing to fold, renews the lease.
async fn fold(
    db: &PgPool,
    lease: &mut Lease,
    known: &mut Known,
    passed: &mut Option<Passed>,
    next: Batch,
    held: &Held,
) -> Result<(), Trouble> {
    let name = lease.projection.name;
    for malformed in &next.malformed {
        metrics::counter!("projection_malformed_messages_total", "projection" => name).increment(1);
        parking::store_message(db, malformed.sequence, &malformed.reason).await?;
    }
    for events in next.events.chunks(BATCH_EVENTS_MAX) {
        let began = Instant::now();
        if let Some(last) = events.last()
            && !events.iter().any(|event| lease.reads(event))
        {
            let since = passed.take().map_or(began, |passed| passed.since);
            *passed = Some(Passed { to: last.position, since });
            continue;
        }
        let folded = batch::apply(db, lease, known, events).await?;
        *passed = None;
        metrics::histogram!("projection_batch_duration_seconds", "projection" => name)
            .record(began.elapsed());
        metrics::counter!("projection_events_total", "projection" => name)
            .increment(u64::try_from(folded).unwrap_or(0));
        held.send_replace(Some(lease.clone()));
    }
    match passed {
        Some(due) if due.remaining().is_zero() => {
            lease.pass(db, due.to).await?.map_err(|_| Trouble::Fenced)?;
            *passed = None;
            held.send_replace(Some(lease.clone()));
            Ok(())
        }
        None if next.events.is_empty() => lease.renew(db).await?.map_err(|_| Trouble::Fenced),
        _ => Ok(()),
    }
}
