//! The log of the process: lines on standard error, so that standard output stays for results.

use std::io::IsTerminal as _;
use std::net::SocketAddr;

use tracing_subscriber::EnvFilter;

use crate::config::{Bus, Database, LogFormat, Search, Wrong};
use crate::{build, metrics};

/// What is logged when `RUST_LOG` does not say. sqlx repeats whole statements at `info`; what its
/// pool and the server's notices say is told by who uses them, and once.
const DEFAULT_FILTER: &str =
    "info,sqlx=warn,sqlx::pool=error,sqlx::postgres::notice=error,async_nats=warn";

/// Starts the log of the process, and the recorder of its metrics. A second call changes nothing.
///
/// # Errors
/// `RUST_LOG` is no filter.
pub fn init(format: LogFormat) -> Result<(), Wrong> {
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let filter = filter(&wanted)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error means that a log already runs, as in tests: then that one stays.
    let _ = match format {
        // The list of spans holds the current one too.
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Pretty => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    metrics::install();
    Ok(())
}

fn filter(wanted: &str) -> Result<EnvFilter, Wrong> {
    let wanted = if wanted.trim().is_empty() { DEFAULT_FILTER } else { wanted };
    EnvFilter::try_new(wanted)
        .map_err(|error| Wrong::new(EnvFilter::DEFAULT_ENV, error.to_string()))
}

/// The first line of a service: which build it is, what it does, and with what.
pub fn begin(
    service: &str,
    does: &str,
    address: SocketAddr,
    database: &Database,
    bus: Option<&Bus>,
    search: Option<&Search>,
) {
    tracing::info!(
        service,
        version = build::VERSION,
        commit = build::COMMIT,
        does,
        %address,
        database = database.shown(),
        nats = bus.map(Bus::shown),
        meilisearch = search.map(|search| &*search.url),
        "starting"
    );
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
