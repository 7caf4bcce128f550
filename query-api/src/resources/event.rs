//! `/v1/events`: the log itself, as lines of JSON up to its head, or live as server-sent events;
//! `/v1/events/ws`: live over a WebSocket.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use event_store::read::{self, Log};
use futures::{Stream, StreamExt as _, stream};
use schemars::JsonSchema;
use serde::Deserialize;
use service::Problem;
use service::extract::Query;
use sqlx::PgConnection;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use uuid::Uuid;

use crate::app::{App, EXPORTS_MAX};
use crate::frames::Framing;
use crate::live::Subscriber;
use crate::log;
use crate::metrics::UnderWay;
use crate::pass::Pass;
use crate::past::Point;
use crate::progress::position_unknown;
use crate::queue::Who;
use crate::reading::{Chunk, Reading, Selection};
use crate::socket::Socket;

/// How often an export that finds nothing to send sends an empty line, so that nobody on the way
/// takes it for dead.
const EMPTY_LINE_PERIOD: Duration = Duration::from_secs(15);
/// What a refused client is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(5);
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const NEXT_AFTER: HeaderName = HeaderName::from_static("next-after");
const LINES: &str = "application/x-ndjson";
pub(crate) const LIVE: &str = "text/event-stream";

/// Which events, as it stands in the query.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Only after this position, or recorded after this time. Live streams without it begin now.
    after: Option<Point>,
    /// Only up to this position, or recorded by this time.
    until: Option<Point>,
    /// No more than this many.
    limit: Option<u64>,
    /// Only of these types, repeated or with commas between them.
    #[serde(default)]
    types: Vec<String>,
    /// Where a stream broke off, for those who cannot say so in `Last-Event-ID`.
    last_event_id: Option<String>,
}

/// `GET /v1/events`
pub async fn events(
    State(app): State<App>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    pass: Pass,
) -> Result<Response, Problem> {
    let is_live = is_live(&headers)?;
    let (log, selection) = selected(&app, parameters, &headers, is_live).await?;
    if is_live {
        // All there was to come has come. Else whoever follows by an `EventSource` would be back at
        // once, and again, for ever.
        if selection.is_done() {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        let follower = app.live.follow(selection, log.id, Framing::ServerSent)?;
        return Ok(server_sent(pass.hold(frames(follower))));
    }
    let Ok(place) = app.exports.clone().try_acquire_owned() else {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_many_exports",
            format!("{EXPORTS_MAX} exports of the log are under way"),
        )
        .retry_after(RETRY_AFTER));
    };
    Ok(export(&app, log, selection, place))
}

/// `GET /v1/events/ws`
pub async fn socket(
    State(app): State<App>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    pass: Pass,
    socket: Socket,
) -> Result<Response, Problem> {
    let (log, selection) = selected(&app, parameters, &headers, true).await?;
    let follower = app.live.follow(selection, log.id, Framing::Line)?;
    Ok(socket.send(pass.hold(frames(follower)), app.live.stop.clone()))
}

/// Which log it is, and what of it is asked for.
async fn selected(
    app: &App,
    parameters: Parameters,
    headers: &HeaderMap,
    is_live: bool,
) -> Result<(Log, Selection), Problem> {
    let Parameters { after, until, limit, types, last_event_id } = parameters;
    let types = known_types(&types)?;
    // Where the browser was before it lost us counts more than where it once began.
    let last = LastEvent::of(headers, last_event_id.as_deref())?;
    let mut db = app.queue.connection(Who::Newcomer).await?;
    let log = read::log(&mut *db).await?;
    log::must_be(log.id, log::asked_for(headers)?)?;
    if let Some(LastEvent { position, log_id }) = last {
        log::must_share(&mut db, log.id, log_id, position).await?;
    }
    let begin = if is_live { log.head } else { 0 };
    let after = match (last, after) {
        (Some(last), _) => last.position,
        (None, Some(point)) => position(&mut db, point).await?,
        (None, None) => begin,
    };
    // A standby does not know the last events yet.
    if after > log.head && !log.standby {
        return Err(position_unknown(log.head, after));
    }
    let until = match until {
        Some(point) => position(&mut db, point).await?,
        None => i64::MAX,
    };
    let left = limit.unwrap_or(u64::MAX);
    Ok((log, Selection { after, until, left, types }))
}

/// Whether somebody wants to follow the log, not the lines that are there.
fn is_live(headers: &HeaderMap) -> Result<bool, Problem> {
    let mut kinds = headers
        .get_all(header::ACCEPT)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
        .filter(|kind| !kind.is_empty())
        .peekable();
    if kinds.peek().is_none() {
        return Ok(false);
    }
    let mut acceptable = false;
    for kind in kinds {
        if kind == LIVE {
            return Ok(true);
        }
        // Lines of JSON have other names too.
        let lines = [LINES, "application/ndjson", "application/jsonl", "application/json"];
        acceptable |= lines.contains(&kind.as_str()) || kind == "*/*" || kind == "application/*";
    }
    if acceptable {
        return Ok(false);
    }
    let detail = format!("events come as {LINES}, or live as {LIVE}");
    Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail))
}

/// `Last-Event-ID`: a position, and the log it is of unless an older program sent it.
#[derive(Clone, Copy)]
pub(crate) struct LastEvent {
    pub(crate) position: i64,
    pub(crate) log_id: Option<Uuid>,
}

impl LastEvent {
    /// As the header says, or else the query.
    pub(crate) fn of(headers: &HeaderMap, query: Option<&str>) -> Result<Option<Self>, Problem> {
        let named = match headers.get(LAST_EVENT_ID) {
            Some(value) => Some(value.to_str().unwrap_or_default()),
            None => query,
        };
        named.map(Self::read).transpose()
    }

    fn read(text: &str) -> Result<Self, Problem> {
        let read = |text: &str| {
            let (position, log_id) = match text.trim().split_once('.') {
                Some((position, log_id)) => (position, Some(log_id.parse().ok()?)),
                None => (text.trim(), None),
            };
            let position = position.parse().ok().filter(|position| *position >= 0)?;
            Some(Self { position, log_id })
        };
        read(text).ok_or_else(|| {
            let detail = "Last-Event-ID is the id of an event or a heartbeat of this stream";
            Problem::new(StatusCode::BAD_REQUEST, "invalid_last_event_id", detail)
        })
    }
}

async fn position(db: &mut PgConnection, point: Point) -> sqlx::Result<i64> {
    match point {
        Point::Position(position) => Ok(position),
        Point::Time(time) => read::position_at(db, time).await,
    }
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
        if !domain::Event::types().any(|(known, _)| known == *name) {
            let detail = "no event is called so; the description of the API lists those there are";
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

/// One event a line, up to the head that the log had. The next page is read when the client has
/// taken this one.
///
/// `Next-After` is where to go on once the last line is there, as far as that is known before.
fn export(app: &App, log: Log, selection: Selection, place: OwnedSemaphorePermit) -> Response {
    let until = selection.until.min(log.head);
    let next_after = next_after(&selection, until).map(HeaderValue::from);
    let export = Export {
        reading: Reading::new(app.live.pages.clone(), Selection { until, ..selection }),
        last_sent: Instant::now(),
        _place: place,
        _under_way: UnderWay::new("exports"),
    };
    let chunks = stream::try_unfold(export, async |mut export| {
        let chunk = export.next().await?;
        Ok::<_, sqlx::Error>(chunk.map(|chunk| (chunk, export)))
    });
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(LINES)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let mut response = (headers, Body::from_stream(chunks)).into_response();
    if let Some(next_after) = next_after {
        response.headers_mut().insert(NEXT_AFTER, next_after);
    }
    response
}

/// Where an export up to `until` ends; unknown where a `limit` may end it at one event of some
/// types, which is found by reading alone. Of all types, one is at each position.
fn next_after(selection: &Selection, until: i64) -> Option<i64> {
    let Selection { after, left, types, .. } = selection;
    let end = until.max(*after);
    if u64::try_from(end - after).is_ok_and(|there| there <= *left) {
        return Some(end);
    }
    types.is_empty().then(|| after.saturating_add_unsigned(*left))
}

/// An export under way.
struct Export {
    reading: Reading,
    last_sent: Instant,
    _place: OwnedSemaphorePermit,
    _under_way: UnderWay,
}

impl Export {
    /// The next lines; nothing at the end.
    async fn next(&mut self) -> sqlx::Result<Option<Bytes>> {
        while !self.reading.selection.is_done() {
            let Chunk { mut bytes, more } = self
                .reading
                .next(|event, to| {
                    to.extend_from_slice(event.line().as_bytes());
                    to.push(b'\n');
                })
                .await?;
            if bytes.is_empty() && self.last_sent.elapsed() >= EMPTY_LINE_PERIOD {
                bytes = Bytes::from_static(b"\n");
            }
            if !bytes.is_empty() {
                self.last_sent = Instant::now();
                return Ok(Some(bytes));
            }
            if !more {
                break;
            }
        }
        Ok(None)
    }
}

fn frames(follower: Subscriber) -> impl Stream<Item = Bytes> + Send + 'static {
    stream::unfold(follower, |mut follower| async {
        let frame = follower.next().await?;
        Some((frame, follower))
    })
}

/// Frames as they are sent for as long as somebody takes them.
pub(crate) fn server_sent(frames: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(LIVE)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies that buffer would hold frames back.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(frames.map(Ok::<_, Infallible>))).into_response()
}
