//! Metrics of the process in Prometheus' text format. Each service records its own with the
//! `metrics` macros; here is only the recorder behind them.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// How often samples are folded into their buckets, so that they do not pile up unscraped.
const UPKEEP_PERIOD: Duration = Duration::from_secs(5);
/// Bounds of the buckets of every histogram, seconds.
const BUCKETS_SECONDS: [f64; 13] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Starts the recorder of the process, or finds the one that runs. What is recorded before the
/// first call is lost.
pub fn install() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets(&BUCKETS_SECONDS).unwrap_or_else(|error| {
            tracing::error!(%error, "histograms are written as summaries");
            PrometheusBuilder::new()
        });
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::error!("another recorder runs: /metrics stays empty");
        }
        handle
    })
}

/// Everything recorded so far, as text.
pub fn render() -> String {
    if let Some(bytes) = resident_bytes() {
        #[allow(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
        metrics::gauge!("process_resident_memory_bytes").set(bytes as f64);
    }
    install().render()
}

/// Keeps the recorder small for as long as it is polled.
pub async fn upkeep() {
    let handle = install();
    let mut tick = tokio::time::interval(UPKEEP_PERIOD);
    loop {
        tick.tick().await;
        handle.run_upkeep();
    }
}

/// The memory this process holds; only Linux says so in a file.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
