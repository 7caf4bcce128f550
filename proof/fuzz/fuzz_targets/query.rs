//! A request to the reading side, up to where a read model would be asked: the parameters of every
//! list, of search and of the log, and the headers that reads take.

#![no_main]

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Request, StatusCode, Uri};
use fuzz::check_refusal;
use libfuzzer_sys::fuzz_target;
use query_api::document::{self, Stored, Tag};
use query_api::fresh::{Fresh, Prefer, WAIT_MAX};
use query_api::listing::link;
use query_api::one::One;
use query_api::resources::{
    event, fulfilment, location, order, payment, product, projection, return_, sales, stock, stream,
};
use query_api::search::request::{
    DEPTH_MAX, FILTERS_MAX, Parameters, QUERY_CHARACTERS_MAX, Question,
};
use serde::de::DeserializeOwned;
use service::config::Secret;
use service::{auth, extract};
use tokio::time::Instant;

fuzz_target!(|data: &[u8]| {
    let Some(request) = fuzz::request(data) else { return };
    let (mut parts, _) = Request::<Body>::into_parts(request);
    check_headers(&mut parts);
    let uri = &parts.uri;
    match uri.path() {
        "/v1/products" => check_list::<product::Products>(uri),
        "/v1/orders" => check_list::<order::Orders>(uri),
        "/v1/payments" => check_list::<payment::Payments>(uri),
        "/v1/fulfilments" => check_list::<fulfilment::Fulfilments>(uri),
        "/v1/returns" => check_list::<return_::Returns>(uri),
        "/v1/locations" => check_list::<location::Locations>(uri),
        "/v1/stock" => check_list::<stock::Stocks>(uri),
        "/v1/sales" => check_list::<sales::Sales>(uri),
        "/v1/search" => check_search(uri),
        "/v1/events" => drop(parse::<event::Parameters>(uri)),
        "/v1/streams" => drop(parse::<stream::Parameters>(uri)),
        "/v1/projections" => drop(parse::<projection::Nothing>(uri)),
        _ => drop(parse::<One>(uri)),
    }
});

fn parse<T: DeserializeOwned>(uri: &Uri) -> Option<T> {
    extract::parse(uri.query().unwrap_or_default()).inspect_err(check_refusal).ok()
}

/// A list that was asked for properly links to a next page that can be asked for.
fn check_list<T: DeserializeOwned>(uri: &Uri) {
    if parse::<T>(uri).is_none() {
        return;
    }
    let Some(link) = link(uri, "cursor", "next") else { return };
    let link = link.to_str().expect("a link is text");
    let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
    let next: Uri = next.expect("a target and its relation").parse().expect("an address");
    assert_eq!(next.path(), uri.path());
    if next.query().unwrap_or_default().len() <= extract::QUERY_BYTES_MAX {
        assert!(parse::<T>(&next).is_some(), "{next}");
    }
}

fn check_search(uri: &Uri) {
    let Some(parameters) = parse::<Parameters>(uri) else { return };
    match Question::try_from(parameters) {
        Err(problem) => check_refusal(&problem),
        Ok(question) => {
            assert!(question.words.chars().count() <= QUERY_CHARACTERS_MAX);
            assert!(question.offset() + question.limit <= DEPTH_MAX);
            assert!(question.categories.len() + question.brands.len() <= FILTERS_MAX);
        }
    }
}

fn check_headers(parts: &mut Parts) {
    let prefer = fuzz::run(Prefer::from_request_parts(parts, &()));
    let Ok(prefer) = prefer;
    let fresh = Fresh::new(Some(1), prefer);
    assert!(fresh.until <= Instant::now() + WAIT_MAX);
    let _ = fresh.applied();

    let is_allowed = auth::is_allowed(&parts.headers, &Secret::from("s3cret"));
    let given = parts.headers.get("authorization").map(|value| value.as_bytes());
    assert!(!is_allowed || given.is_some_and(|given| given.ends_with(b" s3cret")));

    let tag = Tag { version: 3, position: Some(17), build: None, digest: Some(5) };
    let stored = Stored { document: "{}".to_owned(), tag };
    let status = document::respond(&parts.headers, "order", Some(stored)).status();
    assert!(matches!(status, StatusCode::OK | StatusCode::NOT_MODIFIED));
}
