//! Search: the same questions to Meilisearch and to Postgres, and the change between them.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use domain::page::search::Document;
use domain::page::search_keys::BY_VARIANT;
use meilisearch_sdk::client::Client;
use meilisearch_sdk::settings::Settings;
use serde_json::{Value, json};
use service::config::Secret;
use sqlx::PgPool;
use uuid::Uuid;

use crate::catalogue::{catalogue, document, fill_postgres, fill_products};
use crate::support::{Answer, Shop, meilisearch};

/// As the projector sets Meilisearch up.
const SETTINGS: &str = include_str!("../../../projector/search-settings.json");

pub fn titles(answer: &Answer) -> Vec<String> {
    hits(answer).iter().map(|hit| hit["title"].as_str().unwrap().to_owned()).collect()
}

fn numbers(answer: &Answer) -> Vec<u128> {
    let number = |hit: &Value| hit["id"].as_str().unwrap().parse::<Uuid>().unwrap().as_u128();
    hits(answer).iter().map(number).collect()
}

fn hits(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["hits"].as_array().unwrap().clone()
}

const ALL: &[u128] = &[1, 2, 3, 4, 5, 6, 7];

/// Questions, and the products that answer them, in any order.
const QUESTIONS: &[(&str, &[u128])] = &[
    ("", ALL),
    ("q=tote", &[1, 2]),
    ("q=nothing+like+it", &[]),
    ("category=Tote&category=Clutch", &[1, 2, 3]),
    ("attribute=material:leather", &[2, 4, 6]),
    (
        "attribute=material:leather&attribute=material:canvas&attribute=made+in:PT",
        &[1, 2, 3, 4, 6, 7],
    ),
    ("attribute=material:tin", &[]),
    ("attribute=no%22%5C%20where:x", &[]),
    // Options are of one variant, and so is what is in stock.
    ("option=Size:M&in_stock=true", &[1, 3, 7]),
    ("option=Size:S&in_stock=true", &[4]),
    ("option=Size:M&option=Size:S&in_stock=true", &[1, 3, 4, 7]),
    ("option=Size:M&option=Colour:RED", &[4]),
    ("option=Size:M&option=Colour:blue", &[]),
    ("option=Size:M&option=Colour:blue&option=Colour:red", &[4]),
    ("option=Colour:red&in_stock=true", &[]),
    ("option=Colour:blue&in_stock=true", &[4]),
    ("option=Size:M&option=Colour:red&in_stock=false", &[]),
    ("in_stock=false", &[2, 6]),
    ("currency=EUR&price_min=49.5&price_max=99", &[2, 3]),
    ("currency=EUR&price_max=19.99&q=tote", &[1]),
    ("currency=USD&price_min=1", &[]),
    // Spellings of a value are one, spaces around it are none; names are told apart.
    ("category=bAGS&category=nothing", ALL),
    ("attribute=material:Canvas", &[1, 3, 5, 7]),
    ("attribute=Material:canvas", &[]),
    ("option=Size:s&brand=others", &[6, 7]),
    (r"attribute=fit%5C:+loose:VERY", &[5]),
    // What a product is called, on whatever label.
    ("q=4006381333931", &[5]),
    ("q=limited", &[5]),
    ("q=SHIRTS-01", &[5]),
    ("q=THE-77", &[6]),
    ("q=TOTES", &[1, 2]),
    // Words that stand everywhere say nothing.
    ("q=the", ALL),
    ("q=of+the&brand=others", &[6, 7]),
    ("q=tote+-%C3%B6dland", &[1]),
];

/// Brands and categories in some spelling, and the products of them: case and spaces around tell
/// nothing apart, accents do. The list of products finds the same.
const SPELLED: &[(&str, &[u128])] = &[
    ("category=Bags&brand=Acme", &[1, 3, 4, 5]),
    ("brand=acme", &[1, 3, 4, 5]),
    ("brand=%20ACME+", &[1, 3, 4, 5]),
    ("brand=acm", &[]),
    ("brand=%C3%96dland+%22X%22", &[2]),
    ("brand=%C3%B6dland+%22x%22", &[2]),
    ("brand=O%CC%88dland+%22X%22", &[2]),
    ("brand=odland+%22x%22", &[]),
    ("brand=others&category=BAGS", &[6, 7]),
    ("category=%C3%89CLAIR", &[7]),
    ("category=+e%CC%81clair", &[7]),
    ("category=Eclair", &[]),
];

/// Orders, and the products in them, ties by id.
const ORDERS: &[(&str, &[u128])] = &[
    ("sort=-price&currency=EUR", &[4, 3, 2, 1, 6, 7, 5]),
    ("sort=price&currency=EUR", &[5, 6, 7, 1, 2, 3, 4]),
    ("sort=created_at", &[1, 2, 3, 4, 5, 6, 7]),
    ("sort=-created_at", &[6, 7, 3, 4, 5, 1, 2]),
    ("sort=title", &[5, 3, 7, 4, 1, 2, 6]),
    ("sort=-title", &[6, 1, 2, 4, 7, 3, 5]),
    ("sort=-title&limit=3&page=2", &[4, 7, 3]),
    ("sort=-price&currency=EUR&q=fine&limit=2", &[4, 3]),
    ("", &[7, 3, 4, 5, 1, 6, 2]),
    ("sort=created_at&limit=5&page=2", &[6, 7]),
];

async fn ask_everything(shop: &Shop, backend: &str) {
    for (question, expected) in SPELLED {
        let listed = shop.get(&format!("/v1/products?{question}")).await;
        let number = |id: &String| id.parse::<Uuid>().unwrap().as_u128();
        let mut listed: Vec<u128> = listed.ids().iter().map(number).collect();
        listed.sort_unstable();
        assert_eq!(listed, *expected, "{question}");
    }
    for (question, expected) in QUESTIONS.iter().chain(SPELLED) {
        let answer = shop.get(&format!("/v1/search?{question}")).await;
        let mut found = numbers(&answer);
        found.sort_unstable();
        assert_eq!(found, *expected, "{backend}: {question}");
        assert_eq!(answer.json()["total"], expected.len(), "{backend}: {question}");
        assert_eq!(answer.headers["search-backend"], backend, "{question}");
    }
    for (order, expected) in ORDERS {
        let answer = shop.get(&format!("/v1/search?{order}")).await;
        assert_eq!(numbers(&answer), *expected, "{backend}: {order}");
        assert_eq!(answer.json()["total"], ALL.len(), "{backend}: {order}");
    }
    let facets = async |question: &str| -> Value {
        shop.get(&format!("/v1/search?{question}")).await.json()["facets"].clone()
    };
    let expected = json!({
        "brand": {"Acme": 1, "Ödland \"X\"": 1}, "in_stock": {"true": 1, "false": 1},
        "category_levels.lvl0": {"Bags": 2}, "category_levels.lvl1": {"Bags > Tote": 2},
        "attributes.material": {"leather": 1, "canvas": 1}, "attributes.made in": {"PT": 2},
        "options.Size": {"M": 2, "S": 2},
    });
    assert_eq!(facets("q=tote").await, expected, "{backend}");
    assert_eq!(facets("q=tote&facets=false").await, json!({}), "{backend}");
    let spelled = facets("").await;
    assert_eq!(spelled["brand"], json!({"Acme": 4, "Others": 2, "Ödland \"X\"": 1}), "{backend}");
    assert_eq!(spelled["attributes.material"], json!({"canvas": 4, "leather": 3}), "{backend}");
    assert_eq!(spelled["attributes.fit: loose"], json!({"very": 1}), "{backend}");
    let some = shop.get("/v1/search?q=pouch&facets=false&fields=variants.barcode,title").await;
    assert_eq!(
        hits(&some),
        [json!({"title": "apple Pouch", "variants": [{"barcode": "4006381333931"}]})],
        "{backend}"
    );
}

/// Products that differ in one attribute.
fn serials(how_many: u32) -> Vec<Value> {
    let serial = |n| {
        let mut document = document(1_000 + n, "Serial", "Acme", 1.0, true);
        document["attributes"] = json!({"serial": format!("S{n:03}")});
        document
    };
    (0..how_many).map(serial).collect()
}

/// Of a facet with very many values some are told, the same whoever counts.
async fn values_are_bounded(shop: &Shop, backend: &str) {
    let answer = shop.get("/v1/search?q=serial&limit=1").await;
    assert_eq!(answer.headers["search-backend"], backend);
    let told = answer.json()["facets"]["attributes.serial"].as_object().unwrap().clone();
    let expected: Vec<String> = (0..200).map(|n| format!("S{n:03}")).collect();
    assert_eq!(told.keys().cloned().collect::<Vec<_>>(), expected, "{backend}");
}

#[sqlx::test(migrations = "../migrations")]
async fn postgres_answers_while_meilisearch_is_away(db: PgPool) {
    let shop = Shop::open(&db).await;
    fill_postgres(&shop, &catalogue()).await;
    fill_products(&shop, &catalogue()).await;
    ask_everything(&shop, "postgres").await;
    // "To" stands everywhere for Postgres alone.
    let refused = shop.get("/v1/search?q=to+-zzzz").await;
    assert_eq!(refused.json()["errors"][0]["code"], "only_negative", "{}", refused.text);
    fill_postgres(&shop, &serials(250)).await;
    values_are_bounded(&shop, "postgres").await;
    sqlx::query("UPDATE search_documents_rows SET listed = false WHERE title = 'Tote'")
        .execute(&db)
        .await
        .unwrap();
    assert_eq!(titles(&shop.get("/v1/search?q=tote").await).len(), 0, "only what is listed");
}

/// Facets are counted over the first hits only, and the answer says so.
#[sqlx::test(migrations = "../migrations")]
async fn facets_in_postgres_count_the_first_hits(db: PgPool) {
    let shop = Shop::open(&db).await;
    fill_postgres(&shop, &serials(501)).await;
    let many = shop.get("/v1/search").await.json();
    assert_eq!((&many["total"], &many["facets_over"]), (&501.into(), &500.into()));
    assert_eq!(many["facets"]["brand"], json!({"Acme": 500}));
    let all = shop.get("/v1/search?attribute=serial:s001&attribute=serial:s002").await.json();
    assert_eq!((&all["total"], all.get("facets_over")), (&2.into(), None));
    let none = shop.get("/v1/search?facets=false").await.json();
    assert_eq!((&none["facets"], none.get("facets_over")), (&json!({}), None));
}

async fn fill_meilisearch(index: &str, documents: &[Value]) -> Client {
    let search = meilisearch();
    let client = Client::new(search.url, search.key.as_ref().map(Secret::expose)).unwrap();
    let into = client.index(index);
    let settings: Settings = serde_json::from_str(SETTINGS).unwrap();
    into.set_settings(&settings).await.unwrap();
    put(&client, index, documents).await;
    client
}

/// Sends documents as the projector does.
async fn put(client: &Client, index: &str, documents: &[Value]) {
    let sent = |document: &Value| {
        let known: Document = serde_json::from_value(document.clone()).unwrap();
        let of_variants = known.keys().into_iter().filter(|key| key.starts_with(BY_VARIANT));
        let mut document = document.clone();
        document["variant_keys"] = of_variants.collect();
        document
    };
    let documents: Vec<Value> = documents.iter().map(sent).collect();
    let task = client.index(index).add_documents(&documents, Some("id")).await.unwrap();
    let wait = Some(Duration::from_mins(1));
    let done = task.wait_for_completion(client, None, wait).await.unwrap();
    assert!(done.is_success(), "{done:?}");
}

/// Until Meilisearch was looked after and found well.
async fn until_asked_again(shop: &Shop) {
    let until = Instant::now() + Duration::from_mins(1);
    while shop.get("/v1/search").await.headers["search-backend"] != "meilisearch" {
        assert!(Instant::now() < until, "Meilisearch is never asked again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
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
    until_asked_again(&shop).await;
    fill_products(&shop, &catalogue()).await;
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
    let fresh = shop.ask("/v1/search?min_position=9", &[("prefer", "wait=20")]).await;
    assert_eq!(fresh.headers["search-backend"], "postgres", "which has it already");
    let older = shop.get("/v1/search?min_position=7").await;
    assert_eq!(older.headers["search-backend"], "meilisearch");
    let behind = shop.ask("/v1/search?min_position=10", &[("prefer", "wait=0")]).await;
    assert_eq!(behind.code(), "projection_behind");

    put(&client, &index, &serials(250)).await;
    values_are_bounded(&shop, "meilisearch").await;

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
        ("q=-red+-%22blue+bag%22", "q", "only_negative"),
        ("q=%21%21+-", "q", "no_word"),
        ("q=%F0%9F%91%9C", "q", "no_word"),
        ("q=the+-red", "q", "only_negative"),
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
