//! A log that went on under another id, as after a failover: who comes with the one before.

use axum::http::StatusCode;
use sqlx::PgPool;

use crate::support::{Shop, cart_created};

/// As a failover does: the log goes on under another id, and shares what it had up to a position.
pub async fn turn(db: &PgPool, shared: i64) -> (String, String) {
    let renew = format!(
        "WITH was AS (INSERT INTO log_lineage (log_id, head) SELECT log_id, {shared} FROM log_head
                      RETURNING log_id)
         UPDATE log_head SET log_id = gen_random_uuid()
         RETURNING (SELECT log_id::text FROM was), log_id::text"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(renew)).fetch_one(db).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn an_earlier_id_is_good_for_what_is_shared(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.append(&(1..=3).map(cart_created).collect::<Vec<_>>()).await;
    shop.advance("carts", 3).await;
    let (first, second) = turn(&db, 2).await;
    let cart = "/v1/carts/00000000-0000-0000-0000-000000000001";
    for (path, is_shared) in [
        (cart.to_owned(), true),
        (format!("{cart}?min_position=2"), true),
        (format!("{cart}?min_position=3"), false),
        ("/v1/events?after=2".to_owned(), true),
        ("/v1/events?after=3".to_owned(), false),
        ("/v1/orders?min_position=1".to_owned(), true),
    ] {
        let answer = shop.ask(&path, &[("log-id", &first)]).await;
        let refused = answer.status == StatusCode::CONFLICT && answer.code() == "another_log";
        assert_eq!(refused, !is_shared, "{path}: {}", answer.status);
        assert_eq!(answer.headers["log-id"], second.as_str(), "{path}");
    }
}
