//! What is done to the log by hand.

use clap::Parser;
use command_api::operations::{self, Adoption, Error};
use event_store::identity;
use service::config::Database;
use service::database::PROGRAM;
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};

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

#[derive(Parser)]
struct How {
    #[command(flatten)]
    how: Adoption,
}

/// Whoever follows it by its old id would be cut off.
#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_is_served_gets_another_id_only_on_purpose(db: PgPool) {
    let adopt = async |words: &[&str]| {
        let how = How::parse_from(["adopt"].iter().chain(words)).how;
        operations::adopt(&db, None, "nowhere", how).await
    };
    let log_id = async || identity::current(&db).await.unwrap().log_id;
    let first = log_id().await;
    let options = (*db.connect_options()).clone().application_name(PROGRAM);
    let program = PgConnection::connect_with(&options).await.unwrap();
    let refused = adopt(&[]).await.unwrap_err();
    assert!(matches!(refused, Error::Served { programs: 1 }), "{refused}");
    assert_eq!(log_id().await, first);
    adopt(&["--while-served"]).await.unwrap();
    let second = log_id().await;
    assert_ne!(second, first);
    program.close().await.unwrap();
    // Its process at the server may take a moment to end.
    while adopt(&[]).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_ne!(log_id().await, second);
}
