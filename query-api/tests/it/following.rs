//! One order, followed live by those who may see it.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use query_api::places::OF_ONE_MAX;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Shop, cart_created, follow, frame};

struct Frames(Body);

impl Frames {
    async fn open(shop: &Shop, order: &str, last: Option<&str>) -> Self {
        Self(follow(shop, Request::get(format!("/v1/orders/{order}/live")), last).await)
    }

    async fn next(&mut self) -> Option<String> {
        frame(&mut self.0).await
    }

    /// The id and the position in it of the next document.
    async fn id(&mut self) -> (String, i64) {
        let frame = self.next().await.expect("a document");
        let mut lines = frame.lines();
        let id = lines.next().unwrap().strip_prefix("id: ").unwrap().to_owned();
        assert_eq!(lines.next(), Some("event: order"));
        assert!(lines.next().unwrap().starts_with("data: {"), "{frame}");
        let position = id.split_once('.').unwrap().0.parse().unwrap();
        (id, position)
    }
}

/// Something happens to an order, and its read model comes to hold it.
pub async fn happens(shop: &Shop, order: &str) -> i64 {
    let parcel = json!({"order_id": order, "lines": [{"sku": "TOTE", "quantity": 1}]});
    let created = (format!("fulfilment-{}", Uuid::now_v7()), "fulfilment.created", parcel);
    let position = shop.append(&[created]).await;
    let moved = "UPDATE orders_rows SET position = $1 WHERE id = $2::uuid";
    sqlx::query(moved).bind(position).bind(order).execute(&shop.db).await.unwrap();
    shop.advance("orders", position).await;
    position
}

#[sqlx::test(migrations = "../migrations")]
async fn an_order_is_followed_and_gone_on_with(db: PgPool) {
    let shop = Shop::open(&db).await;
    let order = shop.put_order(1, "confirmed", 10.0, 0).await;
    let other = shop.put_order(2, "confirmed", 10.0, 0).await;
    shop.log_reaches(9).await;
    shop.advance("orders", 9).await;
    let mut frames = Frames::open(&shop, &order, None).await;
    let (first, position) = frames.id().await;
    assert_eq!(position, 9, "as it stands");
    shop.append(&[cart_created(1)]).await;
    happens(&shop, &other).await;
    let second = happens(&shop, &order).await;
    assert_eq!(frames.id().await.1, second, "what is not about it is not told");
    // Who comes back has what was missed, once.
    let third = happens(&shop, &order).await;
    let (last, position) = frames.id().await;
    assert_eq!(position, third);
    let mut missed = Frames::open(&shop, &order, Some(&first)).await;
    assert_eq!(missed.id().await.1, third);
    let mut resumed = Frames::open(&shop, &order, Some(&last)).await;
    let fourth = happens(&shop, &order).await;
    for frames in [&mut frames, &mut missed, &mut resumed] {
        assert_eq!(frames.id().await.1, fourth);
    }
    shop.stop.cancel();
    for frames in [&mut frames, &mut missed, &mut resumed] {
        assert_eq!(frames.next().await, None, "the process ends");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_id_that_is_none_of_this_order_is_told_apart(db: PgPool) {
    let shop = Shop::open(&db).await;
    let order = shop.put_order(1, "confirmed", 10.0, 0).await;
    shop.log_reaches(20).await;
    shop.advance("orders", 20).await;
    let path = format!("/v1/orders/{order}/live");
    let log_id = shop.get(&format!("/v1/orders/{order}")).await.headers["log-id"].clone();
    let log_id = log_id.to_str().unwrap();
    let (foreign, ahead) = (format!("15.{log_id}"), format!("21.{log_id}"));
    let replaced = format!("9.{}", Uuid::now_v7());
    for (last, status, code) in [
        ("soon", 400, "invalid_last_event_id"),
        ("9.x", 400, "invalid_last_event_id"),
        ("-1", 400, "invalid_last_event_id"),
        (foreign.as_str(), 400, "invalid_last_event_id"),
        (ahead.as_str(), 400, "position_unknown"),
        (replaced.as_str(), 409, "another_log"),
    ] {
        let refused = shop.ask(&path, &[("last-event-id", last)]).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (status, code), "{last}");
    }
    let none = shop.get(&format!("/v1/orders/{}/live", Uuid::nil())).await;
    assert_eq!((none.status, none.code()), (StatusCode::NOT_FOUND, "not_found".to_owned()));
}

#[sqlx::test(migrations = "../migrations")]
async fn one_caller_follows_so_many_orders_and_gives_places_back(db: PgPool) {
    let shop = Shop::open(&db).await;
    let order = shop.put_order(1, "confirmed", 10.0, 0).await;
    shop.log_reaches(9).await;
    shop.advance("orders", 9).await;
    let mut all = vec![];
    for _ in 0..OF_ONE_MAX {
        all.push(Frames::open(&shop, &order, None).await);
    }
    let refused = shop.get(&format!("/v1/orders/{order}/live")).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.code(), "follows_too_many");
    all.pop();
    Frames::open(&shop, &order, None).await;
}
