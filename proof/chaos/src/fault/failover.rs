//! A failover: a standby is promoted in the place of a primary that died, with all that it has been
//! acknowledged, or without its last moments.

use std::ops::RangeInclusive;

use anyhow::Result;
use futures::FutureExt as _;

use super::{Fault, Step};
use crate::cluster::{Cluster, Part, Replication};

/// The primary is gone, and the standby is the primary.
pub struct Failover {
    /// Whether the standby has all.
    pub replication: Replication,
    /// What that is called.
    pub name: &'static str,
}

impl Failover {
    async fn begin(&self, cluster: &mut Cluster) -> Result<()> {
        let standby = cluster.stand_by(self.replication).await?;
        if self.replication == Replication::Asynchronous {
            standby.cut_off().await?;
            cluster.note_cut();
        }
        cluster.awaits_failover(standby);
        Ok(())
    }
}

impl Fault for Failover {
    fn name(&self) -> &'static str {
        self.name
    }

    fn part(&self) -> Part {
        Part::Postgres
    }

    /// What an asynchronous one loses.
    fn lasts(&self) -> RangeInclusive<u64> {
        200..=1_500
    }

    fn missing(&self, cluster: &Cluster) -> Option<String> {
        cluster.lacks_standby()
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        self.begin(cluster).boxed()
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        cluster.fail_over().boxed()
    }
}
