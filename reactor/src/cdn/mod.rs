//! The CDN in front of the catalogue, told by tags what it is to forget. What is on the list of
//! `reactions/purge_cdn.rs` is done here, many tags at once.
//!
//! A purge is of use only once the read API shows the change: sooner, the CDN fetches what it had
//! and keeps it. So that API is asked for the position of the event first, as any reader may. An
//! answer that was fetched before and comes to the CDN after the purge would be kept all the same,
//! as would one of a replica that is behind: each tag is purged once more, half a minute later.

mod cloudflare;
mod fastly;
pub mod settings;
mod tasks;
mod varnish;

pub(crate) use self::tasks::catch_up;

use std::time::Duration;

use event_store::causes;
use reqwest::{Client, RequestBuilder, redirect, retry};
use service::config::Secret;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use self::settings::Dialect;
use self::tasks::{Claimed, EVERYTHING};

/// How long after the first purge of a tag the second one is: what was asked for before has been
/// answered by then.
const SETTLE: Duration = Duration::from_secs(30);
/// Tags that wait, from which on all of the catalogue is purged in their place.
const WHOLE_MIN: i64 = 1_000;
/// How long a claim is good: longer than it takes to ask both.
const LEASE: Duration = Duration::from_mins(1);
/// The pause between two purges, in which tags gather: CDNs count requests.
const GATHER: Duration = Duration::from_secs(1);
/// The longest pause after purges that came to nothing.
const PAUSE_MAX: Duration = Duration::from_mins(5);
/// How long whoever is asked may take, the wait for a position included.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);
/// How long it may take until there is a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long the read API is to wait for a position before it says that it is behind, in seconds.
const WAIT_SECONDS: u8 = 5;
/// What of the read API has to show a position: the catalogue, and what is searched, of which stock
/// is a part that may be asked for often.
const SHOWN: [&str; 2] = ["/v1/products", "/v1/stock"];

/// Who is told what to forget, and who has to show it first.
#[derive(Debug)]
pub struct Cdn {
    client: Client,
    dialect: Dialect,
    url: String,
    token: Option<Secret>,
    origin: String,
}

/// Why nothing was purged.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the read API does not show position {0} yet")]
    Behind(i64),
    #[error("the read API answered {0}")]
    Origin(u16),
    #[error("the read API did not answer")]
    OriginSilence(#[source] reqwest::Error),
    #[error("the CDN answered {0}")]
    Refused(u16),
    #[error("the CDN did not do it")]
    NotDone,
    #[error("the CDN did not answer")]
    Silence(#[source] reqwest::Error),
}

impl Cdn {
    fn new(settings: settings::Checked) -> reqwest::Result<Self> {
        let client = Client::builder()
            .timeout(ANSWER_TIME_MAX)
            .connect_timeout(CONNECT_TIME_MAX)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .build()?;
        let settings::Checked { dialect, url, token, origin } = settings;
        Ok(Self { client, dialect, url, token, origin })
    }

    /// Purges what is due until told to stop; the purge under way is finished first.
    pub(crate) async fn run(self, db: PgPool, stop: CancellationToken) {
        describe_metrics();
        while !stop.is_cancelled() {
            if let Err(error) = self.round(&db, &stop).await {
                tracing::debug!(error = causes(&error), "the list of purges cannot be looked at");
            }
            let _ = stop.run_until_cancelled(tokio::time::sleep(GATHER)).await;
        }
    }

    /// Purges the tags that are due, as many as go at once, or everything where they are too many.
    async fn round(&self, db: &PgPool, stop: &CancellationToken) -> sqlx::Result<()> {
        let waiting = tasks::waiting(db, WHOLE_MIN).await?;
        metrics::gauge!("cdn_purges_waiting").set(waiting.count as f64);
        let claimed = tasks::claim(db, self.dialect.tags_max(), LEASE).await?;
        if claimed.is_empty() {
            return Ok(());
        }
        let whole = waiting.count >= WHOLE_MIN;
        let (tags, position) = if whole {
            (vec![EVERYTHING], waiting.last)
        } else {
            (claimed.tags(), claimed.position())
        };
        // What is cut off here is somebody else's at once.
        let asked = stop.run_until_cancelled(self.shows(position)).await;
        let Some(shown) = asked else { return tasks::postpone(db, &claimed, Duration::ZERO).await };
        let purged = match shown {
            Ok(()) => self.purge(&tags).await,
            Err(failure) => Err(failure),
        };
        match purged {
            Ok(()) => {
                count("purged");
                tracing::debug!(tags = tags.len(), position, whole, "purged");
                if whole {
                    tasks::purged_all(db, position, SETTLE).await
                } else {
                    tasks::purged(db, &claimed, SETTLE).await
                }
            }
            Err(failure) => self.put_off(db, &claimed, failure).await,
        }
    }

    /// Nothing is given up: what is not purged would be shown for as long as it is kept.
    async fn put_off(&self, db: &PgPool, claimed: &Claimed, failure: Failure) -> sqlx::Result<()> {
        let error = causes(&failure);
        if let Failure::Behind(_) = failure {
            count("behind");
            tracing::debug!(error, "the CDN is purged later");
            return tasks::postpone(db, claimed, GATHER).await;
        }
        count("failed");
        tracing::warn!(error, tags = claimed.tags().len(), "the CDN is not purged yet");
        tasks::postpone(db, claimed, pause(claimed.attempts())).await
    }

    /// Whether those who ask the read API now are shown all up to a position.
    async fn shows(&self, position: i64) -> Result<(), Failure> {
        for path in SHOWN {
            let url = format!("{}{path}?limit=1&min_position={position}", self.origin);
            let asked = self.client.get(url).header("prefer", format!("wait={WAIT_SECONDS}"));
            let answer = asked.send().await;
            let answer = answer.map_err(|error| Failure::OriginSilence(error.without_url()))?;
            match answer.status() {
                status if status.is_success() => {}
                status if status.is_server_error() => return Err(Failure::Behind(position)),
                status => return Err(Failure::Origin(status.as_u16())),
            }
        }
        Ok(())
    }

    async fn purge(&self, tags: &[&str]) -> Result<(), Failure> {
        let answer = self.request(tags).send().await.map_err(silence)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(Failure::Refused(status.as_u16()));
        }
        match self.dialect {
            Dialect::Cloudflare => cloudflare::is_done(answer).await,
            Dialect::Fastly | Dialect::Varnish => Ok(()),
        }
    }

    fn request(&self, tags: &[&str]) -> RequestBuilder {
        let token = self.token.as_ref().map(Secret::expose);
        match self.dialect {
            Dialect::Fastly => fastly::purge(&self.client, &self.url, token, tags),
            Dialect::Cloudflare => cloudflare::purge(&self.client, &self.url, token, tags),
            Dialect::Varnish => varnish::purge(&self.client, &self.url, token, tags),
        }
    }
}

/// The address may hold what belongs in no log.
fn silence(error: reqwest::Error) -> Failure {
    Failure::Silence(error.without_url())
}

/// The pause after so many tries: 1 s, 2 s, 4 s, … up to [`PAUSE_MAX`].
fn pause(attempts: u32) -> Duration {
    let doubled = 2u32.saturating_pow(attempts.saturating_sub(1));
    GATHER.saturating_mul(doubled).min(PAUSE_MAX)
}

fn describe_metrics() {
    metrics::describe_counter!("cdn_purges_total", "Purges of the CDN, by outcome");
    metrics::describe_gauge!("cdn_purges_waiting", "Tags due to be purged, up to 1,000");
    for outcome in ["purged", "behind", "failed"] {
        metrics::counter!("cdn_purges_total", "outcome" => outcome).absolute(0);
    }
}

fn count(outcome: &'static str) {
    metrics::counter!("cdn_purges_total", "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use reqwest::Request;

    use super::*;

    fn request(dialect: Dialect) -> Request {
        let cdn = Cdn::new(settings::Checked {
            dialect,
            url: "http://cdn.example/zone".to_owned(),
            token: Some("s3cret".into()),
            origin: String::new(),
        });
        cdn.unwrap().request(&["products", "product-1"]).build().unwrap()
    }

    /// As <https://www.fastly.com/documentation/reference/api/purging/> has it.
    #[test]
    fn fastly_is_asked_for_keys() {
        let request = request(Dialect::Fastly);
        let asked = (request.method().as_str(), request.url().as_str());
        assert_eq!(asked, ("POST", "http://cdn.example/zone/purge"));
        assert_eq!(request.headers()["surrogate-key"], "products product-1");
        assert_eq!(request.headers()["fastly-key"], "s3cret");
        assert!(request.headers()["fastly-key"].is_sensitive());
    }

    /// As <https://developers.cloudflare.com/api/resources/cache/methods/purge/> has it.
    #[test]
    fn cloudflare_is_asked_for_tags() {
        let request = request(Dialect::Cloudflare);
        let asked = (request.method().as_str(), request.url().as_str());
        assert_eq!(asked, ("POST", "http://cdn.example/zone/purge_cache"));
        assert_eq!(request.headers()["authorization"], "Bearer s3cret");
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap();
        assert_eq!(body, br#"{"tags":["products","product-1"]}"#);
    }

    /// As `deploy/varnish.vcl` has it.
    #[test]
    fn varnish_is_asked_for_keys() {
        let request = request(Dialect::Varnish);
        let asked = (request.method().as_str(), request.url().as_str());
        assert_eq!(asked, ("PURGE", "http://cdn.example/zone"));
        assert_eq!(request.headers()["surrogate-key"], "products product-1");
        assert_eq!(request.headers()["authorization"], "Bearer s3cret");
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        let seconds = [1, 2, 3, 9, 10, 1_000].map(|attempts| pause(attempts).as_secs());
        assert_eq!(seconds, [1, 2, 4, 256, 300, 300]);
    }
}
