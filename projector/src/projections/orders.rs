//! Orders with their payments, parcels and returns: one document an order.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::page::order;
use domain::{Category, Event, ReadModel, Seen, StreamId};
use event_store::Recorded;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::{Json, Uuid};

use crate::documents::{self, Documents};
use crate::projection::{FoldError, Projection};
use crate::step::Step;

const CATEGORIES: &[Category] =
    &[Category::Order, Category::Payment, Category::Fulfilment, Category::Return];

pub static PROJECTION: Projection = Projection {
    name: ReadModel::Orders.name(),
    version: 11,
    categories: CATEGORIES,
    tables: &["orders_rows"],
    grain: 1,
    waits_for: its_order,
    folder: documents::folder::<Orders>,
};

/// A payment, parcel or return has no place while its order is parked.
fn its_order(event: &Recorded) -> Option<StreamId> {
    match &event.event {
        Event::Payment(event) => Some(StreamId::Order(event.order_id())),
        Event::Fulfilment(event) => Some(StreamId::Order(event.order_id())),
        Event::Return(event) => Some(StreamId::Order(event.order_id())),
        _ => None,
    }
}

struct Orders;

impl Documents for Orders {
    type Key = Uuid;
    type Document = order::Document;

    fn key(event: &Recorded) -> Option<Uuid> {
        match its_order(event).as_ref().unwrap_or(&event.stream) {
            StreamId::Order(id) => Some(id.0),
            _ => None,
        }
    }

    fn begins(event: &Recorded) -> bool {
        event.version == 1 && matches!(event.stream, StreamId::Order(_))
    }

    fn fold(document: Option<Self::Document>, seen: &Seen) -> Option<Self::Document> {
        order::fold(document, seen)
    }

    async fn load(
        db: &mut PgConnection,
        build: i16,
        keys: Vec<Uuid>,
    ) -> sqlx::Result<Vec<(Uuid, Self::Document)>> {
        let rows = sqlx::query!(
            r#"SELECT id, document AS "document: Json<order::Document>"
               FROM orders_rows WHERE build = $1 AND id = ANY($2)"#,
            build,
            &keys,
        )
        .fetch_all(db)
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.document.0)).collect())
    }

    /// The columns are not taken out of the JSON by Postgres, as other projections have it: orders
    /// are long, and to parse each once more was a third of writing them.
    async fn store(
        db: &mut PgConnection,
        build: i16,
        documents: &[Self::Document],
        json: &[String],
        step: Option<Json<Step>>,
    ) -> Result<u64, FoldError> {
        let of = Columns::of(documents)?;
        let done = sqlx::query!(
            r#"INSERT INTO orders_rows (build, id, document, position, version, status,
                                        payment_status, fulfilment_status, customer_id, total,
                                        currency, units, created_at, updated_at, number,
                                        to_refund, address_id, skus, tracking_keys)
               SELECT $1, f.id, f.document::json, f.position, f.version, f.status,
                      f.payment_status, f.fulfilment_status, f.customer_id, f.total, f.currency,
                      f.units, f.created_at, f.updated_at, f.number, f.to_refund, f.address_id,
                      string_to_array(f.skus, E'\t'), string_to_array(f.tracking_keys, E'\t')
               FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::text[],
                           $7::text[], $8::text[], $9::uuid[], $10::numeric[], $11::text[],
                           $12::bigint[], $13::timestamptz[], $14::timestamptz[],
                           $15::bigint[], $16::numeric[], $17::uuid[], $18::text[], $19::text[])
                   AS f (id, document, position, version, status, payment_status,
                         fulfilment_status, customer_id, total, currency, units, created_at,
                         updated_at, number, to_refund, address_id, skus, tracking_keys)
               WHERE (SELECT moved($20))
               ON CONFLICT (build, id) DO UPDATE SET
                   document = excluded.document, position = excluded.position,
                   version = excluded.version, status = excluded.status,
                   payment_status = excluded.payment_status,
                   fulfilment_status = excluded.fulfilment_status,
                   customer_id = excluded.customer_id,
                   to_refund = excluded.to_refund, updated_at = excluded.updated_at,
                   address_id = excluded.address_id, skus = excluded.skus,
                   tracking_keys = excluded.tracking_keys"#,
            build,
            &of.ids,
            json,
            &of.positions,
            &of.versions,
            &of.statuses.0,
            &of.statuses.1,
            &of.statuses.2,
            &of.customers as &[Option<Uuid>],
            &of.totals.0,
            &of.totals.1,
            &of.units,
            &of.times.0,
            &of.times.1,
            &of.numbers,
            &of.to_refund,
            &of.addresses as &[Option<Uuid>],
            &of.skus,
            &of.tracking_keys,
            step as _,
        )
        .execute(db)
        .await?;
        Ok(done.rows_affected())
    }
}

/// What stands beside the documents, column by column.
#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    numbers: Vec<i64>,
    positions: Vec<i64>,
    versions: Vec<i64>,
    /// Of the order, its payments and its parcels.
    statuses: (Vec<String>, Vec<String>, Vec<String>),
    customers: Vec<Option<Uuid>>,
    /// Amounts and currencies.
    totals: (Vec<Decimal>, Vec<String>),
    /// Amounts.
    to_refund: Vec<Decimal>,
    units: Vec<i64>,
    addresses: Vec<Option<Uuid>>,
    /// Of each order all, with tabs between them, which neither holds: Postgres takes no list of
    /// lists that are not of one length.
    skus: Vec<String>,
    tracking_keys: Vec<String>,
    /// When it was placed, and when it last changed.
    times: (Vec<DateTime<Utc>>, Vec<DateTime<Utc>>),
}

impl Columns {
    fn of(documents: &[order::Document]) -> serde_json::Result<Self> {
        let mut columns = Self::default();
        for order in documents {
            columns.ids.push(order.id.0);
            columns.numbers.push(order.number);
            columns.positions.push(order.position);
            columns.versions.push(order.version);
            columns.statuses.0.push(name(&order.status)?);
            columns.statuses.1.push(name(&order.payment_status)?);
            columns.statuses.2.push(name(&order.fulfilment_status)?);
            columns.customers.push(order.customer_id.map(|id| id.0));
            columns.totals.0.push(order.total.amount());
            columns.totals.1.push(order.total.currency().code().to_owned());
            columns.to_refund.push(order.to_refund.amount());
            columns.units.push(i64::try_from(order.units).unwrap_or(i64::MAX));
            columns.addresses.push(order.address_id.map(|id| id.0));
            columns.skus.push(joined(order.skus()));
            columns.tracking_keys.push(joined(order.tracking_keys()));
            columns.times.0.push(order.created_at);
            columns.times.1.push(order.updated_at);
        }
        Ok(columns)
    }
}

fn joined(words: BTreeSet<impl Into<String>>) -> String {
    words.into_iter().map(Into::into).collect::<Vec<String>>().join("\t")
}

/// A status as it stands in the document.
fn name(status: &impl Serialize) -> serde_json::Result<String> {
    serde_json::from_value(serde_json::to_value(status)?)
}
