//! The document of the API: it is the committed one, it knows every route under every method, and
//! what it shows as an example is taken.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use command_api::described;
use command_api::routes::{self, Address, Edge};
use identity::Principal;
use serde_json::Value;
use service::openapi::serve::text;
use sqlx::PgPool;
use uuid::Uuid;

use crate::known::Known;
use crate::shop::ask;

const COMMITTED: &str = include_str!("../../../docs/api/command-api.openapi.json");
const READS: &str = include_str!("../../../docs/api/query-api.openapi.json");

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let made = text(&described::document());
    assert!(made == COMMITTED, "docs/api is old: run `cargo xtask api` and commit the result");
}

#[test]
fn keys_may_be_for_whatever_there_is() {
    let read: Value = serde_json::from_str(READS).unwrap();
    let all = [described::document(), read];
    let paths = all.iter().flat_map(|of| of["paths"].as_object().unwrap().keys());
    let words = paths.filter_map(|path| path.strip_prefix("/v1/")?.split('/').next());
    let words: BTreeSet<&str> = words.collect();
    assert!(words.into_iter().eq(command_api::RESOURCES.iter().copied()));
}

#[sqlx::test(migrations = "../migrations")]
async fn each_path_is_described_under_each_of_its_methods(db: PgPool) {
    let asked = Known::asking(&db);
    let document = described::document();
    let paths = document["paths"].as_object().unwrap();
    assert!(routes::all().all(|route| paths.contains_key(route.path)));
    for (path, methods) in paths {
        let place = path.replace("{id}", "0190d000-0000-7000-8000-00000000aaaa");
        let place = place.replace("{sku}", "TOTE").replace("{name}", "stripe");
        let answer = asked.shop.send(ask(Method::TRACE, place, "")).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = answer.header("allow").unwrap().split(',');
        let allowed: BTreeSet<String> =
            allowed.filter(|method| *method != "HEAD").map(str::to_ascii_lowercase).collect();
        let told: BTreeSet<String> = methods.as_object().unwrap().keys().cloned().collect();
        assert_eq!(told, allowed, "{path}");
    }
}

#[test]
fn each_command_says_what_it_does_and_shows_what_is_taken() {
    let document = described::document();
    let edge = Edge {
        request_id: Uuid::nil(),
        trace: None,
        now: "2026-01-31T12:00:00Z".parse().unwrap(),
        reservation: chrono::TimeDelta::minutes(15),
        kept: chrono::TimeDelta::days(30),
        principal: Principal::ANYONE,
        was_guest: None,
        key: None,
        payments: std::sync::Arc::default(),
    };
    for route in routes::all() {
        let method = route.method.as_str().to_ascii_lowercase();
        let told = &document["paths"][route.path][&method];
        assert_eq!(told["operationId"], route.name);
        assert!(!told["summary"].as_str().unwrap().is_empty(), "{} says nothing", route.name);
        let id = match route.kind() {
            "stock" => "TOTE".to_owned(),
            "location" => "main".to_owned(),
            _ => Uuid::nil().to_string(),
        };
        let address = Address { id: Some(id), sku: Some("TOTE".to_owned()) };
        let body = &told["requestBody"]["content"]["application/json"]["example"];
        let body = if *body == Value::Null { String::new() } else { body.to_string() };
        let taken = route.parse(&address, body.as_bytes(), &edge);
        assert!(taken.is_ok(), "{}: {body}: {:?}", route.name, taken.unwrap_err());
        let (_, is_new) = route.subject();
        assert_eq!(taken.unwrap().creates(), is_new, "{}", route.name);
    }
}

#[test]
fn no_two_types_have_the_same_name() {
    let document = described::document();
    let names = document["components"]["schemas"].as_object().unwrap().keys();
    let doubled: Vec<&String> = names.filter(|name| name.ends_with(char::is_numeric)).collect();
    assert!(doubled.is_empty(), "give them names by #[schemars(rename = …)]: {doubled:?}");
}

/// Each path that the document knows, and a program that is built for tests has no others, is in a
/// list that says who may call it: what `access` walks is all there is.
#[test]
fn every_path_says_who_may_call_it() {
    let mut walked: Vec<&str> = routes::all().map(|route| route.path).collect();
    walked.extend(identity::routes::all().iter().map(|(path, ..)| *path));
    walked.extend(command_api::sealed::all().iter().map(|(path, ..)| *path));
    walked.extend(webhook::routes::all().iter().map(|(_, path, ..)| *path));
    // The back office's, and what asks for a gateway's signature.
    walked.extend(["/v1/batch", "/v1/gateways/{name}/events"]);
    let document = described::document();
    let paths = document["paths"].as_object().unwrap();
    let others: Vec<_> = paths.keys().filter(|path| !walked.contains(&path.as_str())).collect();
    assert!(others.is_empty(), "{others:?}");
}
