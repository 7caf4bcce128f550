//! The write API as a client meets it, over a log in a database of its own per test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod arbitrary;
mod batch;
mod carts;
mod catalogue;
mod described;
mod documents;
mod fulfilments;
mod known;
mod log_id;
mod named;
mod notes;
mod operations;
mod orders;
mod owners;
mod payments;
mod people;
mod race;
mod refused;
mod retries;
mod returns;
mod shell;
mod shop;
mod sign_ins;
mod staff;
mod subscribers;
mod united;
mod warehouse;
mod webhooks;
