//! Listening, and stopping in order: no new connections, what was accepted is finished, and all
//! of that within a bound. So is what one caller, or all of them, can hold on to by being slow.
//!
//! Nothing here looks into a request: that is the shell's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config;
use crate::connections::{Connections, Limits};
use crate::health::{self, Health};
use crate::http::shell;
use crate::ledger::Patience;
use crate::problem::Problem;
use crate::shutdown::Shutdown;
use crate::stay::Held;
use crate::tls::door::{self, Door};
use crate::{cors, descriptors, guarded, metrics, spans};

mod attend;

/// How long requests under way may take to finish once the process was told to end.
pub const DRAIN_TIME: Duration = Duration::from_secs(20);
/// Connections open at once. For one more, one that is idle makes way; where there is none, the
/// newcomer is told so and closed.
const CONNECTIONS_MAX: usize = 4096;
/// Connections being told so at once; more are closed unheard.
const TURNED_AWAY_MAX: usize = 256;
/// How long that may take for each, and how long a newcomer waits for the place of another.
const TURNED_AWAY_TIME_MAX: Duration = Duration::from_secs(2);
/// When to try again after being turned away.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Files and connections of other kinds, such as those to the database, that are always left room
/// for.
const OTHER_DESCRIPTORS_MAX: usize = 600;
/// How long a new connection may take until its first request is there, TLS included.
const FIRST_HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a connection may be without a request or an answer under way, the half of a request's
/// head not counted. Above the 60 s for which proxies commonly keep an idle one: they are to close
/// it, not we, or they would send requests into a closed connection.
const IDLE_TIME_MAX: Duration = Duration::from_secs(75);
/// How long a connection is left idle when others need its place.
const IDLE_WHEN_FULL_TIME_MAX: Duration = Duration::from_secs(1);
/// How long a caller may take nothing of an answer.
const UNREAD_TIME_MAX: Duration = Duration::from_mins(1);
/// Bytes a second that are taken at least of an answer whose length is known, after the time above.
const SLOWEST_BYTES_PER_SECOND: u64 = 4 * 1024;
/// How often connections are looked at for all of this.
const LOOK_PERIOD: Duration = Duration::from_secs(5);
/// How long a connection that is to end may take to do so in order.
const END_TIME_MAX: Duration = Duration::from_secs(1);
/// The largest head of an HTTP/1 request, in bytes; hyper takes at most 100 headers in it.
const HTTP1_HEAD_BYTES_MAX: usize = 64 * 1024;
/// The largest list of headers of an HTTP/2 request, in bytes.
const HTTP2_HEAD_BYTES_MAX: u32 = 16 * 1024;
/// Requests at once on one HTTP/2 connection.
const HTTP2_STREAMS_MAX: u32 = 32;
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
    /// A setting that cannot be meant.
    #[error(transparent)]
    Settings(#[from] config::Wrong),
}

/// Serves `router` where `http` says, and `health` on the port for operations if there is one,
/// until the shutdown's stop; then drains for at most [`DRAIN_TIME`].
pub fn serve<'a>(
    router: Router,
    health: &'a Health,
    http: &'a config::Http,
    default_port: u16,
    shutdown: Shutdown,
) -> BoxFuture<'a, Result<(), ServeError>> {
    // Boxed, so that its code is made here once and not in each program anew.
    async move {
        http.check()?;
        let tls = http.tls.open()?;
        health.told(http, shutdown.draining);
        let router = cors::allow(router, &http.origins);
        let is_encrypted = tls.is_some() || http.exposure.exposed;
        let router = if is_encrypted { guarded::encrypted(router) } else { router };
        let public = bind(http.address(default_port)).await?;
        let operations = match http.ops_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let watching = async {
            match operations {
                None => health.watch().await,
                Some(listener) => {
                    tracing::info!(address = ?listener.local_addr().ok(), "operations listen");
                    // Ends with the last request of the others.
                    let router = shell(health.operations());
                    // Plain: its listener is for those who run the service, next door.
                    let stop = CancellationToken::new();
                    let server = Server::new(router, stop, Bounds::default(), None);
                    tokio::join!(health.watch(), server.run(listener));
                }
            }
        };
        let served = tokio::select! {
            served = listen(public, router, shutdown.stop, tls) => served,
            () = watching => Ok(()),
        };
        spans::flush().await;
        served
    }
    .boxed()
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| ServeError::Bind { address, source })
}

/// Serves `router` on a listener that is already bound, as tests do to learn a free port.
pub async fn serve_on(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    listen(listener, router, shutdown, None).await
}

async fn listen(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
    tls: Option<Arc<Door>>,
) -> Result<(), ServeError> {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, tls = tls.is_some(), "listening");
    }
    let door = tls.clone();
    let upkeep = tokio::spawn(async move {
        let watching = async move {
            if let Some(door) = door {
                door.watch(door::LOOK_PERIOD).await;
            }
        };
        tokio::join!(metrics::upkeep(), watching)
    });
    let bounds = Bounds { connections: connections_max(), ..Bounds::default() };
    Server::new(router, shutdown, bounds, tls).run(listener).await;
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
    limits: Limits,
    look: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS_MAX,
            turned_away: TURNED_AWAY_TIME_MAX,
            limits: Limits {
                first_head: FIRST_HEAD_TIME_MAX,
                idle: IDLE_TIME_MAX,
                idle_when_full: IDLE_WHEN_FULL_TIME_MAX,
                patience: Patience { unread: UNREAD_TIME_MAX, slowest: SLOWEST_BYTES_PER_SECOND },
            },
            look: LOOK_PERIOD,
        }
    }
}

struct Server {
    router: Router,
    /// For connections there is no room for.
    refusal: Router,
    protocol: Builder<TokioExecutor>,
    /// What connections come in by, where they are encrypted here.
    tls: Option<Arc<Door>>,
    bounds: Bounds,
    /// Places for connections.
    room: Arc<Semaphore>,
    connections: Arc<Connections>,
    shutdown: CancellationToken,
    /// Ends what is still open after the drain.
    cut_off: CancellationToken,
    /// Connections that are not closed yet, upgraded ones among them.
    attended: TaskTracker,
}

impl Server {
    fn new(
        router: Router,
        shutdown: CancellationToken,
        bounds: Bounds,
        tls: Option<Arc<Door>>,
    ) -> Arc<Self> {
        let mut protocol = Builder::new(TokioExecutor::new());
        protocol
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.limits.idle)
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
        Arc::new(Self {
            router: router.with_state(()),
            refusal,
            protocol,
            tls,
            room: Arc::new(Semaphore::new(bounds.connections)),
            bounds,
            connections: Arc::default(),
            shutdown,
            cut_off: CancellationToken::new(),
            attended: TaskTracker::new(),
        })
    }

    /// Takes connections until the shutdown, then waits for those that are open.
    async fn run(self: Arc<Self>, listener: TcpListener) {
        let _cut_off = self.cut_off.clone().drop_guard();
        let doorstep = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
        let mut look = tokio::time::interval(self.bounds.look);
        loop {
            let taken = tokio::select! {
                taken = take(&listener) => taken,
                now = look.tick() => {
                    self.connections.tidy(self.bounds.limits, now);
                    continue;
                }
                () = self.shutdown.cancelled() => break,
            };
            let Some((connection, from)) = taken else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let server = self.clone();
            if let Ok(place) = self.room.clone().try_acquire_owned() {
                self.attended.spawn(async move { server.welcome(connection, from, place).await });
            } else if let Ok(step) = doorstep.clone().try_acquire_owned() {
                self.attended.spawn(async move { server.receive(connection, from, step).await });
            } else {
                ::metrics::counter!("connections_turned_away_total").increment(1);
            }
        }
        drop(listener);
        self.attended.close();
        if tokio::time::timeout(DRAIN_TIME, self.attended.wait()).await.is_err() {
            tracing::warn!(seconds = DRAIN_TIME.as_secs(), "requests still under way are cut off");
        }
    }

    /// Serves a connection that has a place.
    async fn welcome(&self, connection: TcpStream, from: SocketAddr, place: OwnedSemaphorePermit) {
        let opened = self.connections.open(Instant::now());
        let held = Held::new(opened, self.cut_off.clone(), place, self.attended.token());
        let open = held.opened().connection.clone();
        self.attend((connection, from), &self.router, &open, Some(held)).await;
    }

    /// Finds a place for a newcomer when there is none, or tells it so.
    async fn receive(&self, connection: TcpStream, from: SocketAddr, step: OwnedSemaphorePermit) {
        let time = self.bounds.turned_away;
        if self.connections.shed(self.bounds.limits, Instant::now()) {
            let place = tokio::time::timeout(time, self.room.clone().acquire_owned()).await;
            if let Ok(Ok(place)) = place {
                drop(step);
                return self.welcome(connection, from, place).await;
            }
        }
        ::metrics::counter!("connections_turned_away_total").increment(1);
        // Not among the open ones: it ends soon in any case.
        let opened = Arc::<Connections>::default().open(Instant::now());
        let refusing = self.attend((connection, from), &self.refusal, &opened.connection, None);
        if tokio::time::timeout(time, refusing).await.is_err() {
            tracing::debug!("a connection without a place is closed");
        }
    }
}

/// The next connection; `None` if the system has none to give now.
async fn take(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    loop {
        match listener.accept().await {
            Ok(taken) => return Some(taken),
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
