//! How a build moves forward, exactly once, whatever fails meanwhile.
//!
//! * [`worker`] holds the lease of a range of slots and follows the log; [`fold`] takes one batch
//!   of events into the rows; [`memory`] is what is remembered between two of them; [`outage`] is
//!   how a failure is told and waited out; [`announce`] tells readers how far it has come,
//!   [`rest`] hears how far they need it to, and [`spans`] is what traces show of a batch;
//! * [`parking`] sets streams aside that cannot be gone on with, [`retry`] takes them up again,
//!   [`skip`] leaves an event out for good, as [`skipped`] then has it.

pub mod announce;
pub mod fold;
pub mod memory;
pub mod outage;
pub mod parking;
pub mod rest;
pub mod retry;
pub mod skip;
pub mod skipped;
pub mod spans;
pub mod worker;
