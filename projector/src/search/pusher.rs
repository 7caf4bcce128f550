//! Sends dirty documents to Meilisearch, and clears them once it has taken them.
//!
//! It works for whoever holds the lease of the search projection, under a right of its own to send
//! that only a later holder takes away: the checkpoint is not locked, and neither waits for the
//! other. In one round each dirty document
//! is sent once, several tasks in flight; only a revision that Meilisearch has taken is clean, so
//! one that changed meanwhile goes with the next round. Whether Meilisearch still holds what it
//! took is the affair of [`super::audit`].

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt, stream};
use serde_json::value::RawValue;
use sqlx::PgPool;
use sqlx::types::{Json, Uuid};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::audit::{Audit, CHECK_PERIOD};
use super::index::{Identity, Index, IndexError};
use super::sender::{PushError, take};
use super::sent::with_keys;
use crate::checkpoint::Lease;
use crate::projections::SEARCH;
use crate::working::outage::Outage;
use crate::working::parking;

/// Documents in one task: 20,000 take Meilisearch 2.0 s in tasks of this size, 2.8 s in tasks of a
/// thousand.
const TASK_DOCUMENTS: i64 = 10_000;
/// Bytes of documents in one task, unless a single one has more.
const TASK_BYTES: usize = 24 << 20;
/// Tasks that Meilisearch may have in hand at a time: it works on one while the next is sent.
const TASKS_IN_FLIGHT: usize = 2;
/// Documents cleared in one transaction: a worker that writes the same ones waits for it.
const CLEAR_ROWS: usize = 1_000;
/// The first and the longest pause after a failure.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// What keeps documents from Meilisearch, for health checks.
pub type Trouble = Arc<Mutex<Option<String>>>;

/// Sends what is dirty for as long as the process lives and the lease is held.
pub async fn run(
    db: PgPool,
    index: Index,
    mut held: watch::Receiver<Option<Lease>>,
    trouble: Trouble,
    stop: CancellationToken,
) {
    let mut outage = Outage::new(SEARCH.name, PAUSE_MIN, PAUSE_MAX);
    let mut audit = Audit::new(db.clone(), index.clone());
    while !stop.is_cancelled() {
        let lease = held.borrow_and_update().clone();
        let wait = match lease {
            None => PAUSE_MAX,
            Some(lease) => match round(&db, &index, &lease, &mut audit).await {
                Ok(sent) => {
                    *trouble.lock().await = None;
                    outage.over();
                    if sent > 0 { Duration::ZERO } else { CHECK_PERIOD }
                }
                Err(error) => {
                    let cause = parking::chain(&error);
                    metrics::counter!("search_push_failures_total").increment(1);
                    *trouble.lock().await = Some(cause.clone());
                    audit.hasten();
                    // Not woken by new documents: Meilisearch is left alone for that long.
                    outage.wait(&cause, &stop).await;
                    Duration::ZERO
                }
            },
        };
        tokio::select! {
            changed = held.changed() => if changed.is_err() { break },
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn round(
    db: &PgPool,
    index: &Index,
    lease: &Lease,
    audit: &mut Audit,
) -> Result<usize, PushError> {
    let identity = audit.identity(lease).await?;
    match push(db, index, lease, &identity).await {
        // At once: until its documents are marked, readers take what is left of it for all.
        Err(PushError::Lost) => {
            audit.hasten();
            audit.identity(lease).await?;
            Ok(1)
        }
        // Beside the sending, not before it. What is left to look at is not waited for.
        sent => Ok(sent? + usize::from(audit.reconcile(lease.build).await?)),
    }
}

/// Documents of one task.
#[derive(Default)]
struct Page {
    ids: Vec<Uuid>,
    revisions: Vec<i64>,
    positions: Vec<i64>,
    documents: Vec<Box<RawValue>>,
    gone: Vec<Uuid>,
}

impl Page {
    fn halves(self) -> (Self, Self) {
        let (mut first, mut second) = (Self::default(), Self::default());
        let middle = self.ids.len() / 2;
        let mut documents = self.documents.into_iter();
        let columns = self.ids.into_iter().zip(self.revisions).zip(self.positions);
        for (number, ((id, revision), position)) in columns.enumerate() {
            let half = if number < middle { &mut first } else { &mut second };
            half.ids.push(id);
            half.revisions.push(revision);
            half.positions.push(position);
            if self.gone.contains(&id) {
                half.gone.push(id);
            } else {
                half.documents.extend(documents.next());
            }
        }
        (first, second)
    }
}

/// Fails if the index is not the one it was: lost, and perhaps made anew by a push.
pub async fn expect(index: &Index, identity: &Identity) -> Result<(), PushError> {
    let found = index.identity().await?;
    if found.as_ref() == Some(identity) { Ok(()) } else { Err(PushError::Lost) }
}

/// Sends each dirty document of a build once, to the index that has this identity. Says how many
/// there were.
pub async fn push(
    db: &PgPool,
    index: &Index,
    lease: &Lease,
    identity: &Identity,
) -> Result<usize, PushError> {
    send_all(db, index, lease, identity, Which::Dirty).await
}

/// Sends every document of a build that is listed, dirty or not, to an index that is empty. Says
/// how many there were.
pub async fn fill(
    db: &PgPool,
    index: &Index,
    lease: &Lease,
    identity: &Identity,
) -> Result<usize, PushError> {
    take(db, lease).await?;
    send_all(db, index, lease, identity, Which::Listed).await
}

/// Which documents are sent.
#[derive(Clone, Copy)]
enum Which {
    Dirty,
    Listed,
}

async fn send_all(
    db: &PgPool,
    index: &Index,
    lease: &Lease,
    identity: &Identity,
    which: Which,
) -> Result<usize, PushError> {
    pages(db, lease.build, which)
        .map_ok(|page| send(db, index, lease, identity, page))
        .try_buffer_unordered(TASKS_IN_FLIGHT)
        .try_fold(0, async |sum, sent| Ok(sum + sent))
        .await
}

fn pages(db: &PgPool, build: i16, which: Which) -> impl Stream<Item = Result<Page, PushError>> {
    stream::try_unfold(Uuid::nil(), move |after| async move {
        let page = page(db, build, which, after).await?;
        Ok(page.ids.last().copied().map(|last| (page, last)))
    })
    .boxed()
}

struct Row {
    id: Uuid,
    revision: i64,
    position: i64,
    listed: bool,
    keys: Vec<String>,
    document: Json<Box<RawValue>>,
}

async fn page(db: &PgPool, build: i16, which: Which, after: Uuid) -> Result<Page, PushError> {
    let rows = match which {
        Which::Dirty => {
            sqlx::query_as!(
                Row,
                r#"SELECT id, revision, position, listed, keys,
                   document AS "document: _"
               FROM search_documents_rows
               WHERE build = $1 AND dirty AND id > $2 ORDER BY id LIMIT $3"#,
                build,
                after,
                TASK_DOCUMENTS,
            )
            .fetch_all(db)
            .await?
        }
        Which::Listed => {
            sqlx::query_as!(
                Row,
                r#"SELECT id, revision, position, listed, keys,
                   document AS "document: _"
               FROM search_documents_rows
               WHERE build = $1 AND listed AND id > $2 ORDER BY id LIMIT $3"#,
                build,
                after,
                TASK_DOCUMENTS,
            )
            .fetch_all(db)
            .await?
        }
    };
    let mut page = Page::default();
    let mut bytes = 0;
    for row in rows {
        bytes += row.document.get().len() + row.keys.iter().map(String::len).sum::<usize>();
        if bytes > TASK_BYTES && !page.ids.is_empty() {
            break;
        }
        page.ids.push(row.id);
        page.revisions.push(row.revision);
        page.positions.push(row.position);
        if row.listed {
            page.documents.push(with_keys(row.document.0, row.keys));
        } else {
            page.gone.push(row.id);
        }
    }
    Ok(page)
}

/// Sends one page. When Meilisearch refuses what is in it, the document at fault is found by
/// halves and set aside, so that the others get through.
///
/// Meilisearch makes an index that is not there of whatever is sent to it. So it is looked at
/// before, and again before anything is cleared.
async fn send(
    db: &PgPool,
    index: &Index,
    lease: &Lease,
    identity: &Identity,
    page: Page,
) -> Result<usize, PushError> {
    expect(index, identity).await?;
    let put = match index.put(&page.documents).await {
        Ok(()) => index.remove(&page.gone).await,
        refused => refused,
    };
    expect(index, identity).await?;
    match put {
        Ok(()) => clear(db, lease, &page).await?,
        Err(IndexError::Task { invalid: true, .. }) if page.ids.len() > 1 => {
            let (first, second) = page.halves();
            let first = Box::pin(send(db, index, lease, identity, first)).await?;
            return Ok(first + Box::pin(send(db, index, lease, identity, second)).await?);
        }
        Err(IndexError::Task { invalid: true, reason, .. }) => {
            refuse(db, lease.build, &page, &reason).await?;
        }
        Err(error) => return Err(error.into()),
    }
    metrics::counter!("search_documents_sent_total").increment(page.ids.len() as u64);
    Ok(page.ids.len())
}

/// Sets documents aside that Meilisearch will not take, until they change.
async fn refuse(db: &PgPool, build: i16, page: &Page, reason: &str) -> sqlx::Result<()> {
    for (id, revision) in page.ids.iter().zip(&page.revisions) {
        tracing::error!(%id, reason, "Meilisearch refuses a document; it is set aside");
        metrics::counter!("search_documents_refused_total").increment(1);
        sqlx::query!(
            "UPDATE search_documents_rows SET dirty = false, refused = $4
             WHERE build = $1 AND id = $2 AND revision = $3",
            build,
            id,
            revision,
            reason,
        )
        .execute(db)
        .await?;
    }
    Ok(())
}

/// Clears what Meilisearch has taken, if nobody else has begun to send. Otherwise what was sent may
/// have arrived after something newer that somebody else sent: then it is dirty for them.
async fn clear(db: &PgPool, lease: &Lease, page: &Page) -> Result<(), PushError> {
    let columns = page.ids.chunks(CLEAR_ROWS).zip(page.revisions.chunks(CLEAR_ROWS));
    for ((ids, revisions), positions) in columns.zip(page.positions.chunks(CLEAR_ROWS)) {
        // One statement: of one that begins a transaction, nobody knows what became of it when its
        // caller is given up. What has changed since stays dirty, from the first change that was
        // not sent. Rows are locked in the order in which a worker writes them.
        let held = sqlx::query_scalar!(
            r#"WITH held AS MATERIALIZED (
                   SELECT build FROM projection_builds
                   WHERE projection = $1 AND build = $2 AND sender <= $3 FOR SHARE),
               locked AS MATERIALIZED (
                   SELECT known.id FROM search_documents_rows AS known
                   WHERE known.build = (SELECT build FROM held) AND known.id = ANY($4)
                     AND known.dirty
                   ORDER BY known.id FOR UPDATE),
               cleared AS (
                   UPDATE search_documents_rows AS known
                   SET dirty = known.revision <> sent.revision, dirty_from = sent.position + 1
                   FROM unnest($4::uuid[], $5::bigint[], $6::bigint[])
                            AS sent (id, revision, position)
                   JOIN locked ON locked.id = sent.id
                   WHERE known.build = $2 AND known.id = sent.id)
               SELECT EXISTS (SELECT FROM held) AS "held!""#,
            lease.projection.name,
            lease.build,
            lease.epoch,
            ids,
            revisions,
            positions,
        )
        .fetch_one(db)
        .await?;
        if !held {
            return mark_for_others(db, lease, page).await;
        }
    }
    Ok(())
}

/// Marks what was sent dirty in the build that readers see.
async fn mark_for_others(db: &PgPool, lease: &Lease, page: &Page) -> Result<(), PushError> {
    sqlx::query!(
        "UPDATE search_documents_rows AS known SET dirty = true,
             dirty_from = CASE WHEN known.dirty THEN least(known.dirty_from, sent.position + 1)
                               ELSE sent.position + 1 END
         FROM unnest($2::uuid[], $3::bigint[]) AS sent (id, position)
         WHERE known.id = sent.id
           AND known.build = (SELECT active_build FROM projections WHERE name = $1)",
        lease.projection.name,
        &page.ids,
        &page.positions,
    )
    .execute(db)
    .await?;
    Err(PushError::Fenced)
}
