//! Carts: one document each.

use domain::cart::document::{self, Document};
use domain::{Category, Seen, StreamId};
use event_store::Recorded;
use sqlx::PgConnection;
use sqlx::types::{Json, Uuid};

use crate::documents::{self, Documents};
use crate::projection::{FoldError, Projection, waits_for_nothing};
use crate::step::Step;

pub static PROJECTION: Projection = Projection {
    name: "carts",
    version: 1,
    categories: &[Category::Cart],
    tables: &["carts_rows"],
    grain: 1,
    waits_for: waits_for_nothing,
    folder: documents::folder::<Carts>,
};

struct Carts;

impl Documents for Carts {
    type Key = Uuid;
    type Document = Document;

    fn key(event: &Recorded) -> Option<Uuid> {
        match &event.stream {
            StreamId::Cart(id) => Some(id.0),
            _ => None,
        }
    }

    fn fold(document: Option<Self::Document>, seen: &Seen) -> Option<Self::Document> {
        document::fold(document, seen)
    }

    async fn load(
        db: &mut PgConnection,
        build: i16,
        keys: Vec<Uuid>,
    ) -> sqlx::Result<Vec<(Uuid, Self::Document)>> {
        let rows = sqlx::query!(
            r#"SELECT id, document AS "document: Json<Document>"
               FROM carts_rows WHERE build = $1 AND id = ANY($2)"#,
            build,
            &keys,
        )
        .fetch_all(db)
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.document.0)).collect())
    }

    async fn store(
        db: &mut PgConnection,
        build: i16,
        _: &[Self::Document],
        json: &[String],
        step: Option<Json<Step>>,
    ) -> Result<u64, FoldError> {
        let done = sqlx::query!(
            r#"INSERT INTO carts_rows (build, id, document, position, version, status, customer_id,
                                       created_at, updated_at)
               SELECT $1, f.id, new.document::json, f.position, f.version, f.status, f.customer_id,
                      f.created_at, f.updated_at
               FROM unnest($2::text[]) AS new (document),
                    json_to_record(new.document::json) AS f (
                        id uuid, position bigint, version bigint, status text, customer_id uuid,
                        created_at timestamptz, updated_at timestamptz)
               WHERE (SELECT moved($3))
               ON CONFLICT (build, id) DO UPDATE SET
                   document = excluded.document, position = excluded.position,
                   version = excluded.version, status = excluded.status,
                   updated_at = excluded.updated_at"#,
            build,
            json,
            step as _,
        )
        .execute(db)
        .await?;
        Ok(done.rows_affected())
    }
}
