//! What cargo does not see by itself: a new migration changes no Rust file, but the tests that
//! begin with an empty shop have to be compiled again.
#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
