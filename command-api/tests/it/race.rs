//! Many buyers at once.

use axum::http::StatusCode;
use futures::future::join_all;
use serde_json::json;
use sqlx::PgPool;

use crate::shop::{Shop, keyed};

/// Buyers of the last unit.
const BUYERS: usize = 50;

#[sqlx::test(migrations = "../migrations")]
async fn the_last_unit_is_sold_once_whichever_writer_takes_the_order(db: PgPool) {
    let shops = [Shop::open(&db), Shop::open(&db)];
    shops[0].sell("LAST", 1).await;
    let carts = join_all((0..BUYERS).map(|buyer| shops[buyer % 2].fill("LAST", 1))).await;
    let buy = |(buyer, cart): (usize, &String)| {
        shops[buyer % 2].send(keyed(format!("/v1/carts/{cart}/checkout"), &json!({})))
    };
    let answers = join_all(carts.iter().enumerate().map(buy)).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|a| a.status.is_success());
    assert_eq!((won.len(), lost.len()), (1, BUYERS - 1));
    for answer in lost {
        assert_eq!((answer.status, answer.code()), (StatusCode::CONFLICT, "checkout_refused"));
    }
    assert_eq!(shops[0].history("stock-LAST").await, ["stock.received", "stock.reserved"]);
}
