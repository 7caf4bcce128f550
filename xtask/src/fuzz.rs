//! `cargo xtask fuzz`: the fuzz targets of `proof/fuzz/`, each for a while, from the committed
//! seeds and what earlier runs added to them. What is found new stays in the build folder.
//!
//! Wants nightly Rust, for the coverage that guides libFuzzer, and cargo-fuzz, which drives it.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::layout::{Layout, create_dir};
use crate::process::run_in_terminal;
use crate::progress;

/// How long one input may take, in seconds: a hundred thousand times what most take. More is a
/// blow-up that somebody could send.
const INPUT_SECONDS_MAX: u32 = 10;
/// How much memory a target may come to hold, in MiB.
const MEMORY_MIB_MAX: u32 = 1024;
/// The longest input, in bytes. Bounds that lie beyond have tests of their own.
const INPUT_BYTES_MAX: u32 = 16 * 1024;

/// Where the targets are a workspace of their own, below that of the engine.
const FOLDER: &str = "proof/fuzz";

/// Options of `fuzz`.
#[derive(clap::Args)]
pub struct Args {
    /// Which target, by the name of its file in `proof/fuzz/fuzz_targets`; all of them without it
    target: Option<String>,
    /// Seconds that each target runs, besides the build
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
}

/// Builds the targets and runs one after the other. A target that finds something leaves the input
/// in `proof/fuzz/artifacts`; the others run all the same.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    require(
        "rustup",
        &["run", "nightly", "rustc", "--version"],
        "rustup toolchain install nightly",
    )?;
    require("cargo-fuzz", &["--version"], "cargo install --locked cargo-fuzz")?;
    let folder = layout.root.join(FOLDER);
    let mut targets = targets(&folder)?;
    if let Some(wanted) = &args.target {
        ensure!(
            targets.contains(wanted),
            "there is no target {wanted}; there are {}",
            targets.join(", ")
        );
        targets.retain(|target| target == wanted);
    }
    progress::step("Building", "the fuzz targets (nightly, release)");
    let only = args.target.as_deref();
    if !run_in_terminal(cargo_fuzz(layout, "build").args(only))?.success() {
        bail!("the fuzz targets could not be built");
    }
    let mut failed = Vec::new();
    for target in &targets {
        progress::step("Fuzzing", &format!("{target} for {} s", args.seconds));
        let found = layout.target.join("fuzz-corpus").join(target);
        create_dir(&found)?;
        let mut fuzz = cargo_fuzz(layout, "run");
        // New inputs go to the first folder.
        fuzz.arg(target).arg(&found).arg(folder.join("corpus").join(target)).arg("--");
        fuzz.arg(format!("-max_total_time={}", args.seconds));
        fuzz.arg(format!("-timeout={INPUT_SECONDS_MAX}"));
        fuzz.arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}"));
        fuzz.arg(format!("-max_len={INPUT_BYTES_MAX}"));
        fuzz.args(["-print_final_stats=1", "-verbosity=1"]);
        if !run_in_terminal(&mut fuzz)?.success() {
            failed.push(target.as_str());
        }
    }
    ensure!(
        failed.is_empty(),
        "{} found something; the inputs are in proof/fuzz/artifacts",
        failed.join(" and ")
    );
    progress::result(&format!("{} targets ran and found nothing", targets.len()));
    Ok(ExitCode::SUCCESS)
}

/// Says how to get a program that is not there.
fn require(program: &str, arguments: &[&str], remedy: &str) -> Result<()> {
    let tried =
        Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let what = [&[program], arguments].concat().join(" ");
    ensure!(
        tried.is_ok_and(|status| status.success()),
        "`{what}` does not work here: try `{remedy}`"
    );
    Ok(())
}

/// By way of rustup, for our own cargo is that of another toolchain. Without a sanitizer: all of
/// the engine is safe Rust, and so are the builds a third as long.
fn cargo_fuzz(layout: &Layout, command: &str) -> Command {
    let mut cargo = Command::new("rustup");
    cargo.args(["run", "nightly", "cargo", "fuzz", command, "--fuzz-dir", FOLDER]);
    cargo.args(["--sanitizer", "none"]);
    cargo.current_dir(&layout.root).env("SQLX_OFFLINE", "true");
    cargo
}

fn targets(folder: &Path) -> Result<Vec<String>> {
    let folder = folder.join("fuzz_targets");
    let files =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let stem = |file: fs::DirEntry| Some(file.path().file_stem()?.to_str()?.to_owned());
    let mut targets: Vec<String> = files.flatten().filter_map(stem).collect();
    targets.sort();
    Ok(targets)
}
