//! What is said of failures of the database.

use std::time::Duration;

use event_store::{causes, heard};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// What somebody who follows the log would be told.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Bare(sqlx::Error),
    #[error("the log could not be read")]
    Wrapped(#[source] sqlx::Error),
}

#[sqlx::test(migrations = "../migrations")]
async fn what_postgres_says_is_said_once_and_without_its_own_source(db: PgPool) {
    let fail = async || sqlx::query("SELECT 1 / 0").execute(&db).await.unwrap_err();
    assert_eq!(causes(&fail().await), "division by zero");
    assert_eq!(causes(&Failure::Bare(fail().await)), "division by zero");
    let wrapped = Failure::Wrapped(fail().await);
    assert_eq!(causes(&wrapped), "the log could not be read: division by zero");
}

#[sqlx::test(migrations = "../migrations")]
async fn who_waits_for_a_connection_in_vain_is_told_why_there_is_none(db: PgPool) {
    let there: PgConnectOptions = (*db.connect_options()).clone();
    let pool = |options: PgConnectOptions| {
        let pool = PgPoolOptions::new().acquire_timeout(Duration::from_millis(500));
        pool.connect_lazy_with(options)
    };
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed = pool(there.clone().host("127.0.0.1").port(nobody));
    let error = closed.acquire().await.unwrap_err();
    let told = heard(&closed, &error).await;
    assert!(told.to_lowercase().contains("refused") && !told.contains("pool"), "{told}");

    let unknown = pool(there.database("nope"));
    let told = heard(&unknown, &unknown.acquire().await.unwrap_err()).await;
    assert_eq!(told, "database \"nope\" does not exist");
}
