//! News of how far those who fold the log have come, over NATS: whoever moves a checkpoint tells it
//! to all who wait for it.
//!
//! A hint: it may be lost, late or wrong. What counts is the checkpoint in Postgres, and nobody may
//! depend on being told.

use std::ops::RangeInclusive;

use async_nats::connection::State;
use async_nats::{Client, SubscribeError};
use futures::{Stream, StreamExt};

/// How far some slots of a projection have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The slots.
    pub slots: RangeInclusive<i16>,
    /// All their events up to here are folded.
    pub position: i64,
}

impl Reached {
    /// As it is told.
    fn to_text(&self) -> String {
        format!("{}-{} {}", self.slots.start(), self.slots.end(), self.position)
    }

    /// As it was told, if it was told so.
    fn from_text(text: &str) -> Option<Self> {
        let (slots, position) = text.split_once(' ')?;
        let (from, to) = slots.split_once('-')?;
        let slots = from.parse().ok()?..=to.parse().ok()?;
        Some(Self { slots, position: position.parse().ok()? })
    }
}

/// Whoever tells how far one projection has come.
pub struct Teller {
    client: Client,
    subject: String,
}

impl Teller {
    /// For a projection of the log that the stream carries.
    pub fn new(client: Client, stream_name: &str, projection: &str) -> Self {
        Self { client, subject: subject(stream_name, projection) }
    }

    /// Tells what is folded, unless NATS is away: old news are none.
    pub async fn tell(&self, reached: &Reached) {
        if self.client.connection_state() == State::Connected {
            // It fails where the client was closed, and then nobody is told anything any more.
            let _ = self.client.publish(self.subject.clone(), reached.to_text().into()).await;
        }
    }
}

/// What is told from now on: projections, and how far they have come. It goes on when NATS has been
/// away.
pub async fn listen(
    client: &Client,
    stream_name: &str,
) -> Result<impl Stream<Item = (String, Reached)> + use<>, SubscribeError> {
    let told = client.subscribe(subject(stream_name, "*")).await?;
    Ok(told.filter_map(|message| {
        let news = message.subject.rsplit_once('.').and_then(|(_, projection)| {
            let reached = Reached::from_text(std::str::from_utf8(&message.payload).ok()?)?;
            Some((projection.to_owned(), reached))
        });
        std::future::ready(news)
    }))
}

/// Beside the events of the stream, and not among them: JetStream does not keep it.
fn subject(stream_name: &str, projection: &str) -> String {
    format!("{stream_name}.reached.{projection}")
}
