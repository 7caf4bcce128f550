//! What `cargo xtask` tells us to run: where the programs are and how each is started.
//!
//! Only what stands in the file; nothing of this is known here a second time.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use harness::Process;
use serde::Deserialize;

/// A whole stack that does not run yet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specification {
    /// For logs and what else a run leaves.
    pub folder: PathBuf,
    /// Postgres, as the services are told.
    pub database: String,
    /// NATS.
    pub nats: String,
    /// Meilisearch.
    pub meilisearch: String,
    /// Its key.
    pub meilisearch_key: String,
    /// What command-api and the stand-in of Stripe both know.
    pub stripe_secret_key: String,
    /// Each process, by the name of its [`super::Part`].
    pub processes: BTreeMap<String, Process>,
}

impl Specification {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_reader(file).with_context(|| format!("cannot read {}", path.display()))
    }
}
