//! What is done by hand about what is known of people: another master key, and forgetting again
//! whom a restored backup still knows. Each prints what it came to, and nothing else.

use std::io::{self, BufRead as _, Write as _};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::check::{self, Unfit};
use crate::{DataSubject, Vault, VaultError};

/// People looked at in one statement.
const PAGE: i64 = 1_000;

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no master key.
    #[error("MASTER_KEY is not set: `command-api master-key` prints one")]
    NoMasterKey,
    /// Something cannot be sealed or read.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The master key is another than the database is sealed under.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A line names nobody.
    #[error("line {0} does not begin with an id")]
    NotAnId(usize),
    /// Nobody reads what is said, or says anything.
    #[error("input or output broke off")]
    Stream(#[from] io::Error),
}

/// Prints who was forgotten, a line each: to be kept beside the backups, for as long as they are.
///
/// # Errors
/// The database does not answer.
pub async fn erased(vault: Option<Vault>) -> Result<(), Error> {
    let vault = vault.ok_or(Error::NoMasterKey)?;
    let (mut output, mut after) = (io::stdout(), Uuid::nil());
    loop {
        let page = vault.erased(after, PAGE).await.map_err(VaultError::from)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.subject;
        for one in page {
            writeln!(output, "{} {}", one.subject, one.at.to_rfc3339())?;
        }
    }
}

/// Forgets all who stand on standard input, a line each, as [`erased`] prints them: for a database
/// that was restored from a backup which still knows them. Prints how many it knew.
///
/// # Errors
/// A line names nobody, or the database does not answer. Those before it are forgotten.
pub async fn erase(vault: Option<Vault>, now: DateTime<Utc>) -> Result<(), Error> {
    let vault = vault.ok_or(Error::NoMasterKey)?;
    let mut known = 0_u64;
    for (number, line) in io::stdin().lock().lines().enumerate() {
        let line = line?;
        let Some(id) = line.split_whitespace().next() else { continue };
        let id = id.parse().map_err(|_| Error::NotAnId(number + 1))?;
        let was_known = vault.erase(DataSubject(id), now).await.map_err(VaultError::from)?;
        known += u64::from(was_known);
    }
    Ok(writeln!(io::stdout(), "{known}")?)
}

/// Seals the keys of all people under the first master key of the ring, and writes the words by
/// which they are found under it; the others are not needed any more afterwards.
///
/// # Errors
/// One is sealed under a key that is not in the ring, or the database does not answer.
pub async fn reseal(vault: &Vault) -> Result<(), Error> {
    let mut after = Uuid::nil();
    while let Some(last) = vault.reseal(after, PAGE).await? {
        after = last;
    }
    after = Uuid::nil();
    while let Some(last) = vault.reindex(after, PAGE).await? {
        after = last;
    }
    Ok(check::reseal(&vault.db, &vault.master).await?)
}

/// Prints what a process is told that finds people and reads nothing.
///
/// # Errors
/// Nobody reads it.
pub fn index_key(vault: Option<&Vault>) -> Result<(), Error> {
    let vault = vault.ok_or(Error::NoMasterKey)?;
    Ok(writeln!(io::stdout(), "{}", vault.master().index().told())?)
}
