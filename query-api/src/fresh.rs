//! How fresh an answer has to be, and of which log: `min_position=N` in the query, `Prefer: wait=S`
//! (RFC 7240) and `Log-Id` in the headers.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use identity::Principal;
use tokio::time::Instant;
use uuid::Uuid;

use crate::log;

/// The longest wait that is granted; more is cut to this.
pub const WAIT_MAX: Duration = Duration::from_secs(30);
/// The wait of those who do not say.
pub const WAIT_DEFAULT: Duration = Duration::from_secs(2);

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The wait a client prefers, of which what cannot be understood is ignored, as the RFC wants; and
/// the log that its positions are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefer {
    wait: Option<Duration>,
    log_id: Option<Uuid>,
}

impl<S: Send + Sync> FromRequestParts<S> for Prefer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // One that is no id was refused before.
        let log_id = log::asked_for(&parts.headers).ok().flatten();
        Ok(Self { wait: preferred_wait(&parts.headers), log_id })
    }
}

/// The first `wait` counts (RFC 7240, section 2).
fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    preferences.flat_map(|value| value.split(',')).find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let seconds = value.trim().trim_matches('"').parse().ok()?;
        let wanted = name.trim().eq_ignore_ascii_case("wait");
        wanted.then(|| Duration::from_secs(seconds).min(WAIT_MAX))
    })
}

/// How fresh, and until when to wait for it.
#[derive(Clone, Copy, Debug)]
pub struct Fresh {
    /// The answer must hold everything up to this position.
    pub min_position: Option<i64>,
    /// When to stop waiting for that.
    pub until: Instant,
    /// Whether the caller may hear how far the log has come, which tells how much a shop sells.
    pub tells_head: bool,
    /// The log that the position is of, if that was said.
    pub log_id: Option<Uuid>,
    applied: Option<Duration>,
}

impl Fresh {
    /// What the query and the header ask for together.
    pub fn new(min_position: Option<i64>, prefer: Prefer) -> Self {
        Self {
            min_position,
            until: Instant::now() + prefer.wait.unwrap_or(WAIT_DEFAULT),
            tells_head: true,
            log_id: prefer.log_id,
            applied: prefer.wait.filter(|_| min_position.is_some()),
        }
    }

    /// The same for whoever asks.
    #[must_use]
    pub fn of(self, principal: Principal) -> Self {
        Self { tells_head: principal.works_here(), ..self }
    }

    /// Tells the client that its preference was heard.
    pub fn applied(&self) -> Option<[(HeaderName, HeaderValue); 1]> {
        let applied = format!("wait={}", self.applied?.as_secs());
        Some([(PREFERENCE_APPLIED, HeaderValue::from_str(&applied).ok()?)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(values: &[&'static str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(PREFER, HeaderValue::from_static(value));
        }
        preferred_wait(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_is_found_among_other_preferences_and_bounded() {
        assert_eq!(wait(&["wait=5"]), Some(5));
        assert_eq!(wait(&["respond-async, WAIT = \"7\"; x=y"]), Some(7));
        assert_eq!(wait(&["return=minimal", "wait=3, wait=9"]), Some(3));
        assert_eq!(wait(&["wait=100000"]), Some(30));
        assert_eq!(wait(&["wait=-1"]), None);
        assert_eq!(wait(&["wait", "wait=", "waits=4", "=="]), None);
    }
}
