//! The documents of the APIs, judged from outside: by linters, by a program that asks whatever a
//! document allows, by clients made of them.
//!
//! * [`shop`]: the built programs with a demo shop in them; [`tools`]: others' programs that judge.
//!
//! All of it serves tests; it knows the engine by its programs and its documents alone.

#![allow(clippy::missing_panics_doc, reason = "it serves tests, which fail by panics")]
#![allow(clippy::unwrap_used, reason = "the same")]

pub mod shop;
pub mod tools;
