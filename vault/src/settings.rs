//! What a process is told that may know people.

use std::sync::Arc;

use clap::Args;
use service::config::{Secret, Wrong};
use service::exposed::is_published;
use sqlx::PgPool;

use crate::check::{Unfit, check};
use crate::{Master, Vault};

/// What seals secrets in the database.
#[derive(Clone, Debug, Args)]
pub struct MasterKey {
    /// What seals secrets and people's data in the database: 32 bytes in base64, as `command-api
    /// master-key` prints them; or several with commas, of which the first seals and the others
    /// still open. Without it no tokens are given out, and nothing is known of people
    #[arg(
        id = "master-key",
        long = "master-key",
        global = true,
        env = "MASTER_KEY",
        hide_env_values = true
    )]
    pub key: Option<Secret>,
}

impl MasterKey {
    /// Refuses, where the internet reaches the process, to do without one, or to have one that
    /// everybody can read in this repository.
    ///
    /// # Errors
    /// It is so.
    pub fn check(&self, exposed: bool) -> Result<(), Wrong> {
        let key = self.key.as_ref().map_or("", Secret::expose);
        let wrong = |reason: &str| Err(Wrong::new("MASTER_KEY", reason));
        if exposed && key.is_empty() {
            return wrong("is needed where people sign in (EXPOSED)");
        }
        if exposed && key.split(',').any(|one| is_published(one.trim())) {
            return wrong("holds one that everybody can read in the repository (EXPOSED)");
        }
        Ok(())
    }

    /// The key, if there is one.
    ///
    /// # Errors
    /// It is no key.
    pub fn master(&self) -> Result<Option<Arc<Master>>, Wrong> {
        // An empty one, as compose files pass it, is none.
        let key = self.key.as_ref().filter(|key| !key.expose().is_empty());
        key.map(Master::read).transpose().map(|master| master.map(Arc::new))
    }

    /// The key, if there is one, for what is done by hand: it must be the database's.
    ///
    /// # Errors
    /// It is another, or the database does not answer.
    pub async fn fitting(&self, db: &PgPool) -> Result<Option<Arc<Master>>, Unfit> {
        let master = self.master()?;
        check(db, master.as_deref()).await?;
        Ok(master)
    }

    /// What is known of people, if this process may know it.
    ///
    /// # Errors
    /// It is no key.
    pub fn vault(&self, db: &PgPool) -> Result<Option<Vault>, Wrong> {
        Ok(self.master()?.map(|master| Vault::new(db.clone(), master)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_internet_reaches_a_key_of_ones_own_is_needed() {
        const PUBLISHED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        let key = |text: &str| MasterKey { key: Some(text.into()) };
        let own = Master::generate();
        assert!(key(&own).check(true).is_ok());
        let ring = format!("{own}, {PUBLISHED}");
        for key in [MasterKey { key: None }, key(""), key(PUBLISHED), key(&ring)] {
            let wrong = key.check(true).unwrap_err().to_string();
            assert!(wrong.starts_with("MASTER_KEY ") && !wrong.contains("AAEC"), "{wrong}");
            assert!(key.check(false).is_ok());
        }
    }
}
