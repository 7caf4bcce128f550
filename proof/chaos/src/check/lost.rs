//! What was told of an end that the log lost, in a failover to a standby that did not have it:
//! nobody can be held to it.

use super::log::Log;
use crate::history::{History, Read};

/// How far a standby may be behind when it hears no more: what a read model holds is written to
/// disk some moments later. Microseconds.
const LAG_MICROS_MAX: u64 = 2_000_000;
/// The history without it.
pub(super) fn left_out(log: &Log, history: &History) -> History {
    let mut history = history.clone();
    for asked in &mut history.commands {
        let kept = log.kept(&asked.command.key).map(|kept| kept.position);
        asked.forget(|answer| {
            let shared = answer.log_id.as_ref().and_then(|id| log.lineage.get(id));
            // A refusal stands at the last event before it, and is kept after that.
            let at = answer.position().map(|at| at + i64::from(!answer.is_accepted()));
            let is_beyond = shared.zip(at).is_some_and(|(shared, at)| at > *shared);
            is_beyond && kept != answer.position()
        });
    }
    let first = history.cuts.iter().min().map(|cut| cut.saturating_sub(LAG_MICROS_MAX));
    let is_of_before =
        |read: &Read| read.log_id.as_ref().is_some_and(|id| log.lineage.contains_key(id));
    if let Some(first) = first {
        history.reads.retain(|read| read.ended < first || !is_of_before(read));
    }
    history
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::*;
    use crate::history::{Answer, Asked, Attempt, Command};

    #[test]
    fn what_was_told_of_what_is_common_still_counts() {
        let answer = |status: u16, position: i64, log_id: &str| Answer {
            status,
            body: json!({"id": "a", "version": 1, "position": position}),
            replayed: false,
            log_id: Some(log_id.to_owned()),
        };
        let asked = |answer: Answer| Asked {
            client: 0,
            command: Command {
                name: "cart.create",
                id: None,
                sku: None,
                if_match: None,
                body: "{}".to_owned(),
                key: "k".to_owned(),
            },
            reuses_key: false,
            attempts: vec![Attempt { api: 0, sent: 0, ended: 1, answer: Some(answer), lost: None }],
        };
        let lineage = HashMap::from([("before".to_owned(), 7)]);
        let mut log = Log::new(vec![], HashMap::new(), 9);
        log.lineage = lineage;
        let read = |ended: u64, log_id: &str| Read {
            ended,
            log_id: Some(log_id.to_owned()),
            ..Read::default()
        };
        let seconds = |count: u64| count * 1_000_000;
        let told = [
            (answer(201, 7, "before"), true),
            (answer(201, 8, "before"), false),
            (answer(409, 6, "before"), true),
            (answer(409, 7, "before"), false),
            (answer(201, 8, "now"), true),
        ];
        let history = History {
            commands: told.iter().map(|(answer, _)| asked(answer.clone())).collect(),
            reads: vec![
                read(seconds(7), "before"),
                read(seconds(9), "before"),
                read(seconds(9), "now"),
            ],
            cuts: vec![seconds(10)],
            ..History::default()
        };
        let left = left_out(&log, &history);
        let stands: Vec<bool> =
            left.commands.iter().map(|asked| asked.answer().is_some()).collect();
        assert_eq!(stands, told.map(|(_, stands)| stands));
        assert_eq!(left.reads.len(), 2);
    }
}
