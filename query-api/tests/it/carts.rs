//! Carts as they are shown: with what their lines are today, which other read models know.

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Shop, cart_created, line_added};

const TOTE: u128 = 1;
const OTHER: u128 = 2;

fn eur(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// A product of one variant, which was put in at 19.99.
async fn sells(db: &PgPool, product: u128, status: &str, sku: &str, price: &str) {
    let document = json!({
        "title": "Tote", "media": [{"url": "https://shop.example/tote.jpg"}],
        "variants": [{"sku": "NONE", "prices": []}, {"sku": sku, "prices": [eur(price)]}],
    });
    sqlx::query(
        "INSERT INTO products_rows (build, id, document, position, version, status, title,
             category, created_at, updated_at, skus)
         VALUES (1, $1, $2, 1, 1, $3, 'Tote', '{}', now(), now(), ARRAY[$4])
         ON CONFLICT (build, id) DO UPDATE SET document = excluded.document,
             status = excluded.status, skus = excluded.skus",
    )
    .bind(Uuid::from_u128(product))
    .bind(document)
    .bind(status)
    .bind(sku)
    .execute(db)
    .await
    .unwrap();
}

async fn has(db: &PgPool, sku: &str, available: i64) {
    sqlx::query(
        "INSERT INTO stock_rows (build, id, document, position, version, on_hand, available,
             created_at, updated_at) VALUES (1, $1, '{}', 1, 1, $2, $2, now(), now())
         ON CONFLICT (build, id) DO UPDATE SET available = excluded.available",
    )
    .bind(sku)
    .bind(available)
    .execute(db)
    .await
    .unwrap();
}

/// Cart 1 with these lines, as the projector has folded it.
async fn cart(shop: &Shop, lines: &[(&str, u32)]) -> String {
    let mut events = vec![cart_created(1)];
    events.extend(lines.iter().map(|(sku, quantity)| line_added(1, sku, *quantity)));
    shop.append(&events).await;
    let path = format!("/v1/carts/{}", Uuid::from_u128(1));
    let folded = shop.get(&format!("{path}?as_of={}", events.len())).await;
    sqlx::query(
        "INSERT INTO carts_rows (build, id, document, position, version, status, created_at,
             updated_at) VALUES (1, $1, $2, 1, 1, 'open', now(), now())",
    )
    .bind(Uuid::from_u128(1))
    .bind(folded.json())
    .execute(&shop.db)
    .await
    .unwrap();
    path
}

#[sqlx::test(migrations = "../migrations")]
async fn a_line_shows_what_it_is_today(db: PgPool) {
    let shop = Shop::open(&db).await;
    sells(&db, TOTE, "published", "T", "19.99").await;
    has(&db, "T", 5).await;
    let path = cart(&shop, &[("T", 2)]).await;
    let line = shop.get(&path).await.json()["lines"][0].clone();
    assert_eq!(line["unit_price"], eur("19.99"));
    assert_eq!(
        line["today"],
        json!({
            "image": "https://shop.example/tote.jpg", "available": 5, "obtainable": 5,
            "unit_price": eur("19.99"), "problems": [],
        })
    );
    // As fresh as is asked for, by one statement too.
    shop.advance("carts", 2).await;
    let fresh = shop.get(&format!("{path}?min_position=2")).await;
    assert_eq!(fresh.json()["lines"][0], line);
    let past = shop.get(&format!("{path}?as_of=2")).await;
    assert_eq!(past.json()["lines"][0].get("today"), None, "the past knows nothing of today");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_checkout_will_refuse_is_shown_before(db: PgPool) {
    let shop = Shop::open(&db).await;
    let skus = ["DEARER", "CHEAPER", "DRAFT", "MOVED", "YEN", "GONE", "SHORT"];
    let path = cart(&shop, &skus.map(|sku| (sku, 2))).await;
    for sku in skus {
        has(&db, sku, if sku == "SHORT" { 1 } else { 9 }).await;
    }
    // Each a product of its own id; the lines were put in as of product 1.
    let document = json!({"title": "Tote", "variants": [
        {"sku": "DEARER", "prices": [eur("25.00")]}, {"sku": "CHEAPER", "prices": [eur("9.00")]},
        {"sku": "YEN", "prices": [{"amount": "900", "currency": "JPY"}]},
        {"sku": "SHORT", "prices": [eur("19.99")]},
    ]});
    sells(&db, TOTE, "published", "SHORT", "19.99").await;
    sqlx::query("UPDATE products_rows SET document = $1, skus = $2")
        .bind(document)
        .bind(["DEARER", "CHEAPER", "YEN", "SHORT"])
        .execute(&db)
        .await
        .unwrap();
    sells(&db, OTHER, "published", "MOVED", "19.99").await;
    sells(&db, 3, "draft", "DRAFT", "19.99").await;

    let document = shop.get(&path).await.json();
    let problems: Vec<&Value> =
        (0..skus.len()).map(|n| &document["lines"][n]["today"]["problems"]).collect();
    assert_eq!(
        problems,
        [
            &json!([{"code": "price_changed", "seen": eur("19.99"), "now": eur("25.00")}]),
            &json!([]),
            &json!([{"code": "not_for_sale"}]),
            &json!([{"code": "not_for_sale"}]),
            &json!([{"code": "not_priced_in_currency", "currency": "EUR"}]),
            &json!([{"code": "unknown_sku"}]),
            &json!([{"code": "out_of_stock", "wanted": 2, "available": 1}]),
        ]
    );
    assert_eq!(document["lines"][1]["today"]["unit_price"], eur("9.00"));
    assert_eq!(document["lines"][5]["today"]["image"], Value::Null);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cart_changes_its_tag_with_what_it_shows(db: PgPool) {
    let shop = Shop::open(&db).await;
    sells(&db, TOTE, "published", "T", "19.99").await;
    has(&db, "T", 5).await;
    let path = cart(&shop, &[("T", 2)]).await;
    let mut tags = std::collections::HashSet::new();
    let mut look = async || {
        let answer = shop.get(&path).await;
        let tag = answer.headers["etag"].to_str().unwrap().to_owned();
        assert!(tag.starts_with("\"1."), "its version comes first: {tag}");
        let again = shop.ask(&path, &[("if-none-match", &tag)]).await;
        assert_eq!(again.status, 304);
        tags.insert(tag)
    };
    assert!(look().await);
    has(&db, "T", 4).await;
    assert!(look().await, "another is sold");
    sells(&db, TOTE, "published", "T", "18.00").await;
    assert!(look().await, "another price");
    sells(&db, TOTE, "draft", "T", "18.00").await;
    assert!(look().await, "no longer for sale");
    sqlx::query("UPDATE products_rows SET position = 99").execute(&db).await.unwrap();
    assert!(!look().await, "nothing that is shown");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_closed_cart_is_what_it_was(db: PgPool) {
    let shop = Shop::open(&db).await;
    let path = cart(&shop, &[("GONE", 2)]).await;
    let closed = "UPDATE carts_rows SET status = 'abandoned',
                  document = jsonb_set(document::jsonb, '{status}', '\"abandoned\"')::json";
    sqlx::query(closed).execute(&db).await.unwrap();
    let line = shop.get(&path).await.json()["lines"][0].clone();
    assert_eq!((line["sku"].as_str(), line.get("today")), (Some("GONE"), None));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cart_without_lines_is_shown(db: PgPool) {
    let shop = Shop::open(&db).await;
    let path = cart(&shop, &[]).await;
    assert_eq!(shop.get(&path).await.json()["lines"], json!([]));
}
