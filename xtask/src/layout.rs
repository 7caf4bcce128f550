//! Where things lie: the workspace, cargo's target folder, the data of `up`, and the folders for
//! downloaded servers and throwaway ones.
//!
//! Postgres refuses to run as root. Started by root it runs as another user, which must be able
//! to reach its folders: where the checkout lies below a closed folder (often `/root`), they are
//! put under [`ROOT_FALLBACK`] instead.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use crate::record::RECORD_FILE;
use crate::{cargo, progress};

/// Where root keeps what an unprivileged user must reach.
const ROOT_FALLBACK: &str = "/var/lib/commerce-xtask";
/// The user and group Postgres gets when root has no `postgres` user to offer.
const NOBODY: u32 = 65_534;
/// Characters of the checkout's hash in a fallback folder's name: enough to tell checkouts apart.
const CHECKOUT_HASH_LEN: usize = 8;

/// The user Postgres runs as when we are root.
#[derive(Clone, Copy, Debug)]
pub struct ServerUser {
    pub uid: u32,
    pub gid: u32,
}

/// The folders of this checkout.
#[derive(Debug)]
pub struct Layout {
    /// The workspace root.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// Data and logs of `up`; survives `down`.
    pub data: PathBuf,
    /// Downloaded servers, a folder each.
    pub servers: PathBuf,
    /// Throwaway servers of `test` and `sqlx`, a folder a run.
    pub throwaway: PathBuf,
    /// Set when we are root.
    pub server_user: Option<ServerUser>,
}

impl Layout {
    /// Asks cargo where the workspace and its target folder are.
    pub fn find() -> Result<Self> {
        let metadata = cargo::metadata()?;
        let server_user = rustix::process::geteuid().is_root().then(unprivileged_user);
        let (root, target) = (metadata.workspace_root, metadata.target_directory);
        let fallback = Path::new(ROOT_FALLBACK);
        let own_fallback = fallback.join(checkout_hash(&root));
        let reachable = |wanted: PathBuf, base: &Path, otherwise: PathBuf| match server_user {
            Some(user) if !user.can_enter(base) => otherwise,
            _ => wanted,
        };
        Ok(Self {
            data: reachable(root.join(".data"), &root, own_fallback.join("data")),
            servers: reachable(target.join("servers"), &target, fallback.join("servers")),
            throwaway: reachable(target.join("throwaway"), &target, own_fallback.join("throwaway")),
            root,
            target,
            server_user,
        })
    }

    /// Where `up` keeps its record of running processes.
    pub fn record(&self) -> PathBuf {
        self.data.join(RECORD_FILE)
    }

    /// Says so when the data could not lie in the checkout.
    pub fn explain_data_folder(&self) {
        if !self.data.starts_with(&self.root) {
            progress::warning(&format!(
                "PostgreSQL does not run as root and another user cannot reach {}: \
                 the data lies in {}",
                self.root.display(),
                self.data.display()
            ));
        }
    }
}

impl ServerUser {
    /// Makes `command` run as this user.
    pub fn apply(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives `path` to this user.
    pub fn own(self, path: &Path) -> Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
            .with_context(|| format!("cannot give {} to PostgreSQL's user", path.display()))
    }

    /// Whether this user may pass through `folder` and all above it: tried out, for permissions
    /// have more sources than mode bits.
    fn can_enter(self, folder: &Path) -> bool {
        let mut probe = Command::new("true");
        self.apply(&mut probe);
        probe.current_dir(folder).status().is_ok_and(|status| status.success())
    }
}

/// Creates a folder and those above it.
pub fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))
}

/// Removes a folder and all in it; none is fine.
pub fn remove_dir(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The user `postgres` where the system has one, else `nobody`.
fn unprivileged_user() -> ServerUser {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    users.lines().find_map(postgres_user).unwrap_or(ServerUser { uid: NOBODY, gid: NOBODY })
}

/// Reads `postgres:x:101:104:…`.
fn postgres_user(line: &str) -> Option<ServerUser> {
    let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
    Some(ServerUser { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
}

fn checkout_hash(root: &Path) -> String {
    let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
    format!("{digest:x}").chars().take(CHECKOUT_HASH_LEN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_postgres_user_is_read_from_its_line() {
        let user = postgres_user("postgres:x:101:104:PostgreSQL:/var/lib/postgresql:/bin/bash");
        assert_eq!(user.map(|user| (user.uid, user.gid)), Some((101, 104)));
        assert!(postgres_user("postgresql:x:1:1::/:/bin/sh").is_none());
        assert!(postgres_user("root:x:0:0:root:/root:/bin/bash").is_none());
    }
}
