//! The peers of the row `in-process`: other event-sourcing libraries for Postgres, as published,
//! with the engine's cart in them. Owns how they are built, apart from everything else.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::layout::Layout;
use crate::{cargo, progress};

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

/// Builds the program that drives them, unless it is built already: a minute or two.
pub fn build(layout: &Layout) -> Result<PathBuf> {
    progress::step("Building", "the peers (release)");
    let mut build = cargo::command();
    build
        .args(["build", "--release", "--package", "bench", "--bench", TARGET, "--target-dir"])
        .arg(layout.target.join(FOLDER))
        .env("RUSTFLAGS", FLAGS);
    let program = cargo::run_build(&mut build, BUILD_FAILED)?.remove(TARGET);
    program.context("cargo built no program of the peers")
}
