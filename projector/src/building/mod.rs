//! A new build beside the one that is read: [`candidate`] folds it from the log, in [`parts`] that
//! are those of the live build, [`compare`] says where the two differ, [`rebuild`] switches readers
//! to it.

pub mod candidate;
pub mod compare;
pub mod error;
pub mod parts;
pub mod rebuild;
