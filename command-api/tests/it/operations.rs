//! What is done to the log by hand.

use clap::Parser;
use command_api::operations;
use service::config::Database;
use sqlx::{ConnectOptions, PgPool};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    database: Database,
}

/// An upgrade can be taken back: the older build finds a schema that is ahead, and leaves it.
#[sqlx::test(migrations = "../migrations")]
async fn a_database_that_is_ahead_is_left_as_it_is(db: PgPool) {
    let url = db.connect_options().to_url_lossy();
    let Cli { database } = Cli::parse_from(["migrate", "--database-url", url.as_str()]);
    operations::migrate(&database).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations SELECT 9999, 'newer', now(), true, '', 0";
    sqlx::query(newer).execute(&db).await.unwrap();
    operations::migrate(&database).await.unwrap();
    let at: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(at, 9999);
}
