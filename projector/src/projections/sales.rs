//! Sales: one document a day and currency, and a small one an order, so that what was called off or
//! returned and also given back is taken off once.
//!
//! A day takes in orders of all slots: this projection needs a checkpoint over all of them. An
//! event may set right the day of another event of its order: see [`sales`].

use std::collections::BTreeSet;

use domain::page::sales::{self, Document, Ledger};
use domain::{Category, ReadModel};
use event_store::Recorded;
use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::PgConnection;
use sqlx::types::{Json, Uuid};

use crate::documents::encode;
use crate::projection::{ALL_SLOTS, FoldError, Folder, Projection, seen, waits_for_nothing};
use crate::recent::Recent;
use crate::step::Fenced;
use crate::step::Step;

pub static PROJECTION: Projection = Projection {
    name: ReadModel::Sales.name(),
    version: 6,
    categories: &[Category::Order, Category::Payment],
    tables: &["sales_rows", "sales_orders_rows"],
    grain: ALL_SLOTS,
    waits_for: waits_for_nothing,
    folder: || Box::new(Sales::default()),
};

/// What was written lately.
#[derive(Default)]
struct Sales {
    days: Recent<String, Document>,
    ledgers: Recent<Uuid, Ledger>,
}

impl Folder for Sales {
    fn fold<'a>(
        &'a mut self,
        db: &'a mut PgConnection,
        build: i16,
        events: &'a [Recorded],
        step: Option<Step>,
    ) -> BoxFuture<'a, Result<Result<(), Fenced>, FoldError>> {
        fold(self, db, build, events, step).boxed()
    }
}

async fn fold(
    recent: &mut Sales,
    db: &mut PgConnection,
    build: i16,
    events: &[Recorded],
    step: Option<Step>,
) -> Result<Result<(), Fenced>, FoldError> {
    let keys: Vec<_> = events.iter().filter_map(|event| sales::keys(&seen(event))).collect();
    let orders: BTreeSet<Uuid> = keys.iter().map(|(_, order_id)| order_id.0).collect();
    let ledgers = recent.ledgers.or_load(orders, |unknown| load_ledgers(db, build, unknown));
    let mut ledgers = ledgers.await?;
    // Those of events in this batch, and those that these may set right.
    let mut days: BTreeSet<String> = keys.iter().map(|(day, _)| day.clone()).collect();
    days.extend(ledgers.values().flat_map(Ledger::days).cloned());
    let mut days = recent.days.or_load(days, |unknown| load_days(db, build, unknown)).await?;
    let mut changed = BTreeSet::new();
    for event in events {
        let seen = seen(event);
        let Some((_, order_id)) = sales::keys(&seen) else { continue };
        let ledger = ledgers.entry(order_id.0).or_default();
        changed.extend(sales::fold(&mut days, ledger, &seen));
    }
    if ledgers.is_empty() {
        return Ok(Step::without_rows(step, db).await?);
    }
    let of_days = encode(days.values())?;
    let of_changed = days.keys().zip(&of_days).filter(|(day, _)| changed.contains(*day));
    let of_changed: Vec<String> = of_changed.map(|(_, json)| json.clone()).collect();
    let of_ledgers = encode(ledgers.values())?;
    let orders: Vec<Uuid> = ledgers.keys().copied().collect();
    let written = store(db, build, &of_changed, &orders, &of_ledgers, step.map(Json)).await?;
    recent.days.keep(days, &of_days);
    recent.ledgers.keep(ledgers, &of_ledgers);
    Ok(Step::made(written))
}

async fn load_days(
    db: &mut PgConnection,
    build: i16,
    days: Vec<String>,
) -> sqlx::Result<Vec<(String, Document)>> {
    let rows = sqlx::query!(
        r#"SELECT id, document AS "document: Json<Document>"
           FROM sales_rows WHERE build = $1 AND id = ANY($2)"#,
        build,
        &days,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.document.0)).collect())
}

async fn load_ledgers(
    db: &mut PgConnection,
    build: i16,
    orders: Vec<Uuid>,
) -> sqlx::Result<Vec<(Uuid, Ledger)>> {
    let rows = sqlx::query!(
        r#"SELECT id, document AS "document: Json<Ledger>"
           FROM sales_orders_rows WHERE build = $1 AND id = ANY($2)"#,
        build,
        &orders,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.document.0)).collect())
}

/// Writes days and ledgers, of which there is one at least. Says how many of the latter.
async fn store(
    db: &mut PgConnection,
    build: i16,
    days: &[String],
    orders: &[Uuid],
    ledgers: &[String],
    step: Option<Json<Step>>,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"WITH step AS MATERIALIZED (SELECT moved($5) AS made), days AS (
               INSERT INTO sales_rows (build, id, document, position, version, day, currency,
                                       created_at, updated_at)
               SELECT $1, f.id, new.document::json, f.position, f.version, f.day, f.currency,
                      f.created_at, f.updated_at
               FROM step, unnest($2::text[]) AS new (document),
                    json_to_record(new.document::json) AS f (
                        id text, position bigint, version bigint, day date, currency text,
                        created_at timestamptz, updated_at timestamptz)
               WHERE step.made
               ON CONFLICT (build, id) DO UPDATE SET
                   document = excluded.document, position = excluded.position,
                   version = excluded.version, created_at = excluded.created_at,
                   updated_at = excluded.updated_at)
           INSERT INTO sales_orders_rows (build, id, document)
           SELECT $1, new.id, new.document::json
           FROM step, unnest($3::uuid[], $4::text[]) AS new (id, document)
           WHERE step.made
           ON CONFLICT (build, id) DO UPDATE SET document = excluded.document"#,
        build,
        days,
        orders,
        ledgers,
        step as _,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
