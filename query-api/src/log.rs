//! Which log this is. After a restore the same position may mean another event, so every answer
//! names its log in `Log-Id`; whoever sends that back is told by 409 when it is another one
//! meanwhile. A log that went on under another id, because a replica took over, has its past in
//! common with what it was: whoever has seen no more than that is let in.

use std::sync::RwLock;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use event_store::{identity, read};
use service::{Problem, extract};
use sqlx::{PgConnection, PgPool};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::queue::{Queue, Who};

/// The header, in both directions.
pub const LOG_ID: HeaderName = HeaderName::from_static("log-id");
/// How long it is remembered which log it is, and how long asking may keep an answer from being
/// sent.
const MEMORY: Duration = Duration::from_secs(1);
const ASK_TIMEOUT: Duration = Duration::from_millis(200);

/// Which log it is, as was seen last.
pub struct Log {
    db: PgPool,
    queue: Queue,
    seen: RwLock<Sighting>,
    /// One asks at a time; the others go by what was seen before.
    asking: Mutex<()>,
}

/// Nothing before anybody asked.
struct Sighting {
    id: Option<Uuid>,
    header: Option<HeaderValue>,
    until: Instant,
}

impl Log {
    /// The one in `db`. Who speaks of another stands in the `queue` to hear which it is.
    pub fn new(db: PgPool, queue: Queue) -> Self {
        let seen = Sighting { id: None, header: None, until: Instant::now() };
        Self { db, queue, seen: RwLock::new(seen), asking: Mutex::new(()) }
    }

    /// Remembers what somebody saw who asked Postgres for more than that.
    pub fn remember(&self, id: Uuid) {
        let Ok(mut seen) = self.seen.write() else { return };
        if seen.id != Some(id) {
            (seen.id, seen.header) = (Some(id), HeaderValue::from_str(&id.to_string()).ok());
        }
        seen.until = Instant::now() + MEMORY;
    }

    /// Asks Postgres, soon or not at all, unless that was done within the last second.
    pub(crate) async fn look(&self) {
        if self.seen.read().is_ok_and(|seen| Instant::now() < seen.until) {
            return;
        }
        let Ok(_alone) = self.asking.try_lock() else { return };
        match timeout(ASK_TIMEOUT, read::log(&self.db)).await {
            Ok(Ok(log)) => self.remember(log.id),
            // Those who read Postgres say so.
            Ok(Err(_)) | Err(_) => {
                if let Ok(mut seen) = self.seen.write() {
                    seen.until = Instant::now() + MEMORY;
                }
            }
        }
    }

    fn id(&self) -> Option<Uuid> {
        self.seen.read().ok()?.id
    }

    fn header(&self) -> Option<HeaderValue> {
        self.seen.read().ok()?.header.clone()
    }

    /// Names the log in an answer.
    pub(crate) fn tell(&self, response: &mut Response) {
        if let Some(id) = self.header() {
            response.headers_mut().insert(LOG_ID, id);
        }
    }

    /// Refuses a request that speaks of another log. One that speaks of an id that the log had
    /// before, and of no position that it does not share, goes on under the id that it has. What is
    /// read at a position asks Postgres itself once more, in the statement that reads or right
    /// before it.
    pub(crate) async fn admit(&self, request: &mut Request) -> Result<(), Problem> {
        let Some(asked) = asked_for(request.headers())? else { return Ok(()) };
        if self.id() == Some(asked) {
            return Ok(());
        }
        let seen = furthest(request.uri().query().unwrap_or_default());
        // Anybody may come here, with any id: they stand in line as all do.
        let mut db = self.queue.connection(Who::Newcomer).await?;
        let found = read::log(&mut *db).await?;
        self.remember(found.id);
        must_share(&mut db, found.id, Some(asked), seen).await?;
        if let Ok(id) = HeaderValue::from_str(&found.id.to_string()) {
            request.headers_mut().insert(LOG_ID, id);
        }
        Ok(())
    }
}

/// The furthest position that a query speaks of; 0 without one.
fn furthest(query: &str) -> i64 {
    // One that cannot be read is refused where it is.
    let pairs = extract::parse::<Vec<(String, String)>>(query).unwrap_or_default();
    let positions = pairs.iter().filter_map(|(name, value)| match name.as_str() {
        "min_position" | "after" | "until" | "as_of" => value.parse().ok(),
        _ => None,
    });
    positions.max().unwrap_or(0)
}

/// Refuses what was seen up to a position of a log that is neither this one nor was it that far.
///
/// # Errors
/// 409 `another_log`, with the id of this one.
pub async fn must_share(
    db: &mut PgConnection,
    id: Uuid,
    asked: Option<Uuid>,
    seen: i64,
) -> Result<(), Problem> {
    let Some(asked) = asked.filter(|asked| *asked != id) else { return Ok(()) };
    match identity::shared_with(db, asked).await? {
        Some(shared) if seen <= shared => Ok(()),
        Some(_) | None => Err(another(id)),
    }
}

/// The log that a request speaks of.
///
/// # Errors
/// 400 `invalid_log_id`.
pub fn asked_for(headers: &HeaderMap) -> Result<Option<Uuid>, Problem> {
    let Some(value) = headers.get(LOG_ID) else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.trim().parse().ok());
    let detail = "Log-Id is the one of an earlier answer";
    id.map(Some).ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "invalid_log_id", detail))
}

/// Refuses those who speak of another log than this.
///
/// # Errors
/// 409 `another_log`, with the id of this one.
pub fn must_be(id: Uuid, asked: Option<Uuid>) -> Result<(), Problem> {
    match asked {
        Some(asked) if asked != id => Err(another(id)),
        _ => Ok(()),
    }
}

/// What those are told who speak of another log.
pub fn another(id: Uuid) -> Problem {
    let detail =
        "the log was replaced, as by a restore: positions of the one before mean nothing here";
    Problem::new(StatusCode::CONFLICT, "another_log", detail).with("log_id", id.to_string())
}
