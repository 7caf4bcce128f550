//! Stock: one document a SKU.

use domain::stock::document::{self, Document};
use domain::{Category, Seen, StreamId};
use event_store::Recorded;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::documents::{self, Documents};
use crate::projection::{FoldError, Projection, waits_for_nothing};
use crate::step::Step;

pub static PROJECTION: Projection = Projection {
    name: "stock",
    version: 1,
    categories: &[Category::Stock],
    tables: &["stock_rows"],
    grain: 1,
    waits_for: waits_for_nothing,
    folder: documents::folder::<StockLevels>,
};

struct StockLevels;

impl Documents for StockLevels {
    type Key = String;
    type Document = Document;

    fn key(event: &Recorded) -> Option<String> {
        match &event.stream {
            StreamId::Stock(sku) => Some(sku.to_string()),
            _ => None,
        }
    }

    fn fold(document: Option<Self::Document>, seen: &Seen) -> Option<Self::Document> {
        document::fold(document, seen)
    }

    async fn load(
        db: &mut PgConnection,
        build: i16,
        keys: Vec<String>,
    ) -> sqlx::Result<Vec<(String, Self::Document)>> {
        let rows = sqlx::query!(
            r#"SELECT id, document AS "document: Json<Document>"
               FROM stock_rows WHERE build = $1 AND id = ANY($2)"#,
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
            r#"INSERT INTO stock_rows (build, id, document, position, version, on_hand, available,
                                       created_at, updated_at)
               SELECT $1, f.id, new.document::json, f.position, f.version, f.on_hand, f.available,
                      f.created_at, f.updated_at
               FROM unnest($2::text[]) AS new (document),
                    json_to_record(new.document::json) AS f (
                        id text, position bigint, version bigint, on_hand bigint, available bigint,
                        created_at timestamptz, updated_at timestamptz)
               WHERE (SELECT moved($3))
               ON CONFLICT (build, id) DO UPDATE SET
                   document = excluded.document, position = excluded.position,
                   version = excluded.version, on_hand = excluded.on_hand,
                   available = excluded.available, updated_at = excluded.updated_at"#,
            build,
            json,
            step as _,
        )
        .execute(db)
        .await?;
        Ok(done.rows_affected())
    }
}
