//! Who may call which read: every route, for everybody there is; and whose documents they see.

use axum::http::StatusCode;
use chrono::Utc;
use domain::{CustomerId, GuestId};
use identity::api_keys::ApiKeys;
use identity::principal::Member;
use identity::token::Subject;
use identity::{Principal, Role};
use serde_json::{Value, json};
use service::rates::{self, Rates};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Asked, SOON};

#[sqlx::test(migrations = "../migrations")]
async fn every_route_lets_in_whom_it_says_and_nobody_else(db: PgPool) {
    let asked = Asked::open(&db).await;
    let id = Uuid::now_v7();
    let mut everybody = vec![(Principal::Stranger, None)];
    for role in [Role::Staff, Role::Analyst, Role::Ops, Role::Service, Role::Owner] {
        let token = asked.token(Subject::Member(id, role)).await;
        everybody.push((Principal::Member(Member::Person(id), role), Some(token)));
    }
    let enrolling = asked.token(Subject::Enrolling(id)).await;
    everybody.push((Principal::Enrolling(id), Some(enrolling)));
    let (guest, customer) = (GuestId(id), CustomerId(id));
    everybody.push((Principal::Guest(guest), Some(asked.token(Subject::Guest(guest)).await)));
    let token = asked.token(Subject::Customer(customer)).await;
    everybody.push((Principal::Customer(customer), Some(token)));
    let keys = ApiKeys::new(db.clone());
    for role in [Role::Staff, Role::Analyst, Role::Ops, Role::Service] {
        let key = made_key(&keys, json!({"name": "a program", "role": role})).await;
        everybody.push((Principal::Member(Member::Key(id), role), Some(key)));
    }
    // One that is for something else is for none of them but that.
    let scoped = json!({"name": "a till", "role": "staff", "scopes": ["GET /v1/locations"]});
    let scoped = made_key(&keys, scoped).await;
    for (path, access) in query_api::accesses() {
        let id = if path.contains("streams") { "order" } else { "TOTE" };
        let path = path.replace("{sku}", "TOTE").replace("{code}", "main");
        let path = path.replace("{category}", id).replace("{id}", &Uuid::nil().to_string());
        // Of these a guest has none.
        let none = ["/v1/orders", "/v1/fulfilments", "/v1/returns"].contains(&&*path);
        for (principal, token) in &everybody {
            let wanted = match principal {
                Principal::Guest(_) if none => Some(StatusCode::FORBIDDEN),
                _ if access.permits(*principal) => None,
                Principal::Stranger => Some(StatusCode::UNAUTHORIZED),
                _ => Some(StatusCode::FORBIDDEN),
            };
            let status = asked.get(&path, token.as_ref()).await.status;
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
            assert_eq!(refused.then_some(status), wanted, "{path} for {principal:?}");
        }
        let is_for = path == "/v1/locations" || path == "/v1/locations/main";
        let status = asked.get(&path, Some(&scoped)).await.status;
        assert_eq!(status != StatusCode::FORBIDDEN, is_for, "{path}: {status}");
    }
}

async fn made_key(keys: &ApiKeys, wanted: Value) -> String {
    let made = keys.make(serde_json::from_value(wanted).unwrap(), Utc::now()).await;
    format!("Bearer {}", made.unwrap().unwrap().key)
}

/// A row of a read model as a projector would write it.
pub async fn put(db: &PgPool, table: &str, id: Uuid, document: &Value) {
    let columns = match table {
        "carts_rows" => ("status, customer_id", "'open', ($3->>'customer_id')::uuid"),
        "payments_rows" => {
            ("order_id, method, status, amount, currency", "$2, 'card', 'created', 1, 'EUR'")
        }
        "fulfilments_rows" | "returns_rows" => {
            ("order_id, status", "($3->>'order_id')::uuid, $3->>'status'")
        }
        _ => (
            "number, status, payment_status, fulfilment_status, customer_id, total, currency,
             units",
            "1, 'pending', 'none', 'unfulfilled', ($3->>'customer_id')::uuid, 1, 'EUR', 1",
        ),
    };
    let sql = format!(
        "INSERT INTO {table} (build, id, document, position, version, created_at, updated_at, {})
         SELECT 1, $1, $3, 1, 1, now(), now(), {}
         FROM (SELECT $2::uuid) unused",
        columns.0, columns.1,
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).bind(id).bind(document);
    row.execute(db).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn shoppers_see_what_is_theirs(db: PgPool) {
    let asked = Asked::open(&db).await;
    let (customer_id, guest_id) = (Uuid::now_v7(), Uuid::now_v7());
    let staff = asked.token(Subject::Member(Uuid::now_v7(), Role::Staff)).await;
    let analyst = asked.token(Subject::Member(Uuid::now_v7(), Role::Analyst)).await;
    let customer = asked.token(Subject::Customer(CustomerId(customer_id))).await;
    let guest = asked.token(Subject::Guest(GuestId(guest_id))).await;
    let others = [
        asked.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await,
        asked.token(Subject::Guest(GuestId(Uuid::now_v7()))).await,
    ];
    let owners = [
        (json!({"customer_id": customer_id}), &customer, &guest),
        (json!({"customer_id": null, "guest_id": guest_id}), &guest, &customer),
    ];
    for (table, path) in [("orders_rows", "orders"), ("payments_rows", "payments")] {
        for (owner, theirs, not_theirs) in &owners {
            let id = Uuid::now_v7();
            let mut document = owner.clone();
            document["id"] = json!(id);
            put(&db, table, id, &document).await;
            let path = format!("/v1/{path}/{id}");
            for who in [*theirs, &staff, &analyst] {
                let seen = asked.get(&path, Some(who)).await;
                assert_eq!((seen.status, seen.json()["id"].clone()), (StatusCode::OK, json!(id)));
                assert_eq!(seen.headers["cache-control"], "private, no-cache");
            }
            for who in others.iter().chain([*not_theirs]) {
                let hidden = asked.get(&path, Some(who)).await;
                // As what never was.
                let absent = path.replace(&id.to_string(), &Uuid::now_v7().to_string());
                let absent = asked.get(&absent, Some(who)).await;
                assert_eq!((hidden.status, hidden.json()), (StatusCode::NOT_FOUND, absent.json()));
                if table == "orders_rows" {
                    let live = asked.get(&format!("{path}/live"), Some(who)).await;
                    assert_eq!((live.status, live.json()), (StatusCode::NOT_FOUND, absent.json()));
                }
                // Nor is the past of it there, nor what happened to it.
                let past = asked.get(&format!("{path}?as_of=0"), Some(who)).await;
                assert_eq!((past.status, past.json()), (StatusCode::NOT_FOUND, absent.json()));
            }
            assert_eq!(asked.get(&path, None).await.status, StatusCode::UNAUTHORIZED);
        }
    }
    // A list has what is theirs, whatever is asked for.
    let mine = asked.get("/v1/orders", Some(&customer)).await.json();
    assert_eq!(mine["items"].as_array().unwrap().len(), 1);
    assert_eq!(mine["items"][0]["customer_id"], customer_id.to_string());
    assert_eq!(asked.get("/v1/orders", Some(&others[0])).await.json()["items"], json!([]));
    let theirs = format!("/v1/orders?customer_id={customer_id}");
    assert_eq!(asked.get(&theirs, Some(&others[0])).await.json()["items"], json!([]));
    assert_eq!(asked.get("/v1/orders", Some(&staff)).await.ids().len(), 2);
    // Who reads events sees what they are of, and finds nobody by name.
    assert_eq!(asked.get("/v1/orders", Some(&analyst)).await.ids().len(), 2);
    assert_eq!(asked.get("/v1/payments", Some(&analyst)).await.ids().len(), 2);
    let listed = asked.get("/v1/orders?name=Ann", Some(&analyst)).await;
    assert_eq!(listed.status, StatusCode::FORBIDDEN);
}

/// How far the log has come tells how much a shop sells.
#[sqlx::test(migrations = "../migrations")]
async fn shoppers_are_not_told_how_far_the_log_has_come(db: PgPool) {
    let asked = Asked::open(&db).await;
    asked.shop.log_reaches(4711).await;
    let customer = asked.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await;
    let path = format!("/v1/orders/{}?min_position=9000000000000000000", Uuid::now_v7());
    let told = asked.get(&path, Some(&customer)).await;
    assert!(!told.json().to_string().contains("4711"), "{}", told.json());
}

/// What is not theirs is not there, before anything of it is waited for or told; what is theirs is.
#[sqlx::test(migrations = "../migrations")]
async fn strangers_to_a_document_wait_for_nothing(db: PgPool) {
    let asked = Asked::open(&db).await;
    let shop = &asked.shop;
    let (owner_id, guest_id) = (Uuid::now_v7(), Uuid::now_v7());
    let owner = asked.token(Subject::Customer(CustomerId(owner_id))).await;
    let other = asked.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await;
    let guest = asked.token(Subject::Guest(GuestId(guest_id))).await;
    let staff = asked.token(Subject::Member(Uuid::now_v7(), Role::Staff)).await;
    let [shown, placed, cart, payment, given, paid] = std::array::from_fn(|_| Uuid::now_v7());
    let theirs = json!({"id": shown, "customer_id": owner_id});
    put(&db, "orders_rows", shown, &theirs).await;
    // Their cart was a guest's, which is all that its row knows yet.
    let opened = json!({"id": cart, "version": 1, "guest_id": guest_id, "customer_id": null});
    put(&db, "carts_rows", cart, &opened).await;
    let stream = |kind: &str, id: Uuid| format!("{kind}-{id}");
    let head = shop
        .append(&[
            (stream("order", shown), "order.placed", theirs),
            (stream("order", placed), "order.placed", json!({"customer_id": owner_id})),
            (stream("payment", payment), "payment.created", json!({"order_id": placed})),
            (stream("cart", cart), "cart.created", json!({"guest_id": guest_id})),
            (stream("cart", cart), "cart.assigned", json!({"customer_id": owner_id})),
            (stream("order", given), "order.placed", json!({"guest_id": guest_id})),
            (stream("payment", paid), "payment.created", json!({"order_id": given})),
            (stream("order", given), "order.assigned", json!({"customer_id": owner_id})),
        ])
        .await;
    let ask = async |path: &str, token: &String, wait: &str| {
        let headers = [("authorization", token.as_str()), ("prefer", wait)];
        let path = format!("/v1/{path}?min_position={head}");
        tokio::time::timeout(SOON, shop.ask(&path, &headers)).await.expect("it waits")
    };
    let [of_shown, of_placed] = [shown, placed].map(|id| format!("orders/{id}"));
    let (of_cart, of_payment) = (format!("carts/{cart}"), format!("payments/{payment}"));
    let (of_given, of_paid) = (format!("orders/{given}"), format!("payments/{paid}"));
    for path in [&of_shown, &of_placed, &of_cart, &of_payment, &of_given, &of_paid] {
        let hidden = ask(path, &other, "wait=30").await;
        assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{path}: {}", hidden.text);
        for token in [&owner, &staff] {
            let behind = ask(path, token, "wait=0").await;
            assert_eq!(behind.code(), "projection_behind", "{path}");
        }
    }
    // What was a guest's is theirs no more.
    for path in [&of_given, &of_paid] {
        assert_eq!(ask(path, &guest, "wait=30").await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let nobodys = ask(&format!("orders/{}", Uuid::now_v7()), &other, "wait=30").await;
    assert_eq!(nobodys.status, StatusCode::NOT_FOUND);
    // Nor is it told which stream is parked.
    shop.advance("orders", head).await;
    for id in [shown, placed] {
        shop.park("orders", &stream("order", id), 1).await;
    }
    for path in [&of_shown, &of_placed] {
        assert_eq!(ask(path, &other, "wait=30").await.status, StatusCode::NOT_FOUND, "{path}");
        for (token, is_told) in [(&owner, false), (&staff, true)] {
            let parked = ask(path, token, "wait=0").await;
            assert_eq!(parked.code(), "projection_behind", "{path}");
            assert_eq!(parked.json().get("parked").is_some(), is_told, "{}", parked.text);
        }
    }
}

/// A token that the guard found good has a share of its own; those that are made up have none.
#[sqlx::test(migrations = "../migrations")]
async fn only_tokens_that_are_good_are_callers_of_their_own(db: PgPool) {
    let mut asked = Asked::open(&db).await;
    let good = asked.token(Subject::Member(Uuid::now_v7(), Role::Staff)).await;
    let rates = Rates { usual: 1, ..Rates::default() };
    asked.shop.router = rates::limit(asked.shop.router.clone(), &rates, &[]);
    assert_eq!(asked.get("/v1/orders", Some(&good)).await.status, StatusCode::OK);
    let made_up = async || {
        let token = format!("Bearer {}", Uuid::now_v7());
        asked.get("/v1/orders", Some(&token)).await.status
    };
    let refused = async { while made_up().await != StatusCode::TOO_MANY_REQUESTS {} };
    tokio::time::timeout(SOON, refused).await.expect("they have one share together");
    assert_eq!(asked.get("/v1/orders", Some(&good)).await.status, StatusCode::OK);
}
