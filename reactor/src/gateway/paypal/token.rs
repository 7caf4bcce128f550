//! The access token under which PayPal knows us, fetched when it is needed and kept while it lasts.

use std::time::{Duration, Instant};

use reqwest::Method;
use tokio::sync::Mutex;

use super::super::settings;
use super::super::wire::{self, Answer, Wire};

/// How long before its end a token is used no more.
const SPARE: Duration = Duration::from_mins(1);

/// A token, if we have one. Only one of those who lack it fetches it.
#[derive(Debug, Default)]
pub(super) struct AccessToken(Mutex<Option<Held>>);

struct Held {
    token: String,
    until: Instant,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held(…)")
    }
}

impl AccessToken {
    /// One that holds; `None` if PayPal gives none.
    pub async fn get(&self, wire: &Wire, settings: &settings::Paypal) -> Option<String> {
        let mut held = self.0.lock().await;
        if let Some(held) = held.as_ref().filter(|held| held.until > Instant::now()) {
            return Some(held.token.clone());
        }
        let (id, secret) = (settings.client_id.expose(), settings.client_secret.expose());
        let request = wire.request(Method::POST, "/v1/oauth2/token");
        let request = request.basic_auth(id, Some(secret));
        let asked = Instant::now();
        let answer = wire::send(request.form(&[("grant_type", "client_credentials")])).await;
        let given = match answer {
            Answer::Done(given) => given,
            Answer::Refused(status, _) => {
                tracing::warn!(status = status.as_u16(), "PayPal does not know this shop");
                return None;
            }
            Answer::Lost => return None,
        };
        let token = given["access_token"].as_str()?.to_owned();
        let lasts = Duration::from_secs(given["expires_in"].as_u64()?);
        *held = Some(Held { token: token.clone(), until: asked + lasts.saturating_sub(SPARE) });
        Some(token)
    }

    /// This one holds no more.
    pub async fn forget(&self, token: &str) {
        let mut held = self.0.lock().await;
        if held.as_ref().is_some_and(|held| held.token == token) {
            *held = None;
        }
    }
}
