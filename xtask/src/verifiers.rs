//! The official libraries by which receivers verify our webhooks, for the test that has them do so:
//! fetched by pip and npm, each pinned with its hash in the lists beside that test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use crate::layout::{Layout, create_dir, remove_dir};
use crate::process::run_logged;
use crate::progress;

/// Where the lists are.
const LISTS: &str = "webhook/tests/verifiers";
const PYTHON_LIST: &str = "requirements.txt";
const NODE_LISTS: [&str; 2] = ["package.json", "package-lock.json"];
/// Characters of the lists' hash in the folder's name: enough to tell editions apart.
const HASH_LEN: usize = 12;

/// The folder with them, `python` and `node_modules`, fetched unless it is there.
pub fn find(layout: &Layout) -> Result<PathBuf> {
    let lists = layout.root.join(LISTS);
    let mut hasher = Sha256::new();
    for list in NODE_LISTS.into_iter().chain([PYTHON_LIST]) {
        let file = lists.join(list);
        hasher.update(fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?);
    }
    let hash = format!("{:x}", hasher.finalize());
    let home = layout.servers.join(format!("verifiers-{}", &hash[..HASH_LEN]));
    if !home.exists() {
        progress::step("Fetching", "what verifies webhooks, by pip and npm");
        let draft = layout.servers.join(format!(".verifiers.{}", std::process::id()));
        let fetched = fetch(layout, &lists, &draft).and_then(|()| {
            // A rename, so that it is there whole or not at all.
            fs::rename(&draft, &home).context("cannot move what verifies webhooks in place")
        });
        remove_dir(&draft)?;
        fetched?;
    }
    Ok(home)
}

fn fetch(layout: &Layout, lists: &Path, draft: &Path) -> Result<()> {
    create_dir(draft)?;
    let log = layout.servers.join("verifiers.log");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--no-deps", "--only-binary=:all:", "--require-hashes"]);
    pip.arg("--target").arg(draft.join("python")).arg("-r").arg(lists.join(PYTHON_LIST));
    run_logged(&mut pip, "fetch what verifies webhooks by pip", &log)?;
    for list in NODE_LISTS {
        fs::copy(lists.join(list), draft.join(list)).context("cannot copy a list of packages")?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(draft);
    run_logged(&mut npm, "fetch what verifies webhooks by npm", &log)
}
