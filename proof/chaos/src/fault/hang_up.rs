//! Clients that hang up at any moment of an answer's way, on every service: what was begun for them
//! must leave nothing behind that others meet.

use std::ops::RangeInclusive;

use fastrand::Rng;
use futures::FutureExt as _;

use super::{Fault, Step, done};
use crate::cluster::{Cluster, Part};
use crate::pest::{Pest, get};

/// Those who hang up.
const CLIENTS: u64 = 8;
/// How long they stay, microseconds: from the first byte of an answer's making to its end.
const PATIENCE_US: std::ops::Range<u64> = 0..20_000;
/// No document has this id: looking for it takes every step of a read but the last.
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// They read what was just written, and do not stay for the answer.
pub struct HangUp;

impl Fault for HangUp {
    fn name(&self) -> &'static str {
        "clients hang up"
    }

    fn part(&self) -> Part {
        Part::Query
    }

    fn lasts(&self) -> RangeInclusive<u64> {
        3_000..=8_000
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        async move {
            // Where the log cannot be asked, its beginning is old enough.
            let head = cluster.head().await.unwrap_or(0);
            for client in 0..CLIENTS {
                let requests = requests(cluster, head);
                let rng = Rng::with_seed(client);
                cluster.pester(self.part(), Pest { rng, requests, patience_us: PATIENCE_US });
            }
            Ok(())
        }
        .boxed()
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        cluster.leave_in_peace(self.part());
        done(Ok(()))
    }
}

fn requests(cluster: &Cluster, head: i64) -> Vec<(String, String)> {
    let at = cluster.addresses();
    let reads = ["carts", "orders", "payments", "products"]
        .map(|kind| format!("/v1/{kind}/{NOBODY}?min_position={head}"));
    let others = [
        format!("/v1/orders?limit=50&min_position={head}"),
        format!("/v1/stock?limit=50&min_position={}", head + 1),
        format!("/v1/search?q=a&min_position={head}"),
        format!("/v1/orders/{NOBODY}?as_of={head}"),
        "/v1/events?after=0&limit=2000".to_owned(),
        "/v1/projections".to_owned(),
        "/ready".to_owned(),
    ];
    let of_query = reads.iter().chain(&others).map(|path| get(&at.query, path));
    let watched = at.projectors.iter().chain(&at.commands);
    let of_others = watched.flat_map(|url| ["/health", "/ready"].map(|path| get(url, path)));
    of_query.chain(of_others).collect()
}
