//! Orders with their payments and parcels: one document an order.

use domain::view::{Seen, order};
use domain::{Category, Event, StreamId};
use event_store::Recorded;
use futures::FutureExt;
use sqlx::PgConnection;
use sqlx::types::{Json, Uuid};

use crate::documents::{self, Documents};
use crate::projection::Projection;

pub static PROJECTION: Projection = Projection {
    name: "orders",
    version: 1,
    categories: &[Category::Order, Category::Payment, Category::Fulfilment],
    tables: &["orders_rows"],
    waits_for: its_order,
    fold: |db, build, events| documents::fold::<Orders>(db, build, events).boxed(),
};

/// A payment or parcel has no place while its order is parked.
fn its_order(event: &Recorded) -> Option<StreamId> {
    match &event.event {
        Event::Payment(event) => Some(StreamId::Order(event.order_id())),
        Event::Fulfilment(event) => Some(StreamId::Order(event.order_id())),
        Event::Product(_) | Event::Sku(_) | Event::Stock(_) | Event::Cart(_) | Event::Order(_) => {
            None
        }
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

    fn fold(document: Option<Self::Document>, seen: &Seen) -> Option<Self::Document> {
        order::fold(document, seen)
    }

    async fn load(
        db: &mut PgConnection,
        build: i16,
        keys: &[Uuid],
    ) -> sqlx::Result<Vec<(Uuid, Self::Document)>> {
        let rows = sqlx::query!(
            r#"SELECT id, document AS "document: Json<order::Document>"
               FROM orders_rows WHERE build = $1 AND id = ANY($2)"#,
            build,
            keys,
        )
        .fetch_all(db)
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.document.0)).collect())
    }

    async fn store(db: &mut PgConnection, build: i16, documents: &[String]) -> sqlx::Result<()> {
        sqlx::query!(
            r#"INSERT INTO orders_rows (build, id, document, position, version, status,
                                        payment_status, fulfilment_status, customer_id, total,
                                        currency, units, created_at, updated_at)
               SELECT $1, f.id, new.document::json, f.position, f.version, f.status,
                      f.payment_status, f.fulfilment_status, f.customer_id,
                      (f.total->>'amount')::numeric, f.total->>'currency', f.units, f.created_at,
                      f.updated_at
               FROM unnest($2::text[]) AS new (document),
                    json_to_record(new.document::json) AS f (
                        id uuid, position bigint, version bigint, status text, payment_status text,
                        fulfilment_status text, customer_id uuid, total json, units bigint,
                        created_at timestamptz, updated_at timestamptz)
               ON CONFLICT (build, id) DO UPDATE SET
                   document = excluded.document, position = excluded.position,
                   version = excluded.version, status = excluded.status,
                   payment_status = excluded.payment_status,
                   fulfilment_status = excluded.fulfilment_status,
                   updated_at = excluded.updated_at"#,
            build,
            documents,
        )
        .execute(db)
        .await?;
        Ok(())
    }
}
