//! The end of the log, shared by everybody who follows it.
//!
//! One task reads each new event once and keeps the last few, ready to send. A follower near the
//! head is served from there; one that is behind reads pages of Postgres until it is near. The
//! task rests while nobody follows. Slow followers hold nothing but their place.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream;
use axum::http::StatusCode;
use bytes::Bytes;
use event_store::feed::Feed;
use event_store::{RawEvent, read};
use service::Problem;
use sqlx::PgPool;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::routes::events::{CHUNK_BYTES, Pages, Selection};

/// The most followers at once.
pub const FOLLOWERS_MAX: usize = 256;
/// How often a silent stream says that it is alive.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// What is kept of the end of the log: events, and bytes of them.
const TAIL_EVENTS_MAX: usize = 2_048;
const TAIL_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The pause after the log could not be read.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// What a refused follower is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// What a browser waits before it connects again, milliseconds.
const RECONNECT_MILLIS: u32 = 2_000;

/// One event, ready to send.
struct Frame {
    position: i64,
    kind: String,
    bytes: Bytes,
}

/// The events after `from` up to `upto`.
#[derive(Clone)]
struct Tail {
    from: i64,
    upto: i64,
    frames: Arc<[Arc<Frame>]>,
}

impl Tail {
    /// Nobody follows: nobody is near.
    fn idle() -> Self {
        Self { from: i64::MAX, upto: i64::MAX, frames: Arc::new([]) }
    }
}

/// The shared end of the log. Cheap to clone.
#[derive(Clone)]
pub struct Live {
    db: PgPool,
    /// For those who are behind; exports share it.
    pub(crate) pages: Pages,
    tail: Arc<watch::Sender<Tail>>,
    somebody_follows: Arc<Notify>,
    room: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Live {
    /// Starts the task, which ends with `stop`; so do all followers.
    pub fn start(
        db: PgPool,
        bus: Option<jetstream::Context>,
        stream_name: String,
        stop: CancellationToken,
    ) -> Self {
        let live = Self {
            pages: Pages::new(db.clone()),
            db,
            tail: Arc::new(watch::Sender::new(Tail::idle())),
            somebody_follows: Arc::new(Notify::new()),
            room: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
            stop,
        };
        let (task, stop) = (live.clone(), live.stop.clone());
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            loop {
                task.somebody_follows.notified().await;
                if let Err(error) = task.keep(bus.as_ref(), &stream_name).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the log is away");
                    tokio::time::sleep(RETRY_PAUSE).await;
                    task.somebody_follows.notify_one();
                }
                task.tail.send_replace(Tail::idle());
            }
        }));
        live
    }

    /// Keeps the tail for as long as somebody follows.
    async fn keep(
        &self,
        bus: Option<&jetstream::Context>,
        stream_name: &str,
    ) -> Result<(), event_store::feed::FeedError> {
        let head = read::head(&self.db).await?;
        let mut feed = Feed::new(self.db.clone(), bus.cloned(), stream_name.to_owned(), head);
        let mut frames = VecDeque::new();
        let (mut from, mut bytes) = (head, 0);
        self.tail.send_replace(Tail { from, upto: head, frames: Arc::new([]) });
        while self.tail.receiver_count() > 0 {
            let batch = feed.next(HEARTBEAT).await?;
            for event in batch.events {
                let frame = frame(&event);
                bytes += frame.bytes.len();
                frames.push_back(Arc::new(frame));
            }
            while frames.len() > TAIL_EVENTS_MAX || bytes > TAIL_BYTES_MAX {
                let Some(oldest) = frames.pop_front() else { break };
                bytes -= oldest.bytes.len();
                from = oldest.position;
            }
            let upto = feed.position();
            self.tail.send_if_modified(|tail| {
                let grown = upto > tail.upto;
                if grown {
                    *tail = Tail { from, upto, frames: frames.iter().cloned().collect() };
                }
                grown
            });
        }
        Ok(())
    }

    /// Follows the log from a selection on.
    pub fn follow(&self, selection: Selection) -> Result<Follower, Problem> {
        let Ok(place) = self.room.clone().try_acquire_owned() else {
            return Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_followers",
                format!("{FOLLOWERS_MAX} clients follow the log already"),
            )
            .retry_after(RETRY_AFTER));
        };
        let tail = self.tail.subscribe();
        self.somebody_follows.notify_one();
        Ok(Follower { live: self.clone(), tail, selection, last_sent: None, _place: place })
    }
}

/// One client's place in the log.
pub struct Follower {
    live: Live,
    tail: watch::Receiver<Tail>,
    selection: Selection,
    /// Nothing before the greeting.
    last_sent: Option<Instant>,
    _place: OwnedSemaphorePermit,
}

impl Follower {
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
        while !self.selection.is_done() && !self.live.stop.is_cancelled() {
            let tail = self.tail.borrow_and_update().clone();
            let before = self.selection.after;
            let bytes = if before >= tail.from {
                self.take_from(&tail)
            } else {
                let pages = &self.live.pages;
                match pages.read(&mut self.selection, |event| frame(event).bytes).await {
                    Ok(bytes) => bytes,
                    // The client comes back by itself and says where it was.
                    Err(error) => {
                        tracing::warn!(%error, "a follower is cut off");
                        return None;
                    }
                }
            };
            if !bytes.is_empty() {
                return Some(bytes);
            }
            if Instant::now() >= due {
                return Some(self.heartbeat());
            }
            if self.selection.after == before {
                tokio::select! {
                    () = self.live.stop.cancelled() => {}
                    // Never an error: this holds the sender too.
                    _ = self.tail.changed() => {}
                    () = tokio::time::sleep_until(due) => {}
                }
            }
        }
        None
    }

    fn take_from(&mut self, tail: &Tail) -> Bytes {
        let selection = &mut self.selection;
        let start = tail.frames.partition_point(|frame| frame.position <= selection.after);
        let mut bytes = Vec::new();
        for frame in &tail.frames[start..] {
            if selection.is_done() || bytes.len() >= CHUNK_BYTES {
                break;
            }
            if selection.takes(frame.position, &frame.kind) {
                bytes.extend_from_slice(&frame.bytes);
            }
        }
        bytes.into()
    }

    /// A comment, and the position without an event: a filter that seldom matches need not begin
    /// where it last did.
    fn heartbeat(&self) -> Bytes {
        Bytes::from(format!(": heartbeat\nid: {}\n\n", self.selection.after))
    }
}

/// An event as a server-sent event. Line breaks in JSON stand only between its tokens.
fn frame(event: &RawEvent) -> Frame {
    // Text, numbers and JSON that was parsed: this cannot fail.
    let json = serde_json::to_string(event).unwrap_or_default().replace(['\n', '\r'], " ");
    let text = format!("id: {}\nevent: {}\ndata: {json}\n\n", event.position, event.kind);
    Frame { position: event.position, kind: event.kind.clone(), bytes: text.into() }
}
