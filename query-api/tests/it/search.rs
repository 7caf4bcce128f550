//! Search: the same questions to Meilisearch and to Postgres, and the change between them.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use domain::view::search::Document;
use meilisearch_sdk::client::Client;
use query_api::search::postgres::SEARCHES_MAX;
use serde_json::{Value, json};
use service::config::Secret;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Answer, Shop, meilisearch};

fn document(n: u32, title: &str, brand: &str, euros: f64, in_stock: bool) -> Value {
    json!({
        "id": Uuid::from_u128(n.into()), "version": 1, "position": n, "status": "published",
        "title": title, "description": format!("A fine {title}"), "brand": brand,
        "category": ["Bags", title],
        "category_levels": {"lvl0": "Bags", "lvl1": format!("Bags > {title}")},
        "attributes": {"material": if n.is_multiple_of(2) { "leather" } else { "canvas" }, "made in": "PT"},
        "options": {"Size": ["M", "S"]}, "skus": [format!("SKU-{n}")],
        "price": {"EUR": euros}, "price_max": {"EUR": euros}, "in_stock": in_stock,
        "image": null, "variants": [], "created_at": "2026-01-01T00:00:00Z",
        "created_ts": 1_767_225_600_i64 + i64::from(n), "updated_at": "2026-01-01T00:00:00Z",
    })
}

fn catalogue() -> Vec<Value> {
    vec![
        document(1, "Tote", "Acme", 19.99, true),
        document(2, "Tote", "Ödland \"X\"", 49.5, false),
        document(3, "Clutch", "Acme", 99.0, true),
        document(4, "Satchel", "Acme", 150.0, true),
    ]
}

async fn fill_postgres(shop: &Shop, documents: &[Value]) {
    for document in documents {
        // The shape is the projector's, not an invention of this test.
        let known: Document = serde_json::from_value(document.clone()).unwrap();
        sqlx::query(
            "INSERT INTO search_documents_rows (build, id, document, position, version, listed,
                 in_stock, dirty, title, brand, category, words, created_at, updated_at) SELECT 1, $1, $2, $3, 1, true, $4, false,
                 $2->>'title', $2->>'brand', ARRAY(SELECT jsonb_array_elements_text($2->'category')),
                 to_tsvector('english', $2->>'title' || ' ' || ($2->>'description')),
                 to_timestamp($5::bigint), now()",
        )
        .bind(known.id.0)
        .bind(document)
        .bind(known.position)
        .bind(known.in_stock)
        .bind(known.created_ts)
        .execute(&shop.db)
        .await
        .unwrap();
    }
}

fn titles(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let hits = answer.json()["hits"].as_array().unwrap().clone();
    hits.iter().map(|hit| hit["title"].as_str().unwrap().to_owned()).collect()
}

/// Questions, and how many hits each has.
const QUESTIONS: [(&str, usize); 15] = [
    ("", 4),
    ("q=tote", 2),
    ("q=nothing+like+it", 0),
    ("category=Tote&category=Clutch", 3),
    ("category=Bags&brand=Acme", 3),
    ("brand=%C3%96dland+%22X%22", 1),
    ("attribute=material:leather", 2),
    ("attribute=material:leather&attribute=material:canvas&attribute=made+in:PT", 4),
    ("attribute=material:tin", 0),
    ("attribute=no%22%5C%20where:x", 0),
    ("option=Size:M&in_stock=true", 3),
    ("in_stock=false", 1),
    ("currency=EUR&price_min=49.5&price_max=99", 2),
    ("currency=EUR&price_max=19.99&q=tote", 1),
    ("currency=USD&price_min=1", 0),
];

async fn ask_everything(shop: &Shop, backend: &str) {
    for (question, hits) in QUESTIONS {
        let answer = shop.get(&format!("/v1/search?{question}")).await;
        assert_eq!(titles(&answer).len(), hits, "{backend}: {question}");
        assert_eq!(answer.json()["total"], hits, "{backend}: {question}");
        assert_eq!(answer.headers["search-backend"], backend, "{question}");
    }
    let facets = shop.get("/v1/search?q=tote").await.json()["facets"].clone();
    let expected = json!({
        "brand": {"Acme": 1, "Ödland \"X\"": 1}, "in_stock": {"true": 1, "false": 1},
        "category_levels.lvl0": {"Bags": 2}, "category_levels.lvl1": {"Bags > Tote": 2},
        "attributes.material": {"leather": 1, "canvas": 1}, "attributes.made in": {"PT": 2},
        "options.Size": {"M": 2, "S": 2},
    });
    assert_eq!(facets, expected, "{backend}");
    let sorted = async |sort: &str| titles(&shop.get(&format!("/v1/search?sort={sort}")).await);
    assert_eq!(sorted("-price&currency=EUR").await, ["Satchel", "Clutch", "Tote", "Tote"]);
    assert_eq!(sorted("price&currency=EUR").await, ["Tote", "Tote", "Clutch", "Satchel"]);
    assert_eq!(sorted("created_at").await, ["Tote", "Tote", "Clutch", "Satchel"]);
    assert_eq!(sorted("-created_at").await, ["Satchel", "Clutch", "Tote", "Tote"]);
    assert_eq!(sorted("title").await, ["Clutch", "Satchel", "Tote", "Tote"]);
    assert_eq!(sorted("-title&limit=2").await, ["Tote", "Tote"]);
    let second = shop.get("/v1/search?sort=created_at&limit=3&page=2").await;
    assert_eq!((titles(&second), &second.json()["total"]), (vec!["Satchel".to_owned()], &4.into()));
}

#[sqlx::test(migrations = "../migrations")]
async fn postgres_answers_while_meilisearch_is_away(db: PgPool) {
    let shop = Shop::open(&db).await;
    fill_postgres(&shop, &catalogue()).await;
    sqlx::query("UPDATE search_documents_rows SET listed = false WHERE title = 'nobody'")
        .execute(&db)
        .await
        .unwrap();
    let began = Instant::now();
    ask_everything(&shop, "postgres").await;
    assert!(began.elapsed() < Duration::from_secs(5), "not every search may wait");
    sqlx::query("UPDATE search_documents_rows SET listed = false WHERE title = 'Tote'")
        .execute(&db)
        .await
        .unwrap();
    assert_eq!(titles(&shop.get("/v1/search?q=tote").await).len(), 0, "only what is listed");
}

#[sqlx::test(migrations = "../migrations")]
async fn few_search_in_postgres_at_once(db: PgPool) {
    let shop = Shop::open(&db).await;
    fill_postgres(&shop, &catalogue()).await;
    // Whoever searches now waits for the table.
    let mut lock = db.begin().await.unwrap();
    let held = "LOCK TABLE search_documents_rows IN ACCESS EXCLUSIVE MODE";
    sqlx::query(held).execute(&mut *lock).await.unwrap();
    let searching = futures::future::join_all((0..SEARCHES_MAX).map(|_| shop.get("/v1/search")));
    let refused = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let refused = shop.get("/v1/search").await;
        lock.rollback().await.unwrap();
        refused
    };
    let (answers, refused) = tokio::join!(searching, refused);
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "too_many_searches".into())
    );
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(titles(&shop.get("/v1/search").await).len(), 4);
}

async fn fill_meilisearch(index: &str, documents: &[Value]) -> Client {
    let search = meilisearch();
    let client = Client::new(search.url, search.key.as_ref().map(Secret::expose)).unwrap();
    let into = client.index(index);
    into.set_filterable_attributes([
        "category",
        "category_levels",
        "brand",
        "attributes",
        "options",
        "price",
        "in_stock",
    ])
    .await
    .unwrap();
    into.set_sortable_attributes(["title", "price", "created_ts"]).await.unwrap();
    let task = into.add_documents(documents, Some("id")).await.unwrap();
    let wait = Some(Duration::from_mins(1));
    let done = task.wait_for_completion(&client, None, wait).await.unwrap();
    assert!(done.is_success(), "{done:?}");
    client
}

#[sqlx::test(migrations = "../migrations")]
async fn meilisearch_answers_and_is_asked_again_when_it_is_back(db: PgPool) {
    let index = format!("q{}", Uuid::now_v7().simple());
    let shop = Shop::with(&db, |settings| {
        settings.search = meilisearch();
        settings.index.clone_from(&index);
    })
    .await;
    // No index yet: as good as away.
    fill_postgres(&shop, &catalogue()[..1]).await;
    assert_eq!(shop.get("/v1/search").await.headers["search-backend"], "postgres");
    let client = fill_meilisearch(&index, &catalogue()).await;
    let until = Instant::now() + Duration::from_secs(10);
    while shop.get("/v1/search").await.headers["search-backend"] != "meilisearch" {
        assert!(Instant::now() < until, "Meilisearch is never asked again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ask_everything(&shop, "meilisearch").await;
    assert_eq!(titles(&shop.get("/v1/search?q=satchell").await), ["Satchel"], "forgives a typo");

    // One's own writes: not before the last dirty document is sent.
    shop.log_reaches(10).await;
    shop.advance("search", 9).await;
    assert_eq!(
        shop.get("/v1/search?min_position=9").await.headers["search-backend"],
        "meilisearch"
    );
    sqlx::query("UPDATE search_documents_rows SET dirty = true, dirty_from = 8, position = 9")
        .execute(&db)
        .await
        .unwrap();
    let began = Instant::now();
    let fresh = shop.ask("/v1/search?min_position=9", &[("prefer", "wait=20")]).await;
    assert_eq!(fresh.headers["search-backend"], "postgres", "which has it already");
    assert!(began.elapsed() < Duration::from_secs(5), "hence nobody waits for long");
    let older = shop.get("/v1/search?min_position=7").await;
    assert_eq!(older.headers["search-backend"], "meilisearch");
    let behind = shop.ask("/v1/search?min_position=10", &[("prefer", "wait=0")]).await;
    assert_eq!(behind.code(), "projection_behind");

    // Lost and being filled again: half a catalogue is no answer.
    sqlx::query("UPDATE search_documents_rows SET dirty_from = 0").execute(&db).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(shop.get("/v1/search").await.headers["search-backend"], "postgres");
    client.delete_index(&index).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_cannot_be_searched_is_refused_by_name(db: PgPool) {
    let shop = Shop::open(&db).await;
    for (question, parameter, code) in [
        ("price_min=1", "currency", "currency_required"),
        ("sort=price", "currency", "currency_required"),
        ("currency=EURO", "currency", "invalid_value"),
        ("price_min=cheap&currency=EUR", "price_min", "invalid_value"),
        ("attribute=leather", "attribute", "invalid_value"),
        ("option=:M", "option", "invalid_value"),
        ("page=0", "page", "invalid_value"),
        ("page=11&limit=100", "page", "invalid_value"),
        ("limit=101", "limit", "invalid_value"),
        ("in_stock=maybe", "in_stock", "invalid_value"),
        ("sort=fame", "sort", "invalid_value"),
        ("colour=red", "colour", "unknown_parameter"),
    ] {
        let answer = shop.get(&format!("/v1/search?{question}")).await;
        assert_eq!(answer.code(), "invalid_query", "{question}");
        let error = &answer.json()["errors"][0];
        assert_eq!(
            (&error["parameter"], &error["code"]),
            (&parameter.into(), &code.into()),
            "{question}: {error}"
        );
    }
    let long = "x".repeat(600);
    assert_eq!(shop.get(&format!("/v1/search?q={long}")).await.code(), "invalid_query");
}
