//! The build before is kept, and readers go back to it: whole, and brought to the end of the log.

use indicatif::ProgressBar;
use projector::building::error::{NoWayBack, RebuildError};
use projector::building::rebuild::{rebuild, verify};
use projector::building::rollback::{WentBack, rollback};
use projector::care::{self, CalledOff};
use projector::kept;
use projector::search::pusher::push;
use projector::working::fold::BatchError;
use projector::{builds, checkpoint};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::JoinHandle;

use crate::rebuild::{block_whom, eventually, number};
use crate::search::{Catalogue, dirty};
use crate::shop::{Shop, documents, fold, lease, project, projection, worker_of};

async fn build_anew(db: &PgPool) -> i16 {
    let carts = projection("carts");
    rebuild(db, carts, None, "test", &ProgressBar::hidden()).await.unwrap().to
}

async fn go_back(db: &PgPool) -> Result<WentBack, RebuildError> {
    rollback(db, projection("carts"), None, "test", &ProgressBar::hidden()).await
}

async fn run(db: &PgPool, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(db).await.unwrap();
}

/// The builds there are of carts.
async fn there_are(db: &PgPool) -> Vec<i16> {
    let all = "SELECT build FROM projection_builds WHERE projection = 'carts' ORDER BY build";
    sqlx::query_scalar(all).fetch_all(db).await.unwrap()
}

/// How many carts readers see, and how many of those as the first build had them.
async fn seen(db: &PgPool) -> (usize, usize) {
    let shown = documents(db, "carts").await;
    (shown.len(), shown.iter().filter(|cart| cart["first"] == true).count())
}

/// A cart that the first build shows otherwise than the second, which readers see.
async fn two_builds(db: &PgPool) -> Shop {
    let shop = Shop::open(db);
    shop.cart().await;
    project(db, "carts").await;
    run(db, "UPDATE carts_rows SET document = document::jsonb || '{\"first\":true}'").await;
    assert_eq!(build_anew(db).await, 2);
    assert_eq!(seen(db).await, (1, 0));
    shop
}

#[sqlx::test(migrations = "../migrations")]
async fn readers_go_back_and_forward_again(db: PgPool) {
    let shop = two_builds(&db).await;
    let carts = projection("carts");
    let kept = kept::find(&db, carts).await.unwrap().unwrap();
    assert_eq!((kept.build, kept.version, kept.position), (1, carts.version, 1));
    shop.cart().await;
    project(&db, "carts").await;
    shop.cart().await;
    let working = lease(&db, "carts", "worker").await.unwrap();

    let went_back = go_back(&db).await.unwrap();
    assert_eq!((went_back.from, went_back.to, went_back.kept), (2, 1, true));
    assert_eq!(seen(&db).await, (3, 1), "what came since is there too");
    assert!(working.renew(&db).await.unwrap().is_err(), "who worked on the other is fenced");
    let now = lease(&db, "carts", "worker").await.expect("it waits for a worker");
    assert_eq!((now.build, now.position), (1, 3));
    now.release(&db).await.unwrap();

    shop.cart().await;
    project(&db, "carts").await;
    assert_eq!(seen(&db).await, (4, 1));
    assert_eq!(go_back(&db).await.unwrap().to, 2);
    assert_eq!(seen(&db).await, (4, 0), "forward again");
    assert_eq!(verify(&db, carts, "test", &ProgressBar::hidden()).await.unwrap().differences, []);
    assert_eq!(there_are(&db).await, [1, 2], "nothing else is left of that");

    assert_eq!(kept::delete(&db, carts).await.unwrap(), Some(1));
    assert_eq!(there_are(&db).await, [2]);
    assert_eq!(number(&db, "SELECT count(*) FROM carts_rows WHERE build = 1").await, 0);
    assert_eq!(kept::delete(&db, carts).await.unwrap(), None);
    let refused = go_back(&db).await;
    assert!(
        matches!(refused, Err(RebuildError::NoWayBack(NoWayBack::Nothing("carts")))),
        "{refused:?}"
    );
    assert_eq!(seen(&db).await, (4, 0));
}

#[sqlx::test(migrations = "../migrations")]
async fn one_is_kept_at_most(db: PgPool) {
    two_builds(&db).await;
    assert_eq!(build_anew(&db).await, 3);
    assert_eq!(there_are(&db).await, [2, 3]);
    assert_eq!(number(&db, "SELECT count(*) FROM carts_rows WHERE build = 1").await, 0);
    // A verification is neither kept nor in its way, and its number is given back.
    let bar = ProgressBar::hidden();
    assert_eq!(verify(&db, projection("carts"), "test", &bar).await.unwrap().to, 4);
    assert_eq!(there_are(&db).await, [2, 3]);
    assert_eq!(go_back(&db).await.unwrap().to, 2);
    assert_eq!(build_anew(&db).await, 4, "a number is never used again");
    assert_eq!(there_are(&db).await, [2, 4]);
}

/// A newer program has rebuilt by itself, and is no good.
#[sqlx::test(migrations = "../migrations")]
async fn the_program_before_goes_back_to_its_own_build(db: PgPool) {
    let shop = two_builds(&db).await;
    run(&db, "UPDATE projection_builds SET version = 99 WHERE build = 2").await;
    shop.cart().await;
    let (working, stop) = worker_of(&db, "stock", "another");
    assert_eq!(go_back(&db).await.unwrap().to, 1);
    assert_eq!(seen(&db).await, (2, 1));
    project(&db, "carts").await;
    // What the newer one made is only for that.
    let refused = go_back(&db).await;
    let Err(RebuildError::NoWayBack(newer @ NoWayBack::Newer { found: 99, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert!(newer.to_string().contains("only that program"), "{newer}");
    // As it would have been said to the newer one before.
    run(&db, "UPDATE projection_builds SET version = 0 WHERE build = 2").await;
    let refused = go_back(&db).await;
    let Err(RebuildError::NoWayBack(older @ NoWayBack::Older { found: 0, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert!(older.to_string().contains("go back to that program first"), "{older}");
    assert_eq!(seen(&db).await, (2, 1));
    stop.cancel();
    working.await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn one_build_is_made_or_gone_back_to_at_a_time(db: PgPool) {
    two_builds(&db).await;
    let carts = projection("carts");
    builds::create_next(&db, carts, "somebody").await.unwrap().unwrap();
    let busy = go_back(&db).await;
    assert!(
        matches!(&busy, Err(RebuildError::Busy { maker: Some(maker) })
        if maker.build == 3),
        "{busy:?}"
    );
    // What is kept may be deleted meanwhile, to make room.
    care::cancel(&db, carts).await.unwrap().unwrap();
    assert!(builds::fence(&db, carts, 1, "somebody").await.unwrap());
    for busy in [
        go_back(&db).await.map(drop),
        rebuild(&db, carts, None, "test", &ProgressBar::hidden()).await.map(drop),
        kept::delete(&db, carts).await.map(drop),
    ] {
        assert!(
            matches!(&busy, Err(RebuildError::Busy { maker: Some(maker) })
            if (maker.build, &*maker.owner) == (1, "somebody")),
            "{busy:?}"
        );
    }
    // Called off, it is kept all the same.
    let called_off = care::cancel(&db, carts).await.unwrap();
    assert_eq!(called_off, Some(CalledOff { build: 1, kept: true }));
    builds::create_next(&db, carts, "somebody").await.unwrap().unwrap();
    assert_eq!(kept::delete(&db, carts).await.unwrap(), Some(1), "to make room");
}

/// It is paused, and gone back to all the same, as it would be made anew.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_paused_is_gone_back_to(db: PgPool) {
    let shop = two_builds(&db).await;
    shop.cart().await;
    assert!(care::pause(&db, projection("carts")).await.unwrap());
    assert_eq!(go_back(&db).await.unwrap().to, 1);
    assert_eq!(seen(&db).await, (2, 1));
    assert!(lease(&db, "carts", "worker").await.is_none(), "it stays paused");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_the_log_has_lost_is_not_gone_back_to(db: PgPool) {
    let shop = two_builds(&db).await;
    let lost = |refused: &Result<WentBack, RebuildError>| {
        matches!(refused, Err(RebuildError::NoWayBack(NoWayBack::Lost("carts"))))
    };
    // The log goes on under another id, with its past in common; and then without.
    let turn = "WITH before AS (SELECT log_id, position FROM log_head)
                INSERT INTO log_lineage (log_id, head) SELECT log_id, position FROM before";
    run(&db, turn).await;
    run(&db, "UPDATE log_head SET log_id = gen_random_uuid()").await;
    shop.cart().await;
    assert_eq!(go_back(&db).await.unwrap().to, 1);
    run(&db, "UPDATE projection_builds SET kept_log = gen_random_uuid() WHERE build = 2").await;
    let refused = go_back(&db).await;
    assert!(lost(&refused), "{refused:?}");
    run(&db, "UPDATE projection_builds SET kept_log = NULL WHERE build = 2").await;
    run(&db, "UPDATE projection_slots SET position = 99 WHERE build = 2").await;
    let refused = go_back(&db).await;
    assert!(lost(&refused), "{refused:?}");
    // Nobody is kept from what is to be done instead.
    assert_eq!(kept::delete(&db, projection("carts")).await.unwrap(), Some(2));
    assert_eq!(build_anew(&db).await, 3);
    assert_eq!(seen(&db).await, (2, 0));
}

fn begin(db: &PgPool) -> JoinHandle<Result<WentBack, RebuildError>> {
    let db = db.clone();
    tokio::spawn(async move { go_back(&db).await })
}

/// Wherever it breaks, readers see what they saw, and what is kept can be gone back to again.
#[sqlx::test(migrations = "../migrations")]
async fn what_breaks_on_the_way_leaves_readers_where_they_are(db: PgPool) {
    let shop = two_builds(&db).await;
    shop.cart().await;
    project(&db, "carts").await;
    for (lock, caught_up) in [
        // Before it has folded anything.
        ("LOCK TABLE events IN ACCESS EXCLUSIVE MODE", 1),
        // When all is folded and the live build is to be held.
        ("SELECT FROM projection_slots WHERE build = 2 FOR UPDATE", 2),
    ] {
        let (held, slow) = block_whom(&db, lock, || begin(&db)).await;
        let over = "UPDATE projection_slots SET lease_until = now() - interval '1 s'
                    WHERE build = 1";
        run(&db, over).await;
        assert!(builds::fence(&db, projection("carts"), 1, "quick").await.unwrap());
        held.rollback().await.unwrap();
        let ended = slow.await.unwrap();
        assert!(matches!(ended, Err(RebuildError::Fenced(_))), "{ended:?}");
        assert_eq!(seen(&db).await, (2, 0));
        let kept = kept::find(&db, projection("carts")).await.unwrap().unwrap();
        assert_eq!((kept.build, kept.position), (1, caught_up), "no more than it had");
        run(&db, over).await;
    }
    // A process that dies leaves its leases to run out.
    let lock = "SELECT FROM projection_slots WHERE build = 2 FOR UPDATE";
    let (held, dying) = block_whom(&db, lock, || begin(&db)).await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    held.rollback().await.unwrap();
    assert_eq!(seen(&db).await, (2, 0));
    run(&db, "UPDATE projection_slots SET lease_until = NULL WHERE build = 1").await;
    eventually(
        &db,
        "SELECT WHERE NOT EXISTS (SELECT FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock')",
    )
    .await;
    assert_eq!(go_back(&db).await.unwrap().to, 1);
    assert_eq!(seen(&db).await, (2, 1));
}

/// The program before cannot read what a newer one has written since: it goes as far as it can.
#[sqlx::test(migrations = "../migrations")]
async fn an_event_of_a_newer_program_is_in_the_way(db: PgPool) {
    let shop = two_builds(&db).await;
    let stream = format!("cart-{}", shop.cart().await);
    shop.append_raw(&stream, 2, "cart.renamed", "{}").await;
    for _ in 0..2 {
        let stopped = go_back(&db).await;
        assert!(matches!(stopped, Err(RebuildError::Batch(BatchError::Newer(_)))), "{stopped:?}");
    }
    assert_eq!(seen(&db).await, (1, 0), "they see what they saw");
    let kept = kept::find(&db, projection("carts")).await.unwrap().unwrap();
    assert_eq!((kept.build, kept.position), (1, 2), "up to there");
}

/// Streams that it had parked are parked again, and are taken up as ever.
#[sqlx::test(migrations = "../migrations")]
async fn its_ranges_and_what_it_parked_are_as_they_were(db: PgPool) {
    let shop = Shop::open(&db);
    let stream = format!("cart-{}", shop.cart().await);
    shop.append_raw(&stream, 2, "cart.line_added", "{}").await;
    project(&db, "carts").await;
    assert_eq!(build_anew(&db).await, 2);
    // Another is in two pieces now than the one that is kept.
    run(
        &db,
        "BEGIN; UPDATE projection_slots SET slot_to = 127 WHERE build = 2;
        INSERT INTO projection_slots (projection, build, slot_from, slot_to, position)
        SELECT projection, build, 128, 255, position FROM projection_slots WHERE build = 2;
        COMMIT",
    )
    .await;
    let went_back = go_back(&db).await.unwrap();
    assert_eq!((went_back.to, went_back.parked), (1, 1));
    let ranges = checkpoint::ranges(&db, projection("carts"), 1).await.unwrap();
    assert_eq!(ranges.len(), 1);
    assert_eq!(go_back(&db).await.unwrap().to, 2);
    assert_eq!(checkpoint::ranges(&db, projection("carts"), 2).await.unwrap().len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn searches_go_back_too(db: PgPool) {
    let (shop, catalogue) = (Shop::open(&db), Catalogue::new());
    let (meili, search) = (&catalogue.meili, projection("search"));
    shop.product("Leather tote", "TOTE").await;
    project(&db, "search").await;
    let bar = ProgressBar::hidden();
    rebuild(&db, search, Some(meili), "test", &bar).await.unwrap();
    // The second build says something else.
    run(
        &db,
        "UPDATE search_documents_rows SET dirty = true, revision = revision + 1,
            document = document::jsonb || '{\"title\":\"Broken tote\"}' WHERE build = 2",
    )
    .await;
    let mut second = lease(&db, "search", "test").await.unwrap();
    let identity = meili.live().ensure().await.unwrap();
    push(&db, &meili.live(), &second, &identity).await.unwrap();
    shop.product("Felt bag", "FELT").await;
    fold(&db, &mut second).await.unwrap();
    push(&db, &meili.live(), &second, &identity).await.unwrap();
    second.release(&db).await.unwrap();
    assert_eq!(catalogue.titles("broken").await, ["Broken tote"]);

    let went_back = rollback(&db, search, Some(meili), "test", &bar).await.unwrap();
    assert_eq!(went_back.filled.unwrap().documents, 2);
    assert_eq!(catalogue.titles("tote").await[0], "Leather tote");
    assert!(catalogue.titles("broken").await.is_empty());
    assert_eq!(catalogue.titles("felt").await, ["Felt bag"], "it has come since");
    assert_eq!(dirty(&db).await, 0, "nothing is left to send");
    assert_eq!(meili.of_build(1).identity().await.unwrap(), None);
    // What changes from now on is sent as ever.
    shop.product("Silk tote", "SILK").await;
    let mut first = lease(&db, "search", "test").await.unwrap();
    fold(&db, &mut first).await.unwrap();
    let identity = meili.live().ensure().await.unwrap();
    push(&db, &meili.live(), &first, &identity).await.unwrap();
    assert_eq!((dirty(&db).await, catalogue.titles("silk").await.len()), (0, 1));
    first.release(&db).await.unwrap();

    rollback(&db, search, Some(meili), "test", &bar).await.unwrap();
    assert_eq!(catalogue.titles("broken").await, ["Broken tote"], "forward again");
    assert_eq!(catalogue.titles("silk").await, ["Silk tote"]);
    assert_eq!(meili.live().count().await.unwrap(), 3);
    catalogue.drop().await;
}

/// As those who look after it use it.
#[sqlx::test(migrations = "../migrations")]
async fn the_command_line_goes_back_and_says_so(db: PgPool) {
    two_builds(&db).await;
    let status = crate::command_line::run(&db, &["status", "--json"]).await.1;
    let status: Value = serde_json::from_str(&status).unwrap();
    let kept = &status[0]["kept"];
    assert_eq!((&kept["build"], kept["since"].is_string()), (&1.into(), true), "{status}");
    let run = async |arguments: &[&str]| crate::command_line::run(&db, arguments).await;
    let (_, table) = run(&["status"]).await;
    assert!(table.contains("carts: build 1 of version") && table.contains("is kept since"));
    let (code, said) = run(&["rollback", "carts", "--by", "ann"]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("readers see build 1 now") && said.contains("build 2 is kept"), "{said}");
    assert_eq!(seen(&db).await, (1, 1));
    assert_eq!(run(&["drop", "carts"]).await, (0, "carts: build 2 is deleted\n".to_owned()));
    assert_eq!(run(&["drop", "carts"]).await, (1, "carts: no build is kept\n".to_owned()));
    let (code, _) = run(&["rollback", "carts"]).await;
    assert_eq!(code, 1);
    let (_, actions) = run(&["actions"]).await;
    assert!(actions.lines().last().unwrap().ends_with("rollback carts, by ann"), "{actions}");
    assert_eq!(actions.matches("drop carts").count(), 2, "{actions}");
}
