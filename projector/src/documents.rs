//! The common shape of a projection: one document a key, loaded, folded in memory and written back
//! with one query each, however many events there are.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use event_store::Recorded;
use serde::Serialize;
use sqlx::PgConnection;

use crate::projection::{FoldError, seen};
use domain::view::Seen;

/// A table of documents.
pub trait Documents {
    /// What a document is found by.
    type Key: Ord + Clone + Send + Sync;
    /// What is kept.
    type Document: Serialize + Send + Sync;

    /// The document an event is about.
    fn key(event: &Recorded) -> Option<Self::Key>;

    /// The document after an event.
    fn fold(document: Option<Self::Document>, seen: &Seen) -> Option<Self::Document>;

    /// Those documents that exist.
    fn load(
        db: &mut PgConnection,
        build: i16,
        keys: &[Self::Key],
    ) -> impl Future<Output = sqlx::Result<Vec<(Self::Key, Self::Document)>>> + Send;

    /// Writes documents, new and old ones alike.
    fn store(
        db: &mut PgConnection,
        build: i16,
        documents: &[Self::Document],
    ) -> impl Future<Output = Result<(), FoldError>> + Send;
}

/// Folds events into documents.
pub async fn fold<D: Documents>(
    db: &mut PgConnection,
    build: i16,
    events: &[Recorded],
) -> Result<(), FoldError> {
    let keys: BTreeSet<D::Key> = events.iter().filter_map(D::key).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let keys: Vec<D::Key> = keys.into_iter().collect();
    let mut documents: BTreeMap<_, _> = D::load(db, build, &keys).await?.into_iter().collect();
    for event in events {
        let Some(key) = D::key(event) else { continue };
        if let Some(folded) = D::fold(documents.remove(&key), &seen(event)) {
            documents.insert(key, folded);
        }
    }
    let documents: Vec<_> = documents.into_values().collect();
    D::store(db, build, &documents).await
}

/// Documents as JSON text.
pub fn encode<'a, T: Serialize + 'a>(
    documents: impl Iterator<Item = &'a T>,
) -> serde_json::Result<Vec<String>> {
    documents.map(serde_json::to_string).collect()
}
