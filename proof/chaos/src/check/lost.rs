//! What was told of an end that the log lost, in a failover to a standby that did not have it:
//! nobody can be held to it.

use std::collections::HashSet;

use super::log::Log;
use crate::history::{Asked, History, Read};

/// What somebody is told who uses the key of another command.
const REUSED: &str = "idempotency_key_reused";

/// How far a standby may be behind when it hears no more: what a read model holds is written to
/// disk some moments later. Microseconds.
const LAG_MICROS_MAX: u64 = 2_000_000;
/// The history without it.
pub(super) fn left_out(log: &Log, history: &History) -> History {
    let mut history = history.clone();
    let mut freed = HashSet::new();
    for asked in &mut history.commands {
        let kept = log.kept(&asked.command.key).map(|kept| kept.position);
        let had_answer = asked.answer().is_some();
        asked.forget(|answer| {
            let shared = answer.log_id.as_ref().and_then(|id| log.lineage.get(id));
            // A refusal stands at the last event before it, and is kept after that.
            let at = answer.position().map(|at| at + i64::from(!answer.is_accepted()));
            let is_beyond = shared.zip(at).is_some_and(|(shared, at)| at > *shared);
            is_beyond && kept != answer.position()
        });
        if had_answer && asked.answer().is_none() && !asked.reuses_key {
            freed.insert(asked.command.key.clone());
        }
    }
    pass_on(&freed, &mut history.commands);
    let first = history.cuts.iter().min().map(|cut| cut.saturating_sub(LAG_MICROS_MAX));
    let is_of_before =
        |read: &Read| read.log_id.as_ref().is_some_and(|id| log.lineage.contains_key(id));
    if let Some(first) = first {
        history.reads.retain(|read| read.ended < first || !is_of_before(read));
    }
    history
}

/// A key whose command is lost is anybody's again: whoever used it on purpose may have it now, and
/// what they were told before, that it was another's, is true no more. Whose answer was lost asks
/// no more.
fn pass_on(freed: &HashSet<String>, commands: &mut Vec<Asked>) {
    for asked in commands.iter_mut().filter(|asked| freed.contains(&asked.command.key)) {
        asked.reuses_key = false;
        asked.forget(|answer| answer.code() == REUSED);
    }
    let is_lost = |asked: &Asked| {
        let was_told = asked.attempts.iter().any(|attempt| attempt.lost.is_none());
        freed.contains(&asked.command.key) && was_told && asked.answer().is_none()
    };
    commands.retain(|asked| !is_lost(asked));
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::*;
    use crate::history::{Answer, Attempt, Command};

    fn answer(status: u16, position: i64, log_id: &str) -> Answer {
        let body = json!({"id": "a", "version": 1, "position": position});
        Answer { status, body, replayed: false, log_id: Some(log_id.to_owned()) }
    }

    fn asked(key: &str, answer: Answer) -> Asked {
        let command = Command {
            name: "cart.create",
            id: None,
            sku: None,
            if_match: None,
            body: "{}".to_owned(),
            key: key.to_owned(),
        };
        let attempts =
            vec![Attempt { api: 0, sent: 0, ended: 1, answer: Some(answer), lost: None }];
        Asked { client: 0, command, reuses_key: false, attempts }
    }

    /// The log was the same up to 7.
    fn log() -> Log {
        let mut log = Log::new(vec![], HashMap::new(), 9);
        log.lineage = HashMap::from([("before".to_owned(), 7)]);
        log
    }

    #[test]
    fn what_was_told_of_what_is_common_still_counts() {
        let commands = vec![
            asked("a", answer(201, 7, "before")),
            asked("lost", answer(201, 8, "before")),
            asked("b", answer(409, 6, "before")),
            asked("lost too", answer(409, 7, "before")),
            asked("c", answer(201, 8, "now")),
        ];
        let read = |ended: u64, log_id: &str| Read {
            ended: ended * 1_000_000,
            log_id: Some(log_id.to_owned()),
            ..Read::default()
        };
        let reads = vec![read(7, "before"), read(9, "before"), read(9, "now")];
        let history = History { commands, reads, cuts: vec![10_000_000], ..History::default() };
        let left = left_out(&log(), &history);
        let keys: Vec<&str> = left.commands.iter().map(|asked| &*asked.command.key).collect();
        assert_eq!(keys, ["a", "b", "c"]);
        assert_eq!(left.reads.len(), 2);
    }

    #[test]
    fn a_key_whose_command_is_lost_is_anybodys() {
        let reused = |answer| Asked { reuses_key: true, ..asked("k", answer) };
        let refusal = Answer { body: json!({"code": REUSED}), ..answer(422, 0, "before") };
        let owner = asked("k", answer(201, 8, "before"));
        let left = |commands: &[&Asked]| {
            let commands = commands.iter().map(|&asked| asked.clone()).collect();
            left_out(&log(), &History { commands, ..History::default() }).commands
        };
        assert_eq!(left(&[&owner, &reused(refusal)]).len(), 0);
        let took_it = left(&[&owner, &reused(answer(201, 8, "now"))]);
        assert!(matches!(&took_it[..], [asked] if !asked.reuses_key));
        let kept = asked("k", answer(201, 7, "before"));
        let stands = left(&[&kept, &reused(answer(422, 7, "before"))]);
        assert!(stands[1].reuses_key);
    }
}
