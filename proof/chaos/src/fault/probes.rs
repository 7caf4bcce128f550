//! More probes than there are places, while a part that they look at stands still: whoever looks
//! whether the process lives must be told so.

use std::ops::RangeInclusive;

use fastrand::Rng;

use super::{Fault, Step, done};
use crate::cluster::{Cluster, Part};
use crate::pest::{Pest, get};

/// Those who ask: more than there are places for probes.
const CLIENTS: u64 = 96;
/// How long they stay, microseconds: as long as a check may take.
const PATIENCE_US: std::ops::Range<u64> = 500_000..2_500_000;

/// NATS is frozen, and everybody asks whether all is well.
pub struct Slow;

impl Fault for Slow {
    fn name(&self) -> &'static str {
        "probes are slow"
    }

    fn part(&self) -> Part {
        Part::Nats
    }

    fn lasts(&self) -> RangeInclusive<u64> {
        3_000..=6_000
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        cluster.program(self.part()).signal("STOP");
        let at = cluster.addresses();
        let services = [at.query.clone(), at.commands[0].clone()];
        let requests = services.each_ref().map(|url| get(url, "/health")).to_vec();
        for client in 0..CLIENTS {
            let (rng, requests) = (Rng::with_seed(client), requests.clone());
            cluster.pester(self.part(), Pest { rng, requests, patience_us: PATIENCE_US });
        }
        cluster.watch(self.part(), services.map(|url| format!("{url}/live")).to_vec());
        done(Ok(()))
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        cluster.leave_in_peace(self.part());
        cluster.program(self.part()).signal("CONT");
        done(Ok(()))
    }
}
