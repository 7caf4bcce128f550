//! What `cargo xtask` tells us to run: where the programs are and how each is started.
//!
//! Only what stands in the file; nothing of this is known here a second time.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::program::{Launch, User};

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
    /// Each process, by the name of its [`super::Part`].
    pub processes: BTreeMap<String, Process>,
}

/// A process of the stack.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Where it listens.
    pub port: u16,
    /// How it is started.
    pub launch: Launch,
    /// The same program of an earlier build.
    pub older: Option<PathBuf>,
    /// Where it keeps its data; the services keep none.
    pub store: Option<Store>,
}

/// A server's data folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Where it is.
    pub folder: PathBuf,
    /// Whom it belongs to, if not us.
    pub user: Option<User>,
    /// What must be run before the server's first start.
    pub initialise: Option<Launch>,
}

impl Specification {
    /// Reads the file.
    pub fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_reader(file).with_context(|| format!("cannot read {}", path.display()))
    }
}

impl Store {
    /// Makes the folder, empty, as the server expects it.
    pub fn create(&self) -> Result<()> {
        let folder = &self.folder;
        std::fs::create_dir_all(folder)
            .and_then(|()| match self.user {
                Some(User { uid, gid }) => std::os::unix::fs::chown(folder, Some(uid), Some(gid)),
                None => Ok(()),
            })
            .with_context(|| format!("cannot make {}", folder.display()))
    }

    /// Removes all data, and makes the folder anew. The server must not run.
    pub fn wipe(&self) -> Result<()> {
        std::fs::remove_dir_all(&self.folder)
            .with_context(|| format!("cannot remove {}", self.folder.display()))?;
        self.create()
    }
}
