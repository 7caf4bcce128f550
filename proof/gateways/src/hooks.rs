//! The webhooks that a stand-in sends: until somebody says 2xx, and doubled, held or dropped when
//! it is told so.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

/// The pause before the first repetition; each is twice the one before it.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// The longest pause.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(5);
/// How long an endpoint may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// The headers with which a body is sent.
pub type Sign = fn(secret: &str, body: &[u8]) -> Vec<(&'static str, String)>;

/// How webhooks are signed: with what, and how.
pub struct Signature {
    /// What only the stand-in and its caller know.
    pub secret: String,
    /// How.
    pub sign: Sign,
}

/// Where webhooks go.
#[derive(Clone)]
pub struct Endpoint {
    url: String,
    client: reqwest::Client,
}

impl Endpoint {
    /// To this URL.
    pub fn to(url: String) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER_TIME_MAX).build()?;
        Ok(Self { url, client })
    }
}

/// What is done to webhooks, besides sending them.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manner {
    /// Kept back until this is taken off.
    hold: bool,
    /// Each is sent twice.
    twice: bool,
    /// None is sent, now or later.
    drop: bool,
}

#[derive(Default)]
struct State {
    manner: Manner,
    held: Vec<Value>,
}

/// The webhooks of a stand-in; clones share them.
#[derive(Clone)]
pub struct Hooks {
    endpoint: Option<Endpoint>,
    signature: Arc<Signature>,
    state: Arc<Mutex<State>>,
    under_way: Arc<AtomicUsize>,
}

impl Hooks {
    /// Webhooks that go there, signed so.
    pub fn new(endpoint: Option<Endpoint>, signature: Signature) -> Self {
        Self {
            endpoint,
            signature: Arc::new(signature),
            state: Arc::default(),
            under_way: Arc::default(),
        }
    }

    /// What they are signed with.
    pub fn secret(&self) -> &str {
        &self.signature.secret
    }

    /// Webhooks that are on their way, or held.
    pub fn waiting(&self) -> usize {
        let held = self.state.lock().unwrap_or_else(PoisonError::into_inner).held.len();
        held + self.under_way.load(Ordering::SeqCst)
    }

    /// Goes on in another manner; what is held no more is sent.
    pub fn change(&self, manner: Manner) {
        let released = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.manner = manner;
            if manner.hold { Vec::new() } else { std::mem::take(&mut state.held) }
        };
        self.send(released);
    }

    /// Sends these, each by itself: the order in which they arrive is nobody's promise.
    pub fn send(&self, events: Vec<Value>) {
        let Some(endpoint) = &self.endpoint else { return };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Manner { hold, twice, drop } = state.manner;
        if drop {
            return;
        }
        if hold {
            state.held.extend(events);
            return;
        }
        for event in events {
            for _ in 0..=usize::from(twice) {
                let sent = deliver(endpoint.clone(), self.signature.clone(), event.to_string());
                let under_way = self.under_way.clone();
                under_way.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    sent.await;
                    under_way.fetch_sub(1, Ordering::SeqCst);
                });
            }
        }
    }
}

/// Sends a body until it is taken.
async fn deliver(endpoint: Endpoint, signature: Arc<Signature>, body: String) {
    let mut pause = RETRY_AFTER;
    loop {
        let mut request = endpoint.client.post(&endpoint.url);
        for (name, value) in (signature.sign)(&signature.secret, body.as_bytes()) {
            request = request.header(name, value);
        }
        let sent = request.header("content-type", "application/json").body(body.clone()).send();
        if sent.await.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY_AFTER_MAX);
    }
}
