//! A small HTTP client for our own services on this machine.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result};
use ureq::http::Response;
use ureq::{Agent, Body};

/// How long one request may take; a demo batch is the longest.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer read, in bytes.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a service answered; every status is an answer.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// GET `url`.
pub fn get(url: &str) -> Result<Answer> {
    let mut request = agent().get(url);
    if let Some(token) = bearer() {
        request = request.header("authorization", token);
    }
    read(url, request.call())
}

/// POST `body` to `url`.
pub fn post(url: &str, content_type: &str, body: &str) -> Result<Answer> {
    let mut request = agent().post(url).header("content-type", content_type);
    if let Some(token) = bearer() {
        request = request.header("authorization", token);
    }
    read(url, request.send(body))
}

/// Whether GET `url` answers 200, asked while waiting for a server to start.
pub fn is_ok(url: &str) -> bool {
    get(url).is_ok_and(|answer| answer.status == 200)
}

/// Never through a proxy: a proxy of the developer's cannot reach this machine's loopback address.
fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(REQUEST_TIMEOUT))
        .proxy(None)
        .build()
        .into()
}

/// Whose requests they are, where `API_TOKEN` does not say it.
static TOKEN: OnceLock<String> = OnceLock::new();

/// From now on requests have this token, unless the environment has one.
pub fn sign_in(token: String) {
    // The first one stays.
    let _ = TOKEN.set(token);
}

/// The services ask for the token when it is set; so do we send it.
fn bearer() -> Option<String> {
    let told = std::env::var("API_TOKEN").ok().filter(|token| !token.is_empty());
    let token = told.or_else(|| TOKEN.get().cloned())?;
    Some(format!("Bearer {token}"))
}

fn read(url: &str, response: Result<Response<Body>, ureq::Error>) -> Result<Answer> {
    let mut response = response.with_context(|| format!("no answer from {url}"))?;
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
    let body = body.with_context(|| format!("the answer of {url} broke off"))?;
    Ok(Answer { status: response.status().as_u16(), body })
}
