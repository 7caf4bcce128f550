//! A process killed (SIGKILL), with the processes it made, and started again on the data it left.

use super::{Fault, Step, done};
use crate::cluster::{Cluster, Part};

/// It dies without having a say.
pub struct Kill {
    /// Which process.
    pub part: Part,
    /// What that is called.
    pub name: &'static str,
}

impl Fault for Kill {
    fn name(&self) -> &'static str {
        self.name
    }

    fn part(&self) -> Part {
        self.part
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        cluster.program(self.part).kill();
        done(Ok(()))
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        done(cluster.program(self.part).spawn())
    }
}
