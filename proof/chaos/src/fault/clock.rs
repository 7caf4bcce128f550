//! The clock of one process wrong by more than a lease, and set right again.

use std::ops::RangeInclusive;

use anyhow::Result;

use super::{Fault, Step, done};
use crate::cluster::{Cluster, Part};

/// It is told another time than the others.
pub struct Shift {
    /// Which process.
    pub part: Part,
    /// By how much it is ahead; behind, if below zero.
    pub seconds: i64,
    /// What that is called.
    pub name: &'static str,
}

impl Shift {
    fn to(&self, cluster: &Cluster, seconds: i64) -> Result<()> {
        cluster.clocks().map_or(Ok(()), |clocks| clocks.shift(self.part, seconds))
    }
}

impl Fault for Shift {
    fn name(&self) -> &'static str {
        self.name
    }

    fn part(&self) -> Part {
        self.part
    }

    fn lasts(&self) -> RangeInclusive<u64> {
        3_000..=8_000
    }

    fn missing(&self, cluster: &Cluster) -> Option<String> {
        cluster.clocks().err().map(|error| format!("{error:#}"))
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        done(self.to(cluster, self.seconds))
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        done(self.to(cluster, 0))
    }
}
