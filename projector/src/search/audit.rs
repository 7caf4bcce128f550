//! Whether Meilisearch holds what it is known to hold: no less, no more, nothing else. Either may
//! be lost, or go back to an earlier backup, without the other.
//!
//! What it lacks is made dirty, so that the pusher sends it; what is not in the table is taken out.
//! Which index it is, is looked at every few seconds, and so are the counts, where counting does
//! not take long; document by document, a page a round and beside the sending, when a worker takes
//! the lease (it does so after a restored database, whose checkpoint is not where it was), when
//! there are too many, and now and then.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::types::Uuid;
use tokio::time::Instant;

use super::index::{Identity, Index, IndexedDocument};
use super::sender::{self, PushError};
use crate::checkpoint::Lease;
use crate::working::parking;

/// How often Meilisearch is asked whether it still has everything.
pub const CHECK_PERIOD: Duration = Duration::from_secs(5);
/// How many times as long as counting took passes until it is done again: a table of many millions
/// is not counted all the time.
const COUNT_REST: u32 = 20;
/// How often its documents are looked at one by one all the same.
const RECONCILE_PERIOD: Duration = Duration::from_mins(15);
/// Documents looked at in one request.
const PAGE_DOCUMENTS: usize = 1_000;
/// Documents marked dirty in one transaction.
const MARK_ROWS: i64 = 5_000;

/// What was found out about an index so far.
pub struct Audit {
    db: PgPool,
    index: Index,
    /// Which index was found whole, or is being filled.
    identity: Option<Identity>,
    /// Whose it was then: build, epoch and position of the lease.
    holder: Option<(i16, i64, i64)>,
    look_at: Instant,
    count_at: Instant,
    /// How many of the documents that the index holds were looked at, while that is being done.
    reconciled: Option<usize>,
    reconcile_at: Instant,
}

/// Documents that the index must have, and those that it may have besides.
struct Expected {
    clean: u64,
    unclear: u64,
}

impl Audit {
    /// Nothing is known yet.
    pub fn new(db: PgPool, index: Index) -> Self {
        let now = Instant::now();
        Self {
            db,
            index,
            identity: None,
            holder: None,
            look_at: now,
            count_at: now,
            reconciled: None,
            reconcile_at: now,
        }
    }

    /// Looks as soon as it is asked again.
    pub fn hasten(&mut self) {
        self.look_at = Instant::now();
    }

    /// The index that documents of the lease's build go to, found whole not long ago, or with what
    /// it lacks marked dirty.
    pub async fn identity(&mut self, lease: &Lease) -> Result<Identity, PushError> {
        let holder = (lease.build, lease.epoch, lease.position);
        let goes_on = self.holder.is_some_and(|(build, epoch, position)| {
            (build, epoch) == (lease.build, lease.epoch) && position <= lease.position
        });
        let now = Instant::now();
        if !goes_on {
            sender::take(&self.db, lease).await?;
            (self.identity, self.reconciled) = (None, None);
            (self.look_at, self.count_at, self.reconcile_at) = (now, now, now);
        }
        if now >= self.look_at || self.identity.is_none() {
            self.look(lease.build).await?;
            self.look_at = now + CHECK_PERIOD;
        }
        if now >= self.count_at {
            let began = Instant::now();
            let counted = self.count(lease.build).await;
            // Also where that failed.
            self.count_at = Instant::now() + CHECK_PERIOD.max(began.elapsed() * COUNT_REST);
            match counted {
                // A database that is too busy to count does not keep documents from being sent.
                Err(PushError::Database(error)) => {
                    let cause = parking::chain(&error);
                    tracing::warn!(cause, "the search index could not be counted");
                }
                counted => counted?,
            }
        }
        self.holder = Some(holder);
        self.identity.clone().ok_or(PushError::Lost)
    }

    /// Sees to it that Meilisearch has the index, with its settings, and that what a lost one held
    /// is sent again.
    async fn look(&mut self, build: i16) -> Result<(), PushError> {
        let found = self.index.identity().await?;
        let replaced = self.identity.is_some() && self.identity != found;
        if found.is_none() || replaced {
            let marked = mark_all_dirty(&self.db, build).await?;
            if marked > 0 {
                tracing::warn!(marked, "Meilisearch has lost the index; all documents are sent");
            }
        }
        // Made anew only once its documents are marked: readers know then that it is not whole.
        self.identity = Some(self.index.ensure().await?);
        Ok(())
    }

    /// Compares the number of documents that Meilisearch has with that of those it once took.
    async fn count(&mut self, build: i16) -> Result<(), PushError> {
        // Meilisearch first: what it takes meanwhile is then no surplus.
        let held = self.index.count().await?;
        let Expected { clean, unclear } = self.expected(build).await?;
        if held < clean {
            tracing::warn!(held, clean, "Meilisearch has lost documents; all are sent again");
            mark_all_dirty(&self.db, build).await?;
        }
        if held > clean + unclear {
            self.reconcile_at = Instant::now();
        }
        Ok(())
    }

    async fn expected(&self, build: i16) -> Result<Expected, PushError> {
        let row = sqlx::query!(
            r#"SELECT (SELECT count(*) FROM search_documents_rows
                       WHERE build = $1 AND listed AND NOT dirty AND refused IS NULL) AS "clean!",
                      (SELECT count(*) FROM search_documents_rows
                       WHERE build = $1 AND dirty)
                      + (SELECT count(*) FROM search_documents_rows
                         WHERE build = $1 AND refused IS NOT NULL) AS "unclear!""#,
            build,
        )
        .fetch_one(&self.db)
        .await?;
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        Ok(Expected { clean: count(row.clean), unclear: count(row.unclear) })
    }

    /// Takes out what is not in the table, and marks dirty what is there as of another position:
    /// the next page of documents, where it is time to. Says whether there are more.
    pub async fn reconcile(&mut self, build: i16) -> Result<bool, PushError> {
        if self.reconciled.is_none() && Instant::now() >= self.reconcile_at {
            self.reconciled = Some(0);
        }
        let Some(offset) = self.reconciled else { return Ok(false) };
        let held = self.index.held(offset, PAGE_DOCUMENTS).await?;
        if held.is_empty() {
            let now = Instant::now();
            // What it held too many may have hidden what it lacks.
            (self.reconciled, self.count_at) = (None, now);
            self.reconcile_at = now + RECONCILE_PERIOD;
            return Ok(true);
        }
        let strays = self.compare(build, &held).await?;
        if !strays.is_empty() {
            let count = strays.len();
            tracing::warn!(count, "Meilisearch holds documents that are not known; removed");
            self.index.remove(&strays).await?;
        }
        // Those after it have moved up.
        self.reconciled = Some(offset + held.len() - strays.len());
        Ok(true)
    }

    /// Marks those documents dirty that are not what the table has. Gives those that it has not.
    async fn compare(
        &self,
        build: i16,
        held: &[IndexedDocument],
    ) -> Result<Vec<String>, PushError> {
        let mut strays = vec![];
        let (mut ids, mut positions) = (vec![], vec![]);
        for IndexedDocument { id, position } in held {
            let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
            match id.parse::<Uuid>() {
                Ok(known) if known.to_string() == id => {
                    ids.push(known);
                    positions.push(position.as_ref().and_then(serde_json::Value::as_i64));
                }
                _ => strays.push(id),
            }
        }
        sqlx::query!(
            "UPDATE search_documents_rows AS known SET dirty = true, dirty_from = 0
             FROM unnest($2::uuid[], $3::bigint[]) AS held (id, position)
             WHERE known.build = $1 AND known.id = held.id AND NOT known.dirty
               AND known.refused IS NULL
               AND (NOT known.listed OR known.position IS DISTINCT FROM held.position)",
            build,
            &ids,
            &positions as &[Option<i64>],
        )
        .execute(&self.db)
        .await?;
        let unknown = sqlx::query_scalar!(
            r#"SELECT held.id::text AS "id!" FROM unnest($2::uuid[]) AS held (id)
               WHERE NOT EXISTS (SELECT FROM search_documents_rows AS known
                                 WHERE known.build = $1 AND known.id = held.id)"#,
            build,
            &ids,
        )
        .fetch_all(&self.db)
        .await?;
        strays.extend(unknown);
        Ok(strays)
    }
}

/// Marks every listed document of a build dirty, in bounded steps. Says how many there are.
pub async fn mark_all_dirty(db: &PgPool, build: i16) -> sqlx::Result<usize> {
    let (mut after, mut count) = (Uuid::nil(), 0);
    loop {
        let marked = sqlx::query_scalar!(
            "UPDATE search_documents_rows SET dirty = true, dirty_from = 0, refused = NULL
             WHERE build = $1 AND id IN (
                 SELECT id FROM search_documents_rows
                 WHERE build = $1 AND id > $2 AND listed ORDER BY id LIMIT $3)
             RETURNING id",
            build,
            after,
            MARK_ROWS,
        )
        .fetch_all(db)
        .await?;
        count += marked.len();
        match marked.into_iter().max() {
            Some(last) => after = last,
            None => return Ok(count),
        }
    }
}
