//! Builds what readers see out of the log.
//!
//! * [`projections`]: what is built, one file each; [`projection`] says what each of them is, and
//!   [`documents`] is the shape most of them have, [`recent`] what they need not read again;
//! * [`builds`], [`kept`], [`checkpoint`], [`step`]: which builds there are, who may move one
//!   forward, and how far it has come;
//! * [`working`]: how a build moves forward, exactly once, whatever fails meanwhile;
//! * [`sharing`]: how those who run a projection share it;
//! * [`building`]: a new build beside the old one, the switch, and the way back;
//! * [`care`], [`operations`]: what people do to all of it by hand, and a record of that with what
//!   came of it ([`outcome`]); [`by_hand`] and [`said`] are the command line, [`admin`] the routes;
//! * [`search`]: what becomes of the searchable catalogue in Meilisearch;
//! * [`serve`], [`run`], [`status`], [`health`], [`metrics`], [`printout`]: the process and where
//!   everything in it stands.
//!
//! The binary is a thin shell around this library. Nothing here appends to the log.

pub mod admin;
pub mod building;
pub mod builds;
pub mod by_hand;
pub mod care;
pub mod checkpoint;
pub mod documents;
pub mod health;
pub mod kept;
pub mod metrics;
pub mod operations;
pub mod outcome;
pub mod printout;
pub mod projection;
pub mod projections;
pub mod recent;
pub mod run;
pub mod said;
pub mod search;
pub mod serve;
pub mod sharing;
pub mod status;
pub mod step;
pub mod working;
