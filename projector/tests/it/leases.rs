//! One worker at a time, whoever was frozen, died or went.

use std::time::Duration;

use event_store::tail::Tail;
use projector::batch::BatchError;
use projector::runner::{self, Context};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::shop::{Shop, documents, fold, lease, projection};

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
    assert_eq!(standby.epoch, frozen.epoch + 1);

    let woken = fold(&db, &mut frozen).await;
    assert!(matches!(woken, Err(BatchError::Fenced(_))), "{woken:?}");
    assert!(documents(&db, "carts").await.is_empty());
    assert!(frozen.renew(&db).await.unwrap().is_err());
    assert!(frozen.pass(&db, 1).await.unwrap().is_err());
    frozen.release(&db).await.unwrap();
    fold(&db, &mut standby).await.unwrap();
    assert_eq!(documents(&db, "carts").await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_worker_frozen_inside_a_transaction_is_cut_off(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let frozen = lease(&db, "carts", "frozen").await.unwrap();
    let stalled = frozen.begin(&db, 1).await.unwrap();
    // The row is locked until the database ends the transaction, one lease later.
    expire_when_unlocked(&db).await;
    assert!(lease(&db, "carts", "standby").await.is_some());
    assert!(stalled.commit().await.is_err());
}

async fn expire_when_unlocked(db: &PgPool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), expire(db)).await;
    waited.expect("the lock is freed");
}

fn worker(db: &PgPool, owner: &str) -> (JoinHandle<()>, CancellationToken) {
    let stop = CancellationToken::new();
    let context = Context {
        db: db.clone(),
        tail: Tail::start(db.clone(), None, String::new()),
        bus: None,
        owner: owner.to_owned(),
        stop: stop.clone(),
    };
    let (held, _) = watch::channel(None);
    let task = tokio::spawn(async move {
        runner::run(context, projection("carts"), 0, held).await.unwrap();
    });
    (task, stop)
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
