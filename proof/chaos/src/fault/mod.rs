//! What happens to machines and networks, one file a sort. A new fault is a type, in a file of its
//! own unless it is of a sort that is there, and a line in [`ALL`].

use std::ops::RangeInclusive;

use anyhow::Result;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};

use crate::cluster::{Cluster, Part, Replication};

mod clock;
mod connections;
mod disk;
mod failover;
mod freeze;
mod gateway;
mod hang_up;
mod index;
mod kill;
mod probes;
mod rollback;
mod searches;
mod stop;
mod stream;
mod versions;
mod wipe;

/// Every fault there is.
pub const ALL: &[&dyn Fault] = &[
    &kill::Kill { part: Part::Command1, name: "command-api 1 killed" },
    &kill::Kill { part: Part::Command2, name: "command-api 2 killed" },
    &kill::Kill { part: Part::Projector1, name: "projector 1 killed" },
    &kill::Kill { part: Part::Projector2, name: "projector 2 killed" },
    &kill::Kill { part: Part::Query, name: "query-api killed" },
    &kill::Kill { part: Part::Postgres, name: "Postgres killed" },
    &kill::Kill { part: Part::Nats, name: "NATS killed" },
    &kill::Kill { part: Part::Meilisearch, name: "Meilisearch killed" },
    &failover::Failover { replication: Replication::Synchronous, name: "Postgres failed over" },
    &failover::Failover {
        replication: Replication::Asynchronous,
        name: "Postgres failed over, its end lost",
    },
    &stop::Stop { part: Part::Command2, name: "command-api 2 stopped in order" },
    &stop::Stop { part: Part::Projector2, name: "projector 2 stopped in order" },
    &rollback::Rollback {
        projection: "orders",
        part: Part::Projector1,
        name: "orders rebuilt and taken back",
    },
    &rollback::Rollback {
        projection: "search",
        part: Part::Projector2,
        name: "search rebuilt and taken back",
    },
    &wipe::Wipe,
    &stream::Delete,
    &index::Delete,
    &freeze::Freeze { part: Part::Command1, name: "command-api frozen" },
    &freeze::Freeze { part: Part::Projector1, name: "projector frozen" },
    &freeze::Freeze { part: Part::Stripe, name: "Stripe frozen" },
    &gateway::Answers {
        kind: "lose_answer",
        on: "POST /v1/payment_intents",
        name: "Stripe's answers lost",
    },
    &gateway::Answers { kind: "decline", on: "POST /v1/refunds", name: "refunds declined" },
    &gateway::Webhooks,
    &gateway::Dashboard,
    &gateway::Disputes,
    &connections::Cut,
    &hang_up::HangUp,
    &searches::HangUp,
    &probes::Slow,
    &disk::Full { left: 0, name: "disk full" },
    &disk::Full { left: disk::LESS_THAN_A_PIECE, name: "disk full for the journal" },
    &clock::Shift { part: Part::Command1, seconds: 90, name: "command-api's clock ahead" },
    &clock::Shift { part: Part::Command1, seconds: -90, name: "command-api's clock behind" },
    &clock::Shift { part: Part::Projector1, seconds: 90, name: "projector's clock ahead" },
    &clock::Shift { part: Part::Projector1, seconds: -90, name: "projector's clock behind" },
    &versions::Older { part: Part::Command2, name: "older command-api" },
    &versions::Older { part: Part::Projector1, name: "older projector" },
    &versions::Older { part: Part::Query, name: "older query-api" },
];

/// Something that goes wrong, and can be made right.
pub trait Fault: Sync {
    /// What people call it.
    fn name(&self) -> &'static str;

    /// The process it happens to: two faults of one process do not overlap.
    fn part(&self) -> Part;

    /// How long it lasts, milliseconds.
    fn lasts(&self) -> RangeInclusive<u64> {
        500..=4_000
    }

    /// Why it cannot happen on this machine, if so.
    fn missing(&self, _cluster: &Cluster) -> Option<String> {
        None
    }

    /// Makes it happen.
    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a>;

    /// Takes away its cause. What it has left behind is for the engine to mend.
    fn heal<'a>(&'a self, _cluster: &'a mut Cluster) -> Step<'a> {
        done(Ok(()))
    }
}

/// Something on its way, or done.
pub type Step<'a> = BoxFuture<'a, Result<()>>;

/// A step that took no time.
fn done<'a>(result: Result<()>) -> Step<'a> {
    ready(result).boxed()
}
