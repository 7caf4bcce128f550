//! What is kept of people, over a database of its own per test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod check;
mod records;
mod rotation;

use std::sync::Arc;

use service::config::Secret;
use sqlx::PgPool;
use vault::{Master, Vault};

/// A vault under a ring of keys.
fn vault(db: &PgPool, ring: &str) -> Vault {
    let master = Master::read(&Secret::from(ring)).unwrap();
    Vault::new(db.clone(), Arc::new(master))
}

/// All that stands in the vault's tables, as Postgres prints it.
async fn everything(db: &PgPool) -> String {
    let all = "SELECT coalesce(string_agg(row, ' '), '') FROM (
                   SELECT r::text AS row FROM vault_records r
                   UNION ALL SELECT k::text FROM vault_keys k
                   UNION ALL SELECT i::text FROM vault_index i
                   UNION ALL SELECT e::text FROM vault_erased e) all_rows";
    sqlx::query_scalar(all).fetch_one(db).await.unwrap()
}
