//! Once: each acknowledged command's events are in the log exactly once, with what it was told;
//! one that was refused made none; one that was never answered is there once or not at all; and
//! every answer to one command is the same.

use serde_json::{Value, json};

use super::Verdict;
use super::log::{Kept, Log};
use crate::history::{Answer, Asked, Attempt, History};

pub(super) fn check(history: &History, log: &Log) -> Verdict {
    let mut verdict = Verdict::new("a command takes effect once, and its answer stays the same");
    let mut unanswered = 0;
    for asked in &history.commands {
        unanswered += usize::from(asked.answer().is_none());
        for wrong in wrongs(asked, log) {
            let key = &asked.command.key;
            verdict.broken(format!("{} under {key}: {wrong}", asked.command.name));
        }
    }
    let count = history.commands.len();
    verdict.covers(format!("{count} commands, {unanswered} of them never answered"))
}

/// What is wrong with one command.
fn wrongs(asked: &Asked, log: &Log) -> Vec<String> {
    let mut wrong = Vec::new();
    let answers = || asked.attempts.iter().filter_map(|attempt| attempt.answer.as_ref());
    // What was refused for now was decided anew the next time.
    let kept = || asked.attempts.iter().filter_map(Attempt::kept_answer);
    if let Some(first) = kept().next() {
        for other in kept().filter(|other| !other.agrees(first)) {
            wrong.push(format!("answered {} and {}", told(first), told(other)));
        }
    }
    if asked.reuses_key {
        // Its key's first owner is looked at by itself.
        for answer in answers().filter(|answer| answer.code() != "idempotency_key_reused") {
            wrong.push(format!(
                "the key is another command's, yet it was answered {}",
                told(answer)
            ));
        }
        return wrong;
    }
    let kept = log.kept(&asked.command.key);
    match (asked.answer(), kept) {
        (Some(answer), None) => {
            wrong.push(format!("answered {}, and the log does not know it", told(answer)));
        }
        (Some(answer), Some(kept)) => wrong.extend(disagreement(answer, kept)),
        (None, _) => {}
    }
    wrong.extend(misplaced(&asked.command.key, kept, log));
    wrong
}

fn told(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.body)
}

/// How an answer differs from what was kept.
fn disagreement(answer: &Answer, kept: &Kept) -> Option<String> {
    let says = if answer.is_accepted() {
        let accepted = json!({"id": answer.id(), "version": answer.version()});
        kept.outcome["accepted"] == accepted && answer.position() == Some(kept.position)
    } else {
        kept.outcome["refused"]["code"] == answer.code() && answer.position() == Some(kept.position)
    };
    (!says)
        .then(|| format!("answered {}, kept {} at {}", told(answer), kept.outcome, kept.position))
}

/// How a command's events are not one unbroken run that ends where its outcome says.
fn misplaced(key: &str, kept: Option<&Kept>, log: &Log) -> Option<String> {
    let positions: Vec<i64> = log.made_by(key).map(|entry| entry.position).collect();
    let last = *positions.last()?;
    let run = positions.windows(2).all(|pair| pair[1] == pair[0] + 1);
    match kept {
        None => Some(format!("events at {positions:?}, and no outcome")),
        Some(kept) if kept.outcome["accepted"] == Value::Null => {
            Some(format!("refused, and events at {positions:?}"))
        }
        Some(kept) if kept.position != last || !run => {
            Some(format!("events at {positions:?}, the outcome at {}", kept.position))
        }
        Some(_) => None,
    }
}
