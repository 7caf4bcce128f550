//! The peers of the row `in-process`: other event-sourcing libraries for Postgres, as published,
//! with the engine's cart in them. Owns how they are built, apart from everything else.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::ground::{Ground, number, output};
use crate::layout::Layout;
use crate::{cargo, progress};

/// Under which names the program knows them.
pub const NAMES: [&str; 2] = ["cqrs-es", "esrs"];

/// The bench target of the crate `bench` that holds them.
const TARGET: &str = "peers";
/// What makes their crates dependencies at all, and where what is built with it is kept: with
/// other flags, cargo builds everything anew.
const FLAGS: &str = "--cfg peers";
const FOLDER: &str = "peers";

/// What to say when that fails.
const BUILD_FAILED: &str = "the peers were not built: see cargo's messages above (they need \
                            OpenSSL's headers and pkg-config; Debian's packages libssl-dev and \
                            pkg-config have them)";

/// The program that drives them.
pub struct Peers {
    program: PathBuf,
}

impl Peers {
    /// Builds it, unless it is built already: a minute or two.
    pub fn build(layout: &Layout) -> Result<Self> {
        progress::step("Building", "the peers (release)");
        let mut build = cargo::command();
        build
            .args(["build", "--release", "--package", "bench", "--bench", TARGET, "--target-dir"])
            .arg(layout.target.join(FOLDER))
            .env("RUSTFLAGS", FLAGS);
        let program = cargo::run_build(&mut build, BUILD_FAILED)?.remove(TARGET);
        Ok(Self { program: program.context("cargo built no program of the peers")? })
    }

    /// Has one of them fill carts with so many tasks for so many seconds, after a warm-up. Returns
    /// commands per second.
    pub fn per_second(
        &self,
        ground: &Ground<'_>,
        name: &str,
        tasks: u32,
        seconds: u64,
    ) -> Result<f64> {
        let mut command = Command::new(&self.program);
        ground.tell(&mut command);
        command.arg(name).args(["--tasks", &tasks.to_string()]);
        command.args(["--seconds", &seconds.to_string()]);
        let figures = output(&mut command, name)?;
        let figures: Value = serde_json::from_slice(&figures.stdout)
            .context("a peer printed something else than its figures")?;
        number(&figures, "per_second")
    }
}
