//! How far the read models have come, and waiting for them to come further.
//!
//! What a reader gets is checked by the statement that reads it, or on the same connection before:
//! a look from elsewhere may have been at another build, or at what was only told.

mod index;
mod poller;
mod positions;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use domain::ReadModel;
use event_store::awaited::Asker;
use service::Problem;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgExecutor, PgPool, Postgres};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::index::{IndexPosition, is_refilled};
pub use self::poller::WAITERS_MAX;
use self::poller::{Poller, Unreached};
use self::positions::Goal;
use crate::fresh::Fresh;
use crate::log;
use crate::queue::{Queue, Who};
use crate::scope::Viewer;

/// How long Meilisearch is waited for when Postgres could answer already.
const INDEX_PATIENCE: Duration = Duration::from_millis(250);
/// How long it is remembered whether the index is being filled anew, and how long asking may take.
const REFILL_MEMORY: Duration = Duration::from_millis(250);
const REFILL_TIMEOUT: Duration = Duration::from_millis(200);
/// What a client is told to wait when a read model is behind.
const RETRY_AFTER: Duration = Duration::from_secs(1);

const PARKED_STREAMS: HeaderName = HeaderName::from_static("parked-streams");

/// How far the read models have come. Cheap to clone.
#[derive(Clone)]
pub struct Progress(Arc<Inner>);

struct Inner {
    db: PgPool,
    queue: Queue,
    poller: Poller,
    /// Whether the index is being filled anew, and until when that is believed.
    refill: Mutex<Option<(Instant, bool)>>,
}

/// A connection on which a model was seen to be as fresh as was asked.
///
/// Without a transaction: what is read on it next is at least as fresh. Checkpoints only move on,
/// and a rebuild switches to a build that is as far as the one before.
pub struct Reader {
    connection: PoolConnection<Postgres>,
    /// Streams with events up to the position asked for that are parked: what is read lacks those.
    parked: i64,
}

impl Reader {
    /// Tells a client that a list lacks events that it asked to see, and of how many streams. One
    /// that is parked is no reason to refuse all lists until somebody looks after it.
    pub fn lacks(&self) -> Option<[(HeaderName, HeaderValue); 1]> {
        (self.parked > 0).then(|| [(PARKED_STREAMS, self.parked.into())])
    }
}

impl Deref for Reader {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Progress {
    /// Starts the poller, which rests while nobody waits, and listens to what is told over NATS
    /// about the log of a stream, where there is any. Both end with `stop`.
    pub fn start(
        db: PgPool,
        queue: Queue,
        bus: Option<(Client, String)>,
        stop: CancellationToken,
    ) -> Self {
        let asker = bus.clone().map(|(client, stream_name)| Asker::new(client, stream_name));
        let (poller, refill) = (Poller::new(db.clone(), asker), Mutex::new(None));
        let progress = Self(Arc::new(Inner { db, queue, poller, refill }));
        if let Some((client, stream_name)) = bus {
            let inner = progress.0.clone();
            let listening = async move { inner.poller.listen(&client, &stream_name).await };
            tokio::spawn(stop.clone().run_until_cancelled_owned(listening));
        }
        let inner = progress.0.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move { inner.poller.run().await }));
        progress
    }

    /// A connection to read `model` from, once it is as fresh as asked.
    pub async fn reader(&self, model: ReadModel, fresh: &Fresh) -> Result<Reader, Problem> {
        let Some(wanted) = fresh.min_position else {
            let connection = self.0.queue.connection(Who::Newcomer).await?;
            return Ok(Reader { connection, parked: 0 });
        };
        let mut attempt = self.attempt(model, None, fresh, wanted);
        loop {
            let mut connection = attempt.connection().await?;
            let standing = standing(&mut *connection, model, wanted).await?;
            if attempt.is_fresh(&standing)? {
                return Ok(Reader { connection, parked: standing.parked });
            }
        }
    }

    /// Tries to read something of `model`, of one slot where that is known, that holds everything
    /// up to `wanted`.
    pub fn attempt<'a>(
        &'a self,
        model: ReadModel,
        slot: Option<u16>,
        fresh: &'a Fresh,
        wanted: i64,
    ) -> Attempt<'a> {
        let (goal, who, outcome) = (Goal::of(model, slot), Who::Newcomer, Ok(false));
        Attempt { progress: &self.0, model, goal, fresh, wanted, who, looks_first: false, outcome }
    }

    /// Whether Meilisearch lost its index and does not hold the whole catalogue yet. One request at
    /// a time asks; a Postgres that cannot say does not keep Meilisearch from answering.
    pub async fn is_index_refilled(&self) -> bool {
        let mut refill = self.0.refill.lock().await;
        if let Some((until, refilled)) = *refill
            && Instant::now() < until
        {
            return refilled;
        }
        let asked = tokio::time::timeout(REFILL_TIMEOUT, is_refilled(&self.0.db)).await;
        let refilled = matches!(asked, Ok(Ok(true)));
        *refill = Some((Instant::now() + REFILL_MEMORY, refilled));
        refilled
    }

    /// Waits until Meilisearch shows everything up to the position asked for, and says whether
    /// it does. If it does not, Postgres answers or says why it cannot: an index that is behind
    /// keeps nobody for longer than `INDEX_PATIENCE` once Postgres has come that far.
    pub async fn index(&self, fresh: &Fresh) -> Result<bool, Problem> {
        let Some(wanted) = fresh.min_position else { return Ok(true) };
        let mut patience_ends = None;
        let mut db = self.0.queue.connection(Who::Newcomer).await?;
        loop {
            let IndexPosition { folded, sent } = IndexPosition::look(&mut *db).await?;
            if sent >= wanted {
                return Ok(true);
            }
            let outcome = if folded < wanted {
                let search = ReadModel::Search;
                standing(&mut *db, search, wanted).await?.must_know(wanted, fresh)?;
                drop(db);
                self.0.poller.correct(Goal::Model(search), folded);
                self.0.poller.wait(Goal::Model(search), wanted, fresh.until).await
            } else {
                drop(db);
                let until = *patience_ends
                    .get_or_insert_with(|| fresh.until.min(Instant::now() + INDEX_PATIENCE));
                self.0.poller.correct(Goal::Index, sent);
                self.0.poller.wait(Goal::Index, wanted, until).await
            };
            if outcome.is_err() {
                return Ok(false);
            }
            db = self.0.queue.connection(Who::LetIn).await?;
        }
    }
}

/// A read that is repeated until it is as fresh as asked: wait, read together with how far the
/// model has come, and look at that.
pub struct Attempt<'a> {
    progress: &'a Inner,
    model: ReadModel,
    goal: Goal,
    fresh: &'a Fresh,
    wanted: i64,
    who: Who,
    /// Whether it is read once before anything is waited for.
    looks_first: bool,
    /// What came of the last wait.
    outcome: Result<bool, Unreached>,
}

impl Attempt<'_> {
    /// Looks once before it waits, for a shopper: what is not theirs is not waited for.
    pub fn looks_first(&mut self, viewer: &Viewer) {
        self.looks_first = !viewer.principal.works_here();
    }

    /// A connection, once the model has come so far as far as is known. Nobody keeps one while
    /// waiting, and nobody is refused unseen.
    pub async fn connection(&mut self) -> Result<PoolConnection<Postgres>, Problem> {
        let Self { progress, goal, fresh, wanted, .. } = *self;
        if std::mem::take(&mut self.looks_first) {
            return progress.queue.connection(self.who).await;
        }
        self.outcome = progress.poller.wait(goal, wanted, fresh.until).await;
        if matches!(self.outcome, Ok(true)) {
            self.who = Who::LetIn;
        }
        progress.queue.connection(self.who).await
    }

    /// Whether what was read with this standing is as fresh as asked, or worth another try.
    pub fn is_fresh(&self, standing: &Standing) -> Result<bool, Problem> {
        let Self { progress, model, goal, fresh, wanted, .. } = *self;
        log::must_be(standing.log_id, fresh.log_id)?;
        if standing.position >= wanted {
            return Ok(true);
        }
        standing.must_know(wanted, fresh)?;
        match self.outcome {
            Ok(_) => progress.poller.correct(goal, standing.position),
            Err(Unreached::Late) => return Err(behind(model, wanted, standing.position)),
            Err(Unreached::Crowded) => return Err(too_many_waiting()),
        }
        Ok(false)
    }

    /// Refuses a document that lacks events because a stream of its is parked: that one stands
    /// still while its model goes on. Which one is for those who look after it.
    pub fn must_not_lack(&self, parked: Option<(String, i64)>) -> Result<(), Problem> {
        let Some((stream, position)) = parked else { return Ok(()) };
        let problem = behind(self.model, self.wanted, position - 1);
        Err(if self.fresh.tells_head { problem.with("parked", stream) } else { problem })
    }
}

fn too_many_waiting() -> Problem {
    let detail = "too many requests wait for a position";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_waiting", detail)
        .retry_after(RETRY_AFTER)
}

fn behind(model: ReadModel, wanted: i64, at: i64) -> Problem {
    let name = model.name();
    Problem::new(
        StatusCode::GATEWAY_TIMEOUT,
        "projection_behind",
        format!("'{name}' has come to position {at}, not yet to {wanted}"),
    )
    .with("projection", name)
    .with("position", at)
    .with("min_position", wanted)
    .retry_after(RETRY_AFTER)
}

/// Where a model stood when something was read of it, and what the log was then.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Which log it is.
    pub log_id: Uuid,
    /// The last position of the log, as far as this server knows.
    pub head: i64,
    /// Whether the server is a standby: the log may be ahead of what it knows.
    pub standby: bool,
    /// That of what was read: of its slot, or of the model's slowest.
    pub position: i64,
    /// Streams with events up to the position asked for that are parked.
    pub parked: i64,
}

impl Standing {
    /// Refuses a position that the log has not come to: nothing is waited for that no command has
    /// caused. A standby does not know.
    pub fn must_know(&self, wanted: i64, fresh: &Fresh) -> Result<(), Problem> {
        if wanted <= self.head || self.standby {
            return Ok(());
        }
        if fresh.tells_head {
            return Err(position_unknown(self.head, wanted));
        }
        let detail = format!("the log has not yet come to position {wanted}");
        Err(Problem::new(StatusCode::BAD_REQUEST, "position_unknown", detail))
    }
}

/// A position that the log has not come to.
pub fn position_unknown(head: i64, wanted: i64) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "position_unknown",
        format!("the log has come to position {head}, not yet to {wanted}"),
    )
    .with("head", head)
}

async fn standing(
    db: impl PgExecutor<'_>,
    model: ReadModel,
    wanted: i64,
) -> sqlx::Result<Standing> {
    sqlx::query_as!(
        Standing,
        r#"SELECT log_id AS "log_id!", head AS "head!", standby AS "standby!",
                  position AS "position!", parked AS "parked!" FROM standing($1, $2, NULL)"#,
        model.name(),
        wanted,
    )
    .fetch_one(db)
    .await
}
