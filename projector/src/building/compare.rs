//! Comparing two builds of a projection, document by document, each in a snapshot of its own: the
//! live build goes on meanwhile. Only keys and digests leave Postgres, in order, so that neither
//! side is ever held in memory.

use std::cmp::Ordering;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use service::database;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Row, Transaction};

use crate::projection::Projection;

/// Differences listed of each table; the count goes no further either.
pub const DIFFERENCES_MAX: usize = 1_000;

/// A key whose documents differ between the live build and a fresh one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// The key.
    pub id: String,
    /// How.
    pub kind: Kind,
}

/// How two builds differ in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The live build has no such document, a fresh one has.
    Missing,
    /// The live build has one, a fresh one has not.
    Extra,
    /// Both have one, and not the same.
    Different,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Different => "different",
        })
    }
}

/// How long a snapshot may be kept while the other side catches up with it, milliseconds: as long
/// as that may be tried.
const IDLE_MS_MAX: &str = "900000";

/// How a transaction begins that sees one moment.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The database as it is now, for as long as the transaction lasts.
pub async fn snapshot(db: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut snapshot = database::begin_with(db, SNAPSHOT).await?;
    // The first query takes the snapshot. Comparing large tables may take its time.
    sqlx::query!(
        "SELECT set_config('statement_timeout', '0', true) AS patient,
                set_config('idle_in_transaction_session_timeout', $1, true) AS bounded",
        IDLE_MS_MAX,
    )
    .fetch_one(&mut *snapshot)
    .await?;
    Ok(snapshot)
}

/// A build as it was when the snapshot was taken.
pub struct Side {
    /// The snapshot.
    pub snapshot: Transaction<'static, Postgres>,
    /// The build.
    pub build: i16,
}

/// Where the documents of two builds differ.
pub async fn differences(
    mut live: Side,
    mut fresh: Side,
    projection: &Projection,
) -> sqlx::Result<Vec<Difference>> {
    let mut found = vec![];
    for table in projection.tables {
        let theirs = digests(&mut live.snapshot, table, live.build);
        let ours = digests(&mut fresh.snapshot, table, fresh.build);
        found.extend(of_table(table, theirs, ours).await?);
    }
    Ok(found)
}

/// The key of a document and its digest.
type Digest = (String, i64);

/// The documents of a build in the order of their keys, which are ids or text in the order of its
/// bytes. Two documents that differ have the same digest once in 2^64.
fn digests<'a>(
    db: &'a mut PgConnection,
    table: &str,
    build: i16,
) -> BoxStream<'a, sqlx::Result<Digest>> {
    // Not a checked query, because the table varies; its name is a constant of the program.
    let statement = format!(
        "SELECT id::text, hashtextextended(document::text, 0) FROM {table} WHERE build = $1
         ORDER BY id"
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).bind(build).fetch(db);
    rows.and_then(|row| async move { Ok((row.try_get(0)?, row.try_get(1)?)) }).boxed()
}

async fn of_table(
    table: &'static str,
    mut theirs: BoxStream<'_, sqlx::Result<Digest>>,
    mut ours: BoxStream<'_, sqlx::Result<Digest>>,
) -> sqlx::Result<Vec<Difference>> {
    let mut found = vec![];
    let (mut live, mut fresh) = (theirs.try_next().await?, ours.try_next().await?);
    while found.len() < DIFFERENCES_MAX {
        let order = match (&live, &fresh) {
            (None, None) => break,
            (Some((live, _)), Some((fresh, _))) => live.cmp(fresh),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
        };
        let (mut id, mut kind) = (None, Kind::Different);
        match order {
            Ordering::Less => {
                (id, kind) = (live.map(|(id, _)| id), Kind::Extra);
                live = theirs.try_next().await?;
            }
            Ordering::Greater => {
                (id, kind) = (fresh.map(|(id, _)| id), Kind::Missing);
                fresh = ours.try_next().await?;
            }
            Ordering::Equal => {
                if live != fresh {
                    id = live.map(|(id, _)| id);
                }
                (live, fresh) = (theirs.try_next().await?, ours.try_next().await?);
            }
        }
        found.extend(id.map(|id| Difference { table, id, kind }));
    }
    Ok(found)
}
