//! What cargo does not see by itself: a new migration changes no Rust file, but `MIGRATOR` has to
//! be compiled again; and which commit this is, for `--version`.
#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
    println!("cargo:rerun-if-env-changed=COMMIT");
    // Told, not asked of git: each commit would have all programs compiled again.
    let told = std::env::var("COMMIT").ok().filter(|commit| !commit.is_empty());
    println!("cargo:rustc-env=COMMERCE_COMMIT={}", told.unwrap_or("dev".to_owned()));
}
