//! A process as it is told of: where it listens, how it is started, where its data lie.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::program::{Launch, User};

/// A process that is told of.
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
