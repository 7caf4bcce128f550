//! Somebody outside who is told by webhook what happens in the shop, and believes what is signed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac::{HMAC_SHA256, Key, verify};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

/// How long news may take.
const PATIENCE: Duration = Duration::from_mins(3);
/// The pause between two looks.
const POLL: Duration = Duration::from_millis(50);

/// What was heard, as it came.
type Heard = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;

/// The receiver, as long as the tour lasts.
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    heard: Heard,
}

impl Receiver {
    /// One that takes everything.
    pub async fn listen() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hooks", listener.local_addr()?);
        let heard = Heard::default();
        let router = Router::new().fallback(hear).with_state(heard.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { url, heard })
    }

    /// What it is told of that subject, once it is, signed with the secret.
    pub async fn hears_of(&self, subject: &str, secret: &str) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let heard = self.heard.lock().map_or_else(|_| Vec::new(), |heard| heard.clone());
            for (headers, body) in heard {
                let event: Value = serde_json::from_slice(&body).context("news are JSON")?;
                if event["subject"] == subject {
                    is_signed(&headers, &body, secret)?;
                    return Ok(event);
                }
            }
            ensure!(Instant::now() < deadline, "nothing is told of {subject}");
            sleep(POLL).await;
        }
    }
}

async fn hear(State(heard): State<Heard>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Ok(mut heard) = heard.lock() else { return StatusCode::INTERNAL_SERVER_ERROR };
    heard.push((headers, body));
    StatusCode::NO_CONTENT
}

/// As Standard Webhooks has it.
fn is_signed(headers: &HeaderMap, body: &[u8], secret: &str) -> Result<()> {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.with_context(|| format!("news without {name}"))
    };
    let secret = secret.strip_prefix("whsec_").context("a secret of another kind")?;
    let key = Key::new(HMAC_SHA256, &STANDARD.decode(secret)?);
    let (id, at) = (header("webhook-id")?, header("webhook-timestamp")?);
    let signed = [format!("{id}.{at}.").as_bytes(), body].concat();
    let signature = header("webhook-signature")?;
    let signature = signature.strip_prefix("v1,").context("a signature of another kind")?;
    let good = verify(&key, &signed, &STANDARD.decode(signature)?);
    ensure!(good.is_ok(), "news that are signed by somebody else: {id}");
    Ok(())
}
