//! Real time: what was answered before something else was sent stands before it in the log. With
//! this the order of the log is a witness that the whole history is linearizable.

use super::Verdict;
use super::log::Log;
use crate::history::History;

/// A command with its place in time and in the log.
#[derive(Clone, Debug)]
struct Placed<'a> {
    key: &'a str,
    sent: u64,
    answered: Option<u64>,
    /// Its first event; where it was decided, if it made none.
    first: i64,
    /// Its last event; likewise.
    last: i64,
    /// Whether it made any.
    appended: bool,
}

pub(super) fn check(history: &History, log: &Log) -> Verdict {
    let mut verdict = Verdict::new("the order of the log respects real time");
    let placed: Vec<Placed> = history
        .commands
        .iter()
        .filter(|asked| !asked.reuses_key)
        .filter_map(|asked| {
            let key = asked.command.key.as_str();
            let last = log.kept(key)?.position;
            let first = log.made_by(key).next().map(|entry| entry.position);
            let (sent, answered) = (asked.sent(), asked.answered());
            let appended = first.is_some();
            Some(Placed { key, sent, answered, first: first.unwrap_or(last), last, appended })
        })
        .collect();
    for wrong in wrongs(&placed) {
        verdict.broken(wrong);
    }
    verdict.covers(format!("{} commands", placed.len()))
}

/// Goes through sendings and answers in the order of time, with the latest place that any answer so
/// far has made known.
fn wrongs(placed: &[Placed]) -> Vec<String> {
    let mut answered: Vec<&Placed> = placed.iter().filter(|one| one.answered.is_some()).collect();
    answered.sort_by_key(|one| one.answered);
    let mut sent: Vec<&Placed> = placed.iter().collect();
    sent.sort_by_key(|one| one.sent);
    let mut answered = answered.into_iter().peekable();
    let mut known: Option<&Placed> = None;
    let mut wrong = Vec::new();
    for later in sent {
        while let Some(earlier) = answered.next_if(|one| one.answered < Some(later.sent)) {
            if known.is_none_or(|known| known.last < earlier.last) {
                known = Some(earlier);
            }
        }
        let Some(earlier) = known else { continue };
        let before =
            if later.appended { later.first <= earlier.last } else { later.last < earlier.last };
        if before {
            wrong.push(format!(
                "{} was answered at {} µs with position {}; {} was sent at {} µs and stands at {}",
                earlier.key,
                earlier.answered.unwrap_or(0),
                earlier.last,
                later.key,
                later.sent,
                later.first
            ));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(sent: u64, answered: Option<u64>, position: i64, appended: bool) -> Placed<'static> {
        Placed { key: "k", sent, answered, first: position, last: position, appended }
    }

    #[test]
    fn who_comes_after_an_answer_stands_after_it() {
        let first = one(0, Some(10), 5, true);
        assert!(wrongs(&[first.clone(), one(11, Some(20), 6, true)]).is_empty());
        assert!(wrongs(&[first.clone(), one(9, Some(20), 4, true)]).is_empty(), "at the same time");
        assert!(wrongs(&[first.clone(), one(11, None, 5, false)]).is_empty(), "it saw the first");
        assert_eq!(wrongs(&[first.clone(), one(11, Some(20), 4, true)]).len(), 1);
        assert_eq!(
            wrongs(&[first.clone(), one(11, Some(20), 4, false)]).len(),
            1,
            "a stale refusal"
        );
        assert_eq!(wrongs(&[first, one(11, None, 3, true)]).len(), 1, "though nobody was told");
    }
}
