//! Who asks a stand-in, and hears its webhooks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use gateways::hooks::{Endpoint, Hooks, Signature};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How long a webhook may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

/// A webhook that was heard.
#[derive(Clone)]
pub struct Heard {
    pub headers: HeaderMap,
    pub body: String,
}

/// A caller of one stand-in.
pub struct Caller {
    pub base: String,
    pub client: reqwest::Client,
    heard: Arc<Mutex<Vec<Heard>>>,
    refusals: Arc<Mutex<u32>>,
}

/// Serves on a port of its own; where.
async fn serve(make: impl FnOnce(String) -> Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = make(base.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

impl Caller {
    /// Starts a stand-in, and somebody who hears its webhooks.
    pub async fn start(
        signature: Signature,
        stand_in: impl FnOnce(String, Hooks) -> Router,
    ) -> Self {
        let heard = Arc::<Mutex<Vec<Heard>>>::default();
        let refusals = Arc::<Mutex<u32>>::default();
        let (ears, mood) = (heard.clone(), refusals.clone());
        let hear = move |headers: HeaderMap, body: String| async move {
            ears.lock().unwrap().push(Heard { headers, body });
            let mut refusals = mood.lock().unwrap();
            if *refusals == 0 {
                return StatusCode::OK;
            }
            *refusals -= 1;
            StatusCode::SERVICE_UNAVAILABLE
        };
        let ear = serve(|_| Router::new().route("/", post(hear))).await;
        let hooks = Hooks::new(Some(Endpoint::to(ear).unwrap()), signature);
        let base = serve(|base| stand_in(base, hooks)).await;
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { base, client, heard, refusals }
    }

    /// Refuses this many webhooks.
    pub fn refuse(&self, webhooks: u32) {
        *self.refusals.lock().unwrap() = webhooks;
    }

    /// Directs the play.
    pub async fn control(&self, path: &str, body: Value) {
        let url = format!("{}/_control/{path}", self.base);
        let answer = self.client.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
    }

    /// The next request to this line goes wrong.
    pub async fn fault(&self, on: &str, kind: &str) {
        self.control("faults", json!({ "on": on, "kind": kind })).await;
    }

    /// Webhooks of this kind, once there are so many.
    pub async fn hears(&self, kind: &str, times: usize) -> Vec<Heard> {
        let name = |heard: &Heard| {
            let event: Value = serde_json::from_str(&heard.body).unwrap();
            [&event["type"], &event["event_type"]].iter().any(|name| **name == kind)
        };
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                let heard = self.heard.lock().unwrap().clone();
                let wanted: Vec<Heard> = heard.into_iter().filter(name).collect();
                if wanted.len() >= times {
                    return wanted;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("{kind} was not heard {times} times"))
    }
}
