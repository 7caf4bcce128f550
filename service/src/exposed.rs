//! What must not stand open where the internet reaches: a process that is told so does not start.
//! Nor does it where the servers behind it, or what is sealed, are open to whoever has read this
//! repository.

use std::net::IpAddr;

use async_nats::ServerAddr;
use axum::http::Uri;
use clap::Args;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgSslMode;

use crate::config::{Bus, Database, Http, Search, Secret, Wrong};

/// Who may reach a process, and who may listen behind it.
#[derive(Clone, Copy, Debug, Default, Args)]
#[group(skip)]
pub struct Exposure {
    /// That whoever is on the internet may reach it, by TLS that it speaks itself or that ends at a
    /// proxy: what must not stand open then is refused at the start
    #[arg(id = "exposed", long = "exposed", global = true, env = "EXPOSED",
          default_value_t = false, action = clap::ArgAction::Set)]
    pub exposed: bool,
    /// That nobody listens in the network to Postgres, NATS and Meilisearch, which are then asked
    /// without TLS though it is exposed and they are on other machines
    #[arg(id = "trusted-network", long = "trusted-network", global = true, env = "TRUSTED_NETWORK",
          default_value_t = false, action = clap::ArgAction::Set)]
    pub trusted_network: bool,
}

/// Bytes of a token that nobody guesses: what 16 random ones have in hexadecimal.
const TOKEN_BYTES_MIN: usize = 32;
/// All secrets that stand in this repository, for trying out. They are everybody's.
const PUBLISHED: [&str; 4] = [
    // docker-compose.yml: the token of the owner, and the passwords of the servers.
    "commerce",
    // docker-compose.yml: the key of Meilisearch.
    "commerce-trying-out",
    // The same, as `cargo xtask up` starts it.
    "commerce-development-key",
    // A master key of tests and measurements.
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
];

/// Whether a secret stands in this repository.
pub fn is_published(secret: &str) -> bool {
    PUBLISHED.contains(&secret)
}

/// Whether a URL leads to this very machine, which nobody else reaches by it.
pub fn is_here(url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|url| url.host().is_some_and(is_loopback))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// Refuses what stands open in front.
///
/// # Errors
/// The first that does, and how it is closed.
pub(crate) fn check(http: &Http) -> Result<(), Wrong> {
    let wrong = |reason: &str| Err(Wrong::new("EXPOSED", reason));
    if http.rates.usual == 0 || http.rates.strict == 0 {
        return wrong("needs a RATE_LIMIT and a STRICT_RATE_LIMIT");
    }
    if http.rates.proxies == 0 && !http.tls.is_set() {
        return wrong(
            "needs TLS: TLS_CERT and TLS_KEY, or proxies in front that end it, as PROXIES counts",
        );
    }
    if http.ops_listen.is_none() {
        return wrong("needs an OPS_LISTEN: metrics and reasons are not for everybody");
    }
    if !http.origins.are_encrypted() {
        return wrong("has an origin without TLS among ALLOWED_ORIGINS");
    }
    let can_be_guessed =
        |token: &Secret| token.expose().len() < TOKEN_BYTES_MIN || is_published(token.expose());
    if http.token().is_some_and(can_be_guessed) {
        let reason = "can be guessed: 32 random characters cannot (openssl rand -hex 16)";
        return Err(Wrong::new("API_TOKEN", reason));
    }
    Ok(())
}

/// Refuses servers behind a process that the internet reaches, where who has read this repository
/// could sign in to them, or anybody; or where who listens on the way to them reads all that is
/// said.
///
/// # Errors
/// The first such server.
pub fn check_servers(
    http: &Http,
    database: &Database,
    bus: Option<&Bus>,
    search: Option<&Search>,
) -> Result<(), Wrong> {
    let Exposure { exposed, trusted_network } = http.exposure;
    if !exposed {
        return Ok(());
    }
    let open = [
        check_database(database)?,
        bus.map_or(Ok(None), check_bus)?,
        search.map_or(Ok(None), check_search)?,
    ];
    let open = open.into_iter().flatten().filter(|_| !trusted_network);
    open.map(in_the_open).next().map_or(Ok(()), Err)
}

/// A server on another machine that is spoken to without TLS: its setting, and how it is asked with
/// it.
type InTheOpen = Option<(&'static str, &'static str)>;

fn check_database(database: &Database) -> Result<InTheOpen, Wrong> {
    let options = database.options()?;
    // Whatever the URL leaves to the environment is in it here.
    let whole = options.to_url_lossy();
    let has = |password: &&str| options.clone().password(password).to_url_lossy() == whole;
    if PUBLISHED.iter().any(has) {
        return Err(published("DATABASE_URL", "password"));
    }
    let host = options.get_host();
    let is_here = options.get_socket().is_some() || host.starts_with('/') || is_loopback(host);
    let is_certified = whole.query_pairs().any(|(name, _)| name == "sslcert");
    let has_password = whole.password().is_some_and(|password| !password.is_empty());
    if !(is_here || is_certified || has_password) {
        return Err(none("DATABASE_URL", "password"));
    }
    // What is not demanded, whoever is in between can do without.
    let is_encrypted = match options.get_ssl_mode() {
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => true,
        PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer => false,
    };
    Ok((!is_here && !is_encrypted).then_some(("DATABASE_URL", "?sslmode=verify-full")))
}

fn check_bus(bus: &Bus) -> Result<InTheOpen, Wrong> {
    let url = bus.url.as_ref().map_or("", Secret::expose);
    // Without one Postgres is read. What is none is told by who connects.
    let named = Some(url).filter(|url| !url.is_empty());
    let Some(server) = named.and_then(|url| url.parse::<ServerAddr>().ok()) else {
        return Ok(None);
    };
    let is_here = is_loopback(server.host());
    match server.password().or(server.username()) {
        Some(secret) if is_published(secret) => Err(published("NATS_URL", "password")),
        None if !is_here => Err(none("NATS_URL", "password or token")),
        _ => Ok((!is_here && !server.tls_required()).then_some(("NATS_URL", "tls://"))),
    }
}

fn check_search(search: &Search) -> Result<InTheOpen, Wrong> {
    let is_here = is_here(&search.url);
    match search.key.as_ref().map(Secret::expose).filter(|key| !key.is_empty()) {
        Some(key) if is_published(key) => Err(published("MEILI_MASTER_KEY", "key")),
        None if !is_here => Err(none("MEILI_MASTER_KEY", "key")),
        _ => {
            let is_encrypted = search.url.starts_with("https://");
            Ok((!is_here && !is_encrypted).then_some(("MEILI_URL", "https://")))
        }
    }
}

fn in_the_open((name, how): (&'static str, &'static str)) -> Wrong {
    let reason = format!(
        "leads to another machine without TLS (EXPOSED): {how}, or TRUSTED_NETWORK=true where \
         nobody else is in the network between"
    );
    Wrong::new(name, reason)
}

fn published(name: &'static str, what: &str) -> Wrong {
    Wrong::new(name, format!("has a {what} that everybody can read in the repository (EXPOSED)"))
}

fn none(name: &'static str, what: &str) -> Wrong {
    Wrong::new(name, format!("has no {what}, and leads to another machine (EXPOSED)"))
}

#[cfg(test)]
mod tests;
