//! One order, followed live: its document, each time it becomes another, framed as they take it
//! ([`crate::frames`]).
//!
//! A follower hears the shared end of the log ([`crate::live`]) and reads Postgres only when an
//! event names its order, waiting then until the read model holds that event. Those who follow are
//! few, also of one caller; and a stream ends after a while, so that whoever goes on with it is
//! asked once more who they are. A browser goes on by itself, and without a repeat.
//!
//! An id is `<position>.<log id>`, with the position of the document.

use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use event_store::tail::{Heard, Listener};
use event_store::{RawEvent, read};
use identity::Principal;
use service::Problem;
use service::rates::Whence;
use tokio::time::Instant;
use uuid::Uuid;

use crate::app::App;
use crate::document::Stored;
use crate::frames::{At, Framing};
use crate::fresh::{Fresh, Prefer};
use crate::live::HEARTBEAT;
use crate::one::{Id, Resource as _};
use crate::places::Place;
use crate::queue::Who;
use crate::reading::CHUNK_BYTES;
use crate::resources::order::Order;

/// How long somebody follows before they are asked again who they are.
const FOLLOWS_FOR: Duration = Duration::from_mins(10);
/// The pause before a read model that is behind is looked at again.
const PAUSE: Duration = Duration::from_secs(1);

/// Who follows an order, as far as its owner and its log are known.
pub struct OrderFollower {
    app: App,
    principal: Principal,
    prefer: Prefer,
    id: Id,
    log_id: Uuid,
    framing: Framing,
    listener: Listener,
    /// What of the log was heard.
    heard: i64,
    /// Whether something was heard that the document may lack.
    stale: bool,
    /// The document to send next.
    next: Option<Stored>,
    /// The position of the one that was sent last.
    sent: i64,
    last_sent: Option<Instant>,
    until: Instant,
    _place: Place,
}

/// What somebody wants to follow, and what they have of it.
pub struct FollowOrder {
    /// Who asks.
    pub principal: Principal,
    /// From where.
    pub whence: Whence,
    /// Which order.
    pub id: Id,
    /// What the caller prefers.
    pub prefer: Prefer,
    /// Which log it is, and its head when that was looked at.
    pub log: (Uuid, i64),
    /// The position of the document that they had last.
    pub last: Option<i64>,
    /// How they take it.
    pub framing: Framing,
}

impl OrderFollower {
    /// Follows an order; none where there is none that the caller may see.
    ///
    /// # Errors
    /// 400 where `last` is no position of this order, 429 and 503 where too many follow.
    pub async fn begin(app: App, wanted: FollowOrder) -> Result<Option<Self>, Problem> {
        let FollowOrder { principal, whence, id, prefer, log: (log_id, heard), last, framing } =
            wanted;
        let listener = app.live.listen(log_id);
        let fresh = |position| Fresh::new(position, prefer).of(principal);
        if Order::read(&app, &fresh(None), principal, id).await?.is_none() {
            return Ok(None);
        }
        let place = app.following.take(principal, whence)?;
        let next = Order::read(&app, &fresh(last), principal, id).await?;
        let sent = last.unwrap_or(0);
        if position(next.as_ref()) < sent {
            let detail = "Last-Event-ID is the id of another order's document";
            let status = StatusCode::BAD_REQUEST;
            return Err(Problem::new(status, "invalid_last_event_id", detail));
        }
        let until = Instant::now() + FOLLOWS_FOR;
        Ok(Some(Self {
            app,
            principal,
            prefer,
            id,
            log_id,
            framing,
            listener,
            heard,
            // What the log held when it was looked at may not be in the read model yet.
            stale: true,
            next,
            sent,
            last_sent: None,
            until,
            _place: place,
        }))
    }

    /// The next bytes to send; nothing when the stream is at its end.
    pub async fn next(&mut self) -> Option<Bytes> {
        let bytes = match self.last_sent {
            // The document that comes next has an id.
            None => self.framing.greeting(None),
            Some(last_sent) => {
                let stop = self.app.live.stop.clone();
                let due = last_sent + HEARTBEAT;
                stop.run_until_cancelled(self.document_or_heartbeat(due)).await??
            }
        };
        self.last_sent = Some(Instant::now());
        Some(bytes)
    }

    async fn document_or_heartbeat(&mut self, due: Instant) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.frame() {
                return Some(frame);
            }
            let now = Instant::now();
            if now >= self.until {
                return None;
            }
            if now >= due {
                return Some(self.framing.heartbeat(None));
            }
            if self.stale {
                self.read().await?;
            } else {
                self.hear(due.min(self.until)).await?;
            }
        }
    }

    /// The document, if it is another one than that which was sent last.
    fn frame(&mut self) -> Option<Bytes> {
        let next = self.next.take().filter(|next| position(Some(next)) > self.sent)?;
        self.sent = position(Some(&next));
        let document = next.document.replace(['\n', '\r'], " ");
        let (at, mut frame) = (At(self.sent, self.log_id), Vec::new());
        self.framing.write(at, "order", &document, &mut frame);
        Some(frame.into())
    }

    /// Reads the document with all that was heard. Nothing where there is none any more for the
    /// caller, or it cannot be read: they come back, and are told so.
    async fn read(&mut self) -> Option<()> {
        let fresh = Fresh::new(Some(self.heard), self.prefer).of(self.principal);
        match Order::read(&self.app, &fresh, self.principal, self.id).await {
            Ok(Some(document)) => {
                (self.next, self.stale) = (Some(document), false);
                Some(())
            }
            // It is behind, or many wait.
            Err(problem) if problem.status().is_server_error() => {
                tokio::time::sleep(PAUSE).await;
                Some(())
            }
            Ok(None) | Err(_) => None,
        }
    }

    /// Waits for what names the order. Nothing where the log is another one.
    async fn hear(&mut self, until: Instant) -> Option<()> {
        match self.listener.next(self.heard, until, CHUNK_BYTES).await {
            Heard::Events(batch) => {
                let id = self.id.0.to_string();
                self.stale = batch.events.iter().any(|event| names(event, &id));
                self.heard = batch.events.last().map_or(self.heard, |last| last.position);
            }
            Heard::Nothing => {}
            Heard::Behind => {
                let mut db = self.app.queue.connection(Who::LetIn).await.ok()?;
                let log = read::log(&mut *db).await.ok()?;
                if !log.is(self.log_id) {
                    return None;
                }
                (self.stale, self.heard) = (log.head != self.heard, log.head);
            }
            Heard::AnotherLog(_) => return None,
        }
        Some(())
    }
}

/// Whether an event is of the order, or of what belongs to one and says so.
fn names(event: &RawEvent, order: &str) -> bool {
    event.stream.ends_with(order) || event.line().contains(order)
}

fn position(stored: Option<&Stored>) -> i64 {
    stored.and_then(|stored| stored.tag.position).unwrap_or(0)
}
