//! A projection begins anew in an empty build, which readers see while it grows.

use indicatif::ProgressBar;
use projector::building::error::RebuildError;
use projector::building::rebuild::rebuild;
use projector::building::reset::reset;
use projector::search::Meili;
use projector::search::pusher::push;
use projector::working::skip::skip;
use projector::{builds, care};
use sqlx::PgPool;

use crate::command_line::run;
use crate::rebuild::number;
use crate::search::Catalogue;
use crate::shop::{Shop, documents, fold, lease, parked, project, projection};

#[sqlx::test(migrations = "../migrations")]
async fn all_that_was_made_goes_and_comes_again(db: PgPool) {
    let shop = Shop::open(&db);
    let (stream, other) = (shop.cart().await, shop.cart().await);
    let bad = |cart| format!("cart-{cart}");
    let at = shop.append_raw(&bad(stream), 2, "cart.line_added", "{}").await;
    shop.append_raw(&bad(other), 2, "cart.line_added", "{}").await;
    project(&db, "carts").await;
    let carts = projection("carts");
    skip(&db, carts, &bad(stream), at, "a test").await.unwrap();
    rebuild(&db, carts, None, "test", &ProgressBar::hidden()).await.unwrap();
    assert_eq!(parked(&db, "carts").await.len(), 2, "of the build before, too");
    let working = lease(&db, "carts", "worker").await.unwrap();

    let (code, said) = run(&db, &["reset", "carts"]).await;
    assert_eq!((code, said.contains("reset carts --yes")), (1, true), "{said}");
    assert_eq!(documents(&db, "carts").await.len(), 2, "nothing was done");
    let (code, said) = run(&db, &["reset", "carts", "--yes", "--by", "ann"]).await;
    assert_eq!((code, &*said), (0, "carts: readers see build 3 as it grows from now on\n"));
    assert!(documents(&db, "carts").await.is_empty());
    assert!(working.renew(&db).await.unwrap().is_err());
    for left in [
        "SELECT count(*) FROM carts_rows",
        "SELECT count(*) FROM skipped_events",
        "SELECT count(*) FROM parked_streams",
        "SELECT count(*) FROM projection_builds WHERE build <> 3",
    ] {
        assert_eq!(number(&db, left).await, 0, "{left}");
    }
    let new = lease(&db, "carts", "worker").await.expect("it waits for a worker");
    assert_eq!((new.build, new.position), (3, 0));
    new.release(&db).await.unwrap();
    project(&db, "carts").await;
    assert_eq!(documents(&db, "carts").await.len(), 2);
    assert_eq!(parked(&db, "carts").await.len(), 2, "what was skipped is met with again");
    let (_, actions) = run(&db, &["actions"]).await;
    assert_eq!(actions.matches("reset carts, by ann").count(), 1, "{actions}");
    assert_eq!(actions.matches("reset").count(), 1, "only what was done: {actions}");
}

#[sqlx::test(migrations = "../migrations")]
async fn it_is_refused_where_somebody_is_in_the_way(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    project(&db, "carts").await;
    let carts = projection("carts");
    builds::create_next(&db, carts, "somebody").await.unwrap().unwrap();
    let busy = reset(&db, carts, None, "test").await;
    assert!(matches!(busy, Err(RebuildError::Busy { .. })), "{busy:?}");
    care::cancel(&db, carts).await.unwrap().unwrap();
    let set = async |version: i32| {
        let statement = "UPDATE projection_builds SET version = $1";
        sqlx::query(statement).bind(version).execute(&db).await.unwrap();
    };
    set(99).await;
    let newer = reset(&db, carts, None, "test").await;
    assert!(matches!(newer, Err(RebuildError::Version(_))), "{newer:?}");
    assert_eq!(documents(&db, "carts").await.len(), 1);
    // What is older is begun anew as this program's, paused or not.
    set(0).await;
    assert!(care::pause(&db, carts).await.unwrap());
    reset(&db, carts, None, "test").await.unwrap();
    assert!(lease(&db, "carts", "test").await.is_none());
    assert!(care::resume(&db, carts).await.unwrap());
    project(&db, "carts").await;
    assert_eq!(builds::active(&db, carts).await.unwrap().version, carts.version);
    assert_eq!(documents(&db, "carts").await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_index_is_emptied_and_filled_anew(db: PgPool) {
    let (shop, catalogue) = (Shop::open(&db), Catalogue::new());
    let (meili, search) = (&catalogue.meili, projection("search"));
    shop.product("Leather tote", "TOTE").await;
    let publish = async || {
        let mut lease = lease(&db, "search", "test").await.unwrap();
        fold(&db, &mut lease).await.unwrap();
        let identity = meili.live().ensure().await.unwrap();
        push(&db, &meili.live(), &lease, &identity).await.unwrap();
        lease.release(&db).await.unwrap();
    };
    publish().await;
    assert_eq!(catalogue.titles("tote").await, ["Leather tote"]);
    // Without Meilisearch nothing is thrown away.
    let away = Meili::new("http://127.0.0.1:9", None, "away").unwrap();
    let refused = reset(&db, search, Some(&away), "test").await;
    assert!(matches!(refused, Err(RebuildError::Index(_))), "{refused:?}");
    assert_eq!(documents(&db, "search_documents").await.len(), 1);

    reset(&db, search, Some(meili), "test").await.unwrap();
    assert!(documents(&db, "search_documents").await.is_empty());
    assert_eq!(meili.live().count().await.unwrap(), 0);
    assert!(
        meili.live().identity().await.unwrap().is_some(),
        "searches find nothing, and no error"
    );
    publish().await;
    assert_eq!(catalogue.titles("tote").await, ["Leather tote"]);
    catalogue.drop().await;
}
