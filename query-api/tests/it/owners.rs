//! Every route that shows a thing of somebody's, with two customers: each is let in to theirs, and
//! is told of the other's that there is none. A route of which nothing is said here fails.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use domain::CustomerId;
use identity::token::Subject;
use identity::{Access, Role};
use query_api::described;
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::access::put;
use crate::support::Asked;

/// A customer, with one thing of each kind.
struct Customer {
    id: Uuid,
    token: String,
    cart: Uuid,
    order: Uuid,
    payment: Uuid,
    parcel: Uuid,
    return_: Uuid,
}

impl Customer {
    async fn of(asked: &Asked, db: &PgPool) -> Self {
        let [id, cart, order, payment, parcel, return_] = std::array::from_fn(|_| Uuid::now_v7());
        let token = asked.token(Subject::Customer(CustomerId(id))).await;
        let of = |kind: &str, id: Uuid| format!("{kind}-{id}");
        let opened = json!({"currency": "EUR", "customer_id": id});
        let theirs = json!({ "customer_id": id });
        let part = json!({ "order_id": order });
        let head = asked
            .shop
            .append(&[
                (of("cart", cart), "cart.created", opened),
                (of("order", order), "order.placed", theirs),
                (of("payment", payment), "payment.created", part.clone()),
                (of("fulfilment", parcel), "fulfilment.created", part.clone()),
                (of("return", return_), "return.requested", part),
            ])
            .await;
        let shown = |id: Uuid| json!({"id": id, "version": 1, "position": head});
        let with = |mut document: Value, others: Value| {
            let others = others.as_object().unwrap().clone();
            document.as_object_mut().unwrap().extend(others);
            document
        };
        let owned = json!({ "customer_id": id });
        let bag = json!({"customer_id": id, "currency": "EUR", "status": "open", "lines": [],
                         "total": {"amount": "0.00", "currency": "EUR"}, "units": 0,
                         "created_at": "2026-01-01T00:00:00Z",
                         "updated_at": "2026-01-01T00:00:00Z"});
        let whole = json!({"customer_id": id, "payments": [], "fulfilments": [shown(parcel)],
                           "returns": [shown(return_)]});
        put(db, "carts_rows", cart, &with(shown(cart), bag)).await;
        put(db, "orders_rows", order, &with(shown(order), whole)).await;
        put(db, "payments_rows", payment, &with(shown(payment), owned)).await;
        Self { id, token, cart, order, payment, parcel, return_ }
    }

    /// Theirs, of what a route shows.
    fn thing(&self, path: &str) -> Uuid {
        match path {
            "/v1/carts/{id}" => self.cart,
            "/v1/orders/{id}"
            | "/v1/orders/{id}/live"
            | "/v1/orders/{id}/live/ws"
            | "/v1/orders/{id}/history" => self.order,
            "/v1/payments/{id}" => self.payment,
            "/v1/fulfilments/{id}" => self.parcel,
            "/v1/returns/{id}" => self.return_,
            other => panic!("{other} is of somebody, and is not tried here"),
        }
    }
}

/// How somebody is answered; what follows a stream does not end.
async fn answered(asked: &Asked, path: &str, who: &Customer) -> StatusCode {
    let ask = Request::get(path).header("authorization", &who.token).header("prefer", "wait=0");
    let ask = ask.body(Body::empty()).unwrap();
    asked.shop.router.clone().oneshot(ask).await.unwrap().status()
}

#[sqlx::test(migrations = "../migrations")]
async fn every_thing_is_shown_to_whose_it_is_alone(db: PgPool) {
    let asked = Asked::open(&db).await;
    let (ann, bob) = (Customer::of(&asked, &db).await, Customer::of(&asked, &db).await);
    let mut tried = 0;
    for (path, access) in query_api::accesses() {
        if !matches!(access, Access::Shopper | Access::ShopperOrAnalyst) || !path.contains("{id}") {
            continue;
        }
        for (theirs, other) in [(&ann, &bob), (&bob, &ann)] {
            let at = path.replace("{id}", &theirs.thing(path).to_string());
            // A WebSocket is asked for in words that no plain request has.
            let wanted =
                if path.ends_with("/ws") { StatusCode::UPGRADE_REQUIRED } else { StatusCode::OK };
            assert_eq!(answered(&asked, &at, theirs).await, wanted, "{at}");
            if wanted == StatusCode::OK {
                assert_eq!(answered(&asked, &at, other).await, StatusCode::NOT_FOUND, "{at}");
                let past = format!("{at}?as_of=0");
                assert_ne!(answered(&asked, &past, other).await, StatusCode::OK, "{past}");
            }
            tried += 1;
        }
    }
    assert!(tried >= 16, "{tried}");
}

/// What is not addressed by an id: lists, whatever of somebody else's is named in their filters.
#[sqlx::test(migrations = "../migrations")]
async fn every_list_shows_what_is_ones_own_alone(db: PgPool) {
    let asked = Asked::open(&db).await;
    let (ann, bob) = (Customer::of(&asked, &db).await, Customer::of(&asked, &db).await);
    for who in [&ann, &bob] {
        for (table, id) in [("fulfilments_rows", who.parcel), ("returns_rows", who.return_)] {
            let part = json!({"id": id, "order_id": who.order, "status": "packed"});
            put(&db, table, id, &part).await;
        }
    }
    let document = described::document();
    let (mut lists, mut tried) = (0, 0);
    for (path, access) in query_api::accesses() {
        let of_one = [Access::Shopper, Access::ShopperOrAnalyst, Access::SignedIn];
        if !of_one.contains(&access) || path.contains("{id}") {
            continue;
        }
        lists += 1;
        let own = |who: &Customer| [who.order, who.parcel, who.return_].map(|id| id.to_string());
        let shown = asked.get(path, Some(&ann.token)).await.text;
        assert!(own(&ann).iter().any(|id| shown.contains(id)), "{path}: {shown}");
        let mut queries = vec![String::new()];
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        for parameter in parameters.iter().filter(|it| it["schema"]["format"] == "uuid") {
            let name = parameter["name"].as_str().unwrap();
            let hers = own(&ann).into_iter().chain([ann.id.to_string()]);
            queries.extend(hers.map(|id| format!("?{name}={id}")));
        }
        for query in queries {
            let answer = asked.get(&format!("{path}{query}"), Some(&bob.token)).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}{query}");
            let hers = own(&ann).into_iter().chain([ann.id.to_string()]);
            assert!(hers.into_iter().all(|id| !answer.text.contains(&id)), "{path}{query}");
            tried += 1;
        }
    }
    assert!(lists >= 4 && tried >= 16, "{lists} {tried}");
}

/// A list of parcels or returns has those of a customer's orders, and all for who works here.
#[sqlx::test(migrations = "../migrations")]
async fn parts_of_orders_are_listed_to_whose_they_are(db: PgPool) {
    let asked = Asked::open(&db).await;
    let (ann, bob) = (Customer::of(&asked, &db).await, Customer::of(&asked, &db).await);
    let staff = asked.token(Subject::Member(Uuid::now_v7(), Role::Staff)).await;
    for (table, path, of_ann, of_bob, status) in [
        ("fulfilments_rows", "/v1/fulfilments", ann.parcel, bob.parcel, "packed"),
        ("returns_rows", "/v1/returns", ann.return_, bob.return_, "requested"),
    ] {
        for (id, order) in [(of_ann, ann.order), (of_bob, bob.order)] {
            let part = json!({"id": id, "order_id": order, "status": status});
            put(&db, table, id, &part).await;
        }
        let listed = async |query: &str, token: &String| {
            asked.get(&format!("{path}?sort=created_at{query}"), Some(token)).await.ids()
        };
        let (of_ann, of_bob) = (of_ann.to_string(), of_bob.to_string());
        let of_status = format!("&status={status}");
        for query in ["", of_status.as_str()] {
            assert_eq!(listed(query, &ann.token).await, [of_ann.as_str()], "{path}{query}");
            assert_eq!(listed(query, &bob.token).await, [of_bob.as_str()], "{path}{query}");
            assert_eq!(listed(query, &staff).await.len(), 2, "{path}{query}");
        }
        let of_order = format!("&order_id={}", ann.order);
        assert_eq!(listed(&of_order, &staff).await, [of_ann.as_str()]);
        assert_eq!(listed(&of_order, &bob.token).await, [] as [&str; 0]);
    }
}

/// A customer takes along all of theirs, in the order they were placed, and nobody else's.
#[sqlx::test(migrations = "../migrations")]
async fn a_customer_takes_their_orders_along(db: PgPool) {
    let asked = Asked::open(&db).await;
    let (ann, bob) = (Uuid::now_v7(), Uuid::now_v7());
    let mut placed = Vec::new();
    for n in 0..45 {
        let id = Uuid::now_v7();
        let owner = if n % 9 == 8 { bob } else { ann };
        let whole = json!({"id": id, "customer_id": owner, "payments": [{"amount": "1.00"}],
                           "returns": [], "fulfilments": []});
        put(&db, "orders_rows", id, &whole).await;
        if owner == ann {
            placed.push(whole);
        }
    }
    let taken = async |id: Uuid| {
        let token = asked.token(Subject::Customer(CustomerId(id))).await;
        let export = asked.get("/v1/people/me/orders", Some(&token)).await;
        assert_eq!(export.headers["content-type"], "application/x-ndjson");
        assert_eq!(export.headers["cache-control"], "no-store");
        let lines = export.text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect::<Vec<Value>>()
    };
    assert_eq!(taken(ann).await, placed);
    assert_eq!(taken(bob).await.len(), 5);
    assert_eq!(taken(Uuid::now_v7()).await, [Value::Null; 0]);
    let staff = asked.token(Subject::Member(ann, Role::Staff)).await;
    let none = asked.get("/v1/people/me/orders", Some(&staff)).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}
