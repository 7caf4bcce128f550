//! The reactor against a real Postgres: a database of its own for each test. `DATABASE_URL` says
//! where.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod actions;
mod carts;
mod mails;
mod migration;
mod money;
mod places;
mod shop;
mod twice;
mod waiting;
