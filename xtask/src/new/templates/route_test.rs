//! A medlar, read by itself and in the list. Who may is held for every route in `access.rs`.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::Shop;

#[sqlx::test(migrations = "../migrations")]
async fn it_is_served_by_itself_and_in_the_list(db: PgPool) {
    let shop = Shop::open(&db).await;
    let id = Uuid::from_u128(1);
    let document = json!({ "id": id, "version": 2 });
    sqlx::query(
        "INSERT INTO damson_rows
             (build, id, document, position, version, created_at, updated_at)
         VALUES (1, $1, $2, 7, 2, now(), now())",
    )
    .bind(id)
    .bind(&document)
    .execute(&db)
    .await
    .unwrap();
    let list = shop.get("/v1/damson").await;
    assert_eq!((list.status, list.ids()), (StatusCode::OK, vec![id.to_string()]));
    let one = shop.get(&format!("/v1/damson/{id}")).await;
    assert_eq!((one.status, one.json()), (StatusCode::OK, document));
    assert_eq!(one.headers["etag"], "\"2.1\"");
    let none = shop.get(&format!("/v1/damson/{}", Uuid::nil())).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}
