//! Meilisearch's index deleted while Meilisearch runs on.

use std::ops::RangeInclusive;

use anyhow::Context as _;
use futures::FutureExt as _;

use super::{Fault, Step};
use crate::cluster::{Cluster, Part};

/// Somebody deletes the wrong index.
pub struct Delete;

impl Fault for Delete {
    fn name(&self) -> &'static str {
        "index deleted"
    }

    fn part(&self) -> Part {
        Part::Meilisearch
    }

    fn lasts(&self) -> RangeInclusive<u64> {
        0..=0
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        async move {
            let addresses = cluster.addresses();
            let index = format!("{}/indexes/{}", addresses.meilisearch, addresses.search_index);
            let delete = reqwest::Client::builder().no_proxy().build()?.delete(index);
            let answer = delete.bearer_auth(&addresses.meilisearch_key).send().await;
            answer
                .and_then(reqwest::Response::error_for_status)
                .context("cannot delete the index")?;
            Ok(())
        }
        .boxed()
    }
}
