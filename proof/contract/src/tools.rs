//! Others' programs that judge documents, as npm and pip have them: each pinned, fetched once, and
//! kept in the target folder. Where they cannot be had, the test fails.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use harness::required;

use crate::shop::root;

/// One fetches at a time.
static FETCHING: Mutex<()> = Mutex::new(());

/// Where the lists of what is fetched lie.
fn lists() -> PathBuf {
    root().join("proof/contract/tools")
}

/// A program of npm's.
pub fn node(program: &str) -> Command {
    let modules = node_modules();
    let mut command = Command::new(modules.join(".bin").join(program));
    // They tell their makers nothing.
    command.env("REDOCLY_TELEMETRY", "off").env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    command
}

/// Where npm's programs lie with what they use.
pub fn node_modules() -> PathBuf {
    let folder = fetched("npm", &["package.json", "package-lock.json"], |folder| {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
        npm
    });
    folder.join("node_modules")
}

/// A program of pip's.
pub fn python(program: &str) -> Command {
    let packages = packages();
    let mut command = Command::new("python3");
    command.arg(packages.join("bin").join(program)).env("PYTHONPATH", packages);
    command
}

/// A script of ours, with what pip has fetched.
pub fn script(name: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(lists().join(name)).env("PYTHONPATH", packages());
    command
}

/// Where pip's packages lie.
fn packages() -> PathBuf {
    let folder = fetched("pip", &["requirements.txt"], |folder| {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip.args(["--no-warn-script-location", "--requirement", "requirements.txt"]);
        pip.arg("--target").arg(folder.join("packages")).current_dir(folder);
        pip
    });
    folder.join("packages")
}

/// The folder that a package manager has filled by these lists; anew where they have changed.
fn fetched(name: &str, files: &[&str], fetch: impl Fn(&Path) -> Command) -> PathBuf {
    let _alone = FETCHING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = PathBuf::from(required("CONTRACT_TOOLS")).join(name);
    let is_there = |file: &&str| {
        let wanted = fs::read(lists().join(file)).unwrap();
        fs::read(folder.join(file)).is_ok_and(|found| found == wanted)
    };
    let done = folder.join("fetched");
    if done.exists() && files.iter().all(is_there) {
        return folder;
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    for file in files {
        fs::copy(lists().join(file), folder.join(file)).unwrap();
    }
    succeed(&mut fetch(&folder), &format!("{name} fetches what judges the documents"));
    fs::write(done, "").unwrap();
    folder
}

/// Runs a program to its end, which is to be a good one; what it said.
pub fn succeed(command: &mut Command, what: &str) -> String {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{what}: {command:?}: {error}"));
    let said = String::from_utf8_lossy(&stdout).into_owned();
    let warned = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{what}: {command:?}: {status}\n{said}\n{warned}");
    said
}
