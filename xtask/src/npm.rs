//! Programs and libraries of npm that nobody here wrote: each with all that it needs, as the lock
//! in a folder of this repository pins it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::layout::{Layout, create_dir, remove_dir};
use crate::process::run_logged;
use crate::progress;

/// The provider that the tests of `identity` ask.
pub const OIDC_PROVIDER: Package = Package { name: "oidc-provider", pinned: "identity/tests/oidc" };
/// What takes and shows mails for `up`.
pub const MAILDEV: Package = Package { name: "maildev", pinned: "xtask/maildev" };
/// What to do where one cannot be fetched.
const INSTEAD: &str = "check that `npm` works and reaches its registry (Debian: `apt install npm`)";

/// A package, and where the lock is that says what to fetch.
pub struct Package {
    name: &'static str,
    pinned: &'static str,
}

impl Package {
    /// The folder with its `node_modules`, fetched unless it is there.
    pub fn find(&self, layout: &Layout) -> Result<PathBuf> {
        let name = self.name;
        let home = layout.servers.join(name);
        let files = ["package.json", "package-lock.json"];
        let pinned = |file: &str| fs::read(layout.root.join(self.pinned).join(file));
        let is_that = files.iter().all(|file| {
            let fetched = fs::read(home.join(file)).ok();
            fetched.is_some() && fetched == pinned(file).ok()
        });
        // What tells that it is there, whole.
        if is_that && home.join("node_modules").join(name).join("package.json").exists() {
            return Ok(home);
        }
        progress::step("Fetching", name);
        let draft = layout.servers.join(format!(".{name}.{}", std::process::id()));
        let log = layout.servers.join(format!("{name}.log"));
        create_dir(&draft)?;
        let fetched = files
            .iter()
            .try_for_each(|file| Ok(fs::write(draft.join(file), pinned(file)?)?))
            .and_then(|()| {
                let mut install = Command::new("npm");
                // What it fetches is what the lock's digests say, and runs nothing meanwhile.
                install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
                run_logged(install.current_dir(&draft), &format!("fetch {name}"), &log)
            })
            .and_then(|()| {
                remove_dir(&home)?;
                fs::rename(&draft, &home).with_context(|| format!("cannot move {name} in place"))
            });
        remove_dir(&draft)?;
        fetched.map(|()| home).with_context(|| format!("no {name}: {INSTEAD}"))
    }
}
