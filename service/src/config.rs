//! What a process is told from outside: command line arguments that fall back on the environment.
//!
//! Each service flattens the parts it needs into its own `clap` parser. Settings of one service
//! only do not belong here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use clap::{Args, ValueEnum};

/// A value that is never printed: a password, a token, a URL that holds one.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;
    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Ok(Self(value.to_owned()))
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where Postgres is and how much of it this process may use.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// Postgres, as `postgres://user:password@host:port/name`
    #[arg(
        id = "database-url",
        long = "database-url",
        env = "DATABASE_URL",
        hide_env_values = true
    )]
    pub url: Secret,
    /// The most connections this process opens
    #[arg(id = "database-connections", long = "database-connections", env = "DATABASE_CONNECTIONS", default_value_t = 16,
          value_parser = clap::value_parser!(u32).range(1..=500))]
    pub connections: u32,
    /// Statements that run longer are cancelled by the database, seconds
    #[arg(id = "statement-timeout", long = "statement-timeout", env = "DATABASE_STATEMENT_TIMEOUT", default_value_t = 15,
          value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub statement_timeout: u32,
}

/// Where NATS is.
#[derive(Clone, Debug, Args)]
pub struct Bus {
    /// NATS, as `nats://host:port`; without it everything reads Postgres
    #[arg(id = "nats-url", long = "nats-url", env = "NATS_URL", hide_env_values = true)]
    pub url: Option<Secret>,
    /// The name of the `JetStream` stream that holds the published log
    #[arg(
        id = "event-stream",
        long = "event-stream",
        env = "EVENT_STREAM",
        default_value = "commerce"
    )]
    pub stream: String,
}

/// Where this process listens and who may ask.
#[derive(Clone, Debug, Args)]
pub struct Http {
    /// Address and port to listen on; loopback when not given
    #[arg(id = "listen", long = "listen", env = "LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Bearer token that callers must send; without it nobody is asked for one
    #[arg(id = "api-token", long = "api-token", env = "API_TOKEN", hide_env_values = true)]
    pub token: Option<Secret>,
}

impl Http {
    /// The address to listen on. Says in the log when the whole network may come in unasked.
    pub fn address(&self, default_port: u16) -> SocketAddr {
        let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), default_port);
        let address = self.listen.unwrap_or(loopback);
        if !address.ip().is_loopback() && self.token().is_none() {
            tracing::warn!(%address, "listening beyond this machine without API_TOKEN: anybody \
                           who reaches this port may do everything");
        }
        address
    }

    /// The token, if one is set. An empty one, as compose files pass it, is none.
    pub fn token(&self) -> Option<&Secret> {
        self.token.as_ref().filter(|token| !token.expose().is_empty())
    }
}

/// Where Meilisearch is.
#[derive(Clone, Debug, Args)]
pub struct Search {
    /// Meilisearch, as `http://host:port`
    #[arg(
        id = "meili-url",
        long = "meili-url",
        env = "MEILI_URL",
        default_value = "http://127.0.0.1:7700"
    )]
    pub url: String,
    /// Its key
    #[arg(id = "meili-key", long = "meili-key", env = "MEILI_MASTER_KEY", hide_env_values = true)]
    pub key: Option<Secret>,
}

/// How the log of the process looks. What it holds is said by `RUST_LOG`.
#[derive(Clone, Debug, Args)]
pub struct Logging {
    /// One JSON object a line for machines, or plain lines for people
    #[arg(id = "log-format", long = "log-format", env = "LOG_FORMAT", default_value = "pretty")]
    pub format: LogFormat,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// One line of text, coloured on a terminal.
    Pretty,
}
