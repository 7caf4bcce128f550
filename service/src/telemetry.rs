//! The log of the process: lines on standard error, so that standard output stays for results. And
//! what else tells how it is: its metrics, and its spans.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

use crate::config::{Bus, Database, LogFormat, Logging, Search, SpansTo, Wrong};
use crate::{build, metrics, spans};

/// What is logged when `RUST_LOG` does not say. sqlx repeats whole statements at `info`; what its
/// pool and the server's notices say is told by who uses them, and once.
const DEFAULT_FILTER: &str =
    "info,sqlx=warn,sqlx::pool=error,sqlx::postgres::notice=error,async_nats=warn";

/// Who takes the spans of this process, once it serves.
static SPANS: OnceLock<SpansTo> = OnceLock::new();

/// Starts the log of the process, and the recorder of its metrics. A second call changes nothing.
///
/// # Errors
/// `RUST_LOG` is no filter.
pub fn init(logging: &Logging) -> Result<(), Wrong> {
    spans::check(&logging.spans)?;
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let filter = filter(&wanted)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error means that a log already runs, as in tests: then that one stays.
    let _ = match logging.format {
        // The list of spans holds the current one too.
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Pretty => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    metrics::install();
    let _said_before = SPANS.set(logging.spans.clone());
    Ok(())
}

fn filter(wanted: &str) -> Result<EnvFilter, Wrong> {
    let wanted = if wanted.trim().is_empty() { DEFAULT_FILTER } else { wanted };
    EnvFilter::try_new(wanted)
        .map_err(|error| Wrong::new(EnvFilter::DEFAULT_ENV, error.to_string()))
}

/// The first line of a service: which build it is, what it does, and with what. From here on its
/// spans are sent to whoever takes them.
///
/// # Errors
/// Nobody can be there who would take them.
pub fn begin(
    service: &'static str,
    does: &str,
    address: SocketAddr,
    database: &Database,
    bus: Option<&Bus>,
    search: Option<&Search>,
) -> Result<(), Wrong> {
    let taker = SPANS.get().filter(|taker| !taker.url().is_empty());
    tracing::info!(
        service,
        version = build::VERSION,
        commit = build::COMMIT,
        does,
        %address,
        database = database.shown(),
        nats = bus.map(Bus::shown),
        meilisearch = search.map(|search| &*search.url),
        spans = taker.map(SpansTo::url),
        "starting"
    );
    taker.map_or(Ok(()), |taker| spans::begin(taker, service))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_refused() {
        for good in ["", " ", "info", "warn,service::access=info"] {
            assert!(filter(good).is_ok(), "{good}");
        }
        let wrong = filter("foo=bar=baz").unwrap_err().to_string();
        assert!(wrong.starts_with("RUST_LOG "), "{wrong}");
    }
}
