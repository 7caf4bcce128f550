//! Anything at all, sent to every route: never a 5xx, and never a refusal without a code.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request};
use chrono::{DateTime, TimeDelta};
use command_api::batch::ask;
use command_api::routes::{self, Address, Edge};
use identity::Principal;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::shop::Shop;

/// Requests to each route.
const CASES: usize = 40;

/// Words that bodies are likely to be read for, so that some get beyond the first check.
const WORDS: [&str; 29] = [
    "id",
    "sku",
    "quantity",
    "currency",
    "customer_id",
    "order_id",
    "method",
    "token",
    "amount",
    "reason",
    "location",
    "delta",
    "title",
    "category",
    "attributes",
    "media",
    "variants",
    "prices",
    "options",
    "lines",
    "carrier",
    "description",
    "capture",
    "gateway",
    "request",
    "outcome",
    "note",
    "address_id",
    "written_off",
];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0..5_u32).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(
            &["EUR", "TOTE", "main", "card", "19.99", "cash_on_delivery", "done"][..]
        )
        .prop_map(Value::from),
        Just(json!("0192f0c1-2345-7000-8000-000000000001")),
        Just(json!({"amount": "19.99", "currency": "EUR"})),
    ]
}

fn document() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 24, 6, |inner| {
        let name = prop_oneof![
            4 => prop::sample::select(&WORDS[..]).prop_map(str::to_owned),
            1 => any::<String>(),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => document().prop_map(|document| document.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
        1 => Just(Vec::new()),
    ]
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("0192f0c1-2345-7000-8000-000000000001".to_owned()),
        Just("TOTE".to_owned()),
        "[a-zA-Z0-9_.~%!$&'()*+,;=:@-]{1,40}",
        prop::collection::vec(any::<u8>(), 1..20)
            .prop_map(|bytes| bytes.iter().fold(String::new(), |all, b| format!("{all}%{b:02x}"))),
    ]
}

fn headers() -> impl Strategy<Value = Vec<(HeaderName, HeaderValue)>> {
    let name = prop::sample::select(
        &["idempotency-key", "if-match", "x-request-id", "traceparent", "content-type"][..],
    )
    .prop_map(HeaderName::from_static);
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        Just(b"\"3\"".to_vec()),
        Just(b"key".to_vec()),
        Just(b"application/json".to_vec()),
    ]
    .prop_filter_map("not a header value", |bytes| HeaderValue::from_bytes(&bytes).ok());
    prop::collection::vec((name, value), 0..4)
}

/// Bodies to each route, of which most are refused.
const BODIES: usize = 500;

#[test]
fn a_batch_takes_what_http_takes() {
    let edge = Edge {
        request_id: Uuid::nil(),
        trace: None,
        now: DateTime::UNIX_EPOCH,
        reservation: TimeDelta::minutes(15),
        payments: std::sync::Arc::default(),
        kept: TimeDelta::days(30),
        principal: Principal::ANYONE,
        was_guest: None,
        key: None,
    };
    let mut runner = TestRunner::default();
    let mut taken = 0;
    for route in routes::all() {
        for _ in 0..BODIES {
            let mut draw =
                |strategy: BoxedStrategy<Value>| strategy.new_tree(&mut runner).unwrap().current();
            let Value::Object(mut data) = draw(document().boxed()) else { continue };
            let id = draw(prop_oneof![leaf(), Just(json!(Uuid::nil()))].boxed());
            let sku = if route.has_sku() { data.remove("sku") } else { None };
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let id = text(&id).filter(|_| route.has_id());
            let address = Address { id: id.clone(), sku: sku.as_ref().and_then(text) };
            let body = Value::from(data.clone()).to_string();
            let http = route.parse(&address, body.as_bytes(), &edge);

            data.extend(sku.map(|sku| ("sku".to_owned(), sku)));
            let line = json!({ "command": route.name, "key": "k", "id": id, "data": data });
            let batch = ask::prepare(line.to_string().as_bytes(), &edge, None);
            assert_eq!(http.is_ok(), batch.is_ok(), "{line}: {http:?}");
            taken += u32::from(http.is_ok());
            if let Err(refused) = batch {
                assert!((400..500).contains(&refused.status), "{line}: {refused:?}");
                assert!(refused.problem["code"].is_string(), "{line}: {refused:?}");
            }
        }
    }
    assert!(taken > 100, "nearly all was refused: {taken} taken");
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_breaks_the_routes(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 5).await;
    let mut runner = TestRunner::default();
    let mut draw =
        |strategy: &BoxedStrategy<Case>| strategy.new_tree(&mut runner).unwrap().current();
    let case = (segment(), segment(), body(), headers(), any::<bool>())
        .prop_map(|(id, sku, body, headers, json)| Case { id, sku, body, headers, json })
        .boxed();
    let batch = (Method::POST, "/v1/batch");
    let commands = routes::all().map(|route| (route.method.clone(), route.path));
    for (method, path) in commands.chain([batch]) {
        for _ in 0..CASES {
            let case = draw(&case);
            let told = format!("{method} {path} {case:?}");
            let Some(request) = case.into_request(&method, path) else { continue };
            let answer = shop.request(request).await;
            assert!(!answer.status.is_server_error(), "{told}: {answer:?}");
            assert!(answer.status.is_success() || !answer.code().is_empty(), "{told}");
        }
    }
}

#[derive(Clone, Debug)]
struct Case {
    id: String,
    sku: String,
    body: Vec<u8>,
    headers: Vec<(HeaderName, HeaderValue)>,
    json: bool,
}

impl Case {
    fn into_request(self, method: &Method, path: &str) -> Option<Request<Body>> {
        let batch = path == "/v1/batch";
        let path = path.replace("{id}", &self.id).replace("{sku}", &self.sku);
        let mut request = Request::builder().method(method).uri(path);
        if self.json {
            let media_type = if batch { "application/x-ndjson" } else { "application/json" };
            request = request.header("content-type", media_type);
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        // Some segments are no URI at all: a server never sees those.
        request.body(Body::from(self.body)).ok()
    }
}
