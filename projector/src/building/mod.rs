//! A new build beside the one that is read: [`candidate`] folds it from the log, [`compare`] says
//! where the two differ, [`rebuild`] switches readers to it.

pub mod candidate;
pub mod compare;
pub mod error;
pub mod rebuild;
