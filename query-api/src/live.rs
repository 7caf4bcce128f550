//! The end of the log, as server-sent events for everybody who follows it.
//!
//! A follower near the head is served from the tail that all of them share, where each event is
//! received, read and written as JSON once; one that is behind reads pages of Postgres until it is
//! near. Slow followers hold nothing but their place and what is being sent to them.
//!
//! An id is `<position>.<log id>`: a browser sends it back when it connects again, and is told when
//! the log was replaced meanwhile.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use axum::http::StatusCode;
use bytes::Bytes;
use event_store::tail::{Heard, Listener, Tail};
use event_store::{RawEvent, read};
use service::Problem;
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::log;
use crate::metrics::UnderWay;
use crate::progress::position_unknown;
use crate::reading::{CHUNK_BYTES, Pages, Reading, Selection};

/// The most followers at once.
pub const FOLLOWERS_MAX: usize = 256;
/// How often a silent stream says that it is alive.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// What a refused follower is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// What a browser waits before it connects again, milliseconds.
pub(crate) const RECONNECT_MILLIS: u32 = 2_000;

/// The shared end of the log. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    db: PgPool,
    /// For those who are behind; exports share it.
    pub(crate) pages: Pages,
    tail: Tail,
    room: Arc<Semaphore>,
    pub(crate) stop: CancellationToken,
}

impl Live {
    /// Shares the end of the log in `db`, until `stop`.
    pub fn start(
        db: PgPool,
        bus: Option<jetstream::Context>,
        stream_name: String,
        stop: CancellationToken,
    ) -> Self {
        let tail = Tail::start(db.clone(), bus, stream_name);
        let (pages, room) = (Pages::new(db.clone()), Arc::new(Semaphore::new(FOLLOWERS_MAX)));
        Self { db, pages, tail, room, stop }
    }

    /// Hears what comes at the end of a log.
    pub(crate) fn listen(&self, log_id: Uuid) -> Listener {
        self.tail.listen(Some(log_id))
    }

    /// Follows a log from a selection on.
    pub fn follow(&self, selection: Selection, log_id: Uuid) -> Result<Subscriber, Problem> {
        let Ok(place) = self.room.clone().try_acquire_owned() else {
            return Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_followers",
                format!("{FOLLOWERS_MAX} clients follow the log already"),
            )
            .retry_after(RETRY_AFTER));
        };
        Ok(Subscriber {
            live: self.clone(),
            log_id,
            listener: self.tail.listen(Some(log_id)),
            reading: Reading::new(self.pages.clone(), selection),
            state: State::Behind,
            last_sent: None,
            _place: place,
            _under_way: UnderWay::new("followers"),
        })
    }
}

/// Where a follower gets its next events from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Postgres.
    Behind,
    /// The tail.
    Near,
    /// Nowhere: the log that it followed is no more, and it was told so.
    Ended,
}

/// One client's place in the log.
pub struct Subscriber {
    live: Live,
    log_id: Uuid,
    listener: Listener,
    reading: Reading,
    state: State,
    /// Nothing before the greeting.
    last_sent: Option<Instant>,
    _place: OwnedSemaphorePermit,
    _under_way: UnderWay,
}

impl Subscriber {
    /// The next bytes to send; nothing when the stream is at its end.
    pub async fn next(&mut self) -> Option<Bytes> {
        let bytes = match self.last_sent {
            None => Bytes::from(format!("retry: {RECONNECT_MILLIS}\n\n")),
            Some(last_sent) => self.events_or_heartbeat(last_sent + HEARTBEAT).await?,
        };
        self.last_sent = Some(Instant::now());
        Some(bytes)
    }

    async fn events_or_heartbeat(&mut self, due: Instant) -> Option<Bytes> {
        let stop = self.live.stop.clone();
        while !self.reading.selection.is_done() && !stop.is_cancelled() {
            let bytes = match self.state {
                State::Behind => self.read_postgres().await?,
                State::Near => tokio::select! {
                    bytes = self.hear_tail(due) => bytes,
                    () = stop.cancelled() => return None,
                },
                State::Ended => return None,
            };
            if !bytes.is_empty() {
                return Some(bytes);
            }
            if Instant::now() >= due {
                return Some(self.heartbeat());
            }
        }
        None
    }

    /// A page; and once there are no more, whether this is still the log that is followed.
    async fn read_postgres(&mut self) -> Option<Bytes> {
        match self.read_page().await {
            Ok(bytes) => Some(bytes),
            // The client comes back by itself and says where it was.
            Err(error) => {
                tracing::warn!(error = event_store::causes(&error), "a follower is cut off");
                None
            }
        }
    }

    async fn read_page(&mut self) -> sqlx::Result<Bytes> {
        let log_id = self.log_id;
        let chunk = self.reading.next(|event, to| write(log_id, event, to)).await?;
        if chunk.more {
            return Ok(chunk.bytes);
        }
        let (log, position) = (read::log(&self.live.db).await?, self.reading.selection.after);
        if log.id != log_id {
            return Ok(self.end(&log::another(log.id)));
        }
        if log.head < position && !log.standby {
            return Ok(self.end(&position_unknown(log.head, position)));
        }
        self.state = State::Near;
        Ok(chunk.bytes)
    }

    /// What the tail has, or brings until then.
    async fn hear_tail(&mut self, until: Instant) -> Bytes {
        let Self { log_id, ref mut reading, ref mut listener, .. } = *self;
        let selection = &mut reading.selection;
        match listener.next(selection.after, until, CHUNK_BYTES).await {
            Heard::Events(batch) => {
                let mut bytes = Vec::new();
                for event in &batch.events {
                    if selection.takes(event.position, &event.kind) {
                        write(log_id, event, &mut bytes);
                    }
                }
                bytes.into()
            }
            Heard::Nothing => Bytes::new(),
            Heard::Behind => {
                self.state = State::Behind;
                Bytes::new()
            }
            Heard::AnotherLog(id) => self.end(&log::another(id)),
        }
    }

    /// The last thing that is sent, under the code of a problem. Whoever connects again is refused
    /// with the same, which a browser takes for the end.
    fn end(&mut self, problem: &Problem) -> Bytes {
        self.state = State::Ended;
        let json = serde_json::to_string(problem).unwrap_or_default();
        Bytes::from(format!("event: {}\ndata: {json}\n\n", problem.code()))
    }

    /// A comment, and the position without an event: a filter that seldom matches need not begin
    /// where it last did.
    fn heartbeat(&self) -> Bytes {
        let (position, log_id) = (self.reading.selection.after, self.log_id);
        Bytes::from(format!(": heartbeat\nid: {position}.{log_id}\n\n"))
    }
}

/// An event as a server-sent event.
fn write(log_id: Uuid, event: &RawEvent, to: &mut Vec<u8>) {
    let mut head = String::with_capacity(96);
    // Writing to a string cannot fail.
    let _ = write!(head, "id: {}.{log_id}\nevent: {}\ndata: ", event.position, event.kind);
    to.extend_from_slice(head.as_bytes());
    to.extend_from_slice(event.line().as_bytes());
    to.extend_from_slice(b"\n\n");
}
