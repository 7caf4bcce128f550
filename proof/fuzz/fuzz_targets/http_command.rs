//! A request to any route that takes commands, up to where the log would be asked: path, headers,
//! body. The same command in a batch must come to the same.

#![no_main]

use std::sync::LazyLock;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use chrono::{DateTime, TimeDelta};
use command_api::batch::ask;
use command_api::command::{self, Prepared};
use command_api::headers::{Conditions, Expected, Tag};
use command_api::routes::{Address, Edge, Route, all};
use fuzz::{check_amounts, check_refusal};
use identity::Principal;
use kit::Shop;
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use service::Problem;
use service::request_id::RequestId;
use service::traced::Trace;
use tower::ServiceExt;
use uuid::Uuid;

/// What JSON takes for space: less than Unicode does.
const JSON_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    all().fold(Router::new(), |router, route| {
        let method = MethodFilter::try_from(route.method.clone()).expect("a common method");
        router.route(route.path, on(method, move |request| command(route, request)))
    })
});

fuzz_target!(|data: &[u8]| {
    if let Some(request) = fuzz::request(data) {
        let answered = fuzz::run(ROUTER.clone().oneshot(request));
        assert!(!answered.expect("a router never fails").status().is_server_error());
    }
});

async fn command(route: &'static Route, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let trace = Trace::of(&parts.headers);
    let (request_id, trace) = (RequestId::of(&parts.headers, trace).uuid(), trace.0);
    let (now, reservation, kept) =
        (DateTime::UNIX_EPOCH, TimeDelta::minutes(15), TimeDelta::days(30));
    let (payments, principal) = (std::sync::Arc::default(), Principal::ANYONE);
    let (was_guest, key) = (None, None);
    let edge =
        Edge { request_id, trace, now, reservation, kept, principal, was_guest, payments, key };
    let body = to_bytes(body, usize::MAX).await.expect("a body in memory");
    let (address, conditions) = match command_api::http::head(&mut parts).await {
        Ok(head) => head,
        Err(problem) => return refuse(problem),
    };
    let prepare = || command::prepare(route, &address, &body, conditions.clone(), &edge);
    let prepared = prepare();
    check_batch(route, &address, &body, &conditions, &edge, &prepared);
    match prepared {
        Err(problem) => refuse(problem),
        Ok(prepared) => {
            let again =
                prepare().unwrap_or_else(|problem| panic!("only the first time: {problem:?}"));
            assert_eq!(prepared.request.fingerprint, again.request.fingerprint);
            assert_eq!(prepared.request.key, conditions.key.map(|key| edge.principal.key(&key)));
            let command = prepared.request.command;
            check_amounts(&command);
            let mut shop = Shop::default();
            let _ = shop.ask(&command);
            shop.check_states();
            prepared.success.status.into_response()
        }
    }
}

fn refuse(problem: Problem) -> Response {
    check_refusal(&problem);
    problem.into_response()
}

/// The same as a line of a batch must be taken or refused alike.
fn check_batch(
    route: &Route,
    Address { id, sku }: &Address,
    body: &[u8],
    Conditions { key, expected, .. }: &Conditions,
    edge: &Edge,
    http: &Result<Prepared, Problem>,
) {
    // A line cannot say `If-Match: *`, and `null` is no data there.
    let if_match = match expected {
        Expected::Anything => None,
        Expected::Exists => return,
        Expected::Tag(Tag { version, second: None }) => Some(json!(version)),
        Expected::Tag(Tag { version, second: Some(second) }) => {
            Some(json!(format!("{version}.{second}")))
        }
    };
    let Ok(data) = str::from_utf8(body) else { return };
    if data.trim_matches(JSON_SPACE) == "null" {
        return;
    }
    let mut line = json!({ "command": route.name });
    for (name, value) in [("key", key), ("id", id)] {
        if let Some(value) = value {
            line[name] = json!(value);
        }
    }
    if let Some(if_match) = if_match {
        line["if_match"] = if_match;
    }
    let data = match sku {
        None if data.is_empty() => "{}".to_owned(),
        None => data.to_owned(),
        Some(sku) => match data.trim_start_matches(JSON_SPACE).strip_prefix('{') {
            None if data.is_empty() => format!(r#"{{"sku":{}}}"#, json!(sku)),
            Some(rest) if rest.trim_start_matches(JSON_SPACE).starts_with('}') => {
                format!(r#"{{"sku":{}{rest}"#, json!(sku))
            }
            Some(rest) => format!(r#"{{"sku":{},{rest}"#, json!(sku)),
            None => return,
        },
    };
    let line = line.to_string();
    let line = format!(r#"{},"data":{data}}}"#, line.strip_suffix('}').expect("an object"));
    let batch = ask::prepare(line.as_bytes(), edge, None);
    match (http, &batch) {
        (Ok(http), Ok(batch)) => {
            assert_eq!(named(http), named(batch), "{line}");
            assert_eq!(http.request.key, batch.request.key);
            assert_eq!(http.request.fingerprint, batch.request.fingerprint, "{line}");
            assert_eq!(http.request.expected, batch.request.expected);
            assert_eq!(http.read_at, batch.read_at);
        }
        (Err(_), Err(batch)) => assert!((400..500).contains(&batch.status), "{batch:?}"),
        (Ok(_), Err(batch)) => panic!("HTTP takes what a batch refuses: {line}: {batch:?}"),
        (Err(http), Ok(_)) => panic!("a batch takes what HTTP refuses: {line}: {http:?}"),
    }
}

/// The command without the ids that were made for it: those of version 7.
fn named(prepared: &Prepared) -> String {
    let told = format!("{:?}", prepared.request.command);
    let words = told.split(|c: char| !c.is_ascii_hexdigit() && c != '-');
    let is_new = |word: &&str| {
        word.parse::<Uuid>().is_ok_and(|id| id.get_version_num() == 7 && id.to_string() == **word)
    };
    words.filter(is_new).fold(told.clone(), |told, id| told.replace(id, "new"))
}
