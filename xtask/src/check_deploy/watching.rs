//! Rules and alerts, who is told of them, and the dashboards.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::Part;
use super::checks::{Checks, Outcome, copy, ended_well};
use super::tools::{AMTOOL, PROMTOOL, Tool};

pub const PART: Part = Part {
    name: "watching",
    does: "rules, alerts, who is told, and the dashboards",
    by_name: false,
    not_checked: "No Grafana, Loki, Alloy or certbot was to be had: their files are read by \
                  nobody here but as YAML, and the dashboards as TypeScript. Prometheus and \
                  Alertmanager are not started: their own tools judge their files",
    check,
};
/// What an alert says of itself, and who is then told.
const TOLD: [(&str, &str); 3] =
    [("severity=page", "page"), ("severity=ticket", "ticket"), ("severity=heartbeat", "heartbeat")];

fn check(checks: &mut Checks) -> Result<()> {
    rules(checks)?;
    receivers(checks)?;
    dashboards(checks)
}

fn rules(checks: &mut Checks) -> Result<()> {
    checks.run(
        PROMTOOL,
        "settings of Prometheus, with the rules that they name",
        |command| {
            command.args(["check", "config", "deploy/prometheus/prometheus.yml"]);
        },
        |said| {
            let found = said.out.lines().filter(|line| line.contains("rules found")).count();
            Ok(format!("valid, {found} files of rules"))
        },
    )?;
    let folder = checks.path("deploy/prometheus");
    let mut tests = Vec::new();
    for entry in fs::read_dir(&folder)? {
        tests.push(entry?.path());
    }
    tests.retain(|path| path.to_string_lossy().ends_with("_test.yml"));
    tests.sort();
    checks.run(
        PROMTOOL,
        "each alert fires where it is to, and is quiet elsewhere",
        |command| {
            command.args(["test", "rules"]).args(&tests);
        },
        |said| {
            let well = said.out.lines().filter(|line| line.trim() == "SUCCESS").count();
            if well != tests.len() || well == 0 {
                bail!("{well} of {} files of tests end well\n{}", tests.len(), said.out);
            }
            Ok(format!("{well} files of tests pass"))
        },
    )?;
    Ok(())
}

fn receivers(checks: &mut Checks) -> Result<()> {
    // The templates are where a container has them.
    let home = checks.path("deploy/alertmanager");
    let text = fs::read_to_string(home.join("alertmanager.yml"))?;
    let here = format!("{}/*.tmpl", home.display());
    let settings = checks.folder.join("alertmanager.yml");
    fs::write(&settings, text.replace("/etc/alertmanager/*.tmpl", &here))?;
    checks.run(
        AMTOOL,
        "settings of Alertmanager, with its templates",
        |command| {
            command.arg("check-config").arg(&settings);
        },
        |said| Ok(format!("valid, {}", said.line("receivers")?.trim_start_matches("- "))),
    )?;
    for (alert, told) in TOLD {
        checks.run(
            AMTOOL,
            &format!("who is told of {alert}"),
            |command| {
                command.args(["config", "routes", "test"]);
                command.arg(format!("--config.file={}", settings.display()));
                command.args([alert, "alertname=ServiceDown"]);
                command.arg(format!("--verify.receivers={told}"));
            },
            ended_well(told),
        )?;
    }
    Ok(())
}

/// Makes them anew, elsewhere, and compares.
fn dashboards(checks: &mut Checks) -> Result<()> {
    const TOOL: Tool = Tool::Machine("npm");
    const FILES: [&str; 4] = ["dashboards.ts", "panels.ts", "package.json", "tsconfig.json"];
    let home = checks.path("deploy/grafana");
    // Beside the tools, so that what it needs is fetched once.
    let made = checks.layout.servers.join("dashboards");
    crate::layout::create_dir(&made)?;
    for file in FILES {
        fs::copy(home.join(file), made.join(file))
            .with_context(|| format!("cannot copy {file}"))?;
    }
    crate::layout::remove_dir(&made.join("dashboards"))?;
    let fetched = checks.run(
        TOOL,
        "what the dashboards are made with, as `package.json` pins it",
        |command| {
            command.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]);
            command.current_dir(&made);
        },
        ended_well("fetched"),
    )?;
    if fetched.is_none() {
        return Ok(());
    }
    let ran = "dashboards, made anew and typed by Grafana's schema (@grafana/schema, tsc)";
    let run = |command: &mut std::process::Command| {
        command.args(["run", "--silent", "dashboards"]).current_dir(&made);
    };
    if checks.run(TOOL, ran, run, ended_well("made"))?.is_some() {
        let result = compare(&made.join("dashboards"), &home.join("dashboards"))?;
        copy(&made.join("dashboards"), &checks.folder.join("dashboards"))?;
        checks.add("each file's bytes", "dashboards as committed", result);
    }
    Ok(())
}

fn compare(made: &std::path::Path, kept: &std::path::Path) -> Result<Outcome> {
    let names = |folder: &std::path::Path| -> Result<Vec<PathBuf>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            names.push(entry?.file_name().into());
        }
        names.sort();
        Ok(names)
    };
    let files = names(kept)?;
    if names(made)? != files {
        return Ok(Outcome::Fails("others are made than are committed".to_owned()));
    }
    for file in &files {
        if fs::read(made.join(file))? != fs::read(kept.join(file))? {
            let says = format!("{} is not what is made: run `npm run dashboards`", file.display());
            return Ok(Outcome::Fails(says));
        }
    }
    Ok(Outcome::Holds(format!("{} are the same", files.len())))
}
