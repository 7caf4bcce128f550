//! How far the read models have come, and waiting for them to come further.
//!
//! However many requests wait, one query at a time looks: a poller asks while anybody waits and
//! publishes what it saw. What a reader gets is checked once more in the snapshot it reads from,
//! because a rebuild may switch tables between a look and a read.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use event_store::read;
use service::Problem;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgExecutor, PgPool, Postgres, Transaction};
use tokio::sync::{Mutex, Notify, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fresh::Fresh;
use crate::line::{Line, Who};

/// The most requests that wait at once; more are refused.
pub const WAITERS_MAX: usize = 1024;
/// How long Meilisearch is waited for when Postgres could answer already.
const INDEX_PATIENCE: Duration = Duration::from_millis(250);
/// How long it is remembered whether the index is being filled anew, and how long asking may take.
const REFILL_MEMORY: Duration = Duration::from_millis(250);
const REFILL_TIMEOUT: Duration = Duration::from_millis(200);
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
    /// For the poller.
    db: PgPool,
    line: Line,
    seen: watch::Sender<Seen>,
    somebody_waits: Notify,
    room: Semaphore,
    /// The requests that wait for the index: only for them is its position looked up.
    index_waiters: AtomicUsize,
    /// Whether the index is being filled anew, and until when that is believed.
    refill: Mutex<Option<(Instant, bool)>>,
}

/// Counts one request among those that wait for the index, as long as it does.
struct IndexWaiter<'a>(&'a AtomicUsize);

impl<'a> IndexWaiter<'a> {
    fn new(waiters: &'a AtomicUsize) -> Self {
        waiters.fetch_add(1, Ordering::Relaxed);
        Self(waiters)
    }
}

impl Drop for IndexWaiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
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
    pub fn start(db: PgPool, line: Line, stop: CancellationToken) -> Self {
        let progress = Self(Arc::new(Inner {
            db,
            line,
            seen: watch::Sender::new(Seen::default()),
            somebody_waits: Notify::new(),
            room: Semaphore::new(WAITERS_MAX),
            index_waiters: AtomicUsize::new(0),
            refill: Mutex::new(None),
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
            return Ok(Reader::Any(self.0.line.connection(Who::Newcomer).await?));
        };
        let mut snapshot = self.0.line.snapshot(Who::Newcomer).await?;
        loop {
            let at = position(&mut *snapshot, model.projection()).await?;
            if at >= wanted {
                if let Some(stream) = stream {
                    refuse_parked(&mut snapshot, model, wanted, stream).await?;
                }
                return Ok(Reader::Snapshot(snapshot));
            }
            refuse_unknown(&mut snapshot, wanted).await?;
            // Nobody keeps a connection while waiting.
            drop(snapshot);
            self.0.wait(model, wanted, at, fresh.until).await?;
            snapshot = self.0.line.snapshot(Who::LetIn).await?;
        }
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
        let mut db = self.0.line.connection(Who::Newcomer).await?;
        loop {
            let Standing { folded, sent } = standing(&mut *db).await?;
            if sent >= wanted {
                return Ok(true);
            }
            let outcome = if folded < wanted {
                refuse_unknown(&mut db, wanted).await?;
                drop(db);
                self.0.wait(Model::Search, wanted, folded, fresh.until).await
            } else {
                drop(db);
                let until = *patience_ends
                    .get_or_insert_with(|| fresh.until.min(Instant::now() + INDEX_PATIENCE));
                self.0.wait(Model::Index, wanted, sent, until).await
            };
            if outcome.is_err() {
                return Ok(false);
            }
            db = self.0.line.connection(Who::LetIn).await?;
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
        let _counted = (model == Model::Index).then(|| IndexWaiter::new(&self.index_waiters));
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
                let index = self.index_waiters.load(Ordering::Relaxed) > 0;
                pause = match look(&self.db, index).await {
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

/// Where search stands.
struct Standing {
    /// In Postgres.
    folded: i64,
    /// In Meilisearch, which shows all changes before the first that was not yet sent.
    sent: i64,
}

impl Standing {
    fn new(folded: i64, unsent: Option<i64>) -> Self {
        Self { folded, sent: unsent.map_or(folded, |unsent| folded.min(unsent - 1)) }
    }
}

async fn standing(db: impl PgExecutor<'_>) -> sqlx::Result<Standing> {
    let row = sqlx::query!(
        "SELECT (SELECT min(position) FROM projection_positions WHERE name = 'search') AS folded,
                (SELECT min(dirty_from) FROM search_documents_rows WHERE dirty AND build =
                    (SELECT active_build FROM projections WHERE name = 'search')) AS unsent"
    )
    .fetch_one(db)
    .await?;
    Ok(Standing::new(row.folded.unwrap_or(0), row.unsent))
}

/// Documents that are sent because the index was lost lack every change: they are dirty from 0.
async fn is_refilled(db: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    let refilled = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM search_documents_rows WHERE dirty AND dirty_from = 0
               AND build = (SELECT active_build FROM projections WHERE name = 'search')) AS "is!""#
    );
    refilled.fetch_one(db).await
}

/// The positions of all models, in one snapshot; that of the index only if it is asked for, else 0.
async fn look(db: impl PgExecutor<'_>, index: bool) -> sqlx::Result<Seen> {
    let rows = sqlx::query!(
        r#"SELECT name AS "name!", min(position) AS "position!", CASE WHEN $1 AND name = 'search'
               THEN (SELECT min(dirty_from) FROM search_documents_rows WHERE dirty AND build =
                        (SELECT active_build FROM projections WHERE name = 'search')) END AS unsent
           FROM projection_positions GROUP BY name"#,
        index,
    )
    .fetch_all(db)
    .await?;
    let mut seen = Seen::default();
    for row in rows {
        let Some(model) = Model::named(&row.name) else { continue };
        seen.0[model as usize] = row.position;
        if index && model == Model::Search {
            seen.0[Model::Index as usize] = Standing::new(row.position, row.unsent).sent;
        }
    }
    Ok(seen)
}

/// Refuses what the log itself has not come to: nothing is waited for that no command has caused.
async fn refuse_unknown(db: &mut PgConnection, wanted: i64) -> Result<(), Problem> {
    let head = read::head(db).await?;
    if wanted <= head {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::BAD_REQUEST,
        "position_unknown",
        format!("the log has come to position {head}, not yet to {wanted}"),
    )
    .with("head", head))
}

/// Refuses a document that lacks events because one of its streams is parked: its own, or that of
/// a payment or a parcel if it is an order. Those name their order in every event.
async fn refuse_parked(
    db: &mut PgConnection,
    model: Model,
    wanted: i64,
    stream: &str,
) -> Result<(), Problem> {
    let parked = sqlx::query!(
        "SELECT k.stream, k.position FROM parked_streams k
         JOIN projections p ON p.name = k.projection AND p.active_build = k.build
         LEFT JOIN events e ON e.position = k.position
         WHERE k.projection = $1 AND k.position <= $3
           AND (k.stream = $2 OR 'order-' || (e.data ->> 'order_id') = $2)
         ORDER BY k.position LIMIT 1",
        model.projection(),
        stream,
        wanted,
    )
    .fetch_optional(db)
    .await?;
    match parked {
        None => Ok(()),
        Some(first) => Err(behind(model, wanted, first.position - 1).with("parked", first.stream)),
    }
}
