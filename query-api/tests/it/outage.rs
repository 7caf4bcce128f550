//! When Meilisearch is taken for away, and when not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use meilisearch_sdk::client::Client;
use serde_json::{Value, json};
use service::config::Secret;
use sqlx::PgPool;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::support::{Shop, meilisearch};

/// A network between us and Meilisearch that swallows what is sent over its first connections.
struct Network {
    url: String,
    connections: Arc<AtomicUsize>,
}

impl Network {
    async fn swallowing(first: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = meilisearch().url.trim_start_matches("http://").to_owned();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        tokio::spawn(async move {
            let mut swallowed = Vec::new();
            while let Ok((mut ours, _)) = listener.accept().await {
                if counted.fetch_add(1, Ordering::SeqCst) < first {
                    swallowed.push(ours);
                    continue;
                }
                let server = server.clone();
                tokio::spawn(async move {
                    let mut its = TcpStream::connect(server).await.unwrap();
                    let _ = copy_bidirectional(&mut ours, &mut its).await;
                });
            }
        });
        Self { url, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// An empty index of the catalogue, under a name of its own.
async fn index() -> String {
    let index = format!("q{}", Uuid::now_v7().simple());
    let search = meilisearch();
    let client = Client::new(search.url, search.key.as_ref().map(Secret::expose)).unwrap();
    let document = [json!({"id": Uuid::from_u128(1), "title": "Tote", "in_stock": true})];
    let into = client.index(&index);
    let settings = serde_json::from_str(include_str!("../../../projector/search-settings.json"));
    into.set_settings(&settings.unwrap()).await.unwrap();
    let task = into.add_documents(&document, Some("id")).await.unwrap();
    task.wait_for_completion(&client, None, Some(Duration::from_mins(1))).await.unwrap();
    index
}

async fn shop(db: &PgPool, index: &str, network: &Network) -> Shop {
    Shop::with(db, |settings| {
        settings.search = meilisearch();
        settings.search.url.clone_from(&network.url);
        index.clone_into(&mut settings.index);
    })
    .await
}

async fn backend(shop: &Shop) -> String {
    let answer = shop.get("/v1/search?q=tote").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.headers["search-backend"].to_str().unwrap().to_owned()
}

#[sqlx::test(migrations = "../migrations")]
async fn one_search_without_an_answer_is_no_outage(db: PgPool) {
    let network = Network::swallowing(1).await;
    let shop = shop(&db, &index().await, &network).await;
    assert_eq!(backend(&shop).await, "postgres");
    // The next one is sent there all the same.
    assert_eq!(backend(&shop).await, "meilisearch");
}

#[sqlx::test(migrations = "../migrations")]
async fn many_are_one_and_no_caller_finds_out_when_it_ends(db: PgPool) {
    let network = Network::swallowing(5).await;
    let shop = shop(&db, &index().await, &network).await;
    for n in 1..=5 {
        assert_eq!(backend(&shop).await, "postgres");
        assert_eq!(network.connections(), n);
    }
    // Callers ask it no more. What does is looking after it, with a search of its own.
    let until = Instant::now() + Duration::from_mins(1);
    while network.connections() == 5 {
        assert_eq!(backend(&shop).await, "postgres");
        assert!(Instant::now() < until, "nobody looks after it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while backend(&shop).await != "meilisearch" {
        assert!(Instant::now() < until, "it is never asked again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn found_by_health(shop: &Shop) -> Value {
    let health = shop.get("/health").await.json();
    let checks = health["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == "meilisearch").unwrap()["ok"].clone()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_that_may_search_is_enough_and_a_wrong_one_is_noticed(db: PgPool) {
    let (index, search) = (index().await, meilisearch());
    let client = Client::new(&search.url, search.key.as_ref().map(Secret::expose)).unwrap();
    let keys = client.get_keys().await.unwrap().results;
    let may_search = keys.iter().find(|key| key.name.as_deref() == Some("Default Search API Key"));
    let shop = Shop::with(&db, |settings| {
        settings.search.url.clone_from(&search.url);
        settings.search.key = Some(Secret::from(may_search.unwrap().key.as_str()));
        settings.index.clone_from(&index);
    })
    .await;
    assert_eq!(
        (found_by_health(&shop).await, backend(&shop).await.as_str()),
        (true.into(), "meilisearch")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_wrong_key_is_noticed(db: PgPool) {
    let index = index().await;
    let shop = Shop::with(&db, |settings| {
        settings.search.url = meilisearch().url;
        settings.search.key = Some(Secret::from("guessed"));
        settings.index.clone_from(&index);
    })
    .await;
    assert_eq!(
        (found_by_health(&shop).await, backend(&shop).await.as_str()),
        (false.into(), "postgres")
    );
}

/// From the start, so that the first failure is a change.
#[sqlx::test(migrations = "../migrations")]
async fn what_becomes_of_searches_is_counted_by_place_and_outcome(db: PgPool) {
    let shop = Shop::open(&db).await;
    query_api::describe_metrics();
    let metrics = shop.get("/metrics").await.text;
    for told in [
        "# HELP commerce_searches_total ",
        "# HELP commerce_search_breaker_open ",
        r#"searches_total{backend="meilisearch",outcome="late"}"#,
        r#"searches_total{backend="postgres",outcome="crowded"}"#,
    ] {
        assert!(metrics.contains(told), "{told}: {metrics}");
    }
    assert_eq!(backend(&shop).await, "postgres");
    let metrics = shop.get("/metrics").await.text;
    let line = metrics.lines().find(|line| {
        line.starts_with(r#"commerce_searches_total{backend="meilisearch",outcome="failed"}"#)
    });
    assert!(line.is_some_and(|line| !line.ends_with(" 0")), "{metrics}");
}
