//! The log: one Postgres table of events that holds what happened, in commit order.
//!
//! * [`writer`] decides commands in batches and appends what they come to;
//! * [`read`] reads by position, type and stream; [`listen`] says when there is more;
//! * [`relay`] publishes the log to NATS JetStream, whose sequence is the position; [`jetstream`]
//!   is its stream there; [`at_hand`] is what the process has just appended itself;
//! * [`feed`] follows the log from a position, from Postgres or JetStream, whichever serves best;
//!   [`tail`] shares one feed among all who follow the log in a process;
//! * [`reached`] tells how far those who fold it have come, and [`awaited`] what readers wait for;
//!   [`waiting`] for how long what is next has been there; [`whose`] says to whom things belong;
//! * [`identity`] tells the log from every other one, its own copies included;
//! * [`forget`] lets go of what commands came to, once its term is over.
//!
//! The only crate that writes `events`, `commands`, `commands_sweep`, `snapshots`, `log_identity`
//! and `log_lineage`.
//! It knows nothing of HTTP and nothing of read models.

pub mod at_hand;
pub mod awaited;
mod cause;
pub mod feed;
pub mod forget;
pub mod identity;
pub mod jetstream;
pub mod listen;
pub mod metrics;
mod page_size;
pub mod reached;
pub mod read;
pub mod recorded;
pub mod relay;
pub mod tail;
pub mod under_way;
pub mod versions;
pub mod waiting;
pub mod whose;
pub mod writer;

pub use cause::{causes, heard};
pub use identity::Identity;
pub use recorded::{Entry, Metadata, RawEvent, Recorded, Unreadable};
pub use writer::{Answer, Outcome, Request, SubmitError, Writer};
