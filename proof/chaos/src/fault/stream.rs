//! The `JetStream` stream deleted while NATS runs on.

use std::ops::RangeInclusive;

use anyhow::Context as _;
use futures::FutureExt as _;

use super::{Fault, Step};
use crate::cluster::{Cluster, Part};

/// Somebody deletes the wrong stream.
pub struct Delete;

impl Fault for Delete {
    fn name(&self) -> &'static str {
        "stream deleted"
    }

    fn part(&self) -> Part {
        Part::Nats
    }

    fn lasts(&self) -> RangeInclusive<u64> {
        0..=0
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        async move {
            let bus = cluster.bus().await?;
            bus.delete_stream(&cluster.addresses().event_stream)
                .await
                .map(drop)
                .context("cannot delete the stream")
        }
        .boxed()
    }
}
