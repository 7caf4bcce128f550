//! A build from the log is the same as the one that grew with it, and takes its place unseen.

use std::time::Duration;

use indicatif::ProgressBar;
use projector::building::compare::Kind;
use projector::building::error::RebuildError;
use projector::building::rebuild::{Report, rebuild, verify};
use projector::builds::WrongVersion;
use projector::checkpoint::REBUILD_LEASE;
use projector::working::retry::{RetryError, retry};
use projector::{builds, projections};
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};
use tokio::task::JoinHandle;

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
        assert_eq!((builds, report.kept), (2, true), "the old build is kept");
    }
    let rows = "SELECT count(*) FROM orders_rows WHERE build = ";
    let of_both =
        (number(&db, &format!("{rows} 1")).await, number(&db, &format!("{rows} 2")).await);
    assert!(of_both.0 > 0 && of_both.0 == of_both.1, "{of_both:?}");
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
    assert!(matches!(refused, Err(RebuildError::Busy { .. })), "{refused:?}");
    sqlx::query("UPDATE projection_slots SET lease_until = now() - interval '1 s' WHERE build = 2")
        .execute(&db)
        .await
        .unwrap();
    rebuild(&db, carts, None, "test", &ProgressBar::hidden()).await.unwrap();
}

type Rebuild = JoinHandle<Result<Report, RebuildError>>;

fn begin_rebuild(db: &PgPool, owner: &'static str) -> Rebuild {
    let (db, carts) = (db.clone(), projection("carts"));
    tokio::spawn(async move { rebuild(&db, carts, None, owner, &ProgressBar::hidden()).await })
}

pub async fn number(db: &PgPool, query: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(db).await.unwrap()
}

pub async fn eventually(db: &PgPool, condition: &str) {
    for _ in 0..500 {
        if number(db, &format!("SELECT count(*) FROM ({condition}) AS found")).await > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited in vain: {condition}");
}

/// Takes a lock, and waits until the rebuild stands before it.
async fn block(db: &PgPool, lock: &str) -> (Transaction<'static, Postgres>, Rebuild) {
    block_whom(db, lock, || begin_rebuild(db, "slow")).await
}

/// Takes a lock, and waits until what is begun then stands before it.
pub async fn block_whom<T>(
    db: &PgPool,
    lock: &str,
    begin: impl FnOnce() -> JoinHandle<T>,
) -> (Transaction<'static, Postgres>, JoinHandle<T>) {
    let mut held = db.begin().await.unwrap();
    sqlx::query(AssertSqlSafe(lock)).execute(&mut *held).await.unwrap();
    let rebuilding = begin();
    eventually(
        db,
        "SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    .await;
    (held, rebuilding)
}

/// The lease of the candidate is over, and somebody clears it away.
async fn take_from_the_slow(db: &PgPool) {
    sqlx::query("UPDATE projection_slots SET lease_until = now() - interval '1 s' WHERE build = 2")
        .execute(db)
        .await
        .unwrap();
    assert!(builds::fence(db, projection("carts"), 2, "quick").await.unwrap());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_fenced_candidate_writes_nothing_more(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    project(&db, "carts").await;
    let (held, slow) = block(&db, "LOCK TABLE events IN ACCESS EXCLUSIVE MODE").await;
    take_from_the_slow(&db).await;
    held.rollback().await.unwrap();
    let ended = slow.await.unwrap();
    assert!(matches!(ended, Err(RebuildError::Fenced(_))), "{ended:?}");
    assert_eq!(number(&db, "SELECT count(*) FROM carts_rows WHERE build = 2").await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_fenced_candidate_does_not_switch(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    project(&db, "carts").await;
    // Folded and compared, it waits for the live worker's checkpoint.
    let lock = "SELECT FROM projection_slots WHERE build = 1 FOR UPDATE";
    let (held, slow) = block(&db, lock).await;
    take_from_the_slow(&db).await;
    held.rollback().await.unwrap();
    let ended = slow.await.unwrap();
    assert!(matches!(ended, Err(RebuildError::Fenced(_))), "{ended:?}");
    assert_eq!(builds::active(&db, projection("carts")).await.unwrap().build, 1);
    assert_eq!(documents(&db, "carts").await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_number_of_a_build_is_never_used_again(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let carts = projection("carts");
    let bar = ProgressBar::hidden();
    // But for one that nobody ever read and of which nothing is left.
    assert_eq!(verify(&db, carts, "test", &bar).await.unwrap().to, 2);
    assert_eq!(verify(&db, carts, "test", &bar).await.unwrap().to, 2);
    builds::create_next(&db, carts, "somebody").await.unwrap().unwrap();
    sqlx::query("UPDATE projection_slots SET lease_until = now() - interval '1 s' WHERE build = 2")
        .execute(&db)
        .await
        .unwrap();
    assert_eq!(rebuild(&db, carts, None, "test", &bar).await.unwrap().to, 3);
    assert_eq!(rebuild(&db, carts, None, "test", &bar).await.unwrap().to, 4);
    // Nor if the count of them was lost.
    sqlx::query("UPDATE projections SET last_build = 1").execute(&db).await.unwrap();
    assert_eq!(rebuild(&db, carts, None, "test", &bar).await.unwrap().to, 5);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_candidate_has_longer_than_a_worker(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let (held, slow) = block(&db, "LOCK TABLE events IN ACCESS EXCLUSIVE MODE").await;
    let left = "SELECT extract(epoch FROM lease_until - clock_timestamp())::bigint
                FROM projection_slots WHERE build = 2";
    let left = number(&db, left).await;
    assert!(left > REBUILD_LEASE.as_secs().cast_signed() - 12, "{left} s left");
    held.rollback().await.unwrap();
    slow.await.unwrap().unwrap();
}

/// The connection breaks in the middle of the work: it goes on where its last commit left it.
#[sqlx::test(migrations = "../migrations")]
async fn a_rebuild_survives_a_lost_connection(db: PgPool) {
    let shop = Shop::open(&db);
    shop.busy_day().await;
    project(&db, "carts").await;
    let (held, rebuilding) = block(&db, "LOCK TABLE carts_rows IN ACCESS EXCLUSIVE MODE").await;
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    .execute(&db)
    .await
    .unwrap();
    held.rollback().await.unwrap();
    let report = rebuilding.await.unwrap().unwrap();
    assert_eq!((report.differences, report.to), (vec![], 2));
    assert_eq!(documents(&db, "carts").await.len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_build_of_another_version_is_not_touched(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    project(&db, "carts").await;
    let (carts, bar) = (projection("carts"), ProgressBar::hidden());
    let set = async |version: i32| {
        let statement = "UPDATE projection_builds SET version = $1";
        sqlx::query(statement).bind(version).execute(&db).await.unwrap();
    };
    set(99).await;
    let newer = |error: &WrongVersion| matches!(error, WrongVersion::Newer { .. });
    let refused = rebuild(&db, carts, None, "test", &bar).await;
    assert!(matches!(&refused, Err(RebuildError::Version(error)) if newer(error)), "{refused:?}");
    let refused = verify(&db, carts, "test", &bar).await;
    assert!(matches!(&refused, Err(RebuildError::Version(error)) if newer(error)), "{refused:?}");
    let refused = retry(&db, carts, None).await;
    assert!(matches!(&refused, Err(RetryError::Version(error)) if newer(error)), "{refused:?}");
    assert_eq!(number(&db, "SELECT count(*) FROM projection_builds").await, 1);

    // What is older can be rebuilt, and neither gone on with nor compared.
    set(0).await;
    let refused = retry(&db, carts, None).await.unwrap_err();
    assert!(refused.to_string().contains("rebuild it first"), "{refused}");
    assert!(verify(&db, carts, "test", &bar).await.is_err());
    rebuild(&db, carts, None, "test", &bar).await.unwrap();
    verify(&db, carts, "test", &bar).await.unwrap();
}

/// A build that stands beyond the log is put right by one that ends where the log does, and is none
/// to go back to.
#[sqlx::test(migrations = "../migrations")]
async fn a_rebuild_of_one_beyond_the_log_ends_where_the_log_does(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    project(&db, "carts").await;
    sqlx::query("UPDATE projection_slots SET position = 5000").execute(&db).await.unwrap();
    let carts = projection("carts");
    let report = rebuild(&db, carts, None, "test", &ProgressBar::hidden()).await.unwrap();
    assert_eq!((report.to, report.kept), (2, false));
    let stands = "SELECT position FROM projection_slots WHERE projection = 'carts'";
    assert_eq!(number(&db, stands).await, 1);
    assert_eq!(number(&db, "SELECT count(*) FROM projection_builds").await, 1);
    shop.cart().await;
    project(&db, "carts").await;
    assert_eq!(documents(&db, "carts").await.len(), 2);
}

/// Three tables' worth of pages, each deleted in one walk, and nothing of the live build.
#[sqlx::test(migrations = "../migrations")]
async fn a_large_build_is_deleted_whole_and_alone(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    project(&db, "carts").await;
    sqlx::query(
        "INSERT INTO carts_rows (build, id, document, position, version, status, created_at,
                                 updated_at)
         SELECT 7, gen_random_uuid(), json_build_object('padding', repeat(md5(n::text), 50)), n, 1,
                'open', now(), now() FROM generate_series(1, 20000) AS n",
    )
    .execute(&db)
    .await
    .unwrap();
    builds::delete(&db, projection("carts"), 7).await.unwrap();
    let left: Vec<i16> =
        sqlx::query_scalar("SELECT build FROM carts_rows").fetch_all(&db).await.unwrap();
    assert_eq!(left, [1]);
}
