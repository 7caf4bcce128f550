//! Where the search index stands: what Meilisearch shows of the documents that are folded.

use sqlx::PgExecutor;

/// Where search stands.
pub struct IndexPosition {
    /// In Postgres.
    pub folded: i64,
    /// In Meilisearch, which shows all changes before the first that was not yet sent.
    pub sent: i64,
}

impl IndexPosition {
    /// With the first change that was not yet sent, if there is one.
    pub fn new(folded: i64, unsent: Option<i64>) -> Self {
        Self { folded, sent: unsent.map_or(folded, |unsent| folded.min(unsent - 1)) }
    }

    /// Looks where it stands now.
    pub async fn look(db: impl PgExecutor<'_>) -> sqlx::Result<Self> {
        let row = sqlx::query!(
            "SELECT (SELECT min(position) FROM projection_positions WHERE name = 'search')
                    AS folded,
                (SELECT min(dirty_from) FROM search_documents_rows WHERE dirty AND build =
                    (SELECT active_build FROM projections WHERE name = 'search')) AS unsent"
        )
        .fetch_one(db)
        .await?;
        Ok(Self::new(row.folded.unwrap_or(0), row.unsent))
    }
}

/// Documents that are sent because the index was lost lack every change: they are dirty from 0.
pub async fn is_refilled(db: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    let refilled = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM search_documents_rows WHERE dirty AND dirty_from = 0
               AND build = (SELECT active_build FROM projections WHERE name = 'search')) AS "is!""#
    );
    refilled.fetch_one(db).await
}
