//! The reading half: documents, lists, search, history and the live log, over HTTP.
//!
//! * [`resources`] is what clients see: one file each, and every route with who may see it;
//!   `entrance` stands before all of them;
//! * [`one`] and [`list`] answer what all of them have in common: a single document, a page, which
//!   [`listing`] makes;
//! * [`fields`] are parts of a document, by name, which [`outline`] knows by its schema;
//! * [`included`] is what is shown beside documents;
//! * [`progress`] lets a reader wait until a read model has come to a position;
//! * [`mod@queue`] keeps the wait for a connection to Postgres short;
//! * [`mod@bounded`] finishes what was begun for those who hang up;
//! * [`document`] serves what the projector stored, as it stands;
//! * [`caching`] says what caches in front may share;
//! * [`past`] folds the log to any point of its past;
//! * [`people`] finds the records of people by words about them, and reads none;
//! * [`scope`] tells whose documents somebody sees;
//! * [`search`] asks Meilisearch, and Postgres while that is away;
//! * [`reading`] reads the log for exports and followers, [`live`] shares its end with the
//!   followers;
//! * [`following`] tells of one order, each time it becomes another; [`places`] are few for that;
//! * [`frames`] writes what followers are sent, [`socket`] takes it over a WebSocket; [`pass`] ends
//!   it for who may no longer;
//! * [`mod@log`] tells which log it is;
//! * [`described`] is all of it as an OpenAPI document, [`events`] what the log holds.
//!
//! Nothing here writes.

pub mod app;
pub mod bounded;
pub mod caching;
pub mod cursor;
pub mod described;
pub mod document;
mod entrance;
pub mod events;
pub mod fields;
pub mod following;
pub mod frames;
pub mod fresh;
pub mod included;
pub mod list;
pub mod listing;
pub mod live;
pub mod log;
mod metrics;
pub mod one;
pub mod outline;
pub mod pass;
pub mod past;
pub mod people;
pub mod places;
pub mod progress;
pub mod queue;
pub mod reading;
pub mod resources;
pub mod scope;
pub mod search;
pub mod socket;

pub use self::metrics::describe_metrics;
pub use app::{App, Settings};
pub use resources::{accesses, health, router};
