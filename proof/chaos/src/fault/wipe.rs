//! NATS killed, and everything it had stored lost with it.

use harness::Store;

use super::{Fault, Step, done};
use crate::cluster::{Cluster, Part};

/// NATS comes back with an empty disk.
pub struct Wipe;

impl Fault for Wipe {
    fn name(&self) -> &'static str {
        "NATS wiped"
    }

    fn part(&self) -> Part {
        Part::Nats
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        cluster.program(Part::Nats).kill();
        done(cluster.store(Part::Nats).and_then(Store::wipe))
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        done(cluster.program(Part::Nats).spawn())
    }
}
