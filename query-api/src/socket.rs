//! What is followed, over a WebSocket (RFC 6455): for pages behind a proxy that holds streams of
//! events back. The same frames, each a message of text; from the other side nothing is taken but
//! signs of life and the end.
//!
//! A page can set no header here: it names its protocols, its token among them
//! ([`service::auth::bearer`]), and where it was in the query. Browsers let any page open one, so
//! the origin is looked at here.

use std::pin::pin;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::{SinkExt as _, Stream, StreamExt as _};
use service::Problem;
use service::stay::Stay;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::live::HEARTBEAT;

/// The protocol that is spoken, as it is named beside a token.
pub const PROTOCOL: &str = "commerce.v1";
/// The largest message or frame that is taken, in bytes: what closes has at most 125.
const MESSAGE_BYTES_MAX: usize = 1024;
/// What is written to the socket at once, in bytes.
const WRITE_BYTES: usize = 16 * 1024;
/// How long a client may take nothing of what it is sent.
const UNREAD_TIME_MAX: Duration = Duration::from_mins(1);
/// How long nothing may be heard of a client, which answers each ping.
const SILENT_TIME_MAX: Duration = Duration::from_secs(50);
/// Messages of a client between two of our pings: its answer, pings of its own.
const HEARD_MAX: u32 = 32;
/// How long a client may take to say goodbye.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(1);

/// A request that is to become a WebSocket, of a page that may.
pub struct Socket {
    upgrade: WebSocketUpgrade,
    stay: Stay,
}

impl FromRequestParts<App> for Socket {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        may_ask(&parts.headers, app).map_err(Problem::into_response)?;
        let Ok(stay) = Stay::from_request_parts(parts, app).await;
        match WebSocketUpgrade::from_request_parts(parts, app).await {
            Ok(upgrade) => Ok(Self { upgrade, stay }),
            Err(_) => Err(no_socket()),
        }
    }
}

fn no_socket() -> Response {
    let detail = "this is a WebSocket: ask for it with Upgrade, over HTTP/1.1";
    let status = StatusCode::UPGRADE_REQUIRED;
    let mut response = Problem::new(status, "upgrade_required", detail).into_response();
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    response
}

/// Who is no page says no origin.
fn may_ask(headers: &HeaderMap, app: &App) -> Result<(), Problem> {
    match headers.get(header::ORIGIN) {
        Some(origin) if !app.origins.allow(origin) => {
            let detail = "pages of this origin may not ask";
            Err(Problem::new(StatusCode::FORBIDDEN, "origin_not_allowed", detail))
        }
        _ => Ok(()),
    }
}

impl Socket {
    /// Sends lines as they come, for as long as somebody takes them, until there are no more or the
    /// process stops.
    pub fn send(
        self,
        lines: impl Stream<Item = Bytes> + Send + 'static,
        stop: CancellationToken,
    ) -> Response {
        let Self { upgrade, stay } = self;
        let upgrade = upgrade
            .protocols([PROTOCOL])
            .max_message_size(MESSAGE_BYTES_MAX)
            .max_frame_size(MESSAGE_BYTES_MAX)
            .write_buffer_size(WRITE_BYTES)
            .on_failed_upgrade(|error| tracing::debug!(%error, "no WebSocket came of it"));
        upgrade.on_upgrade(async move |mut socket| {
            tokio::select! {
                end = follow(&mut socket, lines, stop) => goodbye(socket, end).await,
                () = stay.ended() => drop(socket),
            }
            // Its place is free once it is closed.
            drop(stay);
        })
    }
}

/// How it ends.
enum End {
    /// There is nobody to be told.
    Gone,
    /// The other side has said goodbye, and waits for the same.
    Theirs,
    /// The other side is told why.
    Ours(u16, &'static str),
}

async fn follow(
    socket: &mut WebSocket,
    lines: impl Stream<Item = Bytes>,
    stop: CancellationToken,
) -> End {
    let mut lines = pin!(lines);
    let mut beat = interval(HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut last_heard, mut heard) = (Instant::now(), 0);
    loop {
        let sent = tokio::select! {
            chunk = lines.next() => match chunk {
                Some(chunk) => in_time(pass_on(socket, &chunk)).await,
                None if stop.is_cancelled() => {
                    return End::Ours(close_code::AWAY, "the process stops: connect again");
                }
                None => return End::Ours(close_code::NORMAL, "that was all for now"),
            },
            message = socket.recv() => {
                (last_heard, heard) = (Instant::now(), heard + 1);
                match message {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) if heard <= HEARD_MAX => Some(()),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                        return End::Ours(close_code::POLICY, "too many messages");
                    }
                    Some(Ok(Message::Text(_) | Message::Binary(_))) => {
                        return End::Ours(close_code::UNSUPPORTED, "nothing is taken here");
                    }
                    Some(Ok(Message::Close(_))) => return End::Theirs,
                    Some(Err(_)) => return End::Ours(close_code::PROTOCOL, "this is no WebSocket"),
                    None => None,
                }
            },
            now = beat.tick() => {
                heard = 0;
                if now.duration_since(last_heard) >= SILENT_TIME_MAX {
                    return End::Gone;
                }
                in_time(socket.send(Message::Ping(Bytes::new()))).await
            }
        };
        if sent.is_none() {
            return End::Gone;
        }
    }
}

/// A message a line.
async fn pass_on(socket: &mut WebSocket, chunk: &Bytes) -> Result<(), axum::Error> {
    let mut from = 0;
    for to in chunk.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at) {
        // They are made of text.
        if to > from
            && let Ok(line) = Utf8Bytes::try_from(chunk.slice(from..to))
        {
            socket.feed(Message::Text(line)).await?;
        }
        from = to + 1;
    }
    socket.flush().await
}

/// None where nothing is taken, or nobody is there.
async fn in_time(sending: impl Future<Output = Result<(), axum::Error>>) -> Option<()> {
    match timeout(UNREAD_TIME_MAX, sending).await {
        Ok(sent) => sent.ok(),
        Err(_elapsed) => {
            tracing::debug!("a WebSocket of which nothing is taken is ended");
            metrics::counter!("connections_unread_total").increment(1);
            None
        }
    }
}

/// Says why, and waits for the answer for a moment.
async fn goodbye(mut socket: WebSocket, end: End) {
    let parting = async {
        match end {
            End::Gone => return,
            End::Theirs => {}
            End::Ours(code, reason) => {
                let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
                if socket.send(Message::Close(Some(frame))).await.is_err() {
                    return;
                }
            }
        }
        // Their goodbye is answered, and ours heard, by reading on to the end.
        while let Some(Ok(_)) = socket.recv().await {}
    };
    let _ = timeout(GOODBYE_TIME_MAX, parting).await;
}
