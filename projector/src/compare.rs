//! Comparing two builds of a projection, document by document, in one snapshot.

use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Row, Transaction};

use crate::projection::Projection;

/// Differences listed of each table; the count goes no further either.
pub const DIFFERENCES_MAX: i64 = 1_000;

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

/// The database as it is now, for as long as the transaction lasts.
pub async fn snapshot(db: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut snapshot = db.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    // The first query takes the snapshot. Comparing large tables may take its time.
    sqlx::query!("SELECT set_config('statement_timeout', '0', true) AS patient")
        .fetch_one(&mut *snapshot)
        .await?;
    Ok(snapshot)
}

/// Where the documents of two builds differ.
pub async fn differences(
    mut snapshot: Transaction<'static, Postgres>,
    projection: &Projection,
    live: i16,
    fresh: i16,
) -> sqlx::Result<Vec<Difference>> {
    let mut found = vec![];
    for table in projection.tables {
        // Not a checked query, because the table varies; its name is a constant of the program.
        let statement = format!(
            "SELECT id::text AS id, l.document IS NULL AS missing, f.document IS NULL AS extra
             FROM (SELECT id, document::text AS document FROM {table} WHERE build = $1) l
             FULL JOIN (SELECT id, document::text AS document FROM {table} WHERE build = $2) f
                 USING (id)
             WHERE l.document IS DISTINCT FROM f.document
             LIMIT $3"
        );
        let mut rows = sqlx::query(AssertSqlSafe(statement))
            .bind(live)
            .bind(fresh)
            .bind(DIFFERENCES_MAX)
            .fetch(&mut *snapshot);
        while let Some(row) = rows.try_next().await? {
            let kind = match (row.try_get("missing")?, row.try_get("extra")?) {
                (true, _) => Kind::Missing,
                (false, true) => Kind::Extra,
                (false, false) => Kind::Different,
            };
            found.push(Difference { table, id: row.try_get("id")?, kind });
        }
    }
    Ok(found)
}
