//! `cargo xtask tidy`: what the house demands of its files and the compiler does not see. Plain
//! reading, no compiling; one rule a file, one line of registration.
//!
//! Owns how rules are run and what they may look at: the files that git knows and the subjects of
//! commits. A rule is a pure function of these, and is tested on a small text that breaks it. What
//! a rule lets pass stands in its own file, each with its reason.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::layout::Layout;
use crate::progress;

mod circles;
mod codes;
mod commands;
mod commits;
mod crates;
mod headers;
mod length;
mod names;
mod paths;
mod tables;
mod tree;
mod width;

use tree::Tree;

/// What a rule found, where.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, or what else it is about.
    place: String,
    /// Counted from 1; 0 where it is about the whole.
    line: usize,
    /// What is wrong and what mends it.
    says: String,
}

/// A rule: its name and what it finds.
type Rule = (&'static str, fn(&Tree) -> Vec<Finding>);

/// Every rule.
const RULES: &[Rule] = &[
    ("circles", circles::check),
    ("codes", codes::check),
    ("commands", commands::check),
    ("commits", commits::check),
    ("crates", crates::check),
    ("headers", headers::check),
    ("length", length::check),
    ("names", names::check),
    ("paths", paths::check),
    ("tables", tables::check),
    ("width", width::check),
];

/// Options of `tidy`.
#[derive(clap::Args)]
pub struct Args {
    /// Only this rule
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(RULES.iter().map(|rule| rule.0)))]
    rule: Option<String>,
}

/// Checks the rules and says all that they find.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    let tree = Tree::load(&layout.root)?;
    let wanted = |name: &str| args.rule.as_deref().is_none_or(|rule| rule == name);
    let mut found = 0;
    for (name, check) in RULES.iter().filter(|(name, _)| wanted(name)) {
        for Finding { place, line, says } in check(&tree) {
            let line = if line == 0 { String::new() } else { format!(":{line}") };
            progress::failure(&format!("{place}{line}: {says} ({name})"));
            found += 1;
        }
    }
    if found > 0 {
        bail!("{found} things are not as the rules in xtask/src/tidy want them");
    }
    progress::step("Finished", &format!("{} files are tidy", tree.files.len()));
    Ok(ExitCode::SUCCESS)
}

impl Finding {
    /// About a line of a file.
    fn at(place: &str, line: usize, says: impl Into<String>) -> Self {
        Self { place: place.to_owned(), line, says: says.into() }
    }

    /// About the whole of something.
    fn of(place: &str, says: impl Into<String>) -> Self {
        Self::at(place, 0, says)
    }
}
