//! `/v1/events`: the log itself, as lines of JSON up to its head, or live as server-sent events.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use event_store::{RawEvent, read};
use futures::stream;
use serde::Deserialize;
use service::Problem;
use service::extract::Query;
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::{App, EXPORTS_MAX};
use crate::line::Who;
use crate::live::Follower;

/// Positions looked at for one page.
const PAGE_EVENTS: i64 = 500;
/// Bytes after which what is sent at once ends: what an export or a follower holds in memory.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// The most pages read at once for all exports and followers together: those that catch up must
/// not take every connection from the others.
pub const PAGE_READS_MAX: usize = 4;
/// What a refused client is told to wait.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(5);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Which events, as it stands in the query.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Only after this position. Live streams without it begin now.
    after: Option<i64>,
    /// Only up to this position.
    until: Option<i64>,
    /// No more than this many.
    limit: Option<u64>,
    /// Only of these types, repeated or with commas between them.
    #[serde(default)]
    types: Vec<String>,
}

/// Which events are still to be sent.
#[derive(Debug)]
pub struct Selection {
    /// All up to here were sent, or not wanted.
    pub after: i64,
    until: i64,
    left: u64,
    types: Vec<String>,
}

impl Selection {
    /// Whether nothing is left to send.
    pub fn is_done(&self) -> bool {
        self.left == 0 || self.after >= self.until
    }

    /// Goes past one event and says whether to send it.
    pub fn takes(&mut self, position: i64, kind: &str) -> bool {
        if self.is_done() || position > self.until {
            return false;
        }
        self.after = self.after.max(position);
        let wanted = self.types.is_empty() || self.types.iter().any(|wanted| wanted == kind);
        self.left -= u64::from(wanted);
        wanted
    }
}

/// The log as exports and followers read it: a few pages at once. Cheap to clone.
#[derive(Clone)]
pub struct Pages {
    db: PgPool,
    turns: Arc<Semaphore>,
}

impl Pages {
    /// Those of the log in `db`.
    pub fn new(db: PgPool) -> Self {
        Self { db, turns: Arc::new(Semaphore::new(PAGE_READS_MAX)) }
    }

    /// The next events of a selection out of one page of the log, encoded, and moves on past them.
    /// No bytes with the selection where it was means that the log has no more.
    pub async fn read(
        &self,
        selection: &mut Selection,
        encode: fn(&RawEvent) -> Bytes,
    ) -> sqlx::Result<Bytes> {
        let (page, scanned_to) = {
            // Never closed; and what was read is sent without a turn.
            let _turn = self.turns.acquire().await;
            read_page(&self.db, selection).await?
        };
        let mut bytes = Vec::new();
        for event in &page {
            // The rest is read again when this was taken.
            if bytes.len() >= CHUNK_BYTES {
                return Ok(bytes.into());
            }
            if selection.takes(event.position, &event.kind) {
                bytes.extend_from_slice(&encode(event));
            }
        }
        if !selection.is_done() {
            selection.after = scanned_to;
        }
        Ok(bytes.into())
    }
}

/// The next page of the log that a selection looks at, and where it ends.
async fn read_page(db: &PgPool, selection: &Selection) -> sqlx::Result<(Vec<RawEvent>, i64)> {
    let scan = PAGE_EVENTS.min(selection.until - selection.after);
    if selection.types.is_empty() {
        let page = read::after(db, selection.after, scan).await?;
        let last = page.last().map_or(selection.after, |event| event.position);
        return Ok((page, last));
    }
    let page = read::of_types(db, selection.after, &selection.types, scan).await?;
    Ok((page.events, page.scanned_to))
}

/// `GET /v1/events`
pub async fn events(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let types = known_types(&wanted.types)?;
    let head = read::head(&mut *app.line.connection(Who::Newcomer).await?).await?;
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let live = text(header::ACCEPT).is_some_and(|kinds| kinds.contains("text/event-stream"));
    let mut selection = Selection {
        after: wanted.after.unwrap_or(0).max(0),
        until: wanted.until.unwrap_or(i64::MAX),
        left: wanted.limit.unwrap_or(u64::MAX),
        types,
    };
    if live {
        // Where the browser was before it lost us counts more than where it once began.
        let resumed = text(LAST_EVENT_ID).and_then(|id| id.trim().parse().ok());
        selection.after = resumed.or(wanted.after).unwrap_or(head).max(0);
        return Ok(server_sent(app.live.follow(selection)?));
    }
    selection.until = selection.until.min(head);
    let Ok(place) = app.exports.clone().try_acquire_owned() else {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_exports",
            format!("{EXPORTS_MAX} exports of the log are under way"),
        )
        .retry_after(RETRY_AFTER));
    };
    Ok(lines(app.live.pages.clone(), selection, place))
}

/// Unknown types are refused: a typing error must not look like silence.
fn known_types(wanted: &[String]) -> Result<Vec<String>, Problem> {
    let names: BTreeSet<&str> = wanted
        .iter()
        .flat_map(|names| names.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    for name in &names {
        if !domain::event::types().any(|(known, _)| known == *name) {
            let detail = format!("no event is called '{name}'");
            let problem = "a parameter of the query is wrong";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_query", problem).parameter(
                "types",
                "unknown_event_type",
                detail,
            ));
        }
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// One event a line. The next page is read when the client has taken this one.
fn lines(pages: Pages, selection: Selection, place: OwnedSemaphorePermit) -> Response {
    let begin = (pages, selection, place);
    let chunks = stream::try_unfold(begin, |(pages, mut selection, place)| async {
        while !selection.is_done() {
            let before = selection.after;
            let bytes = pages.read(&mut selection, line).await?;
            if !bytes.is_empty() {
                return Ok(Some((bytes, (pages, selection, place))));
            }
            if selection.after == before {
                break;
            }
        }
        Ok::<_, sqlx::Error>(None)
    });
    let kind = HeaderValue::from_static("application/x-ndjson");
    ([(header::CONTENT_TYPE, kind)], Body::from_stream(chunks)).into_response()
}

fn line(event: &RawEvent) -> Bytes {
    // Text, numbers and JSON that was parsed: this cannot fail.
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

fn server_sent(follower: Follower) -> Response {
    let frames = stream::unfold(follower, |mut follower| async {
        let frame = follower.next().await?;
        Some((Ok::<_, std::convert::Infallible>(frame), follower))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies that buffer would hold events back.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(frames)).into_response()
}
