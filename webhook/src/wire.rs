//! How receivers are asked over HTTP: once, within bounds of time and size, and at no address but
//! one that was looked at. A name is looked up for each connection, all it leads to is looked at,
//! and the connection is made to that: nobody can answer otherwise in between.

use std::error::Error as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, redirect, retry};

use crate::backoff;
use crate::target::{NOT_PUBLIC, Reach, Target};

/// How long a receiver may take for one answer.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);
/// How long it may take until there is a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a name may take to be looked up, where one asks for that alone.
const LOOK_UP_TIME_MAX: Duration = Duration::from_secs(3);
/// Connections to a receiver that are kept for the next delivery.
const IDLE_CONNECTIONS_MAX: usize = 2;
/// What is read of an answer, in bytes; the rest is left where it is.
const ANSWER_BYTES_MAX: usize = 4096;
/// What is kept of it, in characters.
const EXCERPT_CHARS_MAX: usize = 200;

/// Connections to receivers. Clones share them.
#[derive(Clone, Debug)]
pub struct Wire {
    client: Client,
    lookup: Arc<Lookup>,
}

/// What a receiver answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub status: u16,
    /// How its body begins, without what does not print.
    pub excerpt: String,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Silence {
    /// It was not asked, for this reason.
    #[error("it was not sent: {0}")]
    Unsent(String),
    /// The name leads to an address that is not to be reached.
    #[error("it was not sent: the URL {NOT_PUBLIC}")]
    NotPublic,
    /// It took too long.
    #[error("there was no answer in time")]
    Late,
    /// There was no connection: nobody listens, no such name, no valid certificate.
    #[error("there was no connection: {0}")]
    NoConnection(String),
    /// The connection broke, or what came is no HTTP.
    #[error("the answer did not come: {0}")]
    Broken(String),
}

impl Wire {
    /// To receivers within `reach`, whose names the system looks up.
    ///
    /// # Errors
    /// The system's certificates cannot be read.
    pub fn new(reach: Reach) -> reqwest::Result<Self> {
        Self::with_resolver(reach, Arc::new(System))
    }

    /// The same, where names are looked up by somebody else.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_resolver(reach: Reach, resolver: Arc<dyn Resolve>) -> reqwest::Result<Self> {
        let lookup = Arc::new(Lookup { resolver, reach });
        let client = Client::builder()
            .user_agent(concat!("commerce-webhooks/", env!("CARGO_PKG_VERSION")))
            .timeout(ANSWER_TIME_MAX)
            .connect_timeout(CONNECT_TIME_MAX)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .https_only(reach == Reach::Public)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // One would look names up by itself.
            .no_proxy()
            .dns_resolver(lookup.clone())
            .build()?;
        Ok(Self { client, lookup })
    }

    /// Which addresses may be reached.
    pub fn reach(&self) -> Reach {
        self.lookup.reach
    }

    /// Whether a target leads where it may, as far as is known now: a name that nobody knows yet
    /// may come to lead somewhere.
    pub(crate) async fn leads_where_it_may(&self, target: &Target) -> bool {
        if let Some(ip) = target.ip() {
            return self.reach().allows(ip);
        }
        let Ok(name) = target.host().parse() else { return false };
        match tokio::time::timeout(LOOK_UP_TIME_MAX, self.lookup.resolve(name)).await {
            Ok(Err(error)) => !error.is::<NotPublic>(),
            Ok(Ok(_)) | Err(_) => true,
        }
    }

    /// Posts a body and reads how the answer begins.
    pub(crate) async fn post(
        &self,
        target: &Target,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Answer, Silence> {
        // An address that is written down is looked up by nobody.
        if target.ip().is_some_and(|ip| !self.reach().allows(ip)) {
            return Err(Silence::NotPublic);
        }
        let request = self.client.post(target.url().clone()).headers(headers).body(body);
        let mut answer = request.send().await.map_err(silence)?;
        let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = asked.and_then(|value| backoff::retry_after(value, Utc::now()));
        let mut body = Vec::new();
        // Its status is the answer. What it says besides may break off.
        while body.len() < ANSWER_BYTES_MAX
            && let Ok(Some(piece)) = answer.chunk().await
        {
            body.extend_from_slice(&piece[..piece.len().min(ANSWER_BYTES_MAX - body.len())]);
        }
        let (status, excerpt) = (answer.status().as_u16(), excerpt(&body));
        Ok(Answer { status, excerpt, retry_after })
    }
}

/// How a body begins, on one line.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let printed = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let short: String = printed.take(EXCERPT_CHARS_MAX).collect();
    short.trim().to_owned()
}

/// Why a request came to nothing; without the URL, which may hold a secret.
fn silence(error: reqwest::Error) -> Silence {
    let error = error.without_url();
    let (mut cause, mut told) = (error.source(), String::new());
    while let Some(inner) = cause {
        if inner.is::<NotPublic>() {
            return Silence::NotPublic;
        }
        told = inner.to_string();
        cause = inner.source();
    }
    let told = excerpt(if told.is_empty() { error.to_string() } else { told }.as_bytes());
    match () {
        () if error.is_timeout() => Silence::Late,
        () if error.is_connect() => Silence::NoConnection(told),
        () => Silence::Broken(told),
    }
}

/// Some address that a name leads to is not to be reached.
#[derive(Debug, thiserror::Error)]
#[error("it {NOT_PUBLIC}")]
struct NotPublic;

/// Looks names up, and gives out what all may be reached.
struct Lookup {
    resolver: Arc<dyn Resolve>,
    reach: Reach,
}

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, reach) = (self.resolver.resolve(name), self.reach);
        Box::pin(async move {
            let found: Vec<SocketAddr> = found.await?.collect();
            if found.iter().all(|address| reach.allows(address.ip())) {
                Ok(Box::new(found.into_iter()) as Addrs)
            } else {
                Err(NotPublic.into())
            }
        })
    }
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookup").field("reach", &self.reach).finish_non_exhaustive()
    }
}

/// The system's own way to look names up.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(found.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt(b"no\r\n\x1b[31m\0way\xff"), "no   [31m way\u{fffd}");
        assert_eq!(excerpt("é".repeat(5_000).as_bytes()).chars().count(), EXCERPT_CHARS_MAX);
        assert_eq!(excerpt(b""), "");
    }
}
