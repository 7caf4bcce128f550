//! Two versions at once, as while a release is rolled out or back: one process runs the programs of
//! an earlier build for a while, on the schema and beside the others of this one.

use std::ops::RangeInclusive;

use super::{Fault, Step, done};
use crate::cluster::{Cluster, Part};

/// It is of an earlier build.
pub struct Older {
    /// Which process.
    pub part: Part,
    /// What that is called.
    pub name: &'static str,
}

impl Older {
    fn run(&self, cluster: &mut Cluster, older: bool) -> anyhow::Result<()> {
        let program = cluster.program(self.part);
        program.kill();
        program.choose(older);
        program.spawn()
    }
}

impl Fault for Older {
    fn name(&self) -> &'static str {
        self.name
    }

    fn part(&self) -> Part {
        self.part
    }

    fn lasts(&self) -> RangeInclusive<u64> {
        4_000..=9_000
    }

    fn missing(&self, cluster: &Cluster) -> Option<String> {
        let why = "no programs of an earlier build were named (--older)";
        (!cluster.has_older(self.part)).then(|| why.to_owned())
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        done(self.run(cluster, true))
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        done(self.run(cluster, false))
    }
}
