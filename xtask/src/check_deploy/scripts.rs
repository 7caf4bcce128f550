//! The scripts of the shell.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::Part;
use super::checks::{Checks, silent};
use super::tools::SHELLCHECK;

pub const PART: Part = Part {
    name: "scripts",
    does: "the scripts of the shell",
    by_name: false,
    not_checked: "Nothing is run of them: `roll-out` wants Docker, `deploy.sh` an account of AWS, \
                  and `backup`, `restore` and `smoke` a shop",
    check,
};

fn check(checks: &mut Checks) -> Result<()> {
    let scripts = scripts(checks)?;
    ensure!(!scripts.is_empty(), "the scripts are not found any more");
    checks.run(
        SHELLCHECK,
        &format!("{} scripts", scripts.len()),
        |command| {
            command.args(&scripts);
        },
        silent,
    )?;
    Ok(())
}

/// What git knows and begins as a script of the shell does.
fn scripts(checks: &Checks) -> Result<Vec<String>> {
    let root = &checks.layout.root;
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    let listed = git.output().context("cannot run git")?;
    ensure!(listed.status.success(), "git cannot list the files");
    let listed = String::from_utf8(listed.stdout)?;
    let begins = |path: &&str| {
        let text = fs::read(root.join(path)).unwrap_or_default();
        let first =
            String::from_utf8_lossy(text.split(|byte| *byte == b'\n').next().unwrap_or(&[]));
        is_shell(&first)
    };
    Ok(listed.split('\0').filter(begins).map(str::to_owned).collect())
}

fn is_shell(first: &str) -> bool {
    first.starts_with("#!/") && (first.ends_with("/sh") || first.ends_with("bash"))
}

#[cfg(test)]
mod tests {
    use super::is_shell;

    #[test]
    fn scripts_of_the_shell_are_known_by_their_first_line() {
        assert!(is_shell("#!/usr/bin/env bash") && is_shell("#!/bin/sh"));
        assert!(!is_shell("#!/usr/bin/env python3") && !is_shell("#![allow(dead_code)] // bash"));
    }
}
