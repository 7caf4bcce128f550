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

use crate::projection::{FoldError, Folder, seen};
use crate::recent::Recent;
use crate::step::Fenced;
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

/// The projection of one kind of stream, one document each, whole; see those that are made with it.
///
/// The columns beside the document are taken from its JSON by Postgres: those of `columns` under
/// their own names and types, others `from` a part of it by expressions in which the document is
/// `f`. Where that is too slow or cannot be said in SQL, the rows are `stored by` a function of
/// [`Documents::store`]'s shape instead.
///
/// A document may begin with an event of a kind `beside` its own, of which the streams lie in the
/// same slots; it tells what is known before there is any of its own.
///
/// All columns are written again with each change, also those that never change: an update costs no
/// entry in an index whose columns have the values that they had.
macro_rules! document_projection {
    (
        $model:ident, version $version:literal;
        table $table:tt, key $key:ident $key_type:tt;
        stream $stream:ident $(beside $beside:ident)? ($id:ident) => $id_value:expr;
        documents $document:ty, by $fold:path;
        $( columns $( $column:tt $type:tt ),+ ; )?
        $( from $part:tt $part_type:tt: $( $made:tt = $expression:tt ),+ ; )*
    ) => {
        $crate::documents::document_projection! {
            $model, version $version;
            table $table, key $key $key_type;
            stream $stream $(beside $beside)? ($id) => $id_value;
            documents $document, by $fold;
            stored by store;
        }

        async fn store(
            db: &mut sqlx::PgConnection,
            build: i16,
            _: &[$document],
            json: &[String],
            step: Option<sqlx::types::Json<$crate::step::Step>>,
        ) -> Result<u64, $crate::projection::FoldError> {
            let done = sqlx::query!(
                "INSERT INTO " + $table
                    + " (build, id, document, position, version, created_at, updated_at"
                    $( $( + ", " + $column )+ )? $( $( + ", " + $made )+ )*
                    + ") SELECT $1, f.id, new.document::json, f.position, f.version, f.created_at,
                         f.updated_at"
                    $( $( + ", f." + $column )+ )? $( $( + ", " + $expression )+ )*
                    + " FROM unnest($2::text[]) AS new (document),
                             json_to_record(new.document::json) AS f (id " + $key_type
                    + ", position bigint, version bigint, created_at timestamptz,
                         updated_at timestamptz"
                    $( $( + ", " + $column + " " + $type )+ )?
                    $( + ", " + $part + " " + $part_type )*
                    + ") WHERE (SELECT moved($3))
                      ON CONFLICT (build, id) DO UPDATE SET document = excluded.document,
                          position = excluded.position, version = excluded.version,
                          updated_at = excluded.updated_at"
                    $( $( + ", " + $column + " = excluded." + $column )+ )?
                    $( $( + ", " + $made + " = excluded." + $made )+ )*,
                build,
                json,
                step as _,
            );
            Ok(done.execute(db).await?.rows_affected())
        }
    };
    (
        $model:ident, version $version:literal;
        table $table:tt, key $key:ident $key_type:tt;
        stream $stream:ident $(beside $beside:ident)? ($id:ident) => $id_value:expr;
        documents $document:ty, by $fold:path;
        stored by $store:path;
    ) => {
        pub static PROJECTION: $crate::projection::Projection = $crate::projection::Projection {
            name: domain::ReadModel::$model.name(),
            version: $version,
            categories: &[domain::Category::$stream $(, domain::Category::$beside)?],
            tables: &[$table],
            grain: 1,
            waits_for: $crate::projection::waits_for_nothing,
            folder: $crate::documents::folder::<Rows>,
        };

        struct Rows;

        impl $crate::documents::Documents for Rows {
            type Key = $key;
            type Document = $document;

            fn key(event: &event_store::Recorded) -> Option<$key> {
                match &event.stream {
                    domain::StreamId::$stream($id) => Some($id_value),
                    $( domain::StreamId::$beside($id) => Some($id_value), )?
                    _ => None,
                }
            }

            fn begins(event: &event_store::Recorded) -> bool {
                event.version == 1 && matches!(event.stream, domain::StreamId::$stream(_))
            }

            fn fold(document: Option<$document>, seen: &domain::Seen) -> Option<$document> {
                $fold(document, seen)
            }

            async fn load(
                db: &mut sqlx::PgConnection,
                build: i16,
                keys: Vec<$key>,
            ) -> sqlx::Result<Vec<($key, $document)>> {
                type Json = sqlx::types::Json<$document>;
                let rows = sqlx::query!(
                    r#"SELECT id, document AS "document: Json" FROM "# + $table
                        + " WHERE build = $1 AND id = ANY($2)",
                    build,
                    &keys,
                );
                let rows = rows.fetch_all(db).await?;
                Ok(rows.into_iter().map(|row| (row.id, row.document.0)).collect())
            }

            async fn store(
                db: &mut sqlx::PgConnection,
                build: i16,
                documents: &[$document],
                json: &[String],
                step: Option<sqlx::types::Json<$crate::step::Step>>,
            ) -> Result<u64, $crate::projection::FoldError> {
                $store(db, build, documents, json, step).await
            }
        }
    };
}
pub(crate) use document_projection;

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
