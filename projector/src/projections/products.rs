//! The catalogue: one document a product.

use std::fmt::Write as _;

use domain::page::search_keys::folded;
use domain::page::title_order::TitleOrder;
use domain::product::document::{self, Document};
use sqlx::PgConnection;
use sqlx::types::{Json, Uuid};

use crate::documents::document_projection;
use crate::projection::FoldError;
use crate::step::Step;

document_projection! {
    Products, version 5;
    table "products_rows", key Uuid "uuid";
    stream Product(id) => id.0;
    documents Document, by document::fold;
    stored by store;
}

/// The keys that titles are sorted by, and brands and categories found by, are not in the document;
/// nor are SKUs and barcodes by themselves.
async fn store(
    db: &mut PgConnection,
    build: i16,
    documents: &[Document],
    json: &[String],
    step: Option<Json<Step>>,
) -> Result<u64, FoldError> {
    let title_keys: Vec<String> =
        documents.iter().map(|document| folded(document.details.title.as_str())).collect();
    let in_each_order: Vec<String> =
        documents.iter().map(|document| keys(document.details.title.as_str())).collect();
    let brand_keys: Vec<Option<String>> = documents
        .iter()
        .map(|document| document.details.brand.as_ref().map(|brand| folded(brand.as_str())))
        .collect();
    // Of each all, with tabs between them, which no name holds: Postgres takes no list of lists
    // that are not of one length.
    let category_keys: Vec<String> = documents.iter().map(category_keys).collect();
    let done = sqlx::query!(
        r#"INSERT INTO products_rows (build, id, document, position, version, status, title,
                                      brand, category, created_at, updated_at, title_key,
                                      title_keys, skus, barcodes, brand_key, category_keys)
           SELECT $1, f.id, new.document::json, f.position, f.version, f.status, f.title,
                  f.brand, coalesce(f.category, '{}'), f.created_at, f.updated_at, new.title_key,
                  new.title_keys::bytea[],
                  ARRAY(SELECT v.sku FROM json_to_recordset(f.variants) AS v (sku text)
                        WHERE f.skus_freed IS NOT true),
                  ARRAY(SELECT v.barcode FROM json_to_recordset(f.variants) AS v (barcode text)
                        WHERE v.barcode IS NOT NULL),
                  new.brand_key, string_to_array(new.category_keys, E'\t')
           FROM unnest($2::text[], $3::text[], $5::text[], $6::text[], $7::text[])
                    AS new (document, title_key, title_keys, brand_key, category_keys),
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
               title_keys = excluded.title_keys,
               skus = excluded.skus, barcodes = excluded.barcodes,
               brand_key = excluded.brand_key, category_keys = excluded.category_keys"#,
        build,
        json,
        &title_keys,
        step as _,
        &in_each_order,
        &brand_keys as &[Option<String>],
        &category_keys,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

fn category_keys(document: &Document) -> String {
    let names = document.details.category.iter().map(|name| folded(name.as_str()));
    names.collect::<Vec<_>>().join("\t")
}

/// What sorts a title in each order, as Postgres reads a list of bytes.
fn keys(title: &str) -> String {
    let mut list = String::from("{");
    for key in TitleOrder::keys(title) {
        list.push_str(if list.len() > 1 { "," } else { "" });
        list.push_str(r#""\\x"#);
        for byte in key {
            // Writing to a string cannot fail.
            let _ = write!(list, "{byte:02x}");
        }
        list.push('"');
    }
    list.push('}');
    list
}
