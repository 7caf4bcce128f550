//! What is done to the log by hand: bring its database to a schema, let it take the place of
//! another log. Each says what it found and what it did, on standard output.

use std::time::Duration;

use async_nats::jetstream::Context;
use event_store::identity;
use event_store::jetstream::{self, JetStreamError};
use service::config::{Database, Wrong};
use service::database::{MIGRATOR, PROGRAM};
use service::{pooler, say, session};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{PgConnection, PgPool};

/// How long a migration waits for a lock before it lets those go on who wait behind it, and how
/// often it tries.
const LOCK_TIMEOUT: &str = "5s";
const TRIES_MAX: u32 = 12;
/// The pause between two tries.
const PAUSE: Duration = Duration::from_secs(5);
/// SQLSTATE of a lock that was not to be had in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is none.
    #[error(transparent)]
    Setting(#[from] Wrong),
    /// Postgres said no, or is away.
    #[error("the database could not be asked")]
    Database(#[from] sqlx::Error),
    /// The schema could not be changed.
    #[error("the database could not be migrated")]
    Migrate(#[from] MigrateError),
    /// NATS said no, or is away.
    #[error("the stream could not be taken over")]
    Bus(#[from] JetStreamError),
    /// It would be cut off from those who follow it.
    #[error(
        "{programs} connections of running programs are at this database. With a new id of its log \
         whoever follows the old one is refused: followers, stored positions, webhooks. Stop them \
         first; or, if this log is meant and they shall go on with it, say --while-served"
    )]
    Served {
        /// Connections of programs of the engine.
        programs: i64,
    },
}

/// Brings the database to the schema of this build. One that is ahead stays as it is: an older
/// build goes on with it, so that an upgrade can be taken back.
pub async fn migrate(database: &Database) -> Result<(), Error> {
    // As long as it takes, but nobody else waits for it.
    let settings = [("statement_timeout", "0"), ("lock_timeout", LOCK_TIMEOUT)];
    let settings = settings.map(|(name, value)| (name, value.to_owned()));
    let options = database.options()?.application_name("commerce migrate");
    pooler::refuse(&options).await?;
    let mut migrator = Migrator::with_migrations(MIGRATOR.iter().cloned().collect());
    migrator.set_ignore_missing(true);
    let before = applied(&mut session::open(&options, &settings).await?).await;
    let mut tries = 0;
    loop {
        // A connection of its own each time: whatever a failed one still holds goes with it.
        let mut connection = session::open(&options, &settings).await?;
        match migrator.run(&mut connection).await {
            Ok(()) => return settle(&mut connection, &migrator, before).await,
            Err(error) if is_locked(&error) && tries < TRIES_MAX => {
                tries += 1;
                tracing::warn!(tries, "somebody holds a lock; the migration is tried again");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_locked(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return false;
    };
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some(LOCK_NOT_AVAILABLE)
}

/// How many migrations were applied; none where there is not even a list of them.
async fn applied(connection: &mut PgConnection) -> i64 {
    // Not a checked query: the table belongs to sqlx.
    let count = "SELECT count(*) FROM _sqlx_migrations WHERE success";
    sqlx::query_scalar(count).fetch_one(connection).await.unwrap_or(0)
}

async fn settle(
    connection: &mut PgConnection,
    migrator: &Migrator,
    before: i64,
) -> Result<(), Error> {
    let log = identity::settle(connection).await?;
    let build = migrator.iter().map(|migration| migration.version).max().unwrap_or(0);
    let applied = applied(connection).await - before;
    // Not a checked query: the table belongs to sqlx.
    let database: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await?;
    let (log_id, head) = (log.log_id, log.head);
    if database > build {
        tracing::warn!(
            database,
            build,
            %log_id,
            head,
            applied,
            "the database is ahead of this build, which leaves it as it is"
        );
    } else {
        let done = if applied > 0 { "was brought to" } else { "already had" };
        tracing::info!(database, applied, %log_id, head, "the database {done} this build's schema");
    }
    Ok(())
}

/// How a log gets a new id.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Adoption {
    /// Also while programs serve it: all who follow it by its old id, webhooks among them, are told
    /// that it is another log, and stop
    #[arg(long)]
    while_served: bool,
}

/// Gives the log a new id, and has it take the stream from the log that it carries now.
///
/// # Errors
/// [`Error::Served`], where programs work on it and that was not said.
pub async fn adopt(
    db: &PgPool,
    nats: Option<Context>,
    stream: &str,
    how: Adoption,
) -> Result<(), Error> {
    let mut connection = db.acquire().await?;
    let programs = others(&mut connection).await?;
    if programs > 0 && !how.while_served {
        return Err(Error::Served { programs });
    }
    let (former, log) = identity::adopt(&mut connection).await?;
    say(format!("the log was {former} and is {} from here on, at {}", log.log_id, log.head));
    say(match nats {
        None => format!("no NATS_URL: the stream {stream} is as it was"),
        Some(nats) => match jetstream::take_over(&nats, stream, log.log_id).await? {
            Some(carried) => format!(
                "the stream {stream}, which carried {carried}, is gone; the relay makes it anew"
            ),
            None => format!("there was no stream {stream}; the relay makes it"),
        },
    });
    Ok(())
}

/// Connections of programs of the engine to the database, but for this one.
async fn others(connection: &mut PgConnection) -> sqlx::Result<i64> {
    let there = sqlx::query_scalar!(
        r#"SELECT count(*) AS "there!" FROM pg_stat_activity WHERE datname = current_database()
           AND application_name = $1 AND pid <> pg_backend_pid()"#,
        PROGRAM,
    );
    there.fetch_one(connection).await
}
