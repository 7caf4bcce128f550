//! How many search in Postgres at once, also where callers hang up.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use query_api::search::postgres::SEARCHES_MAX;
use sqlx::{PgPool, Postgres, Transaction};

use crate::catalogue::{catalogue, fill_postgres};
use crate::search::titles;
use crate::support::Shop;

async fn locked(db: &PgPool) -> Transaction<'static, Postgres> {
    let mut lock = db.begin().await.unwrap();
    let held = "LOCK TABLE search_documents_rows IN ACCESS EXCLUSIVE MODE";
    sqlx::query(held).execute(&mut *lock).await.unwrap();
    lock
}

/// Searches that Postgres is at now.
async fn under_way(db: &PgPool) -> usize {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
         AND state = 'active' AND query LIKE 'WITH first AS%'",
    )
    .fetch_one(db)
    .await
    .unwrap();
    usize::try_from(count).unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn few_search_in_postgres_at_once(db: PgPool) {
    let shop = Shop::open(&db).await;
    fill_postgres(&shop, &catalogue()).await;
    // Whoever searches now waits for the table, and no longer than a search may take.
    let lock = locked(&db).await;
    let searching = futures::future::join_all((0..SEARCHES_MAX).map(|_| shop.get("/v1/search")));
    let refused = async {
        while under_way(&db).await < SEARCHES_MAX {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        shop.get("/v1/search").await
    };
    let (answers, refused) = tokio::join!(searching, refused);
    for answer in &answers {
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::SERVICE_UNAVAILABLE, "database_timeout".into())
        );
        assert!(answer.headers.contains_key("retry-after"));
    }
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "too_many_searches".into())
    );
    assert_eq!(refused.headers["retry-after"], "1");
    lock.rollback().await.unwrap();
    assert_eq!(titles(&shop.get("/v1/search").await).len(), 7);
}

/// Who hangs up does not give the place back that his statement still has: however many do, no more
/// run than the bound says, and other reads have their connections.
#[sqlx::test(migrations = "../migrations")]
async fn those_who_hang_up_do_not_pass_by_the_bound(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.put_product(1, "Tote", "published", 1).await;
    fill_postgres(&shop, &catalogue()).await;
    let lock = locked(&db).await;
    let (mut most, mut refused) = (0, None);
    let until = Instant::now() + Duration::from_mins(1);
    let mut asked = 0;
    while refused.is_none() || asked < 16 {
        asked += 1;
        // Until Postgres has got it, or it is refused.
        let begun = async {
            while under_way(&db).await < asked.min(SEARCHES_MAX) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! { biased;
            answer = shop.get("/v1/search?q=tote&sort=price&currency=EUR") => {
                refused = Some(answer);
            }
            () = begun => {}
        }
        most = most.max(under_way(&db).await);
        assert!(Instant::now() < until, "nobody is refused, though all have hung up");
    }
    assert_eq!(refused.unwrap().status, StatusCode::SERVICE_UNAVAILABLE);
    assert!((1..=SEARCHES_MAX).contains(&most), "{most} at once");
    assert_eq!(shop.get("/v1/products").await.ids().len(), 1);
    assert_eq!(shop.get("/ready").await.status, StatusCode::OK);
    assert!(under_way(&db).await <= SEARCHES_MAX);
    lock.rollback().await.unwrap();
}
