//! Webhooks from the log to a receiver that listens, over a database of its own per test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod attempts;
mod following;
mod house;
mod private;
mod receiver;
mod roles;
mod routes;
mod signatures;
mod under_way;
