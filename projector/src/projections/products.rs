//! The catalogue: one document a product.

use domain::page::search_keys::folded;
use domain::product::document::{self, Document};
use sqlx::PgConnection;
use sqlx::types::{Json, Uuid};

use crate::documents::document_projection;
use crate::projection::FoldError;
use crate::step::Step;

document_projection! {
    Products, version 3;
    table "products_rows", key Uuid "uuid";
    stream Product(id) => id.0;
    documents Document, by document::fold;
    stored by store;
}

/// The key that titles are sorted by is not in the document; nor are SKUs and barcodes by
/// themselves.
async fn store(
    db: &mut PgConnection,
    build: i16,
    documents: &[Document],
    json: &[String],
    step: Option<Json<Step>>,
) -> Result<u64, FoldError> {
    let title_keys: Vec<String> =
        documents.iter().map(|document| folded(document.details.title.as_str())).collect();
    let done = sqlx::query!(
        r#"INSERT INTO products_rows (build, id, document, position, version, status, title,
                                      brand, category, created_at, updated_at, title_key,
                                      skus, barcodes)
           SELECT $1, f.id, new.document::json, f.position, f.version, f.status, f.title,
                  f.brand, coalesce(f.category, '{}'), f.created_at, f.updated_at, new.title_key,
                  ARRAY(SELECT v.sku FROM json_to_recordset(f.variants) AS v (sku text)
                        WHERE f.skus_freed IS NOT true),
                  ARRAY(SELECT v.barcode FROM json_to_recordset(f.variants) AS v (barcode text)
                        WHERE v.barcode IS NOT NULL)
           FROM unnest($2::text[], $3::text[]) AS new (document, title_key),
                json_to_record(new.document::json) AS f (
                    id uuid, position bigint, version bigint, status text, title text,
                    brand text, category text[], created_at timestamptz, updated_at timestamptz,
                    variants json, skus_freed boolean)
           WHERE (SELECT moved($4))
           ON CONFLICT (build, id) DO UPDATE SET
               document = excluded.document, position = excluded.position,
               version = excluded.version, status = excluded.status, title = excluded.title,
               brand = excluded.brand, category = excluded.category,
               updated_at = excluded.updated_at, title_key = excluded.title_key,
               skus = excluded.skus, barcodes = excluded.barcodes"#,
        build,
        json,
        &title_keys,
        step as _,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
