//! Listening, and stopping in order: no new connections, what was accepted is finished, and all
//! of that within a bound. So is what one caller, or all of them, can hold on to by being slow.
//!
//! Nothing here looks into a request: that is the shell's.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::problem::Problem;
use crate::stall::Unstalled;
use crate::{descriptors, health, metrics};

/// How long requests under way may take to finish once the process was told to end.
pub const DRAIN_TIME: Duration = Duration::from_secs(20);
/// Connections open at once. More are told so and closed.
const CONNECTIONS_MAX: usize = 4096;
/// Connections being told so at once; more are closed unheard.
const TURNED_AWAY_MAX: usize = 256;
/// How long that may take for each.
const TURNED_AWAY_TIME_MAX: Duration = Duration::from_secs(2);
/// When to try again after being turned away.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Files and connections of other kinds, such as those to the database, that are always left room
/// for.
const OTHER_DESCRIPTORS_MAX: usize = 600;
/// How long a new connection may take until its first request is there.
const FIRST_HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long an HTTP/1 connection may take from one answer to the end of the next request's head.
/// Above the 60 s for which proxies commonly keep an idle one: they are to close it, not we, or
/// they would send requests into a closed connection.
const NEXT_HEAD_TIME_MAX: Duration = Duration::from_secs(75);
/// How long a caller may leave an answer unread once there is no more room for it on the way.
const UNREAD_TIME_MAX: Duration = Duration::from_mins(1);
/// The largest head of an HTTP/1 request, in bytes; hyper takes at most 100 headers in it.
const HTTP1_HEAD_BYTES_MAX: usize = 64 * 1024;
/// The largest list of headers of an HTTP/2 request, in bytes.
const HTTP2_HEAD_BYTES_MAX: u32 = 16 * 1024;
/// Requests at once on one HTTP/2 connection.
const HTTP2_STREAMS_MAX: u32 = 200;
/// How often an HTTP/2 connection is asked whether its other end is there, and how long that may
/// take.
const HTTP2_PING_TIME: Duration = Duration::from_secs(20);
/// The pause after a connection could not be taken, as when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a service cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Serves `router` on `address` until `shutdown`, then drains for at most [`DRAIN_TIME`].
pub async fn serve(
    router: Router,
    address: SocketAddr,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let listener =
        TcpListener::bind(address).await.map_err(|source| ServeError::Bind { address, source })?;
    serve_on(listener, router, shutdown).await
}

/// Serves `router` on a listener that is already bound, as tests do to learn a free port.
pub async fn serve_on(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
    }
    let upkeep = tokio::spawn(metrics::upkeep());
    let bounds = Bounds { connections: connections_max(), ..Bounds::default() };
    Server::new(router, shutdown, bounds).run(listener).await;
    upkeep.abort();
    Ok(())
}

/// [`CONNECTIONS_MAX`], or what the system allows. Without this, connections that it cannot give
/// would wait, and the database could not be connected to either.
fn connections_max() -> usize {
    let left = descriptors::raise().saturating_sub(TURNED_AWAY_MAX + OTHER_DESCRIPTORS_MAX);
    if left < CONNECTIONS_MAX {
        tracing::warn!(connections = left, "the limit of open files (ulimit -n) is low");
    }
    left.clamp(1, CONNECTIONS_MAX)
}

/// What callers are held to; tests are less patient.
struct Bounds {
    connections: usize,
    turned_away: Duration,
    first_head: Duration,
    next_head: Duration,
    unread: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS_MAX,
            turned_away: TURNED_AWAY_TIME_MAX,
            first_head: FIRST_HEAD_TIME_MAX,
            next_head: NEXT_HEAD_TIME_MAX,
            unread: UNREAD_TIME_MAX,
        }
    }
}

struct Server {
    router: Router,
    /// For connections there is no room for.
    refusal: Router,
    protocol: Builder<TokioExecutor>,
    bounds: Bounds,
    shutdown: CancellationToken,
    /// Ends what is still open after the drain.
    cut_off: CancellationToken,
}

impl Server {
    fn new(router: Router, shutdown: CancellationToken, bounds: Bounds) -> Arc<Self> {
        let mut protocol = Builder::new(TokioExecutor::new());
        protocol
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.next_head)
            .max_buf_size(HTTP1_HEAD_BYTES_MAX);
        protocol
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(HTTP2_HEAD_BYTES_MAX)
            .max_concurrent_streams(HTTP2_STREAMS_MAX)
            .keep_alive_interval(HTTP2_PING_TIME)
            .keep_alive_timeout(HTTP2_PING_TIME);
        // Made ready here, once, and not for every request.
        let refusal = router.clone().layer(middleware::from_fn(turn_away)).with_state(());
        let router = router.with_state(());
        let cut_off = CancellationToken::new();
        Arc::new(Self { router, refusal, protocol, bounds, shutdown, cut_off })
    }

    /// Takes connections until the shutdown, then waits for those that are open.
    async fn run(self: Arc<Self>, listener: TcpListener) {
        let _cut_off = self.cut_off.clone().drop_guard();
        let connections = TaskTracker::new();
        let room = Arc::new(Semaphore::new(self.bounds.connections));
        let doorstep = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
        loop {
            let taken = tokio::select! {
                taken = take(&listener) => taken,
                () = self.shutdown.cancelled() => break,
            };
            let Some(connection) = taken else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let place = room.clone().try_acquire_owned();
            let is_welcome = place.is_ok();
            if !is_welcome {
                ::metrics::counter!("connections_turned_away_total").increment(1);
            }
            if let Ok(place) = place.or_else(|_| doorstep.clone().try_acquire_owned()) {
                let server = self.clone();
                connections.spawn(async move {
                    server.attend(connection, is_welcome).await;
                    drop(place);
                });
            }
        }
        drop(listener);
        connections.close();
        if tokio::time::timeout(DRAIN_TIME, connections.wait()).await.is_err() {
            tracing::warn!(seconds = DRAIN_TIME.as_secs(), "requests still under way are cut off");
        }
    }

    /// Serves one connection to its end, which comes soon if there is no room for it.
    async fn attend(&self, connection: TcpStream, is_welcome: bool) {
        // Answers are small: waiting to fill a packet only delays them.
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY refused");
        }
        // Hyper's own timer starts when it knows the protocol; a caller may never get there.
        let spoke = AtomicBool::new(false);
        let (router, time) = if is_welcome {
            (&self.router, self.bounds.first_head)
        } else {
            (&self.refusal, self.bounds.turned_away)
        };
        let router = TowerToHyperService::new(router.clone());
        let service = service_fn(|request| {
            spoke.store(true, Ordering::Relaxed);
            router.call(request)
        });
        let io = TokioIo::new(Unstalled::new(connection, self.bounds.unread));
        let mut serving = pin!(self.protocol.serve_connection(io, service));
        let mut first_head = pin!(tokio::time::sleep(time));
        let (mut waits, mut stops) = (true, false);
        loop {
            tokio::select! {
                ended = serving.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(error, "a connection broke");
                    }
                    return;
                }
                () = first_head.as_mut(), if waits => {
                    if !is_welcome || !spoke.load(Ordering::Relaxed) {
                        tracing::debug!("a connection without a request or a place is closed");
                        return;
                    }
                    waits = false;
                }
                () = self.shutdown.cancelled(), if !stops => {
                    serving.as_mut().graceful_shutdown();
                    stops = true;
                }
                () = self.cut_off.cancelled() => return,
            }
        }
    }
}

/// The next connection; `None` if the system has none to give now.
async fn take(listener: &TcpListener) -> Option<TcpStream> {
    loop {
        match listener.accept().await {
            Ok((connection, _)) => return Some(connection),
            Err(error) if is_of_the_caller(&error) => {}
            Err(error) => {
                tracing::error!(%error, "a connection could not be taken");
                return None;
            }
        }
    }
}

/// Answers on a connection there is no room for, and asks for its end. Who watches the process is
/// told what he asked.
async fn turn_away(request: Request, next: Next) -> Response {
    let is_http1 = request.version() <= Version::HTTP_11;
    let mut response = if health::is_probe(request.uri().path()) {
        next.run(request).await
    } else {
        let detail = "too many connections are open";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", detail)
            .retry_after(RETRY_AFTER)
            .into_response()
    };
    if is_http1 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Whether it was the caller who gave up, which says nothing about the listener.
fn is_of_the_caller(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests;
