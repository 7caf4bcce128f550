//! The state of one thing at any point of the past: the log folded up to there, by the same pure
//! folds that build the read models.
//!
//! A point in time means what the log held then: events count from when they were recorded, which
//! for imported history is when it was imported, not from when they occurred.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use domain::{Category, Seen, StreamId};
use event_store::{RawEvent, Recorded, read};
use identity::Principal;
use schemars::JsonSchema;
use serde::Deserialize;
use service::Problem;
use service::json::TIME_WANTED;
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::bounded::bounded;
use crate::cursor::day_in_range;
use crate::document::{Folded, Stored};
use crate::queue::{Queue, Who};

/// The most events folded for one answer.
pub const EVENTS_MAX: usize = 100_000;
/// The most folds at once; each reads a long stretch of the log.
pub const FOLDS_MAX: usize = 3;
/// The most that wait for a place; more are refused at once.
pub const FOLDS_WAITING_MAX: usize = 6;
/// How long one waits for its place before it is refused, and what it is told to wait then.
const PLACE_TIMEOUT: Duration = Duration::from_secs(2);
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Events read at once.
const PAGE_EVENTS: i64 = 1_000;

/// A point of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, extend(
    "pattern" = r"^([0-9]{1,18}|[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].*)$",
    "examples" = ["1", "2026-01-31T12:00:00Z"],
))]
pub enum Point {
    /// After the event at this position.
    Position(i64),
    /// After everything recorded up to this time.
    Time(DateTime<Utc>),
}

impl TryFrom<String> for Point {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.parse() {
            Ok(position @ 0..) => return Ok(Self::Position(position)),
            Ok(_) => return Err("must not be negative"),
            Err(_) => {}
        }
        time(&text)
            .map(Self::Time)
            .ok_or("must be a position, or an RFC 3339 time, such as 2026-01-31T12:00:00Z")
    }
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    // An unescaped plus in a query means a space.
    let time = DateTime::parse_from_rfc3339(&text.replace(' ', "+"));
    time.ok().map(|time| time.to_utc())
}

/// A time in a query.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, extend("format" = "date-time"))]
pub struct Time(pub DateTime<Utc>);

impl TryFrom<String> for Time {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        time(&text).map(Self).ok_or(TIME_WANTED)
    }
}

/// A day in a query.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, extend("format" = "date"))]
pub struct Day(NaiveDate);

impl TryFrom<String> for Day {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self).map_err(|_| "must be a day, such as 2026-01-31")
    }
}

impl Day {
    /// The day itself, or the nearest one that Postgres knows for sure.
    pub fn in_range(self) -> NaiveDate {
        day_in_range(self.0)
    }
}

impl Point {
    fn includes(self, event: &RawEvent) -> bool {
        match self {
            Self::Position(position) => event.position <= position,
            Self::Time(time) => event.recorded_at <= time,
        }
    }
}

/// The past of everything. It is walked through by a few at a time.
pub struct Past {
    queue: Queue,
    places: Arc<Semaphore>,
    wanted: Arc<Semaphore>,
}

impl Past {
    /// That of the log behind the connections of `queue`.
    pub fn new(queue: Queue) -> Self {
        let places = Arc::new(Semaphore::new(FOLDS_MAX));
        Self { queue, places, wanted: Arc::new(Semaphore::new(FOLDS_MAX + FOLDS_WAITING_MAX)) }
    }

    /// A document as it was then: folded from its own stream first, then from those that its events
    /// name.
    pub async fn document<F: Folded>(
        &self,
        principal: Principal,
        stream: StreamId,
        point: Point,
    ) -> Result<Option<Stored>, Problem> {
        let (place, walk) = self.walk(principal, point).await?;
        bounded(place, walk.document::<F>(stream)).await
    }

    /// Waits for a place to walk.
    async fn walk(
        &self,
        principal: Principal,
        point: Point,
    ) -> Result<(OwnedSemaphorePermit, Walk), Problem> {
        let wanted = self.wanted.clone().try_acquire_owned().map_err(|_| too_many())?;
        let place = timeout(PLACE_TIMEOUT, self.places.clone().acquire_owned()).await;
        // Never closed.
        let place = place.map_err(|_| too_many())?.map_err(|_| too_many())?;
        let mut db = self.queue.connection(Who::LetIn).await?;
        if let Point::Position(position) = point {
            let head = read::head(&mut *db).await?;
            if position > head {
                return Err(ahead(principal.works_here().then_some(head), position));
            }
        }
        Ok((place, Walk { db, point, left: EVENTS_MAX, _wanted: wanted }))
    }
}

/// One walk through the past, with its connection and what it may still read.
struct Walk {
    db: PoolConnection<Postgres>,
    point: Point,
    left: usize,
    _wanted: OwnedSemaphorePermit,
}

impl Walk {
    async fn document<F: Folded>(mut self, stream: StreamId) -> Result<Option<Stored>, Problem> {
        let mut parts = Vec::new();
        let fold = |document, seen: &Seen<'_>| {
            parts.extend(F::PART.and_then(|part| part(seen.event)));
            F::fold(document, seen)
        };
        let begun = match F::begins_with(&stream) {
            Some(first) => self.fold(&first, None, F::fold).await?.0,
            None => None,
        };
        let (mut document, next) = self.fold(&stream, begun, fold).await?;
        // What a command appends to a part may stand before what names the part: the point may lie
        // between the two.
        if let (Some(next), Some(part)) = (next, F::PART) {
            parts.extend(part(&decoded(&next)?.event));
        }
        for part in &parts {
            (document, _) = self.fold(part, document, F::fold).await?;
        }
        let Some(document) = document else { return Ok(None) };
        let tag = F::tag(F::revision(&document));
        let document = serde_json::to_string(&document).map_err(|error| {
            tracing::error!(%error, "a document is no JSON");
            Problem::internal()
        })?;
        Ok(Some(Stored { document, tag }))
    }

    /// The document with the events of a stream up to the point, and the first event after it.
    async fn fold<D>(
        &mut self,
        stream: &StreamId,
        mut document: Option<D>,
        mut fold: impl FnMut(Option<D>, &Seen<'_>) -> Option<D>,
    ) -> Result<(Option<D>, Option<RawEvent>), Problem> {
        let name = stream.to_string();
        // Versions have no gaps: whether there are too many is known before the first is read.
        let beyond = i64::try_from(self.left).unwrap_or(i64::MAX);
        let beyond = read::of_stream(&mut *self.db, &name, beyond, 1).await?.events;
        if beyond.iter().any(|raw| self.point.includes(raw)) {
            return Err(too_long());
        }
        let mut after = 0;
        loop {
            let page = read::of_stream(&mut *self.db, &name, after, PAGE_EVENTS).await?.events;
            if page.is_empty() {
                return Ok((document, None));
            }
            for raw in page {
                if !self.point.includes(&raw) {
                    return Ok((document, Some(raw)));
                }
                self.left = self.left.checked_sub(1).ok_or_else(too_long)?;
                document = step(&raw, document, &mut fold)?;
                after = raw.version;
            }
        }
    }
}

fn step<D>(
    raw: &RawEvent,
    document: Option<D>,
    fold: &mut impl FnMut(Option<D>, &Seen<'_>) -> Option<D>,
) -> Result<Option<D>, Problem> {
    let recorded = decoded(raw)?;
    let seen = Seen {
        stream: &recorded.stream,
        version: recorded.version,
        position: recorded.position,
        occurred_at: recorded.occurred_at,
        event: &recorded.event,
    };
    Ok(fold(document, &seen))
}

fn decoded(raw: &RawEvent) -> Result<Recorded, Problem> {
    raw.decode().map_err(|error| {
        tracing::error!(
            position = raw.position,
            stream = raw.stream,
            error = event_store::causes(&error),
            "an event cannot be read"
        );
        // A newer program wrote it: no retry helps, but an upgrade. Which it is stands in the log.
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "stream_unreadable",
            "an event of this past cannot be read by this program",
        )
    })
}

/// The log has not come so far. How far it has, which tells how much a shop sells, is for those who
/// work here.
fn ahead(head: Option<i64>, position: i64) -> Problem {
    let status = StatusCode::BAD_REQUEST;
    if let Some(head) = head {
        let detail = format!("the log has come to position {head}, not yet to {position}");
        return Problem::new(status, "as_of_ahead", detail).with("head", head);
    }
    let detail = format!("the log has not yet come to position {position}");
    Problem::new(status, "as_of_ahead", detail)
}

fn too_many() -> Problem {
    let detail = "too many requests look at the past";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_folds", detail).retry_after(RETRY_AFTER)
}

fn too_long() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "history_too_long",
        format!("more than {EVENTS_MAX} events stand before that point"),
    )
}

/// The stream of `category` whose id stands in a path.
pub fn stream(category: Category, parameter: &str, id: &str) -> Result<StreamId, Problem> {
    let unknown = || {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_path",
            "the path names nothing that can exist",
        )
        .parameter(
            parameter,
            "invalid_value",
            format!("no {} has an id that is spelled so; answers spell it", category.name()),
        )
    };
    // Spelled as it is in the log, not in another way that is read as the same.
    let stream = StreamId::of(category, id).ok_or_else(unknown)?;
    let spelled = stream.to_string() == format!("{}-{id}", category.name());
    spelled.then_some(stream).ok_or_else(unknown)
}
