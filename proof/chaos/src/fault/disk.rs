//! The disk of the log full. Postgres refuses what needs room in a table; when its journal finds
//! none it gives up, and once there is room again a supervisor starts it.

use std::ops::RangeInclusive;

use super::{Fault, Step, done};
use crate::cluster::disk::Disk;
use crate::cluster::{Cluster, Part};

/// What is too little for another piece of the journal, of a megabyte, and enough for the tables
/// until the journal needs one.
pub const LESS_THAN_A_PIECE: u64 = 700 << 10;

/// No more than a little fits.
pub struct Full {
    /// How much that is, bytes.
    pub left: u64,
    /// What that is called.
    pub name: &'static str,
}

impl Fault for Full {
    fn name(&self) -> &'static str {
        self.name
    }

    fn part(&self) -> Part {
        Part::Postgres
    }

    fn lasts(&self) -> RangeInclusive<u64> {
        2_000..=6_000
    }

    fn missing(&self, cluster: &Cluster) -> Option<String> {
        cluster.disk().err().map(|error| format!("{error:#}"))
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        done(cluster.disk().map_or(Ok(()), |disk| disk.fill(self.left)))
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        done(cluster.disk().map_or(Ok(()), Disk::empty))
    }
}
