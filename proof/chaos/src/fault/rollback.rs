//! A projection rebuilt while everything goes on, and readers taken back to the build before, as
//! after a release that was none. Whatever breaks meanwhile, either is whole.

use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::FutureExt as _;
use tokio::time::timeout;

use super::{Fault, Step};
use crate::cluster::{Cluster, Part};

/// How long a rebuild, or the way back, may take before it is broken off in the middle.
const TIME_MAX: Duration = Duration::from_secs(20);

/// It is rebuilt, and then not wanted.
pub struct Rollback {
    /// Which one.
    pub projection: &'static str,
    /// Beside which process, of whom it takes the leases.
    pub part: Part,
    /// What that is called.
    pub name: &'static str,
}

impl Rollback {
    /// Does it by hand. What is said of it is kept; that it comes to nothing is no fault: others
    /// may be under way.
    async fn by_hand(&self, cluster: &Cluster, action: &str) -> Result<()> {
        let arguments = [action, self.projection];
        let Ok(done) = timeout(TIME_MAX, cluster.by_hand(&arguments)).await else { return Ok(()) };
        done.with_context(|| format!("cannot run projector {action}"))
    }
}

impl Fault for Rollback {
    fn name(&self) -> &'static str {
        self.name
    }

    fn part(&self) -> Part {
        self.part
    }

    fn lasts(&self) -> RangeInclusive<u64> {
        1_000..=4_000
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        self.by_hand(cluster, "rebuild").boxed()
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        self.by_hand(cluster, "rollback").boxed()
    }
}
