//! Payments, up to what the gateway is asked; what it answers is recorded as the process does.

use axum::http::StatusCode;
use chrono::TimeDelta;
use command_api::App;
use command_api::paying::Payments;
use domain::payment::Verdict;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::shop::{Shop, authorized, keyed, open, post};

#[sqlx::test(migrations = "../migrations")]
async fn a_card_is_authorised_captured_and_refunded(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 2).await;
    let pay = json!({"order_id": order, "method": "card", "token": "tok_success"});
    let started = shop.send(keyed("/v1/payments", &pay)).await;
    // The gateway has yet to be asked.
    assert_eq!(started.status, StatusCode::ACCEPTED);
    let path = format!("/v1/payments/{}", started.id());
    assert_eq!(started.header("location"), Some(path.as_str()));
    let early = shop.send(keyed(format!("{path}/capture"), &json!({}))).await;
    assert_eq!((early.status, early.code()), (StatusCode::CONFLICT, "payment_request_in_flight"));
    shop.gateway(&started.id(), 1, authorized()).await;
    assert_eq!(shop.history(&format!("order-{order}")).await.last().unwrap(), "order.confirmed");

    let part = json!({"amount": {"amount": "10.00", "currency": "EUR"}});
    let captured = shop.send(keyed(format!("{path}/capture"), &part)).await;
    assert_eq!(captured.status, StatusCode::ACCEPTED);
    shop.gateway(&started.id(), 2, kit::was_captured()).await;

    let too_much = json!({"amount": {"amount": "30.00", "currency": "EUR"}});
    let refused = shop.send(keyed(format!("{path}/capture"), &too_much)).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "amount_too_large"));
    assert_eq!(refused.body["left"], json!({"amount": "29.98", "currency": "EUR"}));

    let refund = json!({"amount": {"amount": "4.00", "currency": "EUR"}, "reason": "scratched"});
    let refunded = shop.send(keyed(format!("{path}/refund"), &refund)).await;
    assert_eq!(refunded.status, StatusCode::ACCEPTED);
    let asked = shop.payload(&format!("payment-{}", started.id()), "payment.requested").await;
    assert_eq!((&asked["operation"], &asked["reason"]), (&json!("refund"), &json!("scratched")));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_card_is_voided_and_the_order_paid_otherwise(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, payment) = shop.card("TOTE", authorized()).await;
    let voided = shop.send(keyed(format!("/v1/payments/{payment}/void"), &json!({}))).await;
    assert_eq!(voided.status, StatusCode::ACCEPTED);
    let history = shop.history(&format!("payment-{payment}")).await;
    assert_eq!(history.last().unwrap(), "payment.requested");
    shop.gateway(&payment, 2, Verdict::Voided).await;
    let stream = format!("order-{order}");
    assert_eq!(shop.history(&stream).await.last().unwrap(), "order.unsecured");

    let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    let step = |step| post(format!("/v1/fulfilments/{parcel}/{step}"), &json!({}));
    shop.done(step("pack")).await;
    assert_eq!(shop.send(step("ship")).await.code(), "order_not_secured");
    let pay = json!({"order_id": order, "method": "cash_on_delivery"});
    shop.done(keyed("/v1/payments", &pay)).await;
    assert_eq!(shop.history(&stream).await.last().unwrap(), "order.secured");
    shop.done(step("ship")).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_card_that_needs_the_customer_is_asked_again(db: PgPool) {
    let shop = Shop::open(&db);
    let url = "https://bank.example/3ds".parse().unwrap();
    let bank = Verdict::ActionRequired { reference: "gw_1".parse().ok(), url };
    let (_, payment) = shop.card("TOTE", bank).await;
    let path = format!("/v1/payments/{payment}");
    let early = shop.send(keyed(format!("{path}/capture"), &json!({}))).await;
    assert_eq!((early.status, early.code()), (StatusCode::CONFLICT, "payment_wrong_state"));
    assert_eq!(early.body["state"], "requires_action");
    let again = shop.send(keyed(format!("{path}/complete-action"), &json!({}))).await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
}

#[sqlx::test(migrations = "../migrations")]
async fn cash_is_collected_and_handed_over(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 1).await;
    let pay = json!({"order_id": order, "method": "cash_on_delivery"});
    let started = shop.send(keyed("/v1/payments", &pay)).await;
    assert_eq!(started.status, StatusCode::CREATED);
    let path = format!("/v1/payments/{}", started.id());
    let early = shop.send(keyed(format!("{path}/remit"), &json!({}))).await;
    assert_eq!(early.code(), "payment_wrong_state");
    let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    for step in ["pack", "ship", "deliver"] {
        shop.done(post(format!("/v1/fulfilments/{parcel}/{step}"), &json!({}))).await;
    }
    let collected = shop.send(keyed(format!("{path}/collect"), &json!({}))).await;
    assert_eq!(collected.status, StatusCode::OK);
    let told = json!({"amount": "5.00", "currency": "EUR"});
    let body = json!({"amount": told, "reason": "the desk typed another"});
    let correct = || post(format!("{path}/correct-collection"), &body);
    assert_eq!(shop.send(correct()).await.code(), "idempotency_key_required");
    shop.done(correct().with("idempotency-key", "corrected-1")).await;
    let stream = format!("payment-{}", started.id());
    let corrected = shop.payload(&stream, "payment.collection_corrected").await;
    assert_eq!(corrected["amount"], told);
    shop.done(keyed(format!("{path}/remit"), &json!({}))).await;
    let remitted = shop.payload(&stream, "payment.remitted").await;
    assert_eq!(remitted["amount"], told);
    let less = json!({"amount": {"amount": "4.99", "currency": "EUR"}, "reason": "typed again"});
    let refused = shop.send(keyed(format!("{path}/correct-collection"), &less)).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "amount_too_small"));
    assert_eq!(refused.body["at_least"], told);
    let body = json!({"amount": less["amount"], "reason": "counted again"});
    let handed_over = || post(format!("{path}/correct-remittance"), &body);
    assert_eq!(shop.send(handed_over()).await.code(), "idempotency_key_required");
    shop.done(handed_over().with("idempotency-key", "corrected-2")).await;
    shop.done(keyed(format!("{path}/refund"), &json!({"amount": told}))).await;
    shop.done(keyed(format!("{path}/correct-refund"), &body)).await;
    let given_back = shop.payload(&stream, "payment.refund_corrected").await;
    assert_eq!((&given_back["before"], &given_back["amount"]), (&told, &less["amount"]));
    assert_eq!(
        shop.history(&stream).await,
        [
            "payment.created",
            "payment.collection_due",
            "payment.collected",
            "payment.collection_corrected",
            "payment.remitted",
            "payment.remittance_corrected",
            "payment.refunded",
            "payment.refund_corrected",
        ]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_method_and_its_token_go_together(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 1).await;
    let head = shop.head().await;
    let card = json!({"method": "card", "token": "tok_success"});
    let cash = json!({"method": "cash_on_delivery"});
    let with = |base: &Value, name: &str, value: &str| {
        let mut body = base.clone();
        body["order_id"] = json!(order);
        body[name] = json!(value);
        body
    };
    for (wrong, pointer) in [
        (json!({"order_id": order, "method": "card"}), "/token"),
        (with(&cash, "token", "tok_success"), "/token"),
        (with(&cash, "gateway", "sandbox"), "/gateway"),
        (with(&cash, "capture", "at_once"), "/capture"),
        (with(&cash, "return_url", "https://shop.example/"), "/return_url"),
        (with(&card, "gateway", "nobody"), "/gateway"),
        (with(&card, "capture", "some_day"), "/capture"),
        // A number that could be a card's must never come here.
        (with(&card, "token", "4242424242424242"), "/token"),
        (with(&card, "return_url", "https://shop.example/4242424242424242"), "/return_url"),
    ] {
        let refused = shop.send(keyed("/v1/payments", &wrong)).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "invalid_body"));
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{wrong}");
    }
    assert_eq!(shop.head().await, head);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_says_its_gateway_and_when_it_is_captured_or_the_settings_do(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 1).await;
    let pay = json!({"order_id": order, "method": "card", "token": "tok_success"});
    let payment = shop.done(keyed("/v1/payments", &pay)).await.id();
    let created = shop.payload(&format!("payment-{payment}"), "payment.created").await;
    let terms = (&created["gateway"], &created["capture"], &created["once"]);
    assert_eq!(terms, (&json!("sandbox"), &json!("at_shipment"), &json!(false)));

    // What is declined makes way for another.
    let declined = Verdict::Declined("insufficient funds".parse().unwrap());
    let early = shop.send(keyed("/v1/payments", &pay)).await;
    assert_eq!(early.code(), "payment_already_started");
    shop.gateway(&payment, 1, declined).await;
    let mut by_hand = pay.clone();
    by_hand["capture"] = json!("by_hand");
    by_hand["return_url"] = json!("https://shop.example/thanks");
    let payment = shop.done(keyed("/v1/payments", &by_hand)).await.id();
    let created = shop.payload(&format!("payment-{payment}"), "payment.created").await;
    assert_eq!(created["capture"], "by_hand");
    assert_eq!(created["return_url"], "https://shop.example/thanks");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payment_at_the_bank_is_given_up(db: PgPool) {
    let shop = Shop::open(&db);
    let url = "https://bank.example/3ds".parse().unwrap();
    let bank = Verdict::ActionRequired { reference: "gw_1".parse().ok(), url };
    let (order, payment) = shop.card("TOTE", bank).await;
    let abort = keyed(format!("/v1/payments/{payment}/abort"), &json!({}));
    // The gateway is to let go what it has begun.
    assert_eq!(shop.send(abort).await.status, StatusCode::ACCEPTED);
    shop.gateway(&payment, 2, Verdict::Voided).await;
    let history = shop.history(&format!("payment-{payment}")).await;
    assert_eq!(history.last().unwrap(), "payment.voided");
    let pay = json!({"order_id": order, "method": "cash_on_delivery"});
    shop.done(keyed("/v1/payments", &pay)).await;
    assert_eq!(shop.history(&format!("order-{order}")).await.last().unwrap(), "order.confirmed");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_person_says_what_became_of_a_lost_answer(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, payment) = shop.card("TOTE", Verdict::Unknown).await;
    let path = format!("/v1/payments/{payment}/resolve");
    let note = "seen in the gateway's dashboard";
    let unnamed = json!({"request": 1, "outcome": "done", "note": note});
    let refused = shop.send(keyed(&path, &unnamed)).await;
    assert_eq!(
        refused.code(),
        "payment_finding_incomplete",
        "an authorisation has a name and an end"
    );
    let both = json!({"request": 1, "outcome": "not_done", "reference": "gw_1", "note": note});
    assert_eq!(shop.send(keyed(&path, &both)).await.code(), "invalid_body");
    let found = json!({"request": 1, "outcome": "done", "reference": "gw_1",
                       "expires_at": "2036-01-01T00:00:00Z", "note": note});
    shop.done(keyed(&path, &found)).await;
    let history = shop.history(&format!("payment-{payment}")).await;
    assert_eq!(history[2..], ["payment.outcome_unknown", "payment.resolved", "payment.authorized"]);
    assert_eq!(shop.history(&format!("order-{order}")).await.last().unwrap(), "order.confirmed");
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_paid_or_counted_without_a_key(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, payment) = shop.card("TOTE", authorized()).await;
    let head = shop.head().await;
    let pay = json!({"order_id": order, "method": "card", "token": "tok_success"});
    let mut asks = vec![post("/v1/payments", &pay)];
    for verb in ["capture", "void", "refund", "complete-action", "collect", "remit", "abort"] {
        asks.push(post(format!("/v1/payments/{payment}/{verb}"), &json!({})));
    }
    let reason = json!({"reason": "would not pay"});
    asks.push(post(format!("/v1/payments/{payment}/uncollect"), &reason));
    let found = json!({"request": 1, "outcome": "not_done", "note": "asked the gateway"});
    asks.push(post(format!("/v1/payments/{payment}/resolve"), &found));
    let units = json!({"location": "main", "quantity": 1});
    asks.push(post("/v1/stock/TOTE/receive", &units));
    let counted = json!({"location": "main", "delta": 1, "reason": "counted"});
    asks.push(post("/v1/stock/TOTE/adjust", &counted));
    let cart = shop.fill("TOTE", 1).await;
    asks.push(post(format!("/v1/carts/{cart}/checkout"), &json!({})));
    let head = head.max(shop.head().await);
    for ask in asks {
        let refused = shop.send(ask).await;
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::BAD_REQUEST, "idempotency_key_required")
        );
    }
    assert_eq!(shop.head().await, head);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_pays_by_a_gateway_that_is_not_set_up(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 1).await;
    let payments = Payments { gateways: vec!["sandbox".parse().unwrap()], ..Payments::default() };
    let app = App::new(shop.writer.clone(), TimeDelta::minutes(15)).with_payments(payments);
    let only = Shop { router: open(&app), ..shop };
    let head = only.head().await;
    for pay in [
        json!({"order_id": order, "method": "paypal"}),
        json!({"order_id": order, "method": "card", "token": "pm_1", "gateway": "stripe"}),
    ] {
        let refused = only.send(keyed("/v1/payments", &pay)).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "invalid_body"));
        assert_eq!(refused.body["errors"][0]["pointer"], "/gateway");
    }
    assert_eq!(only.head().await, head);
    let sandbox = json!({"order_id": order, "method": "card", "token": "tok_success"});
    only.done(keyed("/v1/payments", &sandbox)).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_paid_and_given_back_outside_is_recorded(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 1).await;
    let pay = json!({"order_id": order, "method": "external"});
    let payment = shop.done(keyed("/v1/payments", &pay)).await.id();
    // By bank transfer, before anything was sent.
    shop.done(keyed(format!("/v1/payments/{payment}/collect"), &json!({}))).await;
    let (_, card) = shop.card("PURSE", authorized()).await;
    shop.done(keyed(format!("/v1/payments/{card}/capture"), &json!({}))).await;
    shop.gateway(&card, 2, kit::was_captured()).await;
    let by_hand = json!({"by_hand": true, "reason": "the card is closed"});
    shop.done(keyed(format!("/v1/payments/{card}/refund"), &by_hand)).await;
    let told = shop.payload(&format!("payment-{card}"), "payment.refunded").await;
    assert_eq!((&told["request"], &told["reason"]), (&json!(null), &json!("the card is closed")));
}

#[sqlx::test(migrations = "../migrations")]
async fn all_that_does_not_go_with_cash_is_told(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 1).await;
    let cash = json!({
        "order_id": order, "method": "cash_on_delivery", "token": "tok_1", "gateway": "sandbox",
        "capture": "at_once", "return_url": "https://shop.example/",
    });
    let refused = shop.send(keyed("/v1/payments", &cash)).await;
    let errors = refused.body["errors"].as_array().unwrap().iter();
    let pointers: Vec<&str> = errors.map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/gateway", "/token", "/capture", "/return_url"]);
}
