//! What `cargo xtask test` tells tests, and the programs that it has built beside them. A test that
//! is told nothing fails.

#![allow(clippy::missing_panics_doc, reason = "a test ends where something is not as it should be")]

use std::path::PathBuf;

/// A part of the environment that tests cannot do without.
pub fn required(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name}: cargo xtask test sets it"))
}

/// The program that cargo built beside this test.
pub fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    let folder = test.parent().and_then(|deps| deps.parent()).expect("it lies in `deps`");
    let built = folder.join(name);
    assert!(built.exists(), "{} is not built: run cargo xtask test", built.display());
    built
}
