//! Whether a process has the master key that its database is sealed under. Something lies there
//! that is sealed and says nothing: who cannot open it would find nobody, and seal what nobody
//! opens afterwards; who has no key at all would leave people's words in the log. Beside it lies
//! such a word for those who find people and open nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use service::config::Wrong;
use sqlx::{PgExecutor, PgPool};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::index::{Word, WordIndex};
use crate::keys::purpose;
use crate::{DataSubject, Master};

/// What it is sealed as.
const PURPOSE: &[u8] = b"commerce check\0";
/// How soon a database is asked again that does not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a process may not go on, or not yet.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It has another key than the database is sealed under, or none.
    #[error(transparent)]
    Key(#[from] Wrong),
    /// The database does not answer.
    #[error("the database could not be asked about the master key")]
    Database(#[from] sqlx::Error),
}

/// Looks whether `master` is what the database is sealed under. The first key that a database sees
/// is taken for its own, unless it does not open what was sealed before.
///
/// # Errors
/// It is not, or the database does not answer.
pub async fn check(db: &PgPool, master: Option<&Master>) -> Result<(), Unfit> {
    let wrong = |reason: &str| Err(Wrong::new("MASTER_KEY", reason).into());
    let mut found = find(db).await?;
    let Some(master) = master else {
        return match found {
            Some(_) => wrong("is needed: this database was run with one before"),
            None => Ok(()),
        };
    };
    let opens = |found: &Found| found.opens_by(master);
    if !matches!(found, Some(Found::Check(_))) && found.as_ref().is_none_or(opens) {
        keep(db, master).await?;
        found = find(db).await?;
    }
    if !found.as_ref().is_some_and(opens) {
        return wrong("is not the one that this database is sealed under");
    }
    Ok(tell_index(db, master).await?)
}

/// Whether words about people are found by this index: they are written under one of its keys.
/// Where nobody has said under which, they may be.
///
/// # Errors
/// The database does not answer.
pub async fn finds(db: impl PgExecutor<'_>, index: &WordIndex) -> sqlx::Result<bool> {
    let told = sqlx::query_scalar!("SELECT index_digest FROM vault_check").fetch_optional(db);
    let told = told.await?.flatten();
    Ok(told.is_none_or(|digest| index.found(&Word::check()).contains(&digest)))
}

/// Says by which key words are written from now on.
async fn tell_index(db: &PgPool, master: &Master) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE vault_check SET index_digest = $1 WHERE index_digest IS DISTINCT FROM $1",
        master.index().written(&Word::check()),
    )
    .execute(db)
    .await
    .map(drop)
}

/// The same for a process that stays. Where the database is away it may start: nothing is sealed
/// meanwhile, and what is returned ends once a key turns out not to fit, or at the `stop`.
///
/// # Errors
/// The key does not fit.
pub async fn at_start(
    db: &PgPool,
    master: Option<Arc<Master>>,
    stop: CancellationToken,
) -> Result<Pin<Box<dyn Future<Output = ()> + Send>>, Wrong> {
    let looked = match check(db, master.as_deref()).await {
        Err(Unfit::Key(wrong)) => return Err(wrong),
        Err(Unfit::Database(_)) => false,
        Ok(()) => true,
    };
    let db = db.clone();
    Ok(Box::pin(async move {
        let known = async {
            if looked {
                return std::future::pending().await;
            }
            until_known(&db, master.as_deref()).await;
        };
        stop.run_until_cancelled(known).await;
    }))
}

/// Ends where the key does not fit, having said so, and never otherwise.
async fn until_known(db: &PgPool, master: Option<&Master>) {
    loop {
        match check(db, master).await {
            Ok(()) => std::future::pending().await,
            Err(Unfit::Key(wrong)) => return tracing::error!("{wrong}"),
            // That it is away is told by who watches it.
            Err(Unfit::Database(_)) => sleep(PAUSE).await,
        }
    }
}

/// Seals it under the first key of the ring, where that was not done.
///
/// # Errors
/// No key of the ring opens it, or the database does not answer.
pub(crate) async fn reseal(db: &PgPool, master: &Master) -> Result<(), Unfit> {
    check(db, Some(master)).await?;
    sqlx::query!("UPDATE vault_check SET sealed = $1", master.seal(PURPOSE, b""))
        .execute(db)
        .await?;
    Ok(())
}

/// What shows which key a database is sealed under.
enum Found {
    Check(Vec<u8>),
    /// Somebody's key, of before there was a check.
    Key(Uuid, Vec<u8>),
}

impl Found {
    fn opens_by(&self, master: &Master) -> bool {
        let opened = match self {
            Self::Check(sealed) => master.open(PURPOSE, sealed),
            Self::Key(subject, sealed) => master.open(&purpose(DataSubject(*subject)), sealed),
        };
        opened.is_ok()
    }
}

async fn find(db: &PgPool) -> sqlx::Result<Option<Found>> {
    let check = sqlx::query_scalar!("SELECT sealed FROM vault_check").fetch_optional(db).await?;
    if let Some(sealed) = check {
        return Ok(Some(Found::Check(sealed)));
    }
    let key = sqlx::query!("SELECT subject, sealed FROM vault_keys LIMIT 1").fetch_optional(db);
    Ok(key.await?.map(|key| Found::Key(key.subject, key.sealed)))
}

/// Of two that begin at once, the second finds what the first kept.
async fn keep(db: &PgPool, master: &Master) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO vault_check (sealed) VALUES ($1) ON CONFLICT (one) DO NOTHING",
        master.seal(PURPOSE, b"")
    )
    .execute(db)
    .await
    .map(drop)
}
