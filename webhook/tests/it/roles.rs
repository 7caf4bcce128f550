//! The rights that the programs that send have, and nobody else.

use axum::http::Method;
use kit_log::{acting_as, eventually};
use serde_json::Value;
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, PgPool};

use crate::house::House;
use crate::receiver::Receiver;

/// All there is to do, by the writer's role: subscribing, following, sending, replaying, deleting.
#[sqlx::test(migrations = "../migrations")]
async fn the_writers_role_is_enough_to_send(db: PgPool) {
    let house = House::open(&acting_as(&db, "commerce_writer").await);
    let receiver = Receiver::listen().await;
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    let sending = house.send();
    house.product().await;
    house.has(&path, "delivered", 1).await;
    house.post(&format!("{path}/rotate-secret"), &Value::Null).await;
    house.post(&format!("{path}/replay"), &serde_json::json!({"from_position": 1})).await;
    house.has(&path, "delivered", 2).await;
    house.ask(Method::DELETE, &path, &Value::Null).await;
    sending.stop().await;
    let sending = house.send();
    eventually("it is gone", async || {
        let rows = "SELECT count(*) FROM webhook_subscriptions";
        sqlx::query_scalar::<_, i64>(rows).fetch_one(&db).await.unwrap() == 0
    })
    .await;
    sending.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_else_sees_where_it_goes_or_the_secrets(db: PgPool) {
    for role in ["commerce_projector", "commerce_reader", "commerce_analyst"] {
        let role = acting_as(&db, role).await;
        for table in ["webhook_subscriptions", "webhook_readings", "webhook_deliveries"] {
            let look = AssertSqlSafe(format!("SELECT FROM {table}"));
            let refused = sqlx::raw_sql(look).execute(&role).await.unwrap_err();
            let code = refused.as_database_error().and_then(DatabaseError::code);
            assert_eq!(code.as_deref(), Some("42501"), "{table}: {refused}");
        }
    }
}
