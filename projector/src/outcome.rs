//! What came of something that was done by hand, for programs: as it is kept beside who did it, and
//! as it is answered over HTTP.

use serde_json::{Value, json};

use crate::building::compare::Difference;
use crate::building::rebuild::Report;
use crate::building::rollback::WentBack;
use crate::care::CalledOff;
use crate::projection::Projection;
use crate::working::retry::Retried;

/// Streams that are told of at most, of those that are parked still, and of those that are not.
const STREAMS_MAX: usize = 1_000;

/// Of `pause` and `resume`.
pub fn paused(is_paused: bool, changed: bool) -> Value {
    json!({ "paused": is_paused, "changed": changed })
}

/// Of `cancel`.
pub fn cancelled(called_off: Option<CalledOff>) -> Value {
    let called_off =
        called_off.map(|CalledOff { build, kept }| json!({ "build": build, "kept": kept }));
    json!({ "called_off": called_off })
}

/// Of `release`.
pub fn released(holders: &[String]) -> Value {
    json!({ "released_by": holders })
}

/// Of `retry` and `skip`.
pub fn retried(Retried { released, stuck }: &Retried) -> Value {
    let stuck_streams = stuck.iter().take(STREAMS_MAX);
    let stuck_streams =
        stuck_streams.map(|(stream, reason)| json!({ "stream": stream, "reason": reason }));
    json!({
        "released": released.len(),
        "released_streams": released.iter().take(STREAMS_MAX).collect::<Vec<_>>(),
        "still_parked": stuck.len(),
        "still_parked_streams": stuck_streams.collect::<Vec<_>>(),
    })
}

/// Of a comparison.
pub fn verified(projection: &Projection, report: &Report) -> Value {
    let differences = report.differences.iter().map(|difference| {
        let Difference { table, id, kind } = difference;
        json!({ "table": table, "id": id, "kind": kind.to_string() })
    });
    json!({
        "projection": projection.name,
        "verified": report.compared_at.is_some(),
        "compared_at": report.compared_at,
        "builds": { "read": report.from, "fresh": report.to },
        "differences": differences.collect::<Vec<_>>(),
        "parked_streams": { "read": report.parked_before, "fresh": report.parked },
    })
}

/// Of `rebuild`: the comparison, and what readers see now.
pub fn rebuilt(projection: &Projection, report: &Report) -> Value {
    let mut outcome = verified(projection, report);
    outcome["build"] = report.to.into();
    outcome["kept"] = report.kept.then_some(report.from).into();
    outcome["documents_sent"] = report.filled.map(|filled| filled.documents).into();
    outcome
}

/// Of `rollback`.
pub fn went_back(WentBack { from, to, kept, parked, filled }: &WentBack) -> Value {
    json!({
        "build": to,
        "kept": kept.then_some(from),
        "parked_streams": parked,
        "documents_sent": filled.map(|filled| filled.documents),
    })
}

/// Of `drop`.
pub fn dropped(build: Option<i16>) -> Value {
    json!({ "deleted": build })
}

/// Of `reset`.
pub fn was_reset(build: i16) -> Value {
    json!({ "build": build })
}

/// Of what could not be done.
pub fn failed(cause: &str) -> Value {
    json!({ "error": cause })
}
