//! `min_position`: one's own writes are always read, or it is said plainly that they are not.

use std::time::{Duration, Instant};

use async_nats::Client;
use axum::http::StatusCode;
use domain::{ProductId, StreamId};
use event_store::awaited;
use event_store::reached::{Reached, Teller};
use futures::StreamExt as _;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{SOON, Shop};

#[sqlx::test(migrations = "../migrations")]
async fn a_read_waits_for_its_position_and_then_sees_it(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.log_reaches(7).await;
    shop.advance("products", 6).await;
    let path = format!("/v1/products/{}?min_position=7", Uuid::from_u128(7));
    let slot = StreamId::Product(ProductId(Uuid::from_u128(7))).slot().unwrap() as i16;
    let half = async |own: bool| {
        let half = "UPDATE projection_slots SET position = 7 WHERE projection = 'products'
                    AND ($1 BETWEEN slot_from AND slot_to) = $2";
        sqlx::query(half).bind(slot).bind(own).execute(&db).await.unwrap();
    };
    let reading = shop.ask(&path, &[("prefer", "wait=20")]);
    let writing = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        // Rows and checkpoint together, as the projector commits them; the other half first.
        half(false).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        shop.put_product(7, "Tote", "published", 0).await;
        half(true).await;
    };
    let (answer, ()) = tokio::join!(reading, writing);
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.headers["preference-applied"], "wait=20");
    let at_once = shop.get(&path).await;
    assert_eq!(at_once.status, StatusCode::OK);
    assert!(!at_once.headers.contains_key("preference-applied"));
}

/// One document is of one slot: what holds up the others holds it up no longer. A list is of all.
#[sqlx::test(migrations = "../migrations")]
async fn a_document_waits_for_its_own_slot_and_a_list_for_all(db: PgPool) {
    let (shop, teller) = listening(&db).await;
    shop.log_reaches(7).await;
    shop.advance("products", 6).await;
    shop.put_product(7, "Tote", "published", 0).await;
    let id = ProductId(Uuid::from_u128(7));
    let slot = i64::from(StreamId::Product(id).slot().unwrap());
    let own = "UPDATE projection_slots SET position = 7 WHERE projection = 'products'
               AND $1 BETWEEN slot_from AND slot_to RETURNING slot_from, slot_to";
    let (from, to): (i16, i16) = sqlx::query_as(own).bind(slot).fetch_one(&db).await.unwrap();
    let path = format!("/v1/products/{}?min_position=7", id.0);
    assert_eq!(shop.get(&path).await.status, StatusCode::OK);
    let list = "/v1/products?min_position=7";
    let late = shop.ask(list, &[("prefer", "wait=0")]).await;
    assert_eq!(late.status, StatusCode::GATEWAY_TIMEOUT, "{}", late.text);
    assert_eq!(late.json()["position"], 6);

    // Nor is it known of the list by what is told of that slot.
    teller.tell(&Reached { slots: from..=to, position: 7 }).await;
    assert_eq!(shop.get(&path).await.status, StatusCode::OK);
    let late = shop.ask(list, &[("prefer", "wait=0")]).await;
    assert_eq!(late.status, StatusCode::GATEWAY_TIMEOUT, "{}", late.text);
    shop.advance("products", 7).await;
    assert_eq!(shop.get(list).await.status, StatusCode::OK);
}

/// A shop that hears what is told, and where that is.
async fn on_a_bus(db: &PgPool) -> (Shop, Client, String) {
    let bus = async_nats::connect(harness::required("NATS_URL")).await.unwrap();
    let stream = format!("q{}", Uuid::now_v7().simple());
    let shop = Shop::with(db, |settings| {
        settings.bus = Some(bus.clone());
        settings.stream.clone_from(&stream);
    })
    .await;
    // Whoever subscribes is not known to NATS at once.
    bus.flush().await.unwrap();
    (shop, bus, stream)
}

/// A shop that hears what is told, and one who tells of its products.
async fn listening(db: &PgPool) -> (Shop, Teller) {
    let (shop, bus, stream) = on_a_bus(db).await;
    (shop, Teller::new(bus, &stream, "products"))
}

/// Those who fold are asked for what somebody waits for, and not for what is there.
#[sqlx::test(migrations = "../migrations")]
async fn who_waits_asks_for_it(db: PgPool) {
    let (shop, bus, stream) = on_a_bus(&db).await;
    let mut asked = Box::pin(awaited::listen(&bus, &stream, "products").await.unwrap());
    bus.flush().await.unwrap();
    shop.log_reaches(7).await;
    shop.advance("products", 6).await;
    // The first one does not know yet that it is there.
    for _ in 0..3 {
        assert_eq!(shop.get("/v1/products?min_position=6").await.status, StatusCode::OK);
    }
    let reading = shop.ask("/v1/products?min_position=7", &[("prefer", "wait=30")]);
    let folding = async {
        assert_eq!(asked.next().await, Some(6));
        assert_eq!(asked.next().await, Some(7));
        shop.advance("products", 7).await;
    };
    let both = tokio::time::timeout(SOON, async { tokio::join!(reading, folding) });
    let (answer, ()) = both.await.expect("nobody was asked");
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[sqlx::test(migrations = "../migrations")]
async fn who_waits_is_woken_by_what_is_told(db: PgPool) {
    let (shop, teller) = listening(&db).await;
    shop.log_reaches(5).await;
    // A look needs this table, a read of products does not: nobody can look.
    let mut unseen = db.begin().await.unwrap();
    sqlx::query("LOCK TABLE search_documents_rows").execute(&mut *unseen).await.unwrap();
    for position in 1..=5 {
        let path = format!("/v1/products?min_position={position}");
        let reading = tokio::time::timeout(SOON, shop.ask(&path, &[("prefer", "wait=30")]));
        let moving = async {
            shop.advance("products", position).await;
            for slots in [0..=127, 128..=255] {
                teller.tell(&Reached { slots, position }).await;
            }
        };
        let (answer, ()) = tokio::join!(reading, moving);
        let answer = answer.expect("nobody was woken");
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_told_is_not_believed(db: PgPool) {
    let (shop, teller) = listening(&db).await;
    shop.log_reaches(7).await;
    shop.advance("products", 6).await;
    let lying = async {
        loop {
            teller.tell(&Reached { slots: 0..=255, position: 7 }).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let path = "/v1/products?min_position=7";
    let answer = tokio::select! {
        answer = shop.ask(path, &[("prefer", "wait=1")]) => answer,
        () = lying => unreachable!(),
    };
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT, "{}", answer.text);
    assert_eq!(answer.json()["position"], 6);
    shop.advance("products", 7).await;
    assert_eq!(shop.get(path).await.status, StatusCode::OK, "though nobody tells");
}

/// Whoever was let in before a process is told to end is woken all the same.
#[sqlx::test(migrations = "../migrations")]
async fn who_waits_when_the_process_ends_is_still_woken(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.log_reaches(7).await;
    let reading = shop.ask("/v1/products?min_position=7", &[("prefer", "wait=30")]);
    let ending = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        shop.stop.cancel();
        tokio::time::sleep(Duration::from_millis(100)).await;
        shop.advance("products", 7).await;
    };
    let both = async { tokio::join!(reading, ending).0 };
    let answer = tokio::time::timeout(SOON, both).await.expect("long before its own time is up");
    assert_eq!(answer.status, StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_projection_that_is_behind_is_said_to_be(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.log_reaches(42).await;
    shop.advance("orders", 41).await;
    for path in [
        "/v1/orders?min_position=42",
        "/v1/orders/0192c0de-0000-7000-8000-000000000000?min_position=42",
    ] {
        let began = Instant::now();
        let answer = shop.ask(path, &[("prefer", "wait=1")]).await;
        assert!(began.elapsed() >= Duration::from_millis(900), "it did not wait");
        assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(answer.headers["retry-after"], "1");
        let problem = answer.json();
        assert_eq!(problem["code"], "projection_behind");
        assert_eq!(problem["projection"], "orders");
        assert_eq!((&problem["position"], &problem["min_position"]), (&41.into(), &42.into()));
    }
    let unwilling = shop.ask("/v1/orders?min_position=42", &[("prefer", "wait=0")]).await;
    assert_eq!(unwilling.status, StatusCode::GATEWAY_TIMEOUT);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_switch_to_a_build_that_is_behind_shows_no_older_rows(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.log_reaches(9).await;
    shop.advance("products", 9).await;
    assert_eq!(shop.get("/v1/products?min_position=9").await.status, StatusCode::OK);
    sqlx::raw_sql(
        "INSERT INTO projection_builds (projection, build, version) VALUES ('products', 2, 2);
         INSERT INTO projection_slots (projection, build, slot_from, slot_to, position)
         VALUES ('products', 2, 0, 255, 5);
         UPDATE projections SET active_build = 2 WHERE name = 'products'",
    )
    .execute(&db)
    .await
    .unwrap();
    let behind = shop.ask("/v1/products?min_position=9", &[("prefer", "wait=0")]).await;
    assert_eq!(behind.json()["position"], 5);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_parked_stream_is_not_taken_for_current(db: PgPool) {
    let shop = Shop::open(&db).await;
    let id = shop.put_product(3, "Tote", "published", 0).await;
    shop.advance("products", 20).await;
    shop.park("products", &format!("product-{id}"), 10).await;
    assert_eq!(shop.get(&format!("/v1/products/{id}?min_position=9")).await.status, StatusCode::OK);
    let parked = shop.get(&format!("/v1/products/{id}?min_position=10")).await;
    assert_eq!(parked.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(parked.json()["parked"], format!("product-{id}"));
}

#[sqlx::test(migrations = "../migrations")]
async fn many_wait_at_the_price_of_one(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.log_reaches(5).await;
    // They come a few at a time; what they wait for comes for all at once.
    let wait = async |number: u64| {
        tokio::time::sleep(Duration::from_millis(2 * number)).await;
        shop.ask("/v1/products?min_position=5", &[("prefer", "wait=20")]).await
    };
    let waiting = futures::future::join_all((0..200).map(wait));
    let moving = async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        shop.advance("products", 5).await;
    };
    let (answers, ()) = tokio::join!(waiting, moving);
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_order_is_behind_while_one_of_its_payments_is_parked(db: PgPool) {
    let shop = Shop::open(&db).await;
    let [one, other] = [shop.put_order(1, "pending", 10.0, 0).await, {
        shop.put_order(2, "pending", 10.0, 0).await
    }];
    let payment = format!("payment-{}", Uuid::from_u128(9));
    let money = json!({"amount": "10.00", "currency": "EUR"});
    let started = json!({"payment_id": Uuid::from_u128(9), "method": "cash_on_delivery"});
    let created = json!({"order_id": one, "method": "cash_on_delivery", "amount": money});
    let at = shop
        .append(&[
            (format!("order-{one}"), "order.payment_started", started),
            (payment.clone(), "payment.created", created),
        ])
        .await;
    shop.advance("orders", at).await;
    shop.park("orders", &payment, at).await;
    let behind = shop.get(&format!("/v1/orders/{one}?min_position={at}")).await;
    assert_eq!(behind.code(), "projection_behind");
    assert_eq!(behind.json()["parked"], payment);
    let not_its = shop.get(&format!("/v1/orders/{other}?min_position={at}")).await;
    assert_eq!(not_its.status, StatusCode::OK);
    assert_eq!(shop.get(&format!("/v1/orders/{one}")).await.status, StatusCode::OK);
    let before = shop.get(&format!("/v1/orders/{one}?min_position={}", at - 1)).await;
    assert_eq!(before.status, StatusCode::OK, "it lacks nothing up to there");
    let list = shop.get(&format!("/v1/orders?min_position={at}")).await;
    assert_eq!(
        (list.status, &list.headers["parked-streams"]),
        (StatusCode::OK, &"1".parse().unwrap())
    );
    let before = shop.get(&format!("/v1/orders?min_position={}", at - 1)).await;
    assert!(!before.headers.contains_key("parked-streams"));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_order_is_behind_while_one_of_its_returns_is_parked(db: PgPool) {
    let shop = Shop::open(&db).await;
    let order = shop.put_order(1, "completed", 10.0, 0).await;
    let back = format!("return-{}", Uuid::from_u128(9));
    let lines = json!([{"sku": "TOTE", "quantity": 1}]);
    let opened = json!({"return_id": Uuid::from_u128(9), "lines": lines});
    let requested = json!({"order_id": order, "lines": lines, "reason": "too small"});
    let at = shop
        .append(&[
            (format!("order-{order}"), "order.return_opened", opened),
            (back.clone(), "return.requested", requested),
        ])
        .await;
    shop.advance("orders", at).await;
    shop.park("orders", &back, at).await;
    let behind = shop.get(&format!("/v1/orders/{order}?min_position={at}")).await;
    assert_eq!(
        (behind.code(), behind.json()["parked"].clone()),
        ("projection_behind".into(), json!(back))
    );
    let itself = shop.get(&format!("/v1/returns/{}?min_position={at}", Uuid::from_u128(9))).await;
    assert_eq!(itself.code(), "projection_behind");
}

/// Those looks are a part of the statement that reads, not calls of a function by it.
#[sqlx::test(migrations = "../migrations")]
async fn a_fresh_read_is_one_plan(db: PgPool) {
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT * FROM standing('orders', 7) s LEFT JOIN parked_of('orders', 'order-1', 7) k
         ON true",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    let plan = plan.join("\n");
    assert!(!plan.contains("Function Scan") && plan.contains("log_identity"), "{plan}");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_the_log_has_not_come_to_is_waited_for_by_nobody(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.log_reaches(4).await;
    for path in ["/v1/products", "/v1/search"] {
        let path = format!("{path}?min_position=5");
        let refused = tokio::time::timeout(SOON, shop.ask(&path, &[("prefer", "wait=30")]));
        let refused = refused.await.expect("it does not wait");
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::BAD_REQUEST, "position_unknown".into())
        );
        assert_eq!(refused.json()["head"], 4);
    }
    let known = shop.ask("/v1/products?min_position=4", &[("prefer", "wait=0")]).await;
    assert_eq!(known.code(), "projection_behind");
}
