//! Asking cargo: where the workspace is, what it holds, and to build its binaries.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::interrupt;

/// What to say when a build fails.
pub const BUILD_FAILED: &str = "the build failed: see cargo's messages above (where a query has no \
                                cached data, `cargo xtask sqlx` brings `.sqlx` up to date)";

/// The packages whose programs are built to be run, not tested. Each build names all of them,
/// whichever programs it is for: cargo asks others' crates for the features that the named packages
/// want together, and compiles them anew for every other set of features.
const PACKAGES_OF_PROGRAMS: [&str; 8] =
    ["command-api", "query-api", "projector", "reactor", "chaos", "bench", "gateways", "tour"];

/// The part of `cargo metadata` we read.
#[derive(Deserialize)]
pub struct Metadata {
    pub workspace_root: PathBuf,
    pub target_directory: PathBuf,
    pub packages: Vec<Package>,
}

/// A workspace member.
#[derive(Deserialize)]
pub struct Package {
    pub name: String,
    pub dependencies: Vec<Dependency>,
}

/// What a member depends on.
#[derive(Deserialize)]
pub struct Dependency {
    pub name: String,
}

/// The cargo that runs us, so that a toolchain chosen by the developer stays chosen.
///
/// Without what `cargo run` tells us about our own package: build scripts that look at it would
/// run again at every change between `cargo test` and `cargo xtask test`.
pub fn command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&variable);
        }
    }
    command
}

/// The workspace of the current folder.
pub fn metadata() -> Result<Metadata> {
    let output = command()
        .args(["metadata", "--format-version=1", "--no-deps"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo: is it on PATH?")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: run this inside the workspace");
    }
    serde_json::from_slice(&output.stdout).context("cannot read the answer of `cargo metadata`")
}

/// A line of `cargo build --message-format=json`.
#[derive(Deserialize)]
struct Message {
    executable: Option<PathBuf>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Builds `programs` to be tried, without what takes long to optimise, and returns where each lies.
pub fn build_quick(programs: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    build("quick", programs)
}

/// Builds `programs` as they are deployed, which takes longer, and returns where each lies.
pub fn build_deployed(programs: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    build("dist", programs)
}

fn build(profile: &str, programs: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    let packages = PACKAGES_OF_PROGRAMS.iter().flat_map(|package| ["--package", package]);
    let programs = programs.iter().flat_map(|program| ["--bin", program]);
    let mut build = command();
    build.args(["build", "--profile", profile]).args(packages).args(programs);
    run_build(&mut build, BUILD_FAILED)
}

/// Builds every program of the workspace as tests use them, and returns where each lies.
pub fn build_for_tests() -> Result<BTreeMap<String, PathBuf>> {
    run_build(command().args(["build", "--workspace", "--bins"]), BUILD_FAILED)
}

/// Runs a `cargo build`, showing its progress, and returns where each program lies: asked of cargo,
/// for target folders and triples can be set in many places. `failed` is what to say if it fails.
pub fn run_build(build: &mut Command, failed: &str) -> Result<BTreeMap<String, PathBuf>> {
    let output = build
        .arg("--message-format=json-render-diagnostics")
        .env("SQLX_OFFLINE", "true")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo: is it on PATH?")?;
    interrupt::check()?;
    if !output.status.success() {
        bail!("{failed}");
    }
    let mut binaries = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: Message =
            serde_json::from_str(line).context("cannot read the messages of `cargo build`")?;
        if let (Some(path), Some(target)) = (message.executable, message.target) {
            binaries.insert(target.name, path);
        }
    }
    Ok(binaries)
}
