//! A new build beside the one that is read: [`candidate`] folds it from the log, in [`parts`] that
//! are those of the live build, [`compare`] says where the two differ, and [`switching`] has
//! readers see it.
//!
//! A new one is [`rebuild`]'s, the one before [`rollback`]'s, and [`reset`] shows an empty one.

pub mod candidate;
pub mod compare;
pub mod error;
pub mod parts;
pub mod rebuild;
pub mod reset;
pub mod rollback;
pub mod switching;
