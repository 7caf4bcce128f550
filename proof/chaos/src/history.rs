//! What a round asked and what it was told: every request and every answer, with the times at
//! which they left and came.
//!
//! Times are microseconds of one monotonic clock since the round began, so that "answered before
//! the other was sent" means what it says. Nothing here asks, and nothing judges.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use crate::stripe::Stripe;

/// Where a round's load and checks find the engine.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The two command-apis, as `http://host:port`.
    pub commands: [String; 2],
    /// The query-api, as `http://host:port`.
    pub query: String,
    /// The two projectors, as `http://host:port`.
    pub projectors: [String; 2],
    /// The database, as a `postgres://` URL.
    pub database: String,
    /// NATS, as a `nats://` URL.
    pub nats: String,
    /// The JetStream stream that carries the log.
    pub event_stream: String,
    /// Meilisearch, as `http://host:port`.
    pub meilisearch: String,
    /// Its master key.
    pub meilisearch_key: String,
    /// The index of the catalogue.
    pub search_index: String,
    /// The stand-in of Stripe.
    pub stripe: Stripe,
}

/// The clock of one round.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// One that begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Microseconds since it began.
    pub fn now(self) -> u64 {
        self.at(Instant::now())
    }

    /// The same at another moment.
    pub fn at(self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.0);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}

/// A command, as either API takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Command {
    /// Its name in a batch.
    pub name: &'static str,
    /// What it is for, unless it makes it.
    pub id: Option<String>,
    /// A SKU within that.
    pub sku: Option<String>,
    /// The version the client expects that to have.
    pub if_match: Option<i64>,
    /// Its body: a JSON object, sent byte for byte the same each time.
    pub body: String,
    /// The key under which it takes effect once.
    pub key: String,
}

/// What a server answered for certain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The HTTP status, or the one a batch's verdict has in its place.
    pub status: u16,
    /// `id`, `version` and `position`, or the problem.
    pub body: Value,
    /// Whether the server said that it had been answered before.
    pub replayed: bool,
    /// The log that it was about, if it said so.
    pub log_id: Option<String>,
}

impl Answer {
    /// Whether the command took effect, or was so already.
    pub fn is_accepted(&self) -> bool {
        self.status < 300
    }

    /// The problem's code; empty for an accepted command.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Whether it is a refusal that is not kept: the next try is decided anew.
    pub fn is_passing(&self) -> bool {
        self.body["passing"] == true
    }

    /// Where in the log the command took effect, or was refused.
    pub fn position(&self) -> Option<i64> {
        self.body["position"].as_i64()
    }

    /// The id of an accepted command's subject.
    pub fn id(&self) -> Option<&str> {
        self.body["id"].as_str()
    }

    /// The version of an accepted command's subject.
    pub fn version(&self) -> Option<i64> {
        self.body["version"].as_i64()
    }

    /// Whether both say the same: the same status, and the same effect or the same refusal.
    pub fn agrees(&self, other: &Self) -> bool {
        self.status == other.status && essence(&self.body) == essence(&other.body)
    }
}

/// A body without what only the way it was sent decides.
fn essence(body: &Value) -> Value {
    let mut body = body.clone();
    if let Value::Object(members) = &mut body {
        members.retain(|name, _| !matches!(name.as_str(), "line" | "replayed"));
    }
    body
}

/// One time that a command was sent.
#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    /// Which of the command-apis.
    pub api: usize,
    /// When it left.
    pub sent: u64,
    /// When its answer was there, or was given up.
    pub ended: u64,
    /// The answer, unless it was lost or only said to come again.
    pub answer: Option<Answer>,
    /// What came instead of an answer.
    pub lost: Option<String>,
}

impl Attempt {
    /// The answer, unless the next attempt may get another one.
    pub fn kept_answer(&self) -> Option<&Answer> {
        self.answer.as_ref().filter(|answer| !answer.is_passing())
    }
}

/// One command with all that came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// Who asked.
    pub client: usize,
    /// What.
    #[serde(flatten)]
    pub command: Command,
    /// Whether the key was deliberately taken from another command, which had its answer.
    pub reuses_key: bool,
    /// Each time it was sent, in the order in which they ended.
    pub attempts: Vec<Attempt>,
}

impl Asked {
    /// The answer that stands: the first one that was kept; without such, the first.
    pub fn answer(&self) -> Option<&Answer> {
        self.standing()?.answer.as_ref()
    }

    fn standing(&self) -> Option<&Attempt> {
        let answered = || self.attempts.iter().filter(|attempt| attempt.answer.is_some());
        answered().find(|attempt| attempt.kept_answer().is_some()).or_else(|| answered().next())
    }

    /// Leaves out what it was told of which the log lost all.
    pub fn forget(&mut self, is_lost: impl Fn(&Answer) -> bool) {
        for attempt in &mut self.attempts {
            attempt.answer.take_if(|answer| is_lost(answer));
        }
    }

    /// Leaves out what it was told that another attempt has made untrue.
    pub fn forget_passing(&mut self) {
        for attempt in &mut self.attempts {
            attempt.answer.take_if(|answer| answer.is_passing());
        }
    }

    /// When it first left.
    pub fn sent(&self) -> u64 {
        self.attempts.iter().map(|attempt| attempt.sent).min().unwrap_or(0)
    }

    /// When the answer that stands was first there.
    pub fn answered(&self) -> Option<u64> {
        let standing = self.standing()?;
        let kept = self.attempts.iter().filter(|attempt| attempt.kept_answer().is_some());
        Some(kept.map(|attempt| attempt.ended).min().unwrap_or(standing.ended))
    }
}

/// A document, as a read showed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Its stream.
    pub stream: String,
    /// The version of that stream it had.
    pub version: i64,
}

/// One read.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Read {
    /// Who asked.
    pub client: usize,
    /// The path with its query.
    pub path: String,
    /// The stream whose document was asked for, if it was one document.
    pub stream: Option<String>,
    /// The position the answer had to hold.
    pub min_position: Option<i64>,
    /// The position in the past that was asked for.
    pub as_of: Option<i64>,
    /// When it left.
    pub sent: u64,
    /// When the answer was there, or was given up.
    pub ended: u64,
    /// The HTTP status; none if the answer was lost.
    pub status: Option<u16>,
    /// The problem's code; empty if there was none.
    pub code: String,
    /// The log that the answer was about, if it said so.
    pub log_id: Option<String>,
    /// The documents that were shown.
    pub seen: Vec<Seen>,
    /// The document itself, where one was asked for.
    pub document: Option<Value>,
}

/// Every request and answer of a round.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What all keys of the round begin with.
    pub tag: String,
    /// The head of the log before the round began.
    pub began_at: i64,
    /// Every command.
    pub commands: Vec<Asked>,
    /// Every read.
    pub reads: Vec<Read>,
    /// Since when, each time, the log did what it lost with its end.
    pub cuts: Vec<u64>,
}

impl History {
    /// Writes it to a file, one request a line.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let mut file = BufWriter::new(std::fs::File::create(path)?);
        for asked in &self.commands {
            serde_json::to_writer(&mut file, asked)?;
            file.write_all(b"\n")?;
        }
        for read in &self.reads {
            serde_json::to_writer(&mut file, read)?;
            file.write_all(b"\n")?;
        }
        file.flush()?;
        Ok(())
    }

    /// What was asked and how it went, in a line or two.
    pub fn summary(&self) -> String {
        let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
        let mut lost = 0;
        for asked in &self.commands {
            let outcome = match asked.answer() {
                None => "never answered".to_owned(),
                Some(answer) if answer.is_accepted() => "accepted".to_owned(),
                Some(answer) => answer.code().to_owned(),
            };
            *outcomes.entry(outcome).or_default() += 1;
            lost += asked.attempts.iter().filter(|attempt| attempt.answer.is_none()).count();
        }
        let answered = self.reads.iter().filter(|read| read.status == Some(200)).count();
        let mut text = format!(
            "{} commands ({lost} answers lost on the way), {} reads ({answered} answered);",
            self.commands.len(),
            self.reads.len()
        );
        for (outcome, count) in outcomes {
            // Writing to a string cannot fail.
            let _ = write!(text, " {outcome} {count}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: Value) -> Answer {
        Answer { status, body, replayed: false, log_id: None }
    }

    #[test]
    fn answers_agree_however_they_were_sent() {
        let first = answer(201, json!({"id": "a", "version": 1, "position": 7}));
        let verdict = json!({"line": 3, "id": "a", "version": 1, "position": 7});
        assert!(first.agrees(&answer(201, verdict)));
        assert!(!first.agrees(&answer(200, first.body.clone())));
        assert!(!first.agrees(&answer(201, json!({"id": "a", "version": 1, "position": 8}))));
    }

    #[test]
    fn an_answer_counts_from_when_the_first_one_came() {
        let attempt = |sent, ended, answer| Attempt { api: 0, sent, ended, answer, lost: None };
        let told = answer(200, json!({}));
        let command = Command {
            name: "cart.abandon",
            id: None,
            sku: None,
            if_match: None,
            body: "{}".to_owned(),
            key: "k".to_owned(),
        };
        let attempts = vec![
            attempt(5, 9, None),
            attempt(12, 20, Some(told.clone())),
            attempt(11, 30, Some(told)),
        ];
        let asked = Asked { client: 0, command, reuses_key: false, attempts };
        assert_eq!((asked.sent(), asked.answered()), (5, Some(20)));
    }
}
