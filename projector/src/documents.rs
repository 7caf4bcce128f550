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
    let mut documents = load::<D>(db, build, events).await?;
    for event in events {
        let Some(key) = D::key(event) else { continue };
        if let Some(folded) = D::fold(documents.remove(&key), &seen(event)) {
            documents.insert(key, folded);
        }
    }
    if documents.is_empty() {
        return Ok(());
    }
    let documents: Vec<_> = documents.into_values().collect();
    D::store(db, build, &documents).await
}

/// The documents that events are about, but for those that begin with them.
async fn load<D: Documents>(
    db: &mut PgConnection,
    build: i16,
    events: &[Recorded],
) -> sqlx::Result<BTreeMap<D::Key, D::Document>> {
    let (mut known, mut wanted) = (BTreeSet::new(), Vec::new());
    for event in events {
        let Some(key) = D::key(event) else { continue };
        if known.insert(key.clone()) && !D::begins(event) {
            wanted.push(key);
        }
    }
    let loaded = if wanted.is_empty() { vec![] } else { D::load(db, build, &wanted).await? };
    Ok(loaded.into_iter().collect())
}

/// Documents as JSON text.
pub fn encode<'a, T: Serialize + 'a>(
    documents: impl Iterator<Item = &'a T>,
) -> serde_json::Result<Vec<String>> {
    documents.map(serde_json::to_string).collect()
}
