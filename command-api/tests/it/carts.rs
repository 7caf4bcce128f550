//! Carts and checkout.

use axum::http::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::shop::{Shop, ask, keyed, post, put};

#[sqlx::test(migrations = "../migrations")]
async fn a_cart_is_filled_changed_and_given_up(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 0).await;
    let customer = Uuid::now_v7();
    let cart = json!({"currency": "EUR"});
    let created = shop.send(post("/v1/carts", &cart)).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let path = format!("/v1/carts/{}", created.id());
    let line = json!({"sku": "TOTE", "quantity": 2});
    let added = shop.send(post(format!("{path}/lines"), &line)).await;
    assert_eq!((added.status, added.header("etag")), (StatusCode::OK, Some("\"2\"")));
    shop.done(put(format!("{path}/lines/TOTE"), &json!({"quantity": 3}))).await;
    let of = |customer: Uuid| json!({"customer_id": customer});
    shop.done(put(format!("{path}/customer"), &of(customer))).await;
    let taken = shop.send(put(format!("{path}/customer"), &of(Uuid::now_v7()))).await;
    assert_eq!((taken.status, taken.code()), (StatusCode::CONFLICT, "cart_of_another"));
    shop.done(ask(Method::DELETE, format!("{path}/lines/TOTE"), "{}")).await;
    let missing = shop.send(ask(Method::DELETE, format!("{path}/lines/TOTE"), "")).await;
    assert_eq!((missing.status, missing.code()), (StatusCode::NOT_FOUND, "cart_line_not_found"));
    shop.done(post(format!("{path}/abandon"), &json!({}))).await;
    let late = shop.send(post(format!("{path}/lines"), &line)).await;
    assert_eq!((late.status, late.code()), (StatusCode::CONFLICT, "cart_abandoned"));
    assert_eq!(
        shop.history(&format!("cart-{}", created.id())).await,
        [
            "cart.created",
            "cart.line_added",
            "cart.line_changed",
            "cart.assigned",
            "cart.line_removed",
            "cart.abandoned"
        ]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn checkout_places_the_order_and_reserves_its_units(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 3).await;
    let cart = shop.fill("TOTE", 3).await;
    let order = Uuid::now_v7().to_string();
    let checkout = keyed(format!("/v1/carts/{cart}/checkout"), &json!({"order_id": order}));
    let placed = shop.send(checkout).await;
    assert_eq!((placed.status, placed.id()), (StatusCode::CREATED, order.clone()));
    assert_eq!(placed.header("location"), Some(format!("/v1/orders/{order}").as_str()));
    assert_eq!(placed.header("etag"), Some("\"1\""));
    assert_eq!(shop.history(&format!("order-{order}")).await, ["order.placed"]);
    assert_eq!(shop.history("stock-TOTE").await, ["stock.received", "stock.reserved"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_checkout_without_the_units_names_every_line(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("PLENTY", 10).await;
    shop.sell("SCARCE", 1).await;
    shop.sell("GONE", 0).await;
    let cart = shop.fill("PLENTY", 1).await;
    for (sku, quantity) in [("SCARCE", 2), ("GONE", 1)] {
        let line = json!({"sku": sku, "quantity": quantity});
        shop.done(post(format!("/v1/carts/{cart}/lines"), &line)).await;
    }
    let head = shop.head().await;
    let refused = shop.send(keyed(format!("/v1/carts/{cart}/checkout"), &json!({}))).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "checkout_refused"));
    let pointers = [&refused.body["errors"][0]["pointer"], &refused.body["errors"][1]["pointer"]];
    assert_eq!(pointers, ["/lines/1", "/lines/2"]);
    assert_eq!(
        refused.body["lines"],
        json!([
            {"line": 1, "sku": "SCARCE", "code": "out_of_stock", "wanted": 2, "available": 1},
            {"line": 2, "sku": "GONE", "code": "out_of_stock", "wanted": 1, "available": 0},
        ])
    );
    assert_eq!(shop.head().await, head);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_price_that_changed_is_told_before_it_is_paid(db: PgPool) {
    let shop = Shop::open(&db);
    let product = shop.sell("TOTE", 5).await;
    let cart = shop.fill("TOTE", 1).await;
    let dearer = json!({"prices": [{"amount": "25.00", "currency": "EUR"}]});
    shop.done(put(format!("/v1/products/{product}/variants/TOTE"), &dearer)).await;
    let refused = shop.send(keyed(format!("/v1/carts/{cart}/checkout"), &json!({}))).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "checkout_refused"));
    let problem = &refused.body["errors"][0];
    assert_eq!(
        (&problem["pointer"], &problem["code"]),
        (&json!("/lines/0"), &json!("price_changed"))
    );
    let cure = "setting its quantity again accepts that";
    assert!(problem["detail"].as_str().unwrap().contains(cure), "{problem}");
    assert_eq!(refused.body["lines"][0]["seen"]["amount"], "19.99");
    assert_eq!(refused.body["lines"][0]["now"]["amount"], "25.00");
    shop.done(put(format!("/v1/carts/{cart}/lines/TOTE"), &json!({"quantity": 1}))).await;
    shop.done(keyed(format!("/v1/carts/{cart}/checkout"), &json!({}))).await;
}

/// What a shopper has who did not pay in time: the cart, as it was.
#[sqlx::test(migrations = "../migrations")]
async fn a_cart_whose_order_is_off_is_bought_again(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 2).await;
    let path = format!("/v1/carts/{}", shop.fill("TOTE", 2).await);
    let reopen = || post(format!("{path}/reopen"), &json!({}));
    let check_out =
        |key: &str| post(format!("{path}/checkout"), &json!({})).with("idempotency-key", key);
    let first = shop.done(check_out("first")).await;
    let stands = shop.send(reopen()).await;
    assert_eq!((stands.status, stands.code()), (StatusCode::CONFLICT, "cart_order_stands"));
    assert_eq!(stands.body["order_id"], first.id());

    let cancel = format!("/v1/orders/{}/cancel", first.id());
    shop.done(keyed(cancel, &json!({"reason": "the bank was slow"}))).await;
    let opened = shop.done(reopen().with("prefer", "return=representation")).await;
    let read = ["status", "order_id", "units"].map(|member| opened.body[member].clone());
    assert_eq!(read, [json!("open"), json!(null), json!(2)]);
    // The answer of the first checkout is its retry's for good; another key buys again.
    let again = shop.send(check_out("first")).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    let second = shop.done(check_out("second")).await;
    assert_ne!(second.id(), first.id());
    assert_eq!(shop.history(&format!("order-{}", second.id())).await, ["order.placed"]);
}
