//! The `OpenID` provider that the tests of `identity` ask, which nobody here wrote: an npm
//! package with what it needs, as `identity/tests/oidc/package-lock.json` pins it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::layout::{Layout, create_dir, remove_dir};
use crate::process::run_logged;
use crate::progress;

/// Where the lock is, which says what to fetch.
const PINNED: &str = "identity/tests/oidc";
/// What tells that it is there, whole.
const LIBRARY: &str = "node_modules/oidc-provider/package.json";
/// What to do where it cannot be fetched.
const INSTEAD: &str = "check that `npm` works and reaches its registry (Debian: `apt install npm`)";

/// The folder with its `node_modules`, fetched unless it is there.
pub fn find(layout: &Layout) -> Result<PathBuf> {
    let home = layout.servers.join("oidc-provider");
    let names = ["package.json", "package-lock.json"];
    let pinned = |name: &str| fs::read(layout.root.join(PINNED).join(name));
    let is_that = names.iter().all(|name| {
        let fetched = fs::read(home.join(name)).ok();
        fetched.is_some() && fetched == pinned(name).ok()
    });
    if is_that && home.join(LIBRARY).exists() {
        return Ok(home);
    }
    progress::step("Fetching", "oidc-provider");
    let draft = layout.servers.join(format!(".oidc-provider.{}", std::process::id()));
    let log = layout.servers.join("oidc-provider.log");
    create_dir(&draft)?;
    let fetched = names
        .iter()
        .try_for_each(|name| Ok(fs::write(draft.join(name), pinned(name)?)?))
        .and_then(|()| {
            let mut install = Command::new("npm");
            // What it fetches is what the lock's digests say, and runs nothing meanwhile.
            install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
            run_logged(install.current_dir(&draft), "fetch oidc-provider", &log)
        })
        .and_then(|()| {
            remove_dir(&home)?;
            fs::rename(&draft, &home).context("cannot move oidc-provider in place")
        });
    remove_dir(&draft)?;
    fetched.map(|()| home).with_context(|| format!("no oidc-provider: {INSTEAD}"))
}
