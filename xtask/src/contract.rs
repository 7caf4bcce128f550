//! `cargo xtask contract`: the tests of `proof/contract` that ask the running APIs whatever their
//! documents allow, with as much time as they are given.

use std::process::ExitCode;

use anyhow::Result;

use crate::layout::Layout;
use crate::test;

/// Options of `contract`.
#[derive(clap::Args)]
pub struct Args {
    /// How long each API is asked, by each who asks
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=600))]
    minutes: u32,
}

/// Runs them.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    let rest = ["-p", "contract", "--", "asked", "--nocapture", "--test-threads", "1"];
    let rest: Vec<String> = rest.map(str::to_owned).into();
    let seconds = (args.minutes * 60).to_string();
    test::run_with(layout, &rest, &[("CONTRACT_SECONDS", seconds)])
}
