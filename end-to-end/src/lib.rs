//! The shop as its users meet it: the built programs, each its own process, over HTTP.
//!
//! There is nothing here but tests. They start the programs that `cargo xtask test` has built, on
//! free ports, on a database, a JetStream stream and a search index of their own.
