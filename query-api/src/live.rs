//! The end of the log, for everybody who follows it, framed as they take it ([`crate::frames`]).
//!
//! A follower near the head is served from the tail that all of them share, where each event is
//! received, read and written as JSON once; one that is behind reads pages of Postgres until it is
//! near. Slow followers hold nothing but their place and what is being sent to them.
//!
//! An id is `<position>.<log id>`: a browser sends it back when it connects again, and is told when
//! the log was replaced meanwhile.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use axum::http::StatusCode;
use bytes::Bytes;
use event_store::tail::{Heard, Listener, Tail};
use event_store::{RawEvent, identity, read};
use service::Problem;
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::frames::{At, Framing};
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
    pub fn follow(
        &self,
        selection: Selection,
        log_id: Uuid,
        framing: Framing,
    ) -> Result<Subscriber, Problem> {
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
            framing,
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
    framing: Framing,
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
            None => self.framing.greeting(Some(self.at())),
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
                // A filter that seldom matches need not begin where it last did.
                return Some(self.framing.heartbeat(Some(self.at())));
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
        let (log_id, framing) = (self.log_id, self.framing);
        let chunk = self.reading.next(|event, to| write(framing, log_id, event, to)).await?;
        if chunk.more {
            return Ok(chunk.bytes);
        }
        let (log, position) = (read::log(&self.live.db).await?, self.reading.selection.after);
        if log.id != log_id {
            return Ok(self.turned(log.id).await);
        }
        if !log.in_force {
            // The client comes back by itself.
            self.state = State::Ended;
            return Ok(Bytes::new());
        }
        if log.head < position && !log.standby {
            return Ok(self.end(&position_unknown(log.head, position)));
        }
        self.state = State::Near;
        Ok(chunk.bytes)
    }

    /// What the tail has, or brings until then.
    async fn hear_tail(&mut self, until: Instant) -> Bytes {
        let Self { log_id, framing, ref mut reading, ref mut listener, .. } = *self;
        let selection = &mut reading.selection;
        match listener.next(selection.after, until, CHUNK_BYTES).await {
            Heard::Events(batch) => {
                let mut bytes = Vec::new();
                for event in &batch.events {
                    if selection.takes(event.position, &event.kind) {
                        write(framing, log_id, event, &mut bytes);
                    }
                }
                bytes.into()
            }
            Heard::Nothing => Bytes::new(),
            Heard::Behind => {
                self.state = State::Behind;
                Bytes::new()
            }
            Heard::AnotherLog(id) => self.turned(id).await,
        }
    }

    /// The log is another one. Who has seen nothing that the two do not share is cut off, comes
    /// back by itself, and goes on.
    async fn turned(&mut self, id: Uuid) -> Bytes {
        let seen = self.reading.selection.after;
        match identity::shared_with(&self.live.db, self.log_id).await {
            Ok(shared) if shared.is_none_or(|shared| shared < seen) => self.end(&log::another(id)),
            Ok(_) | Err(_) => {
                self.state = State::Ended;
                Bytes::new()
            }
        }
    }

    /// The last thing that is sent, under the code of a problem. Whoever connects again is refused
    /// with the same, which a browser takes for the end.
    fn end(&mut self, problem: &Problem) -> Bytes {
        self.state = State::Ended;
        let json = serde_json::to_string(problem).unwrap_or_default();
        self.framing.end(problem.code(), &json)
    }

    fn at(&self) -> At {
        At(self.reading.selection.after, self.log_id)
    }
}

fn write(framing: Framing, log_id: Uuid, event: &RawEvent, to: &mut Vec<u8>) {
    framing.write(At(event.position, log_id), &event.kind, event.line(), to);
}
