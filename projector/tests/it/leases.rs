//! One worker at a time, whoever was frozen, died or went.

use std::time::Duration;

use kit_log::eventually;
use projector::step;
use projector::working::fold::BatchError;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::shop::{Shop, documents, fold, lease, worker_of};

async fn expire(db: &PgPool) {
    sqlx::query("UPDATE projection_slots SET lease_until = now() - interval '1 second'")
        .execute(db)
        .await
        .unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_frozen_worker_writes_nothing_more(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let mut frozen = lease(&db, "carts", "frozen").await.unwrap();
    assert!(lease(&db, "carts", "standby").await.is_none(), "the lease is held");
    expire(&db).await;
    let mut standby = lease(&db, "carts", "standby").await.unwrap();
    assert!(standby.epoch > frozen.epoch);

    let woken = fold(&db, &mut frozen).await;
    assert!(matches!(woken, Err(BatchError::Fenced(_))), "{woken:?}");
    assert!(documents(&db, "carts").await.is_empty());
    assert!(frozen.renew(&db).await.unwrap().is_err());
    assert!(frozen.pass(&db, 1).await.unwrap().is_err());
    frozen.release(&db).await.unwrap();
    fold(&db, &mut standby).await.unwrap();
    assert_eq!(documents(&db, "carts").await.len(), 1);
}

/// What was read of a log that may have lost its end is not folded: not before that has another id,
/// nor after.
#[sqlx::test(migrations = "../migrations")]
async fn a_lease_of_another_log_writes_nothing(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let mut held = lease(&db, "carts", "held").await.unwrap();
    sqlx::query("UPDATE log_head SET timeline = log_timeline() - 1").execute(&db).await.unwrap();
    let early = fold(&db, &mut held).await;
    assert!(matches!(early, Err(BatchError::Fenced(_))), "{early:?}");
    expire(&db).await;
    assert!(lease(&db, "carts", "early").await.is_none(), "nobody knows which log it is");

    shop.cart().await;
    let late = fold(&db, &mut held).await;
    assert!(matches!(late, Err(BatchError::Fenced(_))), "{late:?}");
    let mut stalled = db.acquire().await.unwrap().detach();
    assert!(held.step(1).begin(&mut stalled).await.unwrap().is_err());
    drop(stalled);
    assert!(documents(&db, "carts").await.is_empty());
    let mut other = lease(&db, "carts", "other").await.unwrap();
    assert_ne!(other.log_id, held.log_id);
    fold(&db, &mut other).await.unwrap();
    assert_eq!(documents(&db, "carts").await.len(), 2);
}

/// A worker finds out by itself, and goes on with the log as it is.
#[sqlx::test(migrations = "../migrations")]
async fn a_worker_goes_on_with_a_log_that_turned(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let (working, stop) = worker(&db, "one");
    carts(&db, 1, Duration::from_secs(20)).await;
    sqlx::query("UPDATE log_head SET timeline = log_timeline() - 1").execute(&db).await.unwrap();
    shop.cart().await;
    carts(&db, 2, Duration::from_secs(20)).await;
    stop.cancel();
    working.await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_worker_frozen_inside_a_transaction_is_cut_off(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let frozen = lease(&db, "carts", "frozen").await.unwrap();
    let mut stalled = db.acquire().await.unwrap().detach();
    frozen.step(1).begin(&mut stalled).await.unwrap().unwrap();
    // The row is locked until the database ends the transaction, one lease later.
    expire_when_unlocked(&db).await;
    assert!(lease(&db, "carts", "standby").await.is_some());
    assert!(step::commit(&mut stalled).await.is_err());
}

async fn expire_when_unlocked(db: &PgPool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), expire(db)).await;
    waited.expect("the lock is freed");
}

fn worker(db: &PgPool, owner: &str) -> (JoinHandle<()>, CancellationToken) {
    worker_of(db, "carts", owner)
}

async fn carts(db: &PgPool, wanted: usize, within: Duration) {
    let counted = async {
        while documents(db, "carts").await.len() != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let counted = tokio::time::timeout(within, counted).await;
    assert!(counted.is_ok(), "there are not {wanted} carts after {within:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_standby_takes_over(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let (first, stop_first) = worker(&db, "first");
    carts(&db, 1, Duration::from_secs(10)).await;
    let (second, _stop_second) = worker(&db, "second");
    let (third, stop_third) = worker(&db, "third");

    // One that goes in order hands over at once, well within the lease.
    stop_first.cancel();
    first.await.unwrap();
    shop.cart().await;
    carts(&db, 2, Duration::from_secs(4)).await;

    // One that dies is missed when its lease is over.
    second.abort();
    shop.cart().await;
    carts(&db, 3, Duration::from_secs(12)).await;
    stop_third.cancel();
    third.await.unwrap();
}

/// Sessions of this database in a state that `condition` tells.
async fn sessions(db: &PgPool, condition: &str) -> Vec<i32> {
    let query = format!(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND {condition}"
    );
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(db).await.unwrap()
}

/// A transaction whose beginning fails, again and again, is nobody else's, and heals with its
/// cause.
#[sqlx::test(migrations = "../migrations")]
async fn a_checkpoint_that_cannot_be_moved_spoils_no_session(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let (of_carts, stop_carts) = worker(&db, "carts");
    let (of_products, stop_products) = worker_of(&db, "products", "products");
    carts(&db, 1, Duration::from_secs(10)).await;

    // As a switch of builds holds it, which waits for Meilisearch.
    let mut hold = db.acquire().await.unwrap().detach();
    let lock = "BEGIN; SELECT FROM projection_slots WHERE projection = 'carts' FOR UPDATE";
    sqlx::raw_sql(lock).execute(&mut hold).await.unwrap();
    shop.cart().await;
    for _ in 0..4 {
        let stuck = "wait_event_type = 'Lock' AND query LIKE '%moved(%'";
        eventually("the checkpoint is waited for", async || {
            sqlx::query_scalar::<_, bool>(AssertSqlSafe(format!(
                "SELECT coalesce(bool_or(pg_cancel_backend(pid)), false) FROM pg_stat_activity
                 WHERE datname = current_database() AND {stuck}"
            )))
            .fetch_one(&db)
            .await
            .unwrap()
        })
        .await;
        eventually("it is waited for no more", async || sessions(&db, stuck).await.is_empty())
            .await;
    }
    shop.product("Tote", "TOTE").await;
    eventually("the other worker goes on", async || !documents(&db, "products").await.is_empty())
        .await;

    sqlx::raw_sql("ROLLBACK").execute(&mut hold).await.unwrap();
    carts(&db, 2, Duration::from_secs(20)).await;
    let aborted = "state = 'idle in transaction (aborted)'";
    eventually("no session is left in it", async || sessions(&db, aborted).await.is_empty()).await;
    stop_carts.cancel();
    stop_products.cancel();
    of_carts.await.unwrap();
    of_products.await.unwrap();
}
