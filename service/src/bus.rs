//! The connection to NATS. What is published there belongs to the crates that publish it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ClientError, ConnectError, ConnectOptions, Event, ServerAddr};

use crate::config::Bus;
use crate::health::Health;

/// The longest pause between two attempts to reach NATS again.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long one attempt, and one request, may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a process that starts gives its first connection until it says that there is none:
/// within what a health check may take.
const FIRST_CONNECT_MAX: Duration = Duration::from_secs(1);
/// How soon it looks again meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Connects to NATS where it is configured. A server that is away is no error: the client keeps
/// trying in the background, for as long as the process lives.
pub async fn connect(bus: &Bus, name: &str) -> Result<Option<Client>, ConnectError> {
    let Some(url) = bus.url.as_ref().filter(|url| !url.expose().is_empty()) else {
        return Ok(None);
    };
    // The client leaves aside what stands before the `@` of a URL, so it is handed over here.
    let server: ServerAddr = url.expose().parse()?;
    let options = match (server.username(), server.password()) {
        (Some(user), Some(password)) => {
            ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
        }
        (Some(token), None) => ConnectOptions::with_token(token.to_owned()),
        (None, _) => ConnectOptions::new(),
    };
    options
        .name(name)
        .retry_on_initial_connect()
        .event_callback(|event| async { hear(event) })
        .connection_timeout(REQUEST_TIMEOUT)
        .request_timeout(Some(REQUEST_TIMEOUT))
        .reconnect_delay_callback(|attempt| {
            let pause = Duration::from_millis(50).saturating_mul(1 << attempt.min(10));
            pause.min(RECONNECT_PAUSE_MAX)
        })
        .connect(server)
        .await
        .map(Some)
}

/// What came of the last try to connect, which the client keeps to itself: the process has one.
static REFUSAL: Mutex<Option<String>> = Mutex::new(None);

fn hear(event: Event) {
    let refusal = match event {
        Event::Connected => None,
        Event::ClientError(ClientError::Other(refusal)) => Some(refusal),
        _ => return,
    };
    *REFUSAL.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
}

/// How it is, with what came of the last try.
fn with_refusal(how: &str) -> String {
    let refusal = REFUSAL.lock().unwrap_or_else(PoisonError::into_inner);
    refusal.as_ref().map_or_else(|| how.to_owned(), |refusal| format!("{how}: {refusal}"))
}

/// Has a process say how NATS is, which it does better with.
pub fn watch(health: Health, client: Client) -> Health {
    health.prefers("nats", move || {
        let client = client.clone();
        async move { check(&client).await }
    })
}

/// How the connection is; of one that was only just begun, once that has come to something.
async fn settled(client: &Client) -> State {
    let begun = async {
        while client.connection_state() == State::Pending {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    let _ = tokio::time::timeout(FIRST_CONNECT_MAX, begun).await;
    client.connection_state()
}

/// Whether NATS is there and keeps streams, for health checks.
///
/// # Errors
/// Why not, for those who run the service.
pub async fn check(client: &Client) -> Result<(), String> {
    match settled(client).await {
        State::Connected => {
            let account = async_nats::jetstream::new(client.clone()).query_account().await;
            account.map(drop).map_err(|error| format!("no JetStream: {error}"))
        }
        State::Pending => Err(with_refusal("no NATS was reached at NATS_URL since the start")),
        State::Disconnected => Err(with_refusal("the connection to NATS broke")),
    }
}
