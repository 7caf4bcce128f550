//! More readers than can be served: those there is no room for hear so at once, and the others are
//! served all the same.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use futures::future::join_all;
use query_api::past::{FOLDS_MAX, FOLDS_WAITING_MAX};
use query_api::search::meili;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::{Answer, Shop};

/// How long refusals are waited for before the test is given up.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// Asks so many times for something that stands behind a locked table, which is unlocked once so
/// many of them were refused: they do not wait for it. Returns the refusals and the other answers.
async fn crowd(
    shop: &Shop,
    table: &str,
    path: &str,
    headers: &[(&'static str, &str)],
    times: usize,
    refusals: usize,
) -> (Vec<Answer>, Vec<Answer>) {
    let mut lock = shop.db.begin().await.unwrap();
    let held = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
    sqlx::query(sqlx::AssertSqlSafe(held)).execute(&mut *lock).await.unwrap();
    let is_refusal = |answer: &Answer| answer.status == StatusCode::SERVICE_UNAVAILABLE;
    let refused = AtomicUsize::new(0);
    let asking = join_all((0..times).map(async |_| {
        let answer = shop.ask(path, headers).await;
        refused.fetch_add(usize::from(is_refusal(&answer)), Ordering::Relaxed);
        answer
    }));
    let unlocking = async {
        while refused.load(Ordering::Relaxed) < refusals {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        lock.rollback().await.unwrap();
    };
    let both = timeout(WAIT_MAX, async { tokio::join!(asking, unlocking).0 });
    let answers = both.await.expect("refused while others wait");
    let (refused, served): (Vec<_>, Vec<_>) = answers.into_iter().partition(is_refusal);
    for answer in &refused {
        assert!(answer.headers.contains_key("retry-after"), "{}", answer.text);
    }
    (refused, served)
}

#[sqlx::test(migrations = "../migrations")]
async fn the_line_for_the_database_is_short(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.put_product(1, "Tote", "published", 1).await;
    let most = 17 * db.options().get_max_connections() as usize;
    for path in ["/v1/products", "/v1/products?min_position=0"] {
        let (refused, served) = crowd(&shop, "products_rows", path, &[], most + 50, 50).await;
        assert!(refused.len() >= 50 && served.len() > most / 2, "{} refused", refused.len());
        assert!(refused.iter().all(|answer| answer.code() == "overloaded"));
        assert!(served.iter().all(|answer| answer.status == StatusCode::OK));
    }
}

/// Before anybody is asked who they are.
#[sqlx::test(migrations = "../migrations")]
async fn who_speaks_of_another_log_stands_in_line_too(db: PgPool) {
    let shop = Shop::open(&db).await;
    let other = Uuid::now_v7().to_string();
    let most = 17 * db.options().get_max_connections() as usize;
    let headers = [("log-id", other.as_str())];
    let (refused, served) = crowd(&shop, "log_head", "/v1/orders", &headers, most + 50, 50).await;
    assert!(refused.len() >= 50 && served.len() > most / 2, "{} refused", refused.len());
    assert!(refused.iter().all(|answer| answer.code() == "overloaded"));
    assert!(served.iter().all(|answer| answer.code() == "another_log"));
}

#[sqlx::test(migrations = "../migrations")]
async fn few_wait_to_look_at_the_past(db: PgPool) {
    let shop = Shop::open(&db).await;
    let path = "/v1/carts/00000000-0000-0000-0000-000000000001?as_of=0";
    let most = FOLDS_MAX + FOLDS_WAITING_MAX;
    let (refused, served) = crowd(&shop, "events", path, &[], most + 20, 20).await;
    assert_eq!(refused.len(), 20);
    assert!(refused.iter().all(|answer| answer.code() == "too_many_folds"));
    assert!(served.iter().all(|answer| answer.status == StatusCode::NOT_FOUND));
}

#[sqlx::test(migrations = "../migrations")]
async fn searches_do_not_pile_up_in_a_meilisearch_that_is_slow(db: PgPool) {
    // One that takes connections and says nothing.
    let slow = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", slow.local_addr().unwrap());
    let shop = Shop::with(&db, |settings| settings.search.url = url).await;
    let answered = AtomicUsize::new(0);
    let searching = join_all((0..meili::SEARCHES_MAX).map(async |_| {
        let answer = shop.get("/v1/search?q=tote").await;
        answered.fetch_add(1, Ordering::Relaxed);
        answer
    }));
    let one_more = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let refused = shop.get("/v1/search?q=tote").await;
        (answered.load(Ordering::Relaxed), refused)
    };
    let (searched, (before, refused)) = tokio::join!(searching, one_more);
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.code(), "too_many_searches");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(before, 0, "it was refused before anybody was answered");
    // Postgres stands in, for as many as it can.
    assert!(searched.iter().any(|answer| answer.status == StatusCode::OK));
}
