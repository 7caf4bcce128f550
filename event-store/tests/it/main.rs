//! The event store against real servers: a fresh database and a fresh stream for every test.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails here

mod at_hand;
mod causes;
mod company;
mod feed;
mod forget;
mod identity;
mod log;
mod measured;
mod message;
mod proxy;
mod refusals;
mod relay;
mod roles;
mod snapshots;
mod support;
mod tail;
mod timeline;
mod turns;
mod unmoved;
mod writer;
