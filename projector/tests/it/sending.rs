//! Sending documents to Meilisearch beside the folding, and what broken rebuilds leave there.

use std::time::Duration;

use projector::search::leftovers;
use projector::search::pusher::push;
use projector::{builds, step};
use sqlx::PgPool;

use crate::search::{Catalogue, dirty};
use crate::shop::{Shop, lease, project, projection};

/// What is sent is cleared while a worker is inside its transaction, and neither waits.
#[sqlx::test(migrations = "../migrations")]
async fn sending_and_folding_do_not_wait_for_each_other(db: PgPool) {
    let (shop, catalogue) = (Shop::open(&db), Catalogue::new());
    shop.product("Tote", "TOTE").await;
    project(&db, "search").await;
    let lease = lease(&db, "search", "test").await.unwrap();
    let mut working = db.acquire().await.unwrap().detach();
    let head = lease.position;
    lease.step(head).begin(&mut working).await.unwrap().unwrap();
    let index = catalogue.meili.live();
    let identity = index.ensure().await.unwrap();
    let sending = push(&db, &index, &lease, &identity);
    let sent = tokio::time::timeout(Duration::from_secs(30), sending).await;
    assert_eq!(sent.expect("it does not wait for the worker").unwrap(), 1);
    assert_eq!(dirty(&db).await, 0);
    step::commit(&mut working).await.unwrap();
    catalogue.drop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn indexes_of_builds_that_nobody_makes_are_deleted(db: PgPool) {
    let (shop, catalogue) = (Shop::open(&db), Catalogue::new());
    shop.product("Tote", "TOTE").await;
    project(&db, "search").await;
    builds::create_next(&db, projection("search"), "somebody").await.unwrap().unwrap();
    let meili = &catalogue.meili;
    let indexes = [1, 2, 7].map(|build| meili.of_build(build));
    meili.live().ensure().await.unwrap();
    for index in &indexes {
        index.ensure().await.unwrap();
    }
    leftovers::drop_leftovers(&db, meili).await.unwrap();
    let mut left = vec![];
    for index in &indexes {
        left.push(index.identity().await.unwrap().is_some());
    }
    assert_eq!(left, [false, true, false], "the second is being made");
    assert!(meili.live().identity().await.unwrap().is_some());
    // One that is kept has none, but where a way back to it has broken off.
    let kept = "UPDATE projection_builds SET kept_at = now() WHERE build = 2";
    sqlx::query(kept).execute(&db).await.unwrap();
    leftovers::drop_leftovers(&db, meili).await.unwrap();
    assert!(indexes[1].identity().await.unwrap().is_some(), "it is gone back to");
    let over = "UPDATE projection_slots SET lease_until = NULL WHERE build = 2";
    sqlx::query(over).execute(&db).await.unwrap();
    leftovers::drop_leftovers(&db, meili).await.unwrap();
    assert!(indexes[1].identity().await.unwrap().is_none());
    catalogue.drop().await;
}
