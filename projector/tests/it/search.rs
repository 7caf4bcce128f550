//! The catalogue in Meilisearch: found, kept up to date, and given back when it was lost.

use domain::command::product as products;
use domain::product::SkusOfArchived;
use std::time::Duration;

use indicatif::ProgressBar;
use meilisearch_sdk::client::Client;
use meilisearch_sdk::search::Selectors;
use projector::building::rebuild::rebuild;
use projector::checkpoint::Lease;
use projector::search::pusher::{self, Trouble, push};
use projector::search::sender::{self, PushError};
use projector::search::{Index, Meili};
use serde_json::Value;
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard as Stop};

use crate::shop::{Shop, fold, id, lease, project, projection};

pub struct Catalogue {
    client: Client,
    pub meili: Meili,
    index: String,
}

impl Catalogue {
    pub fn new() -> Self {
        let (url, key) = (harness::required("MEILI_URL"), harness::required("MEILI_MASTER_KEY"));
        let index = format!("test_{}", id().simple());
        let meili = Meili::new(&url, Some(&key), &index).unwrap();
        Self { client: Client::new(url, Some(key)).unwrap(), meili, index }
    }

    pub async fn titles(&self, query: &str) -> Vec<String> {
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

    pub async fn drop(&self) {
        self.meili.live().drop_index().await.unwrap();
    }
}

pub async fn dirty(db: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM search_documents WHERE dirty")
        .fetch_one(db)
        .await
        .unwrap()
}

/// Folds what is new and pushes it, once.
async fn publish(db: &PgPool, meili: &Meili) -> Lease {
    let mut lease = lease(db, "search", "test").await.unwrap();
    fold(db, &mut lease).await.unwrap();
    let identity = meili.live().ensure().await.unwrap();
    push(db, &meili.live(), &lease, &identity).await.unwrap();
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
    let archive = products::Command::Archive(SkusOfArchived::Keep);
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
    let identity = index.ensure().await.unwrap();
    let sending = push(&db, &index, &lease, &identity);
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

    // And once a later holder of the lease has begun to send, an earlier one clears nothing.
    let later = Lease { epoch: lease.epoch + 1, ..lease.clone() };
    sender::take(&db, &later).await.unwrap();
    let refused = push(&db, &index, &lease, &identity).await;
    assert!(matches!(refused, Err(PushError::Fenced)), "{refused:?}");
    assert_eq!(dirty(&db).await, 1);
    assert!(matches!(sender::take(&db, &lease).await, Err(PushError::Fenced)));
    catalogue.drop().await;
}

/// Several changes may be folded at once; what is not in the index begins with the first of them.
/// Found by chaos (seed 3006): a reader of the position between two was given the state before.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_not_sent_begins_with_the_first_change(db: PgPool) {
    let (shop, catalogue) = (Shop::open(&db), Catalogue::new());
    let created = shop.product("Tote", "TOTE").await;
    let from = async || -> i64 {
        let from = sqlx::query_scalar("SELECT min(dirty_from) FROM search_documents WHERE dirty");
        from.fetch_one(&db).await.unwrap()
    };
    project(&db, "search").await;
    assert_eq!(from().await, 1, "the event that created it");
    publish(&db, &catalogue.meili).await.release(&db).await.unwrap();
    let first = shop.retitle(created, "Leather tote").await;
    shop.retitle(created, "Felt tote").await;
    project(&db, "search").await;
    assert_eq!(from().await, first);
    // Still not sent: it stays where it was.
    shop.retitle(created, "Silk tote").await;
    project(&db, "search").await;
    assert_eq!(from().await, first);
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
    // Sent whole, without a mark but for what the old build had still to send. What changes from
    // now on is marked again.
    assert_eq!((report.filled.unwrap().documents, dirty(&db).await), (2, 1));
    shop.product("Silk tote", "SILK").await;
    project(&db, "search").await;
    assert_eq!(dirty(&db).await, 2);
    publish(&db, &catalogue.meili).await;
    assert_eq!(catalogue.titles("silk").await, ["Silk tote"]);
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
    let identity = catalogue.meili.live().ensure().await.unwrap();
    push(&db, &catalogue.meili.live(), &lease, &identity).await.unwrap();
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

/// Sends and checks for as long as it is not stopped.
fn push_on(db: &PgPool, index: Index, lease: Lease) -> (watch::Sender<Option<Lease>>, Stop) {
    let (held, holds) = watch::channel(Some(lease));
    let stop = CancellationToken::new();
    tokio::spawn(pusher::run(db.clone(), index, holds, Trouble::default(), stop.clone()));
    (held, stop.drop_guard())
}

/// Postgres was restored to an earlier point: the index has a document that is no longer known, one
/// of a later position, and as many in all as it should have.
#[sqlx::test(migrations = "../migrations")]
async fn what_the_index_has_and_the_table_has_not_is_put_right(db: PgPool) {
    let (shop, catalogue) = (Shop::open(&db), Catalogue::new());
    let index = catalogue.meili.live();
    shop.product("Leather tote", "TOTE").await;
    shop.product("Felt tote", "FELT").await;
    shop.product("Wool sofa", "SOFA").await;
    let lease = publish(&db, &catalogue.meili).await;
    let later = |id: Value, title: &str| {
        let document = serde_json::json!({ "id": id, "title": title, "position": 1_000 });
        serde_json::value::to_raw_value(&document).unwrap()
    };
    let known: String =
        sqlx::query_scalar("SELECT id::text FROM search_documents WHERE title = 'Felt tote'")
            .fetch_one(&db)
            .await
            .unwrap();
    let strays = [
        later(Value::String(known), "Nylon tote"),
        later(Value::String(id().to_string()), "Ghost tote"),
        later(Value::from(7), "Number tote"),
    ];
    index.put(&strays).await.unwrap();
    sqlx::query("DELETE FROM search_documents_rows WHERE title = 'Wool sofa'")
        .execute(&db)
        .await
        .unwrap();

    let (_held, _stop) = push_on(&db, index.clone(), lease);
    catalogue.eventually("felt", &["Felt tote"]).await;
    catalogue.eventually("sofa", &[]).await;
    for gone in ["nylon", "ghost", "number"] {
        catalogue.eventually(gone, &[]).await;
    }
    assert_eq!(index.count().await.unwrap(), 2);
    while dirty(&db).await > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    // More than is known, noticed by the count alone.
    index.put(&[later(Value::String(id().to_string()), "Ghost tote")]).await.unwrap();
    catalogue.eventually("ghost", &[]).await;
    catalogue.drop().await;
}

/// Meilisearch makes an index of whatever is sent to it: what was sent is not taken for all.
#[sqlx::test(migrations = "../migrations")]
async fn a_push_into_a_lost_index_clears_nothing(db: PgPool) {
    let (shop, catalogue) = (Shop::open(&db), Catalogue::new());
    let index = catalogue.meili.live();
    shop.product("Leather tote", "TOTE").await;
    let felt = shop.product("Felt tote", "FELT").await;
    let mut lease = publish(&db, &catalogue.meili).await;
    let identity = index.ensure().await.unwrap();
    shop.retitle(felt, "Felt bag").await;
    fold(&db, &mut lease).await.unwrap();

    index.drop_index().await.unwrap();
    let lost = push(&db, &index, &lease, &identity).await;
    assert!(matches!(lost, Err(PushError::Lost)), "{lost:?}");
    assert_eq!(index.identity().await.unwrap(), None, "not made anew by the push");
    // Made anew by another one: it has another identity, and all settings are missing.
    let document = serde_json::json!({ "id": id(), "title": "Somebody's" });
    index.put(&[serde_json::value::to_raw_value(&document).unwrap()]).await.unwrap();
    let lost = push(&db, &index, &lease, &identity).await;
    assert!(matches!(lost, Err(PushError::Lost)), "{lost:?}");
    assert_eq!(dirty(&db).await, 1);

    let (_held, _stop) = push_on(&db, index, lease);
    catalogue.eventually("felt", &["Felt bag"]).await;
    catalogue.eventually("leathr", &["Leather tote", "Felt bag"]).await;
    catalogue.eventually("somebody", &[]).await;
    catalogue.drop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_index_that_is_not_there_can_be_deleted(_db: PgPool) {
    let catalogue = Catalogue::new();
    catalogue.meili.live().drop_index().await.unwrap();
    let name = format!("test_{}", id().simple());
    let away = Meili::new("http://127.0.0.1:9", None, &name).unwrap();
    assert!(away.live().drop_index().await.is_err(), "only what is not found is taken for deleted");
}
