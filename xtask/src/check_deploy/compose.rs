//! The compose files and the Dockerfiles.

use anyhow::Result;

use super::Part;
use super::checks::{Checks, ended_well, silent};
use super::tools::{COMPOSE, HADOLINT};

pub const PART: Part = Part {
    name: "compose",
    does: "the compose files, and the Dockerfiles",
    by_name: false,
    not_checked: "No Docker was to be had: no image is built, and no container started",
    check,
};
/// What stands beside the shop, each with it.
const BESIDE: [&str; 2] = ["deploy/compose.front.yml", "deploy/compose.watch.yml"];

fn check(checks: &mut Checks) -> Result<()> {
    let [front, watch] = BESIDE;
    for beside in [&[][..], &[front], &[watch], &[front, watch]] {
        let files = [&["docker-compose.yml"], beside].concat();
        let ran = format!("`{}`", files.join("`, `"));
        checks.run(
            COMPOSE,
            &ran,
            |command| {
                command.args(files.iter().flat_map(|file| ["-f", file]));
                command.args(["config", "--quiet"]);
            },
            ended_well("valid"),
        )?;
    }
    checks.run(
        HADOLINT,
        "the Dockerfiles",
        |command| {
            command.args(["deploy/Dockerfile", "deploy/nginx/Dockerfile"]);
        },
        silent,
    )?;
    Ok(())
}
