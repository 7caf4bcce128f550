//! Every answer agrees with what stands at its place in the log: decided again there, by the
//! domain's own rules, each command comes to the events it made, or to the refusal it was told.
//!
//! Commands of the reactor are not asked again; their events are folded as they stand.

pub(super) mod command;

use std::collections::HashMap;

use domain::State;
use domain::command::Stop;
use domain::state::Lookup;
use domain::{By, Event, Refusal, StreamId};
use serde_json::json;

use super::Verdict;
use super::log::{Entry, Kept, Log};
use crate::history::{Asked, History};

/// How often a decision may lack streams before something is wrong with it.
const LOOKS_MAX: usize = 10;

/// A command and the position after which it was decided.
struct Due<'a> {
    at: i64,
    asked: &'a Asked,
    kept: &'a Kept,
}

pub(super) fn check(history: &History, log: &Log) -> Verdict {
    let mut verdict = Verdict::new("an answer is what the log says at its position");
    let mut due: Vec<Due> = history
        .commands
        .iter()
        .filter(|asked| !asked.reuses_key)
        .filter_map(|asked| {
            let kept = log.kept(&asked.command.key)?;
            let first = log.made_by(&asked.command.key).next();
            let at = first.map_or(kept.position, |first| first.position - 1);
            Some(Due { at, asked, kept })
        })
        .collect();
    due.sort_by_key(|due| due.at);
    let mut states = States::default();
    let mut entries = log.entries.iter().peekable();
    let mut refused = 0;
    for Due { at, asked, kept } in &due {
        while let Some(entry) = entries.next_if(|entry| entry.position <= *at) {
            states.apply(entry);
        }
        refused += usize::from(kept.outcome["refused"].is_object());
        if let Some(wrong) = states.wrong(asked, kept, log) {
            let (name, key) = (asked.command.name, &asked.command.key);
            verdict.broken(format!("{name} under {key}, decided after {at}: {wrong}"));
        }
    }
    verdict.covers(format!("{} commands, {refused} of them refused", due.len()))
}

/// The states of all streams at one position.
#[derive(Default)]
pub(super) struct States(HashMap<StreamId, (State, i64)>);

impl Lookup for States {
    fn state(&self, stream: &StreamId) -> Option<&State> {
        self.0.get(stream).map(|(state, _)| state)
    }
}

impl States {
    fn of(&mut self, stream: &StreamId) -> &mut (State, i64) {
        let initial = || (State::initial(stream), 0);
        self.0.entry(stream.clone()).or_insert_with(initial)
    }

    pub(super) fn apply(&mut self, entry: &Entry) {
        let (state, version) = self.of(&entry.stream);
        state.evolve(&entry.event);
        *version = entry.version;
    }

    pub(super) fn version(&self, stream: &StreamId) -> i64 {
        self.0.get(stream).map_or(0, |(_, version)| *version)
    }

    /// How what was kept differs from what deciding comes to here.
    fn wrong(&mut self, asked: &Asked, kept: &Kept, log: &Log) -> Option<String> {
        let made: Vec<&Entry> = log.made_by(&asked.command.key).collect();
        let command = match command::of(&asked.command, kept, &made) {
            Ok(command) => command,
            Err(error) => return Some(format!("no such command: {error:#}")),
        };
        match self.decide(&command, asked.command.if_match) {
            Err(stuck) => Some(stuck),
            Ok(Ok(events)) => {
                let same = events.len() == made.len()
                    && events.iter().zip(&made).all(|((stream, event), entry)| {
                        (stream, event) == (&entry.stream, &entry.event)
                    });
                let subject = command.subject();
                let own = events.iter().filter(|(stream, _)| *stream == subject).count() as i64;
                let version = self.version(&subject) + own;
                let accepted = json!({"accepted": {"id": subject.key(), "version": version}});
                (!same || kept.outcome != accepted).then(|| {
                    let there: Vec<&Event> = made.iter().map(|entry| &entry.event).collect();
                    format!(
                        "kept {}, should be {accepted}; made {there:?}, should have made \
                         {events:?}",
                        kept.outcome
                    )
                })
            }
            Ok(Err(refusal)) => {
                let told = asked.answer().and_then(|answer| misquoted(&refusal, &answer.body));
                if kept.outcome["refused"]["code"] == refusal.code().0 {
                    return told;
                }
                Some(format!("kept {}, should be {refusal:?}", kept.outcome))
            }
        }
    }

    /// The decision, in which a stream that is not known has no events.
    pub(super) fn decide(
        &mut self,
        command: &domain::Command,
        if_match: Option<i64>,
    ) -> Result<Result<Vec<(StreamId, Event)>, Refusal>, String> {
        let actual = self.version(&command.target());
        if let Some(expected) = if_match.filter(|expected| *expected != actual) {
            return Ok(Err(Refusal::VersionMismatch { expected, actual }));
        }
        for _ in 0..LOOKS_MAX {
            match domain::decide(By::Shop, command, self) {
                Ok(events) => return Ok(Ok(events)),
                Err(Stop::Refused(refusal)) => return Ok(Err(refusal)),
                Err(Stop::Missing(missing)) => {
                    for stream in missing.0 {
                        self.of(&stream);
                    }
                }
            }
        }
        Err(format!("cannot be decided: {command:?}"))
    }
}

/// A figure in the answer that is not the refusal's.
fn misquoted(refusal: &Refusal, body: &serde_json::Value) -> Option<String> {
    use domain::refusal::{All, CheckoutError, OfSku};
    use domain::stock;
    let wrong = match refusal {
        Refusal::VersionMismatch { expected, actual } => {
            body["expected"] != json!(expected) || body["actual"] != json!(actual)
        }
        Refusal::Checkout(CheckoutError::Refused(lines)) => body["lines"] != json!(lines),
        Refusal::Stock(All(stocks)) => match stocks.as_slice() {
            [OfSku { error: stock::Error::WouldGoNegative { on_hand }, .. }] => {
                body["on_hand"] != json!(on_hand)
            }
            _ => body["code"] != json!(refusal.code().0),
        },
        _ => body["code"] != json!(refusal.code().0),
    };
    wrong.then(|| format!("told {body}, the refusal is {refusal:?}"))
}
