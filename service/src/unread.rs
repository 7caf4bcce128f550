//! Requests that are answered before their body was read. On an HTTP/1 connection the rest of the
//! body stands before the next request: it is read away where it is short, and otherwise the answer
//! says that the connection ends. Unsaid, the caller's next request would be lost with it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, Version, header};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use hyper::body::{Frame, SizeHint};

use crate::problem::Problem;

/// What is read of a body that nobody wants, in bytes, and for how long.
const READ_AWAY_BYTES_MAX: u64 = 64 * 1024;
const READ_AWAY_TIME_MAX: Duration = Duration::from_millis(50);

/// Answers a request that nobody looked at, as one that there is no room for.
pub async fn refuse(request: Request, problem: Problem) -> Response {
    read_away(request.into_body()).await;
    problem.into_response()
}

/// Reads a body away that nobody wants, where it is short.
pub(crate) async fn read_away(body: Body) {
    if body.size_hint().upper().is_some_and(|bytes| bytes <= READ_AWAY_BYTES_MAX) {
        let all = body.into_data_stream().take_while(|piece| std::future::ready(piece.is_ok()));
        // Whether that was all is told by `Unread`.
        let _ = tokio::time::timeout(READ_AWAY_TIME_MAX, all.for_each(|_| async {})).await;
    }
}

/// Whether a request's body stands unread on its connection.
pub(crate) struct Unread(Option<Arc<AtomicBool>>);

impl Unread {
    /// Watches the body of a request.
    pub fn watch(request: Request) -> (Self, Request) {
        if request.body().is_end_stream() || request.version() > Version::HTTP_11 {
            return (Self(None), request);
        }
        let ended = Arc::new(AtomicBool::new(false));
        let unread = Self(Some(ended.clone()));
        (unread, request.map(|body| Body::new(Watched { body, ended })))
    }

    /// Tells the caller of the end of the connection, if it has come. An answer that is no refusal
    /// may well begin before the body ends.
    pub fn tell(&self, response: &mut Response) {
        let is_refusal = response.status().is_client_error() || response.status().is_server_error();
        let is_unread = self.0.as_ref().is_some_and(|ended| !ended.load(Ordering::Relaxed));
        if is_refusal && is_unread {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

struct Watched {
    body: Body,
    ended: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
