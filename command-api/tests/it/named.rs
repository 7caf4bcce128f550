//! What a shopper names outside of a path, in a body or a query, is theirs: every member and every
//! parameter that is an id, with one of somebody else's in it. One that is not tried here fails.

use std::collections::BTreeMap;

use axum::http::Method;
use command_api::described;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::known::Known;
use crate::owners::Customer;
use crate::people::address;
use crate::shop::{Ask, ask, keyed};

/// Routes that shoppers may call, and those who are none yet.
const OPEN: [&str; 5] = ["shopper", "shopper_or_analyst", "signed_in", "enrol", "anyone"];

/// A request of one's own, and what of somebody else's is put into its body or its query.
struct Named {
    path: String,
    body: Value,
    theirs: String,
}

/// The ids in a body, as far as they are members of it: no shopper names one further below.
fn ids(document: &Value, schema: &Value) -> Vec<String> {
    let name = schema["$ref"].as_str().and_then(|at| at.rsplit('/').next());
    let schema = name.map_or(schema, |name| &document["components"]["schemas"][name]);
    let is_id = |of: &Value| {
        let name = of["$ref"].as_str().and_then(|at| at.rsplit('/').next());
        name.map_or(of, |name| &document["components"]["schemas"][name])["format"] == "uuid"
    };
    let members = schema["properties"].as_object().into_iter().flatten();
    let ids = members.filter(|(_, of)| {
        is_id(of) || of["anyOf"].as_array().is_some_and(|any| any.iter().any(is_id))
    });
    ids.map(|(name, _)| name.clone()).collect()
}

/// The ids that a route is told outside of its path.
fn named(document: &Value, operation: &Value) -> Vec<String> {
    let mut named =
        ids(document, &operation["requestBody"]["content"]["application/json"]["schema"]);
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" && parameter["schema"]["format"] == "uuid" {
            named.push(format!("?{}", parameter["name"].as_str().unwrap()));
        }
    }
    named
}

impl Named {
    /// What `bob` asks of a route, where `member` is one of `ann`'s.
    async fn of(route: &str, member: &str, [ann, bob]: [&Customer; 2], known: &Known) -> Self {
        let order = async |who: &Customer| who.order(known).await;
        let cart = async |who: &Customer| known.cart(&who.token).await;
        let pay = |of: &str| json!({"order_id": of, "method": "card", "token": "tok_success"});
        let back = |of: &str| {
            json!({"order_id": of, "reason": "too small",
                   "lines": [{"sku": "TOTE", "quantity": 1}]})
        };
        let home = json!({ "address": address() });
        let (_, path) = route.split_once(' ').unwrap();
        let own = async |kind: &str| {
            let id = if kind == "cart" { cart(bob).await } else { order(bob).await };
            path.replace("{id}", &id)
        };
        let (path, body, theirs) = match (route, member) {
            ("get /v1/addresses", "?owner_id") => (path.into(), json!({}), ann.id.to_string()),
            ("post /v1/addresses", "id") => (path.into(), home, ann.address.clone()),
            ("post /v1/addresses", "owner_id") => (path.into(), home, ann.id.to_string()),
            ("post /v1/carts", "id") => (path.into(), json!({"currency": "EUR"}), cart(ann).await),
            ("post /v1/carts", "customer_id") => {
                (path.into(), json!({"currency": "EUR"}), ann.id.to_string())
            }
            ("post /v1/carts/{id}/checkout", "address_id") => {
                (own("cart").await, json!({}), ann.address.clone())
            }
            ("post /v1/carts/{id}/checkout", "order_id") => {
                (own("cart").await, json!({"address_id": bob.address}), order(ann).await)
            }
            ("put /v1/carts/{id}/customer", "customer_id") => {
                (own("cart").await, json!({}), ann.id.to_string())
            }
            ("post /v1/carts/{id}/merge", "from") => {
                (own("cart").await, json!({}), cart(ann).await)
            }
            ("put /v1/orders/{id}/address", "address_id") => {
                (own("order").await, json!({}), ann.address.clone())
            }
            ("put /v1/orders/{id}/customer", "customer_id") => {
                (own("order").await, json!({}), ann.id.to_string())
            }
            ("post /v1/payments", "id") => {
                (path.into(), pay(&order(bob).await), ann.payment(known).await)
            }
            ("post /v1/payments", "order_id") => (path.into(), pay(""), order(ann).await),
            ("post /v1/returns", "id") => {
                (path.into(), back(&order(bob).await), ann.back(known).await)
            }
            ("post /v1/returns", "order_id") => (path.into(), back(""), order(ann).await),
            other => panic!("{other:?} names somebody's thing, and is not tried here"),
        };
        Self { path, body, theirs }
    }

    fn ask(&self, method: &str, member: &str) -> Ask {
        let Self { path, body, theirs } = self;
        let method: Method = method.to_uppercase().parse().unwrap();
        if let Some(parameter) = member.strip_prefix('?') {
            return ask(method, format!("{path}?{parameter}={theirs}"), "");
        }
        let mut body = body.clone();
        body[member] = json!(theirs);
        let key = Uuid::now_v7().to_string();
        let asked = ask(method, path, body.to_string());
        // Addresses are no commands, and take no key.
        if path == "/v1/addresses" { asked } else { asked.with("idempotency-key", key) }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn whatever_is_named_is_for_whose_it_is(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let (ann, bob) = (Customer::of(&known).await, Customer::of(&known).await);
    let document = described::document();
    let mut tried = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if !operation["x-access"].as_str().is_some_and(|access| OPEN.contains(&access)) {
                continue;
            }
            for member in named(&document, operation) {
                let route = format!("{method} {path}");
                let named = Named::of(&route, &member, [&ann, &bob], &known).await;
                let before = known.shop.head().await;
                let answer = known.send(&bob.token, named.ask(method, &member)).await;
                let place = format!("{route} {member}");
                if method == "get" {
                    let shown = answer.body.to_string();
                    assert!(!shown.contains(&ann.address), "{place}: {shown}");
                } else {
                    assert!(answer.status.is_client_error(), "{place}: {answer:?}");
                    assert_eq!(known.shop.head().await, before, "{place}");
                }
                tried.insert(place, answer.status);
            }
        }
    }
    assert!(tried.len() >= 14, "{tried:?}");
    // What was hers is hers still.
    let pay =
        json!({"order_id": ann.order(&known).await, "method": "card", "token": "tok_success"});
    known.done(&ann.token, keyed("/v1/payments", &pay)).await;
}
