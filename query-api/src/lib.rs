//! The reading half: documents, lists, search, history and the live log, over HTTP.
//!
//! * [`progress`] lets a reader wait until a read model has come to a position;
//! * [`mod@line`] keeps the wait for a connection to Postgres short;
//! * [`mod@bounded`] finishes what was begun for those who hang up;
//! * [`document`] and [`list`] serve what the projector stored, as it stands;
//! * [`as_of`] folds the log to any point of its past;
//! * [`caller`] tells who sends the token on routes that are open without it;
//! * [`search`] asks Meilisearch, and Postgres while that is away;
//! * [`live`] shares the end of the log with everybody who follows it;
//! * [`routes`] is what clients see.
//!
//! Nothing here writes.

pub mod app;
pub mod as_of;
pub mod bounded;
pub mod caller;
pub mod cursor;
pub mod document;
pub mod fresh;
pub mod line;
pub mod list;
pub mod live;
pub mod progress;
pub mod routes;
pub mod search;

pub use app::{App, Settings};
pub use routes::{health, router};
