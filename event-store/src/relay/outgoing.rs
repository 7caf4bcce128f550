//! An event as a message of the stream, and how it is sent.

use async_nats::client;
use async_nats::jetstream::Context;
use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::{OutboundMessage, PublishMessage};
use bytes::Bytes;

use crate::jetstream::{self, OVERSIZED};
use crate::recorded::RawEvent;

/// What an encoded event has besides its metadata and payload, bytes: enough for nearly all.
const ENVELOPE_BYTES: usize = 320;

/// An event ready to be published.
pub(super) struct Outgoing {
    /// Of the event.
    pub position: i64,
    subject: String,
    payload: Bytes,
}

impl Outgoing {
    pub fn encode(stream_name: &str, event: &RawEvent) -> serde_json::Result<Self> {
        let length = event.metadata.get().len() + event.data.get().len();
        let mut payload = Vec::with_capacity(length + ENVELOPE_BYTES);
        serde_json::to_writer(&mut payload, event)?;
        let subject = jetstream::subject(stream_name, event);
        Ok(Self { position: event.position, subject, payload: payload.into() })
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
        PublishMessage::build().payload(self.payload.clone()).expected_last_sequence(before)
    }

    /// Takes the place of an event that is too large for NATS.
    fn stub(&self) -> PublishMessage {
        self.message().payload(Bytes::new()).header(OVERSIZED, "1")
    }
}

async fn send(bus: &Context, message: OutboundMessage) -> Result<(), client::PublishError> {
    let OutboundMessage { subject, headers, payload, .. } = message;
    bus.client().publish_with_headers(subject, headers.unwrap_or_default(), payload).await
}
