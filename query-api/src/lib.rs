//! The reading half: documents, lists, search, history and the live log, over HTTP.
//!
//! * [`progress`] lets a reader wait until a read model has come to a position;
//! * [`mod@line`] keeps the wait for a connection to Postgres short;
//! * [`mod@bounded`] finishes what was begun for those who hang up;
//! * [`document`] and [`list`] serve what the projector stored, as it stands;
//! * [`as_of`] folds the log to any point of its past;
//! * [`caller`] tells who sends the token on routes that are open without it;
//! * [`search`] asks Meilisearch, and Postgres while that is away;
//! * [`reading`] reads the log for exports and followers, [`live`] shares its end with the
//!   followers;
//! * [`mod@log`] tells which log it is;
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
pub mod log;
mod metrics;
pub mod progress;
pub mod reading;
pub mod routes;
pub mod search;

pub use self::metrics::describe_metrics;
pub use app::{App, Settings};
pub use routes::{health, router};
