//! `cargo xtask check-deploy`: what deploys the engine, each file checked by a tool that nobody
//! here wrote, and what cannot be checked said beside it.
//!
//! A part a file. Owns which parts there are, which are run unasked, and the exit code.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::layout::Layout;
use crate::{cargo, progress};

mod checks;
mod compose;
mod front;
mod kubernetes;
mod scripts;
mod terraform;
mod tools;
mod watching;
mod workflows;

use checks::{Checks, Row};

/// A part of what deploys the engine.
pub struct Part {
    name: &'static str,
    does: &'static str,
    /// It takes long, or starts servers: it is run for who names it alone.
    by_name: bool,
    /// What there is nothing to check with, and why.
    not_checked: &'static str,
    check: fn(&mut Checks) -> Result<()>,
}

const PARTS: &[Part] = &[
    workflows::PART,
    compose::PART,
    watching::PART,
    scripts::PART,
    front::PART,
    kubernetes::PART,
    terraform::PART,
    front::SERVED,
    terraform::REPLAY,
    terraform::START,
];

/// Options of `check-deploy`.
#[derive(clap::Args)]
pub struct Args {
    /// Which; without one, all that are not run by name only
    #[arg(value_name = "PART", value_parser = clap::builder::PossibleValuesParser::new(names()))]
    parts: Vec<String>,
    /// End well though a tool, or something else that a check wants, is not to be had here
    #[arg(long)]
    allow_missing: bool,
}

/// The parts, shown under the options.
pub fn help() -> String {
    let lines = PARTS.iter().map(|part| {
        let by_name = if part.by_name { ", by name only" } else { "" };
        format!("  {:<17} {}{by_name}\n", part.name, part.does)
    });
    format!(
        "Parts:\n{}\nEnvironment:
  CRD_SCHEMAS   a folder of schemas as datreeio/CRDs-catalog has them, for kubernetes
  PROGRAMS_BIN  a folder of built programs, for front-served and terraform-start:
                else they are built",
        lines.collect::<String>()
    )
}

fn names() -> impl Iterator<Item = &'static str> {
    PARTS.iter().map(|part| part.name)
}

/// Checks them, and prints the table.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    // Tools are told of files by their places below the top folder.
    env::set_current_dir(&layout.root).context("cannot go to the top folder")?;
    let all = args.parts.is_empty();
    let (mut told, mut fails, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for part in PARTS {
        if all && part.by_name {
            told.push((part, None));
        } else if all || args.parts.iter().any(|name| name == part.name) {
            let rows = check(layout, part)?;
            let (failed, absent) = checks::complaints(part.name, &rows);
            fails.extend(failed);
            missing.extend(absent);
            told.push((part, Some(rows)));
        }
    }
    progress::result(&checks::table(&told));
    for text in &missing {
        progress::warning(text);
    }
    for text in &fails {
        progress::failure(text);
    }
    let well = fails.is_empty() && (missing.is_empty() || args.allow_missing);
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The engine's programs, for parts that start them: those that are named, or else they are built.
fn programs(names: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    let Some(folder) = env::var_os("PROGRAMS_BIN") else { return cargo::build_quick(names) };
    let folder = std::path::absolute(PathBuf::from(folder))?;
    Ok(names.iter().map(|name| ((*name).to_owned(), folder.join(name))).collect())
}

fn check(layout: &Layout, part: &Part) -> Result<Vec<Row>> {
    let mut checks = Checks::new(layout, part.name)?;
    (part.check)(&mut checks)?;
    Ok(checks.rows)
}
