//! The event store against real servers: a fresh database and a fresh stream for every test.

mod feed;
mod log;
mod relay;
mod support;
mod writer;
