//! Searches that cost much and are not waited for, while Meilisearch stands still: those who read
//! something else must not notice.

use std::ops::RangeInclusive;

use fastrand::Rng;

use super::{Fault, Step, done};
use crate::cluster::{Cluster, Part};
use crate::pest::{Pest, get};

/// Those who search: as many as query-api has connections.
const CLIENTS: u64 = 16;
/// How long they stay, microseconds.
const PATIENCE_US: std::ops::Range<u64> = 1_000..50_000;

/// Meilisearch is frozen, and searches are begun and dropped.
pub struct HangUp;

impl Fault for HangUp {
    fn name(&self) -> &'static str {
        "searches hang up"
    }

    fn part(&self) -> Part {
        Part::Meilisearch
    }

    fn lasts(&self) -> RangeInclusive<u64> {
        3_000..=6_000
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        cluster.program(self.part()).signal("STOP");
        let query = cluster.addresses().query.clone();
        for client in 0..CLIENTS {
            let requests = vec![
                get(&query, "/v1/search?q=-zzzz&sort=price&currency=EUR"),
                get(&query, "/v1/search?q=a&limit=100&page=10"),
            ];
            let rng = Rng::with_seed(client);
            cluster.pester(self.part(), Pest { rng, requests, patience_us: PATIENCE_US });
        }
        done(Ok(()))
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        cluster.leave_in_peace(self.part());
        cluster.program(self.part()).signal("CONT");
        done(Ok(()))
    }
}
