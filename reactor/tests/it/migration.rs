//! What stood in the tables `payment_*` goes on in the new ones.

use kit_log::eventually;
use service::database::MIGRATOR;
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, PgPool};

use crate::shop::{Shop, react};

/// The migration that this is about.
const REACTIONS: i64 = 60;
/// The one by which the writer of today appends.
const APPEND: i64 = 130;

async fn migrate(db: &PgPool, which: impl Fn(i64) -> bool) {
    let wanted = MIGRATOR.iter().filter(|migration| which(migration.version)).cloned();
    let mut migrator = Migrator::with_migrations(wanted.collect());
    migrator.set_ignore_missing(true);
    migrator.run(db).await.unwrap();
}

#[sqlx::test(migrations = false)]
async fn what_was_to_be_done_and_what_waited_goes_on(db: PgPool) {
    migrate(&db, |version| version < REACTIONS || version == APPEND).await;
    let shop = Shop::open(&db).await;
    let (_, listed) = shop.card("tok_success").await;
    let late = shop.order(-1).await;
    let (_, parked) = shop.card("tok_success").await;
    // As the payment process left it: one thing listed and tried once, one order listed, one event
    // that it could not understand.
    let left = format!(
        "INSERT INTO payment_tasks (kind, subject, due_at, cause, attempts)
         SELECT CASE WHEN type = 'order.placed' THEN 'expire_order' ELSE 'ask_gateway' END,
                substr(stream, strpos(stream, '-') + 1)::uuid, recorded_at, position, 1
         FROM events WHERE type IN ('order.placed', 'payment.requested')
             AND stream IN ('order-{late}', 'payment-{listed}');
         INSERT INTO payment_process_parked (position, reason)
         SELECT position, 'not known' FROM events
         WHERE stream = 'payment-{parked}' AND type = 'payment.requested';
         UPDATE payment_process SET position = (SELECT position FROM log_head)"
    );
    sqlx::raw_sql(AssertSqlSafe(left)).execute(&db).await.unwrap();
    migrate(&db, |_| true).await;

    let waiting = "SELECT reaction || ' ' || version || ' ' || reason FROM reaction_waiting
                   ORDER BY reaction";
    assert_eq!(
        shop.texts(waiting).await,
        ["ask_gateway 2 not known", "expire_authorization 2 not known"]
    );
    let behind = "SELECT name FROM reactions, log_head
                  WHERE reactions.position <> log_head.position";
    assert_eq!(shop.texts(behind).await, [""; 0]);
    let running = react(&db);
    for payment in [listed, parked] {
        shop.until(&format!("payment-{payment}"), "payment.authorized").await;
    }
    shop.until(&format!("order-{late}"), "order.cancelled").await;
    eventually("nothing waits", async || shop.texts(waiting).await.is_empty()).await;
    // The number of the try goes on, and with it the keys.
    let command = shop.origin(&format!("payment-{listed}")).await.command;
    assert!(command.ends_with(":verdict:2"), "{command}");
    running.stop().await;
}
