//! What the command line prints: where the projections stand, what is parked, what came of a
//! verification.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::building::error::RebuildError;
use crate::building::rebuild::Report;
use crate::care::{self, Action};
use crate::kept::Predecessor;
use crate::operations::Lengthy;
use crate::projection::Projection;
use crate::projections;
use crate::status::{self, Making, Others, RangeStatus};
use crate::working::parking;
use crate::working::skipped::{self, Skipped};

/// Where every projection stands, as a table.
pub async fn table(db: &PgPool) -> sqlx::Result<String> {
    let head = ["PROJECTION", "BUILD", "SLOTS", "POSITION", "LAG", "PARKED", "OWNER"];
    let mut lines = vec![line(head)];
    let mut remarks = vec![];
    for standing in status::statuses(db, &projections::ALL).await? {
        let lag = format!("{} ({:.1} s)", standing.lag_events, standing.lag_seconds);
        lines.push(line([
            standing.name,
            &standing.build.to_string(),
            &format!("{}-{}", standing.slots.0, standing.slots.1),
            &standing.position.to_string(),
            &lag,
            &standing.parked.to_string(),
            standing.owner.as_deref().unwrap_or("nobody"),
        ]));
        remarks.extend(remark(&standing));
    }
    for projection in projections::ALL {
        let name = projection.name;
        let Others { making, abandoned, kept } = status::others(db, projection).await?;
        remarks.extend(making.map(|maker| {
            let until = maker.until.format("%H:%M:%S UTC");
            format!("{name}: build {} is being made by {}, until {until}", maker.build, maker.owner)
        }));
        remarks.extend(abandoned.into_iter().map(|build| {
            format!("{name}: build {build} was abandoned; the next rebuild or verify deletes it")
        }));
        remarks.extend(kept.map(|kept| {
            let Predecessor { build, version, kept_at, .. } = kept;
            let since = kept_at.format("%Y-%m-%dT%H:%M:%SZ");
            format!(
                "{name}: build {build} of version {version} is kept since {since} (projector \
                 rollback {name}, projector drop {name})"
            )
        }));
        let skipped_events = skipped::positions(db, projection).await?.len();
        if skipped_events > 0 {
            remarks.push(format!(
                "{name}: events skipped: {skipped_events} (projector parked {name})"
            ));
        }
    }
    let messages = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM parked_messages"#)
        .fetch_one(db)
        .await?;
    if messages > 0 {
        remarks.push(format!("{messages} messages on the bus were no events (parked_messages)"));
    }
    lines.append(&mut remarks);
    Ok(lines.join("\n"))
}

fn line([name, build, slots, position, lag, parked, owner]: [&str; 7]) -> String {
    format!("{name:<12} {build:>5} {slots:>7} {position:>12} {lag:>18} {parked:>6}  {owner}")
}

fn remark(standing: &RangeStatus) -> Option<String> {
    let trouble = standing.trouble(projections::find(standing.name)?)?;
    Some(format!("{}: {trouble}", standing.name))
}

/// The same for programs: a list of objects, one a range of slots.
pub async fn as_json(db: &PgPool, wanted: &[&'static Projection]) -> sqlx::Result<Value> {
    let mut list = vec![];
    for standing in status::statuses(db, wanted).await? {
        let Some(projection) = projections::find(standing.name) else { continue };
        let Others { making, abandoned, kept } = status::others(db, projection).await?;
        list.push(json!({
            "projection": standing.name,
            "build": standing.build,
            "slots": { "from": standing.slots.0, "to": standing.slots.1 },
            "position": standing.position,
            "lag_events": standing.lag_events,
            "lag_seconds": standing.lag_seconds,
            "owner": standing.owner,
            "parked_streams": standing.parked,
            "skipped_events": skipped::positions(db, projection).await?.len(),
            "waits_at": standing.waits_at,
            "paused": standing.paused,
            "trouble": standing.trouble(projection),
            "rebuild": making.map(|maker| json!({
                "build": maker.build,
                "owner": maker.owner,
                "until": maker.until,
            })),
            "abandoned_builds": abandoned,
            "kept": kept.map(|kept| json!({
                "build": kept.build,
                "version": kept.version,
                "since": kept.kept_at,
            })),
        }));
    }
    Ok(list.into())
}

/// The parked streams of some projections, and the events they skip.
pub async fn parked(db: &PgPool, wanted: &[&'static Projection]) -> sqlx::Result<String> {
    let mut text = String::new();
    for projection in wanted {
        let name = projection.name;
        for parked in parking::list(db, projection).await? {
            let parking::Listed { stream, position, version, reason, behind, parked_at } = parked;
            let since = parked_at.format("%Y-%m-%dT%H:%M:%SZ");
            // A reason that only names the stream it waits for says the same twice.
            let why = behind.map_or(reason, |behind| format!("behind {behind}"));
            let _ = writeln!(
                text,
                "{name} {stream} at {position} (version {version}) since {since}: {why}"
            );
        }
        for event in skipped::list(db, projection).await? {
            let Skipped { position, stream, reason, skipped_at } = event;
            let since = skipped_at.format("%Y-%m-%dT%H:%M:%SZ");
            let _ = writeln!(text, "{name} {stream} at {position} skipped since {since}: {reason}");
        }
    }
    if text.is_empty() {
        text.push_str("nothing is parked\n");
    }
    text.truncate(text.trim_end().len());
    Ok(text)
}

/// The same for programs: two lists of objects.
pub async fn parked_as_json(db: &PgPool, wanted: &[&'static Projection]) -> sqlx::Result<Value> {
    let (mut parked_streams, mut skipped_events) = (vec![], vec![]);
    for projection in wanted {
        for parked in parking::list(db, projection).await? {
            let parking::Listed { stream, position, version, reason, behind, parked_at } = parked;
            parked_streams.push(json!({
                "projection": projection.name,
                "stream": stream,
                "position": position,
                "version": version,
                "behind": behind,
                "reason": reason,
                "parked_at": parked_at,
            }));
        }
        for event in skipped::list(db, projection).await? {
            let Skipped { position, stream, reason, skipped_at } = event;
            skipped_events.push(json!({
                "projection": projection.name,
                "stream": stream,
                "position": position,
                "reason": reason,
                "skipped_at": skipped_at,
            }));
        }
    }
    Ok(json!({ "parked_streams": parked_streams, "skipped_events": skipped_events }))
}

/// What people did to some projections, the last first.
pub async fn actions(db: &PgPool, wanted: &[&'static Projection]) -> sqlx::Result<String> {
    let actions = care::actions(db, wanted).await?;
    let lines = actions.into_iter().map(|done| {
        let Action { projection, action, detail, done_by, done_at, .. } = done;
        let at = done_at.format("%Y-%m-%dT%H:%M:%SZ");
        let detail = detail.map(|detail| format!(" {detail}")).unwrap_or_default();
        format!("{at} {action} {projection}{detail}, by {done_by}")
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// The same for programs.
pub async fn actions_as_json(db: &PgPool, wanted: &[&'static Projection]) -> sqlx::Result<Value> {
    let actions = care::actions(db, wanted).await?;
    Ok(actions.into_iter().map(action_as_json).collect())
}

fn action_as_json(done: Action) -> Value {
    let Action { projection, action, detail, done_by, done_at, ended_at, outcome } = done;
    json!({
        "projection": projection,
        "action": action,
        "detail": detail,
        "by": done_by,
        "at": done_at,
        "ended_at": ended_at,
        "outcome": outcome,
    })
}

/// How fast a build is made.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// Positions of the log a second.
    pub events_per_second: f64,
    /// For how long it goes on like that.
    pub left: Duration,
}

/// The build of a projection that is being made, how far it has come, and for how long it goes on;
/// that is reckoned since its beginning where whoever asks is not at it.
pub async fn making_as_json(
    db: &PgPool,
    projection: &Projection,
    speed: Option<Speed>,
) -> sqlx::Result<Option<Value>> {
    let Some(made) = status::making(db, projection).await? else { return Ok(None) };
    let Making { maker, position, head, age } = made;
    #[allow(clippy::cast_precision_loss, reason = "positions are far below 2^52")]
    let reckoned = age.filter(|age| *age > 0.0 && position > 0).map(|age| {
        let events_per_second = position as f64 / age;
        let left = Duration::from_secs_f64((head - position).max(0) as f64 / events_per_second);
        Speed { events_per_second, left }
    });
    let speed = speed.filter(|speed| speed.events_per_second > 0.0).or(reckoned);
    Ok(Some(json!({
        "build": maker.build,
        "owner": maker.owner,
        "until": maker.until,
        "position": position,
        "head": head,
        "events_per_second": speed.map(|speed| speed.events_per_second),
        "seconds_left": speed.map(|speed| speed.left.as_secs_f64()),
    })))
}

/// The last that was done to a projection of what takes its time, and what came of it.
pub async fn last_as_json(db: &PgPool, projection: &Projection) -> sqlx::Result<Option<Value>> {
    let lengthy = Lengthy::ALL.map(|action| action.name().to_owned());
    Ok(care::last(db, projection, &lengthy).await?.map(action_as_json))
}

/// That nothing was compared, for programs.
pub fn unverified_as_json(projection: &Projection, error: &RebuildError) -> Value {
    json!({ "projection": projection.name, "verified": false, "reason": error.to_string() })
}

/// What came of a comparison, in one line.
pub fn summary(projection: &Projection, report: &Report) -> String {
    let name = projection.name;
    let compared = match report.compared_at {
        Some(position) => format!("{} differences at {position}", report.differences.len()),
        None => "not compared: it fell behind the fresh one".to_owned(),
    };
    let Report { from, to, parked, parked_before, .. } = report;
    format!(
        "{name}: build {from} against a fresh {to}: {compared}; streams parked: {parked_before}, \
         and {parked} in the fresh one"
    )
}
