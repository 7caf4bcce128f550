//! `as_of` and the history of a stream.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Shop, cart_created, line_added};

#[sqlx::test(migrations = "../migrations")]
async fn a_cart_is_seen_as_it_was(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.append(&[cart_created(1), cart_created(2), line_added(1, "TOTE", 2)]).await;
    let between: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&db).await.unwrap();
    shop.append(&[line_added(2, "HAT", 1), line_added(1, "HAT", 1)]).await;
    let path = format!("/v1/carts/{}", Uuid::from_u128(1));
    let at = async |point: &str| shop.get(&format!("{path}?as_of={point}")).await;
    assert_eq!(at("0").await.status, StatusCode::NOT_FOUND);
    assert_eq!(at("1").await.json()["lines"], json!([]));
    let three = at("3").await;
    assert_eq!(
        (&three.json()["version"], &three.headers["etag"]),
        (&2.into(), &"\"2\"".parse().unwrap())
    );
    assert_eq!(at("4").await.json()["lines"].as_array().unwrap().len(), 1);
    assert_eq!(at("5").await.json()["lines"].as_array().unwrap().len(), 2);
    let time = at(&between.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()).await;
    assert_eq!(time.text, three.text);
    assert_eq!(at("2020-01-01T00:00:00+02:00").await.status, StatusCode::NOT_FOUND);
    assert_eq!(at("6").await.code(), "as_of_ahead");
    assert_eq!(at("yesterday").await.json()["errors"][0]["parameter"], "as_of");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_newer_program_wrote_is_said_to_be_unreadable(db: PgPool) {
    let shop = Shop::open(&db).await;
    let (stream, _, data) = line_added(1, "TOTE", 2);
    shop.append(&[cart_created(1), (stream, "cart.line_dreamt_of", data)]).await;
    let path = format!("/v1/carts/{}", Uuid::from_u128(1));
    assert_eq!(shop.get(&format!("{path}?as_of=1")).await.status, StatusCode::OK);
    let unread = shop.get(&format!("{path}?as_of=2")).await;
    assert_eq!(unread.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(unread.code(), "stream_unreadable");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_order_is_folded_with_its_payments(db: PgPool) {
    let shop = Shop::open(&db).await;
    let (order, payment) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let money = json!({"amount": "19.99", "currency": "EUR"});
    let line = json!({"sku": "TOTE", "product_id": order, "title": "Tote", "quantity": 1,
                      "unit_price": money, "total": money});
    let placed = json!({"cart_id": order, "lines": [line], "total": money,
                        "reserved_until": "2026-01-01T00:00:00Z"});
    let started = json!({"payment_id": payment, "method": "cash_on_delivery"});
    let created = json!({"order_id": order, "method": "cash_on_delivery", "amount": money});
    shop.append(&[
        (format!("order-{order}"), "order.placed", placed),
        (format!("order-{order}"), "order.payment_started", started),
        (format!("payment-{payment}"), "payment.created", created),
    ])
    .await;
    let at = async |n: i64| shop.get(&format!("/v1/orders/{order}?as_of={n}")).await.json();
    assert_eq!(at(1).await["payment_status"], "none");
    let paying = at(3).await;
    assert_eq!(paying["payment_status"], "awaiting", "{paying}");
    assert_eq!(paying["payments"][0]["id"], payment.to_string());
    assert_eq!((&paying["version"], &paying["position"]), (&2.into(), &3.into()));
    let payment = shop.get(&format!("/v1/payments/{payment}?as_of=3")).await;
    assert_eq!(payment.json()["order_id"], order.to_string());
}

#[sqlx::test(migrations = "../migrations")]
async fn stock_is_none_from_when_a_product_takes_its_sku(db: PgPool) {
    let shop = Shop::open(&db).await;
    let product = json!({"product_id": Uuid::from_u128(1)});
    let came = json!({"location": "main", "sellable": true, "quantity": 3,
                      "source": {"delivery": {}}});
    shop.append(&[
        ("sku-TOTE".to_owned(), "sku.assigned", product),
        ("stock-TOTE".to_owned(), "stock.received", came),
    ])
    .await;
    let at = async |n: i64| shop.get(&format!("/v1/stock/TOTE?as_of={n}")).await;
    assert_eq!(at(0).await.code(), "not_found");
    let none = at(1).await.json();
    assert_eq!((&none["version"], &none["available"]), (&0.into(), &0.into()));
    let some = at(2).await.json();
    assert_eq!((&some["version"], &some["available"]), (&1.into(), &3.into()));
}

/// A command appends what a payment begins with before the order's word of it: the past may be
/// asked for between the two.
#[sqlx::test(migrations = "../migrations")]
async fn a_part_is_there_before_its_order_names_it(db: PgPool) {
    let shop = Shop::open(&db).await;
    let (order, payment) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let money = json!({"amount": "19.99", "currency": "EUR"});
    let line = json!({"sku": "TOTE", "product_id": order, "title": "Tote", "quantity": 1,
                      "unit_price": money, "total": money});
    let placed = json!({"cart_id": order, "lines": [line], "total": money,
                        "reserved_until": "2026-01-01T00:00:00Z"});
    let created = json!({"order_id": order, "method": "cash_on_delivery", "amount": money});
    let started = json!({"payment_id": payment, "method": "cash_on_delivery"});
    shop.append(&[
        (format!("order-{order}"), "order.placed", placed),
        (format!("payment-{payment}"), "payment.created", created),
        (format!("order-{order}"), "order.payment_started", started),
    ])
    .await;
    let at = async |n: i64| shop.get(&format!("/v1/orders/{order}?as_of={n}")).await.json();
    assert_eq!(at(1).await["payments"], json!([]));
    let between = at(2).await;
    assert_eq!(between["payments"][0]["id"], payment.to_string());
    assert_eq!((&between["version"], &between["position"]), (&1.into(), &2.into()));
    assert_eq!(at(3).await["version"], 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_history_too_long_to_fold_is_refused_before_it_is_read(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.append(&[cart_created(1), line_added(1, "TOTE", 2)]).await;
    // The event beyond the bound is enough to tell; those between are not looked at.
    sqlx::query(
        "INSERT INTO events SELECT 3, stream, $1 + 1, type, schema, slot, occurred_at, recorded_at,
             metadata, data FROM events WHERE position = 2",
    )
    .bind(i64::try_from(query_api::past::EVENTS_MAX).unwrap())
    .execute(&db)
    .await
    .unwrap();
    let path = format!("/v1/carts/{}", Uuid::from_u128(1));
    let refused = shop.get(&format!("{path}?as_of=3")).await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::UNPROCESSABLE_ENTITY, "history_too_long".into())
    );
    assert_eq!(shop.get(&format!("{path}?as_of=2")).await.status, StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_streams_history_is_paged(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut events = vec![cart_created(1)];
    events.extend((0..6).map(|n| line_added(1, &format!("S{n}"), 1)));
    shop.append(&events).await;
    let mut path = format!("/v1/streams/cart/{}?limit=3", Uuid::from_u128(1));
    let mut versions = Vec::new();
    loop {
        let page = shop.get(&path).await;
        let json = page.json();
        versions.extend(
            json["items"].as_array().unwrap().iter().map(|e| e["version"].as_i64().unwrap()),
        );
        if json["next"].is_null() {
            break;
        }
        let link = page.headers["link"].to_str().unwrap();
        path = link[1..].split('>').next().unwrap().to_owned();
    }
    assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(shop.get("/v1/streams/boat/1").await.code(), "invalid_path");
    assert_eq!(shop.get("/v1/streams/cart/1").await.code(), "invalid_path");
    assert_eq!(shop.get("/v1/streams/stock/TOTE").await.code(), "not_found");
}

/// With what belongs to it, in the order of the log, and nothing of others.
#[sqlx::test(migrations = "../migrations")]
async fn an_orders_history_is_that_of_all_its_parts(db: PgPool) {
    let shop = Shop::open(&db).await;
    let [order, payment, parcel, back] = [1, 2, 3, 4].map(Uuid::from_u128);
    let money = json!({"amount": "19.99", "currency": "EUR"});
    let of_order = |kind: &'static str, data| (format!("order-{order}"), kind, data);
    let lines = json!([{"sku": "TOTE", "quantity": 1}]);
    let placed = json!({"cart_id": order, "lines": [], "total": money,
                        "reserved_until": "2026-01-01T00:00:00Z"});
    let created = json!({"order_id": order, "method": "cash_on_delivery", "amount": money});
    let events = [
        of_order("order.placed", placed),
        cart_created(9),
        (format!("payment-{payment}"), "payment.created", created),
        of_order(
            "order.payment_started",
            json!({"payment_id": payment, "method": "cash_on_delivery"}),
        ),
        of_order("order.fulfilment_planned", json!({"fulfilment_id": parcel, "lines": lines})),
        (
            format!("fulfilment-{parcel}"),
            "fulfilment.created",
            json!({"order_id": order, "lines": lines}),
        ),
        line_added(9, "TOTE", 1),
        of_order("order.return_opened", json!({"return_id": back, "lines": lines})),
        (
            format!("return-{back}"),
            "return.requested",
            json!({"order_id": order, "lines": lines, "reason": "too small"}),
        ),
    ];
    shop.append(&events).await;
    let path = format!("/v1/orders/{order}/history");
    let mut next = format!("{path}?limit=2");
    let mut positions = Vec::new();
    loop {
        let page = shop.get(&next).await;
        let json = page.json();
        assert_eq!(json["order_id"], order.to_string(), "{json}");
        let items = json["items"].as_array().unwrap();
        positions.extend(items.iter().map(|event| event["position"].as_i64().unwrap()));
        if json["next"].is_null() {
            break;
        }
        let link = page.headers["link"].to_str().unwrap();
        next = link[1..].split('>').next().unwrap().to_owned();
    }
    assert_eq!(positions, [1, 3, 4, 5, 6, 8, 9]);
    let later = shop.get(&format!("{path}?after=8")).await.json();
    assert_eq!(later["items"][0]["stream"], format!("return-{back}"));
    let nobody = shop.get(&format!("/v1/orders/{payment}/history")).await;
    assert_eq!((nobody.status, nobody.code()), (StatusCode::NOT_FOUND, "not_found".into()));
}

#[sqlx::test(migrations = "../migrations")]
async fn projections_say_how_far_they_are(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.append(&[cart_created(1), cart_created(2), cart_created(3)]).await;
    shop.advance("carts", 3).await;
    shop.advance("orders", 1).await;
    let all = shop.get("/v1/projections").await.json();
    let named = |name: &str| {
        let items = all["items"].as_array().unwrap();
        items.iter().find(|item| item["name"] == name).unwrap().clone()
    };
    assert_eq!(all["items"].as_array().unwrap().len(), domain::ReadModel::ALL.len());
    assert_eq!(
        (&named("carts")["lag_events"], &named("carts")["lag_seconds"]),
        (&0.into(), &0.0.into())
    );
    assert_eq!((&named("orders")["lag_events"], &named("orders")["head"]), (&2.into(), &3.into()));
    assert!(named("orders")["lag_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(named("orders")["slots"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&named("search")["dirty_documents"], &named("carts")["dirty_documents"]),
        (&0.into(), &json!(null))
    );
    assert_eq!(named("orders")["waits_at"], json!(null));
}

/// Neither is one that holds what never happened up to date, nor one that a newer program has to
/// take on; and nobody waits for less than no time.
#[sqlx::test(migrations = "../migrations")]
async fn projections_say_what_keeps_them(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.append(&[cart_created(1), cart_created(2), cart_created(3)]).await;
    shop.advance("carts", 23).await;
    shop.advance("orders", 2).await;
    sqlx::raw_sql(
        "UPDATE projection_slots SET waits_at = 3 WHERE projection = 'orders';
         ALTER TABLE events DISABLE TRIGGER events_append_only;
         UPDATE events SET recorded_at = now() + interval '1 hour'",
    )
    .execute(&db)
    .await
    .unwrap();
    let all = shop.get("/v1/projections").await.json();
    let named = |name: &str| {
        let items = all["items"].as_array().unwrap();
        items.iter().find(|item| item["name"] == name).unwrap().clone()
    };
    assert_eq!(named("carts")["lag_events"], -20);
    let orders = named("orders");
    assert_eq!((&orders["lag_events"], &orders["waits_at"]), (&1.into(), &3.into()));
    assert_eq!(orders["lag_seconds"], 0.0);
}
