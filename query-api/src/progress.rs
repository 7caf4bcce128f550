//! How far the read models have come, and waiting for them to come further.
//!
//! However many requests wait, one query at a time looks: a poller asks while anybody waits and
//! publishes what it saw. What a reader gets is checked once more in the snapshot it reads from,
//! because a rebuild may switch tables between a look and a read.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use service::Problem;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgExecutor, PgPool, Postgres, Transaction};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fresh::Fresh;

/// The most requests that wait at once; more are refused.
pub const WAITERS_MAX: usize = 1024;
/// The shortest pause between two looks, and the longest, which is reached while nothing moves.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(100);
/// What a client is told to wait when a read model is behind.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What readers wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Products.
    Products,
    /// Stock by SKU.
    Stock,
    /// Carts.
    Carts,
    /// Orders with their payments and parcels.
    Orders,
    /// Payments.
    Payments,
    /// Sales by day.
    Sales,
    /// The documents of search, as Postgres holds them.
    Search,
    /// The same, as Meilisearch shows them.
    Index,
}

impl Model {
    const COUNT: usize = 8;

    /// The projection that builds it.
    pub fn projection(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Stock => "stock",
            Self::Carts => "carts",
            Self::Orders => "orders",
            Self::Payments => "payments",
            Self::Sales => "sales",
            Self::Search | Self::Index => "search",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [
            Self::Products,
            Self::Stock,
            Self::Carts,
            Self::Orders,
            Self::Payments,
            Self::Sales,
            Self::Search,
        ]
        .into_iter()
        .find(|model| model.projection() == name)
    }
}

/// The position of each model when last looked at; 0 before the projector first ran.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Seen([i64; Model::COUNT]);

/// How far the read models have come. Cheap to clone.
#[derive(Clone)]
pub struct Progress(Arc<Inner>);

struct Inner {
    db: PgPool,
    seen: watch::Sender<Seen>,
    somebody_waits: Notify,
    room: Semaphore,
}

/// A connection whose rows are at least as fresh as was asked.
pub enum Reader {
    /// Nothing was asked: any connection.
    Any(PoolConnection<Postgres>),
    /// A snapshot in which the checkpoint was seen; every statement reads from it.
    Snapshot(Transaction<'static, Postgres>),
}

impl Deref for Reader {
    type Target = PgConnection;
    fn deref(&self) -> &PgConnection {
        match self {
            Self::Any(connection) => connection,
            Self::Snapshot(transaction) => transaction,
        }
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Any(connection) => connection,
            Self::Snapshot(transaction) => transaction,
        }
    }
}

impl Progress {
    /// Starts the poller, which rests while nobody waits and ends with `stop`.
    pub fn start(db: PgPool, stop: CancellationToken) -> Self {
        let progress = Self(Arc::new(Inner {
            db,
            seen: watch::Sender::new(Seen::default()),
            somebody_waits: Notify::new(),
            room: Semaphore::new(WAITERS_MAX),
        }));
        let inner = progress.0.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move { inner.poll().await }));
        progress
    }

    /// A connection to read `model` from, once it is as fresh as asked. `stream` is the one whose
    /// document is read, if it is one: a parked stream stands still while its model goes on.
    pub async fn reader(
        &self,
        model: Model,
        fresh: &Fresh,
        stream: Option<&str>,
    ) -> Result<Reader, Problem> {
        let Some(wanted) = fresh.min_position else {
            return Ok(Reader::Any(self.0.db.acquire().await?));
        };
        loop {
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            let mut snapshot = self.0.db.begin_with(begin).await?;
            let at = position(&mut *snapshot, model.projection()).await?;
            if at >= wanted {
                if let Some(stream) = stream {
                    refuse_parked(&mut snapshot, model, wanted, stream).await?;
                }
                return Ok(Reader::Snapshot(snapshot));
            }
            // Nobody keeps a connection while waiting.
            drop(snapshot);
            self.0.wait(model, wanted, at, fresh.until).await?;
        }
    }

    /// Waits until Meilisearch shows everything up to the position asked for, and says whether
    /// it does.
    pub async fn index(&self, fresh: &Fresh) -> Result<bool, Problem> {
        let Some(wanted) = fresh.min_position else { return Ok(true) };
        loop {
            let at = index_position(&self.0.db).await?;
            if at >= wanted {
                return Ok(true);
            }
            match self.0.wait(Model::Index, wanted, at, fresh.until).await {
                Ok(()) => {}
                Err(problem) if problem.status() == StatusCode::GATEWAY_TIMEOUT => {
                    return Ok(false);
                }
                Err(problem) => return Err(problem),
            }
        }
    }
}

impl Inner {
    /// Waits for the poller to see `wanted`, from `at` on.
    async fn wait(
        &self,
        model: Model,
        wanted: i64,
        at: i64,
        until: Instant,
    ) -> Result<(), Problem> {
        let Ok(_place) = self.room.try_acquire() else {
            return Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_waiting",
                "too many requests wait for a position",
            )
            .retry_after(RETRY_AFTER));
        };
        // What was seen here is newer than what the poller saw before it last rested.
        self.seen.send_if_modified(|seen| std::mem::replace(&mut seen.0[model as usize], at) != at);
        let mut seen = self.seen.subscribe();
        self.somebody_waits.notify_one();
        let reached = seen.wait_for(|seen| seen.0[model as usize] >= wanted);
        match tokio::time::timeout_at(until, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(behind(model, wanted, self.seen.borrow().0[model as usize])),
        }
    }

    async fn poll(&self) {
        loop {
            self.somebody_waits.notified().await;
            let mut pause = PAUSE_MIN;
            while self.seen.receiver_count() > 0 {
                pause = match look(&self.db).await {
                    Ok(now) if self.seen.send_replace(now) != now => PAUSE_MIN,
                    Ok(_) => (pause * 2).min(PAUSE_MAX),
                    Err(error) => {
                        tracing::warn!(%error, "the checkpoints cannot be read");
                        PAUSE_MAX
                    }
                };
                // A newcomer is looked for sooner, but not in a tight loop.
                tokio::time::sleep(PAUSE_MIN).await;
                tokio::select! {
                    () = tokio::time::sleep(pause.saturating_sub(PAUSE_MIN)) => {}
                    () = self.somebody_waits.notified() => pause = PAUSE_MIN,
                }
            }
        }
    }
}

fn behind(model: Model, wanted: i64, at: i64) -> Problem {
    let name = model.projection();
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

/// A projection's position is that of its slowest slot.
async fn position(db: impl PgExecutor<'_>, projection: &str) -> sqlx::Result<i64> {
    let position = sqlx::query_scalar!(
        "SELECT min(position) FROM projection_positions WHERE name = $1",
        projection
    );
    Ok(position.fetch_one(db).await?.unwrap_or(0))
}

/// Meilisearch shows what is not dirty any more.
async fn index_position(db: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    let row = sqlx::query!(
        "SELECT (SELECT min(position) FROM projection_positions WHERE name = 'search') AS folded,
                (SELECT min(position) FROM search_documents WHERE dirty) AS unsent"
    )
    .fetch_one(db)
    .await?;
    let folded = row.folded.unwrap_or(0);
    Ok(row.unsent.map_or(folded, |unsent| folded.min(unsent - 1)))
}

/// The positions of all models, in one snapshot.
async fn look(db: impl PgExecutor<'_>) -> sqlx::Result<Seen> {
    let rows = sqlx::query!(
        r#"SELECT name AS "name!", min(position) AS "position!",
                  CASE WHEN name = 'search'
                       THEN (SELECT min(position) FROM search_documents WHERE dirty) END AS unsent
           FROM projection_positions GROUP BY name"#
    )
    .fetch_all(db)
    .await?;
    let mut seen = Seen::default();
    for row in rows {
        let Some(model) = Model::named(&row.name) else { continue };
        seen.0[model as usize] = row.position;
        if model == Model::Search {
            let sent = row.unsent.map_or(row.position, |unsent| row.position.min(unsent - 1));
            seen.0[Model::Index as usize] = sent;
        }
    }
    Ok(seen)
}

async fn refuse_parked(
    db: &mut PgConnection,
    model: Model,
    wanted: i64,
    stream: &str,
) -> Result<(), Problem> {
    let parked = sqlx::query_scalar!(
        "SELECT k.position FROM parked_streams k
         JOIN projections p ON p.name = k.projection AND p.active_build = k.build
         WHERE k.projection = $1 AND k.stream = $2 AND k.position <= $3",
        model.projection(),
        stream,
        wanted,
    )
    .fetch_optional(db)
    .await?;
    match parked {
        None => Ok(()),
        Some(first) => Err(behind(model, wanted, first - 1).with("parked", stream)),
    }
}
