//! The catalogue in Meilisearch: found, kept up to date, and given back when it was lost.

use std::time::Duration;

use indicatif::ProgressBar;
use meilisearch_sdk::client::Client;
use meilisearch_sdk::search::Selectors;
use projector::checkpoint::Lease;
use projector::rebuild::rebuild;
use projector::search::pusher::{self, Trouble};
use projector::search::{Meili, pusher::push};
use serde_json::Value;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::shop::{Shop, fold, id, lease, project, projection, required};

struct Catalogue {
    client: Client,
    meili: Meili,
    index: String,
}

impl Catalogue {
    fn new() -> Self {
        let (url, key) = (required("MEILI_URL"), required("MEILI_MASTER_KEY"));
        let index = format!("test_{}", id().simple());
        let meili = Meili::new(&url, Some(&key), &index).unwrap();
        Self { client: Client::new(url, Some(key)).unwrap(), meili, index }
    }

    async fn titles(&self, query: &str) -> Vec<String> {
        let index = self.client.index(&self.index);
        let Ok(found) = index.search().with_query(query).execute::<Value>().await else {
            return vec![];
        };
        let title = |hit: &Value| hit["title"].as_str().unwrap_or_default().to_owned();
        found.hits.iter().map(|hit| title(&hit.result)).collect()
    }

    async fn eventually(&self, query: &str, wanted: &[&str]) {
        let mut found = vec![];
        for _ in 0..600 {
            found = self.titles(query).await;
            if found == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("'{query}' finds {found:?}, not {wanted:?}");
    }

    async fn drop(&self) {
        self.meili.live().drop_index().await.unwrap();
    }
}

async fn dirty(db: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM search_documents WHERE dirty")
        .fetch_one(db)
        .await
        .unwrap()
}

/// Folds what is new and pushes it, once.
async fn publish(db: &PgPool, meili: &Meili) -> Lease {
    let mut lease = lease(db, "search", "test").await.unwrap();
    fold(db, &mut lease).await.unwrap();
    meili.live().ensure().await.unwrap();
    push(db, &meili.live(), &lease).await.unwrap();
    lease
}

#[sqlx::test(migrations = "../migrations")]
async fn shoppers_find_what_they_mean(db: PgPool) {
    let (shop, catalogue) = (Shop::open(&db), Catalogue::new());
    shop.product("Leather rucksack", "RUCK").await;
    shop.product("Wool sofa", "SOFA").await;
    shop.receive("RUCK", 1).await;
    publish(&db, &catalogue.meili).await;
    assert_eq!(dirty(&db).await, 0);

    assert_eq!(catalogue.titles("rucksak").await, ["Leather rucksack"], "a typo");
    assert_eq!(catalogue.titles("leathr ruck").await[0], "Leather rucksack", "typo and prefix");
    assert_eq!(catalogue.titles("backpack").await, ["Leather rucksack"], "a synonym");
    assert_eq!(catalogue.titles("couch").await, ["Wool sofa"], "another");
    let index = catalogue.client.index(&catalogue.index);
    let facets = Selectors::Some(&["brand", "category_levels.lvl1", "attributes.material"][..]);
    let mut search = index.search();
    search.with_facets(facets).with_filter("in_stock = true AND price.EUR < 30");
    let found = search.execute::<Value>().await.unwrap();
    assert_eq!(found.hits.len(), 1);
    let counts = found.facet_distribution.unwrap();
    assert_eq!(counts["category_levels.lvl1"]["Bags > Totes"], 1);
    assert_eq!(counts["attributes.material"]["leather"], 1);
    assert_eq!(counts["brand"]["Acme"], 1);
    catalogue.drop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_archived_is_no_longer_found(db: PgPool) {
    let (shop, catalogue) = (Shop::open(&db), Catalogue::new());
    let product_id = shop.product("Leather tote", "TOTE").await;
    publish(&db, &catalogue.meili).await.release(&db).await.unwrap();
    assert_eq!(catalogue.titles("tote").await, ["Leather tote"]);
    let archive = domain::product::Command::Archive;
    shop.ask(domain::Command::Product(product_id, archive)).await;
    publish(&db, &catalogue.meili).await;
    assert!(catalogue.titles("tote").await.is_empty());
    assert_eq!(dirty(&db).await, 0);
    catalogue.drop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_change_during_a_push_stays_dirty(db: PgPool) {
    let (shop, catalogue) = (Shop::open(&db), Catalogue::new());
    shop.product("Leather tote", "TOTE").await;
    let lease = publish(&db, &catalogue.meili).await;
    // Meilisearch took a revision that is no longer the newest.
    sqlx::query("UPDATE search_documents_rows SET dirty = true").execute(&db).await.unwrap();
    let index = catalogue.meili.live();
    let sending = push(&db, &index, &lease);
    let changing = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        sqlx::query("UPDATE search_documents_rows SET revision = revision + 1, dirty = true")
            .execute(&db)
            .await
            .unwrap();
    };
    let (sent, ()) = tokio::join!(sending, changing);
    assert_eq!(sent.unwrap(), 1);
    assert_eq!(dirty(&db).await, 1);

    // And one who lost the lease clears nothing.
    sqlx::query("UPDATE projection_slots SET epoch = epoch + 1").execute(&db).await.unwrap();
    assert!(push(&db, &index, &lease).await.is_err());
    assert_eq!(dirty(&db).await, 1);
    catalogue.drop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_lost_index_comes_back(db: PgPool) {
    let (shop, catalogue) = (Shop::open(&db), Catalogue::new());
    shop.product("Leather tote", "TOTE").await;
    shop.product("Felt tote", "FELT").await;
    let mut lease = lease(&db, "search", "test").await.unwrap();
    fold(&db, &mut lease).await.unwrap();
    let (held, holds) = watch::channel(Some(lease));
    let stop = CancellationToken::new();
    let index = catalogue.meili.live();
    let pushing = pusher::run(db.clone(), index, holds, Trouble::default(), stop.clone());
    let pushing = tokio::spawn(pushing);
    catalogue.eventually("felt", &["Felt tote"]).await;

    catalogue.meili.live().drop_index().await.unwrap();
    catalogue.eventually("felt", &["Felt tote"]).await;
    catalogue.eventually("leathr", &["Leather tote", "Felt tote"]).await;
    stop.cancel();
    pushing.await.unwrap();
    drop(held);
    catalogue.drop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rebuild_swaps_the_index(db: PgPool) {
    let (shop, catalogue) = (Shop::open(&db), Catalogue::new());
    shop.product("Leather tote", "TOTE").await;
    publish(&db, &catalogue.meili).await.release(&db).await.unwrap();
    // Something that is only in the index goes with the old one.
    let stray = serde_json::value::to_raw_value(&serde_json::json!({
        "id": id(), "title": "Stray",
    }));
    catalogue.meili.live().put(&[stray.unwrap()]).await.unwrap();
    assert_eq!(catalogue.titles("stray").await, ["Stray"]);
    shop.product("Felt tote", "FELT").await;
    project(&db, "search").await;

    let bar = ProgressBar::hidden();
    let search = projection("search");
    let report = rebuild(&db, search, Some(&catalogue.meili), "test", &bar).await.unwrap();
    assert_eq!(report.differences, []);
    assert!(catalogue.titles("stray").await.is_empty());
    assert_eq!(catalogue.titles("felt").await, ["Felt tote"]);
    assert_eq!(catalogue.titles("rucksack").await, Vec::<String>::new());
    assert_eq!(catalogue.meili.of_build(2).count().await.unwrap(), 0);
    catalogue.drop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn without_meilisearch_documents_wait_and_it_shows(db: PgPool) {
    let shop = Shop::open(&db);
    shop.product("Leather tote", "TOTE").await;
    let mut lease = lease(&db, "search", "test").await.unwrap();
    fold(&db, &mut lease).await.unwrap();
    // Nobody listens on the port of discard.
    let index = Meili::new("http://127.0.0.1:9", None, "away").unwrap().live();
    let (held, holds) = watch::channel(Some(lease.clone()));
    let (stop, trouble) = (CancellationToken::new(), Trouble::default());
    let pushing = pusher::run(db.clone(), index, holds, trouble.clone(), stop.clone());
    let pushing = tokio::spawn(pushing);
    while trouble.lock().await.is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shop.product("Felt tote", "FELT").await;
    fold(&db, &mut lease).await.unwrap();
    held.send_replace(Some(lease));
    assert_eq!(dirty(&db).await, 2);
    stop.cancel();
    pushing.await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_document_that_is_refused_keeps_no_other_from_being_found(db: PgPool) {
    let (shop, catalogue) = (Shop::open(&db), Catalogue::new());
    for number in 0..5 {
        shop.product(&format!("Leather tote {number}"), &format!("TOTE-{number}")).await;
    }
    let mut lease = lease(&db, "search", "test").await.unwrap();
    fold(&db, &mut lease).await.unwrap();
    // Meilisearch takes no document without an id.
    sqlx::query(
        "UPDATE search_documents_rows SET document = '{\"title\":\"Leather ghost\"}'
         WHERE title = 'Leather tote 2'",
    )
    .execute(&db)
    .await
    .unwrap();
    catalogue.meili.live().ensure().await.unwrap();
    push(&db, &catalogue.meili.live(), &lease).await.unwrap();
    assert_eq!(catalogue.titles("leather").await.len(), 4);
    assert_eq!(dirty(&db).await, 0);
    let reason: String =
        sqlx::query_scalar("SELECT refused FROM search_documents_rows WHERE refused IS NOT NULL")
            .fetch_one(&db)
            .await
            .unwrap();
    assert!(reason.contains("id"), "{reason}");
    catalogue.drop().await;
}
