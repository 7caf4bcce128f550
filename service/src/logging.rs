//! What a process is told about how it can be watched: the shape of its log, and who takes its
//! spans.

use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::config::http_url;

/// How the log of the process looks, and who takes its spans. What the log holds is said by
/// `RUST_LOG`.
#[derive(Clone, Debug, Args)]
pub struct Logging {
    /// One JSON object a line for machines, or plain lines for people
    #[arg(
        id = "log-format",
        long = "log-format",
        global = true,
        env = "LOG_FORMAT",
        default_value = "pretty"
    )]
    pub format: LogFormat,
    /// Who takes spans by OTLP over HTTP, as `http://host:4318`; without it none are made
    #[arg(
        id = "otlp-endpoint",
        long = "otlp-endpoint",
        global = true,
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        default_value = ""
    )]
    pub spans: SpansTo,
}

/// Who takes spans, by URL, if anybody does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpansTo(String);

impl SpansTo {
    /// Its URL, without a slash at the end; empty where there is none.
    pub fn url(&self) -> &str {
        &self.0
    }
}

impl FromStr for SpansTo {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let url = url.trim_end_matches('/');
        if url.is_empty() { Ok(Self::default()) } else { http_url(url).map(Self) }
    }
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// One line of text, coloured on a terminal.
    Pretty,
}
