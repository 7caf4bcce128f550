//! Listening, and stopping in order: no new connections, what was accepted is finished, and all
//! of that within a bound.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics;

/// How long requests under way may take to finish once the process was told to end.
pub const DRAIN_TIME: Duration = Duration::from_secs(20);

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
        source: std::io::Error,
    },
    /// The listener broke.
    #[error("the listener broke")]
    Serve(#[source] std::io::Error),
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
    // Answers are small: waiting to fill a packet only delays them.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY refused");
        }
    });
    let serving =
        axum::serve(listener, router).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let overdue = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN_TIME).await;
    };
    let ended = tokio::select! {
        ended = serving.into_future() => ended.map_err(ServeError::Serve),
        () = overdue => {
            tracing::warn!(seconds = DRAIN_TIME.as_secs(), "requests still under way are cut off");
            Ok(())
        }
    };
    upkeep.abort();
    ended
}
