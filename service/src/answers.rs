//! Answers on their way to those who asked. What is not taken is kept in memory, so all of it
//! together is bounded in bytes, and each answer tells the ledger of its connection how it gets on.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use hyper::body::{Frame, SizeHint};
use metrics::Gauge;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::access::Line;
use crate::ledger::{Counted, Entry, Ledger};
use crate::problem::Problem;

/// Bytes of all answers that were not yet taken. One that does not fit is refused.
const UNTAKEN_BYTES_MAX: usize = 256 * 1024 * 1024;
/// The same of one connection, unless it is one answer alone: behind a proxy, a connection may be
/// that of many callers.
const CONNECTION_UNTAKEN_BYTES_MAX: usize = 32 * 1024 * 1024;
/// What the transport is given at once, in bytes: what it took says little about what it holds.
const PIECE_BYTES_MAX: usize = 16 * 1024;

/// The most requests whose answer was not taken to its end; more are refused.
const REQUESTS_MAX: usize = 4096;

/// What may be on its way at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Requests whose answer was not taken to its end.
    pub requests: usize,
    /// All answers, in bytes.
    pub all: usize,
    /// Those of one connection, in bytes.
    pub connection: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            requests: REQUESTS_MAX,
            all: UNTAKEN_BYTES_MAX,
            connection: CONNECTION_UNTAKEN_BYTES_MAX,
        }
    }
}

/// The answers of a process that were not yet taken.
pub(crate) struct Untaken {
    bytes: AtomicUsize,
    bounds: Bounds,
    shown: Gauge,
}

impl Untaken {
    pub fn new(bounds: Bounds) -> Arc<Self> {
        let shown = metrics::gauge!("answers_untaken_bytes");
        shown.increment(0.0);
        Arc::new(Self { bytes: AtomicUsize::new(0), bounds, shown })
    }

    /// Finds room for an answer, or refuses it, unless it `must` be given. One whose length is not
    /// known, a stream, is given room piece by piece: streams are bounded in number by who makes
    /// them.
    pub fn admit(
        self: &Arc<Self>,
        ledger: &Arc<Ledger>,
        response: Response,
        must: bool,
    ) -> (Response, Option<Share>) {
        let Some(bytes) = length(&response).filter(|bytes| *bytes > 0) else {
            return (response, None);
        };
        if must {
            return (response, Some(self.add(ledger, bytes)));
        }
        if let Some(share) = self.fit(ledger, bytes) {
            return (response, Some(share));
        }
        let detail = "too many answers are not taken by those who asked for them";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail);
        let response = problem.into_response();
        let share = self.add(ledger, length(&response).unwrap_or_default());
        (response, Some(share))
    }

    /// The answer with a body that holds `place` and `share` until it is taken or dropped.
    pub fn send(
        self: &Arc<Self>,
        response: Response,
        ledger: &Arc<Ledger>,
        place: Option<OwnedSemaphorePermit>,
        share: Option<Share>,
        line: Line,
    ) -> Response {
        if response.body().is_end_stream() {
            return response;
        }
        let length = length(&response).map(|bytes| bytes as u64);
        let entry = ledger.answer(length, Instant::now());
        let sending = Arc::new(Sending { entry, _place: place });
        let untaken = self.clone();
        response.map(|body| {
            Body::new(Answer {
                body,
                share,
                frame: Bytes::new(),
                held: None,
                untaken,
                sending,
                line,
            })
        })
    }

    fn fit(self: &Arc<Self>, ledger: &Arc<Ledger>, bytes: usize) -> Option<Share> {
        let counted = Counted::fit(ledger, bytes, self.bounds.connection)?;
        let fit = |held: usize| (held + bytes <= self.bounds.all).then_some(held + bytes);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fit).ok()?;
        Some(self.share(bytes, counted))
    }

    fn add(self: &Arc<Self>, ledger: &Arc<Ledger>, bytes: usize) -> Share {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.share(bytes, Counted::add(ledger, bytes))
    }

    fn share(self: &Arc<Self>, bytes: usize, counted: Counted) -> Share {
        self.shown.increment(bytes as f64);
        Share { untaken: self.clone(), bytes, _counted: counted }
    }
}

fn length(response: &Response) -> Option<usize> {
    // More than can be addressed cannot be in memory.
    response.body().size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// Bytes of answers that were not taken, until this is dropped.
pub(crate) struct Share {
    untaken: Arc<Untaken>,
    bytes: usize,
    _counted: Counted,
}

impl Drop for Share {
    fn drop(&mut self) {
        self.untaken.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.untaken.shown.decrement(self.bytes as f64);
    }
}

/// What an answer holds until the last of its pieces is taken.
struct Sending {
    entry: Entry,
    _place: Option<OwnedSemaphorePermit>,
}

/// A frame that is cut into pieces, which share its memory.
struct Held {
    sending: Arc<Sending>,
    _share: Share,
}

/// The body of an answer as the transport gets it: piece by piece.
struct Answer {
    body: Body,
    /// Of the whole answer, until its first frame is there to hold it.
    share: Option<Share>,
    /// What is left of the frame that is being cut.
    frame: Bytes,
    held: Option<Arc<Held>>,
    untaken: Arc<Untaken>,
    sending: Arc<Sending>,
    line: Line,
}

impl Answer {
    fn next_piece(&mut self) -> Option<Bytes> {
        if self.frame.is_empty() {
            return None;
        }
        let held = self.held.clone()?;
        let bytes = self.frame.split_to(self.frame.len().min(PIECE_BYTES_MAX));
        if self.frame.is_empty() {
            self.held = None;
        }
        self.line.add(bytes.len());
        held.sending.entry.given(Instant::now());
        Some(Bytes::from_owner(Piece { bytes, held }))
    }

    fn hold(&mut self, frame: Bytes) {
        let share = self
            .share
            .take()
            .unwrap_or_else(|| self.untaken.add(self.sending.entry.ledger(), frame.len()));
        self.held = Some(Arc::new(Held { sending: self.sending.clone(), _share: share }));
        self.frame = frame;
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        loop {
            if let Some(piece) = self.next_piece() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => self.hold(bytes),
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return Poll::Ready(other),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frame.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, here) = (self.body.size_hint(), self.frame.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + here);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + here);
        }
        hint
    }
}

/// What the transport holds of an answer. It drops it when it has passed it on.
struct Piece {
    bytes: Bytes,
    held: Arc<Held>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.held.sending.entry.taken(Instant::now());
    }
}
