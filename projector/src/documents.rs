//! The common shape of a projection: one document a key, loaded, folded in memory and written back
//! with one query each, however many events there are. What was written lately is not loaded, and
//! the checkpoint moves with the query that writes: a batch is a round trip or two.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::hash::Hash;

use domain::Seen;
use event_store::Recorded;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::checkpoint::Fenced;
use crate::projection::{FoldError, Folder, seen};
use crate::recent::Recent;
use crate::step::Step;

/// A table of documents.
pub trait Documents {
    /// What a document is found by.
    type Key: Ord + Hash + Clone + Send + Sync;
    /// What is kept.
    type Document: Serialize + Send + Sync;

    /// The document an event is about.
    fn key(event: &Recorded) -> Option<Self::Key>;

    /// Whether a document begins with an event: then there is none to be loaded.
    fn begins(event: &Recorded) -> bool {
        event.version == 1
    }

    /// The document after an event.
    fn fold(document: Option<Self::Document>, seen: &Seen) -> Option<Self::Document>;

    /// Those documents that exist.
    fn load(
        db: &mut PgConnection,
        build: i16,
        keys: Vec<Self::Key>,
    ) -> impl Future<Output = sqlx::Result<Vec<(Self::Key, Self::Document)>>> + Send;

    /// Writes documents, new and old ones alike, of which the JSON is at hand, if the step is made.
    /// Says how many it wrote.
    fn store(
        db: &mut PgConnection,
        build: i16,
        documents: &[Self::Document],
        json: &[String],
        step: Option<Json<Step>>,
    ) -> impl Future<Output = Result<u64, FoldError>> + Send;
}

/// What folds events into the documents of a table.
pub fn folder<D: Documents + 'static>() -> Box<dyn Folder> {
    Box::new(Table::<D> { recent: Recent::default() })
}

struct Table<D: Documents> {
    recent: Recent<D::Key, D::Document>,
}

impl<D: Documents> Folder for Table<D> {
    fn fold<'a>(
        &'a mut self,
        db: &'a mut PgConnection,
        build: i16,
        events: &'a [Recorded],
        step: Option<Step>,
    ) -> BoxFuture<'a, Result<Result<(), Fenced>, FoldError>> {
        async move {
            let mut documents = self.load(db, build, events).await?;
            for event in events {
                let Some(key) = D::key(event) else { continue };
                if let Some(folded) = D::fold(documents.remove(&key), &seen(event)) {
                    documents.insert(key, folded);
                }
            }
            if documents.is_empty() {
                return Ok(Step::without_rows(step, db).await?);
            }
            let (keys, documents): (Vec<_>, Vec<_>) = documents.into_iter().unzip();
            let json = encode(documents.iter())?;
            let written = D::store(db, build, &documents, &json, step.map(Json)).await?;
            self.recent.keep(keys.into_iter().zip(documents), &json);
            Ok(Step::made(written))
        }
        .boxed()
    }
}

impl<D: Documents> Table<D> {
    /// The documents that events are about, but for those that begin with them.
    async fn load(
        &mut self,
        db: &mut PgConnection,
        build: i16,
        events: &[Recorded],
    ) -> sqlx::Result<BTreeMap<D::Key, D::Document>> {
        let (mut seen, mut wanted) = (BTreeSet::new(), Vec::new());
        for event in events {
            let Some(key) = D::key(event) else { continue };
            if seen.insert(key.clone()) && !D::begins(event) {
                wanted.push(key);
            }
        }
        self.recent.or_load(wanted, |unknown| D::load(db, build, unknown)).await
    }
}

/// Documents as JSON text.
pub fn encode<'a, T: Serialize + 'a>(
    documents: impl Iterator<Item = &'a T>,
) -> serde_json::Result<Vec<String>> {
    documents.map(serde_json::to_string).collect()
}
