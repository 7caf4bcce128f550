//! The documents of the API and of the events: they are the committed ones, and the first knows
//! every route.

use query_api::{described, events};
use serde_json::Value;
use service::openapi::serve::text;
use sqlx::PgPool;

use crate::support::Shop;

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
