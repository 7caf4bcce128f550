//! Deciding a batch: one command after the other, each against what the earlier ones leave behind.
//! No IO; what it lacks it names.
//!
//! The states in the cache are changed in place as commands are decided: copying those of a hot
//! stream for every batch would cost as much as they hold. A batch that comes to nothing is undone
//! by forgetting what it changed.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use chrono::SubsecRound as _;
use domain::command::{Events, Stop};
use domain::refusal::MovedStream;
use domain::state::{Lookup, Missing, Streams};
use domain::stream::slot_of;
use domain::{Refusal, RefusalRecord, State, StreamId};
use uuid::Uuid;

use super::cache::{Cache, Cached};
use super::rows::Rows;
use super::{Outcome, Request, Settings, SubmitError};
use crate::recorded::Metadata;

/// A command that takes part in a batch, under the key it is kept by.
pub(super) struct KeyedRequest {
    pub key: String,
    pub request: Box<Request>,
}

/// A batch, decided as far as it has come.
#[derive(Default)]
pub(super) struct Decided {
    /// What each command came to, and how many of the batch's events stand up to and with its own;
    /// or why it could not be decided. May be shorter than the batch: the rest did not fit and
    /// comes next.
    pub outcomes: Vec<Result<(Outcome, i64), SubmitError>>,
    /// What to append.
    pub rows: Rows,
    /// The streams it looked at, and their versions before it.
    reads: RefCell<HashMap<StreamId, i64>>,
    /// Streams that were taken for empty without a look.
    guesses: HashSet<StreamId>,
    bytes: usize,
}

/// Why a batch could not be decided.
pub(super) enum Undecided {
    /// States are missing.
    Missing(HashSet<StreamId>),
    /// An event or outcome could not be written as JSON.
    Encoding(serde_json::Error),
}

/// The cache, as a decision sees it.
struct CacheView<'a> {
    cache: &'a Cache,
    reads: Option<&'a RefCell<HashMap<StreamId, i64>>>,
}

impl Lookup for CacheView<'_> {
    fn state(&self, stream: &StreamId) -> Option<&State> {
        let cached = self.cache.peek(stream)?;
        if let Some(reads) = self.reads
            && !reads.borrow().contains_key(stream)
        {
            reads.borrow_mut().insert(stream.clone(), cached.version);
        }
        Some(&cached.state)
    }
}

/// One command's decision.
enum Decision {
    Accepted(Events),
    Refused(Refusal),
    /// A stream that it needs cannot be read.
    Unreadable(SubmitError),
}

impl Decided {
    /// Decides `batch` from where it stopped. Where states are missing it stops again and names
    /// all it can find at once, by looking at what the commands after it lack as things are.
    /// With `guess`, the stream of a thing just created is taken for empty without asking; the
    /// append checks it. It is appended to the log `log_id`; what speaks of another is not decided.
    pub fn go_on(
        &mut self,
        log_id: Uuid,
        batch: &[&KeyedRequest],
        cache: &mut Cache,
        settings: &Settings,
        guess: bool,
    ) -> Result<(), Undecided> {
        while let Some((entry, rest)) = batch[self.outcomes.len()..].split_first() {
            if self.is_full(settings) {
                break;
            }
            if entry.request.log_id.is_some_and(|meant| meant != log_id) {
                self.outcomes.push(Err(SubmitError::AnotherLog(log_id)));
                continue;
            }
            match self.decide_one(entry, cache, guess, true) {
                Ok(decision) => self.conclude(entry, decision, cache)?,
                Err(Missing(streams)) => {
                    let mut missing: HashSet<StreamId> = streams.into_iter().collect();
                    for entry in rest {
                        if let Err(Missing(streams)) = self.decide_one(entry, cache, guess, false) {
                            missing.extend(streams);
                        }
                    }
                    return Err(Undecided::Missing(missing));
                }
            }
        }
        Ok(())
    }

    /// Whether nothing more fits.
    fn is_full(&self, settings: &Settings) -> bool {
        self.rows.streams.len() >= settings.batch_events_max
            || self.bytes >= settings.batch_bytes_max
    }

    fn decide_one(
        &mut self,
        entry: &KeyedRequest,
        cache: &mut Cache,
        guess: bool,
        keep_reads: bool,
    ) -> Result<Decision, Missing> {
        let Request { by, command, expected, unmoved, .. } = &*entry.request;
        if guess && command.creates() {
            let subject = command.subject();
            if cache.peek(&subject).is_none() && cache.unreadable(&subject).is_none() {
                cache.put(subject.clone(), Cached::empty(&subject));
                self.guesses.insert(subject);
            }
        }
        let view = CacheView { cache, reads: keep_reads.then_some(&self.reads) };
        // Before anything is said of it: to whom it does not belong it is not there. `decide` asks
        // once more, which costs a look at a state that is in memory: it is called by others too,
        // and must not decide for strangers because somebody forgot to ask.
        match domain::by::check(*by, command, &view) {
            Ok(()) => {}
            Err(Stop::Refused(refusal)) => return Ok(Decision::Refused(refusal)),
            Err(Stop::Missing(missing)) => return unless_unreadable(missing, cache),
        }
        if let Some(expected) = *expected {
            let target = command.target();
            if view.state(&target).is_none() {
                return unless_unreadable(Missing(vec![target]), cache);
            }
            let actual = cache.version(&target);
            if actual != expected {
                return Ok(Decision::Refused(Refusal::VersionMismatch { expected, actual }));
            }
        }
        match check_unmoved(unmoved, &view) {
            Ok(None) => {}
            Ok(Some(refusal)) => return Ok(Decision::Refused(refusal)),
            Err(missing) => return unless_unreadable(missing, cache),
        }
        match domain::decide(*by, command, &view) {
            Ok(events) => Ok(Decision::Accepted(events)),
            Err(Stop::Refused(refusal)) => Ok(Decision::Refused(refusal)),
            Err(Stop::Missing(missing)) => unless_unreadable(missing, cache),
        }
    }

    /// Takes what a command came to into the batch.
    fn conclude(
        &mut self,
        entry: &KeyedRequest,
        decision: Decision,
        cache: &mut Cache,
    ) -> Result<(), Undecided> {
        let outcome = match decision {
            Decision::Unreadable(error) => {
                self.outcomes.push(Err(error));
                return Ok(());
            }
            Decision::Refused(refusal) => Outcome::Refused(RefusalRecord::from(&refusal)),
            Decision::Accepted(events) => {
                // The answer names the subject's version: the append has to check it.
                let subject = entry.request.command.subject();
                self.note_read(&subject, cache);
                self.add_events(entry, events, cache).map_err(Undecided::Encoding)?;
                Outcome::Accepted { id: subject.key(), version: cache.version(&subject) }
            }
        };
        let KeyedRequest { key, request } = entry;
        self.rows.add_command(key, request, &outcome).map_err(Undecided::Encoding)?;
        self.outcomes.push(Ok((outcome, self.rows.end())));
        Ok(())
    }

    fn note_read(&mut self, stream: &StreamId, cache: &Cache) {
        let reads = self.reads.get_mut();
        if !reads.contains_key(stream) {
            reads.insert(stream.clone(), cache.version(stream));
        }
    }

    /// Adds one command's events and folds them.
    fn add_events(
        &mut self,
        entry: &KeyedRequest,
        events: Events,
        cache: &mut Cache,
    ) -> serde_json::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let Request { actor, correlation_id, causation, trace, at, .. } = &*entry.request;
        let metadata = serde_json::to_string(&Metadata {
            command: entry.key.clone(),
            actor: actor.clone(),
            correlation_id: *correlation_id,
            causation: *causation,
            traceparent: *trace,
        })?;
        let rows = &mut self.rows;
        for (stream, event) in events {
            if cache.peek(&stream).is_none() {
                cache.put(stream.clone(), Cached::empty(&stream));
                self.guesses.insert(stream.clone());
            }
            let reads = self.reads.get_mut();
            if !reads.contains_key(&stream) {
                reads.insert(stream.clone(), cache.version(&stream));
            }
            cache.change(&stream, |cached| cached.apply(&event));
            let (kind, schema) = event.kind();
            let data = event.encode()?;
            self.bytes += data.len() + metadata.len();
            rows.slots.push(slot_of(&event.partition_key(&stream)).cast_signed());
            rows.streams.push(stream.to_string());
            rows.versions.push(cache.version(&stream));
            rows.types.push(kind.to_owned());
            rows.schemas.push(schema.cast_signed());
            // As Postgres keeps it.
            rows.occurred.push(at.trunc_subsecs(6));
            rows.metadatas.push(metadata.clone());
            rows.datas.push(data);
        }
        Ok(())
    }

    /// Lists what the append has to check: the guesses that no event of the batch puts to the
    /// test, and, where the log may have grown `elsewhere`, all that was read.
    pub fn list_beliefs(&mut self, cache: &Cache, elsewhere: bool) {
        let untested = self.guesses.iter().filter(|stream| cache.version(stream) == 0);
        self.rows.guesses = untested.map(ToString::to_string).collect();
        if elsewhere {
            let reads = self.reads.get_mut();
            self.rows.read_streams = reads.keys().map(ToString::to_string).collect();
            self.rows.read_versions = reads.values().copied().collect();
        }
    }

    /// Whether it looked at any of `streams`.
    pub fn has_read(&self, streams: &HashSet<StreamId>) -> bool {
        let reads = self.reads.borrow();
        streams.iter().any(|stream| reads.contains_key(stream))
    }

    /// The streams it looked at and left at another version.
    pub fn changed<'a>(&'a mut self, cache: &'a Cache) -> impl Iterator<Item = &'a StreamId> {
        let reads = self.reads.get_mut().iter();
        reads.filter(|(stream, before)| cache.version(stream) != **before).map(|(stream, _)| stream)
    }

    /// The streams it looked at.
    pub fn reads(&mut self) -> impl Iterator<Item = &StreamId> {
        self.reads.get_mut().keys()
    }

    /// Nothing was appended: forgets what it changed and what it guessed.
    pub fn undo(mut self, cache: &mut Cache) {
        let changed: Vec<StreamId> = self.changed(cache).cloned().collect();
        for stream in changed.iter().chain(&self.guesses) {
            cache.forget(stream);
        }
    }
}

/// Whether streams are still at the versions that the caller read; the refusal names all that are
/// not. To look at them is to read them: the append compares them once more.
fn check_unmoved(
    unmoved: &[(StreamId, i64)],
    view: &CacheView<'_>,
) -> Result<Option<Refusal>, Missing> {
    Streams(view).require(unmoved.iter().map(|(stream, _)| stream.clone()))?;
    let moved = unmoved.iter().filter_map(|(stream, expected)| {
        let (expected, actual) = (*expected, view.cache.version(stream));
        (actual != expected).then(|| MovedStream { stream: stream.to_string(), expected, actual })
    });
    let moved: Vec<MovedStream> = moved.collect();
    Ok((!moved.is_empty()).then_some(Refusal::DocumentChanged(moved)))
}

/// What is missing is to be loaded, unless it is known that this cannot be done.
fn unless_unreadable(missing: Missing, cache: &Cache) -> Result<Decision, Missing> {
    let Missing(streams) = &missing;
    match streams.iter().find_map(|stream| cache.unreadable(stream)) {
        Some(error) => Ok(Decision::Unreadable(error.clone())),
        None => Err(missing),
    }
}
