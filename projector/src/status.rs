//! Where every projection stands: for machines as metrics, and for health checks. As a table and as
//! JSON it is [`crate::printout`]'s.

use std::time::Duration;

use event_store::{read, waiting};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::builds::{self, Maker};
use crate::kept::{self, Predecessor};
use crate::projection::Projection;
use crate::projections;
use crate::working::{parking, skipped};

/// How often metrics are brought up to date.
const METRICS_PERIOD: Duration = Duration::from_secs(2);
/// A projection further behind than this is reported as unhealthy, seconds.
const LAG_SECONDS_MAX: f64 = 60.0;

/// A range of slots of the build that readers see.
#[derive(Clone, Debug)]
pub struct RangeStatus {
    /// The projection.
    pub name: &'static str,
    /// The build.
    pub build: i16,
    /// The first and the last slot.
    pub slots: (i16, i16),
    /// Its checkpoint.
    pub position: i64,
    /// Events after it in the log; below 0 if it stands beyond the log's end, as it never should.
    pub lag_events: i64,
    /// For how long the next one has been waiting, seconds.
    pub lag_seconds: f64,
    /// Who works on it, if anybody.
    pub owner: Option<String>,
    /// Parked streams of the build.
    pub parked: i64,
    /// The event of a newer program that it stands before.
    pub waits_at: Option<i64>,
    /// Whether somebody has paused it.
    pub paused: bool,
}

impl RangeStatus {
    /// What is wrong, if anything is: the worst first.
    pub fn trouble(&self, projection: &Projection) -> Option<String> {
        let (from, to) = self.slots;
        let position = self.position;
        if self.lag_events < 0 {
            let head = position + self.lag_events;
            return Some(format!(
                "it stands at {position}, beyond the log, which ends at {head}: the log was \
                 restored, or is another one; rebuild it"
            ));
        }
        if self.paused {
            return Some(format!("it is paused (projector resume {})", self.name));
        }
        if let Some(at) = self.waits_at {
            return Some(format!(
                "an event of a newer program at position {at}: waits for an upgrade of this \
                 projector"
            ));
        }
        if !projection.may_have(from, to) {
            return Some(format!("slots {from} to {to} are a part too small for it to work on"));
        }
        if self.parked > 0 {
            return Some(format!(
                "streams are parked: {} (projector parked {})",
                self.parked, self.name
            ));
        }
        if self.owner.is_none() {
            return Some("nobody works on it".to_owned());
        }
        let late = self.lag_seconds > LAG_SECONDS_MAX;
        late.then(|| format!("it is {:.0} seconds behind", self.lag_seconds))
    }
}

/// Where some projections stand. One that never ran is left out.
pub async fn statuses(
    db: &PgPool,
    wanted: &[&'static Projection],
) -> sqlx::Result<Vec<RangeStatus>> {
    let rows = sqlx::query!(
        r#"SELECT name AS "name!", build AS "build!", slot_from AS "slot_from!",
                  slot_to AS "slot_to!", position AS "position!",
                  CASE WHEN lease_until > clock_timestamp() THEN owner END AS owner,
                  CASE WHEN waits_at = position + 1 THEN waits_at END AS waits_at,
                  (SELECT count(*) FROM parked_streams k
                   WHERE k.projection = name AND k.build = p.build) AS "parked!",
                  EXISTS (SELECT FROM projections
                          WHERE projections.name = p.name AND paused_at IS NOT NULL) AS "paused!"
           FROM projection_positions p ORDER BY name, slot_from"#
    )
    .fetch_all(db)
    .await?;
    // After the positions: one beyond it is beyond the log.
    let head = read::head(db).await?;
    let mut statuses = vec![];
    for row in rows {
        let Some(projection) = wanted.iter().find(|projection| projection.name == row.name) else {
            continue;
        };
        statuses.push(RangeStatus {
            name: projection.name,
            build: row.build,
            slots: (row.slot_from, row.slot_to),
            position: row.position,
            lag_events: head - row.position,
            lag_seconds: waiting::seconds_after(db, row.position).await?,
            owner: row.owner,
            parked: row.parked,
            waits_at: row.waits_at,
            paused: row.paused,
        });
    }
    Ok(statuses)
}

/// Builds that readers do not see.
#[derive(Clone, Debug, Default)]
pub struct Others {
    /// The one that is being made.
    pub making: Option<Maker>,
    /// Those that a broken rebuild or verification left behind; the next one clears them away.
    pub abandoned: Vec<i16>,
    /// The one that readers saw before.
    pub kept: Option<Predecessor>,
}

/// The builds of a projection that readers do not see.
pub async fn others(db: &PgPool, projection: &Projection) -> sqlx::Result<Others> {
    let making = builds::maker(db, projection).await?;
    let abandoned = builds::abandoned(db, projection).await?;
    let kept = kept::find(db, projection).await?;
    Ok(Others { making, abandoned, kept })
}

/// A build that is being made, and how far it has come.
#[derive(Clone, Debug)]
pub struct Making {
    /// Which, and by whom.
    pub maker: Maker,
    /// The checkpoint of its slowest part.
    pub position: i64,
    /// The end of the log.
    pub head: i64,
    /// For how long it has been made from the log's beginning, seconds; none of one that was kept.
    pub age: Option<f64>,
}

/// The build of a projection that is being made, if any is.
pub async fn making(db: &PgPool, projection: &Projection) -> sqlx::Result<Option<Making>> {
    let Some(maker) = builds::maker(db, projection).await? else { return Ok(None) };
    let row = sqlx::query!(
        r#"SELECT min(s.position) AS "position!", max(extract(epoch FROM
                      clock_timestamp() - b.created_at)::float8)
                      FILTER (WHERE b.kept_at IS NULL) AS age
           FROM projection_builds b
           JOIN projection_slots s ON s.projection = b.projection AND s.build = b.build
           WHERE b.projection = $1 AND b.build = $2 GROUP BY b.build"#,
        projection.name,
        maker.build,
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let head = read::head(db).await?;
    Ok(Some(Making { maker, position: row.position, head, age: row.age }))
}

/// Brings the metrics up to date for as long as the process lives.
pub async fn measure(db: PgPool, wanted: Vec<&'static Projection>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = measure_once(&db, &wanted).await {
            metrics::counter!("projection_measure_failures_total").increment(1);
            tracing::debug!(cause = parking::chain(&error), "not measured");
        }
        let _ = tokio::time::timeout(METRICS_PERIOD, stop.cancelled()).await;
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
async fn measure_once(db: &PgPool, wanted: &[&'static Projection]) -> sqlx::Result<()> {
    let flag = |set: bool| if set { 1.0 } else { 0.0 };
    let ranges = statuses(db, wanted).await?;
    for ranges in ranges.chunk_by(|one, next| one.name == next.name) {
        let labels = [("projection", ranges[0].name)];
        // Those of the range that is worst off: which it is, `status` says.
        let most = |of: fn(&RangeStatus) -> f64| ranges.iter().map(of).fold(0.0, f64::max);
        let least = ranges.iter().map(|range| range.position).min().unwrap_or(0);
        metrics::gauge!("projection_ranges", &labels).set(ranges.len() as f64);
        metrics::gauge!("projection_position", &labels).set(least as f64);
        metrics::gauge!("projection_lag_events", &labels).set(most(|it| it.lag_events as f64));
        metrics::gauge!("projection_ahead_events", &labels).set(most(|it| -it.lag_events as f64));
        metrics::gauge!("projection_lag_seconds", &labels).set(most(|it| it.lag_seconds));
        let held = ranges.iter().all(|range| range.owner.is_some());
        metrics::gauge!("projection_held", &labels).set(flag(held));
        let waits = ranges.iter().any(|range| range.waits_at.is_some());
        metrics::gauge!("projection_waits_for_upgrade", &labels).set(flag(waits));
        metrics::gauge!("projection_paused", &labels).set(flag(ranges[0].paused));
        metrics::gauge!("projection_parked_streams", &labels).set(ranges[0].parked as f64);
    }
    for projection in wanted {
        let Others { making, abandoned, kept } = others(db, projection).await?;
        let skipped_events = skipped::positions(db, projection).await?.len();
        let name = projection.name;
        metrics::gauge!("projection_rebuild_running", "projection" => name)
            .set(flag(making.is_some()));
        metrics::gauge!("projection_builds_abandoned", "projection" => name)
            .set(abandoned.len() as f64);
        metrics::gauge!("projection_build_kept", "projection" => name).set(flag(kept.is_some()));
        metrics::gauge!("projection_skipped_events", "projection" => name)
            .set(skipped_events as f64);
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
    let statuses = statuses(db, &[projection]).await.map_err(|error| parking::chain(&error))?;
    if statuses.is_empty() {
        return Err("it never ran".to_owned());
    }
    let trouble = statuses.iter().find_map(|status| status.trouble(projection));
    trouble.map_or(Ok(()), Err)
}
