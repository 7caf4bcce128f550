//! The catalogue: one document a product.

use domain::page::search_keys::folded;
use domain::product::document::{self, Document};
use domain::{Category, Seen, StreamId};
use event_store::Recorded;
use sqlx::PgConnection;
use sqlx::types::{Json, Uuid};

use crate::documents::{self, Documents};
use crate::projection::{FoldError, Projection, waits_for_nothing};
use crate::step::Step;

pub static PROJECTION: Projection = Projection {
    name: "products",
    version: 2,
    categories: &[Category::Product],
    tables: &["products_rows"],
    grain: 1,
    waits_for: waits_for_nothing,
    folder: documents::folder::<Products>,
};

struct Products;

impl Documents for Products {
    type Key = Uuid;
    type Document = Document;

    fn key(event: &Recorded) -> Option<Uuid> {
        match &event.stream {
            StreamId::Product(id) => Some(id.0),
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
               FROM products_rows WHERE build = $1 AND id = ANY($2)"#,
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
        documents: &[Self::Document],
        json: &[String],
        step: Option<Json<Step>>,
    ) -> Result<u64, FoldError> {
        let title_keys: Vec<String> =
            documents.iter().map(|document| folded(document.details.title.as_str())).collect();
        let done = sqlx::query!(
            r#"INSERT INTO products_rows (build, id, document, position, version, status, title,
                                          brand, category, created_at, updated_at, title_key)
               SELECT $1, f.id, new.document::json, f.position, f.version, f.status, f.title,
                      f.brand, coalesce(f.category, '{}'), f.created_at, f.updated_at, new.title_key
               FROM unnest($2::text[], $3::text[]) AS new (document, title_key),
                    json_to_record(new.document::json) AS f (
                        id uuid, position bigint, version bigint, status text, title text,
                        brand text, category text[], created_at timestamptz, updated_at timestamptz)
               WHERE (SELECT moved($4))
               ON CONFLICT (build, id) DO UPDATE SET
                   document = excluded.document, position = excluded.position,
                   version = excluded.version, status = excluded.status, title = excluded.title,
                   brand = excluded.brand, category = excluded.category,
                   updated_at = excluded.updated_at, title_key = excluded.title_key"#,
            build,
            json,
            &title_keys,
            step as _,
        )
        .execute(db)
        .await?;
        Ok(done.rows_affected())
    }
}
