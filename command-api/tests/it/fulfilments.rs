//! Parcels.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::shop::{Shop, keyed, post, put};

#[sqlx::test(migrations = "../migrations")]
async fn a_parcel_goes_out_and_arrives(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, _) = shop.confirmed("TOTE", 3).await;
    let some = json!({"order_id": order, "lines": [{"sku": "TOTE", "quantity": 1}]});
    let unkeyed = shop.send(post("/v1/fulfilments", &some)).await;
    assert_eq!(unkeyed.code(), "idempotency_key_required", "twice would be two parcels");
    let created = shop.send(keyed("/v1/fulfilments", &some)).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let first = format!("/v1/fulfilments/{}", created.id());
    assert_eq!(created.header("location"), Some(first.as_str()));
    let rest = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    let rest = format!("/v1/fulfilments/{rest}");

    let too_much = shop.send(keyed("/v1/fulfilments", &some)).await;
    assert_eq!((too_much.status, too_much.code()), (StatusCode::CONFLICT, "nothing_left_to_send"));
    assert_eq!(too_much.body["lines"], json!([{"sku": "TOTE", "wanted": 1, "left": 0}]));

    for parcel in [first, rest] {
        let early = shop.send(post(format!("{parcel}/deliver"), &json!({}))).await;
        assert_eq!((early.status, early.code()), (StatusCode::CONFLICT, "fulfilment_wrong_state"));
        assert_eq!(early.body["state"], "created");
        shop.done(post(format!("{parcel}/pack"), &json!({}))).await;
        let label = json!({"carrier": "DHL", "tracking": "JD01"});
        shop.done(post(format!("{parcel}/ship"), &label)).await;
        // Nobody at home: it is tried again.
        let failed = json!({"reason": "nobody at home"});
        shop.done(post(format!("{parcel}/fail"), &failed)).await;
        shop.done(post(format!("{parcel}/deliver"), &json!({}))).await;
    }
    let history = shop.history(&format!("order-{order}")).await;
    assert_eq!(history.last().unwrap(), "order.completed");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tracking_code_that_comes_later_is_kept(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, _) = shop.confirmed("TOTE", 1).await;
    let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    let path = format!("/v1/fulfilments/{parcel}");
    for step in ["pack", "ship"] {
        shop.done(post(format!("{path}/{step}"), &json!({}))).await;
    }
    let label = |code: &str| {
        let label = json!({"carrier": "DHL", "tracking": code});
        post(format!("{path}/ship"), &label).with("prefer", "return=representation")
    };
    for code in ["JD01", "JD02", "JD02"] {
        let labelled = shop.done(label(code)).await.body;
        assert_eq!((&labelled["status"], &labelled["tracking"]), (&json!("shipped"), &json!(code)));
    }
    let told = shop.history(&format!("fulfilment-{parcel}")).await;
    let set = "fulfilment.tracking_set";
    assert_eq!(told[2..], ["fulfilment.shipped", set, set]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_parcel_comes_back_or_never_leaves(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, _) = shop.confirmed("TOTE", 2).await;
    let one = json!({"order_id": order, "lines": [{"sku": "TOTE", "quantity": 1}]});

    let kept = shop.done(keyed("/v1/fulfilments", &one)).await.id();
    shop.done(post(format!("/v1/fulfilments/{kept}/cancel"), &json!({}))).await;
    assert_eq!(
        shop.history(&format!("fulfilment-{kept}")).await,
        ["fulfilment.created", "fulfilment.cancelled"]
    );

    let sent = shop.done(keyed("/v1/fulfilments", &one)).await.id();
    let path = format!("/v1/fulfilments/{sent}");
    shop.done(post(format!("{path}/pack"), &json!({}))).await;
    shop.done(post(format!("{path}/ship"), &json!({}))).await;
    shop.done(post(format!("{path}/fail"), &json!({"reason": "nobody at home"}))).await;
    shop.done(post(format!("{path}/return"), &json!({"location": "main"}))).await;
    assert_eq!(
        shop.history(&format!("fulfilment-{sent}")).await,
        [
            "fulfilment.created",
            "fulfilment.packed",
            "fulfilment.shipped",
            "fulfilment.delivery_failed",
            "fulfilment.returned_to_sender",
        ]
    );
    assert_eq!(shop.history("stock-TOTE").await.last().unwrap(), "stock.received");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_parcel_that_came_back_goes_out_again(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, _) = shop.confirmed("TOTE", 2).await;
    let sent = async |fail: bool| {
        let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
        let path = format!("/v1/fulfilments/{parcel}");
        for step in ["pack", "ship"] {
            shop.done(post(format!("{path}/{step}"), &json!({}))).await;
        }
        if fail {
            shop.done(post(format!("{path}/fail"), &json!({"reason": "moved away"}))).await;
        }
        path
    };
    let path = sent(true).await;
    let back = |body| post(format!("{path}/return"), &body);
    let one = json!({"sku": "TOTE", "quantity": 1, "location": "main"});
    let broken = json!({"sku": "TOTE", "quantity": 1, "written_off": true});
    let both = shop.send(back(json!({"location": "main", "lines": [one]}))).await;
    assert_eq!(both.body["errors"][0]["pointer"], "/location");
    let nowhere = shop.send(back(json!({"location": "returns", "send_again": true}))).await;
    assert_eq!(nowhere.code(), "location_not_sellable");
    let some = json!({"lines": [one, broken], "send_again": true});
    let told = shop.done(back(some).with("prefer", "return=representation")).await.body;
    assert_eq!(told["received"], json!([one, broken]));
    assert_eq!(told["again"], json!([{"sku": "TOTE", "quantity": 1}]));
    let came = shop.payload("stock-TOTE", "stock.received").await;
    assert_eq!(came["source"]["parcel"]["again"], true);

    // The address is put right, for nothing of the order is away.
    let address = json!({"address_id": uuid::Uuid::now_v7()});
    let moved = put(format!("/v1/orders/{order}/address"), &address);
    let moved = shop.done(moved.with("prefer", "return=representation")).await.body;
    assert_eq!(moved["fulfilment_status"], "partial", "one of the two is gone for good");
    assert_eq!(
        (&moved["lines"][0]["unplanned"], &moved["lines"][0]["off"]),
        (&json!(1), &json!(1))
    );
    let path = sent(false).await;
    shop.done(post(format!("{path}/deliver"), &json!({}))).await;
    let history = shop.history(&format!("order-{order}")).await;
    assert_eq!(history.last().unwrap(), "order.completed");
}

#[sqlx::test(migrations = "../migrations")]
async fn goods_of_a_product_do_not_come_back_as_another_s(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, _) = shop.confirmed("TOTE", 1).await;
    let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    let path = format!("/v1/fulfilments/{parcel}");
    for step in ["pack", "ship"] {
        shop.done(post(format!("{path}/{step}"), &json!({}))).await;
    }
    shop.done(post(format!("{path}/fail"), &json!({"reason": "moved away"}))).await;
    let product = shop.payload("sku-TOTE", "sku.assigned").await;
    let product = product["product_id"].as_str().unwrap();
    let free = json!({"skus": "free"});
    shop.done(post(format!("/v1/products/{product}/archive"), &free)).await;
    let none = json!({"location": "main", "on_hand": 0});
    shop.done(keyed("/v1/stock/TOTE/count", &none)).await;
    let other = json!({"title": "Other", "variants": [{"sku": "TOTE", "prices": []}]});
    let other = shop.done(post("/v1/products", &other)).await.id();
    let main = post(format!("{path}/return"), &json!({"location": "main"}));
    let refused = shop.send(main).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "sku_of_another_product"));
    assert_eq!(
        (&refused.body["sku"], &refused.body["product_id"]),
        (&json!("TOTE"), &json!(other))
    );
    shop.done(post(format!("{path}/return"), &json!({}))).await;
    let came = shop.payload("stock-TOTE", "stock.received").await;
    assert_eq!(came["location"], "returns");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_parcel_gets_lost(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, _) = shop.confirmed("TOTE", 1).await;
    for (place, code) in [("nowhere", "unknown_location"), ("returns", "location_not_sellable")] {
        let from_there = json!({"order_id": order, "location": place});
        assert_eq!(shop.send(post("/v1/fulfilments", &from_there)).await.code(), code);
    }
    let parcel = json!({"order_id": order, "location": "main"});
    let parcel = shop.done(post("/v1/fulfilments", &parcel)).await.id();
    let path = format!("/v1/fulfilments/{parcel}");
    let lost = || post(format!("{path}/lose"), &json!({"reason": "the van burnt out"}));
    assert_eq!(shop.send(lost()).await.code(), "fulfilment_wrong_state");
    for step in ["pack", "ship"] {
        shop.done(post(format!("{path}/{step}"), &json!({}))).await;
    }
    shop.done(lost()).await;
    let story = shop.history(&format!("order-{order}")).await;
    assert_eq!(story[story.len() - 2..], ["order.fulfilment_closed", "order.cancelled"]);
    // It turns up at the carrier's.
    shop.done(post(format!("{path}/return"), &json!({"location": "main"}))).await;
    assert_eq!(shop.history("stock-TOTE").await.last().unwrap(), "stock.received");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_lost_parcel_turns_up_at_the_customers(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, _) = shop.confirmed("TOTE", 1).await;
    let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    let path = format!("/v1/fulfilments/{parcel}");
    for step in ["pack", "ship"] {
        shop.done(post(format!("{path}/{step}"), &json!({}))).await;
    }
    shop.done(post(format!("{path}/lose"), &json!({"reason": "not at the depot"}))).await;
    shop.done(post(format!("{path}/deliver"), &json!({}))).await;
    let story = shop.history(&format!("order-{order}")).await;
    let end = ["order.cancelled", "order.fulfilment_closed", "order.completed"];
    assert_eq!(story[story.len() - 3..], end);
}

#[sqlx::test(migrations = "../migrations")]
async fn some_of_a_parcel_is_taken_at_the_door(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, _) = shop.confirmed("TOTE", 3).await;
    let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    let path = format!("/v1/fulfilments/{parcel}");
    for step in ["pack", "ship"] {
        shop.done(post(format!("{path}/{step}"), &json!({}))).await;
    }
    let some = |units| json!({"lines": [{"sku": "TOTE", "quantity": units}]});
    let deliver = || format!("{path}/deliver");
    // Sent twice it would be done twice.
    let bare = shop.send(post(deliver(), &some(2))).await;
    assert_eq!(bare.code(), "idempotency_key_required");
    let too_many = shop.send(keyed(deliver(), &some(4))).await;
    assert_eq!((too_many.status, too_many.code()), (StatusCode::CONFLICT, "not_in_fulfilment"));
    assert_eq!(too_many.body["lines"], json!([{"sku": "TOTE", "wanted": 4, "left": 3}]));
    shop.done(keyed(deliver(), &some(2))).await;
    shop.done(post(format!("{path}/return"), &json!({}))).await;
    let back = shop.payload("stock-TOTE", "stock.received").await;
    assert_eq!((&back["location"], &back["quantity"]), (&json!("returns"), &json!(1)));
    let history = shop.history(&format!("order-{order}")).await;
    let end = ["order.units_delivered", "order.fulfilment_closed", "order.completed"];
    assert_eq!(history[history.len() - 3..], end);
}

#[sqlx::test(migrations = "../migrations")]
async fn all_that_cannot_leave_is_named(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 5).await;
    let cart = shop.fill("TOTE", 2).await;
    shop.sell("PURSE", 5).await;
    let purse = json!({"sku": "PURSE", "quantity": 1});
    shop.done(post(format!("/v1/carts/{cart}/lines"), &purse)).await;
    let order = shop.done(keyed(format!("/v1/carts/{cart}/checkout"), &json!({}))).await.id();
    let pay = json!({"order_id": order, "method": "cash_on_delivery"});
    shop.done(keyed("/v1/payments", &pay)).await;
    let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    shop.done(post(format!("/v1/fulfilments/{parcel}/pack"), &json!({}))).await;
    for sku in ["TOTE", "PURSE"] {
        let none = json!({"location": "main", "on_hand": 0});
        shop.done(keyed(format!("/v1/stock/{sku}/count"), &none)).await;
    }
    let refused = shop.send(post(format!("/v1/fulfilments/{parcel}/ship"), &json!({}))).await;
    assert_eq!(refused.code(), "stock_not_there");
    let skus = refused.body["skus"].as_array().unwrap();
    let told: Vec<_> =
        skus.iter().map(|of| (&of["sku"], &of["code"], &of["on_hand"], &of["wanted"])).collect();
    let (code, none) = (json!("stock_not_there"), json!(0));
    let (purse, tote) = (json!("PURSE"), json!("TOTE"));
    assert_eq!(told, [(&purse, &code, &none, &json!(1)), (&tote, &code, &none, &json!(2))]);
}
