//! A build from the log is the same as the one that grew with it, and takes its place unseen.

use indicatif::ProgressBar;
use projector::compare::Kind;
use projector::rebuild::{RebuildError, rebuild, verify};
use projector::{builds, projections};
use sqlx::PgPool;

use crate::shop::{Shop, documents, lease, project, projection};

#[sqlx::test(migrations = "../migrations")]
async fn a_rebuild_equals_the_live_build(db: PgPool) {
    let shop = Shop::open(&db);
    shop.busy_day().await;
    // Grown in steps, unlike the rebuild.
    for projection in projections::ALL {
        project(&db, projection.name).await;
    }
    shop.busy_day_again().await;
    for projection in projections::ALL {
        let name = projection.name;
        project(&db, name).await;
        let view = if name == "search" { "search_documents" } else { name };
        let before = documents(&db, view).await;
        let report = rebuild(&db, projection, None, "test", &ProgressBar::hidden()).await.unwrap();
        assert_eq!(report.differences, [], "{name}");
        assert!(report.compared_at.is_some());
        assert_eq!((report.from, report.to), (1, 2));
        assert_eq!(builds::active(&db, projection).await.unwrap().build, 2);
        assert_eq!(documents(&db, view).await, before, "{name}");
        let builds: i64 =
            sqlx::query_scalar("SELECT count(*) FROM projection_builds WHERE projection = $1")
                .bind(name)
                .fetch_one(&db)
                .await
                .unwrap();
        assert_eq!(builds, 1, "the old build is gone");
    }
    let old: i64 = sqlx::query_scalar("SELECT count(*) FROM orders_rows WHERE build = 1")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(old, 0);
    project(&db, "orders").await;
}

#[sqlx::test(migrations = "../migrations")]
async fn verify_names_what_differs(db: PgPool) {
    let shop = Shop::open(&db);
    let (cart, other) = (shop.cart().await, shop.cart().await);
    project(&db, "carts").await;
    let carts = projection("carts");
    let report = verify(&db, carts, "test", &ProgressBar::hidden()).await.unwrap();
    assert_eq!(report.differences, []);

    sqlx::query("UPDATE carts_rows SET document = '{}' WHERE id = $1")
        .bind(cart.0)
        .execute(&db)
        .await
        .unwrap();
    sqlx::query("DELETE FROM carts_rows WHERE id = $1").bind(other.0).execute(&db).await.unwrap();
    let report = verify(&db, carts, "test", &ProgressBar::hidden()).await.unwrap();
    let found: Vec<_> = report.differences.iter().map(|d| (d.id.clone(), d.kind)).collect();
    assert!(found.contains(&(cart.to_string(), Kind::Different)), "{found:?}");
    assert!(found.contains(&(other.to_string(), Kind::Missing)), "{found:?}");
    assert_eq!(builds::active(&db, carts).await.unwrap().build, 1, "readers were not switched");

    rebuild(&db, carts, None, "test", &ProgressBar::hidden()).await.unwrap();
    assert_eq!(documents(&db, "carts").await.len(), 2, "a rebuild repairs it");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_worker_of_the_old_build_is_fenced(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let old = lease(&db, "carts", "worker").await.unwrap();
    rebuild(&db, projection("carts"), None, "test", &ProgressBar::hidden()).await.unwrap();
    assert!(old.renew(&db).await.unwrap().is_err());
    let new = lease(&db, "carts", "worker").await.expect("the new build waits for a worker");
    assert_eq!(new.build, 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn one_rebuild_at_a_time_and_a_broken_one_is_cleared_away(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let carts = projection("carts");
    builds::active(&db, carts).await.unwrap();
    builds::create_next(&db, carts, "somebody").await.unwrap().unwrap();
    let refused = rebuild(&db, carts, None, "test", &ProgressBar::hidden()).await;
    assert!(matches!(refused, Err(RebuildError::Busy)), "{refused:?}");
    sqlx::query("UPDATE projection_slots SET lease_until = now() - interval '1 s' WHERE build = 2")
        .execute(&db)
        .await
        .unwrap();
    rebuild(&db, carts, None, "test", &ProgressBar::hidden()).await.unwrap();
}
