//! A new migration changes no Rust file: cargo has to be told to compile `MIGRATOR` again.
#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
