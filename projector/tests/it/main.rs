//! The projector against real servers: a database of its own for each test, streams and indexes
//! with names of their own. `DATABASE_URL`, `NATS_URL`, `MEILI_URL` and `MEILI_MASTER_KEY` say
//! where.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod admin;
mod admin_jobs;
mod bus;
mod command_line;
mod leases;
mod memory;
mod outages;
mod parking;
mod process;
mod rebuild;
mod reset;
mod rollback;
mod rows;
mod search;
mod sending;
mod sharing;
mod shop;
mod upgrades;
