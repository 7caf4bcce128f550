//! Sending: one command or a batch of them, once, to one of the command-apis, and what came back.
//! Trying again is the caller's.

use std::time::Duration;

use reqwest::Client;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::route;
use crate::history::{Addresses, Answer, Attempt, Clock, Command};

/// How long an answer is waited for. Shorter than the services' own patience, so that some answers
/// are lost to a slow server too.
pub const PATIENCE: Duration = Duration::from_secs(8);
/// How long a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_secs(2);
const REPLAYED: &str = "idempotent-replayed";
const PROBLEM_CHARS_MAX: usize = 120;

/// The way to the command-apis; clones share its connections.
#[derive(Clone, Debug)]
pub struct Sender {
    http: Client,
    addresses: [String; 2],
    clock: Clock,
}

impl Sender {
    /// To the command-apis of a round.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn new(addresses: &Addresses, clock: Clock) -> anyhow::Result<Self> {
        let http = Client::builder().connect_timeout(CONNECT_MAX).build()?;
        Ok(Self { http, addresses: addresses.commands.clone(), clock })
    }

    /// Sends a command and waits for as long as `patience`.
    pub async fn send(&self, command: &Command, api: usize, patience: Duration) -> Attempt {
        let sent = self.clock.now();
        let asked = tokio::time::timeout(patience, self.post(command, api)).await;
        let (answer, lost) = match asked {
            Ok(Ok(answer)) => (Some(answer), None),
            Ok(Err(lost)) => (None, Some(lost)),
            Err(_) => (None, Some(format!("no answer within {} ms", patience.as_millis()))),
        };
        Attempt { api, sent, ended: self.clock.now(), answer, lost }
    }

    async fn post(&self, command: &Command, api: usize) -> Result<Answer, String> {
        let (method, path) = route::of(command);
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.addresses[api]))
            .header("Idempotency-Key", &command.key)
            .header("Content-Type", "application/json")
            .body(command.body.clone());
        if let Some(version) = command.if_match {
            request = request.header("If-Match", format!("\"{version}\""));
        }
        let response = request.send().await.map_err(|error| chain(&error))?;
        let status = response.status().as_u16();
        let replayed = response.headers().contains_key(REPLAYED);
        let log_id = log_id(response.headers());
        let body: Value = response.json().await.map_err(|error| chain(&error))?;
        judge(Answer { status, body, replayed, log_id })
    }

    /// Sends commands as one batch. One attempt for each, in their order; those whose verdict did
    /// not come have no answer.
    pub async fn send_batch(&self, commands: &[Command], api: usize) -> Vec<Attempt> {
        let sent = self.clock.now();
        let mut verdicts = Vec::new();
        let asked = self.post_batch(commands, api, &mut verdicts);
        let lost = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(())) => "the batch ended early".to_owned(),
            Ok(Err(lost)) => lost,
            Err(_) => "the batch took too long".to_owned(),
        };
        let ended = self.clock.now();
        let mut verdicts = verdicts.into_iter();
        let attempt = |_: &Command| {
            let (answer, lost) = match verdicts.next() {
                Some(Ok(answer)) => (Some(answer), None),
                Some(Err(lost)) => (None, Some(lost)),
                None => (None, Some(lost.clone())),
            };
            Attempt { api, sent, ended, answer, lost }
        };
        commands.iter().map(attempt).collect()
    }

    /// Reads verdicts as they come, so that those before a break count.
    async fn post_batch(
        &self,
        commands: &[Command],
        api: usize,
        verdicts: &mut Vec<Result<Answer, String>>,
    ) -> Result<(), String> {
        let lines: String = commands.iter().map(line).collect();
        let mut response = self
            .http
            .post(format!("{}/v1/batch", self.addresses[api]))
            .header("Content-Type", "application/x-ndjson")
            .body(lines)
            .send()
            .await
            .map_err(|error| chain(&error))?;
        if !response.status().is_success() {
            return Err(format!("the batch was answered {}", response.status()));
        }
        let log_id = log_id(response.headers());
        let mut rest: Vec<u8> = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| chain(&error))? {
            rest.extend_from_slice(&piece);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                verdicts.push(verdict(&line, log_id.clone()));
            }
        }
        Ok(())
    }
}

/// The log that an answer says it is about.
pub(super) fn log_id(headers: &HeaderMap) -> Option<String> {
    headers.get("log-id").and_then(|id| id.to_str().ok()).map(str::to_owned)
}

/// A command as a line of a batch.
fn line(command: &Command) -> String {
    let mut data: Value = serde_json::from_str(&command.body).unwrap_or_default();
    if route::has_sku(command.name) {
        data["sku"] = json!(command.sku);
    }
    let mut line = json!({"command": command.name, "key": command.key});
    if let Some(id) = &command.id {
        line["id"] = json!(id);
    }
    if let Some(version) = command.if_match {
        line["if_match"] = json!(version);
    }
    line["data"] = data;
    format!("{line}\n")
}

fn verdict(line: &[u8], log_id: Option<String>) -> Result<Answer, String> {
    let mut verdict: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let status = verdict["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.ok_or("a verdict without a status")?;
    let replayed = verdict["replayed"] == true;
    let body = if let Some(problem) = verdict.get_mut("problem") {
        problem.take()
    } else {
        let (id, version) = (&verdict["id"], &verdict["version"]);
        json!({"id": id, "version": version, "position": verdict["position"]})
    };
    judge(Answer { status, body, replayed, log_id })
}

/// An answer, or why it is none: the server only said to come again.
fn judge(answer: Answer) -> Result<Answer, String> {
    match answer.status {
        408 | 429 | 500.. => {
            let problem: String = answer.body.to_string().chars().take(PROBLEM_CHARS_MAX).collect();
            Err(format!("{}: {problem}", answer.status))
        }
        _ => Ok(answer),
    }
}

/// An error with its causes, shortened.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text.chars().take(PROBLEM_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certain_is_an_answer() {
        let of = |line: &str| verdict(line.as_bytes(), None);
        let accepted =
            of(r#"{"line":1,"status":201,"id":"a","version":1,"position":9,"replayed":true}"#);
        let accepted = accepted.unwrap();
        assert!(accepted.replayed && accepted.position() == Some(9));
        let refused = of(r#"{"line":2,"status":409,"problem":{"status":409,"code":"cart_empty"}}"#);
        assert_eq!(refused.unwrap().code(), "cart_empty");
        assert!(of(r#"{"line":3,"status":503,"problem":{"code":"overloaded"}}"#).is_err());
        assert!(of(r#"{"line":3,"status":20"#).is_err());
    }

    #[test]
    fn a_line_has_the_sku_in_its_data() {
        let command = Command {
            name: "cart.change_line",
            id: Some("c".to_owned()),
            sku: Some("S".to_owned()),
            if_match: Some(3),
            body: r#"{"quantity":2}"#.to_owned(),
            key: "k".to_owned(),
        };
        let line: Value = serde_json::from_str(&line(&command)).unwrap();
        assert_eq!(line["data"], json!({"quantity": 2, "sku": "S"}));
        assert_eq!((&line["if_match"], &line["id"]), (&json!(3), &json!("c")));
    }
}
