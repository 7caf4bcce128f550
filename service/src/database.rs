//! The pool of connections to Postgres, and the migrations that this build expects.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, PgConnection, PgPool, PgTransaction};
use tokio::sync::Mutex;

use crate::config::{Database, Wrong};
use crate::finish::finish;
use crate::health::Health;
use crate::metrics;
use crate::pooler;
use crate::problem::Problem;
use crate::session;
use crate::throttle::Throttle;

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

/// What programs of the engine are called at the database.
pub const PROGRAM: &str = "commerce";

/// Makes the pool of this process, connecting when first used: a Postgres that is away at the
/// start shows as not ready, not as a crash.
///
/// An error means that the URL is none.
pub fn connect(database: &Database) -> Result<PgPool, Wrong> {
    let options = database.options()?.application_name(PROGRAM);
    let settings = vec![
        ("statement_timeout", format!("{}s", database.statement_timeout)),
        ("idle_in_transaction_session_timeout", format!("{STALLED_TRANSACTION_SECONDS}s")),
    ];
    session::be_usual(&settings);
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
    let pool = session::of_pool(pool, settings).connect_lazy_with(options);
    metrics::show(&pool);
    Ok(pool)
}

/// The same for a process that goes on: it is refused what it could not rely on.
///
/// # Errors
/// The URL is none, or leads to a pooler that lends sessions by less than a session.
pub async fn connect_at_start(database: &Database) -> Result<PgPool, Wrong> {
    let db = connect(database)?;
    pooler::refuse(&db.connect_options()).await?;
    Ok(db)
}

/// Has a process be ready only while its database answers.
pub fn watch(health: Health, db: &PgPool) -> Health {
    let postgres = Arc::new(Probe::new(db));
    health.requires("postgres", move || {
        let postgres = postgres.clone();
        async move { postgres.check().await }
    })
}

/// A look at Postgres through a connection of its own: a pool that is busy is not a database that
/// is away, and what its callers wait for is no reason to take a process out of service.
pub struct Probe {
    options: PgConnectOptions,
    connection: Mutex<Option<PgConnection>>,
}

impl Probe {
    /// Of the server that `db` is a pool of.
    pub fn new(db: &PgPool) -> Self {
        Self { options: (*db.connect_options()).clone(), connection: Mutex::new(None) }
    }

    /// Whether Postgres answers and holds every migration this build knows.
    ///
    /// # Errors
    /// Why not, for those who run the service.
    pub async fn check(&self) -> Result<(), String> {
        let mut slot = self.connection.lock().await;
        if let Some(mut connection) = slot.take()
            && let Ok(applied) = applied(&mut connection).await
        {
            *slot = Some(connection);
            return enough(applied);
        }
        // There was none, or it died with a server that is back by now.
        let opened = session::open(&self.options, &session::usual_and([])).await;
        let mut connection = opened.map_err(|error| told(&error))?;
        let lends = pooler::lends_sessions(&mut connection, &self.options).await;
        if lends.map_err(|error| told(&error))? {
            return Err(pooler::refusal().to_string());
        }
        let applied = applied(&mut connection).await.map_err(|error| told(&error))?;
        *slot = Some(connection);
        enough(applied)
    }
}

/// The same for a process that looks once, as after migrating.
pub async fn check(db: &PgPool) -> Result<(), String> {
    Probe::new(db).check().await
}

/// The last migration that was applied. Not a checked query: the table belongs to sqlx and is
/// missing before the first one.
async fn applied(connection: &mut PgConnection) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(connection)
        .await
}

/// A database that is ahead, as during a rolling deploy, is fine.
fn enough(applied: Option<i64>) -> Result<(), String> {
    let known = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    match applied.unwrap_or(0) {
        applied if applied >= known => Ok(()),
        applied => Err(format!("the database is at migration {applied}, this build needs {known}")),
    }
}

fn told(error: &sqlx::Error) -> String {
    match state(error).as_deref() {
        Some(UNDEFINED_TABLE) => "the database is not migrated".to_owned(),
        _ => cause(error),
    }
}

/// Without the line of Postgres' own source that sqlx adds.
fn cause(error: &sqlx::Error) -> String {
    let refusal = error.as_database_error();
    refusal.map_or_else(|| error.to_string(), |refusal| refusal.message().to_owned())
}

fn state(error: &sqlx::Error) -> Option<std::borrow::Cow<'_, str>> {
    error.as_database_error().and_then(DatabaseError::code)
}

/// Begins a transaction, whatever becomes of who waits for it: dropped half way, sqlx would leave
/// it open on a connection of the pool, under whoever has that next.
///
/// # Errors
/// The database does not answer.
pub async fn begin(db: &PgPool) -> sqlx::Result<PgTransaction<'static>> {
    begin_with(db, "BEGIN").await
}

/// The same by a statement of one's own.
///
/// # Errors
/// The database does not answer.
pub async fn begin_with(
    db: &PgPool,
    statement: &'static str,
) -> sqlx::Result<PgTransaction<'static>> {
    let db = db.clone();
    finish(async move { db.begin_with(statement).await }).await
}

/// A failed query as the caller sees it: the cause goes to the log, never to the wire.
impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        let state = state(&error);
        let (code, detail) = match (&error, state.as_deref()) {
            (_, Some("57014")) => ("database_timeout", "the database took too long"),
            (_, Some(state)) if UNMIGRATED.contains(&state) => {
                ("database_not_migrated", "the database has not the schema of this service")
            }
            (_, Some(state)) if AWAY_CLASSES.iter().any(|class| state.starts_with(class)) => AWAY,
            (sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed, _) => AWAY,
            _ => {
                tracing::error!(error = cause(&error), "a query failed");
                return Self::internal();
            }
        };
        // Many fail of one cause. That of an outage is told by who watches the database.
        if let Some(queries) = FAILED.due_now() {
            tracing::warn!(error = cause(&error), queries, "{detail}");
        }
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(RETRY_AFTER)
    }
}

/// Queries that failed since the last line about them.
static FAILED: Throttle = Throttle::new();

const UNDEFINED_TABLE: &str = "42P01";
/// SQLSTATEs of what a schema lacks, for what does not depend on it is checked by the compiler:
/// tables, columns, functions.
const UNMIGRATED: [&str; 3] = [UNDEFINED_TABLE, "42703", "42883"];
/// SQLSTATE classes: connection errors, a password or a database that is none, broken off for
/// another (as by a standby that replays the log), too many connections, shutting down or starting
/// up.
const AWAY_CLASSES: [&str; 6] = ["08", "28", "3D", "40", "53", "57"];
const AWAY: (&str, &str) =
    ("database_unavailable", "the database cannot be reached, or has too much to do");

/// Connections for a list of things to do that is made from the log, and can be made again: their
/// commits do not wait for the disk. They use indexes, however little is known of how many rows
/// there are, for such a list fills and empties faster than its rows are counted; and they compile
/// no statement for longer than it runs. A look at the end of the log took 0.3 s by that.
pub fn forgetful(db: &PgPool, connections_max: u32) -> PgPool {
    let settings = ["synchronous_commit", "enable_seqscan", "jit"].map(|it| (it, "off".to_owned()));
    let pool = db.options().clone().max_connections(connections_max);
    session::of_pool(pool, session::usual_and(settings))
        .connect_lazy_with((*db.connect_options()).clone())
}
