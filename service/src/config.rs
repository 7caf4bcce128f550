//! What a process is told from outside: command line arguments that fall back on the environment.
//!
//! Each service flattens the parts it needs into its own `clap` parser, where they may stand before
//! or after the subcommand. Settings of one service only do not belong here. What holds a secret is
//! checked when it is used and not by the parser, which would print it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use sqlx::postgres::PgConnectOptions;

use crate::cors::Origins;
use crate::exposed::{self, Exposure};
pub use crate::logging::{LogFormat, Logging, SpansTo};
use crate::rates::Rates;
pub use crate::secret::Secret;
use crate::tls::Tls;
pub use crate::wrong::Wrong;

/// With fewer connections the parts of a process wait for each other: one listens, and one takes a
/// transaction while another reads.
const CONNECTIONS_MIN: i64 = 4;

/// Where Postgres is and how much of it this process may use.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// Postgres, as `postgres://user:password@host:port/name`
    #[arg(
        id = "database-url",
        long = "database-url",
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true
    )]
    pub url: Option<Secret>,
    /// The most connections this process opens
    #[arg(
        id = "database-connections",
        long = "database-connections",
        global = true,
        env = "DATABASE_CONNECTIONS",
        default_value_t = 16,
        value_parser = clap::value_parser!(u32).range(CONNECTIONS_MIN..=500)
    )]
    pub connections: u32,
    /// Statements that run longer are cancelled by the database, seconds
    #[arg(
        id = "statement-timeout",
        long = "statement-timeout",
        global = true,
        env = "DATABASE_STATEMENT_TIMEOUT",
        default_value_t = 15,
        value_parser = clap::value_parser!(u32).range(1..=3600)
    )]
    pub statement_timeout: u32,
}

impl Database {
    /// What the URL says.
    ///
    /// # Errors
    /// Where there is none, or it is not one of a Postgres.
    pub fn options(&self) -> Result<PgConnectOptions, Wrong> {
        let wrong = |reason: String| Wrong::new("DATABASE_URL", reason);
        let url = self.url.as_ref().map_or("", Secret::expose);
        if url.is_empty() {
            return Err(wrong("is not set".to_owned()));
        }
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(wrong("is not the URL of a Postgres: it begins otherwise".to_owned()));
        }
        // Floats come whole from every Postgres of today, and poolers refuse to be told.
        PgConnectOptions::from_str(url)
            .map(|options| options.extra_float_digits(None::<i8>))
            .map_err(|error| wrong(format!("is not the URL of a Postgres: {error}")))
    }

    /// Where it is, without what is secret.
    pub fn shown(&self) -> String {
        self.options().map_or_else(
            |wrong| wrong.reason,
            |options| {
                let name = options.get_database().unwrap_or_default();
                format!("{}:{}/{name}", options.get_host(), options.get_port())
            },
        )
    }
}

/// Where NATS is.
#[derive(Clone, Debug, Args)]
pub struct Bus {
    /// NATS, as `nats://host:port`; without it everything reads Postgres
    #[arg(
        id = "nats-url",
        long = "nats-url",
        global = true,
        env = "NATS_URL",
        hide_env_values = true
    )]
    pub url: Option<Secret>,
    /// The name of the `JetStream` stream that holds the published log
    #[arg(
        id = "event-stream",
        long = "event-stream",
        global = true,
        env = "EVENT_STREAM",
        default_value = "commerce",
        value_parser = stream_name
    )]
    pub stream: String,
}

/// What NATS takes for the name of a stream.
fn stream_name(name: &str) -> Result<String, String> {
    const BYTES_MAX: usize = 255;
    let is_taken = |byte: u8| byte.is_ascii_graphic() && !b".*>/\\".contains(&byte);
    if !name.is_empty() && name.len() <= BYTES_MAX && name.bytes().all(is_taken) {
        return Ok(name.to_owned());
    }
    Err("it is the name of a stream: visible ASCII characters, none of . * > / \\".to_owned())
}

/// A URL that paths can be put behind, without the slash at its end.
///
/// # Errors
/// It is none.
pub fn base_url(url: &str) -> Result<String, String> {
    let place = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match place {
        Some(place)
            if !place.is_empty()
                && !place.starts_with('/')
                && place.bytes().all(|byte| byte.is_ascii_graphic())
                && !place.contains(['?', '#']) =>
        {
            Ok(url.trim_end_matches('/').to_owned())
        }
        _ => Err("it begins with http:// or https:// and a host, and has no query".to_owned()),
    }
}

impl Bus {
    /// Where it is, without what is secret.
    pub fn shown(&self) -> &str {
        let url = self.url.as_ref().map_or("", Secret::expose);
        let place = url.split_once("://").map_or(url, |(_, place)| place);
        let place = place.rsplit_once('@').map_or(place, |(_, host)| host);
        if place.is_empty() { "none" } else { place }
    }
}

/// Where this process listens and who may ask.
#[derive(Clone, Debug, Args)]
pub struct Http {
    /// Address and port to listen on; loopback when not given
    #[arg(id = "listen", long = "listen", global = true, env = "LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Bearer token that callers must send; without it nobody is asked for one
    #[arg(
        id = "api-token",
        long = "api-token",
        global = true,
        env = "API_TOKEN",
        hide_env_values = true
    )]
    pub token: Option<Secret>,
    /// Origins of pages that may ask, as `https://shop.example`, with commas between them; none
    /// without it
    #[arg(
        id = "allowed-origins",
        long = "allowed-origins",
        global = true,
        env = "ALLOWED_ORIGINS",
        default_value = ""
    )]
    pub origins: Origins,
    /// Address and port of a second listener with the health routes and the metrics, which are then
    /// on that alone and tell there why a part failed
    #[arg(id = "ops-listen", long = "ops-listen", global = true, env = "OPS_LISTEN")]
    pub ops_listen: Option<SocketAddr>,
    /// With what it speaks TLS
    #[command(flatten)]
    pub tls: Tls,
    /// How often somebody may ask
    #[command(flatten)]
    pub rates: Rates,
    /// Who may reach it, and what is behind it
    #[command(flatten)]
    pub exposure: Exposure,
    /// How long to go on after a SIGTERM while `/ready` already says no, seconds: until whoever
    /// sends requests has noticed
    #[arg(
        id = "drain-delay",
        long = "drain-delay",
        global = true,
        env = "DRAIN_DELAY",
        default_value_t = 0,
        value_parser = clap::value_parser!(u64).range(..=300)
    )]
    pub drain_delay: u64,
}

impl Http {
    /// The address to listen on.
    pub fn address(&self, default_port: u16) -> SocketAddr {
        self.listen.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), default_port))
    }

    /// The token, if one is set.
    pub fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// How long a process that is told to end goes on before it does.
    pub fn drain_delay(&self) -> Duration {
        Duration::from_secs(self.drain_delay)
    }

    /// Refuses what nobody can mean.
    ///
    /// # Errors
    /// A token that no caller could send, or that would leave the door open by mistake; a
    /// certificate that nobody can be shown.
    pub fn check(&self) -> Result<(), Wrong> {
        self.tls.check()?;
        if self.exposure.exposed {
            exposed::check(self)?;
        }
        let Some(token) = self.token().map(Secret::expose) else { return Ok(()) };
        let wrong = |reason: &str| Err(Wrong::new("API_TOKEN", reason));
        if token.is_empty() {
            return wrong("is empty: leave it out to ask nobody for a token");
        }
        if token.trim() != token {
            return wrong("has white space around it, perhaps the line feed of a file");
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("holds what a header cannot: visible ASCII characters only");
        }
        Ok(())
    }
}

/// Where Meilisearch is.
#[derive(Clone, Debug, Args)]
pub struct Search {
    /// Meilisearch, as `http://host:port`
    #[arg(
        id = "meili-url",
        long = "meili-url",
        global = true, env = "MEILI_URL",
        default_value = "http://127.0.0.1:7700",
        value_parser = http_url
    )]
    pub url: String,
    /// Its key
    #[arg(
        id = "meili-key",
        long = "meili-key",
        global = true,
        env = "MEILI_MASTER_KEY",
        hide_env_values = true
    )]
    pub key: Option<Secret>,
}

pub(crate) fn http_url(url: &str) -> Result<String, String> {
    let place = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    match place {
        Some(place) if !place.is_empty() && !place.starts_with('/') => Ok(url.to_owned()),
        _ => Err("it begins with http:// or https:// and a host".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(token: &str) -> Http {
        let (listen, ops_listen, origins) = (None, None, Origins::default());
        let (tls, rates, exposure) = (Tls::default(), Rates::default(), Exposure::default());
        let token = Some(token.into());
        Http { listen, token, origins, ops_listen, tls, rates, exposure, drain_delay: 0 }
    }

    fn database(url: &str) -> Database {
        Database { url: Some(url.into()), connections: 1, statement_timeout: 1 }
    }

    #[test]
    fn a_token_that_cannot_be_meant_is_refused_and_not_printed() {
        assert!(http("hunter2").check().is_ok());
        for token in ["", " hunter2", "hunter2\n", "hunter 2", "hünter2"] {
            let wrong = http(token).check().unwrap_err().to_string();
            assert!(wrong.starts_with("API_TOKEN ") && !wrong.contains("nter"), "{wrong}");
        }
    }

    #[test]
    fn a_database_is_shown_without_its_password_and_others_are_refused() {
        let good = database("postgres://commerce:hunter2@db.internal:5433/shop");
        assert!(good.options().is_ok());
        assert_eq!(good.shown(), "db.internal:5433/shop");
        for url in ["", "mysql://x:hunter2@h/d", "postgres://x:hunter2@h:port/d"] {
            let wrong = database(url).options().unwrap_err().to_string();
            assert!(wrong.starts_with("DATABASE_URL ") && !wrong.contains("hunter2"), "{wrong}");
        }
    }

    #[test]
    fn a_bus_is_shown_without_its_password() {
        for (url, shown) in [
            ("nats://user:hunter2@nats:4222", "nats:4222"),
            ("nats://nats:4222", "nats:4222"),
            ("token@nats", "nats"),
            ("", "none"),
        ] {
            let bus = Bus { url: Some(url.into()), stream: "commerce".to_owned() };
            assert_eq!(bus.shown(), shown);
        }
    }

    #[test]
    fn a_stream_has_a_name_that_nats_takes() {
        assert_eq!(stream_name("shop_1-a").as_deref(), Ok("shop_1-a"));
        let long = "a".repeat(256);
        for name in ["", "a b", "a.b", "a*", ">", "a/b", "a\\b", "läden", "a\n", &long] {
            assert!(stream_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_base_is_a_url_that_paths_fit_behind() {
        for url in ["https://shop.example/read", "https://shop.example/read/"] {
            assert_eq!(base_url(url).as_deref(), Ok("https://shop.example/read"));
        }
        assert!(base_url("http://127.0.0.1:8081").is_ok());
        for url in [
            "",
            "shop.example",
            "ftp://x",
            "https://",
            "https:///x",
            "http://h/?a=b",
            "http://h/\n",
        ] {
            assert!(base_url(url).is_err(), "{url:?}");
        }
    }

    #[test]
    fn a_process_that_would_wait_for_itself_is_not_started() {
        #[derive(Debug, clap::Parser)]
        struct Told {
            #[command(flatten)]
            database: Database,
        }
        let told = |connections: &str| {
            let told = ["p", "--database-url", "x", "--database-connections", connections];
            <Told as clap::Parser>::try_parse_from(told).map(|told| told.database.connections)
        };
        assert_eq!(told("4").unwrap(), 4);
        for few in ["0", "1", "3"] {
            assert!(told(few).is_err(), "{few}");
        }
    }

    #[test]
    fn meilisearch_is_an_http_url() {
        assert!(http_url("http://127.0.0.1:7700").is_ok());
        for url in ["foo", "127.0.0.1:7700", "http://", "ftp://host", ""] {
            assert!(http_url(url).is_err(), "{url}");
        }
    }
}
