//! `include`: what is shown beside documents.

use axum::http::StatusCode;
use chrono::Utc;
use domain::CustomerId;
use identity::Role;
use identity::api_keys::ApiKeys;
use identity::token::Subject;
use query_api::included::INCLUDED_MAX;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::catalogue::{catalogue, fill_postgres};
use crate::strangers::put_stock;
use crate::support::{Asked, Shop};

/// Products that have these SKUs, the first of them published.
async fn put_products(shop: &Shop, skus: &[&[&str]]) -> Vec<String> {
    let mut ids = Vec::new();
    for (n, skus) in (1..).zip(skus) {
        let status = if n == 3 { "draft" } else { "published" };
        let id = shop.put_product(n, "Tote", status, n).await;
        let variants: Vec<Value> = skus.iter().map(|sku| json!({ "sku": sku })).collect();
        sqlx::query("UPDATE products_rows SET document = $2 WHERE id = $1::uuid")
            .bind(&id)
            .bind(json!({"id": id, "version": 3, "title": "Tote", "variants": variants}))
            .execute(&shop.db)
            .await
            .unwrap();
        ids.push(id);
    }
    ids
}

/// An order of somebody, with lines of these products.
async fn put_order(shop: &Shop, customer: Uuid, products: &[String]) -> String {
    let id = shop.put_order(1, "pending", 1.0, 0).await;
    let lines: Vec<Value> = products.iter().map(|id| json!({ "product_id": id })).collect();
    sqlx::query("UPDATE orders_rows SET customer_id = $1, document = $2")
        .bind(customer)
        .bind(json!({"id": id, "version": 2, "customer_id": customer, "lines": lines}))
        .execute(&shop.db)
        .await
        .unwrap();
    id
}

#[sqlx::test(migrations = "../migrations")]
async fn products_are_shown_with_what_is_there_as_far_as_it_is_the_callers(db: PgPool) {
    let asked = Asked::open(&db).await;
    let ids = put_products(&asked.shop, &[&["A", "B"], &["C"], &["D"]]).await;
    for (n, sku, units) in [(1, "A", 5_000), (2, "C", 3), (3, "D", 1)] {
        put_stock(&asked.shop, n, sku, units, n != 3).await;
    }
    let staff = asked.token(Subject::Member(Uuid::now_v7(), Role::Staff)).await;
    let on_offer = json!([
        {"id": "A", "in_stock": true, "available": 10, "or_more": true, "orderable": true},
        {"id": "C", "in_stock": true, "available": 3, "or_more": false, "orderable": true},
    ]);
    let page = asked.get("/v1/products?include=stock", None).await.json();
    assert_eq!(page["included"], json!({"stock": on_offer, "more": false}));
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    // Of what is on the page.
    let first = asked.get("/v1/products?include=stock&limit=1&sort=created_at", None).await;
    assert_eq!(first.json()["included"]["stock"], json!([on_offer[0]]));
    let next = first.headers["link"].to_str().unwrap()[1..].split('>').next().unwrap();
    assert_eq!(asked.get(next, None).await.json()["included"]["stock"], json!([on_offer[1]]));
    let all = "/v1/products?status=any&include=stock";
    let whole = asked.get(all, Some(&staff)).await.json();
    let available: Vec<i64> = whole["included"]["stock"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stock| stock["available"].as_i64().unwrap())
        .collect();
    assert_eq!(available, [5_000, 3, 1]);

    let path = format!("/v1/products/{}?include=stock", ids[0]);
    let one = asked.get(&path, None).await;
    assert_eq!(one.json()["included"], json!({"stock": [on_offer[0]], "more": false}));
    assert_eq!(one.json()["title"], "Tote");
    // It is another answer once what is included is.
    let tag = one.headers["etag"].to_str().unwrap().to_owned();
    assert!(tag.starts_with("\"3."), "{tag}");
    let known = [("if-none-match", tag.as_str())];
    assert_eq!(asked.shop.ask(&path, &known).await.status, StatusCode::NOT_MODIFIED);
    let sold = "UPDATE search_stock_rows SET document = jsonb_set(document::jsonb, '{units}', '4')";
    sqlx::query(sold).execute(&db).await.unwrap();
    assert_eq!(asked.shop.ask(&path, &known).await.status, StatusCode::OK);

    let cut = format!("{path}&fields=id,included.stock.available");
    let cut = asked.get(&cut, None).await.json();
    assert_eq!(cut, json!({"id": ids[0], "included": {"stock": [{"available": 4}]}}));
    let cut = asked.get(&format!("{path}&fields=id"), None).await.json();
    assert_eq!(cut["included"]["more"], false, "all of it, where nothing is said");
    let none = asked.get("/v1/products?brand=nobody&include=stock", None).await.json();
    assert_eq!(none["included"], json!({"stock": [], "more": false}));
}

#[sqlx::test(migrations = "../migrations")]
async fn orders_and_carts_are_shown_with_their_products(db: PgPool) {
    let asked = Asked::open(&db).await;
    let ids = put_products(&asked.shop, &[&["A"], &["B"], &["C"]]).await;
    let customer_id = Uuid::now_v7();
    let customer = asked.token(Subject::Customer(CustomerId(customer_id))).await;
    let staff = asked.token(Subject::Member(Uuid::now_v7(), Role::Staff)).await;
    let mentioned = [ids.clone(), ids[..1].to_vec(), vec![Uuid::max().to_string()]].concat();
    let order = put_order(&asked.shop, customer_id, &mentioned).await;
    let products = |answer: &Value| -> Vec<String> {
        let all = answer["included"]["products"].as_array().unwrap();
        all.iter().map(|product| product["id"].as_str().unwrap().to_owned()).collect()
    };
    for path in
        [format!("/v1/orders/{order}?include=products"), "/v1/orders?include=products".into()]
    {
        // The draft is not there for them, and what never was for nobody.
        let theirs = asked.get(&path, Some(&customer)).await.json();
        assert_eq!(products(&theirs), ids[..2], "{path}");
        assert_eq!(products(&asked.get(&path, Some(&staff)).await.json()), ids, "{path}");
    }
    let another = asked.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await;
    let hidden = asked.get(&format!("/v1/orders/{order}?include=products"), Some(&another)).await;
    assert_eq!((hidden.status, hidden.code()), (StatusCode::NOT_FOUND, "not_found".into()));

    let many: Vec<String> =
        (0..=INCLUDED_MAX).map(|n| Uuid::from_u128(u128::from(n) + 1).to_string()).collect();
    put_order_lines(&db, &many).await;
    let page = asked.get("/v1/orders?include=products", Some(&staff)).await.json();
    assert_eq!((products(&page).len(), &page["included"]["more"]), (3, &json!(true)));
}

/// A page of a search needs no second request for what is there.
#[sqlx::test(migrations = "../migrations")]
async fn hits_are_shown_with_what_is_there_as_far_as_it_is_the_callers(db: PgPool) {
    let asked = Asked::open(&db).await;
    let mut found = catalogue()[..3].to_vec();
    for (n, sku) in [(0, "A"), (1, "B"), (2, "C")] {
        let variant = json!({"sku": sku, "prices": [], "in_stock": true});
        found[n]["variants"] = json!([variant]);
    }
    for (n, sku, units) in [(1, "A", 5_000), (2, "B", 3), (3, "C", 1)] {
        put_stock(&asked.shop, n, sku, units, true).await;
    }
    fill_postgres(&asked.shop, &found).await;
    let path = "/v1/search?q=tote&sort=created_at&include=stock";
    let page = asked.get(path, None).await.json();
    let on_offer = json!([
        {"id": "A", "in_stock": true, "available": 10, "or_more": true, "orderable": true},
        {"id": "B", "in_stock": true, "available": 3, "or_more": false, "orderable": true},
    ]);
    assert_eq!(page["included"], json!({"stock": on_offer, "more": false}));
    assert_eq!(page["hits"].as_array().unwrap().len(), 2);
    let staff = asked.token(Subject::Member(Uuid::now_v7(), Role::Staff)).await;
    let whole = asked.get(path, Some(&staff)).await.json();
    assert_eq!(whole["included"]["stock"][0]["available"], 5_000);
    let cut = format!("{path}&limit=1&facets=false&fields=title,included.stock.available");
    let cut = asked.get(&cut, None).await.json();
    assert_eq!(
        (&cut["hits"], &cut["included"]),
        (&json!([{"title": "Tote"}]), &json!({"stock": [{"available": 10}]}))
    );
    let without = asked.get("/v1/search?q=tote", None).await.json();
    assert_eq!(without.get("included"), None);
}

async fn put_order_lines(db: &PgPool, products: &[String]) {
    let lines: Vec<Value> = products.iter().map(|id| json!({ "product_id": id })).collect();
    sqlx::query("UPDATE orders_rows SET document = $1")
        .bind(json!({"id": Uuid::nil(), "lines": lines}))
        .execute(db)
        .await
        .unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_cannot_be_included_is_refused(db: PgPool) {
    let asked = Asked::open(&db).await;
    let staff = asked.token(Subject::Member(Uuid::now_v7(), Role::Staff)).await;
    let nil = Uuid::nil();
    for path in [
        "/v1/products?include=products".into(),
        "/v1/products?include=everything".into(),
        "/v1/products?include=stock,products".into(),
        "/v1/search?include=products".into(),
        "/v1/payments?include=products".into(),
        "/v1/stock?include=products".into(),
        "/v1/locations/main?include=stock".into(),
        format!("/v1/carts/{nil}?include=stock"),
        format!("/v1/orders/{nil}?include=stock"),
        format!("/v1/orders/{nil}?include=products&as_of=1"),
        format!("/v1/fulfilments/{nil}?include=products"),
    ] {
        let refused = asked.get(&path, Some(&staff)).await;
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::BAD_REQUEST, "invalid_query".into()),
            "{path}"
        );
        assert_eq!(refused.json()["errors"][0]["parameter"], "include", "{path}");
    }
}

/// A key that is for products alone shows no stock, neither by itself nor beside.
#[sqlx::test(migrations = "../migrations")]
async fn a_key_includes_only_what_it_is_for(db: PgPool) {
    let asked = Asked::open(&db).await;
    let keys = ApiKeys::new(db.clone());
    for (scopes, status) in [
        (json!([]), StatusCode::OK),
        (json!(["/v1/products"]), StatusCode::FORBIDDEN),
        (json!(["/v1/products", "GET /v1/stock"]), StatusCode::OK),
        (json!(["/v1/products", "PUT /v1/stock"]), StatusCode::FORBIDDEN),
    ] {
        let wanted = json!({"name": "feed", "role": "staff", "scopes": scopes});
        let wanted = serde_json::from_value(wanted).unwrap();
        let made = keys.make(wanted, Utc::now()).await.unwrap().unwrap();
        let key = format!("Bearer {}", made.key);
        assert_eq!(asked.get("/v1/products", Some(&key)).await.status, StatusCode::OK);
        let with_stock = asked.get("/v1/products?include=stock", Some(&key)).await;
        assert_eq!(with_stock.status, status, "{scopes}");
        let stock = asked.get("/v1/stock", Some(&key)).await;
        assert_eq!(stock.status, status, "as by itself: {scopes}");
    }
}
