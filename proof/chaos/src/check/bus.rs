//! JetStream: its sequences are the positions, up to the head, and its messages are the events.

use std::time::Duration;

use anyhow::Context;
use async_nats::jetstream::stream::Stream;
use futures::StreamExt;
use serde_json::Value;
use sqlx::PgPool;

use super::{Evidence, Verdict};

/// Messages whose content is compared.
const COMPARED_MAX: u64 = 4_000;
/// At once.
const AT_ONCE: usize = 32;
/// How long the relay may take to publish what was appended last.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(200);
/// Marks a message that only stands for an event that is too large.
const OVERSIZED: &str = "Commerce-Oversized";

pub(super) async fn check(at: &Evidence<'_>) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::new("JetStream's sequences are the positions");
    let nats = async_nats::connect(&at.addresses.nats).await?;
    let jetstream = async_nats::jetstream::new(nats);
    let name = &at.addresses.event_stream;
    let (mut first, mut last, mut messages, mut head) = (0, 0, 0, 0);
    let mut stream = jetstream.get_stream(name).await.context("the stream is missing")?;
    for _ in 0..TRIES {
        head = sqlx::query_scalar::<_, i64>("SELECT position FROM log_head")
            .fetch_one(&at.db)
            .await?
            .unsigned_abs();
        let state = &stream.info().await?.state;
        (first, last, messages) = (state.first_sequence, state.last_sequence, state.messages);
        if last == head {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    if let Some(wrong) = shape(first, last, messages, head) {
        verdict.broken(wrong);
    }
    let step = messages.div_ceil(COMPARED_MAX).max(1);
    let step = usize::try_from(step)?;
    let sequences = (first..=last).step_by(step).chain((messages > 0).then_some(last));
    let compared = futures::stream::iter(sequences)
        .map(async |sequence| difference(&stream, &at.db, sequence).await)
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    let count = compared.len();
    for difference in compared {
        if let Some(wrong) = difference? {
            verdict.broken(wrong);
        }
    }
    Ok(verdict.covers(format!("messages {first} to {last}, {count} of them compared")))
}

/// What is wrong with a stream of so many messages, when the log ends at `head`.
fn shape(first: u64, last: u64, messages: u64, head: u64) -> Option<String> {
    if last != head {
        return Some(format!("the last sequence is {last}, the head {head}"));
    }
    let spanned = if messages == 0 { 0 } else { last + 1 - first };
    (messages != spanned).then(|| format!("{messages} messages from {first} to {last}"))
}

/// How a message differs from the event at its position.
async fn difference(stream: &Stream, db: &PgPool, sequence: u64) -> anyhow::Result<Option<String>> {
    let message = stream.get_raw_message(sequence).await?;
    if message.headers.get(OVERSIZED).is_some() {
        return Ok(None);
    }
    let stored: Option<Value> = sqlx::query_scalar(
        "SELECT json_build_object('position', position, 'stream', stream, 'version', version,
                'type', type, 'schema', schema, 'slot', slot, 'metadata', metadata, 'data', data)
         FROM events WHERE position = $1",
    )
    .bind(i64::try_from(sequence)?)
    .fetch_optional(db)
    .await?;
    let sent: Value = serde_json::from_slice(&message.payload)?;
    let subject = message.subject.as_str();
    Ok(different(sequence, subject, &sent, stored.as_ref()))
}

fn different(sequence: u64, subject: &str, sent: &Value, stored: Option<&Value>) -> Option<String> {
    let Some(stored) = stored.and_then(Value::as_object) else {
        return Some(format!("sequence {sequence} is no position of the log"));
    };
    let differs = |name: &&String| sent.get(name.as_str()) != stored.get(name.as_str());
    if let Some(name) = stored.keys().find(differs) {
        return Some(format!("message {sequence} has another {name}: {sent}, the log {stored:?}"));
    }
    let kind = stored["type"].as_str().unwrap_or_default();
    let end = format!(".events.{}.{kind}", stored["slot"]);
    (!subject.ends_with(&end)).then(|| format!("message {sequence} is on {subject}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sequences_without_messages_and_behind_the_head_are_seen() {
        assert_eq!(shape(5, 9, 5, 9), None);
        assert_eq!(shape(10, 9, 0, 9), None, "made anew, nothing since");
        assert!(shape(5, 9, 4, 9).is_some());
        assert!(shape(5, 9, 5, 10).is_some());
    }

    #[test]
    fn another_event_is_seen() {
        let event = json!({"position": 7, "type": "cart.created", "slot": 3, "data": {"a": 1}});
        let subject = "x.events.3.cart.created";
        assert_eq!(different(7, subject, &event, Some(&event)), None);
        assert!(different(7, "x.events.4.cart.created", &event, Some(&event)).is_some());
        let mut other = event.clone();
        other["data"]["a"] = json!(2);
        assert!(different(7, subject, &other, Some(&event)).is_some());
        assert!(different(7, subject, &event, None).is_some());
    }
}
