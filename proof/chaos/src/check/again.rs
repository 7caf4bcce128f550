//! Asked again under its key, a command gives the answer it gave; one that was never answered says
//! what came of it, or takes effect now, once.

use std::collections::HashSet;

use futures::StreamExt;
use serde_json::json;
use sqlx::Row;

use super::log::CLIENT;
use super::{Evidence, Verdict};
use crate::history::{Answer, Asked, Clock};
use crate::load::{PATIENCE, Sender};

/// Commands asked again, at most: those whose answer was ever lost first.
const ASKED_MAX: usize = 6_000;
/// At once.
const AT_ONCE: usize = 16;

pub(super) async fn check(at: &Evidence<'_>) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::new("a command asked again gives the same answer");
    let sender = Sender::new(at.addresses, Clock::start())?;
    let chosen = choose(&at.history.commands);
    let answers = futures::stream::iter(chosen.iter().enumerate())
        .map(async |(number, asked)| {
            let attempt = sender.send(&asked.command, number % 2, PATIENCE).await;
            (*asked, attempt.answer.ok_or(attempt.lost.unwrap_or_default()))
        })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    let mut unanswered = HashSet::new();
    for (asked, again) in &answers {
        let key = &asked.command.key;
        if asked.answer().is_none() {
            unanswered.insert(format!("{CLIENT}{key}"));
        }
        if let Some(wrong) = wrong(asked, again.as_ref()) {
            verdict.broken(format!("{} under {key}: {wrong}", asked.command.name));
        }
    }
    let keys: Vec<String> = unanswered.into_iter().collect();
    for wrong in twice(at, &keys).await? {
        verdict.broken(wrong);
    }
    Ok(verdict.covers(format!("{} commands, {} of them never answered", answers.len(), keys.len())))
}

/// Those that were lost or never answered, and a spread of the others.
fn choose(commands: &[Asked]) -> Vec<&Asked> {
    // What was refused for now may be allowed by now.
    let kept = |asked: &&Asked| !asked.answer().is_some_and(Answer::is_passing);
    let (lost, smooth): (Vec<&Asked>, Vec<&Asked>) = commands
        .iter()
        .filter(kept)
        .partition(|asked| asked.attempts.len() != 1 || asked.answer().is_none());
    let room = ASKED_MAX.saturating_sub(lost.len()).max(1);
    let step = smooth.len().div_ceil(room).max(1);
    lost.into_iter().take(ASKED_MAX).chain(smooth.into_iter().step_by(step)).collect()
}

fn wrong(asked: &Asked, again: Result<&Answer, &String>) -> Option<String> {
    match (asked.answer(), again) {
        (_, Err(lost)) => Some(format!("no answer though all is healed: {lost}")),
        (Some(first), Ok(again)) if !first.agrees(again) => Some(format!(
            "answered {} {}, then {} {}",
            first.status, first.body, again.status, again.body
        )),
        (Some(_), Ok(again)) if !again.replayed && !asked.reuses_key => {
            Some(format!("decided anew: {} {}", again.status, again.body))
        }
        _ => None,
    }
}

/// Which of these commands have more than one run of events, or an outcome that is not theirs.
async fn twice(at: &Evidence<'_>, keys: &[String]) -> anyhow::Result<Vec<String>> {
    let rows = sqlx::query(
        "SELECT e.metadata->>'command' AS key, count(*) AS count,
                max(e.position) - min(e.position) + 1 AS span,
                max(e.position) = max(c.position) AS ends
         FROM events e LEFT JOIN commands c ON c.key = e.metadata->>'command'
         WHERE e.position > $1 AND e.metadata->>'command' = ANY($2) GROUP BY 1",
    )
    .bind(at.history.began_at)
    .bind(keys)
    .fetch_all(&at.db)
    .await?;
    let mut wrong = Vec::new();
    for row in rows {
        let (key, count): (String, i64) = (row.try_get("key")?, row.try_get("count")?);
        let (span, ends): (i64, Option<bool>) = (row.try_get("span")?, row.try_get("ends")?);
        if count != span || ends != Some(true) {
            wrong.push(format!("{key}: {}", json!({"events": count, "span": span, "ends": ends})));
        }
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::{Attempt, Command};

    #[test]
    fn another_answer_and_a_new_decision_are_seen() {
        let answer = |replayed, position| Answer {
            status: 200,
            body: json!({"id": "a", "version": 1, "position": position}),
            replayed,
            log_id: None,
        };
        let attempt =
            Attempt { api: 0, sent: 0, ended: 1, answer: Some(answer(false, 7)), lost: None };
        let command = Command {
            name: "cart.abandon",
            id: Some("a".to_owned()),
            sku: None,
            if_match: None,
            body: "{}".to_owned(),
            key: "k".to_owned(),
        };
        let asked = Asked { client: 0, command, reuses_key: false, attempts: vec![attempt] };
        assert!(wrong(&asked, Ok(&answer(true, 7))).is_none());
        assert!(wrong(&asked, Ok(&answer(true, 8))).is_some());
        assert!(wrong(&asked, Ok(&answer(false, 7))).is_some());
        assert!(wrong(&asked, Err(&"gone".to_owned())).is_some());
    }
}
