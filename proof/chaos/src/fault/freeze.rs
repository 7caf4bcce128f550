//! A process frozen (SIGSTOP) until others have its lease, and thawed in the middle of what it did.

use std::ops::RangeInclusive;

use super::{Fault, Step, done};
use crate::cluster::{Cluster, Part};

/// The lease of a projector, and the time after which Postgres cuts off who stalls with the head.
const LEASE_MS: u64 = 5_000;

/// It stands still, as a paused machine does, and then believes that no time has passed.
pub struct Freeze {
    /// Which process.
    pub part: Part,
    /// What that is called.
    pub name: &'static str,
}

impl Fault for Freeze {
    fn name(&self) -> &'static str {
        self.name
    }

    fn part(&self) -> Part {
        self.part
    }

    fn lasts(&self) -> RangeInclusive<u64> {
        LEASE_MS + 1_000..=LEASE_MS + 3_000
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        cluster.program(self.part).signal("STOP");
        done(Ok(()))
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        cluster.program(self.part).signal("CONT");
        done(Ok(()))
    }
}
