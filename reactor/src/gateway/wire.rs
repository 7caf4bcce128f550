//! How gateways are asked over HTTP: once, within bounds of time and size. Whoever asks again does
//! so under the same key, and knows why.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect, retry};
use serde_json::Value;

/// How long a gateway may take for one answer: banks take seconds.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(15);
/// How long it may take until there is a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// The largest answer, in bytes: a list of a hundred payments is far smaller.
const ANSWER_BYTES_MAX: usize = 2 << 20;

/// A gateway's address, and the connections to it.
#[derive(Debug)]
pub(super) struct Wire {
    client: Client,
    base: String,
}

/// What came back.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was done, and this is how it stands.
    Done(Value),
    /// It was not done, for a reason.
    Refused(StatusCode, Value),
    /// Nobody can tell from it whether anything was done.
    Lost,
}

impl Wire {
    /// To the gateway at `base`, an address without a slash at the end.
    pub fn new(base: &str) -> reqwest::Result<Self> {
        let client = Client::builder()
            .timeout(ANSWER_TIME_MAX)
            .connect_timeout(CONNECT_TIME_MAX)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .build()?;
        Ok(Self { client, base: base.trim_end_matches('/').to_owned() })
    }

    /// A request to be filled.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }
}

/// Sends a request and reads its answer.
pub(super) async fn send(request: RequestBuilder) -> Answer {
    match read(request).await {
        Ok((status, body)) if status.is_success() => Answer::Done(body),
        Ok((status, _)) if status.is_server_error() => {
            tracing::warn!(status = status.as_u16(), "the gateway is in trouble");
            Answer::Lost
        }
        Ok((status, body)) => Answer::Refused(status, body),
        Err(error) => {
            tracing::warn!(%error, "the gateway did not answer");
            Answer::Lost
        }
    }
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error("the connection did not bring it: {0}")]
    Wire(reqwest::Error),
    #[error("it was larger than it may be")]
    TooLarge,
    #[error("it was no JSON")]
    NoJson,
}

async fn read(request: RequestBuilder) -> Result<(StatusCode, Value), Silence> {
    // The address may hold what belongs in no log.
    let wire = |error: reqwest::Error| Silence::Wire(error.without_url());
    let mut answer = request.send().await.map_err(wire)?;
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(wire)? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(Silence::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    if body.is_empty() {
        return Ok((status, Value::Null));
    }
    match serde_json::from_slice(&body) {
        Ok(body) => Ok((status, body)),
        // A page of something between us, which says no more than its status.
        Err(_) if !status.is_success() => Ok((status, Value::Null)),
        Err(_) => Err(Silence::NoJson),
    }
}

/// Whether a refusal says only that it is not the time: nothing was done, and it may be later.
pub(super) fn is_for_later(status: StatusCode) -> bool {
    [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::CONFLICT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ]
    .contains(&status)
}
