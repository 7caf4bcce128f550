//! A small catalogue, stored as the projector stores it.

use domain::page::search::Document;
use domain::page::search_keys::folded;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::Shop;

/// As the projector stores documents.
const STORE: &str = include_str!("../../../projector/src/projections/store_search_documents.sql");

pub fn document(n: u32, title: &str, brand: &str, euros: f64, in_stock: bool) -> Value {
    json!({
        "id": Uuid::from_u128(n.into()), "version": 1, "position": n, "status": "published",
        "title": title, "description": format!("A fine {title}"), "brand": brand,
        "category": ["Bags", title],
        "category_levels": {"lvl0": "Bags", "lvl1": format!("Bags > {title}")},
        "attributes": {
            "material": if n.is_multiple_of(2) { "leather" } else { "canvas" }, "made in": "PT"
        },
        "options": {"Size": ["M", "S"]}, "skus": [format!("SKU-{n}-M"), format!("SKU-{n}-S")],
        "price": {"EUR": euros}, "price_max": {"EUR": euros}, "in_stock": in_stock,
        "image": null, "created_at": "2026-01-01T00:00:00Z",
        "created_ts": 1_767_225_600_i64 + i64::from(n / 3), "updated_at": "2026-01-01T00:00:00Z",
        "variants": [
            {"sku": format!("SKU-{n}-M"), "options": [{"name": "Size", "value": "M"}],
             "prices": [], "in_stock": in_stock},
            {"sku": format!("SKU-{n}-S"), "options": [{"name": "Size", "value": "S"}],
             "prices": [], "in_stock": false},
        ],
    })
}

fn variant(sku: &str, title: &str, barcode: &str) -> Value {
    json!({"sku": sku, "title": title, "prices": [], "barcode": barcode, "in_stock": true})
}

pub fn catalogue() -> Vec<Value> {
    let mut documents = vec![
        document(1, "Tote", "Acme", 19.99, true),
        document(2, "Tote", "Ödland \"X\"", 49.5, false),
        document(3, "Clutch", "Acme", 99.0, true),
        document(4, "Satchel", "Acme", 150.0, true),
        document(5, "apple Pouch", "ACME", 7.0, true),
        document(6, "Zebra", "Others", 8.0, false),
        document(7, "Éclair", "Others", 8.0, true),
    ];
    documents[3]["options"]["Colour"] = json!(["blue", "red"]);
    let colours = [("M", "red", false), ("S", "blue", true)];
    documents[3]["variants"] = json!(colours.map(|(size, colour, in_stock)| {
        let options = json!([{"name": "Size", "value": size}, {"name": "Colour", "value": colour}]);
        json!({"sku": format!("SKU-4-{size}"), "options": options, "prices": [],
               "in_stock": in_stock})
    }));
    documents[4]["skus"] = json!(["SHIRTS-01"]);
    documents[4]["variants"] = json!([variant("SHIRTS-01", "Limited edition", "4006381333931")]);
    documents[4]["attributes"] = json!({"material": "CANVAS", "fit: loose": "very"});
    documents[5]["skus"] = json!(["THE-77"]);
    documents
}

pub async fn fill_postgres(shop: &Shop, documents: &[Value]) {
    // The shape is the projector's, not an invention of this test.
    let known: Vec<Document> = documents
        .iter()
        .map(|document| serde_json::from_value(document.clone()).unwrap())
        .collect();
    let keys = known.iter().map(|known| serde_json::to_string(&known.keys()).unwrap());
    sqlx::query(STORE)
        .bind(1_i16)
        .bind(documents.iter().map(ToString::to_string).collect::<Vec<_>>())
        .bind(known.iter().map(Document::listed).collect::<Vec<_>>())
        .bind(known.iter().map(|known| known.position).collect::<Vec<_>>())
        .bind(keys.collect::<Vec<_>>())
        .bind(known.iter().map(Document::title_key).collect::<Vec<_>>())
        .execute(&shop.db)
        .await
        .unwrap();
    // All of it was sent.
    sqlx::query("UPDATE search_documents_rows SET dirty = false").execute(&shop.db).await.unwrap();
}

/// The same products as the list has them: as its projection would write them.
pub async fn fill_products(shop: &Shop, documents: &[Value]) {
    for document in documents {
        let known: Document = serde_json::from_value(document.clone()).unwrap();
        let details = &known.details;
        let keys: Vec<String> = details.category.iter().map(|it| folded(it.as_str())).collect();
        sqlx::query(
            "INSERT INTO products_rows (build, id, document, position, version, status, title,
                 category, created_at, updated_at, brand_key, category_keys)
             VALUES (1, $1, $2, 1, 1, 'published', '', '{}', now(), now(), $3, $4)",
        )
        .bind(known.id.0)
        .bind(document)
        .bind(details.brand.as_ref().map(|brand| folded(brand.as_str())))
        .bind(keys)
        .execute(&shop.db)
        .await
        .unwrap();
    }
}
