//! The settings of sessions with Postgres. They are given once a session is there, not with its
//! startup message: a pooler in between, as `PgBouncer` is, refuses or drops what stands in that.

use std::sync::{Arc, OnceLock};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgConnection, PgPool};

/// A setting and its value.
pub type Setting = (&'static str, String);

/// What sessions of this process are set to. Neither a pool nor its options can be asked for it,
/// and who makes more of them is to keep it.
static USUAL: OnceLock<Vec<Setting>> = OnceLock::new();

/// Has all further sessions of this process set so, unless that was said before.
pub(crate) fn be_usual(settings: &[Setting]) {
    let _said_before = USUAL.set(settings.to_vec());
}

/// What is usual in this process, and then these.
pub fn usual_and(more: impl IntoIterator<Item = Setting>) -> Vec<Setting> {
    USUAL.get().cloned().unwrap_or_default().into_iter().chain(more).collect()
}

/// Has each session of a pool set so.
pub fn of_pool(pool: PgPoolOptions, settings: Vec<Setting>) -> PgPoolOptions {
    let settings: Arc<[Setting]> = settings.into();
    pool.after_connect(move |connection, _| {
        let settings = settings.clone();
        Box::pin(async move { set(connection, &settings).await })
    })
}

/// A session by itself, set so.
///
/// # Errors
/// There is none to be had.
pub async fn open(options: &PgConnectOptions, settings: &[Setting]) -> sqlx::Result<PgConnection> {
    let mut connection = options.connect().await?;
    set(&mut connection, settings).await?;
    Ok(connection)
}

/// A session beside a pool, set as is usual.
///
/// # Errors
/// There is none to be had.
pub async fn beside(db: &PgPool) -> sqlx::Result<PgConnection> {
    open(&db.connect_options(), &usual_and([])).await
}

async fn set(connection: &mut PgConnection, settings: &[Setting]) -> sqlx::Result<()> {
    let (names, values): (Vec<String>, Vec<String>) =
        settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).unzip();
    let set = sqlx::query!(
        "SELECT set_config(name, value, false)
         FROM unnest($1::text[], $2::text[]) AS told (name, value)",
        &names,
        &values,
    );
    set.fetch_all(connection).await.map(drop)
}
