//! What cannot be folded waits, with all that comes after it in its stream; nothing else does.

use domain::command::return_;
use domain::order::Units;
use domain::{Command, ReturnId};
use projector::working::retry::retry;
use sqlx::{AssertSqlSafe, PgPool};

use crate::shop::{Shop, document, documents, id, parked, project, projection, sku};

async fn execute(db: &PgPool, statement: &str) {
    sqlx::query(AssertSqlSafe(statement)).execute(db).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn an_unreadable_event_parks_its_stream_alone(db: PgPool) {
    let shop = Shop::open(&db);
    let good = shop.cart().await;
    let bad = shop.cart().await;
    let stream = format!("cart-{bad}");
    let at = shop.append_raw(&stream, 2, "cart.line_added", "{}").await;
    shop.append_raw(&stream, 3, "cart.abandoned", "{}").await;
    shop.append_raw(&format!("cart-{good}"), 2, "cart.abandoned", "{}").await;
    shop.append_raw("cart-nonsense", 1, "cart.created", "{\"currency\":\"EUR\"}").await;
    shop.append_raw("sofa-1", 1, "sofa.sat_on", "{}").await;
    project(&db, "carts").await;

    assert_eq!(parked(&db, "carts").await, [stream.clone(), "cart-nonsense".to_owned()]);
    let statuses = documents(&db, "carts").await;
    assert_eq!(statuses[0]["status"], "abandoned");
    assert_eq!(statuses[1]["status"], "open", "the event after the unreadable one waits");
    let (position, reason): (i64, String) =
        sqlx::query_as("SELECT position, reason FROM parked_streams WHERE stream = $1")
            .bind(&stream)
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(position, at);
    assert!(reason.contains("'cart.line_added' has a payload of another shape"), "{reason}");

    let again = retry(&db, projection("carts"), Some(&stream)).await.unwrap();
    assert!(again.released.is_empty());
    assert!(again.stuck.contains_key(&stream), "nothing has changed: it stays parked");
}

/// JSON may hold the one character that Postgres does not store, and a reason may quote it.
#[sqlx::test(migrations = "../migrations")]
async fn a_reason_that_quotes_a_nul_keeps_nobody(db: PgPool) {
    let shop = Shop::open(&db);
    let stream = format!("order-{}", id());
    let total = r#"{"amount":"1.00","currency":"EUR"}"#;
    let data = format!(r#"{{"reason":"a\u0000b","total":{total},"units":1,"was_confirmed":true}}"#);
    shop.append_raw(&stream, 1, "order.cancelled", &data).await;
    shop.product("Tote", "TOTE").await;
    shop.receive("TOTE", 1).await;
    shop.order("TOTE", 1).await;
    project(&db, "orders").await;
    assert_eq!(parked(&db, "orders").await, [stream]);
    assert_eq!(documents(&db, "orders").await.len(), 1);
    let reason: String =
        sqlx::query_scalar("SELECT reason FROM parked_streams").fetch_one(&db).await.unwrap();
    assert!(reason.contains("a\u{FFFD}b"), "{reason}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_row_that_the_database_refuses_parks_its_stream_alone(db: PgPool) {
    let shop = Shop::open(&db);
    shop.product("Tote", "TOTE").await;
    let (good, bad) = (shop.cart().await, shop.cart().await);
    execute(&db, &format!("ALTER TABLE carts_rows ADD CONSTRAINT refused CHECK (id <> '{bad}')"))
        .await;
    shop.put(bad, "TOTE", 1).await;
    shop.put(good, "TOTE", 2).await;
    project(&db, "carts").await;
    assert_eq!(parked(&db, "carts").await, [format!("cart-{bad}")]);
    assert_eq!(document(&db, "carts").await["units"], 2);

    shop.put(bad, "TOTE", 4).await;
    project(&db, "carts").await;
    execute(&db, "ALTER TABLE carts_rows DROP CONSTRAINT refused").await;
    let retried = retry(&db, projection("carts"), None).await.unwrap();
    assert_eq!(retried.released, [format!("cart-{bad}")]);
    assert!(parked(&db, "carts").await.is_empty());
    assert_eq!(documents(&db, "carts").await[1]["units"], 5);
    shop.put(bad, "TOTE", 1).await;
    project(&db, "carts").await;
    assert_eq!(documents(&db, "carts").await[1]["units"], 6);
}

#[sqlx::test(migrations = "../migrations")]
async fn payments_and_parcels_wait_for_their_order(db: PgPool) {
    let shop = Shop::open(&db);
    execute(&db, "ALTER TABLE orders_rows ADD CONSTRAINT refused CHECK (units <> 4)").await;
    let (order_id, payment_id) = shop.busy_day().await;
    project(&db, "orders").await;
    assert_eq!(document(&db, "orders").await["status"], "cancelled", "the other order went on");
    let waiting = parked(&db, "orders").await;
    assert_eq!(waiting[..2], [format!("order-{order_id}"), format!("payment-{payment_id}")]);
    assert_eq!(waiting.len(), 3);

    execute(&db, "ALTER TABLE orders_rows DROP CONSTRAINT refused").await;
    let retried = retry(&db, projection("orders"), None).await.unwrap();
    assert_eq!(retried.released.len(), 3);
    let orders = documents(&db, "orders").await;
    assert_eq!(orders[0]["status"], "completed");
    assert_eq!(orders[0]["payment_status"], "partially_refunded");
    assert_eq!(orders[0]["fulfilment_status"], "delivered");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_worker_at_work_learns_of_a_retry(db: PgPool) {
    use crate::shop::{fold, lease};
    let shop = Shop::open(&db);
    let bad = shop.cart().await;
    execute(&db, "ALTER TABLE carts_rows ADD CONSTRAINT refused CHECK (status <> 'open')").await;
    let mut held = lease(&db, "carts", "worker").await.unwrap();
    fold(&db, &mut held).await.unwrap();
    execute(&db, "ALTER TABLE carts_rows DROP CONSTRAINT refused").await;
    retry(&db, projection("carts"), None).await.unwrap();
    shop.append_raw(&format!("cart-{bad}"), 2, "cart.abandoned", "{}").await;
    assert!(fold(&db, &mut held).await.is_err(), "fenced, to read anew what is parked");
    project(&db, "carts").await;
    assert_eq!(document(&db, "carts").await["status"], "abandoned");
}

/// A retry that breaks off between two pages leaves behind where to go on: an event of the stream.
#[sqlx::test(migrations = "../migrations")]
async fn a_long_stream_is_taken_up_in_pages(db: PgPool) {
    let shop = Shop::open(&db);
    shop.product("Tote", "TOTE").await;
    let cart = shop.cart().await;
    execute(&db, "ALTER TABLE carts_rows ADD CONSTRAINT refused CHECK (version > 1)").await;
    project(&db, "carts").await;
    for number in 0..1_050_u32 {
        shop.put(cart, "TOTE", 1).await;
        if number % 50 == 0 {
            shop.cart().await;
        }
    }
    execute(&db, "ALTER TABLE carts_rows DROP CONSTRAINT refused").await;
    project(&db, "carts").await;
    // The database is in trouble once a page is done.
    sqlx::raw_sql(
        "CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE 'no more' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER trouble BEFORE UPDATE ON carts_rows FOR EACH ROW
             WHEN (new.version > 1020) EXECUTE FUNCTION trouble()",
    )
    .execute(&db)
    .await
    .unwrap();
    retry(&db, projection("carts"), None).await.unwrap_err();
    let found: (i64, bool) = sqlx::query_as(
        "SELECT k.version, EXISTS (SELECT FROM events e WHERE e.position = k.position
                                     AND e.stream = k.stream AND e.version = k.version)
         FROM parked_streams k",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(found, (1_001, true));

    execute(&db, "DROP TRIGGER trouble ON carts_rows").await;
    let retried = retry(&db, projection("carts"), None).await.unwrap();
    assert_eq!(retried.released, [format!("cart-{cart}")]);
    let carts = documents(&db, "carts").await;
    let filled = carts.iter().find(|shown| shown["id"] == cart.to_string()).unwrap();
    assert_eq!(filled["units"], 1_050);
}

/// Readers are told so by `parked_of`, which has a line for each kind of part.
#[sqlx::test(migrations = "../migrations")]
async fn an_order_lacks_what_is_parked_of_each_kind_it_is_made_of(db: PgPool) {
    let shop = Shop::open(&db);
    let (order_id, _) = shop.busy_day().await;
    let lines = vec![Units { sku: sku("TOTE"), quantity: 1.try_into().unwrap() }];
    let reason = "too small".parse().unwrap();
    let request = return_::Command::Request { order_id, lines, reason };
    let head = shop.ask(Command::Return(ReturnId(id()), request)).await;
    let orders = projection("orders");
    project(&db, orders.name).await;
    for category in orders.categories {
        // Of this order: itself, or what says that it is a part of it.
        let stream: Option<String> = sqlx::query_scalar(
            "SELECT stream FROM events
             WHERE stream LIKE $1 || '-%' AND version = 1
               AND (stream = 'order-' || $2::text OR data ->> 'order_id' = $2::text)",
        )
        .bind(category.name())
        .bind(order_id.to_string())
        .fetch_optional(&db)
        .await
        .unwrap();
        let stream = stream.unwrap_or_else(|| panic!("the story has no {category:?}"));
        sqlx::query(
            "INSERT INTO parked_streams (projection, build, stream, version, position, reason)
             SELECT name, active_build, $2, 1, 1, 'because' FROM projections WHERE name = $1",
        )
        .bind(orders.name)
        .bind(&stream)
        .execute(&db)
        .await
        .unwrap();
        let lacked: Option<String> =
            sqlx::query_scalar("SELECT stream FROM parked_of($1, 'order-' || $2, $3)")
                .bind(orders.name)
                .bind(order_id.to_string())
                .bind(head)
                .fetch_optional(&db)
                .await
                .unwrap();
        assert_eq!(lacked, Some(stream), "{category:?}");
        execute(&db, "DELETE FROM parked_streams").await;
    }
}
