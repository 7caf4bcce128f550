//! How far the read models have come, and waiting for them to come further.
//!
//! What a reader gets is checked in the snapshot it reads from, because a rebuild may switch tables
//! between a look and a read.

mod model;
mod poller;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use axum::http::StatusCode;
use event_store::read;
use service::Problem;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgExecutor, PgPool, Postgres, Transaction};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fresh::Fresh;
use crate::line::{Line, Who};

pub use self::model::Model;
pub use self::poller::WAITERS_MAX;
use self::poller::{Poller, Unreached};

/// How long Meilisearch is waited for when Postgres could answer already.
const INDEX_PATIENCE: Duration = Duration::from_millis(250);
/// How long it is remembered whether the index is being filled anew, and how long asking may take.
const REFILL_MEMORY: Duration = Duration::from_millis(250);
const REFILL_TIMEOUT: Duration = Duration::from_millis(200);
/// What a client is told to wait when a read model is behind.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How far the read models have come. Cheap to clone.
#[derive(Clone)]
pub struct Progress(Arc<Inner>);

struct Inner {
    db: PgPool,
    line: Line,
    poller: Poller,
    /// Whether the index is being filled anew, and until when that is believed.
    refill: Mutex<Option<(Instant, bool)>>,
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
    /// Starts the poller, which rests while nobody waits, and listens to what is told over NATS
    /// about the log of a stream, where there is any. Both end with `stop`.
    pub fn start(
        db: PgPool,
        line: Line,
        bus: Option<(Client, String)>,
        stop: CancellationToken,
    ) -> Self {
        let client = bus.as_ref().map(|(client, _)| client.clone());
        let (poller, refill) = (Poller::new(db.clone(), client), Mutex::new(None));
        let progress = Self(Arc::new(Inner { db, line, poller, refill }));
        if let Some((client, stream_name)) = bus {
            let inner = progress.0.clone();
            let listening = async move { inner.poller.listen(&client, &stream_name).await };
            tokio::spawn(stop.clone().run_until_cancelled_owned(listening));
        }
        let inner = progress.0.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move { inner.poller.run().await }));
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
        let mut who = Who::Newcomer;
        loop {
            // Nobody keeps a connection while waiting, and nobody is refused unseen.
            let outcome = self.0.poller.wait(model, wanted, fresh.until).await;
            if matches!(outcome, Ok(true)) {
                who = Who::LetIn;
            }
            let mut snapshot = self.0.line.snapshot(who).await?;
            let Check { position, head, parked } = check(&mut *snapshot, model).await?;
            if position >= wanted {
                if let Some(stream) = stream.filter(|_| parked) {
                    refuse_parked(&mut snapshot, model, wanted, stream).await?;
                }
                return Ok(Reader::Snapshot(snapshot));
            }
            refuse_unknown(head, wanted, fresh)?;
            match outcome {
                Ok(_) => self.0.poller.correct(model, position),
                Err(Unreached::Late) => return Err(behind(model, wanted, position)),
                Err(Unreached::Crowded) => return Err(too_many_waiting()),
            }
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
                refuse_unknown(read::head(&mut *db).await?, wanted, fresh)?;
                drop(db);
                self.0.poller.correct(Model::Search, folded);
                self.0.poller.wait(Model::Search, wanted, fresh.until).await
            } else {
                drop(db);
                let until = *patience_ends
                    .get_or_insert_with(|| fresh.until.min(Instant::now() + INDEX_PATIENCE));
                self.0.poller.correct(Model::Index, sent);
                self.0.poller.wait(Model::Index, wanted, until).await
            };
            if outcome.is_err() {
                return Ok(false);
            }
            db = self.0.line.connection(Who::LetIn).await?;
        }
    }
}

fn too_many_waiting() -> Problem {
    let detail = "too many requests wait for a position";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_waiting", detail)
        .retry_after(RETRY_AFTER)
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

/// Where a model stands, and what may keep it from being fresh.
struct Check {
    /// That of its slowest slot.
    position: i64,
    /// The log's.
    head: i64,
    /// Whether any of its streams is parked.
    parked: bool,
}

async fn check(db: impl PgExecutor<'_>, model: Model) -> sqlx::Result<Check> {
    sqlx::query_as!(
        Check,
        r#"SELECT coalesce((SELECT min(position) FROM projection_positions WHERE name = $1), 0)
                      AS "position!",
                  (SELECT position FROM log_head) AS "head!",
                  EXISTS (SELECT FROM parked_streams WHERE projection = $1) AS "parked!""#,
        model.projection(),
    )
    .fetch_one(db)
    .await
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

/// Refuses what the log itself has not come to: nothing is waited for that no command has caused.
fn refuse_unknown(head: i64, wanted: i64, fresh: &Fresh) -> Result<(), Problem> {
    let refused = |detail| Problem::new(StatusCode::BAD_REQUEST, "position_unknown", detail);
    if wanted <= head {
        return Ok(());
    }
    if !fresh.tells_head {
        return Err(refused(format!("the log has not yet come to position {wanted}")));
    }
    let detail = format!("the log has come to position {head}, not yet to {wanted}");
    Err(refused(detail).with("head", head))
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
