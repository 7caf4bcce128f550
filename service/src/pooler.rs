//! A pooler between a process and Postgres that lends sessions for a transaction or a statement, as
//! `PgBouncer` does in two of its modes. What a session is set to, listens for, has prepared or
//! locked is then another's by the next statement, so a process does not start there.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _};
use tokio::time::timeout;

use crate::config::Wrong;

/// What is said of it, after the name of the setting.
const REASON: &str = "leads to a pooler that lends sessions by transaction or by statement, where \
    no setting, notification or lock holds: set its pool_mode to session, or name Postgres itself";
/// How often two connections are asked which sessions they have: where others are busy, both may
/// get back by chance what they had.
const ROUNDS: u32 = 4;
/// How long may be spent on it at the start.
const LOOK_MAX: Duration = Duration::from_secs(2);

/// Refuses a database that is behind such a pooler. One that does not answer is not refused: who
/// watches it says so, and looks again when it is back.
///
/// # Errors
/// It is behind one.
pub async fn refuse(options: &PgConnectOptions) -> Result<(), Wrong> {
    let looking = async {
        let mut connection = options.connect().await?;
        let lends = lends_sessions(&mut connection, options).await;
        connection.close().await?;
        lends
    };
    match timeout(LOOK_MAX, looking).await {
        Ok(Ok(true)) => Err(refusal()),
        _ => Ok(()),
    }
}

pub(crate) fn refusal() -> Wrong {
    Wrong::new("DATABASE_URL", REASON)
}

/// Whether sessions are lent, as a connection and a second one find out: each has one of its own
/// unless they are. A pooler that lends what came back last gives both the same; one that lends in
/// turn gives who asks twice another.
///
/// # Errors
/// The database does not answer, or has no second connection.
pub async fn lends_sessions(
    one: &mut PgConnection,
    options: &PgConnectOptions,
) -> sqlx::Result<bool> {
    let mut other = options.connect().await?;
    let (first, second) = (session(one).await?, session(&mut other).await?);
    let mut lends = first == second;
    for _ in 0..ROUNDS {
        lends |= session(&mut other).await? != second || session(one).await? != first;
    }
    other.close().await?;
    Ok(lends)
}

/// By the simple protocol: nothing is prepared where it would be another's.
async fn session(connection: &mut PgConnection) -> sqlx::Result<i32> {
    sqlx::raw_sql("SELECT pg_backend_pid()").fetch_one(connection).await?.try_get(0)
}
