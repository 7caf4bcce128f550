//! An event as a message of the stream, and how it is sent.

use std::time::SystemTime;

use async_nats::client;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::{OutboundMessage, PublishMessage};
use bytes::Bytes;
use trace::{Kind, Span, TraceParent};

use crate::jetstream::{self, OVERSIZED, TRACEPARENT};
use crate::recorded::RawEvent;

/// What an encoded event has besides its metadata and payload, bytes: enough for nearly all.
const ENVELOPE_BYTES: usize = 320;

/// An event ready to be published.
pub(super) struct Outgoing {
    /// Of the event.
    pub position: i64,
    subject: String,
    payload: Bytes,
    /// Where its message belongs in a trace, if anywhere.
    trace: Option<TraceParent>,
    /// Its sending, where spans are made: ends when it was sent.
    _sending: Option<Span>,
}

impl Outgoing {
    pub fn encode(stream_name: &str, event: &RawEvent) -> serde_json::Result<Self> {
        let length = event.metadata.get().len() + event.data.get().len();
        let mut payload = Vec::with_capacity(length + ENVELOPE_BYTES);
        serde_json::to_writer(&mut payload, event)?;
        let subject = jetstream::subject(stream_name, event);
        let asked = event.trace();
        let sending = asked.and_then(|asked| sending(event, &subject, asked));
        let trace = sending.as_ref().map(Span::parent).or(asked);
        let (position, payload) = (event.position, payload.into());
        Ok(Self { position, subject, payload, trace, _sending: sending })
    }

    /// Sends it, to be acknowledged when it is stored.
    pub async fn send_for_acknowledgement(
        self,
        bus: &Context,
    ) -> Result<PublishAckFuture, PublishError> {
        let subject = self.subject.clone();
        match bus.send_publish(subject, self.message()).await {
            Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                bus.send_publish(self.subject.clone(), self.stub()).await
            }
            sent => sent,
        }
    }

    /// Sends it, and nobody says what became of it.
    pub async fn send(self, bus: &Context) -> Result<(), PublishError> {
        match send(bus, self.message().outbound_message(self.subject.clone())).await {
            Err(error) if error.kind() == client::PublishErrorKind::MaxPayloadExceeded => {
                send(bus, self.stub().outbound_message(self.subject.clone())).await
            }
            sent => sent,
        }
        .map_err(|error| PublishError::with_source(PublishErrorKind::Other, error))
    }

    fn message(&self) -> PublishMessage {
        let before = u64::try_from(self.position - 1).unwrap_or(0);
        let message = PublishMessage::build().payload(self.payload.clone());
        let message = match self.trace {
            Some(trace) => message.header(TRACEPARENT, trace.to_string()),
            None => message,
        };
        message.expected_last_sequence(before)
    }

    /// Takes the place of an event that is too large for NATS.
    fn stub(&self) -> PublishMessage {
        self.message().payload(Bytes::new()).header(OVERSIZED, "1")
    }
}

/// The sending of an event that a command asked for.
fn sending(event: &RawEvent, subject: &str, asked: TraceParent) -> Option<Span> {
    let name = format!("publish {}", event.kind);
    let mut span = trace::begin(Kind::Producer, name, Some(asked), SystemTime::now())?;
    span.set("messaging.system", "nats");
    span.set("messaging.destination.name", subject.to_owned());
    span.set(trace::POSITION, event.position);
    Some(span)
}

async fn send(bus: &Context, message: OutboundMessage) -> Result<(), client::PublishError> {
    let OutboundMessage { subject, headers, payload, .. } = message;
    bus.client().publish_with_headers(subject, headers.unwrap_or_default(), payload).await
}
