//! The shop as its users meet it: the built programs, each its own process, over HTTP.
//!
//! The tests tell single stories. The program `chaos` runs the whole stack under load, does to it
//! what machines and networks do, and checks afterwards that every promise was kept: [`load`] asks
//! and [`history`] remembers, [`fault`] breaks what [`cluster`] runs, [`round`] has the clock in
//! hand, [`check`] compares, [`report`] tells.
//!
//! Nothing here looks into the services: it knows what an outsider could know. Only the checks know
//! the `domain`, by which they read the log.

pub mod check;
pub mod cluster;
pub mod fault;
pub mod history;
pub mod load;
pub mod pest;
pub mod report;
pub mod round;
pub mod stripe;
