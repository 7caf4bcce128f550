//! How a process learns that it shall end.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How far a process is on its way to its end.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// It is not ready any more, but does everything as before, until all who send it requests
    /// know.
    pub draining: CancellationToken,
    /// It takes nothing new and finishes what it accepted.
    pub stop: CancellationToken,
}

/// A shutdown that is begun by the first SIGTERM or SIGINT, and stops after `drain_delay`. A second
/// signal ends the process at once, for the impatient.
pub fn signal(drain_delay: Duration) -> Shutdown {
    let shutdown = Shutdown::default();
    let Shutdown { draining, stop } = shutdown.clone();
    tokio::spawn(async move {
        next_signal().await;
        draining.cancel();
        if !drain_delay.is_zero() {
            tracing::info!(seconds = drain_delay.as_secs(), "draining: not ready any more");
        }
        let stopping = tokio::spawn(async move {
            tokio::time::sleep(drain_delay).await;
            tracing::info!("stopping: finishing what was accepted");
            stop.cancel();
        });
        next_signal().await;
        stopping.abort();
        tracing::warn!("stopping at once");
        std::process::exit(130);
    });
    shutdown
}

#[cfg(unix)]
async fn next_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(error) => {
            tracing::error!(%error, "SIGTERM cannot be caught");
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn next_signal() {
    let _ = tokio::signal::ctrl_c().await;
}
