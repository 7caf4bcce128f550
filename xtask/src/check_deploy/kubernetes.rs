//! The overlays for Kubernetes, as kustomize renders them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::Part;
use super::checks::{Checks, Outcome, copy, silent};
use super::tools::{CHECKOV, KUBECTL, KUBERNETES_PYTHON, KUBERNETES_VALIDATE, TRIVY};

pub const PART: Part = Part {
    name: "kubernetes",
    does: "the overlays, rendered; their kinds, their security, and who may talk to whom",
    by_name: false,
    not_checked: "No API server and no operator was to be had: whether they take what fits their \
                  schemas, and what they do with it, is not known, nor are the servers' images \
                  run. The programs were started as the manifests say once, by hand",
    check,
};
const OVERLAYS: [&str; 4] = ["development", "testing", "staging", "production"];
/// What no overlay has: these components, in place of that one.
const OTHERS: (&str, &str) = ("- ../gateway\n", "- ../ingress\n    - ../oidc\n    - ../cdn\n");
/// The oldest Kubernetes that `deploy/kubernetes/README.md` promises, and the newest that is known.
const VERSIONS: [&str; 2] = ["1.30", "1.37"];
const HOME: &str = "deploy/kubernetes";

fn check(checks: &mut Checks) -> Result<()> {
    let rendered = render(checks)?;
    if rendered.is_empty() {
        return Ok(());
    }
    for version in VERSIONS {
        checks.run(
            KUBERNETES_VALIDATE,
            &format!("kinds of Kubernetes, strictly, by the schemas of {version}"),
            |command| {
                command.args(["--strict", "-k", version]).args(&rendered);
            },
            |_| Ok("none wrong".to_owned()),
        )?;
    }
    operators(checks, &rendered)?;
    security(checks)?;
    let production = checks.folder.join("out/production.yaml");
    checks.run(
        KUBERNETES_PYTHON,
        "who may talk to whom: the NetworkPolicies of production put to all pairs of pods \
         (`check/arrows.py`)",
        |command| {
            command.arg(format!("{HOME}/check/arrows.py")).arg(&production);
        },
        |said| said.line(" arrows"),
    )?;
    Ok(())
}

/// Renders the overlays, and one more with the components that none has; returns the files.
fn render(checks: &mut Checks) -> Result<Vec<PathBuf>> {
    let out = checks.folder.join("out");
    crate::layout::create_dir(&out)?;
    let others = checks.folder.join("others");
    copy(&checks.path(HOME), &others)?;
    let platform = others.join("components/platform/kustomization.yaml");
    let text = fs::read_to_string(&platform)?;
    let line = text.lines().find(|line| line.trim() == OTHERS.0.trim());
    let line = line.context("the platform has no gateway any more")?;
    let indent = &line[..line.len() - line.trim_start().len()];
    let wanted = OTHERS.1.replace("    ", indent);
    fs::write(&platform, text.replace(OTHERS.0, &wanted))?;
    let overlay = |home: &Path, name: &str| home.join("overlays").join(name);
    let own = checks.path(HOME);
    let mut folders: Vec<(&str, PathBuf)> =
        OVERLAYS.iter().map(|name| (*name, overlay(&own, name))).collect();
    folders.push(("others", overlay(&others, "production")));
    let mut rendered = Vec::new();
    for (name, folder) in folders {
        let ran = match name {
            "others" => "production with ingress, oidc and cdn, rendered",
            _ => &format!("{name}, rendered"),
        };
        let judge = |said: &super::checks::Said| {
            if !said.err.trim().is_empty() {
                bail!("it warns\n{}", said.err);
            }
            let documents = said.out.lines().filter(|line| line.starts_with("apiVersion:")).count();
            Ok(format!("{documents} documents, no warning"))
        };
        let told = |command: &mut std::process::Command| {
            command.arg("kustomize").arg(&folder);
        };
        if let Some(said) = checks.run(KUBECTL, ran, told, judge)? {
            let file = out.join(format!("{name}.yaml"));
            fs::write(&file, said.out)?;
            rendered.push(file);
        }
    }
    Ok(rendered)
}

/// Kinds of the operators', and the alerts as one of them.
fn operators(checks: &mut Checks, rendered: &[PathBuf]) -> Result<()> {
    const RAN: &str = "kinds of operators, and the alerts as a PrometheusRule, by their schemas, \
                       strictly (`check/crds.py`)";
    let Some(schemas) = env::var_os("CRD_SCHEMAS") else {
        let why = "CRD_SCHEMAS names no folder of schemas, which are too large to be kept here: \
                   clone datreeio/CRDs-catalog";
        checks.add(&KUBERNETES_PYTHON.name(), RAN, Outcome::Missing(why.to_owned()));
        return Ok(());
    };
    // As the README has them handed to the cluster.
    let rules = fs::read_to_string(checks.path("deploy/prometheus/alerts.yml"))?;
    let rules = rules.lines().collect::<Vec<_>>().join("\n  ");
    let alerts = checks.folder.join("alerts.yaml");
    let head = "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: \
                commerce}\nspec:\n";
    fs::write(&alerts, format!("{head}  {rules}\n"))?;
    checks.run(
        KUBERNETES_PYTHON,
        RAN,
        |command| {
            command.arg(format!("{HOME}/check/crds.py")).arg(schemas).args(rendered).arg(alerts);
        },
        |said| said.line("documents"),
    )?;
    Ok(())
}

fn security(checks: &mut Checks) -> Result<()> {
    let (out, folder) = (checks.folder.join("out"), checks.folder.clone());
    checks.run(
        CHECKOV,
        "rules of security, but those of `.checkov.yaml`",
        |command| {
            command.arg("--config-file").arg(format!("{HOME}/.checkov.yaml")).arg("-d").arg(&out);
        },
        |said| said.line("Failed checks: 0"),
    )?;
    checks.run(
        TRIVY,
        "the same by others' rules, but those of `.trivyignore`",
        |command| {
            command.args(["config", "--quiet", "--skip-policy-update", "--exit-code", "1"]);
            command.arg("--cache-dir").arg(folder.join("trivy"));
            command.arg("--ignorefile").arg(format!("{HOME}/.trivyignore")).arg(&out);
        },
        |said| silent(said).map(|_| "0 findings".to_owned()),
    )?;
    Ok(())
}
