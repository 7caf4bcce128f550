//! Somebody who asks the shop, with their token: commands go to one API, documents come from the
//! other. No knowledge of what should be in them.

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Client, Method};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// What takes no key: asked twice, it makes two.
const UNKEYED: [&str; 4] = ["/v1/addresses", "/v1/api-keys", "/v1/staff", "/v1/webhooks"];

/// How long a document may take to become what is waited for: a gateway that stood still is asked
/// again after at most a minute.
const PATIENCE: Duration = Duration::from_mins(3);
/// The pause between two looks.
const POLL: Duration = Duration::from_millis(50);

/// Where the APIs answer.
pub struct Place {
    pub client: Client,
    pub command_api: String,
    pub query_api: String,
    /// Of the last command: readers are to be at least there.
    pub position: Cell<i64>,
}

/// Somebody. Without a token, a stranger.
#[derive(Clone)]
pub struct Caller<'a> {
    pub place: &'a Place,
    pub token: Option<String>,
}

impl Caller<'_> {
    /// Asks something, which must be done; the id of its subject.
    pub async fn ask(&self, path: &str, body: Value) -> Result<String> {
        self.ask_by(Method::POST, path, body).await
    }

    /// The same by another method.
    pub async fn ask_by(&self, method: Method, path: &str, body: Value) -> Result<String> {
        let (status, answer) = self.send(method, path, &body).await?;
        ensure!((200..300).contains(&status), "{path} {body}: {status} {answer}");
        let position = answer["position"].as_i64().context("an answer without a position")?;
        self.place.position.set(self.place.position.get().max(position));
        Ok(answer["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Asks something that must be refused for this reason.
    pub async fn refused(&self, path: &str, body: Value, code: &str) -> Result<()> {
        let (status, answer) = self.send(Method::POST, path, &body).await?;
        ensure!(
            answer["code"] == code,
            "{path} {body} is not refused as {code}: {status} {answer}"
        );
        Ok(())
    }

    /// Asks command-api something; what is answered, and with which status.
    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Result<(u16, Value)> {
        let url = format!("{}{path}", self.place.command_api);
        let request = self.place.client.request(method.clone(), url);
        let request = if UNKEYED.iter().any(|unkeyed| path.starts_with(unkeyed)) {
            request
        } else {
            request.header("idempotency-key", Uuid::now_v7().to_string())
        };
        let request = if method == Method::GET { request } else { request.json(body) };
        self.answer(request).await
    }

    /// Looks at a document, as it may be; what is answered, and with which status.
    pub async fn look(&self, path: &str) -> Result<(u16, Value)> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let (query_api, position) = (&self.place.query_api, self.place.position.get());
        let url = format!("{query_api}{path}{separator}min_position={position}");
        self.answer(self.place.client.get(&url).header("prefer", "wait=10")).await
    }

    /// A document as it is now, of a kind that nobody waits for.
    pub async fn read_now(&self, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.place.query_api);
        let (status, document) = self.answer(self.place.client.get(&url)).await?;
        ensure!((200..300).contains(&status), "{path}: {status} {document}");
        Ok(document)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<(u16, Value)> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }

    /// A document, as it is after the last command.
    pub async fn read(&self, path: &str) -> Result<Value> {
        let (status, document) = self.look(path).await?;
        ensure!((200..300).contains(&status), "{path}: {status} {document}");
        Ok(document)
    }

    /// Waits until what stands at the pointer of a document is this.
    pub async fn until(&self, path: &str, pointer: &str, wanted: &Value) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let document = self.read(path).await?;
            if document.pointer(pointer) == Some(wanted) {
                return Ok(document);
            }
            if Instant::now() > deadline {
                bail!("{path}: {pointer} does not become {wanted}: {document}");
            }
            sleep(POLL).await;
        }
    }
}
