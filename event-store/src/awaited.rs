//! What readers wait for, over NATS: whoever waits until a projection has come to a position asks
//! those who fold it to lose no time.
//!
//! A hint, like its twin [`reached`](crate::reached): it may be lost, late or wrong, and asks for
//! nothing that would not come by itself a little later.

use async_nats::connection::State;
use async_nats::{Client, SubscribeError};
use futures::{Stream, StreamExt};

/// Whoever waits.
pub struct Asker {
    client: Client,
    stream_name: String,
}

impl Asker {
    /// For the projections of the log that the stream carries.
    pub fn new(client: Client, stream_name: String) -> Self {
        Self { client, stream_name }
    }

    /// Whether NATS is there.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Asks for a position of a projection, unless NATS is away.
    pub async fn ask(&self, projection: &str, position: i64) {
        if self.is_connected() {
            let subject = subject(&self.stream_name, projection);
            // It fails where the client was closed, and then nobody is asked any more.
            let _ = self.client.publish(subject, position.to_string().into()).await;
        }
    }
}

/// The positions of one projection that are asked for from now on. It goes on when NATS has been
/// away.
///
/// # Errors
/// NATS does not take the subscription.
pub async fn listen(
    client: &Client,
    stream_name: &str,
    projection: &str,
) -> Result<impl Stream<Item = i64> + use<>, SubscribeError> {
    let asked = client.subscribe(subject(stream_name, projection)).await?;
    Ok(asked.filter_map(|message| {
        let position = std::str::from_utf8(&message.payload).ok();
        std::future::ready(position.and_then(|position| position.parse().ok()))
    }))
}

/// Beside the events of the stream, and not among them: JetStream does not keep it.
fn subject(stream_name: &str, projection: &str) -> String {
    format!("{stream_name}.awaited.{projection}")
}
