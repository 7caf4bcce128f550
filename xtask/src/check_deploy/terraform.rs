//! The whole on AWS, by Terraform: what core says, what AWS would be asked, and the programs as the
//! tasks have them.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::checks::{Checks, Outcome, ended_well, holds, silent};
use super::tools::{AWS_SCHEMA, CHECKOV, MOTO, PYTHON, SHELLCHECK, TERRAFORM, TRIVY, Tool};
use super::{Part, programs};
use crate::servers::{fetch, find};

pub const PART: Part = Part {
    name: "terraform",
    does: "the whole on AWS: form, every argument, what must hold, and its security",
    by_name: false,
    not_checked: "No provider of AWS and no account were to be had: nothing is planned by the \
                  real provider or applied, so what only they know (what goes together, quotas, \
                  names that are taken, how long things take) is not known",
    check,
};
pub const REPLAY: Part = Part {
    name: "terraform-replay",
    does: "what AWS would be asked, put to a stand-in of it",
    by_name: true,
    not_checked: "What the stand-in does not make, `deploy/terraform/README.md` lists: names and \
                  types of its arguments only",
    check: replay,
};
pub const START: Part = Part {
    name: "terraform-start",
    does: "the programs as the definitions start them, as root",
    by_name: true,
    not_checked: "RDS, ECS and the load balancer themselves: a Postgres of few rights stands in \
                  RDS's place",
    check: start,
};
const HOME: &str = "deploy/terraform";
/// How large the shops are that are replayed.
const SIZES: [&str; 2] = ["small", "large"];

fn check(checks: &mut Checks) -> Result<()> {
    let form = |command: &mut Command| {
        script(command, &["fmt", "-check", "-recursive", "."]);
    };
    checks.run(TERRAFORM, "form of all files", form, silent)?;
    if prepare(checks)?.is_some() {
        judge(checks)?;
    }
    checks.run(
        CHECKOV,
        "rules of security, but those of `.checkov.yaml`",
        |command| {
            command.args(["--config-file", ".checkov.yaml"]).current_dir(HOME);
        },
        |said| said.line("Failed checks: 0"),
    )?;
    let cache = checks.folder.join("trivy");
    checks.run(
        TRIVY,
        "the same by others' rules, but those of `.trivyignore`",
        |command| {
            command.args(["config", "--quiet", "--skip-policy-update", "--exit-code", "1"]);
            command.arg("--cache-dir").arg(cache);
            command.args(["--tf-vars", "example.tfvars", "."]).current_dir(HOME);
        },
        |said| silent(said).map(|_| "0 findings".to_owned()),
    )?;
    checks.run(
        SHELLCHECK,
        "`deploy.sh`",
        |command| {
            command.arg("deploy.sh").current_dir(HOME);
        },
        silent,
    )?;
    Ok(())
}

/// What core says of it, with a stand-in of the provider that knows what the real one takes.
fn judge(checks: &mut Checks) -> Result<()> {
    let provided = provided(checks);
    checks.run(
        TERRAFORM,
        "every argument, block and type (`terraform validate`)",
        |command| {
            script(command, &["validate", "-no-color"]);
            provided(command);
        },
        |said| said.line("Success!").map(|_| "valid".to_owned()),
    )?;
    for (folder, what) in [
        ("modules/plan", "sizes, flows, settings, secrets, policies (`terraform test`)"),
        ("modules/deployer", "whose pipeline may release (`terraform test`)"),
        ("", "the whole, made with `mock_provider` (`terraform test`)"),
    ] {
        let folder = Path::new(HOME).join(folder);
        checks.run(
            TERRAFORM,
            what,
            |command| {
                script(command, &["test", "-no-color"]);
                provided(command);
                command.current_dir(folder);
            },
            |said| said.line("passed").map(|line| line.trim_start_matches("Success! ").to_owned()),
        )?;
    }
    Ok(())
}

/// `terraform` with these arguments, there.
fn script(command: &mut Command, arguments: &[&str]) {
    let Some(home) = std::path::absolute(HOME).ok() else { return };
    // Of the developer's own settings nothing is taken, and none are missed.
    command.env("TF_CLI_CONFIG_FILE", "/dev/null");
    command.arg(home.join("check/terraform.py")).args(arguments).current_dir(home);
}

/// The variables by which Terraform finds the stand-in and what it knows.
fn provided(checks: &Checks) -> impl Fn(&mut Command) + use<> {
    let folder = checks.folder.clone();
    move |command| {
        command.env("TF_CLI_CONFIG_FILE", folder.join("settings"));
        command.env("TF_AWS_SCHEMA", folder.join("schema.json"));
    }
}

/// Lays the stand-in of the provider down, and what it knows: `None` where that could not be had.
fn prepare(checks: &mut Checks) -> Result<Option<()>> {
    let package = match fetch::fetch(&AWS_SCHEMA, checks.layout) {
        Ok(file) => file,
        Err(error) => {
            crate::interrupt::check()?;
            let missing = Outcome::Missing(format!("{error:#}"));
            checks.add(AWS_SCHEMA.name, "every argument, block and type", missing);
            return Ok(None);
        }
    };
    let known = package.parent().map(Path::parent).and_then(|folder| folder);
    let known = known.context("the package has no folder")?.join("package");
    let kinds = kinds(&checks.path(HOME))?;
    let ran = format!("what the {} kinds of resource that are used take", kinds.len());
    let told = |command: &mut Command| {
        command.arg(format!("{HOME}/check/schema.py")).arg(known).args(kinds);
    };
    let by = Tool::Machine(PYTHON);
    let Some(said) = checks.run(
        by,
        &format!("{ran}, as {} has it", AWS_SCHEMA.name),
        told,
        ended_well("read"),
    )?
    else {
        return Ok(None);
    };
    fs::write(checks.folder.join("schema.json"), said.out)?;
    let (folder, provider) = (&checks.folder, checks.path(HOME).join("check/provider.py"));
    let program = folder.join("terraform-provider-aws");
    fs::write(&program, format!("#!/bin/sh\nexec {PYTHON} '{}'\n", provider.display()))?;
    fs::set_permissions(&program, Permissions::from_mode(0o755))?;
    let overrides = format!(
        "provider_installation {{ dev_overrides {{ \"hashicorp/aws\" = \"{}\" }} }}\n",
        folder.display()
    );
    fs::write(folder.join("settings"), overrides)?;
    let modules = |command: &mut Command| script(command, &["get"]);
    let got =
        checks.run(TERRAFORM, "its modules (`terraform get`)", modules, ended_well("there"))?;
    Ok(got.map(|_| ()))
}

/// The kinds of AWS that the files name, as schema.py wants them.
fn kinds(folder: &Path) -> Result<BTreeSet<String>> {
    let mut kinds = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            kinds.extend(self::kinds(&path)?);
        } else if path.extension().is_some_and(|end| end == "tf") {
            kinds.extend(fs::read_to_string(&path)?.lines().filter_map(kind));
        }
    }
    Ok(kinds)
}

fn kind(line: &str) -> Option<String> {
    let mut words = line.split('"');
    let (before, kind) = (words.next()?, words.next()?);
    match before {
        _ if !kind.starts_with("aws_") => None,
        "resource " => Some(kind.to_owned()),
        "data " => Some(format!("data.{kind}")),
        _ => None,
    }
}

/// The whole with what Terraform reckoned of it, for those who go on from there.
fn whole(checks: &mut Checks) -> Result<Option<PathBuf>> {
    if prepare(checks)?.is_none() {
        return Ok(None);
    }
    let provided = provided(checks);
    let said = checks.run(
        TERRAFORM,
        "the whole, made with `mock_provider` (`terraform test`)",
        |command| {
            script(command, &["test", "-json", "-verbose", "-filter=tests/whole.tftest.hcl"]);
            provided(command);
        },
        ended_well("made"),
    )?;
    let Some(said) = said else { return Ok(None) };
    let file = checks.folder.join("whole.json");
    fs::write(&file, said.out)?;
    Ok(Some(file))
}

fn replay(checks: &mut Checks) -> Result<()> {
    let Some(whole) = whole(checks)? else { return Ok(()) };
    for size in SIZES {
        let whole = File::open(&whole)?;
        checks.run(
            MOTO,
            &format!("each argument that was reckoned, of a {size} shop (`check/replay.py`)"),
            |command| {
                command.arg(format!("{HOME}/check/replay.py")).arg(size).stdin(whole);
            },
            |said| Ok(format!("{}; {}", said.line("made ")?, holds(&said.out)?)),
        )?;
    }
    Ok(())
}

fn start(checks: &mut Checks) -> Result<()> {
    const RAN: &str = "migrations, logins, health, who is let in, what is refused, of a small shop \
                       (`check/start.py`)";
    if checks.layout.server_user.is_none() {
        let why = "only root may have a network and a table of hosts of its own";
        checks.add("the programs themselves", RAN, Outcome::Missing(why.to_owned()));
        return Ok(());
    }
    let Some(whole) = whole(checks)? else { return Ok(()) };
    let postgres = find::postgres(checks.layout, None)?.path;
    let (nats, meilisearch) =
        (find::nats(checks.layout)?.path, find::meilisearch(checks.layout)?.path);
    let programs = programs(&["command-api", "query-api", "projector", "reactor"])?;
    let folder = programs.get("reactor").and_then(|program| program.parent());
    let programs = folder.context("cargo built no reactor")?;
    checks.run(
        MOTO,
        RAN,
        |command| {
            // The same Python, with what it has, in a network of its own.
            let variables: Vec<_> = command
                .get_envs()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
                .collect();
            let mut apart = Command::new("unshare");
            apart.args(["-n", "-m", "--propagation", "private", PYTHON]);
            apart.arg(format!("{HOME}/check/start.py")).arg(&whole).arg("small");
            apart.envs(variables).env("PROGRAMS_BIN", programs);
            apart.env("POSTGRES_BIN", postgres.parent().unwrap_or(&postgres));
            apart.env("NATS_BIN", nats).env("MEILI_BIN", meilisearch);
            if let Some(folder) = command.get_current_dir() {
                apart.current_dir(folder);
            }
            *command = apart;
        },
        |said| holds(&said.out),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_off_the_lines_that_begin_them() {
        assert_eq!(kind("resource \"aws_vpc\" \"this\" {").as_deref(), Some("aws_vpc"));
        assert_eq!(kind("data \"aws_region\" \"now\" {}").as_deref(), Some("data.aws_region"));
        assert_eq!(kind("resource \"terraform_data\" \"x\" {"), None);
        assert_eq!(kind("  type = \"aws_vpc\""), None);
    }
}
