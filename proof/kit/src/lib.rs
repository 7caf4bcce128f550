//! A shop that sells a tote, for tests: what is asked of it, by command and over HTTP, what has
//! happened in it, and the shop itself, in memory. And callers of whatever there is, who hang up.
//!
//! Pure, as the domain is, so that the domain's own tests can use it; what needs a database stands
//! elsewhere. They are integration tests: to a unit test inside `domain`, the types here would be
//! those of another build of it.

#![allow(missing_docs, reason = "what they make is said by their names")]
#![allow(clippy::missing_panics_doc, reason = "a test ends where something is not as it should be")]

mod commands;
mod facts;
pub mod http;
mod ids;
mod polls;
mod shop;
mod stories;
mod words;

pub use commands::*;
pub use facts::*;
pub use ids::*;
pub use polls::*;
pub use shop::*;
pub use stories::*;
pub use words::*;
