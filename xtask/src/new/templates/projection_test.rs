//! The rows of `quince`: one a damson, as its events have it.

use domain::command::damson::Command;
use domain::{Command as Any, DamsonId};
use serde_json::json;
use sqlx::PgPool;

use crate::shop::{Shop, document, id, project};

#[sqlx::test(migrations = "../migrations")]
async fn a_row_is_what_its_events_come_to(db: PgPool) {
    let shop = Shop::open(&db);
    let damson_id = DamsonId(id());
    // In the place of this: what is asked of a damson, if that is something else by now.
    let title = "First".parse().unwrap();
    shop.ask(Any::Damson(damson_id, Command::Create { title })).await;
    let position = shop.ask(Any::Damson(damson_id, Command::Retire)).await;
    project(&db, "quince").await;
    let row = document(&db, "quince").await;
    assert_eq!((&row["id"], &row["status"]), (&json!(damson_id), &json!("retired")));
    assert_eq!((&row["version"], &row["position"]), (&json!(2), &json!(position)));
}
