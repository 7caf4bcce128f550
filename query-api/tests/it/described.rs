//! The documents of the API and of the events: they are the committed ones, and the first knows
//! every route.

use axum::http::StatusCode;
use query_api::{described, events};
use serde_json::Value;
use service::openapi::serve::text;
use sqlx::PgPool;

use crate::support::Shop;

const NOT_ACCEPTABLE: StatusCode = StatusCode::NOT_ACCEPTABLE;

#[test]
fn the_committed_documents_are_those_that_are_served() {
    for (made, committed) in [
        (described::document(), include_str!("../../../docs/api/query-api.openapi.json")),
        (events::asyncapi(), include_str!("../../../docs/api/events.asyncapi.json")),
        (events::schemas(), include_str!("../../../docs/api/events.schema.json")),
    ] {
        let same = text(&made) == committed;
        assert!(same, "docs/api is old: run `cargo xtask api` and commit the result");
    }
}

#[test]
fn each_route_is_described_and_says_what_it_does() {
    let document = described::document();
    for (path, _) in query_api::accesses() {
        let told = &document["paths"][path]["get"];
        assert!(told["summary"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
    }
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), query_api::accesses().count());
}

#[test]
fn no_two_types_have_the_same_name() {
    for schemas in [
        &described::document()["components"]["schemas"],
        &events::schemas()["$defs"],
        &events::asyncapi()["components"]["schemas"],
    ] {
        let mut names = schemas.as_object().unwrap().keys();
        let doubled = names.find(|name| name.ends_with(char::is_numeric));
        assert_eq!(doubled, None, "give it a name by #[schemars(rename = …)]");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn documents_are_for_everybody(db: PgPool) {
    let shop = Shop::open(&db).await;
    for path in ["/openapi.json", events::SCHEMAS, events::ASYNCAPI] {
        let answer = shop.get(path).await;
        assert_eq!(answer.headers["content-type"], "application/json", "{path}");
        assert!(matches!(answer.json(), Value::Object(_)));
        let tag = answer.headers["etag"].to_str().unwrap();
        assert_eq!(shop.ask(path, &[("if-none-match", tag)]).await.status, 304);
    }
    let page = shop.get("/docs").await;
    assert!(page.text.contains("/v1/orders/{id}/history"));
    for foreign in ["<script", " src=", "href=\"http", "href=\"//"] {
        assert!(!page.text.contains(foreign), "it needs nobody else: {foreign}");
    }
}

/// What no route makes is refused on all that answer JSON alone; what browsers send is not.
#[sqlx::test(migrations = "../migrations")]
async fn who_takes_no_json_is_refused_where_there_is_nothing_else(db: PgPool) {
    let shop = Shop::open(&db).await;
    let document = described::document();
    let mut refused = 0;
    for (path, _) in query_api::accesses() {
        let ask = async |accept: &str| {
            let at = path.replace("{id}", "0190d000-0000-7000-8000-000000000201");
            let at = at.replace("{sku}", "TOTE").replace("{code}", "main");
            shop.ask(&at.replace("{category}", "order"), &[("accept", accept)]).await
        };
        let content = &document["paths"][path]["get"]["responses"]["200"]["content"];
        let is_json =
            content.as_object().is_some_and(|kinds| kinds.keys().eq(["application/json"]));
        if !is_json {
            continue;
        }
        refused += 1;
        let answer = ask("text/csv, text/html;q=0.5").await;
        assert_eq!((answer.status, answer.code()), (NOT_ACCEPTABLE, "not_acceptable".into()));
        for taken in ["text/html,application/xml;q=0.9,*/*;q=0.8", "application/json", "*/*"] {
            assert_ne!(ask(taken).await.status, NOT_ACCEPTABLE, "{path}: {taken}");
        }
    }
    assert!(refused > 15, "{refused}");
    let metrics = shop.ask("/metrics", &[("accept", "text/plain")]).await;
    assert_ne!(metrics.status, NOT_ACCEPTABLE);
}
