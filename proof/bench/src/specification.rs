//! What `cargo xtask bench` tells us: which rows, for how long, and with which programs.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use harness::Process;
use serde::Deserialize;

/// A run that is to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specification {
    /// The rows, by name; they are measured in the order of the table.
    pub rows: Vec<String>,
    /// What each side of a row is measured for, in seconds, after its warm-up.
    pub seconds: u64,
    /// Whether catalogues and logs are to be small, so that making them takes little time.
    pub quick: bool,
    /// The logs of row `scale`, in events.
    pub events: Vec<i64>,
    /// For logs and what else a row leaves.
    pub folder: PathBuf,
    /// The file that the figures go to.
    pub figures: PathBuf,
    /// The engine's programs, by name.
    pub programs: BTreeMap<String, PathBuf>,
    /// Where `psql` and `pgbench` lie.
    pub postgres_tools: PathBuf,
    /// The program of the peers, if it was asked for and could be built.
    pub peers: Option<PathBuf>,
    /// Postgres, as the services are told.
    pub database: String,
    /// NATS.
    pub nats: String,
    /// Meilisearch.
    pub meilisearch: String,
    /// Its key.
    pub meilisearch_key: String,
    /// The servers. None of them runs, and none has data.
    pub processes: Servers,
}

/// The servers that rows stand on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Servers {
    /// The log and the read models.
    pub postgres: Process,
    /// The bus.
    pub nats: Process,
    /// The search.
    pub meilisearch: Process,
}

impl Specification {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_reader(file).with_context(|| format!("cannot read {}", path.display()))
    }
}
