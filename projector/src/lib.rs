//! Builds what readers see out of the log.
//!
//! * [`projections`]: what is built, one file each; [`projection`] says what each of them is, and
//!   [`documents`] is the shape most of them have, [`recent`] what they need not read again;
//! * [`checkpoint`], [`step`], [`batch`], [`known`], [`runner`], [`outage`]: how a build moves
//!   forward, exactly once, whatever fails meanwhile;
//! * [`parking`], [`retry`], [`skip`]: streams that cannot be gone on with;
//! * [`builds`], [`candidate`], [`rebuild`], [`compare`]: a new build beside the old one, and the
//!   switch;
//! * [`search`]: what becomes of the searchable catalogue in Meilisearch;
//! * [`serve`], [`run`], [`status`], [`news`], [`health`], [`metrics`], [`report`]: the
//!   process and where everything in it stands.
//!
//! The binary is a thin shell around this library. Nothing here appends to the log.

pub mod batch;
pub mod builds;
pub mod candidate;
pub mod checkpoint;
pub mod compare;
pub mod documents;
pub mod health;
pub mod known;
pub mod metrics;
pub mod news;
pub mod outage;
pub mod parking;
pub mod projection;
pub mod projections;
pub mod rebuild;
pub mod recent;
pub mod report;
pub mod retry;
pub mod run;
pub mod runner;
pub mod search;
pub mod serve;
pub mod skip;
pub mod status;
pub mod step;
