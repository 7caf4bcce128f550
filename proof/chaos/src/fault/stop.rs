//! A process stopped in order (SIGTERM), as in a deployment, and another started in its place: what
//! it held is handed over.

use futures::FutureExt as _;

use super::{Fault, Step, done};
use crate::cluster::{Cluster, Part};

/// It is told to end, and does.
pub struct Stop {
    /// Which process.
    pub part: Part,
    /// What that is called.
    pub name: &'static str,
}

impl Fault for Stop {
    fn name(&self) -> &'static str {
        self.name
    }

    fn part(&self) -> Part {
        self.part
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        cluster.program(self.part).stop("TERM").boxed()
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        done(cluster.program(self.part).spawn())
    }
}
