//! After a short story, each projection's rows are what they should be; and they are so once.

use domain::Command;
use domain::ReturnId;
use domain::command::{location, product as products, stock};
use domain::location::Set;
use domain::page::search_keys::{BY_VARIANT, together};
use domain::page::title_order::TitleOrder;
use domain::product::SkusOfArchived;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};

use crate::shop::{Shop, document, documents, fold, id, lease, project};

#[sqlx::test(migrations = "../migrations")]
async fn the_catalogue_and_its_stock(db: PgPool) {
    let shop = Shop::open(&db);
    let product_id = shop.product("Tote", "TOTE").await;
    project(&db, "stock").await;
    let none = document(&db, "stock").await;
    assert_eq!(
        (&none["id"], &none["version"], &none["available"]),
        (&json!("TOTE"), &json!(0), &json!(0))
    );
    shop.receive("TOTE", 7).await;
    let position = shop.retitle(product_id, "Big tote").await;
    project(&db, "products").await;
    project(&db, "stock").await;

    let title_key: String =
        sqlx::query_scalar("SELECT title_key FROM products").fetch_one(&db).await.unwrap();
    assert_eq!(title_key, "big tote");
    let product = document(&db, "products").await;
    assert_eq!(product["title"], "Big tote");
    assert_eq!(product["status"], "published");
    assert_eq!(product["position"], position);
    let columns: (String, String, Vec<String>, i64) =
        sqlx::query_as("SELECT status, title, category, position FROM products")
            .fetch_one(&db)
            .await
            .unwrap();
    let category = vec!["Bags".to_owned(), "Totes".to_owned()];
    assert_eq!(columns, ("published".to_owned(), "Big tote".to_owned(), category, position));
    let keys: (Option<String>, Vec<String>) =
        sqlx::query_as("SELECT brand_key, category_keys FROM products")
            .fetch_one(&db)
            .await
            .unwrap();
    let brand = product["brand"].as_str().map(str::to_lowercase);
    assert_eq!(keys, (brand, vec!["bags".to_owned(), "totes".to_owned()]));
    let skus = || sqlx::query_scalar::<_, Vec<String>>("SELECT skus FROM products").fetch_one(&db);
    assert_eq!(skus().await.unwrap(), ["TOTE"]);
    let barcodes = "SELECT barcodes FROM products";
    let barcodes: Vec<String> = sqlx::query_scalar(barcodes).fetch_one(&db).await.unwrap();
    assert_eq!(barcodes, [] as [&str; 0]);
    for (skus_of_archived, expected) in [(SkusOfArchived::Keep, 1), (SkusOfArchived::Free, 0)] {
        let archive = products::Command::Archive(skus_of_archived);
        shop.ask(Command::Product(product_id, archive)).await;
        project(&db, "products").await;
        assert_eq!(skus().await.unwrap().len(), expected, "it has only those it kept");
    }
    let stock = document(&db, "stock").await;
    assert_eq!((&stock["id"], &stock["available"]), (&json!("TOTE"), &json!(7)));
}

/// Each in its own column, whatever it is sorted by.
#[sqlx::test(migrations = "../migrations")]
async fn titles_have_a_key_in_each_order(db: PgPool) {
    let title = "Öl č ñ ł ı ґ α я 机";
    let shop = Shop::open(&db);
    let product_id = shop.product("Tote", "TOTE").await;
    shop.retitle(product_id, title).await;
    project(&db, "products").await;
    let stored = "SELECT ARRAY[title_root, title_cs, title_da, title_fi, title_el, title_ja,
        title_nb, title_pl, title_ru, title_es, title_sv, title_tr, title_uk] FROM products";
    let stored: Vec<Vec<u8>> = sqlx::query_scalar(stored).fetch_one(&db).await.unwrap();
    assert_eq!(stored, TitleOrder::keys(title));
}

#[sqlx::test(migrations = "../migrations")]
async fn locations_and_what_is_low_or_short(db: PgPool) {
    let shop = Shop::open(&db);
    let set = Set { sellable: false, name: None, address_ref: None };
    shop.ask(Command::Location("depot".parse().unwrap(), location::Command::Set(set))).await;
    shop.product("Tote", "TOTE").await;
    shop.receive("TOTE", 7).await;
    let of_tote = |ask| Command::Stock("TOTE".parse().unwrap(), ask);
    shop.ask(of_tote(stock::Command::SetThreshold { threshold: Some(2) })).await;
    shop.order("TOTE", 5).await;
    let (location, reason) = ("main".parse().unwrap(), None);
    shop.ask(of_tote(stock::Command::Count { location, on_hand: 4, reason })).await;
    project(&db, "locations").await;
    project(&db, "stock").await;
    let location = document(&db, "locations").await;
    assert_eq!((&location["id"], &location["sellable"]), (&json!("depot"), &json!(false)));
    let stock = document(&db, "stock").await;
    assert_eq!((&stock["available"], &stock["short"]), (&json!(-1), &json!(1)));
    assert_eq!((&stock["threshold"], &stock["low"]), (&json!(2), &json!(true)));
    let columns: (bool, i64) =
        sqlx::query_as("SELECT low, short FROM stock").fetch_one(&db).await.unwrap();
    assert_eq!(columns, (true, 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn carts_orders_and_payments(db: PgPool) {
    let shop = Shop::open(&db);
    let (order_id, payment_id) = shop.busy_day().await;
    for name in ["carts", "orders", "payments"] {
        project(&db, name).await;
    }
    let carts = documents(&db, "carts").await;
    assert_eq!(carts.len(), 2);
    assert!(carts.iter().all(|cart| cart["status"] == "checked_out"));

    let order = documents(&db, "orders").await.remove(0);
    assert_eq!(order["id"], json!(order_id));
    assert_eq!(order["status"], "completed");
    assert_eq!(order["payment_status"], "partially_refunded");
    assert_eq!(order["fulfilment_status"], "delivered");
    assert_eq!(order["total"], json!({ "amount": "100.00", "currency": "EUR" }));
    assert_eq!(order["payments"][0]["id"], json!(payment_id));
    assert_eq!(order["fulfilments"][0]["status"], "delivered");
    assert_eq!(order["lines"][0]["delivered"], 4);
    let columns =
        "SELECT payment_status, total::text, currency, number::text, (to_refund = 0)::text
                   FROM orders WHERE id = $1";
    let columns: (String, String, String, String, String) =
        sqlx::query_as(columns).bind(order_id.0).fetch_one(&db).await.unwrap();
    let number = order["number"].to_string();
    let wanted =
        ["partially_refunded", "100.00", "EUR", number.as_str(), "true"].map(str::to_owned);
    assert_eq!(<[String; 5]>::from(columns), wanted);
    let found: (Vec<String>, Vec<String>) =
        sqlx::query_as("SELECT skus, tracking_keys FROM orders WHERE id = $1")
            .bind(order_id.0)
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(found.0, [order["lines"][0]["sku"].as_str().unwrap()]);
    assert_eq!(found.1, ["1z99"]);
    // The money of the one that was called off is still to be given back.
    let called_off = documents(&db, "orders").await.remove(1);
    assert_eq!(called_off["to_refund"], json!({ "amount": "25.00", "currency": "EUR" }));
    let due = "SELECT id FROM orders WHERE to_refund > 0";
    let due: Vec<sqlx::types::Uuid> = sqlx::query_scalar(due).fetch_all(&db).await.unwrap();
    assert_eq!(json!(due), json!([called_off["id"]]));

    let payments = documents(&db, "payments").await;
    assert_eq!(payments[0], order["payments"][0]);
    assert!(payments[0].get("token").is_none());
}

/// Parcels and returns stand by themselves as they stand in their orders.
#[sqlx::test(migrations = "../migrations")]
async fn fulfilments_and_returns(db: PgPool) {
    let shop = Shop::open(&db);
    let (order_id, _) = shop.busy_day().await;
    shop.ask(kit::request_return(ReturnId(id()), order_id, &[("TOTE", 1)])).await;
    for name in ["orders", "fulfilments", "returns"] {
        project(&db, name).await;
    }
    let order = documents(&db, "orders").await.remove(0);
    for (name, status) in [("fulfilments", "delivered"), ("returns", "requested")] {
        assert_eq!(json!(documents(&db, name).await), order[name], "{name}");
        let found = format!("SELECT id FROM {name} WHERE order_id = $1 AND status = $2");
        let found: Vec<sqlx::types::Uuid> = sqlx::query_scalar(AssertSqlSafe(found))
            .bind(order_id.0)
            .bind(status)
            .fetch_all(&db)
            .await
            .unwrap();
        assert_eq!(found.len(), 1, "{name}");
    }
    // A warehouse finds its own, though nobody said from where it is sent.
    let places = "SELECT location FROM fulfilments";
    let places: Vec<Option<String>> = sqlx::query_scalar(places).fetch_all(&db).await.unwrap();
    assert_eq!(places, [Some("main".to_owned())]);
}

/// A guest's order that became a customer's is found as theirs, and its payments are.
#[sqlx::test(migrations = "../migrations")]
async fn an_order_goes_to_who_signed_in(db: PgPool) {
    let shop = Shop::open(&db);
    let (order_id, payment_id) = shop.busy_day().await;
    for name in ["orders", "payments"] {
        project(&db, name).await;
    }
    let order = documents(&db, "orders").await.remove(0);
    let next = |document: &serde_json::Value| document["version"].as_i64().unwrap() + 1;
    let (customer, of_payment) = (sqlx::types::Uuid::from_u128(7), &order["payments"][0]);
    let data = json!({ "customer_id": customer }).to_string();
    let stream = format!("order-{}", order_id.0);
    shop.append_raw(&stream, next(&order), "order.assigned", &data).await;
    let data = json!({"customer_id": customer, "order_id": order_id}).to_string();
    let stream = format!("payment-{}", payment_id.0);
    shop.append_raw(&stream, next(of_payment), "payment.assigned", &data).await;
    for name in ["orders", "payments"] {
        project(&db, name).await;
    }
    let theirs = "SELECT document FROM orders WHERE customer_id = $1";
    let theirs: Vec<serde_json::Value> =
        sqlx::query_scalar(theirs).bind(customer).fetch_all(&db).await.unwrap();
    let [theirs] = &theirs[..] else { panic!("{theirs:?}") };
    assert_eq!(theirs["id"], json!(order_id));
    let payment = documents(&db, "payments").await.remove(0);
    assert_eq!(theirs["payments"][0], payment);
    for document in [theirs, &payment] {
        assert_eq!(document["customer_id"], json!(customer));
        assert!(document.get("guest_id").is_none());
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn sales_of_a_day(db: PgPool) {
    let shop = Shop::open(&db);
    shop.busy_day().await;
    project(&db, "sales").await;
    let day = document(&db, "sales").await;
    let amount = |name: &str| day[name]["amount"].clone();
    assert_eq!(
        (&day["id"], &day["orders"], &day["units"]),
        (&json!("2026-03-01-EUR"), &json!(2), &json!(5))
    );
    assert_eq!(amount("gross"), "125.00");
    assert_eq!((&day["cancelled_orders"], amount("cancelled")), (&json!(1), json!("25.00")));
    assert_eq!(amount("refunded"), "30.00");
    assert_eq!(amount("net"), "70.00");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_search_document_is_touched_when_stock_flips_only(db: PgPool) {
    let shop = Shop::open(&db);
    shop.product("Tote", "TOTE").await;
    project(&db, "search").await;
    let revision = async || {
        sqlx::query_scalar::<_, i64>("SELECT revision FROM search_documents_rows")
            .fetch_one(&db)
            .await
            .unwrap()
    };
    let before = revision().await;
    shop.receive("TOTE", 2).await;
    project(&db, "search").await;
    let position = shop.receive("TOTE", 3).await;
    project(&db, "search").await;
    assert_eq!(revision().await, before + 1, "more of what is there is no news");
    let found = document(&db, "search_documents").await;
    assert_eq!(found["in_stock"], true);
    assert!(found["position"].as_i64().unwrap() < position);
    shop.order("TOTE", 5).await;
    project(&db, "search").await;
    assert_eq!(document(&db, "search_documents").await["in_stock"], false);
    let hits: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM search_documents
         WHERE listed AND words @@ websearch_to_tsquery('english', 'leathers')",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(hits, 1, "Postgres finds it by the stem of an attribute");
}

/// What Postgres searches by while Meilisearch is away, and what everybody sees of stock.
#[sqlx::test(migrations = "../migrations")]
async fn the_columns_of_search_follow_the_document(db: PgPool) {
    let shop = Shop::open(&db);
    let product_id = shop.product("Tote", "TOTE").await;
    shop.receive("TOTE", 12).await;
    project(&db, "search").await;
    shop.retitle(product_id, " BIG Tote").await;
    project(&db, "search").await;
    let columns: (Vec<String>, serde_json::Value, String, bool) = sqlx::query_as(
        "SELECT keys, price, title_key, created_ts = floor(extract(epoch FROM created_at))
         FROM search_documents",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    let keys = [
        "attribute\tmaterial\tleather",
        "brand\tacme",
        "category\tbags",
        "category\ttotes",
        "option\tSize\tm",
        BY_VARIANT,
        &together([("Size", "M")], true),
    ];
    let expected =
        (keys.map(str::to_owned).to_vec(), json!({"EUR": 25.0}), "big tote".to_owned(), true);
    assert_eq!(columns, expected);
    let shown = json!({"id": "TOTE", "in_stock": true, "available": 10, "or_more": true,
                       "orderable": true});
    assert_eq!(document(&db, "stock_on_offer").await, shown);
    let (location, reason) = ("main".parse().unwrap(), None);
    let of_tote = |ask| Command::Stock("TOTE".parse().unwrap(), ask);
    shop.ask(of_tote(stock::Command::Count { location, on_hand: 0, reason })).await;
    shop.ask(of_tote(stock::Command::SetPolicy { backorder_max: 3 })).await;
    project(&db, "search").await;
    let shown = json!({"id": "TOTE", "in_stock": false, "available": 0, "or_more": false,
                       "orderable": true});
    assert_eq!(document(&db, "stock_on_offer").await, shown);
    let archive = products::Command::Archive(SkusOfArchived::Keep);
    shop.ask(Command::Product(product_id, archive)).await;
    project(&db, "search").await;
    assert!(documents(&db, "stock_on_offer").await.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_batch_that_comes_again_does_nothing(db: PgPool) {
    let shop = Shop::open(&db);
    shop.busy_day().await;
    let mut first = lease(&db, "sales", "test").await.unwrap();
    let mut again = first.clone();
    fold(&db, &mut first).await.unwrap();
    let before = documents(&db, "sales").await;
    assert!(fold(&db, &mut again).await.is_err(), "its checkpoint has moved on");
    assert_eq!(documents(&db, "sales").await, before);
}
