//! What cargo does not see by itself: a new migration changes no Rust file, but `MIGRATOR` has to be
//! compiled again; and which commit this is, for `--version`.
#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
    println!("cargo:rerun-if-env-changed=COMMIT");
    let told = std::env::var("COMMIT").ok().filter(|commit| !commit.is_empty());
    println!(
        "cargo:rustc-env=COMMERCE_COMMIT={}",
        told.or_else(of_git).unwrap_or("dev".to_owned())
    );
}

/// Of release builds only: others would be made again after each commit.
fn of_git() -> Option<String> {
    if std::env::var("PROFILE").as_deref() != Ok("release") {
        return None;
    }
    let head = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    println!("cargo:rerun-if-changed={head}");
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned()).filter(|text| !text.is_empty())
}
