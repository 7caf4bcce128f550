//! A log of any length, within minutes: one round of a shop's life is told to the engine's own
//! writer, and copied under other ids and times by one statement of SQL. So the events are the
//! engine's, of whatever shape they have today, and the log is one that it could have written.
//!
//! Only for a database of one's own: the services must not run meanwhile.

mod round;
#[cfg(test)]
mod tests;
pub mod time;

use std::ops::Range;

use anyhow::ensure;
use domain::stream::slot_of;
use domain::{CartId, OrderId, ProductId, Sku};
use event_store::{Writer, writer};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, PgConnection, PgPool};

/// Appends copies of the first round.
const COPY: &str = include_str!("copies.sql");
/// Rounds copied in one transaction: some hundred thousand events.
const COPIES: i64 = 200;
/// The longest log, in events: its rounds end in the past.
const EVENTS_MAX: i64 = 10_000_000;

/// A log that was filled, and what stands in its first round.
#[derive(Debug)]
pub struct Log {
    /// How many events it holds.
    pub events: i64,
    /// Rounds in it.
    pub rounds: i64,
    /// A product that is for sale.
    pub product: ProductId,
    /// One of its SKUs.
    pub sku: Sku,
    /// A cart that is still open.
    pub cart: CartId,
    /// An order that was paid and delivered.
    pub order: OrderId,
}

/// Fills the log of a migrated database, now empty, with so many events at least: whole rounds are
/// appended.
pub async fn log(database: &str, events: i64) -> anyhow::Result<Log> {
    ensure!((1..=EVENTS_MAX).contains(&events), "a log of {events} events cannot be made");
    let pool = PgPoolOptions::new().max_connections(2).connect(database).await?;
    let filled = fill(&pool, events).await?;
    // What autovacuum would have done while such a log grew, it shall not do while it is measured.
    for table in ["events", "commands"] {
        let statement = format!("VACUUM (ANALYZE) {table}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&pool).await?;
    }
    sqlx::raw_sql("CHECKPOINT").execute(&pool).await?;
    pool.close().await;
    Ok(filled)
}

/// Tells the first round and copies it until the log has that many events.
async fn fill(pool: &PgPool, wanted: i64) -> anyhow::Result<Log> {
    let mut db = PgConnection::connect_with(&pool.connect_options()).await?;
    ensure!(event_store::read::head(&mut db).await? == 0, "only an empty log can be filled");
    let (writer, task) = Writer::start(pool, writer::Settings::default());
    let told = round::tell(&writer).await?;
    writer.close();
    task.await?;

    let round = event_store::read::head(&mut db).await?;
    ensure!(round > 0, "nothing happened in a round");
    let settings = "SET synchronous_commit = off; SET jit = off; SET commerce.appending = 'on'";
    sqlx::raw_sql(settings).execute(&mut db).await?;
    let rounds = (wanted + round - 1) / round;
    let mut next = 1;
    while next < rounds {
        let copies = next..rounds.min(next + COPIES);
        next = copies.end;
        copy(&mut db, round, copies).await?;
    }
    let events = event_store::read::head(&mut db).await?;
    db.close().await?;
    let round::Told { product, sku, cart, order } = told;
    Ok(Log { events, rounds, product, sku, cart, order })
}

async fn copy(db: &mut PgConnection, round: i64, copies: Range<i64>) -> anyhow::Result<()> {
    let (prefixes, times): (Vec<_>, Vec<_>) =
        copies.map(|copy| (time::prefix(copy), time::of(copy))).unzip();
    // How the slots of an id and of a SKU differ from those in the first round.
    let differs = |rest: &str| -> Vec<i16> {
        let slot = |prefix: &str| slot_of(&format!("{prefix}{rest}")).cast_signed();
        let first = slot(&time::prefix(0));
        prefixes.iter().map(|prefix| slot(prefix) ^ first).collect()
    };
    let (ids, skus) = (differs("-7000-8000-000000000000"), differs("-0"));
    sqlx::query(COPY)
        .bind(round)
        .bind(time::prefix(0))
        .bind(&prefixes)
        .bind(ids)
        .bind(skus)
        .bind(times)
        .bind(time::ROUND_SECONDS)
        .execute(db)
        .await?;
    Ok(())
}
