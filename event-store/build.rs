//! What cargo does not see by itself: a new migration changes no Rust file, but the tests that
//! begin with an empty log have to be compiled again, here and where this crate is used.
#![allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
