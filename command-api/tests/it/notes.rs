//! What people write about an order lies sealed for whose it is, and no event has a word of it.

use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};
use domain::payment::Verdict;
use domain::{CustomerId, GuestId};
use identity::token::Subject;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::known::Known;
use crate::people::{everything, get};
use crate::shop::{Answer, Ask, keyed, post, put};

/// What stands in each text here.
const MARK: &str = "Xanthippe";

/// A customer's order of a tote, paid at the door.
async fn order(known: &Known, customer: &str) -> (String, String) {
    let address = known.address(customer).await;
    let cart = known.cart(customer).await;
    let order = known.check_out(customer, &cart, &address).await.id();
    let pay = json!({"order_id": order, "method": "cash_on_delivery"});
    let payment = known.done(customer, keyed("/v1/payments", &pay)).await.id();
    (order, payment)
}

/// Writes something into a command that is done; what the event has in its place.
async fn written(
    known: &Known,
    (who, path): (&str, &str),
    body: Value,
    (kind, pointer): (&str, &str),
) -> (String, Answer) {
    written_by(known, who, keyed(path, &body), (kind, pointer)).await
}

async fn written_by(
    known: &Known,
    who: &str,
    ask: Ask,
    (kind, pointer): (&str, &str),
) -> (String, Answer) {
    let answer = known.done(who, ask).await;
    let of_kind = "SELECT data::text FROM events WHERE type = $1 ORDER BY position DESC LIMIT 1";
    let data: String =
        sqlx::query_scalar(of_kind).bind(kind).fetch_one(&known.shop.db).await.unwrap();
    let data: Value = serde_json::from_str(&data).unwrap();
    let named = data.pointer(pointer).unwrap().as_str().unwrap();
    let id = named.strip_prefix("vault:").unwrap_or_else(|| panic!("{kind} is not sealed"));
    (id.to_owned(), answer)
}

#[sqlx::test(migrations = "../migrations")]
async fn what_people_write_is_sealed_for_whose_order_it_is(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let staff = known.staff().await;
    let customer_id = CustomerId(Uuid::now_v7());
    let customer = known.token(Subject::Customer(customer_id)).await;
    let other = known.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await;
    let why = |who: &str| json!({ "reason": format!("{MARK} {who}") });
    let mut ids = Vec::new();

    let (sent, payment) = order(&known, &customer).await;
    let parcel = known.done(&staff, post("/v1/fulfilments", &json!({"order_id": sent}))).await.id();
    for step in ["pack", "ship", "fail", "deliver"] {
        let path = format!("/v1/fulfilments/{parcel}/{step}");
        if step == "fail" {
            let at = ("fulfilment.delivery_failed", "/reason");
            ids.push(written(&known, (&staff, &path), why("was out"), at).await.0);
        } else {
            known.done(&staff, post(path, &json!({}))).await;
        }
    }
    let lines = json!([{"sku": "TOTE", "quantity": 1}]);
    let request = json!({"order_id": sent, "lines": lines, "reason": format!("{MARK} is tall")});
    let at = ("return.requested", "/reason");
    let (id, requested) = written(&known, (&customer, "/v1/returns"), request, at).await;
    ids.push(id);
    let reject = format!("/v1/returns/{}/reject", requested.id());
    let at = ("return.rejected", "/reason");
    let (id, rejected) = written(&known, (&staff, &reject), why("wore it"), at).await;
    // The same words again are the same note, and change nothing.
    let (again, same) = written(&known, (&staff, &reject), why("wore it"), at).await;
    assert_eq!((&again, same.body["version"].clone()), (&id, rejected.body["version"].clone()));
    ids.push(id);
    let uncollect = format!("/v1/payments/{payment}/uncollect");
    let at = ("payment.uncollected", "/reason");
    ids.push(written(&known, (&staff, &uncollect), why("has no money"), at).await.0);
    ids.extend(corrected(&known, &staff, &payment).await);

    let (off, payment) = order(&known, &customer).await;
    let abort = format!("/v1/payments/{payment}/abort");
    let at = ("payment.uncollected", "/reason");
    ids.push(written(&known, (&customer, &abort), why("pays by card"), at).await.0);
    let cancel = format!("/v1/orders/{off}/cancel");
    let at = ("order.cancelled", "/note");
    ids.push(written(&known, (&customer, &cancel), why("is in hospital"), at).await.0);

    assert!(!everything(&db).await.contains(MARK), "sealed before");
    for id in &ids {
        let path = format!("/v1/notes/{id}");
        for reader in [&customer, &staff] {
            let text = known.done(reader, get(&path)).await.body["text"].clone();
            assert!(text.as_str().unwrap().starts_with(MARK), "{text}");
        }
        let hidden = known.send(&other, get(&path)).await;
        let absent = known.send(&other, get(format!("/v1/notes/{}", Uuid::now_v7()))).await;
        assert_eq!((hidden.status, hidden.body), (StatusCode::NOT_FOUND, absent.body));
    }
    let export = known.done(&customer, get("/v1/people/me/export")).await.body;
    assert_eq!(export["notes"].as_array().unwrap().len(), ids.len());

    let (standing, _) = order(&known, &customer).await;
    let insisting = json!({"despite_open_orders": true});
    known.done(&customer, post("/v1/people/me/forget", &insisting)).await;
    for id in &ids {
        let gone = known.send(&staff, get(format!("/v1/notes/{id}"))).await;
        assert_eq!((gone.status, gone.code()), (StatusCode::GONE, "erased"));
    }
    // The shop goes on, and nothing that it says of them is kept.
    let cancel = format!("/v1/orders/{standing}/cancel");
    let at = ("order.cancelled", "/note");
    let (id, _) = written(&known, (&staff, &cancel), why("is gone"), at).await;
    let nothing = known.send(&staff, get(format!("/v1/notes/{id}"))).await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    assert!(!everything(&db).await.contains(MARK));
}

/// What is said of what was told wrongly of a payment in cash.
async fn corrected(known: &Known, staff: &str, payment: &str) -> [String; 4] {
    let path = |what: &str| format!("/v1/payments/{payment}/{what}");
    let euros = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    known.done(staff, keyed(path("collect"), &json!({"amount": euros("9.00")}))).await;
    known.done(staff, keyed(path("refund"), &json!({"amount": euros("2.00")}))).await;
    let to = |amount: &str, who: &str| {
        let reason = format!("{MARK} {who}");
        json!({"amount": euros(amount), "reason": reason})
    };
    let kept = json!({"amount": euros("1.00"), "reason": format!("{MARK} is the courier")});
    let remit = json!({"amount": euros("3.00"), "write_off": kept});
    let told = [
        ("remit", remit, ("payment.remitted", "/written_off/reason")),
        ("correct-remittance", to("4.00", "paid"), ("payment.remittance_corrected", "/reason")),
        ("correct-refund", to("1.00", "took it"), ("payment.refund_corrected", "/reason")),
        ("correct-collection", to("8.00", "had it"), ("payment.collection_corrected", "/reason")),
    ];
    let mut ids = Vec::new();
    for (what, body, at) in told {
        ids.push(written(known, (staff, &path(what)), body, at).await.0);
    }
    ids.try_into().expect("as many as were told")
}

/// Whose order it is by now, not who had placed it.
#[sqlx::test(migrations = "../migrations")]
async fn of_an_order_that_was_taken_along_it_is_about_the_customer(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let staff = known.staff().await;
    let customer_id = CustomerId(Uuid::now_v7());
    let customer = known.token(Subject::Customer(customer_id)).await;
    let guest = known.token(Subject::Guest(GuestId(Uuid::now_v7()))).await;
    let (taken, payment) = order(&known, &guest).await;
    let take = put(format!("/v1/orders/{taken}/customer"), &json!({"customer_id": customer_id}));
    known.done(&customer, take.with("guest-token", &guest)).await;
    let why = json!({"reason": format!("{MARK} has no money")});
    let uncollect = format!("/v1/payments/{payment}/uncollect");
    let at = ("payment.uncollected", "/reason");
    let (of_payment, _) = written(&known, (&staff, &uncollect), why.clone(), at).await;
    let cancel = format!("/v1/orders/{taken}/cancel");
    let at = ("order.cancelled", "/note");
    let (of_order, _) = written(&known, (&staff, &cancel), why, at).await;
    let export = known.done(&customer, get("/v1/people/me/export")).await.body;
    let named = |note: &Value| note["id"].as_str().unwrap().to_owned();
    let notes: Vec<String> = export["notes"].as_array().unwrap().iter().map(named).collect();
    let subject = "SELECT subject FROM vault_records WHERE id = $1";
    for id in [of_payment, of_order] {
        assert!(notes.contains(&id), "{export}");
        let about: Uuid = sqlx::query_scalar(subject)
            .bind(id.parse::<Uuid>().unwrap())
            .fetch_one(&db)
            .await
            .unwrap();
        assert_eq!(about, customer_id.0, "a key of the customer's own");
        let read = known.done(&customer, get(format!("/v1/notes/{id}"))).await;
        assert!(read.body["text"].as_str().unwrap().starts_with(MARK));
    }
}

/// What those who work here write for themselves goes with the person, who never sees it.
#[sqlx::test(migrations = "../migrations")]
async fn what_the_shop_writes_for_itself_is_no_shopper_s(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let staff = known.staff().await;
    let customer = known.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await;
    let (order, _) = order(&known, &customer).await;
    let notes = format!("/v1/orders/{order}/notes");
    let note = json!({ "note": format!("{MARK} called, will pick it up") });
    for who in [&customer, &known.token(Subject::Guest(GuestId(Uuid::now_v7()))).await] {
        let refused = known.send(who, keyed(&notes, &note)).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "forbidden"));
    }
    let unkeyed = known.send(&staff, post(&notes, &note)).await;
    assert_eq!(unkeyed.code(), "idempotency_key_required");
    let at = ("order.note_added", "/note");
    let (id, first) = written(&known, (&staff, &notes), note.clone(), at).await;
    // Who writes the same once more has two notes with the same words.
    let (again, second) = written(&known, (&staff, &notes), note, at).await;
    assert_eq!(again, id);
    assert!(second.body["version"].as_i64() > first.body["version"].as_i64());
    // A shopper who writes the same has a note of their own.
    let cancel = format!("/v1/orders/{order}/cancel");
    let why = json!({ "reason": format!("{MARK} called, will pick it up") });
    let at = ("order.cancelled", "/note");
    let (own, _) = written(&known, (&customer, &cancel), why, at).await;
    assert_ne!(own, id);

    let path = format!("/v1/notes/{id}");
    let read = known.done(&staff, get(&path)).await.body["text"].clone();
    assert_eq!(read, format!("{MARK} called, will pick it up"));
    let hidden = known.send(&customer, get(&path)).await;
    let absent = known.send(&customer, get(format!("/v1/notes/{}", Uuid::now_v7()))).await;
    assert_eq!((hidden.status, hidden.body), (StatusCode::NOT_FOUND, absent.body));
    known.done(&customer, get(format!("/v1/notes/{own}"))).await;
    let export = known.done(&customer, get("/v1/people/me/export")).await.body;
    assert_eq!(export["notes"].as_array().unwrap().len(), 1, "{export}");
    known.vault.let_go_of_unused(Utc::now() + TimeDelta::days(31)).await.unwrap();
    known.done(&staff, get(&path)).await;

    known.done(&customer, post("/v1/people/me/forget", &json!({}))).await;
    assert_eq!(known.send(&staff, get(&path)).await.code(), "erased");
    let hidden = known.send(&customer, get(&path)).await.status;
    assert!(hidden.is_client_error() && hidden != StatusCode::GONE, "{hidden}");
    // The shop goes on writing, and nothing of it is kept.
    let (late, _) = written(
        &known,
        (&staff, &notes),
        json!({"note": format!("{MARK} is gone")}),
        ("order.note_added", "/note"),
    )
    .await;
    assert_eq!(known.send(&staff, get(format!("/v1/notes/{late}"))).await.code(), "not_found");
    assert!(!everything(&db).await.contains(MARK));
}

/// What the engine says where nobody says anything is about nobody.
#[sqlx::test(migrations = "../migrations")]
async fn what_nobody_wrote_is_plain(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let staff = known.staff().await;
    let cart = known.cart(&staff).await;
    let order = known.done(&staff, keyed(format!("/v1/carts/{cart}/checkout"), &json!({}))).await;
    let pay = json!({"order_id": order.id(), "method": "cash_on_delivery"});
    let payment = known.done(&staff, keyed("/v1/payments", &pay)).await.id();
    known.done(&staff, keyed(format!("/v1/payments/{payment}/abort"), &json!({}))).await;
    let stream = format!("payment-{payment}");
    let given_up = known.shop.payload(&stream, "payment.uncollected").await;
    assert_eq!(given_up["reason"], "the customer gave it up");
    // Of an order that is nobody's it is about nobody: the shop reads it.
    let at = ("order.cancelled", "/note");
    let cancel = format!("/v1/orders/{}/cancel", order.id());
    let why = json!({"reason": "out of fashion"});
    let (id, _) = written(&known, (&staff, &cancel), why, at).await;
    let read = known.done(&staff, get(format!("/v1/notes/{id}"))).await;
    assert_eq!(read.body["text"], "out of fashion");
}

/// What was written into a command that was refused is kept for a retry and no longer.
#[sqlx::test(migrations = "../migrations")]
async fn what_no_event_names_is_swept(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let customer = known.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await;
    let (order, payment) = order(&known, &customer).await;
    let abort = format!("/v1/payments/{payment}/abort");
    known.done(&customer, keyed(abort, &json!({}))).await;
    let lines = json!([{"sku": "TOTE", "quantity": 1}]);
    let refuse = async |reason: &str| {
        let request = json!({"order_id": order, "lines": lines, "reason": reason});
        let refused = known.send(&customer, keyed("/v1/returns", &request)).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "nothing left the house: {refused:?}");
    };
    refuse("does not fit").await;
    refuse("another colour").await;
    // The same words about the same order, which an event names now, before and after.
    let cancel = format!("/v1/orders/{order}/cancel");
    let at = ("order.cancelled", "/note");
    let why = json!({"reason": "another colour"});
    let (id, _) = written(&known, (&customer, &cancel), why, at).await;
    refuse("another colour").await;
    let notes = async || -> Vec<Uuid> {
        let notes = "SELECT id FROM vault_records WHERE kind = 'note'";
        sqlx::query_scalar(notes).fetch_all(&db).await.unwrap()
    };
    known.vault.let_go_of_unused(Utc::now()).await.unwrap();
    assert_eq!(notes().await.len(), 2);
    known.vault.let_go_of_unused(Utc::now() + TimeDelta::days(31)).await.unwrap();
    assert_eq!(notes().await, [id.parse::<Uuid>().unwrap()]);
    let read = known.done(&customer, get(format!("/v1/notes/{id}"))).await;
    assert_eq!(read.body["text"], "another colour");
}

/// What is written where units and money are counted is as sealed as the rest.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_written_of_lines_and_money_is_sealed_too(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let staff = known.staff().await;
    let customer = known.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await;
    let other = known.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await;
    let guest = known.token(Subject::Guest(GuestId(Uuid::now_v7()))).await;
    let (address, cart) = (known.address(&customer).await, known.cart(&customer).await);
    let tote = json!({"sku": "TOTE", "quantity": 1});
    known.done(&customer, post(format!("/v1/carts/{cart}/lines"), &tote)).await;
    let order = known.check_out(&customer, &cart, &address).await.id();
    let mut ids = Vec::new();

    let line = json!({"quantity": 1, "reason": format!("{MARK} needs one")});
    let line = put(format!("/v1/orders/{order}/lines/TOTE"), &line);
    let at = ("order.units_cancelled", "/reason");
    ids.push(written_by(&known, &customer, line, at).await.0);
    let pay = json!({"order_id": order, "method": "card", "token": "tok_success"});
    let payment = known.done(&customer, keyed("/v1/payments", &pay)).await.id();
    known.shop.gateway(&payment, 1, Verdict::Unknown).await;
    let of_payment = |verb: &str| format!("/v1/payments/{payment}/{verb}");
    let found = json!({"request": 1, "outcome": "done", "reference": "gw_1",
                       "expires_at": "2036-01-01T00:00:00Z", "note": format!("{MARK} called")});
    let at = ("payment.resolved", "/note");
    ids.push(written(&known, (&staff, &of_payment("resolve")), found, at).await.0);

    let parcel = json!({ "order_id": order });
    let parcel = known.done(&staff, post("/v1/fulfilments", &parcel)).await.id();
    for step in ["pack", "ship", "deliver"] {
        let path = format!("/v1/fulfilments/{parcel}/{step}");
        known.done(&staff, post(path, &json!({}))).await;
    }
    known.shop.gateway(&payment, 2, kit::was_captured()).await;
    let request = json!({"order_id": order, "lines": [tote], "reason": format!("{MARK} grew")});
    let at = ("return.requested", "/reason");
    let (id, requested) = written(&known, (&customer, "/v1/returns"), request, at).await;
    ids.push(id);
    let of_return = |verb: &str| format!("/v1/returns/{}/{verb}", requested.id());
    known.done(&staff, post(of_return("approve"), &json!({}))).await;
    let withheld = json!({"amount": {"amount": "1.00", "currency": "EUR"},
                          "reason": format!("{MARK} wore it")});
    let arrived = json!({"sku": "TOTE", "quantity": 1, "location": "returns"});
    let arrived = json!({"lines": [arrived], "withheld": withheld});
    let at = ("return.received", "/withheld/reason");
    ids.push(written(&known, (&staff, &of_return("receive")), arrived, at).await.0);
    let arrived = json!([{"sku": "TOTE", "quantity": 1, "written_off": true}]);
    let arrived = json!({"lines": arrived, "reason": format!("{MARK} said so")});
    let at = ("return.receipt_corrected", "/reason");
    ids.push(written(&known, (&staff, &of_return("correct-receipt")), arrived, at).await.0);
    known.shop.gateway(&payment, 3, kit::was_refunded()).await;
    let refund = json!({"amount": {"amount": "0.50", "currency": "EUR"},
                        "reason": format!("{MARK} complained")});
    let at = ("payment.requested", "/reason");
    ids.push(written(&known, (&staff, &of_payment("refund")), refund, at).await.0);

    assert!(!everything(&db).await.contains(MARK), "sealed before");
    for id in &ids {
        let path = format!("/v1/notes/{id}");
        for reader in [&customer, &staff] {
            let text = known.done(reader, get(&path)).await.body["text"].clone();
            assert!(text.as_str().unwrap().starts_with(MARK), "{text}");
        }
        for reader in [&other, &guest] {
            assert_eq!(known.send(reader, get(&path)).await.status, StatusCode::NOT_FOUND);
        }
        assert_eq!(known.shop.send(get(&path)).await.status, StatusCode::UNAUTHORIZED);
    }
    known.done(&customer, post("/v1/people/me/forget", &json!({}))).await;
    for id in &ids {
        let path = format!("/v1/notes/{id}");
        assert_eq!(known.send(&staff, get(&path)).await.code(), "erased");
        assert!(known.send(&customer, get(&path)).await.status.is_client_error());
    }
}
