//! The whole process: all projections at once, rebuilt when the program is newer than their rows.

use std::collections::BTreeSet;
use std::time::Duration;

use event_store::reached::{self, Reached};
use event_store::read;
use event_store::tail::Tail;
use futures::StreamExt;
use projector::run::run;
use projector::search::Meili;
use projector::search::pusher::Trouble;
use projector::working::worker::Context;
use projector::{kept, printout, projections, status};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio_util::sync::CancellationToken;

use crate::shop::{Shop, document, documents, id, project};

/// A pool as large as a process has: the one of a test is too small for ten workers.
async fn roomy(db: &PgPool) -> PgPool {
    let options = db.connect_options().as_ref().clone();
    PgPoolOptions::new().max_connections(24).connect_with(options).await.unwrap()
}

fn context(db: &PgPool, stop: &CancellationToken) -> Context {
    Context {
        db: db.clone(),
        tail: Tail::start(db.clone(), None, String::new()),
        bus: None,
        owner: "test".to_owned(),
        stop: stop.clone(),
    }
}

fn meili() -> Meili {
    let key = harness::required("MEILI_MASTER_KEY");
    let index = format!("test_{}", id().simple());
    Meili::new(&harness::required("MEILI_URL"), Some(&key), &index).unwrap()
}

async fn caught_up(db: &PgPool) {
    let head = read::head(db).await.unwrap();
    for _ in 0..600 {
        let statuses = status::statuses(db, &projections::ALL).await.unwrap();
        if statuses.len() == projections::ALL.len()
            && statuses.iter().all(|standing| standing.position >= head)
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("still behind:\n{}", printout::table(db).await.unwrap());
}

#[sqlx::test(migrations = "../migrations")]
async fn it_is_told_how_far_each_projection_has_come(db: PgPool) {
    let db = roomy(&db).await;
    let shop = Shop::open(&db);
    shop.busy_day().await;
    let head = read::head(&db).await.unwrap();
    let (stop, meili) = (CancellationToken::new(), meili());
    let client = async_nats::connect(harness::required("NATS_URL")).await.unwrap();
    let stream_name = format!("test{}", id().simple());
    let mut news = Box::pin(reached::listen(&client, &stream_name).await.unwrap());
    client.flush().await.unwrap();
    let bus = Some((client, stream_name));
    let context = Context { bus, ..context(&db, &stop) };
    let all = projections::ALL.to_vec();
    let running = tokio::spawn(run(context, all, meili.clone(), Trouble::default()));
    let mut behind: BTreeSet<&str> = projections::ALL.iter().map(|known| known.name).collect();
    while !behind.is_empty() {
        let told = tokio::time::timeout(Duration::from_secs(20), news.next()).await;
        let (projection, Reached { slots, position }) = told.expect("all are told of").unwrap();
        assert_eq!(slots, 0..=255, "nobody else is here");
        assert!(position <= head, "{projection} at {position}");
        if position == head {
            behind.remove(projection.as_str());
        }
    }
    stop.cancel();
    running.await.unwrap().unwrap();
    meili.live().drop_index().await.unwrap();
    db.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn all_projections_follow_the_log(db: PgPool) {
    let db = roomy(&db).await;
    let shop = Shop::open(&db);
    shop.busy_day().await;
    let (stop, meili) = (CancellationToken::new(), meili());
    let all = projections::ALL.to_vec();
    let running = run(context(&db, &stop), all, meili.clone(), Trouble::default());
    let running = tokio::spawn(running);
    caught_up(&db).await;
    shop.busy_day_again().await;
    caught_up(&db).await;
    assert_eq!(documents(&db, "orders").await.len(), 4);
    assert_eq!(document(&db, "stock").await["available"], 0);
    for projection in projections::ALL {
        assert_eq!(status::check(&db, projection).await, Ok(()));
    }
    stop.cancel();
    running.await.unwrap().unwrap();
    let owners = status::statuses(&db, &projections::ALL).await.unwrap();
    assert!(owners.iter().all(|standing| standing.owner.is_none()), "leases were released");
    meili.live().drop_index().await.unwrap();
    db.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_newer_program_rebuilds_before_it_works(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    project(&db, "carts").await;
    sqlx::query("UPDATE projection_builds SET version = 0").execute(&db).await.unwrap();
    sqlx::query("UPDATE carts_rows SET document = '{\"old\":true}'").execute(&db).await.unwrap();
    let (stop, meili) = (CancellationToken::new(), meili());
    let carts = vec![projections::find("carts").unwrap()];
    let running = tokio::spawn(run(context(&db, &stop), carts, meili, Trouble::default()));
    for _ in 0..200 {
        let shown = document(&db, "carts").await;
        if shown["status"] == "open" {
            break;
        }
        assert_eq!(shown["old"], true, "whole, the old or the new");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shop.cart().await;
    for _ in 0..200 {
        if documents(&db, "carts").await.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(documents(&db, "carts").await.len(), 2);
    stop.cancel();
    running.await.unwrap().unwrap();
    // For the program before, should this one be no good.
    let kept = kept::find(&db, projections::find("carts").unwrap()).await.unwrap().unwrap();
    assert_eq!((kept.build, kept.version), (1, 0));
}

/// Seven workers that wait for the log to grow do so on one connection.
#[sqlx::test(migrations = "../migrations")]
async fn without_nats_one_connection_listens_for_all(db: PgPool) {
    let db = roomy(&db).await;
    let shop = Shop::open(&db);
    shop.cart().await;
    let (stop, meili) = (CancellationToken::new(), meili());
    let all = projections::ALL.to_vec();
    let running = tokio::spawn(run(context(&db, &stop), all, meili.clone(), Trouble::default()));
    caught_up(&db).await;
    shop.cart().await;
    caught_up(&db).await;
    let listening: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND query ILIKE 'LISTEN%'",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(listening, 1);
    stop.cancel();
    running.await.unwrap().unwrap();
    meili.live().drop_index().await.unwrap();
    db.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn two_outdated_projections_are_rebuilt_one_after_the_other(db: PgPool) {
    let db = roomy(&db).await;
    let shop = Shop::open(&db);
    shop.busy_day().await;
    for name in ["carts", "stock", "payments"] {
        project(&db, name).await;
    }
    sqlx::query("UPDATE projection_builds SET version = 0").execute(&db).await.unwrap();
    // Whichever is first cannot read the log for a while.
    let mut held = db.begin().await.unwrap();
    sqlx::query("LOCK TABLE events IN ACCESS EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
    let (stop, meili) = (CancellationToken::new(), meili());
    let wanted = ["carts", "stock", "payments"].map(|name| projections::find(name).unwrap());
    let running = run(context(&db, &stop), wanted.to_vec(), meili, Trouble::default());
    let running = tokio::spawn(running);
    let builds = async || {
        let count = "SELECT count(*) FROM projection_builds WHERE build > 1";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&db).await.unwrap()
    };
    while builds().await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(builds().await, 1);
    held.rollback().await.unwrap();
    let outdated = async || {
        let count = "SELECT count(*) FROM projection_builds b JOIN projections p
                     ON p.name = b.projection AND p.active_build = b.build WHERE b.version = 0";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&db).await.unwrap()
    };
    for _ in 0..600 {
        if outdated().await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(outdated().await, 0);
    stop.cancel();
    running.await.unwrap().unwrap();
    db.close().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn an_older_program_refuses(db: PgPool) {
    Shop::open(&db).cart().await;
    project(&db, "carts").await;
    sqlx::query("UPDATE projection_builds SET version = 99").execute(&db).await.unwrap();
    let carts = vec![projections::find("carts").unwrap()];
    let context = context(&db, &CancellationToken::new());
    let refused = run(context, carts, meili(), Trouble::default()).await.unwrap_err();
    assert!(refused.to_string().contains("version 99"), "{refused}");
}
