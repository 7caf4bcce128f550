//! Goods that come back after they were delivered.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::shop::{Shop, keyed, post};

/// An order of three totes that were delivered, and a return of two of them.
async fn asked_for(shop: &Shop) -> (String, String) {
    let (order, _) = shop.confirmed("TOTE", 3).await;
    let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    for step in ["pack", "ship", "deliver"] {
        shop.done(post(format!("/v1/fulfilments/{parcel}/{step}"), &json!({}))).await;
    }
    let lines = json!([{"sku": "TOTE", "quantity": 2}]);
    let request = json!({"order_id": order, "lines": lines, "reason": "too small"});
    let unkeyed = shop.send(post("/v1/returns", &request)).await;
    assert_eq!(unkeyed.code(), "idempotency_key_required", "twice would be two returns");
    let requested = shop.send(keyed("/v1/returns", &request)).await;
    assert_eq!(requested.status, StatusCode::CREATED);
    let path = format!("/v1/returns/{}", requested.id());
    assert_eq!(requested.header("location"), Some(path.as_str()));
    (order, path)
}

#[sqlx::test(migrations = "../migrations")]
async fn goods_come_back_in_parts(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, path) = asked_for(&shop).await;
    let back = |line| json!({"lines": [line]});
    let sound = back(json!({"sku": "TOTE", "quantity": 1, "location": "main"}));
    let receive = |lines| keyed(format!("{path}/receive"), lines);
    let early = shop.send(receive(&sound)).await;
    assert_eq!((early.code(), &early.body["state"]), ("return_wrong_state", &json!("requested")));
    shop.done(post(format!("{path}/approve"), &json!({}))).await;
    shop.done(receive(&sound)).await;
    let stock = shop.payload("stock-TOTE", "stock.received").await;
    assert_eq!((&stock["location"], &stock["quantity"]), (&json!("main"), &json!(1)));

    let two = back(json!({"sku": "TOTE", "quantity": 2, "location": "main"}));
    let refused = shop.send(receive(&two)).await;
    assert_eq!(refused.code(), "nothing_to_return");
    assert_eq!(refused.body["lines"], json!([{"sku": "TOTE", "wanted": 2, "left": 1}]));
    let broken = back(json!({"sku": "TOTE", "quantity": 1, "written_off": true}));
    let head = shop.history("stock-TOTE").await.len();
    shop.done(receive(&broken)).await;
    assert_eq!(shop.history("stock-TOTE").await.len(), head, "worth nothing any more");
    shop.done(post(format!("{path}/close"), &json!({}))).await;
    let order = shop.history(&format!("order-{order}")).await;
    let end = [
        "order.return_opened",
        "order.units_returned",
        "order.units_returned",
        "order.return_closed",
    ];
    assert_eq!(order[order.len() - 4..], end);
}

#[sqlx::test(migrations = "../migrations")]
async fn less_is_given_back_for_what_is_worth_less(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, path) = asked_for(&shop).await;
    shop.done(post(format!("{path}/approve"), &json!({}))).await;
    let price =
        shop.payload(&format!("order-{order}"), "order.placed").await["lines"][0]["unit_price"]
            .clone();
    let receive = |amount: &str, reason: &str| {
        let line = json!({"sku": "TOTE", "quantity": 1, "location": "returns"});
        let amount = json!({"amount": amount, "currency": price["currency"]});
        let withheld = json!({"amount": amount, "reason": reason});
        keyed(format!("{path}/receive"), &json!({"lines": [line], "withheld": withheld}))
    };
    let refused = shop.send(receive("1000.00", "worn")).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "withheld_too_much"));
    assert_eq!(refused.body["worth"], price);
    let unsaid = shop.send(receive("1.00", "")).await;
    assert_eq!(unsaid.body["errors"][0]["pointer"], "/withheld/reason");
    shop.done(receive("1.00", "worn")).await;
    let returned = shop.payload(&format!("order-{order}"), "order.units_returned").await;
    assert_eq!(returned["withheld"]["amount"], "1.00");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_told_wrongly_of_a_return_is_put_right(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, path) = asked_for(&shop).await;
    shop.done(post(format!("{path}/approve"), &json!({}))).await;
    let two = json!({"lines": [{"sku": "TOTE", "quantity": 2, "location": "main"}]});
    shop.done(keyed(format!("{path}/receive"), &two)).await;
    let one = json!([{"sku": "TOTE", "quantity": 1, "location": "returns"}]);
    let body = json!({"lines": one, "reason": "Ann counted again"});
    let correct = format!("{path}/correct-receipt");
    assert_eq!(shop.send(post(&correct, &body)).await.code(), "idempotency_key_required");
    let unsaid = shop.send(keyed(&correct, &json!({"lines": one}))).await;
    assert_eq!(unsaid.code(), "invalid_body");
    shop.done(keyed(&correct, &body)).await;
    let stream = path.replace("/v1/returns/", "return-");
    let told = shop.payload(&stream, "return.receipt_corrected").await;
    assert_eq!((&told["before"], &told["lines"]), (&two["lines"], &one));
    let order = shop.payload(&format!("order-{order}"), "order.return_corrected").await;
    assert_eq!(order["not_back"], json!([{"sku": "TOTE", "quantity": 1}]));
    let stock = shop.history("stock-TOTE").await;
    assert_eq!(stock[stock.len() - 2..], ["stock.received", "stock.receipt_corrected"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_return_is_refused(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, path) = asked_for(&shop).await;
    shop.done(post(format!("{path}/reject"), &json!({"reason": "worn"}))).await;
    let order = shop.history(&format!("order-{order}")).await;
    assert_eq!(order.last().unwrap(), "order.return_closed");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_return_is_withdrawn(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, path) = asked_for(&shop).await;
    let withdraw = || post(format!("{path}/withdraw"), &json!({}));
    shop.done(withdraw()).await;
    shop.done(withdraw()).await;
    let order = shop.history(&format!("order-{order}")).await;
    assert_eq!(order.last().unwrap(), "order.return_closed");
    let refused = shop.send(post(format!("{path}/approve"), &json!({}))).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "return_wrong_state"));
    assert_eq!(refused.body["state"], "withdrawn");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_comes_back_goes_to_one_place(db: PgPool) {
    let shop = Shop::open(&db);
    let (_, path) = asked_for(&shop).await;
    shop.done(post(format!("{path}/approve"), &json!({}))).await;
    let receive = format!("{path}/receive");
    for line in [
        json!({"sku": "TOTE", "quantity": 1}),
        json!({"sku": "TOTE", "quantity": 1, "written_off": false}),
        json!({"sku": "TOTE", "quantity": 1, "location": "main", "written_off": true}),
    ] {
        let refused = shop.send(keyed(&receive, &json!({"lines": [line]}))).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "invalid_body"));
        assert_eq!(refused.body["errors"][0]["pointer"], "/lines/0");
    }
    let line = json!({"lines": [{"sku": "TOTE", "quantity": 1, "location": "main"}]});
    assert_eq!(shop.send(post(&receive, &line)).await.code(), "idempotency_key_required");
}
