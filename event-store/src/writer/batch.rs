//! Deciding a batch: one command after the other, each against what the earlier ones leave behind.
//! No IO; what it lacks it names.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use domain::command::{Events, Stop};
use domain::state::{Lookup, Missing};
use domain::stream::slot_of;
use domain::{Refusal, State, StreamId};
use uuid::Uuid;

use super::cache::{Cache, Cached};
use super::{Outcome, Request, Settings};
use crate::recorded::Metadata;

/// A command that takes part in a batch, under the key it is kept by.
pub(super) struct Entry {
    pub key: String,
    pub request: Request,
}

/// The rows of one append, column by column, as the SQL takes them.
#[derive(Default)]
pub(super) struct Rows {
    pub read_streams: Vec<String>,
    pub read_versions: Vec<i64>,
    pub keys: Vec<String>,
    pub fingerprints: Vec<Uuid>,
    pub outcomes: Vec<String>,
    pub offsets: Vec<i64>,
    pub streams: Vec<String>,
    pub versions: Vec<i64>,
    pub types: Vec<String>,
    pub schemas: Vec<i16>,
    pub slots: Vec<i16>,
    pub occurred: Vec<DateTime<Utc>>,
    pub metadatas: Vec<String>,
    pub datas: Vec<String>,
}

/// A batch, decided.
pub(super) struct Decided {
    /// What each command came to, and how many of the batch's events stand up to and with its own.
    /// May be shorter than the batch: the rest did not fit and comes next.
    pub outcomes: Vec<(Outcome, i64)>,
    /// What to append.
    pub rows: Rows,
    /// The states the batch leaves behind, for the cache once it is appended.
    pub states: HashMap<StreamId, Cached>,
    /// The streams it looked at.
    pub touched: HashSet<StreamId>,
}

/// Why a batch could not be decided.
pub(super) enum Undecided {
    /// States are missing.
    Missing(HashSet<StreamId>),
    /// An event or outcome could not be written as JSON.
    Encoding(serde_json::Error),
}

/// States as the batch sees them: its own changes over the cache.
struct View<'a> {
    cache: &'a Cache,
    changed: HashMap<StreamId, Cached>,
    touched: RefCell<HashSet<StreamId>>,
}

impl View<'_> {
    fn get(&self, stream: &StreamId) -> Option<&Cached> {
        self.changed.get(stream).or_else(|| self.cache.peek(stream))
    }

    fn version(&self, stream: &StreamId) -> i64 {
        self.get(stream).map_or(0, |cached| cached.version)
    }

    /// The state of a stream, to be changed.
    fn own(&mut self, stream: &StreamId) -> &mut Cached {
        let cache = self.cache;
        self.changed
            .entry(stream.clone())
            .or_insert_with(|| cache.peek(stream).cloned().unwrap_or_else(|| Cached::empty(stream)))
    }
}

impl Lookup for View<'_> {
    fn state(&self, stream: &StreamId) -> Option<&State> {
        let cached = self.get(stream)?;
        if !self.touched.borrow().contains(stream) {
            self.touched.borrow_mut().insert(stream.clone());
        }
        Some(&cached.state)
    }
}

/// Decides `batch` against `cache`. Where states are missing it names all it can find at once, by
/// deciding the rest as if the command that lacks them were not there. With `cut`, what comes
/// before that command is decided instead, and the rest left over.
pub(super) fn decide(
    batch: &[Entry],
    cache: &Cache,
    settings: &Settings,
    cut: bool,
) -> Result<Decided, Undecided> {
    let mut view = View { cache, changed: HashMap::new(), touched: RefCell::new(HashSet::new()) };
    let mut rows = Rows::default();
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut missing = HashSet::new();
    let mut bytes = 0;
    for entry in batch {
        let full =
            rows.streams.len() >= settings.batch_events_max || bytes >= settings.batch_bytes_max;
        if full {
            break;
        }
        match decide_one(entry, &mut view) {
            Err(_) if cut && !outcomes.is_empty() => break,
            Err(Missing(streams)) => missing.extend(streams),
            Ok(decision) => {
                let (outcome, events) = conclude(entry, decision, &mut view);
                bytes += rows.add_events(entry, events, &mut view).map_err(Undecided::Encoding)?;
                let outcome = outcome.unwrap_or_else(|| accepted(entry, &view));
                rows.add_command(entry, &outcome).map_err(Undecided::Encoding)?;
                outcomes.push((outcome, rows.end()));
            }
        }
    }
    if !missing.is_empty() {
        return Err(Undecided::Missing(missing));
    }
    let touched = view.touched.into_inner();
    for stream in &touched {
        rows.read_streams.push(stream.to_string());
        // What the batch itself appended is not yet there: the version before it counts.
        rows.read_versions.push(cache.peek(stream).map_or(0, |cached| cached.version));
    }
    Ok(Decided { outcomes, rows, states: view.changed, touched })
}

/// One command's decision.
type Decision = Result<Events, Refusal>;

fn decide_one(entry: &Entry, view: &mut View) -> Result<Decision, Missing> {
    let Request { command, expected, .. } = &entry.request;
    let subject = command.subject();
    if command.creates() && view.get(&subject).is_none() {
        // A new thing's stream is believed empty without asking; the append checks it.
        view.changed.insert(subject.clone(), Cached::empty(&subject));
    }
    if let Some(expected) = *expected {
        let target = command.target();
        if view.state(&target).is_none() {
            return Err(Missing(vec![target]));
        }
        let actual = view.version(&target);
        if actual != expected {
            return Ok(Err(Refusal::VersionMismatch { expected, actual }));
        }
    }
    match domain::decide(command, view) {
        Ok(events) => Ok(Ok(events)),
        Err(Stop::Refused(refusal)) => Ok(Err(refusal)),
        Err(Stop::Missing(missing)) => Err(missing),
    }
}

fn conclude(entry: &Entry, decision: Decision, view: &mut View) -> (Option<Outcome>, Events) {
    match decision {
        Ok(events) => {
            // The answer names the subject's version: the append has to check it.
            view.touched.borrow_mut().insert(entry.request.command.subject());
            (None, events)
        }
        Err(refusal) => (Some(Outcome::Refused(refusal)), vec![]),
    }
}

fn accepted(entry: &Entry, view: &View) -> Outcome {
    let subject = entry.request.command.subject();
    Outcome::Accepted { id: subject.key(), version: view.version(&subject) }
}

impl Rows {
    /// How many events the batch has so far.
    fn end(&self) -> i64 {
        self.streams.len() as i64
    }

    /// Adds one command's events and folds them; returns their bytes.
    fn add_events(
        &mut self,
        entry: &Entry,
        events: Events,
        view: &mut View,
    ) -> serde_json::Result<usize> {
        if events.is_empty() {
            return Ok(0);
        }
        let Request { actor, correlation_id, causation, at, .. } = &entry.request;
        let metadata = serde_json::to_string(&Metadata {
            command: entry.key.clone(),
            actor: actor.clone(),
            correlation_id: *correlation_id,
            causation: *causation,
        })?;
        let mut bytes = 0;
        for (stream, event) in events {
            let own = view.own(&stream);
            own.apply(&event);
            let (kind, schema) = event.kind();
            let data = event.encode()?;
            bytes += data.len() + metadata.len();
            self.slots.push(slot_of(&event.partition_key(&stream)).cast_signed());
            self.streams.push(stream.to_string());
            self.versions.push(own.version);
            self.types.push(kind.to_owned());
            self.schemas.push(schema.cast_signed());
            self.occurred.push(*at);
            self.metadatas.push(metadata.clone());
            self.datas.push(data);
            view.touched.borrow_mut().insert(stream);
        }
        Ok(bytes)
    }

    /// Keeps what the command came to. A refusal that nobody can ask for again is not kept.
    fn add_command(&mut self, entry: &Entry, outcome: &Outcome) -> serde_json::Result<()> {
        if entry.request.key.is_none() && matches!(outcome, Outcome::Refused(_)) {
            return Ok(());
        }
        self.keys.push(entry.key.clone());
        self.fingerprints.push(entry.request.fingerprint);
        self.outcomes.push(serde_json::to_string(outcome)?);
        self.offsets.push(self.end());
        Ok(())
    }
}
