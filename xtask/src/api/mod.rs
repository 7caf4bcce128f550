//! `cargo xtask api`: the documents of the APIs and of the events, in `docs/api`, as the programs
//! themselves describe what they serve.
//!
//! * [`breaking`]: what of a document callers may have relied on and find no more.

mod breaking;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::layout::{Layout, create_dir, remove_dir};
use crate::process::run_logged;
use crate::services::{COMMAND_API, PROJECTOR, QUERY_API};
use crate::{cargo, progress, test};

/// Where they lie, from the root of the workspace.
const FOLDER: &str = "docs/api";
/// Each with the program that writes it.
const DOCUMENTS: [(&str, &str); 5] = [
    ("command-api.openapi.json", COMMAND_API),
    ("query-api.openapi.json", QUERY_API),
    ("events.asyncapi.json", QUERY_API),
    ("events.schema.json", QUERY_API),
    ("projector.openapi.json", PROJECTOR),
];
/// Where it is said that a break is meant.
const CHANGELOG: &str = "CHANGELOG.md";
/// What a document is compared with, unless told otherwise: the first of these that git knows.
const BASES: [&str; 2] = ["origin/main", "main"];

/// Options of `api`.
#[derive(clap::Args)]
pub struct Args {
    /// Change nothing; fail when a committed document is not what the programs write, or breaks
    /// what callers rely on without the changelog saying so
    #[arg(long)]
    check: bool,
    /// The commit whose documents callers rely on; else where this branch left `origin/main`, or
    /// `main`
    #[arg(long, value_name = "COMMIT")]
    since: Option<String>,
    /// Also make anew what is made of the documents in `clients`, by npm's openapi-typescript and
    /// by Python
    #[arg(long)]
    client: bool,
}

/// Writes the documents, or compares them.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    let made = layout.target.join("api");
    remove_dir(&made)?;
    create_dir(&made)?;
    progress::step("Building", "all programs");
    let programs = cargo::build_for_tests()?;
    for name in [COMMAND_API, QUERY_API, PROJECTOR] {
        let program = programs.get(name).with_context(|| format!("cargo built no {name}"))?;
        let mut command = Command::new(program);
        command.arg("describe").arg(&made);
        run_logged(&mut command, &format!("{name} describe"), &made.join(format!("{name}.log")))?;
    }
    let folder = layout.root.join(FOLDER);
    create_dir(&folder)?;
    for (name, _) in DOCUMENTS {
        let wanted = read(&made.join(name))?;
        let file = folder.join(name);
        let committed = fs::read_to_string(&file).unwrap_or_default();
        if committed == wanted {
            progress::step("Finished", &format!("{FOLDER}/{name} is what the program writes"));
        } else if args.check {
            let alike = committed.lines().zip(wanted.lines()).take_while(|(a, b)| a == b).count();
            bail!(
                "{FOLDER}/{name} is not what the program writes, from line {} on: run `cargo xtask \
                 api` and commit the result",
                alike + 1
            );
        } else {
            fs::write(&file, wanted).with_context(|| format!("cannot write {}", file.display()))?;
            progress::step("Finished", &format!("{FOLDER}/{name} has changed"));
        }
    }
    let code = compare(layout, args)?;
    if args.client {
        let made = [
            "its_types_are_those_of_the_documents",
            "it_knows_what_takes_a_key",
            "it_is_made_of_the_documents",
        ];
        let rest = [&["-p", "contract", "--"][..], &made].concat();
        let rest: Vec<String> = rest.into_iter().map(str::to_owned).collect();
        return test::run_with(layout, &rest, &[("UPDATE_CLIENT", "1".to_owned())]);
    }
    Ok(code)
}

/// Says what breaks, and fails where a check finds any that the changelog does not mean.
fn compare(layout: &Layout, args: &Args) -> Result<ExitCode> {
    let Some(base) = base(layout, args.since.as_deref())? else {
        progress::warning("git knows no commit to compare the documents with");
        return Ok(ExitCode::SUCCESS);
    };
    let changelog = read(&layout.root.join(CHANGELOG))?;
    let mut unmeant = 0;
    for (name, _) in DOCUMENTS.into_iter().filter(|(name, _)| name.ends_with(".openapi.json")) {
        let Some(before) = git(layout, &["show", &format!("{base}:{FOLDER}/{name}")])? else {
            continue;
        };
        let before: Value = serde_json::from_str(&before).context("the old document is no JSON")?;
        let now: Value = serde_json::from_str(&read(&layout.root.join(FOLDER).join(name))?)?;
        for found in breaking::between(&before, &now) {
            let meant = is_meant(&changelog, &found.operation);
            unmeant += usize::from(!meant);
            let word = if meant { "meant" } else { "breaks" };
            progress::warning(&format!("{word}: {} {}", found.operation, found.what));
        }
    }
    if unmeant > 0 && args.check {
        bail!(
            "{unmeant} changes since {base} break what callers rely on: take them back, or say in \
             {CHANGELOG}, in a line that begins with `- Breaking:`, which `operations` break"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a line of the changelog names the operation as one that breaks.
fn is_meant(changelog: &str, operation: &str) -> bool {
    let mut lines = changelog.lines().filter(|line| line.starts_with("- Breaking:"));
    lines.any(|line| line.contains(&format!("`{operation}`")))
}

/// The commit whose documents are the ones before, if there is one.
fn base(layout: &Layout, since: Option<&str>) -> Result<Option<String>> {
    if let Some(since) = since {
        return git(layout, &["rev-parse", "--verify", since])?
            .map(Some)
            .with_context(|| format!("git knows no {since}"));
    }
    for known in BASES {
        if let Some(base) = git(layout, &["merge-base", "HEAD", known])? {
            return Ok(Some(base));
        }
    }
    Ok(None)
}

/// What git says; nothing, where it says no.
fn git(layout: &Layout, arguments: &[&str]) -> Result<Option<String>> {
    let mut command = Command::new("git");
    let output = command.args(arguments).current_dir(&layout.root).stderr(Stdio::null()).output();
    let output = output.context("git cannot be run")?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(output.status.success().then_some(said))
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::is_meant;

    #[test]
    fn a_break_is_meant_where_the_changelog_names_it() {
        let changelog = "- Breaking: `cart.create` and `cart.merge` want a currency.\n- `a.b` too.";
        assert!(is_meant(changelog, "cart.merge"));
        assert!(!is_meant(changelog, "cart.mer"));
        assert!(!is_meant(changelog, "a.b"));
    }
}
