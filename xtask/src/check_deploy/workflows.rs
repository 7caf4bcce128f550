//! The workflows of GitHub's, and all YAML that there is.

use std::env;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use super::Part;
use super::checks::{Checks, silent};
use super::tools::{JACTIONLINT, SHELLCHECK, YAMLLINT, ZIZMOR};

pub const PART: Part = Part {
    name: "workflows",
    does: "the workflows, and the form of all YAML",
    by_name: false,
    not_checked: "No runner of GitHub's was to be had: no job was run. Whether an action's commit \
                  is that of the version beside it is not asked, for that is GitHub's to say",
    check,
};
/// How YAML is to look.
const YAML: &str = "{extends: relaxed, rules: {line-length: disable}}";

fn check(checks: &mut Checks) -> Result<()> {
    // It asks who judges scripts, where there is one.
    let shellcheck = SHELLCHECK.command(checks.layout).ok();
    let folder = shellcheck
        .and_then(|command| PathBuf::from(command.get_program()).parent().map(PathBuf::from));
    let old = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(folder.into_iter().chain(env::split_paths(&old)))?;
    let told = |command: &mut std::process::Command| {
        command.env("PATH", path);
    };
    checks.run(JACTIONLINT, "workflows, with the scripts in them", told, silent)?;
    checks.run(
        ZIZMOR,
        "what a workflow lets strangers do",
        |command| {
            command.args(["--offline", "--no-progress", ".github"]);
        },
        |said| said.line("No findings to report"),
    )?;
    checks.run(
        YAMLLINT,
        "form of all YAML in `.github` and `deploy`",
        |command| {
            command.args(["-d", YAML, ".github", "deploy"]);
        },
        |said| {
            ensure!(silent(said).is_ok(), "{}", said.out);
            Ok("nothing found".to_owned())
        },
    )?;
    Ok(())
}
