//! What a process is told that may know people.

use std::sync::Arc;

use clap::Args;
use service::config::{Secret, Wrong};
use sqlx::PgPool;

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
    /// The key, if there is one.
    ///
    /// # Errors
    /// It is no key.
    pub fn master(&self) -> Result<Option<Arc<Master>>, Wrong> {
        // An empty one, as compose files pass it, is none.
        let key = self.key.as_ref().filter(|key| !key.expose().is_empty());
        key.map(Master::read).transpose().map(|master| master.map(Arc::new))
    }

    /// What is known of people, if this process may know it.
    ///
    /// # Errors
    /// It is no key.
    pub fn vault(&self, db: &PgPool) -> Result<Option<Vault>, Wrong> {
        Ok(self.master()?.map(|master| Vault::new(db.clone(), master)))
    }
}
