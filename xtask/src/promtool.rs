//! `promtool`, which judges our metrics and alerts: the machine's own, or that of Debian's package
//! `prometheus`, unpacked beside the servers without being installed.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::layout::{Layout, create_dir, remove_dir};
use crate::process::run_logged;
use crate::progress;

/// Where the package has it.
const PROGRAM: &str = "usr/bin/promtool";
/// What to do where it cannot be fetched.
const INSTEAD: &str = "put promtool on PATH (Debian: `apt update && apt install prometheus`)";

/// The program, fetched unless it is there.
pub fn find(layout: &Layout) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    if let Some(program) =
        env::split_paths(&path).map(|folder| folder.join("promtool")).find(|file| file.exists())
    {
        return Ok(program);
    }
    let home = layout.servers.join("promtool");
    let program = home.join(PROGRAM);
    if !program.exists() {
        fetch(layout, &home).with_context(|| format!("no promtool: {INSTEAD}"))?;
    }
    Ok(program)
}

/// The signature is apt's affair.
fn fetch(layout: &Layout, home: &PathBuf) -> Result<()> {
    progress::step("Fetching", "promtool, out of Debian's package prometheus");
    let draft = layout.servers.join(format!(".promtool.{}", std::process::id()));
    let log = layout.servers.join("promtool.log");
    create_dir(&draft)?;
    let mut download = Command::new("apt-get");
    download.args(["download", "prometheus"]).current_dir(&draft);
    let fetched = run_logged(&mut download, "download prometheus", &log).and_then(|()| {
        let file = fs::read_dir(&draft)?.next().context("the download left no file")??;
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("--extract").arg(file.path()).arg(draft.join("unpacked"));
        run_logged(&mut unpack, "unpack prometheus", &log)?;
        remove_dir(home)?;
        fs::rename(draft.join("unpacked"), home).context("cannot move promtool in place")
    });
    remove_dir(&draft)?;
    fetched
}
