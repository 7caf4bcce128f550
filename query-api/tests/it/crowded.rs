//! More readers than can be served: those there is no room for hear so at once, and the others are
//! served all the same.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use futures::future::join_all;
use query_api::past::{FOLDS_MAX, FOLDS_WAITING_MAX};
use query_api::search::meili;
use sqlx::PgPool;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::support::{Answer, Shop};

/// "At once", for a test on a busy machine: well below any time that is waited for something.
const AT_ONCE: Duration = Duration::from_millis(700);

/// Asks so many times for something that stands behind a locked table, until the lock is gone;
/// returns the refusals, which came before that, and the other answers.
async fn crowd(shop: &Shop, table: &str, path: &str, times: usize) -> (Vec<Answer>, Vec<Answer>) {
    crowd_with(shop, table, path, &[], times).await
}

async fn crowd_with(
    shop: &Shop,
    table: &str,
    path: &str,
    headers: &[(&'static str, &str)],
    times: usize,
) -> (Vec<Answer>, Vec<Answer>) {
    let mut lock = shop.db.begin().await.unwrap();
    let held = format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
    sqlx::query(sqlx::AssertSqlSafe(held)).execute(&mut *lock).await.unwrap();
    let began = Instant::now();
    let asking = join_all((0..times).map(async |_| {
        let answer = shop.ask(path, headers).await;
        (began.elapsed(), answer)
    }));
    let unlocking = async {
        tokio::time::sleep(2 * AT_ONCE).await;
        lock.rollback().await.unwrap();
    };
    let (answers, ()) = tokio::join!(asking, unlocking);
    let (refused, served): (Vec<_>, Vec<_>) = answers
        .into_iter()
        .partition(|(_, answer)| answer.status == StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.iter().all(|(took, _)| *took < AT_ONCE), "refused late");
    for (_, answer) in &refused {
        assert!(answer.headers.contains_key("retry-after"), "{}", answer.text);
    }
    let answers = |told: Vec<(Duration, Answer)>| told.into_iter().map(|(_, answer)| answer);
    (answers(refused).collect(), answers(served).collect())
}

#[sqlx::test(migrations = "../migrations")]
async fn the_line_for_the_database_is_short(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.put_product(1, "Tote", "published", 1).await;
    let most = 17 * db.options().get_max_connections() as usize;
    for path in ["/v1/products", "/v1/products?min_position=0"] {
        let (refused, served) = crowd(&shop, "products_rows", path, most + 50).await;
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
    let (refused, served) = crowd_with(&shop, "log_head", "/v1/orders", &headers, most + 50).await;
    assert!(refused.len() >= 50 && served.len() > most / 2, "{} refused", refused.len());
    assert!(refused.iter().all(|answer| answer.code() == "overloaded"));
    assert!(served.iter().all(|answer| answer.code() == "another_log"));
}

#[sqlx::test(migrations = "../migrations")]
async fn few_wait_to_look_at_the_past(db: PgPool) {
    let shop = Shop::open(&db).await;
    let path = "/v1/carts/00000000-0000-0000-0000-000000000001?as_of=0";
    let most = FOLDS_MAX + FOLDS_WAITING_MAX;
    let (refused, served) = crowd(&shop, "events", path, most + 20).await;
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
    let searching = join_all((0..meili::SEARCHES_MAX).map(|_| shop.get("/v1/search?q=tote")));
    let one_more = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let began = Instant::now();
        let answer = shop.get("/v1/search?q=tote").await;
        (began.elapsed(), answer)
    };
    let (searched, (took, refused)) = tokio::join!(searching, one_more);
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.code(), "too_many_searches");
    assert_eq!(refused.headers["retry-after"], "1");
    assert!(took < AT_ONCE, "{took:?}");
    // Postgres stands in, for as many as it can.
    assert!(searched.iter().any(|answer| answer.status == StatusCode::OK));
}
