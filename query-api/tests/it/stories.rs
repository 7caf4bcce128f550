//! The story of an order and its past, as whose order it is sees them.

use axum::http::StatusCode;
use domain::{CustomerId, GuestId};
use identity::Role;
use identity::token::Subject;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::Asked;

/// What nobody but those who work here may read.
const SECRETS: [&str; 6] =
    ["sandbox", "tok_1", "ch_1", "depot", "a clerk's words", "shop.example/back"];

struct Ids {
    order: Uuid,
    payment: Uuid,
    parcel: Uuid,
    back: Uuid,
}

/// An order with all that may happen to one, of which some is the shop's own affair.
fn story(owner: &Value, ids: &Ids) -> Vec<(String, &'static str, Value)> {
    let Ids { order, payment, parcel, back } = ids;
    let money = json!({"amount": "19.99", "currency": "EUR"});
    let units = json!([{"sku": "TOTE", "quantity": 1}]);
    let note = "a clerk's words";
    let of_order = |kind, data| (format!("order-{order}"), kind, data);
    let of_payment = |kind, mut data: Value| {
        data["order_id"] = json!(order);
        (format!("payment-{payment}"), kind, data)
    };
    let of_parcel = |kind, mut data: Value| {
        data["order_id"] = json!(order);
        (format!("fulfilment-{parcel}"), kind, data)
    };
    let of_return = |kind, mut data: Value| {
        data["order_id"] = json!(order);
        (format!("return-{back}"), kind, data)
    };
    let mut placed = owner.clone();
    let line = json!({"sku": "TOTE", "product_id": Uuid::nil(), "title": "Tote", "quantity": 1,
                      "unit_price": money, "total": money});
    placed["lines"] = json!([line]);
    placed["total"] = money.clone();
    placed["reserved_until"] = json!("2026-01-01T00:00:00Z");
    let mut created = owner.clone();
    let more = json!({"method": "card", "gateway": "sandbox", "amount": money, "token": "tok_1",
                      "return_url": "https://shop.example/back"});
    created.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let arrival = json!([{"sku": "TOTE", "quantity": 1, "location": "depot"}]);
    vec![
        of_order("order.placed", placed),
        of_payment("payment.created", created),
        of_order("order.payment_started", json!({"payment_id": payment, "method": "card"})),
        of_payment(
            "payment.requested",
            json!({"operation": "authorize", "amount": money, "request": 1}),
        ),
        of_payment(
            "payment.authorized",
            json!({"request": 1, "amount": money, "reference": "ch_1",
                   "expires_at": "2026-01-08T00:00:00Z"}),
        ),
        of_order("order.fulfilment_planned", json!({"fulfilment_id": parcel, "lines": units})),
        of_parcel("fulfilment.created", json!({"lines": units, "location": "depot"})),
        of_parcel("fulfilment.shipped", json!({"carrier": "Post", "tracking": "T-1"})),
        of_parcel("fulfilment.tracking_set", json!({"carrier": "Post", "tracking": "T-2"})),
        of_parcel("fulfilment.delivery_failed", json!({"reason": note})),
        of_order("order.return_opened", json!({"return_id": back, "lines": units})),
        of_return("return.requested", json!({"lines": units, "reason": note})),
        of_return(
            "return.received",
            json!({"lines": arrival, "withheld": {"amount": money, "reason": note}}),
        ),
        of_payment("payment.resolved", json!({"request": 1, "note": note})),
        of_order("order.note_added", json!({"note": note})),
    ]
}

#[sqlx::test(migrations = "../migrations")]
async fn an_owner_sees_what_happened_to_their_order_and_nothing_of_the_shop_s(db: PgPool) {
    let asked = Asked::open(&db).await;
    let (customer_id, guest_id) = (Uuid::now_v7(), Uuid::now_v7());
    let customer = asked.token(Subject::Customer(CustomerId(customer_id))).await;
    let guest = asked.token(Subject::Guest(GuestId(guest_id))).await;
    let staff = asked.token(Subject::Member(Uuid::now_v7(), Role::Staff)).await;
    let another = asked.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await;
    let owners = [
        (json!({"customer_id": customer_id}), &customer, &guest),
        (json!({"guest_id": guest_id}), &guest, &customer),
    ];
    for (owner, theirs, not_theirs) in &owners {
        let [order, payment, parcel, back] = [(); 4].map(|()| Uuid::now_v7());
        let all = story(owner, &Ids { order, payment, parcel, back });
        asked.shop.append(&all).await;
        let path = format!("/v1/orders/{order}/history");
        let whole = asked.get(&path, Some(&staff)).await.json();
        assert_eq!(whole["items"].as_array().unwrap().len(), all.len());
        assert_eq!(whole["items"][1]["data"]["token"], "tok_1");
        assert!(whole["items"][1]["metadata"].is_object());

        let told = asked.get(&path, Some(theirs)).await;
        for secret in SECRETS.iter().chain(&["metadata", "recorded_at", "command", "test"]) {
            assert!(!told.text.contains(secret), "{secret}: {}", told.text);
        }
        let items = told.json()["items"].as_array().unwrap().clone();
        let kinds: Vec<&str> = items.iter().map(|item| item["type"].as_str().unwrap()).collect();
        let untold = ["payment.requested", "payment.resolved", "order.note_added"];
        let wanted = all.iter().map(|(_, kind, _)| *kind).filter(|kind| !untold.contains(kind));
        assert_eq!(kinds, wanted.collect::<Vec<_>>());
        assert_eq!(items[0]["data"]["lines"][0]["title"], "Tote");
        assert_eq!(
            items[1]["data"],
            json!({"method": "card", "amount":
            {"amount": "19.99", "currency": "EUR"}})
        );
        let shipped = items.iter().find(|item| item["type"] == "fulfilment.shipped").unwrap();
        assert_eq!(shipped["data"], json!({"carrier": "Post", "tracking": "T-1"}));
        let set = items.iter().find(|item| item["type"] == "fulfilment.tracking_set").unwrap();
        assert_eq!(set["data"], json!({"carrier": "Post", "tracking": "T-2"}));

        // In parts, none of which is short of what is not told.
        let mut next = format!("{path}?limit=3");
        let mut seen = Vec::new();
        loop {
            let part = asked.get(&next, Some(theirs)).await;
            let items = part.json()["items"].as_array().unwrap().clone();
            assert!(items.len() == 3 || part.json()["next"].is_null(), "{}", part.text);
            seen.extend(items);
            let Some(link) = part.headers.get("link") else { break };
            next = link.to_str().unwrap()[1..].split('>').next().unwrap().to_owned();
        }
        assert_eq!(seen, items);

        let absent = format!("/v1/orders/{}/history", Uuid::now_v7());
        for who in [*not_theirs, &another] {
            let hidden = asked.get(&path, Some(who)).await;
            let absent = asked.get(&absent, Some(who)).await;
            assert_eq!((hidden.status, hidden.json()), (StatusCode::NOT_FOUND, absent.json()));
        }
        assert_eq!(asked.get(&path, None).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_owner_sees_the_past_of_their_order_and_its_parts(db: PgPool) {
    let asked = Asked::open(&db).await;
    let customer_id = Uuid::now_v7();
    let customer = asked.token(Subject::Customer(CustomerId(customer_id))).await;
    let another = asked.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await;
    let staff = asked.token(Subject::Member(Uuid::now_v7(), Role::Staff)).await;
    let [order, payment, parcel, back] = [(); 4].map(|()| Uuid::now_v7());
    let owner = json!({"customer_id": customer_id});
    let head = asked.shop.append(&story(&owner, &Ids { order, payment, parcel, back })).await;
    let parts = [
        (format!("/v1/orders/{order}"), "status", "pending", 5),
        (format!("/v1/payments/{payment}"), "status", "authorized", 5),
        (format!("/v1/fulfilments/{parcel}"), "status", "shipped", 8),
        (format!("/v1/returns/{back}"), "status", "received", 13),
    ];
    for (path, member, value, position) in &parts {
        let then = format!("{path}?as_of={position}");
        let seen = asked.get(&then, Some(&customer)).await;
        assert_eq!((seen.status, &seen.json()[member]), (StatusCode::OK, &json!(value)), "{then}");
        assert_eq!(seen.headers["cache-control"], "private, no-cache");
        assert_eq!(asked.get(&then, Some(&staff)).await.text, seen.text);
        for point in [position.to_string(), "2100-01-01T00:00:00Z".into(), (head + 1).to_string()] {
            let past = format!("{path}?as_of={point}");
            let hidden = asked.get(&past, Some(&another)).await;
            assert_eq!((hidden.status, hidden.code()), (StatusCode::NOT_FOUND, "not_found".into()));
        }
        let before = asked.get(&format!("{path}?as_of=0"), Some(&customer)).await;
        assert_eq!(before.status, StatusCode::NOT_FOUND);
        // How far the log has come is not told.
        let ahead = asked.get(&format!("{path}?as_of=4711"), Some(&customer)).await;
        assert_eq!((ahead.code(), ahead.json().get("head")), ("as_of_ahead".into(), None));
        assert!(!ahead.json()["detail"].as_str().unwrap().contains(&head.to_string()));
    }
    // The past of what is not an order's is for those who work here.
    let cart = format!("/v1/carts/{}?as_of=1", Uuid::now_v7());
    assert_eq!(asked.get(&cart, Some(&customer)).await.status, StatusCode::FORBIDDEN);
}
