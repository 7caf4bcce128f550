//! `/v1/projections`: how far each read model has come, for those who watch the engine.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Problem;
use service::extract::Query;
use service::json::Json;
use sqlx::types::Json as Document;

use crate::app::App;
use crate::queue::Who;

/// There is nothing to ask for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// How far a read model has come.
#[derive(Serialize, JsonSchema)]
struct Projection {
    name: String,
    build: i16,
    /// Of the program that folds it.
    version: i32,
    position: i64,
    head: i64,
    /// Below 0 where it stands beyond the log, as it never should: it followed another one.
    lag_events: i64,
    /// Since the first event that it lacks was recorded.
    lag_seconds: f64,
    parked_streams: i64,
    /// The event of a newer program that it stands before.
    waits_at: Option<i64>,
    /// Search documents that Meilisearch lacks; only search has any.
    dirty_documents: Option<i64>,
    updated_at: DateTime<Utc>,
    #[schemars(with = "Vec<Slots>")]
    slots: Document<Vec<Slots>>,
}

/// A range of slots, and who works on it.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Slots {
    from: i16,
    to: i16,
    position: i64,
    owner: Option<String>,
    lease_until: Option<DateTime<Utc>>,
}

/// All of them.
#[derive(Serialize, JsonSchema)]
pub struct Projections {
    items: Vec<Projection>,
}

/// `GET /v1/projections`
pub async fn list(
    State(app): State<App>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Response, Problem> {
    let items = sqlx::query_as!(
        Projection,
        r#"WITH standing AS (
               SELECT name, build, min(position) AS position, max(updated_at) AS updated_at,
                      min(waits_at) FILTER (WHERE waits_at = position + 1) AS waits_at,
                      json_agg(json_build_object('from', slot_from, 'to', slot_to,
                          'position', position, 'owner', owner, 'lease_until', lease_until)
                          ORDER BY slot_from) AS slots
               FROM projection_positions GROUP BY name, build
           )
           SELECT s.name AS "name!", s.build AS "build!", b.version, s.position AS "position!",
                  h.position AS "head!", h.position - s.position AS "lag_events!", s.waits_at,
                  -- The clock of whoever wrote it may have been ahead.
                  greatest(extract(epoch FROM clock_timestamp() - e.recorded_at), 0)::float8
                      AS "lag_seconds!",
                  (SELECT count(*) FROM parked_streams k
                   WHERE k.projection = s.name AND k.build = s.build) AS "parked_streams!",
                  CASE WHEN s.name = 'search' THEN
                      (SELECT count(*) FROM search_documents WHERE dirty) END AS dirty_documents,
                  s.updated_at AS "updated_at!", s.slots AS "slots!: Document<Vec<Slots>>"
           FROM standing s
           JOIN projection_builds b ON b.projection = s.name AND b.build = s.build
           CROSS JOIN log_head h
           LEFT JOIN events e ON e.position = s.position + 1
           ORDER BY s.name"#
    )
    .fetch_all(&mut *app.queue.connection(Who::Newcomer).await?)
    .await?;
    Ok(Json(Projections { items }).into_response())
}
