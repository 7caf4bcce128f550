//! What a projection is: a name, the streams it reads and what makes rows of their events.
//!
//! Checkpoints, leases and parking are not its affair; nor may it read anything but its own rows.

use domain::Seen;
use domain::{Category, StreamId};
use event_store::Recorded;
use futures::future::BoxFuture;
use sqlx::PgConnection;

use crate::step::Fenced;
use crate::step::Step;

/// The grain of a projection that cannot be split: as many as there are slots.
pub const ALL_SLOTS: i16 = 256;

/// Why events could not be folded into rows.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// The database said no.
    #[error("the rows could not be read or written")]
    Database(#[from] sqlx::Error),
    /// A document has no JSON.
    #[error("a document could not be written as JSON")]
    Document(#[from] serde_json::Error),
}

impl FoldError {
    /// What will pass (Postgres away, restarting, overloaded, not migrated), and no stream is to be
    /// blamed for; or, as an error, what the events themselves are at fault for: trying again will
    /// not help, going on without their streams will.
    pub fn passing(self) -> Result<sqlx::Error, Self> {
        match self {
            Self::Database(error) if !blames_events(&error) => Ok(error),
            error => Err(error),
        }
    }
}

fn blames_events(error: &sqlx::Error) -> bool {
    match error {
        // A row that is there but cannot be read.
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            // Data exceptions, broken constraints, program limits such as index row sizes.
            ["22", "23", "54"].iter().any(|class| code.starts_with(class))
        }
        _ => false,
    }
}

/// Folds events into the rows of a build. It may remember what it wrote, for as long as nobody else
/// can have written the same rows: there is a new one with each lease, and after each transaction
/// that came to nothing.
pub trait Folder: Send + Sync {
    /// Folds events that follow those it was given before: with a step, as a transaction of its own
    /// that makes it; without, in the transaction of the connection. The connection must be dropped
    /// if this fails in any way: it may be inside a transaction.
    fn fold<'a>(
        &'a mut self,
        db: &'a mut PgConnection,
        build: i16,
        events: &'a [Recorded],
        step: Option<Step>,
    ) -> BoxFuture<'a, Result<Result<(), Fenced>, FoldError>>;
}

/// A projection.
#[derive(Debug)]
pub struct Projection {
    /// Its name, in the database and on the command line: never rename it.
    pub name: &'static str,
    /// Raised with every change to what it writes; a newer one is rebuilt before it runs.
    pub version: i32,
    /// The kinds of stream it reads.
    pub categories: &'static [Category],
    /// Its tables, each with `build`, `id` and `document`; the first is the one readers see.
    pub tables: &'static [&'static str],
    /// Slots that one worker must have together, from a multiple of them on: a checkpoint may not
    /// be split smaller. All of them where a document takes in events of several slots.
    pub grain: i16,
    /// The other stream without which an event makes no sense: while that one is parked, the
    /// event's own stream waits too.
    pub waits_for: fn(&Recorded) -> Option<StreamId>,
    /// A new one of what makes rows of events. It must do with any subset of streams, each in
    /// order.
    pub folder: fn() -> Box<dyn Folder>,
}

impl Projection {
    /// Whether a range of slots is not a part of what must be together.
    pub fn may_have(&self, slot_from: i16, slot_to: i16) -> bool {
        slot_from % self.grain == 0 && (slot_to + 1) % self.grain == 0
    }

    /// The kinds of stream it reads, by name.
    pub fn category_names(&self) -> Vec<String> {
        self.categories.iter().map(|category| category.name().to_owned()).collect()
    }

    /// Whether it reads a stream, by its name alone: what stands in it may be unreadable.
    pub fn reads(&self, stream: &str) -> bool {
        let category = stream.split_once('-').map_or(stream, |(category, _)| category);
        self.categories.iter().any(|wanted| wanted.name() == category)
    }
}

/// For projections whose streams do not wait for each other.
pub fn waits_for_nothing(_: &Recorded) -> Option<StreamId> {
    None
}

/// The event as the folds of the domain see it.
pub fn seen(recorded: &Recorded) -> Seen<'_> {
    Seen {
        stream: &recorded.stream,
        version: recorded.version,
        position: recorded.position,
        occurred_at: recorded.occurred_at,
        event: &recorded.event,
    }
}
