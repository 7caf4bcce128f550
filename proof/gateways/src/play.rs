//! A stand-in that plays in a test: started inside it, directed, and listened to.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::hooks::{Endpoint, Hooks, Signature};

/// How long a webhook may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often it is looked whether it has.
const POLL: Duration = Duration::from_millis(10);

/// A webhook that was heard.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

/// What the listener has heard, and how many more he takes for none.
#[derive(Default)]
struct Ear {
    heard: Vec<Heard>,
    refuses: u32,
}

/// A stand-in that plays, and who listens to it.
pub struct Play {
    /// Where the stand-in is.
    pub base: String,
    /// Who asks.
    pub client: reqwest::Client,
    ear: Arc<Mutex<Ear>>,
}

/// Serves on a port of its own; where.
async fn serve(make: impl FnOnce(String) -> Router) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    let router = make(base.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(base)
}

impl Play {
    /// Starts a stand-in, and somebody who hears its webhooks.
    pub async fn start(
        signature: Signature,
        stand_in: impl FnOnce(String, Hooks) -> Router,
    ) -> Result<Self> {
        let ear = Arc::<Mutex<Ear>>::default();
        let hears = ear.clone();
        let hear = move |headers: HeaderMap, body: String| async move {
            let mut ear = hears.lock().unwrap_or_else(PoisonError::into_inner);
            ear.heard.push(Heard { headers, body });
            if ear.refuses == 0 {
                return StatusCode::OK;
            }
            ear.refuses -= 1;
            StatusCode::SERVICE_UNAVAILABLE
        };
        let endpoint = Endpoint::to(serve(|_| Router::new().route("/", post(hear))).await?)?;
        let hooks = Hooks::new(Some(endpoint), signature);
        let base = serve(|base| stand_in(base, hooks)).await?;
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self { base, client, ear })
    }

    /// Takes no webhook this many times.
    pub fn refuse(&self, webhooks: u32) {
        self.ear.lock().unwrap_or_else(PoisonError::into_inner).refuses = webhooks;
    }

    /// Directs the play, by a control route.
    pub async fn control(&self, path: &str, body: Value) -> Result<()> {
        let url = format!("{}/_control/{path}", self.base);
        let answer = self.client.post(url).json(&body).send().await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.text().await?);
        Ok(())
    }

    /// What the stand-in was asked, in order.
    pub async fn asked(&self) -> Result<Value> {
        let url = format!("{}/_control/requests", self.base);
        Ok(self.client.get(url).send().await?.error_for_status()?.json().await?)
    }

    /// The next request to this line goes wrong.
    pub async fn fault(&self, on: &str, kind: &str) -> Result<()> {
        self.control("faults", json!({ "on": on, "kind": kind })).await
    }

    /// Somebody chooses on a page; where the page sends him.
    pub async fn choose(&self, page: &str, outcome: &str) -> Result<String> {
        let sent = self.client.post(page).form(&[("outcome", outcome)]).send().await?;
        let location = sent.headers().get("location").context("the page leads nowhere")?;
        Ok(location.to_str()?.to_owned())
    }

    /// Webhooks of this kind, once there are so many.
    pub async fn hears(&self, kind: &str, times: usize) -> Result<Vec<Heard>> {
        let is_wanted = |heard: &Heard| {
            let event: Value = serde_json::from_str(&heard.body).unwrap_or_default();
            [&event["type"], &event["event_type"]].iter().any(|name| **name == kind)
        };
        for _ in 0..PATIENCE.as_millis() / POLL.as_millis() {
            let heard = self.ear.lock().unwrap_or_else(PoisonError::into_inner).heard.clone();
            let wanted: Vec<Heard> = heard.into_iter().filter(is_wanted).collect();
            if wanted.len() >= times {
                return Ok(wanted);
            }
            tokio::time::sleep(POLL).await;
        }
        bail!("{kind} was not heard {times} times")
    }
}
