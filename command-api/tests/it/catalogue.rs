//! Products and stock.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::shop::{Shop, ask, keyed, post, put};

#[sqlx::test(migrations = "../migrations")]
async fn a_product_is_made_changed_sold_and_withdrawn(db: PgPool) {
    let shop = Shop::open(&db);
    let product = json!({
        "id": "0192f0c1-2345-7000-8000-000000000001",
        "title": "Tote bag",
        "description": "<p>Brown.</p>\nLarge.",
        "brand": "Acme",
        "category": ["Bags", "Totes"],
        "attributes": {"material": "leather"},
        "media": [{"url": "https://example.com/tote.jpg", "alt": "A bag"}],
        "variants": [{
            "sku": "TOTE-BRN",
            "title": "Brown",
            "options": [{"name": "Size", "value": "L"}, {"name": "Colour", "value": "brown"}],
            "prices": [{"amount": "19.99", "currency": "EUR"},
                       {"amount": "3000", "currency": "JPY"}],
            "barcode": "4006381333931",
        }],
    });
    let created = shop.send(post("/v1/products", &product)).await;
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(created.body["id"], product["id"]);
    assert_eq!(created.body["version"], 2);
    assert_eq!(created.body["position"], shop.head().await);
    assert_eq!(created.header("etag"), Some("\"2\""));
    let path = format!("/v1/products/{}", created.id());
    assert_eq!(created.header("location"), Some(path.as_str()));
    assert_eq!(created.header("idempotent-replayed"), None);

    let change = json!({"title": "Large tote bag", "brand": null}).to_string();
    let changed = shop.send(ask(Method::PATCH, &path, change)).await;
    assert_eq!((changed.status, &changed.body["version"]), (StatusCode::OK, &json!(3)));

    let blue = json!({"prices": [{"amount": "21.00", "currency": "EUR"}]});
    shop.done(put(format!("{path}/variants/TOTE-BLU"), &blue)).await;
    // Without a body at all, and without its media type.
    shop.done(ask(Method::DELETE, format!("{path}/variants/TOTE-BRN"), "")).await;
    shop.done(post(format!("{path}/publish"), &json!({}))).await;
    let archived = shop.done(post(format!("{path}/archive"), &json!({}))).await;
    assert_eq!(archived.status, StatusCode::OK);
    assert_eq!(
        shop.history(&format!("product-{}", created.id())).await,
        [
            "product.created",
            "product.variant_set",
            "product.changed",
            "product.variant_set",
            "product.variant_removed",
            "product.published",
            "product.archived",
        ]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_new_price_leaves_the_rest_of_a_variant(db: PgPool) {
    let shop = Shop::open(&db);
    let eur = |amount: &str| json!([{"amount": amount, "currency": "EUR"}]);
    let of = |name: &str, value: &str| json!({"name": name, "value": value});
    let options = json!([of("Size", "L"), of("Colour", "brown")]);
    let variant =
        json!({"sku": "T", "options": options, "prices": eur("1.00"), "barcode": "4006381333931"});
    let product = json!({"title": "Tote", "variants": [variant]});
    let id = shop.done(post("/v1/products", &product)).await.id();
    let path = format!("/v1/products/{id}/variants/T");

    let patch = |body: Value| ask(Method::PATCH, &path, body.to_string());
    shop.done(patch(json!({"prices": eur("2.00")}))).await;
    shop.done(put(format!("{path}/prices"), &json!({"prices": eur("3.00")}))).await;
    shop.done(patch(json!({"barcode": null}))).await;
    let refused = shop.send(patch(json!({"colour": "red"}))).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "invalid_body"));
    let twice = patch(json!({"options": [of("Size", "L"), of("Size", "M")]}));
    assert_eq!(shop.send(twice).await.status, StatusCode::BAD_REQUEST);
    let absent = ask(Method::PATCH, format!("/v1/products/{id}/variants/NONE"), "{}");
    assert_eq!(shop.send(absent).await.code(), "variant_not_found");

    let stream = format!("product-{id}");
    let told = shop.history(&stream).await;
    assert_eq!(told[2..], ["product.prices_set", "product.prices_set", "product.variant_set"]);
    let last = "SELECT data FROM events WHERE stream = $1 ORDER BY version DESC LIMIT 1";
    let last: Value = sqlx::query_scalar(last).bind(&stream).fetch_one(&db).await.unwrap();
    assert_eq!(last, json!({"sku": "T", "options": options, "prices": eur("3.00")}));
}

#[sqlx::test(migrations = "../migrations")]
async fn null_takes_away_what_a_product_can_be_without(db: PgPool) {
    let shop = Shop::open(&db);
    let id = shop.sell("TOTE", 0).await;
    let path = format!("/v1/products/{id}");
    let patch = |body: Value| ask(Method::PATCH, &path, body.to_string());
    shop.done(patch(json!({"category": ["Bags"], "attributes": {"Colour": "red"}}))).await;
    let none = json!({"category": null, "attributes": null, "media": null, "brand": null});
    shop.done(patch(none)).await;
    let told = shop.payload(&format!("product-{id}"), "product.changed").await;
    assert_eq!((&told["category"], &told["attributes"]), (&json!([]), &json!({})));
    let unnamed = shop.send(patch(json!({"title": null}))).await;
    assert_eq!((unnamed.status, unnamed.code()), (StatusCode::BAD_REQUEST, "invalid_body"));
    assert_eq!(unnamed.body["errors"][0]["pointer"], "/title");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_product_goes_off_sale_and_comes_back(db: PgPool) {
    let shop = Shop::open(&db);
    let id = shop.sell("TOTE", 0).await;
    let path = format!("/v1/products/{id}");
    for step in ["unpublish", "publish", "archive", "restore"] {
        shop.done(post(format!("{path}/{step}"), &json!({}))).await;
    }
    shop.done(post(format!("{path}/archive"), &json!({"skus": "free"}))).await;
    let other = json!({"title": "Other", "variants": [{"sku": "TOTE", "prices": []}]});
    let other = shop.done(post("/v1/products", &other)).await.id();
    let refused = shop.send(post(format!("{path}/restore"), &json!({}))).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "sku_taken"));
    assert_eq!(refused.body["skus"], json!([{"sku": "TOTE", "product_id": other}]));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_title_can_be_seen_and_is_as_long_in_every_script(db: PgPool) {
    let shop = Shop::open(&db);
    let create = |title: &str| post("/v1/products", &json!({"title": title}));
    for blank in ["   ", "\u{200b}", "\u{feff}", "\u{3164}"] {
        let refused = shop.send(create(blank)).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "invalid_body"));
        assert_eq!(refused.body["errors"][0]["pointer"], "/title", "{blank:?}");
    }
    for letter in ["x", "ж", "ก", "あ", "👜"] {
        shop.done(create(&letter.repeat(256))).await;
        assert_eq!(shop.send(create(&letter.repeat(257))).await.status, StatusCode::BAD_REQUEST);
    }
}

/// Two of a member are two wishes, of which one would be lost.
#[sqlx::test(migrations = "../migrations")]
async fn a_member_that_comes_twice_is_refused(db: PgPool) {
    let shop = Shop::open(&db);
    for (body, pointer) in [
        (r#"{"title":"A","title":"A"}"#, "/title"),
        (r#"{"title":"A","attributes":{"Colour":"red","Colour":"blue"}}"#, "/attributes/Colour"),
        (r#"{"title":"A","variants":[{"sku":"T","sku":"U","prices":[]}]}"#, "/variants/0/sku"),
    ] {
        let refused = shop.send(ask(Method::POST, "/v1/products", body)).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "invalid_body"));
        let told = &refused.body["errors"][0];
        assert_eq!((&told["pointer"], &told["code"]), (&json!(pointer), &json!("duplicate_field")));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_description_that_looks_empty_is_none(db: PgPool) {
    let shop = Shop::open(&db);
    let blank = json!({"title": "Tote", "description": " \u{200b}\n"});
    let id = shop.done(post("/v1/products", &blank)).await.id();
    let told = shop.payload(&format!("product-{id}"), "product.created").await;
    assert_eq!(told.get("description"), None);
    let path = format!("/v1/products/{id}");
    let long = json!({"description": "щ".repeat(65_536)});
    shop.done(ask(Method::PATCH, &path, long.to_string())).await;
    shop.done(ask(Method::PATCH, &path, json!({"description": " "}).to_string())).await;
    let last = "SELECT data FROM events WHERE stream = $1 ORDER BY version DESC LIMIT 1";
    let stream = format!("product-{id}");
    let last: Value = sqlx::query_scalar(last).bind(stream).fetch_one(&db).await.unwrap();
    assert_eq!(last, json!({"description": null}));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_sku_belongs_to_one_product(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 0).await;
    let price = json!([{"amount": "1.00", "currency": "EUR"}]);
    let second = json!({"title": "Other", "variants": [{"sku": "TOTE", "prices": price}]});
    let head = shop.head().await;
    let refused = shop.send(post("/v1/products", &second)).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "sku_taken"));
    assert_eq!(refused.body["skus"][0]["sku"], "TOTE");
    assert_eq!(shop.head().await, head);
}

#[sqlx::test(migrations = "../migrations")]
async fn stock_is_received_and_put_right(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("A+B:1", 0).await;
    // The SKU stands in the path as it is, or percent-encoded.
    let receive = json!({"location": "main", "quantity": 5, "reference": "DN-1"});
    let received = shop.send(keyed("/v1/stock/A+B:1/receive", &receive)).await;
    assert_eq!((received.status, received.id()), (StatusCode::OK, "A+B:1".to_owned()));
    let adjust = json!({"location": "main", "delta": -4, "reason": "broken"});
    let adjusted = shop.send(keyed("/v1/stock/A%2BB%3A1/adjust", &adjust)).await;
    assert_eq!(adjusted.body["version"], 2);
    let refused = shop.send(keyed("/v1/stock/A+B:1/adjust", &adjust)).await;
    assert_eq!(refused.code(), "stock_would_go_negative");
    assert_eq!((&refused.body["sku"], &refused.body["on_hand"]), (&json!("A+B:1"), &json!(1)));
}
