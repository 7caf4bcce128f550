//! Several who work on one projection: each has its slots, and whoever comes or goes, every event
//! is folded once.

use indicatif::ProgressBar;
use kit_log::eventually;
use projector::building::compare::Kind;
use projector::building::rebuild::{rebuild, verify};
use projector::checkpoint::{self, LEASE};
use projector::working::fold::BatchError;
use projector::{builds, status};
use sqlx::{AssertSqlSafe, PgPool};

use crate::shop::{Shop, documents, fold, lease, projection, worker_of};

/// Waits until each of `wanted` has slots, and nobody else: which ones is for chance to say.
async fn have_shares(db: &PgPool, wanted: &[&str]) {
    let settled = async || {
        let found = shares(db).await;
        let mut owners: Vec<_> =
            found.split(", ").filter_map(|share| share.split(' ').next()).collect();
        owners.sort_unstable();
        owners == wanted
    };
    eventually("each has a share", settled).await;
}

/// Who has which slots of carts: `a 0-127, b 128-255`.
async fn shares(db: &PgPool) -> String {
    let shares: Vec<String> = sqlx::query_scalar(
        "SELECT coalesce(owner, 'nobody') || ' ' || slot_from || '-' || slot_to
         FROM projection_positions WHERE name = 'carts' ORDER BY slot_from",
    )
    .fetch_all(db)
    .await
    .unwrap();
    shares.join(", ")
}

async fn becomes(db: &PgPool, wanted: &str) {
    let settled = async || {
        let found = shares(db).await;
        if found != wanted {
            eprintln!("{found}");
        }
        found == wanted
    };
    eventually(wanted, settled).await;
}

async fn carts(db: &PgPool, wanted: usize) {
    eventually("all carts are seen", async || documents(db, "carts").await.len() == wanted).await;
}

async fn nothing_differs(db: &PgPool) {
    let report = verify(db, projection("carts"), "test", &ProgressBar::hidden()).await.unwrap();
    assert_eq!(report.differences, []);
    assert!(report.compared_at.is_some());
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_comes_gets_a_share_and_whoever_goes_leaves_it(db: PgPool) {
    let shop = Shop::open(&db);
    let (a, stop_a) = worker_of(&db, "carts", "a");
    becomes(&db, "a 0-255").await;
    let (b, stop_b) = worker_of(&db, "carts", "b");
    have_shares(&db, &["a", "b"]).await;
    let (c, _stop_c) = worker_of(&db, "carts", "c");
    have_shares(&db, &["a", "b", "c"]).await;
    for _ in 0..60 {
        shop.cart().await;
    }
    carts(&db, 60).await;
    nothing_differs(&db).await;

    // One that dies leaves its slots when its lease is over, one that goes at once.
    c.abort();
    have_shares(&db, &["a", "b"]).await;
    stop_b.cancel();
    b.await.unwrap();
    becomes(&db, "a 0-255").await;
    for _ in 0..20 {
        shop.cart().await;
    }
    carts(&db, 80).await;
    nothing_differs(&db).await;
    stop_a.cancel();
    a.await.unwrap();
    let members: i64 =
        sqlx::query_scalar("SELECT count(*) FROM projection_members WHERE member IN ('a', 'b')")
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(members, 0, "they said that they went");
}

/// Cuts carts in two at a slot, as nobody's.
async fn cut(db: &PgPool, at: i16) {
    let mut tx = db.begin().await.unwrap();
    for statement in [
        "UPDATE projection_slots SET slot_to = $1 - 1, epoch = epoch + 1
         WHERE projection = 'carts' AND slot_from = 0",
        "INSERT INTO projection_slots (projection, build, slot_from, slot_to, position)
         SELECT projection, build, $1, 255, position FROM projection_slots
         WHERE projection = 'carts' AND slot_from = 0",
    ] {
        sqlx::query(statement).bind(at).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn ranges_at_different_positions_are_compared_each_where_it_stands(db: PgPool) {
    let shop = Shop::open(&db);
    let mut ids = vec![];
    for _ in 0..40 {
        ids.push(shop.cart().await);
    }
    let carts = projection("carts");
    builds::active(&db, carts).await.unwrap();
    cut(&db, 100).await;
    let take = async |from| {
        checkpoint::acquire(&db, carts, 1, Some(from), "test", LEASE).await.unwrap().unwrap()
    };
    let (mut lower, mut upper) = (take(0).await, take(100).await);
    fold(&db, &mut lower).await.unwrap();
    for _ in 0..40 {
        ids.push(shop.cart().await);
    }
    fold(&db, &mut upper).await.unwrap();
    assert!(lower.position < upper.position);
    nothing_differs(&db).await;

    let seen = documents(&db, "carts").await;
    assert!(seen.len() > 40 && seen.len() < 80, "{} of 80", seen.len());
    let lost = seen[0]["id"].as_str().unwrap();
    sqlx::query("DELETE FROM carts_rows WHERE id = $1::uuid")
        .bind(lost)
        .execute(&db)
        .await
        .unwrap();
    let report = verify(&db, carts, "test", &ProgressBar::hidden()).await.unwrap();
    let found: Vec<_> = report.differences.iter().map(|it| (it.id.as_str(), it.kind)).collect();
    assert_eq!(found, [(lost, Kind::Missing)]);

    // A rebuild has the same ranges, and brings them together.
    rebuild(&db, carts, None, "test", &ProgressBar::hidden()).await.unwrap();
    assert_eq!(documents(&db, "carts").await.len(), 80);
    assert_eq!(shares(&db).await, "nobody 0-99, nobody 100-255");
    let (alone, stop) = worker_of(&db, "carts", "alone");
    becomes(&db, "alone 0-255").await;
    nothing_differs(&db).await;
    stop.cancel();
    alone.await.unwrap();
}

/// What is behind is brought to where the other stands, whichever it is.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_joined_stands_at_one_position(db: PgPool) {
    let shop = Shop::open(&db);
    for _ in 0..40 {
        shop.cart().await;
    }
    let of_carts = projection("carts");
    builds::active(&db, of_carts).await.unwrap();
    for (behind, ahead) in [(0, 128), (128, 0)] {
        cut(&db, 128).await;
        let mut lease = checkpoint::acquire(&db, of_carts, 1, Some(ahead), "test", LEASE)
            .await
            .unwrap()
            .unwrap();
        shop.cart().await;
        fold(&db, &mut lease).await.unwrap();
        lease.release(&db).await.unwrap();
        let other = checkpoint::acquire(&db, of_carts, 1, Some(behind), "test", LEASE);
        let other = other.await.unwrap().unwrap();
        assert!(other.position < lease.position);
        other.release(&db).await.unwrap();
        let (alone, stop) = worker_of(&db, "carts", "alone");
        becomes(&db, "alone 0-255").await;
        stop.cancel();
        alone.await.unwrap();
        nothing_differs(&db).await;
    }
    assert_eq!(documents(&db, "carts").await.len(), 42);
}

/// A holder that slept while its range was cut goes by bounds that are no longer.
#[sqlx::test(migrations = "../migrations")]
async fn whoever_slept_through_a_cut_writes_nothing(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let mut slept = lease(&db, "carts", "slept").await.unwrap();
    cut(&db, 128).await;
    let woken = fold(&db, &mut slept).await;
    assert!(matches!(woken, Err(BatchError::Fenced(_))), "{woken:?}");
    assert!(documents(&db, "carts").await.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn no_slot_is_lost(db: PgPool) {
    builds::active(&db, projection("carts")).await.unwrap();
    for broken in ["SET slot_to = 200", "SET slot_from = 1"] {
        let sql = format!("UPDATE projection_slots {broken}");
        let refused = sqlx::query(AssertSqlSafe(sql)).execute(&db).await.unwrap_err();
        assert!(refused.to_string().contains("slots and not 256"), "{refused}");
    }
    // Those of a build go with it, all of them.
    sqlx::query("DELETE FROM projection_builds").execute(&db).await.unwrap();
}

/// What depends on all slots has one holder, and others stand by.
#[sqlx::test(migrations = "../migrations")]
async fn sales_are_not_shared(db: PgPool) {
    let shop = Shop::open(&db);
    shop.busy_day().await;
    let (a, stop_a) = worker_of(&db, "sales", "a");
    let (b, stop_b) = worker_of(&db, "sales", "b");
    eventually("a day is seen", async || documents(&db, "sales").await.len() == 1).await;
    let members: i64 =
        sqlx::query_scalar("SELECT count(*) FROM projection_members").fetch_one(&db).await.unwrap();
    assert_eq!(members, 0);
    let ranges = status::statuses(&db, &[projection("sales")]).await.unwrap();
    assert_eq!(ranges.len(), 1);
    for (worker, stop) in [(a, stop_a), (b, stop_b)] {
        stop.cancel();
        worker.await.unwrap();
    }
}
