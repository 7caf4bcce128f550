//! Which log this is. After a restore the same position may mean another event, so every answer
//! names its log in `Log-Id`; whoever sends that back is told by 409 when it is another one
//! meanwhile.

use std::sync::RwLock;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use event_store::read;
use service::Problem;
use sqlx::PgPool;
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

    /// Why these headers are refused, if they speak of another log. What is read at a position asks
    /// Postgres itself once more, in the statement that reads or right before it.
    pub(crate) async fn refusal(&self, headers: &HeaderMap) -> Option<Problem> {
        let asked = match asked_for(headers) {
            Ok(asked) => asked?,
            Err(problem) => return Some(problem),
        };
        if self.id() == Some(asked) {
            return None;
        }
        self.checked(asked).await.err()
    }

    async fn checked(&self, asked: Uuid) -> Result<(), Problem> {
        // Anybody may come here, with any id: they stand in line as all do.
        let mut db = self.queue.connection(Who::Newcomer).await?;
        let found = read::log(&mut *db).await?;
        self.remember(found.id);
        must_be(found.id, Some(asked))
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
