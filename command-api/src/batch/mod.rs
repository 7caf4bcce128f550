//! `POST /v1/batch`: one command a line in, one verdict a line out, in the same order, for as long
//! as the caller keeps sending.
//!
//! Lines are submitted one after the other, so that a line may depend on those before it; their
//! answers are awaited together. A bad line gets a verdict of its own and the rest goes on. What
//! is under way is bounded: when the caller does not read, nothing more is read from them.
//!
//! * [`lines`]: the body cut into lines; [`ask`]: what one of them asks for;
//! * [`window`]: how much may be under way.

pub mod ask;
pub mod lines;
pub mod window;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use event_store::SubmitError;
use event_store::writer::{Queued, Unqueued};
use futures::{Stream, StreamExt};
use identity::guard::Caller;
use identity::{Access, Principal};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use service::problem::Problem;
use service::unread::refuse;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::coop::consume_budget;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use trace::TraceParent;
use uuid::Uuid;

use self::ask::{LineProblem, prepare};
use self::lines::{BrokenOff, LINE_BYTES_MAX, Lines, RawLine, SILENCE_MAX};
use self::window::{Unread, Window};
use crate::command::{Accepted, Conclusion, Pinned, Prepared, Success};
use crate::notes::Sealed;
use crate::routes::Edge;
use crate::{App, headers, http, log_id, problem};

/// Batches under way at once. With [`WINDOW_LINES_MAX`](window::WINDOW_LINES_MAX) and the single
/// commands in flight they just fill the writer's queue.
pub const BATCHES_MAX: usize = 6;
/// Verdicts sent in one piece, if they are ready.
const PIECE_VERDICTS_MAX: usize = 64;
/// How long a batch may take. What is left is another batch, which others may come before.
pub const BATCH_TIME_MAX: Duration = Duration::from_hours(1);
/// How long a line waits before it tries a full queue again.
const BUSY_PAUSE: Duration = Duration::from_millis(5);

/// Who may send one: each of its lines is for those whom its command is for.
pub const ACCESS: Access = Access::Staff;

const NDJSON: &str = "application/x-ndjson";
/// Other names by which the same format goes.
const NDJSON_ALIASES: [&str; 2] = ["application/ndjson", "application/jsonl"];

/// Takes a batch and streams its verdicts.
pub async fn take_batch(app: Arc<App>, caller: Caller, request: Request) -> Response {
    answer(app, caller.principal, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(
    app: Arc<App>,
    principal: Principal,
    request: Request,
) -> Result<Response, Problem> {
    let media_type = http::media_type(request.headers()).unwrap_or_default();
    if !NDJSON_ALIASES.into_iter().chain([NDJSON]).any(|n| media_type.eq_ignore_ascii_case(n)) {
        return Err(problem::unsupported_media_type(NDJSON));
    }
    log_id::check_lines(request.headers(), &app.writer).await?;
    let log_id = headers::log_id(request.headers())?;
    let Ok(under_way) = app.batches.clone().try_acquire_owned() else {
        return Ok(refuse(request, problem::overloaded()).await);
    };
    let (mut parts, body) = request.into_parts();
    let origin = http::origin(&mut parts).await;
    let (window, outstanding) = Window::open(SILENCE_MAX);
    let unread = CancellationToken::new();
    let answer = Body::from_stream(pieces(outstanding, unread.clone()));
    let ends = Instant::now() + app.batch_time;
    let reader =
        Reader { app, origin, principal, log_id, window, unread, ends, _under_way: under_way };
    tokio::spawn(reader.run(Lines::new(body)));
    Ok(([(CONTENT_TYPE, NDJSON)], answer).into_response())
}

/// The verdicts as they are sent. Once `unread`, the answer breaks off, and the connection with
/// it: an end in order would say that there were no more lines.
fn pieces(
    mut outstanding: mpsc::Receiver<Outstanding>,
    unread: CancellationToken,
) -> impl Stream<Item = Result<Bytes, Unread>> {
    let broken_off = unread.clone().cancelled_owned();
    let last = futures::stream::iter([()])
        .filter_map(move |()| std::future::ready(unread.is_cancelled().then_some(Err(Unread))));
    futures::stream::poll_fn(move |context| outstanding.poll_recv(context))
        .then(Outstanding::settle)
        .ready_chunks(PIECE_VERDICTS_MAX)
        .map(|verdicts| Ok(Bytes::from(verdicts.concat())))
        .take_until(broken_off)
        .chain(last)
}

/// Reads lines and submits them, until the body or the caller's interest ends.
struct Reader {
    app: Arc<App>,
    origin: (Uuid, Option<TraceParent>),
    principal: Principal,
    /// The log that it is for, if it says so.
    log_id: Option<Uuid>,
    window: Window<Outstanding>,
    /// Cancelled when the caller does not read.
    unread: CancellationToken,
    /// When it has taken as long as it may.
    ends: Instant,
    /// Given back when the last line was submitted.
    _under_way: OwnedSemaphorePermit,
}

impl Reader {
    async fn run(self, mut lines: Lines) {
        let mut number: u64 = 0;
        // First a place for the verdict, then the line: this is what holds the caller back.
        loop {
            let place = match self.window.place().await {
                Ok(Some(place)) => place,
                Ok(None) => return,
                Err(Unread) => return self.unread.cancel(),
            };
            // Blank lines are no sign of life.
            let deadline = (Instant::now() + SILENCE_MAX).min(self.ends);
            let line = loop {
                number += 1;
                match lines.next(deadline).await {
                    // A piece may hold very many.
                    Ok(Some(RawLine::Bytes(line))) if line.trim_ascii().is_empty() => {
                        consume_budget().await;
                    }
                    other => break other,
                }
            };
            if Instant::now() >= self.ends && !matches!(line, Ok(None)) {
                let problem = problem::long_batch(self.app.batch_time).into();
                place.send(Outstanding::Refused { number, problem });
                return;
            }
            let outstanding = match line {
                Ok(Some(RawLine::Bytes(line))) => match prepare(&line, &self.edge(), self.log_id) {
                    Ok(prepared) => {
                        let Ok(share) = self.window.share(line.len()).await else {
                            return self.unread.cancel();
                        };
                        self.submit(number, prepared, share).await
                    }
                    Err(problem) => Outstanding::Refused { number, problem },
                },
                Ok(Some(RawLine::TooLong)) => Outstanding::Refused {
                    number,
                    problem: problem::line_too_long(LINE_BYTES_MAX).into(),
                },
                Err(BrokenOff::Silent) => {
                    let problem = problem::silent(SILENCE_MAX).into();
                    place.send(Outstanding::Refused { number, problem });
                    return;
                }
                Ok(None) | Err(BrokenOff::Disconnected) => return,
            };
            place.send(outstanding);
        }
    }

    fn edge(&self) -> Edge {
        self.app.edge(self.origin, self.principal, None)
    }

    /// Submits a command. It is in the writer's queue when this returns; a full queue is waited
    /// for, and with it every line that follows.
    async fn submit(
        &self,
        number: u64,
        prepared: Prepared,
        share: OwnedSemaphorePermit,
    ) -> Outstanding {
        let Pinned { request, success, note } = match prepared.pin(&self.app, &self.edge()).await {
            Ok(pinned) => pinned,
            Err(problem) => return Outstanding::Refused { number, problem: problem.into() },
        };
        let mut request = request;
        loop {
            match self.app.writer.enqueue(request) {
                Ok(answer) => {
                    return Outstanding::Submitted { number, success, note, answer, share };
                }
                Err(Unqueued { error: SubmitError::Busy, request: back })
                    if !self.window.is_closed() =>
                {
                    request = back;
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                Err(Unqueued { error, .. }) => {
                    let Conclusion { result, .. } = success.conclude(Err(error), note).await;
                    // An error comes to a problem.
                    let problem = result.err().unwrap_or_else(problem::overloaded);
                    return Outstanding::Refused { number, problem: problem.into() };
                }
            }
        }
    }
}

/// A line whose verdict is still to be sent.
enum Outstanding {
    /// It went to the writer.
    Submitted {
        number: u64,
        success: Success,
        note: Option<Sealed>,
        answer: Queued,
        share: OwnedSemaphorePermit,
    },
    /// It did not.
    Refused { number: u64, problem: LineProblem },
}

impl Outstanding {
    /// The line's verdict, as a line.
    async fn settle(self) -> Vec<u8> {
        let verdict = match self {
            Self::Refused { number, problem } => Verdict::refused(number, problem, false),
            Self::Submitted { number, success, note, answer, share } => {
                let answer = answer.await;
                let Conclusion { result, replayed } = success.conclude(answer, note).await;
                drop(share);
                match result {
                    Ok(accepted) => Verdict::accepted(number, success, accepted, replayed),
                    Err(problem) => Verdict::refused(number, problem.into(), replayed),
                }
            }
        };
        // Numbers and strings: this cannot fail.
        let mut line = serde_json::to_vec(&verdict).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// The answer to one line.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Verdict {
    /// Which line, from 1; blank ones count.
    line: u64,
    /// The status that HTTP would have had.
    status: u16,
    #[serde(flatten)]
    accepted: Option<Accepted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Value>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replayed: bool,
}

impl Verdict {
    fn accepted(line: u64, success: Success, accepted: Accepted, replayed: bool) -> Self {
        let status = success.status.as_u16();
        Self { line, status, accepted: Some(accepted), problem: None, replayed }
    }

    fn refused(line: u64, refused: LineProblem, replayed: bool) -> Self {
        let LineProblem { status, problem } = refused;
        Self { line, status, accepted: None, problem: Some(problem), replayed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_nobody_reads_breaks_off() {
        for is_unread in [false, true] {
            let (verdicts, outstanding) = mpsc::channel(2);
            let unread = CancellationToken::new();
            let mut pieces = Box::pin(pieces(outstanding, unread.clone()));
            let problem = problem::unknown_command().into();
            assert!(verdicts.try_send(Outstanding::Refused { number: 1, problem }).is_ok());
            assert!(pieces.next().await.unwrap().is_ok());
            if is_unread {
                unread.cancel();
            }
            drop(verdicts);
            assert_eq!(pieces.next().await.is_some_and(|piece| piece.is_err()), is_unread);
            assert!(pieces.next().await.is_none());
        }
    }
}
