//! The worker of one projection in this process: it waits for the lease of a range of slots,
//! follows the log from the checkpoint, and stops in order. Any number of them may run; they share
//! the projection where it can be shared, and else one works.

use std::time::{Duration, Instant};

use event_store::feed::{FeedError, Stretch};
use event_store::tail::Tail;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::builds::{self, WrongVersion};
use crate::checkpoint::{self, LEASE, Lease, RENEWAL};
use crate::metrics as measured;
use crate::projection::Projection;
use crate::sharing::{self, Look, members};
use crate::working::fold::{self, BatchError, Newer};
use crate::working::memory::Memory;
use crate::working::outage::{self, Outage};
use crate::working::parking;
use crate::working::rest::Rest;
use crate::working::retry::{self, RetryError};
use crate::working::spans::Spans;

/// Events folded in one transaction. Small enough to commit well within a lease.
const BATCH_EVENTS_MAX: usize = 2_000;
/// How long a checkpoint may stand behind what was read, where nothing of that is of interest: a
/// commit for each message that others are interested in would keep Postgres busier than the work.
/// It is also how much later a reader may be told that a model knows of another's event, where he
/// cannot ask for it over NATS.
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
pub type Holding = watch::Sender<Option<Lease>>;

/// What a worker and those who read its projection know of each other.
#[derive(Default)]
pub struct Readers {
    /// What it holds.
    pub holding: Holding,
    /// How it rests, while none of them waits.
    pub rest: Rest,
}

/// How a worker's hold of a lease ended.
enum End {
    /// The range is another one: what was held was given away in part, or made larger.
    Reshaped,
    /// Somebody else has the lease, or the build is no longer read.
    Fenced,
    /// It stands before an event that a newer program wrote, and has given the lease up.
    Waits,
    /// The process ends.
    Stopped,
}

/// What a worker has said already, and says once.
struct Notices {
    outage: Outage,
    /// Who hold the leases in its stead.
    holders: Vec<String>,
    /// The event of a newer program that it stands before.
    waits_at: Option<i64>,
}

impl Notices {
    /// Says once that there is an event that this program cannot read.
    fn stands_before(&mut self, projection: &Projection, newer: &Newer) {
        if self.waits_at != Some(newer.position) {
            tracing::error!(projection = projection.name, "{newer}");
            self.waits_at = Some(newer.position);
        }
    }
}

/// Works on a projection until the process ends.
pub async fn run(
    context: Context,
    projection: &'static Projection,
    readers: Readers,
) -> Result<(), WrongVersion> {
    let outage = Outage::new(projection.name, PAUSE_MIN, PAUSE_MAX);
    let mut notices = Notices { outage, holders: vec![], waits_at: None };
    while !context.stop.is_cancelled() {
        let end = take_lease(&context, projection, &readers, &mut notices).await;
        measured::owned(projection, 0);
        match end {
            Ok(Some(End::Stopped)) => break,
            // At once: a retry or a switch took the lease for a moment.
            Ok(Some(End::Fenced | End::Reshaped)) => notices.outage.over(),
            Ok(Some(End::Waits) | None) => {
                notices.outage.over();
                let _ = tokio::time::timeout(RENEWAL, context.stop.cancelled()).await;
            }
            Err(LeaseError::Version(error)) => return Err(error),
            Err(error) => {
                let cause = outage::cause(&context.db, &error).await;
                notices.outage.wait(&cause, &context.stop).await;
            }
        }
    }
    // Else it is forgotten in a few seconds.
    let _ = members::leave(&context.db, projection, &context.owner).await;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum LeaseError {
    #[error(transparent)]
    Version(#[from] WrongVersion),
    #[error("the database is in trouble")]
    Database(#[from] sqlx::Error),
    #[error("streams that an older program parked could not be taken up")]
    Retry(#[from] RetryError),
}

/// Takes the lease and works for as long as it is held; `None` if it is not to be had.
async fn take_lease(
    context: &Context,
    projection: &'static Projection,
    readers: &Readers,
    notices: &mut Notices,
) -> Result<Option<End>, LeaseError> {
    let Context { db, owner, .. } = context;
    let active = builds::active(db, projection).await?;
    match active.check(projection) {
        Ok(()) => {}
        // It is being rebuilt, by this process or another; until then the old rows are read.
        Err(WrongVersion::Older { .. }) => return Ok(None),
        Err(newer @ WrongVersion::Newer { .. }) => return Err(newer.into()),
    }
    let build = active.build;
    let lease = checkpoint::acquire(db, projection, build, None, owner, LEASE).await?;
    let Some(lease) = lease else {
        stand_by(context, projection, build, notices).await?;
        return Ok(None);
    };
    notices.outage.over();
    let memory = Memory::load(db, projection, build).await?;
    if !memory.parked.is_empty() && take_up_outgrown(context, projection, build).await? {
        // Which took the lease.
        return Ok(Some(End::Fenced));
    }
    let Lease { epoch, position, slot_from, slot_to, .. } = lease;
    let (name, goes_on) = (projection.name, notices.waits_at != Some(position + 1));
    if goes_on {
        tracing::info!(projection = name, build, epoch, position, slot_from, slot_to, "working");
    }
    notices.holders.clear();
    measured::owned(projection, slot_to - slot_from + 1);
    readers.holding.send_replace(Some(lease.clone()));
    let end = work(context, lease, memory, readers, notices).await;
    readers.holding.send_replace(None);
    if goes_on && !matches!(end, End::Reshaped) {
        tracing::info!(projection = name, build, epoch, "no longer working");
    }
    Ok(Some(end))
}

/// Says once who works on the projection, and to those that one more is here. Not where this one
/// stands before an event that it cannot read: they read it, and would stand there by its side.
async fn stand_by(
    context: &Context,
    projection: &'static Projection,
    build: i16,
    notices: &mut Notices,
) -> sqlx::Result<()> {
    let Context { db, owner, .. } = context;
    match notices.waits_at {
        None => members::join(db, projection, owner).await?,
        Some(_) => members::leave(db, projection, owner).await?,
    }
    let holders = checkpoint::holders(db, projection, build).await?;
    if !holders.is_empty() && notices.holders != holders {
        let (name, by) = (projection.name, holders.join(", "));
        tracing::info!(projection = name, "standing by: {name} is held by {by}");
        notices.holders = holders;
    }
    Ok(())
}

/// Takes up streams that an older program parked for being one. Says whether there were any.
async fn take_up_outgrown(
    context: &Context,
    projection: &'static Projection,
    build: i16,
) -> Result<bool, LeaseError> {
    let streams = parking::outgrown(&context.db, projection, build).await?;
    for stream in &streams {
        tracing::info!(projection = projection.name, stream, "parked by an older program; retried");
        retry::retry(&context.db, projection, Some(stream)).await?;
    }
    Ok(!streams.is_empty())
}

/// Follows the log until the lease is lost or the process ends.
async fn work(
    context: &Context,
    mut lease: Lease,
    mut memory: Memory,
    readers: &Readers,
    notices: &mut Notices,
) -> End {
    let Context { db, tail, stop, owner, .. } = context;
    let mut log = tail.follow(Some(lease.log_id), lease.position);
    let mut gap = None;
    let mut looked = Instant::now();
    loop {
        let wait = gap.as_ref().map_or(RENEWAL, Gap::remaining);
        // A batch in hand is finished: only the wait for the next one is broken off.
        let next = tokio::select! {
            next = log.next(wait) => next,
            () = awaited(&readers.rest, lease.position, gap.as_mut()) => Ok(Stretch::default()),
            () = stop.cancelled() => {
                // Unreleased, it is over by itself in a few seconds.
                let _ = lease.release(db).await;
                return End::Stopped;
            }
        };
        let mut done = match next {
            Ok(next) => fold(db, &mut lease, &mut memory, &mut gap, next, readers).await,
            Err(FeedError::AnotherLog(id)) => Err(Interruption::Turned(id)),
            Err(error) => Err(Interruption::Passing(parking::chain(&error))),
        };
        if done.is_ok() && looked.elapsed() >= RENEWAL {
            looked = Instant::now();
            let unreadable = notices.waits_at;
            match sharing::share(db, &mut lease, &mut memory, owner, unreadable, stop).await {
                Ok(Look::Unchanged) => {}
                Ok(Look::Changed) => return End::Reshaped,
                Ok(Look::Unreadable(newer)) => notices.stands_before(lease.projection, &newer),
                Err(error) => done = Err(error.into()),
            }
        }
        let (name, build) = (lease.projection.name, lease.build);
        match done {
            Ok(()) => notices.outage.over(),
            Err(Interruption::Fenced) => {
                tracing::info!(projection = name, build, "the lease was lost; nothing was written");
                return End::Fenced;
            }
            Err(Interruption::Turned(id)) => {
                let cause =
                    format!("the log is {id}, and was {} when the lease was taken", lease.log_id);
                notices.outage.wait(&cause, stop).await;
                return End::Fenced;
            }
            Err(Interruption::Newer(newer)) => {
                readers.holding.send_replace(Some(lease.clone()));
                notices.stands_before(lease.projection, &newer);
                // Not given up, it is over by itself in a few seconds.
                let _ = lease.give_way(db, newer.position).await;
                return End::Waits;
            }
            Err(Interruption::Passing(cause)) => {
                metrics::counter!("projection_batch_failures_total", "projection" => name)
                    .increment(1);
                notices.outage.wait(&cause, stop).await;
                gap = None;
                log.rewind(lease.position);
            }
        }
    }
}

enum Interruption {
    Fenced,
    /// The log is another one.
    Turned(Uuid),
    Newer(Newer),
    Passing(String),
}

impl From<BatchError> for Interruption {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Fenced(_) => Self::Fenced,
            BatchError::Newer(newer) => Self::Newer(newer),
            BatchError::Database(_) | BatchError::TooManyParked => {
                Self::Passing(parking::chain(&error))
            }
        }
    }
}

impl From<sqlx::Error> for Interruption {
    fn from(error: sqlx::Error) -> Self {
        BatchError::from(error).into()
    }
}

/// Events that were read and are of no interest, past which the checkpoint was not moved yet.
struct Gap {
    to: i64,
    /// How long the checkpoint may stay behind.
    until: Instant,
}

impl Gap {
    /// For how long the checkpoint may still stay behind.
    fn remaining(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

/// Ends once a reader waits for a position in the gap, past which the checkpoint is due then.
async fn awaited(rest: &Rest, from: i64, gap: Option<&mut Gap>) {
    let Some(gap) = gap else { return std::future::pending().await };
    rest.awaited(from + 1..=gap.to).await;
    gap.until = Instant::now();
}

/// Folds what came of the log, in bounded transactions; with nothing to fold, renews the lease.
async fn fold(
    db: &PgPool,
    lease: &mut Lease,
    memory: &mut Memory,
    gap: &mut Option<Gap>,
    next: Stretch,
    readers: &Readers,
) -> Result<(), Interruption> {
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
            let until = gap.take().map_or(began + CHECKPOINT_DELAY, |gap| gap.until);
            *gap = Some(Gap { to: last.position, until });
            continue;
        }
        let spans = Spans::begin(lease, events);
        let folded = match fold::apply(db, lease, memory, events).await {
            Ok(folded) => folded,
            Err(error) => {
                spans.fail(&error);
                return Err(error.into());
            }
        };
        drop(spans);
        *gap = None;
        metrics::histogram!("projection_batch_duration_seconds", "projection" => name)
            .record(began.elapsed());
        metrics::counter!("projection_events_total", "projection" => name)
            .increment(u64::try_from(folded).unwrap_or(0));
        readers.holding.send_replace(Some(lease.clone()));
        // What comes meanwhile is folded together.
        if folded > 1 {
            readers.rest.after(began.elapsed(), lease.position).await;
        }
    }
    let due = gap.as_ref().filter(|due| due.remaining().is_zero()).map(|due| due.to);
    if due.is_none() && (gap.is_some() || !next.events.is_empty()) {
        return Ok(());
    }
    let mut connection = memory.take_connection(db).await?;
    match due {
        Some(to) => lease.pass(&mut connection, to).await?,
        None => lease.renew(&mut connection).await?,
    }
    .map_err(|_| Interruption::Fenced)?;
    memory.put_back(connection);
    if gap.take().is_some() {
        readers.holding.send_replace(Some(lease.clone()));
    }
    Ok(())
}
