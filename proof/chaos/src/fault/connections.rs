//! Every connection to Postgres cut at once.

use std::ops::RangeInclusive;

use anyhow::Context as _;
use futures::FutureExt as _;

use super::{Fault, Step};
use crate::cluster::{Cluster, Part};

/// A firewall forgets all connections.
pub struct Cut;

impl Fault for Cut {
    fn name(&self) -> &'static str {
        "connections cut"
    }

    fn part(&self) -> Part {
        Part::Postgres
    }

    fn lasts(&self) -> RangeInclusive<u64> {
        0..=0
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        async move {
            sqlx::query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .execute(cluster.db())
            .await
            .map(drop)
            .context("cannot cut the connections")
        }
        .boxed()
    }
}
