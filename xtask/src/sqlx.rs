//! `cargo xtask sqlx`: the query data in `.sqlx`, with which the workspace builds without a
//! database.
//!
//! sqlx's macros write one file for each query they expand with a database at hand. So: a
//! throwaway Postgres with the migrations applied, and a check of the whole workspace in a
//! target folder of its own, where no other cargo can expand a query first and leave it out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::layout::{Layout, create_dir};
use crate::process::run_in_terminal;
use crate::{cargo, migrations, progress};

/// Options of `sqlx`.
#[derive(clap::Args)]
pub struct Args {
    /// Change nothing; fail when the committed files are not what the code needs
    #[arg(long)]
    check: bool,
}

/// Query files by name.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Regenerates `.sqlx`, or compares it.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    let wanted = generate(layout)?;
    let folder = layout.root.join(".sqlx");
    let committed = read_files(&folder)?;
    if args.check {
        if committed != wanted {
            bail!(
                "the committed .sqlx is not what the code needs ({}): run `cargo xtask sqlx` and \
                 commit the result",
                difference(&committed, &wanted)
            );
        }
        progress::step("Finished", &format!(".sqlx is right ({} queries)", wanted.len()));
        return Ok(ExitCode::SUCCESS);
    }
    write(&folder, &committed, &wanted)?;
    let changes = difference(&committed, &wanted);
    progress::step("Finished", &format!(".sqlx has {} queries ({changes})", wanted.len()));
    Ok(ExitCode::SUCCESS)
}

/// The query files of the code as it is.
fn generate(layout: &Layout) -> Result<Files> {
    let database = migrations::database(layout)?;
    let queries = database.throwaway.folder.path().join("queries");
    create_dir(&queries)?;
    expand_all(layout, &database.url, &queries)?;
    read_files(&queries)
}

/// Checks the workspace against the database, every query anew.
fn expand_all(layout: &Layout, url: &str, queries: &Path) -> Result<()> {
    let target = layout.target.join("sqlx");
    progress::step("Checking", "every query of the workspace");
    let mut clean = cargo::command();
    clean.args(["clean", "--quiet", "--target-dir"]).arg(&target);
    let metadata = cargo::metadata()?;
    let uses_sqlx = |package: &&cargo::Package| {
        package.dependencies.iter().any(|dependency| dependency.name == "sqlx")
    };
    for package in metadata.packages.iter().filter(uses_sqlx) {
        clean.args(["--package", &package.name]);
    }
    let mut check = cargo::command();
    check.args(["check", "--workspace", "--all-targets", "--target-dir"]).arg(&target);
    check.env("DATABASE_URL", url).env("SQLX_OFFLINE", "false").env("SQLX_OFFLINE_DIR", queries);
    if !run_in_terminal(&mut clean)?.success() || !run_in_terminal(&mut check)?.success() {
        bail!("the workspace does not compile against its migrations: see cargo's messages above");
    }
    Ok(())
}

/// The query files in `folder`; none when there is no such folder.
fn read_files(folder: &Path) -> Result<Files> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Files::new()) };
    let mut files = Files::new();
    for entry in entries {
        let path = entry?.path();
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        files.insert(path.file_name().map(PathBuf::from).unwrap_or_default(), bytes);
    }
    Ok(files)
}

/// Makes `folder` hold `wanted`, touching only what differs.
fn write(folder: &Path, committed: &Files, wanted: &Files) -> Result<()> {
    create_dir(folder)?;
    for stale in committed.keys().filter(|name| !wanted.contains_key(*name)) {
        fs::remove_file(folder.join(stale))?;
    }
    for (name, bytes) in wanted.iter().filter(|(name, bytes)| committed.get(*name) != Some(bytes)) {
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

fn difference(committed: &Files, wanted: &Files) -> String {
    let missing = wanted.keys().filter(|name| !committed.contains_key(*name)).count();
    let stale = committed.keys().filter(|name| !wanted.contains_key(*name)).count();
    let changed = wanted
        .iter()
        .filter(|(name, bytes)| committed.get(*name).is_some_and(|other| other != *bytes))
        .count();
    format!("{missing} added, {changed} changed, {stale} removed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(entries: &[(&str, &str)]) -> Files {
        entries.iter().map(|(name, text)| (name.into(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn differences_are_counted_by_kind() {
        let committed = files(&[("a", "1"), ("b", "1"), ("gone", "1")]);
        let wanted = files(&[("a", "1"), ("b", "2"), ("new", "1")]);
        assert_eq!(difference(&committed, &wanted), "1 added, 1 changed, 1 removed");
        assert_eq!(difference(&wanted, &wanted), "0 added, 0 changed, 0 removed");
    }
}
