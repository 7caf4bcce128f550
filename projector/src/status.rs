//! Where every projection stands: for people as a table, for machines as metrics, and for health
//! checks.

use std::time::Duration;

use chrono::Utc;
use event_store::read;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::projection::Projection;
use crate::{parking, projections};

/// How often metrics are brought up to date.
const METRICS_PERIOD: Duration = Duration::from_secs(2);
/// A projection further behind than this is reported as unhealthy, seconds.
const LAG_SECONDS_MAX: f64 = 60.0;

/// A range of slots of the build that readers see.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The projection.
    pub name: &'static str,
    /// The build.
    pub build: i16,
    /// The first and the last slot.
    pub slots: (i16, i16),
    /// Its checkpoint.
    pub position: i64,
    /// Events after it in the log.
    pub lag_events: i64,
    /// For how long the next one has been waiting, seconds.
    pub lag_seconds: f64,
    /// Who works on it, if anybody.
    pub owner: Option<String>,
    /// Parked streams of the build.
    pub parked: i64,
}

/// Where some projections stand. One that never ran is left out.
pub async fn standings(db: &PgPool, wanted: &[&'static Projection]) -> sqlx::Result<Vec<Standing>> {
    let head = read::head(db).await?;
    let rows = sqlx::query!(
        r#"SELECT name AS "name!", build AS "build!", slot_from AS "slot_from!",
                  slot_to AS "slot_to!", position AS "position!",
                  CASE WHEN lease_until > clock_timestamp() THEN owner END AS owner,
                  (SELECT count(*) FROM parked_streams k
                   WHERE k.projection = name AND k.build = p.build) AS "parked!"
           FROM projection_positions p ORDER BY name, slot_from"#
    )
    .fetch_all(db)
    .await?;
    let mut standings = vec![];
    for row in rows {
        let Some(projection) = wanted.iter().find(|projection| projection.name == row.name) else {
            continue;
        };
        standings.push(Standing {
            name: projection.name,
            build: row.build,
            slots: (row.slot_from, row.slot_to),
            position: row.position,
            lag_events: (head - row.position).max(0),
            lag_seconds: waiting_seconds(db, row.position).await?,
            owner: row.owner,
            parked: row.parked,
        });
    }
    Ok(standings)
}

async fn waiting_seconds(db: &PgPool, position: i64) -> sqlx::Result<f64> {
    let next = read::after(db, position, 1).await?;
    let waited = next.first().map(|event| Utc::now() - event.recorded_at);
    Ok(waited.and_then(|waited| waited.to_std().ok()).unwrap_or_default().as_secs_f64())
}

/// The table that `projector status` prints.
pub async fn table(db: &PgPool) -> sqlx::Result<String> {
    let mut lines = vec![line(["PROJECTION", "BUILD", "POSITION", "LAG", "PARKED", "OWNER"])];
    for standing in standings(db, &projections::ALL).await? {
        let lag = format!("{} ({:.1} s)", standing.lag_events, standing.lag_seconds);
        lines.push(line([
            standing.name,
            &standing.build.to_string(),
            &standing.position.to_string(),
            &lag,
            &standing.parked.to_string(),
            standing.owner.as_deref().unwrap_or("nobody"),
        ]));
    }
    let messages = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM parked_messages"#)
        .fetch_one(db)
        .await?;
    if messages > 0 {
        lines.push(format!("{messages} messages on the bus were no events (parked_messages)"));
    }
    Ok(lines.join("\n"))
}

fn line([name, build, position, lag, parked, owner]: [&str; 6]) -> String {
    format!("{name:<10} {build:>5} {position:>12} {lag:>18} {parked:>6}  {owner}")
}

/// Brings the metrics up to date for as long as the process lives.
pub async fn measure(db: PgPool, wanted: Vec<&'static Projection>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = measure_once(&db, &wanted).await {
            tracing::debug!(cause = parking::chain(&error), "not measured");
        }
        let _ = tokio::time::timeout(METRICS_PERIOD, stop.cancelled()).await;
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
async fn measure_once(db: &PgPool, wanted: &[&'static Projection]) -> sqlx::Result<()> {
    for standing in standings(db, wanted).await? {
        let labels =
            [("projection", standing.name.to_owned()), ("slot", standing.slots.0.to_string())];
        metrics::gauge!("projection_position", &labels).set(standing.position as f64);
        metrics::gauge!("projection_lag_events", &labels).set(standing.lag_events as f64);
        metrics::gauge!("projection_lag_seconds", &labels).set(standing.lag_seconds);
        metrics::gauge!("projection_parked_streams", "projection" => standing.name)
            .set(standing.parked as f64);
    }
    if wanted.iter().any(|projection| projection.name == projections::SEARCH.name) {
        let dirty = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM search_documents_rows
               WHERE dirty AND build =
                   (SELECT active_build FROM projections WHERE name = 'search')"#
        )
        .fetch_one(db)
        .await?;
        metrics::gauge!("search_documents_dirty").set(dirty as f64);
    }
    Ok(())
}

/// What is wrong with a projection, if anything is.
pub async fn check(db: &PgPool, projection: &'static Projection) -> Result<(), String> {
    let standings = standings(db, &[projection]).await.map_err(|error| parking::chain(&error))?;
    if standings.is_empty() {
        return Err("it never ran".to_owned());
    }
    for standing in standings {
        if standing.parked > 0 {
            return Err(format!("{} streams are parked", standing.parked));
        }
        if standing.owner.is_none() {
            return Err("nobody works on it".to_owned());
        }
        if standing.lag_seconds > LAG_SECONDS_MAX {
            return Err(format!("it is {:.0} seconds behind", standing.lag_seconds));
        }
    }
    Ok(())
}
