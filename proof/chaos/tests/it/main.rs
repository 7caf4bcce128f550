//! End to end: real programs on real servers.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails here

mod bouncer;
mod cdn;
mod chaos;
mod erasure;
mod limits;
mod location;
mod metrics;
mod reactor;
mod replica;
mod stack;
mod story;
mod traces;
