//! An event as receivers get it: a CloudEvent 1.0 in JSON, whole in the body. The same event is the
//! same bytes each time it is sent.

use chrono::{DateTime, Utc};
use event_store::{Metadata, RawEvent};
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

/// What bodies are.
pub(crate) const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";
/// What a test sends; no event is called so.
const PING: &str = "webhook.ping";

#[derive(Serialize)]
struct CloudEvent<'a> {
    specversion: &'static str,
    /// Which log it is of; with the id it is of this event alone.
    source: String,
    /// Of an event, its position.
    id: String,
    #[serde(rename = "type")]
    kind: &'a str,
    subject: &'a str,
    time: DateTime<Utc>,
    datacontenttype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataschema: Option<String>,
    #[serde(flatten)]
    recorded: Option<Recorded>,
    data: &'a RawValue,
}

/// What only events of the log have, as extensions.
#[derive(Serialize)]
struct Recorded {
    recordedtime: DateTime<Utc>,
    /// The position again, so that text sorts by it.
    sequence: String,
    streamversion: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlationid: Option<Uuid>,
    /// The id of the event that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    causationid: Option<String>,
    /// Where it belongs in a trace, by the extension of that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
}

/// The body that tells of an event.
pub(crate) fn of_event(event: &RawEvent, log_id: Uuid) -> Vec<u8> {
    let metadata = serde_json::from_str::<Metadata>(event.metadata.get()).ok();
    let recorded = Recorded {
        recordedtime: event.recorded_at,
        sequence: format!("{:019}", event.position),
        streamversion: event.version,
        traceparent: event.trace().map(|trace| trace.to_string()),
        correlationid: metadata.as_ref().and_then(|metadata| metadata.correlation_id),
        causationid: metadata.and_then(|it| it.causation).map(|position| position.to_string()),
    };
    written(&CloudEvent {
        specversion: "1.0",
        source: source(log_id),
        id: event.position.to_string(),
        kind: &event.kind,
        subject: &event.stream,
        time: event.occurred_at,
        datacontenttype: "application/json",
        dataschema: Some(format!("urn:commerce:{}:{}", event.kind, event.schema)),
        recorded: Some(recorded),
        data: &event.data,
    })
}

/// The body that asks whether a receiver is there.
pub(crate) fn ping(id: Uuid, subscription: Uuid, log_id: Uuid, now: DateTime<Utc>) -> Vec<u8> {
    written(&CloudEvent {
        specversion: "1.0",
        source: source(log_id),
        id: id.to_string(),
        kind: PING,
        subject: &format!("webhook-{subscription}"),
        time: now,
        datacontenttype: "application/json",
        dataschema: None,
        recorded: None,
        data: RawValue::NULL,
    })
}

fn source(log_id: Uuid) -> String {
    format!("urn:uuid:{log_id}")
}

fn written(event: &CloudEvent<'_>) -> Vec<u8> {
    // Text, numbers and JSON that was parsed: this cannot fail.
    serde_json::to_vec(event).unwrap_or_default()
}
