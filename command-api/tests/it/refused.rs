//! Bad input: each is a 4xx problem with a code of its own, and leaves nothing behind.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use command_api::http::BODY_BYTES_MAX;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::shop::{Ask, Shop, ask, keyed, post, put};

/// Sends what must be refused with `status` and `code`, and changes nothing.
async fn refused(shop: &Shop, request: Ask, status: StatusCode, code: &str) -> Value {
    let head = shop.head().await;
    let answer = shop.send(request).await;
    assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
    assert_eq!(shop.head().await, head, "something was appended");
    answer.body
}

#[sqlx::test(migrations = "../migrations")]
async fn a_body_of_another_shape_is_refused_with_its_place(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 5).await;
    let cart = shop.fill("TOTE", 1).await;
    let lines = format!("/v1/carts/{cart}/lines");
    let price = |price: Value| json!({"title": "T", "variants": [{"sku": "S", "prices": [price]}]});
    let cases = [
        ("/v1/carts", json!({"currency": "EUR", "vip": true}), "/vip"),
        ("/v1/carts", json!({}), "/currency"),
        ("/v1/carts", json!({"currency": 7}), "/currency"),
        ("/v1/carts", json!({"currency": "eur"}), "/currency"),
        ("/v1/carts", json!({"currency": "EUR", "id": "1"}), "/id"),
        (&lines, json!({"sku": "TOTE", "quantity": -1}), "/quantity"),
        (&lines, json!({"sku": "TOTE", "quantity": 0}), "/quantity"),
        (&lines, json!({"sku": "TOTE", "quantity": 1.5}), "/quantity"),
        (&lines, json!({"sku": "TOTE", "quantity": "1"}), "/quantity"),
        (&lines, json!({"sku": "TOTE", "quantity": 1_000_001}), "/quantity"),
        (&lines, json!({"sku": "TOTE", "quantity": 1_u64 << 40}), "/quantity"),
        (&lines, json!({"sku": "A B", "quantity": 1}), "/sku"),
        (&lines, json!({"sku": "x".repeat(65), "quantity": 1}), "/sku"),
        (&lines, json!({"sku": "TOTE", "quantity": 1, "unit_price": "0.01"}), "/unit_price"),
        ("/v1/products", json!({"title": ""}), "/title"),
        ("/v1/products", json!({"title": "x".repeat(257)}), "/title"),
        ("/v1/products", json!({"title": "a\u{0}b"}), "/title"),
        (
            "/v1/products",
            price(json!({"amount": 19.99, "currency": "EUR"})),
            "/variants/0/prices/0/amount",
        ),
        (
            "/v1/products",
            price(json!({"amount": "19.999", "currency": "EUR"})),
            "/variants/0/prices/0",
        ),
        ("/v1/products", price(json!({"amount": "-1", "currency": "EUR"})), "/variants/0/prices/0"),
        (
            "/v1/products",
            price(json!({"amount": "1e9", "currency": "EUR"})),
            "/variants/0/prices/0",
        ),
        (
            "/v1/products",
            price(json!({"amount": "1", "currency": "XXX"})),
            "/variants/0/prices/0/currency",
        ),
        ("/v1/stock/TOTE/receive", json!({"location": "a b", "quantity": 1}), "/location"),
        ("/v1/stock/TOTE/adjust", json!({"location": "a", "delta": 0.5, "reason": "x"}), "/delta"),
        ("/v1/stock/TOTE/adjust", json!({"location": "a", "delta": 1e30, "reason": "x"}), "/delta"),
        (
            "/v1/fulfilments",
            json!({"order_id": cart, "lines": [{"sku": "A"}]}),
            "/lines/0/quantity",
        ),
    ];
    for (path, body, pointer) in cases {
        let problem =
            refused(&shop, post(path, &body), StatusCode::BAD_REQUEST, "invalid_body").await;
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{path} {body}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_body_that_is_no_json_is_refused(db: PgPool) {
    let shop = Shop::open(&db);
    let deep = "[".repeat(100_000);
    let deep = format!("{{\"currency\":{deep}");
    let broken: [&[u8]; 7] = [
        b"{",
        b"{\"currency\":\"EUR\"",
        b"{\"currency\":\"EUR\"}{}",
        b"{'currency':'EUR'}",
        b"\xff\xfe",
        b"{\"currency\":\"\xc3\x28\"}",
        b"   ",
    ];
    for body in broken {
        let request = ask(Method::POST, "/v1/carts", body);
        refused(&shop, request, StatusCode::BAD_REQUEST, "malformed_json").await;
    }
    let positional = "[null,\"EUR\",null]";
    for body in [
        "[]",
        positional,
        &deep,
        "null",
        "7",
        "\"EUR\"",
        "{\"currency\":\"EUR\",\"currency\":\"EUR\"}",
    ] {
        let request = ask(Method::POST, "/v1/carts", body);
        refused(&shop, request, StatusCode::BAD_REQUEST, "invalid_body").await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_body_over_the_limit_or_of_another_type_is_refused(db: PgPool) {
    let shop = Shop::open(&db);
    let product = json!({"title": "T", "description": "x".repeat(65_536)});
    shop.done(post("/v1/products", &product)).await;
    let product = json!({"title": "T", "description": "x".repeat(65_537)});
    refused(&shop, post("/v1/products", &product), StatusCode::BAD_REQUEST, "invalid_body").await;

    let large = vec![b' '; BODY_BYTES_MAX + 1];
    let request = ask(Method::POST, "/v1/carts", &large);
    refused(&shop, request, StatusCode::PAYLOAD_TOO_LARGE, "body_too_large").await;
    // Without saying beforehand how much is to come.
    let chunks = large.chunks(1 << 16).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()));
    let chunks: Vec<_> = chunks.collect();
    let body = Body::from_stream(futures::stream::iter(chunks));
    let streamed = Request::post("/v1/carts").header("content-type", "application/json");
    let answer = shop.request(streamed.body(body).unwrap()).await;
    assert_eq!(answer.code(), "body_too_large");

    let broken = futures::stream::iter([Ok("{\"curr"), Err(std::io::Error::other("gone"))]);
    let streamed = Request::post("/v1/carts").header("content-type", "application/json");
    let answer = shop.request(streamed.body(Body::from_stream(broken)).unwrap()).await;
    assert_eq!(answer.code(), "incomplete_body");

    for media_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let request = post("/v1/carts", &json!({"currency": "EUR"}));
        let request = request.with("content-type", media_type);
        refused(&shop, request, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type").await;
    }
    for media_type in ["application/json; charset=utf-8", "Application/JSON", "application/x+json"]
    {
        let request = post("/v1/carts", &json!({"currency": "EUR"}));
        shop.done(request.with("content-type", media_type)).await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_does_not_exist_is_not_found(db: PgPool) {
    let shop = Shop::open(&db);
    let id = Uuid::now_v7();
    let line = json!({"sku": "TOTE", "quantity": 1});
    let reason = json!({"reason": "x"});
    let cases = [
        (post(format!("/v1/products/{id}/publish"), &json!({})), "product_not_found"),
        (ask(Method::PATCH, format!("/v1/products/{id}"), "{}"), "product_not_found"),
        (post(format!("/v1/carts/{id}/lines"), &line), "cart_not_found"),
        (keyed(format!("/v1/carts/{id}/checkout"), &json!({})), "cart_not_found"),
        (keyed(format!("/v1/orders/{id}/cancel"), &reason), "order_not_found"),
        (post(format!("/v1/returns/{id}/approve"), &json!({})), "return_not_found"),
        (keyed(format!("/v1/payments/{id}/capture"), &json!({})), "payment_not_found"),
        (post(format!("/v1/fulfilments/{id}/pack"), &json!({})), "fulfilment_not_found"),
        (post("/v1/fulfilments", &json!({"order_id": id})), "order_not_found"),
        (keyed("/v1/stock/NONE/receive", &json!({"location": "a", "quantity": 1})), "unknown_sku"),
    ];
    for (request, code) in cases {
        refused(&shop, request, StatusCode::NOT_FOUND, code).await;
    }
    let token = json!({"order_id": id, "method": "card", "token": "tok_success"});
    refused(&shop, keyed("/v1/payments", &token), StatusCode::NOT_FOUND, "order_not_found").await;
    let cart = shop.done(post("/v1/carts", &json!({"currency": "EUR"}))).await.id();
    let request = post(format!("/v1/carts/{cart}/lines"), &line);
    refused(&shop, request, StatusCode::NOT_FOUND, "unknown_sku").await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_path_that_names_nothing_is_refused(db: PgPool) {
    let shop = Shop::open(&db);
    for id in ["1", "%20", "%ff", "..", "0192f0c1-2345-7000-8000-00000000000g", &"9".repeat(4_000)]
    {
        let request = post(format!("/v1/carts/{id}/abandon"), &json!({}));
        refused(&shop, request, StatusCode::BAD_REQUEST, "invalid_path").await;
    }
    let receive = json!({"location": "a", "quantity": 1});
    for sku in ["a%20b", "%C3%A9", "%00", "a%2Fb", "%2E", "%2e%2E"] {
        let request = post(format!("/v1/stock/{sku}/receive"), &receive);
        let problem = refused(&shop, request, StatusCode::BAD_REQUEST, "invalid_path").await;
        assert_eq!(problem["errors"][0]["parameter"], "id");
    }
    refused(&shop, post("/v1/nothing", &json!({})), StatusCode::NOT_FOUND, "no_such_route").await;
    let request = ask(Method::GET, "/v1/carts", "");
    refused(&shop, request, StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed").await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_state_of_things_may_not_allow_it(db: PgPool) {
    let shop = Shop::open(&db);
    let product = shop.sell("TOTE", 5).await;
    let cart = shop.fill("TOTE", 1).await;
    let path = format!("/v1/carts/{cart}");
    let conflict = StatusCode::CONFLICT;

    let same = json!({"id": cart, "currency": "EUR"});
    refused(&shop, post("/v1/carts", &same), conflict, "cart_already_exists").await;
    let dollars = shop.done(post("/v1/carts", &json!({"currency": "USD"}))).await.id();
    let line = json!({"sku": "TOTE", "quantity": 1});
    let request = post(format!("/v1/carts/{dollars}/lines"), &line);
    refused(&shop, request, conflict, "not_priced_in_currency").await;
    let request = keyed(format!("/v1/carts/{dollars}/checkout"), &json!({}));
    refused(&shop, request, conflict, "cart_empty").await;

    let order = shop.done(keyed(format!("{path}/checkout"), &json!({}))).await.id();
    refused(&shop, post(format!("{path}/lines"), &line), conflict, "cart_checked_out").await;
    let request = keyed(format!("{path}/checkout"), &json!({}));
    refused(&shop, request, conflict, "cart_checked_out").await;

    let request = ask(Method::DELETE, format!("/v1/products/{product}/variants/TOTE"), "");
    refused(&shop, request, conflict, "last_variant").await;
    shop.done(post(format!("/v1/products/{product}/archive"), &json!({"skus": "free"}))).await;
    let request = post(format!("/v1/products/{product}/publish"), &json!({}));
    refused(&shop, request, conflict, "product_archived").await;

    let zero = json!({"location": "main", "delta": 0, "reason": "x"});
    refused(&shop, keyed("/v1/stock/NONE/adjust", &zero), StatusCode::NOT_FOUND, "unknown_sku")
        .await;
    let draft = json!({"title": "T", "variants": [{"sku": "TOTE", "prices": []}]});
    let problem = refused(&shop, post("/v1/products", &draft), conflict, "stock_not_empty").await;
    assert_eq!((&problem["on_hand"], &problem["held"]), (&json!(5), &json!(1)));
    shop.done(keyed(format!("/v1/orders/{order}/cancel"), &json!({"reason": "off"}))).await;
    shop.done(keyed("/v1/stock/TOTE/count", &json!({"on_hand": 0, "reason": "sold off"}))).await;
    let draft = shop.done(post("/v1/products", &draft)).await.id();
    let request = keyed("/v1/stock/TOTE/adjust", &zero);
    refused(&shop, request, StatusCode::UNPROCESSABLE_ENTITY, "nothing_to_adjust").await;
    let request = post(format!("/v1/products/{draft}/publish"), &json!({}));
    refused(&shop, request, conflict, "nothing_to_sell").await;
    let twice = json!([{"amount": "1", "currency": "EUR"}, {"amount": "2", "currency": "EUR"}]);
    let request = put(format!("/v1/products/{draft}/variants/X"), &json!({"prices": twice}));
    refused(&shop, request, StatusCode::UNPROCESSABLE_ENTITY, "duplicate_currency").await;
}
