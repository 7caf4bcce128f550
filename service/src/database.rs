//! The pool of connections to Postgres, and the migrations that this build expects.

use std::str::FromStr as _;
use std::time::Duration;

use axum::http::StatusCode;
use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgPool};

use crate::config::Database;
use crate::problem::Problem;

/// Every migration of the engine.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// How long a request waits for a connection of the pool before it is refused.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// Connections that idled longer are tried before use: those of a restarted server are dead.
/// Hot ones are not, which saves a round trip on every query.
const TRY_AFTER_IDLE: Duration = Duration::from_secs(1);
/// A transaction that stalls is cut off by the database, so that what it locked is free again.
const STALLED_TRANSACTION_SECONDS: u32 = 10;
/// What a refused client is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Makes the pool of this process, connecting when first used: a Postgres that is away at the
/// start shows as not ready, not as a crash.
///
/// An error means that the URL is none.
pub fn connect(database: &Database) -> sqlx::Result<PgPool> {
    let options =
        PgConnectOptions::from_str(database.url.expose())?.application_name("commerce").options([
            ("statement_timeout", format!("{}s", database.statement_timeout)),
            ("idle_in_transaction_session_timeout", format!("{STALLED_TRANSACTION_SECONDS}s")),
        ]);
    let pool = PgPoolOptions::new()
        .max_connections(database.connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRY_AFTER_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
    Ok(pool.connect_lazy_with(options))
}

/// Whether Postgres answers and holds every migration this build knows, for health checks. A
/// database that is ahead, as during a rolling deploy, is fine.
pub async fn check(db: &PgPool) -> Result<(), String> {
    let known = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    // Not a checked query: the table belongs to sqlx and is missing before the first migration.
    let applied: Result<Option<i64>, _> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
            .fetch_one(db)
            .await;
    match applied {
        Ok(Some(applied)) if applied >= known => Ok(()),
        Ok(applied) => Err(format!(
            "the database is at migration {}, this build needs {known}",
            applied.unwrap_or(0)
        )),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P01") => {
            Err("the database is not migrated".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// A failed query as the caller sees it: the cause goes to the log, never to the wire.
impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        let state = error.as_database_error().and_then(DatabaseError::code);
        let (code, detail) = match (&error, state.as_deref()) {
            (_, Some("57014")) => ("database_timeout", "the database took too long"),
            (_, Some(state)) if AWAY_CLASSES.iter().any(|class| state.starts_with(class)) => AWAY,
            (sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed, _) => AWAY,
            _ => {
                tracing::error!(error = &error as &dyn std::error::Error, "a query failed");
                return Self::internal();
            }
        };
        tracing::warn!(error = &error as &dyn std::error::Error, "{detail}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(RETRY_AFTER)
    }
}

/// SQLSTATE classes: connection errors, broken off for another (as by a standby that replays the log),
/// too many connections, shutting down or starting up.
const AWAY_CLASSES: [&str; 4] = ["08", "40", "53", "57"];
const AWAY: (&str, &str) =
    ("database_unavailable", "the database cannot be reached, or has too much to do");
