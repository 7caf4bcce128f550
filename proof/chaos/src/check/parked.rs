//! Nothing was set aside: whatever was done to the machines, no event is one that a projection, the
//! reactor or Meilisearch could not understand.

use super::{Evidence, Verdict};

/// Where things are set aside, and how each is described.
const PLACES: [&str; 4] = [
    "SELECT projection || ' parked ' || stream || ': ' || reason FROM parked_streams LIMIT 5",
    "SELECT 'message ' || sequence || ' was no event: ' || reason FROM parked_messages LIMIT 5",
    "SELECT reaction || ' waits in ' || stream || ' at ' || position || ': ' || reason
     FROM reaction_waiting LIMIT 5",
    "SELECT 'Meilisearch refuses ' || id || ': ' || refused FROM search_documents
     WHERE refused IS NOT NULL LIMIT 5",
];

pub(super) async fn check(at: &Evidence<'_>) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::new("nothing is set aside");
    for place in PLACES {
        for parked in sqlx::query_scalar::<_, String>(place).fetch_all(&at.db).await? {
            verdict.broken(parked);
        }
    }
    Ok(verdict.covers(format!("{} places", PLACES.len())))
}
