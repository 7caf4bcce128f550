//! Two versions of the program at once, events that none of them will ever read, and a lease that
//! changes hands.

use std::time::Duration;

use event_store::tail::Tail;
use indicatif::ProgressBar;
use kit_log::eventually;
use projector::building::rebuild::verify;
use projector::working::fold::BatchError;
use projector::working::parking;
use projector::working::skip::{self, SkipError};
use projector::working::skipped;
use projector::working::worker::{self, Context, Readers};
use projector::{checkpoint, status};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::shop::{Shop, document, documents, fold, id, lease, parked, project, projection};

fn nothing() -> Vec<String> {
    vec![]
}

/// What a newer program appends is not this one's to judge: it waits before it.
#[sqlx::test(migrations = "../migrations")]
async fn an_event_of_a_newer_program_stops_those_who_want_it(db: PgPool) {
    let shop = Shop::open(&db);
    let (cart, other) = (shop.cart().await, shop.cart().await);
    let at = shop.append_raw(&format!("cart-{cart}"), 2, "cart.renamed", "{}").await;
    shop.append_raw(&format!("cart-{other}"), 2, "cart.abandoned", "{}").await;

    let mut old = lease(&db, "carts", "old").await.unwrap();
    let stopped = fold(&db, &mut old).await;
    assert!(matches!(&stopped, Err(BatchError::Newer(it)) if it.position == at), "{stopped:?}");
    assert_eq!(old.position, at - 1, "all before it is folded");
    assert_eq!(documents(&db, "carts").await.len(), 2);
    assert_eq!(parked(&db, "carts").await, nothing());
    // Those that read no carts pass it.
    project(&db, "products").await;
    let passed = lease(&db, "products", "test").await.unwrap();
    assert_eq!(passed.position, at + 1);

    old.give_way(&db, at).await.unwrap();
    let said = status::check(&db, projection("carts")).await.unwrap_err();
    assert!(said.contains(&format!("a newer program at position {at}")), "{said}");
    assert!(lease(&db, "carts", "old").await.is_none(), "left to others for a while");
    let new = lease(&db, "carts", "new").await.expect("a newer program takes over");
    assert_eq!(new.position, at - 1);
    sqlx::query("UPDATE projection_slots SET position = $1 WHERE projection = 'carts'")
        .bind(at)
        .execute(&db)
        .await
        .unwrap();
    assert_eq!(status::check(&db, projection("carts")).await, Ok(()), "passed, it is forgotten");
}

/// A newer schema of a known type is one too; of a type in another kind of stream it is not.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_newer_is_told_from_what_is_broken(db: PgPool) {
    let shop = Shop::open(&db);
    let stream = format!("cart-{}", shop.cart().await);
    shop.append_raw(&stream, 2, "sofa.sat_on", "{}").await;
    project(&db, "carts").await;
    assert_eq!(parked(&db, "carts").await, [stream]);
    let newer = shop.cart().await;
    let at = shop.append_raw(&format!("cart-{newer}"), 2, "cart.abandoned", "{}").await;
    sqlx::raw_sql(
        "ALTER TABLE events DISABLE TRIGGER ALL;
         UPDATE events SET schema = 99 WHERE position = (SELECT max(position) FROM events)",
    )
    .execute(&db)
    .await
    .unwrap();
    let mut lease = lease(&db, "carts", "test").await.unwrap();
    let stopped = fold(&db, &mut lease).await;
    assert!(matches!(&stopped, Err(BatchError::Newer(it)) if it.position == at), "{stopped:?}");
}

fn worker(db: &PgPool, stop: &CancellationToken) -> JoinHandle<()> {
    let context = Context {
        db: db.clone(),
        tail: Tail::start(db.clone(), None, String::new()),
        bus: None,
        owner: "test".to_owned(),
        stop: stop.clone(),
    };
    tokio::spawn(async move {
        worker::run(context, projection("carts"), Readers::default()).await.unwrap();
    })
}

/// An older program parked a stream because it did not know what this one knows.
#[sqlx::test(migrations = "../migrations")]
async fn what_an_older_program_parked_is_taken_up_by_a_newer_one(db: PgPool) {
    let shop = Shop::open(&db);
    let stream = format!("cart-{}", shop.cart().await);
    project(&db, "carts").await;
    let at = shop.append_raw(&stream, 2, "cart.abandoned", "{}").await;
    sqlx::query(
        "INSERT INTO parked_streams (projection, build, stream, position, version, reason)
         VALUES ('carts', 1, $1, $2, 2, 'it cannot be decoded: unknown event type')",
    )
    .bind(&stream)
    .bind(at)
    .execute(&db)
    .await
    .unwrap();
    project(&db, "carts").await;
    assert_eq!(document(&db, "carts").await["status"], "open", "it waits");

    let stop = CancellationToken::new();
    let worker = worker(&db, &stop);
    eventually("it is taken up", async || document(&db, "carts").await["status"] == "abandoned")
        .await;
    assert_eq!(parked(&db, "carts").await, nothing());
    stop.cancel();
    worker.await.unwrap();
}

/// The way out for what nobody will ever read: what is parked.
#[sqlx::test(migrations = "../migrations")]
async fn an_event_that_keeps_its_stream_parked_can_be_skipped(db: PgPool) {
    let shop = Shop::open(&db);
    let (bad, other) = (shop.cart().await, shop.cart().await);
    let (bad, other) = (format!("cart-{bad}"), format!("cart-{other}"));
    let at = shop.append_raw(&bad, 2, "cart.line_added", "{}").await;
    let last = shop.append_raw(&bad, 3, "cart.abandoned", "{}").await;
    project(&db, "carts").await;
    let carts = projection("carts");
    let listed = parking::list(&db, carts).await.unwrap();
    assert_eq!((listed.len(), listed[0].position, listed[0].version), (1, at, 2));

    let refused = skip::skip(&db, carts, &bad, last, "why").await;
    assert!(matches!(refused, Err(SkipError::Elsewhere { position, .. }) if position == at));
    let refused = skip::skip(&db, carts, &other, at, "why").await;
    assert!(matches!(refused, Err(SkipError::NoEvent { .. })), "{refused:?}");
    let refused = skip::skip(&db, carts, &other, 2, "why").await;
    assert!(matches!(refused, Err(SkipError::NotStuck)), "{refused:?}");
    let refused = skip::skip(&db, carts, &bad, at, " ").await;
    assert!(matches!(refused, Err(SkipError::Reason)), "{refused:?}");

    let retried = skip::skip(&db, carts, &bad, at, "written by hand").await.unwrap();
    assert_eq!(retried.released, [bad]);
    assert_eq!(documents(&db, "carts").await[0]["status"], "abandoned", "what came after is there");
    let kept = skipped::list(&db, carts).await.unwrap();
    assert_eq!((kept[0].position, kept[0].reason.as_str()), (at, "written by hand"));
    // A fresh build leaves it out as well.
    let report = verify(&db, carts, "test", &ProgressBar::hidden()).await.unwrap();
    assert_eq!((report.differences, report.parked), (vec![], 0));
}

/// The same for what stops a projection, if there is no newer program after all.
#[sqlx::test(migrations = "../migrations")]
async fn an_event_that_stops_a_projection_can_be_skipped(db: PgPool) {
    let shop = Shop::open(&db);
    let strange = format!("cart-{}", shop.cart().await);
    let carts = projection("carts");
    let stop = CancellationToken::new();
    let worker = worker(&db, &stop);
    let at = shop.append_raw(&strange, 2, "cart.enchanted", "{}").await;
    shop.append_raw(&strange, 3, "cart.abandoned", "{}").await;
    eventually("it stands still", async || {
        let said = status::check(&db, carts).await;
        said.is_err_and(|said| said.contains(&format!("a newer program at position {at}")))
    })
    .await;
    skip::skip(&db, carts, &strange, at, "nobody knows").await.unwrap();
    eventually("it goes on", async || document(&db, "carts").await["status"] == "abandoned").await;
    stop.cancel();
    worker.await.unwrap();
}

/// Somebody else shall work on it: the holder leaves it alone for a while, a standby has it at
/// once.
#[sqlx::test(migrations = "../migrations")]
async fn a_projection_is_handed_over(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let mut first = lease(&db, "carts", "first").await.unwrap();
    let (carts, build) = (projection("carts"), first.build);
    let for_long = Duration::from_mins(10);
    let taken = checkpoint::hand_over(&db, carts, build, for_long).await.unwrap();
    assert_eq!((taken.len(), taken[0].from.as_deref()), (1, Some("first")));
    assert!(matches!(fold(&db, &mut first).await, Err(BatchError::Fenced(_))));
    assert!(lease(&db, "carts", "first").await.is_none());
    let mut second = lease(&db, "carts", "second").await.expect("it is free for others");
    fold(&db, &mut second).await.unwrap();
    assert_eq!(documents(&db, "carts").await.len(), 1);
}

/// A batch of which nothing is to be written tells of a lost lease too.
#[sqlx::test(migrations = "../migrations")]
async fn who_has_nothing_to_write_learns_that_the_lease_is_lost(db: PgPool) {
    let shop = Shop::open(&db);
    let stream = format!("order-{}", id());
    shop.append_raw(&stream, 1, "order.confirmed", "{}").await;
    project(&db, "sales").await;
    let mut frozen = lease(&db, "sales", "frozen").await.unwrap();
    let before = frozen.position;
    // Parked already: there is nothing to write but the checkpoint.
    shop.append_raw(&stream, 2, "order.confirmed", "{}").await;
    sqlx::query("UPDATE projection_slots SET lease_until = now() - interval '1 s'")
        .execute(&db)
        .await
        .unwrap();
    project(&db, "sales").await;
    let woken = fold(&db, &mut frozen).await;
    assert!(matches!(woken, Err(BatchError::Fenced(_))), "{woken:?}");
    assert_eq!(frozen.position, before);
}

/// A checkpoint over part of what belongs together is nobody's.
#[sqlx::test(migrations = "../migrations")]
async fn a_range_smaller_than_the_grain_is_not_worked_on(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    for name in ["sales", "carts"] {
        project(&db, name).await;
    }
    sqlx::raw_sql(
        "BEGIN; UPDATE projection_slots SET slot_to = 127;
         INSERT INTO projection_slots (projection, build, slot_from, slot_to, position)
         SELECT projection, build, 128, 255, position FROM projection_slots; COMMIT",
    )
    .execute(&db)
    .await
    .unwrap();
    assert!(lease(&db, "carts", "test").await.is_some(), "carts do not mind");
    assert!(lease(&db, "sales", "test").await.is_none());
    let said = status::check(&db, projection("sales")).await.unwrap_err();
    assert!(said.contains("too small"), "{said}");
    // Nor may two ranges overlap.
    let overlap = "INSERT INTO projection_slots (projection, build, slot_from, slot_to)
                   VALUES ('carts', 1, 100, 255)";
    assert!(sqlx::query(overlap).execute(&db).await.is_err());
}

/// Beyond the end of the log stands what never happened.
#[sqlx::test(migrations = "../migrations")]
async fn a_projection_beyond_the_log_is_reported(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    project(&db, "carts").await;
    let _held = lease(&db, "carts", "test").await.unwrap();
    assert_eq!(status::check(&db, projection("carts")).await, Ok(()));
    sqlx::query("UPDATE projection_slots SET position = 7").execute(&db).await.unwrap();
    let said = status::check(&db, projection("carts")).await.unwrap_err();
    assert!(said.contains("beyond the log"), "{said}");
}
