//! Metrics of the process in Prometheus' text format. Each crate records its own with the `metrics`
//! macros, under names without a prefix; here is the recorder behind them, and what is said of the
//! process itself.

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use sqlx::PgPool;

use crate::build;

/// How often samples are folded into their buckets, so that they do not pile up unscraped.
const UPKEEP_PERIOD: Duration = Duration::from_secs(5);
/// Before every name, but for what is of any process.
const PREFIX: &str = "commerce_";
const OF_ANY_PROCESS: &str = "process_";
/// Bounds of the buckets of histograms whose name ends in `_seconds`.
const BUCKETS_SECONDS: [f64; 16] = [
    0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];
/// Those of all others, which count.
const BUCKETS_COUNTS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 256.0];

/// Starts the recorder of the process, or finds the one that runs. What is recorded before the
/// first call is lost.
pub fn install() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let builder = with_buckets().unwrap_or_else(|error| {
            tracing::error!(%error, "histograms are written as summaries");
            PrometheusBuilder::new()
        });
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::error!("another recorder runs: /metrics stays empty");
        }
        describe();
        started();
        handle
    })
}

fn with_buckets() -> Result<PrometheusBuilder, BuildError> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    PrometheusBuilder::new()
        .set_buckets(&BUCKETS_COUNTS)?
        .set_buckets_for_metric(seconds, &BUCKETS_SECONDS)
}

/// What the shell records, with its counters at their beginning: a rate misses what a counter says
/// for the first time.
fn describe() {
    describe_counter!("http_requests_total", "Requests answered, by route and status");
    describe_histogram!(
        "http_request_duration_seconds",
        "Time until an answer began, by route and class of status"
    );
    describe_gauge!("http_requests_in_flight", "Requests whose answer was not taken to its end");
    describe_gauge!("answers_untaken_bytes", "Bytes of answers that were not taken yet");
    describe_counter!("connections_turned_away_total", "Connections there was no room for");
    describe_counter!("connections_shed_total", "Idle connections that made way for a newcomer");
    describe_counter!(
        "connections_unread_total",
        "Connections ended because an answer was not taken, or too slowly"
    );
    describe_gauge!("health_check_ok", "Whether a part is as it should be: 1 or 0");
    describe_gauge!("database_connections", "Connections of the pool to Postgres, by state");
    describe_gauge!("database_connections_max", "The most that the pool opens");
    describe_gauge!("build_info", "Always 1; version and commit are its labels");
    gauge!("build_info", "version" => build::VERSION, "commit" => build::COMMIT).set(1.0);
    for name in
        ["connections_turned_away_total", "connections_shed_total", "connections_unread_total"]
    {
        counter!(name).increment(0);
    }
}

/// Everything recorded so far, as text.
pub fn render() -> String {
    let handle = install();
    if let Some(pool) = POOL.get() {
        let idle = pool.num_idle();
        let in_use = (pool.size() as usize).saturating_sub(idle);
        gauge!("database_connections", "state" => "idle").set(idle as f64);
        gauge!("database_connections", "state" => "in_use").set(in_use as f64);
        gauge!("database_connections_max").set(f64::from(pool.options().get_max_connections()));
    }
    prefixed(&handle.render()) + &process()
}

/// The pool whose use is shown: the first that the process made.
static POOL: OnceLock<PgPool> = OnceLock::new();

/// Shows how much of this pool is used.
pub(crate) fn show(pool: &PgPool) {
    let _first = POOL.set(pool.clone());
}

/// Names get their prefix here and not when something is recorded, where each would be made anew.
fn prefixed(text: &str) -> String {
    let mut named = String::with_capacity(text.len() * 5 / 4);
    for line in text.lines() {
        let start = ["# HELP ", "# TYPE "].into_iter().find(|start| line.starts_with(start));
        let (start, rest) = line.split_at(start.map_or(0, str::len));
        let prefix = if rest.is_empty() || rest.starts_with(OF_ANY_PROCESS) { "" } else { PREFIX };
        named.extend([start, prefix, rest, "\n"]);
    }
    named
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

/// The process as the system sees it; only Linux says so in files.
fn process() -> String {
    let mut text = String::new();
    let mut tell = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "# HELP process_{name} {help}\n# TYPE process_{name} {kind}\nprocess_{name} {value}"
            );
        }
    };
    tell("resident_memory_bytes", "gauge", "Resident memory", resident_bytes());
    tell("cpu_seconds_total", "counter", "Processor time, user and system", cpu_seconds());
    tell("open_fds", "gauge", "Open files and connections", open_files());
    tell("start_time_seconds", "gauge", "When the process started, Unix time", Some(started()));
    text
}

fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

fn cpu_seconds() -> Option<f64> {
    /// Linux gives times to programs in hundredths of a second, whatever it counts in itself.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in parentheses, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

fn open_files() -> Option<f64> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count() as f64)
}

/// When metrics were first asked for, which is when the process started.
fn started() -> f64 {
    static STARTED: OnceLock<f64> = OnceLock::new();
    *STARTED.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        now.as_secs_f64()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_prefix_but_for_those_of_any_process() {
        let text =
            "# HELP a_total Help\n# TYPE a_total counter\na_total{b=\"c\"} 1\n\nprocess_x 2\n";
        let named = "# HELP commerce_a_total Help\n# TYPE commerce_a_total counter\n\
                     commerce_a_total{b=\"c\"} 1\n\nprocess_x 2\n";
        assert_eq!(prefixed(text), named);
    }
}
