//! Commands to one SKU through both command-apis, as fast as each answers: how those fare that are
//! well while another is not. Beside a round's load, and not of its history: what it does to the
//! log began before the round.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Client;
use tokio::task::JoinSet;
use tokio::time::sleep;
use uuid::Uuid;

use crate::history::Addresses;

/// What they count in.
const PATH: &str = "/v1/stock/PULSE/receive";
const BODY: &str = r#"{"location":"main","quantity":1}"#;
/// The product that has the SKU.
const PRODUCTS: &str = "/v1/products";
const PRODUCT: &str = r#"{"title":"Pulse","variants":[{"sku":"PULSE","prices":[]}]}"#;
/// Clients of each command-api, with one command at a time.
const CLIENTS: usize = 4;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// The pause after a command that was not taken.
const PAUSE: Duration = Duration::from_millis(20);

/// Under way until it is dropped.
pub struct Pulse {
    taken: [Arc<AtomicU64>; 2],
    _clients: JoinSet<()>,
}

impl Pulse {
    /// Lets the SKU's stream begin, before any round.
    ///
    /// # Errors
    /// The engine does not take it.
    pub async fn prepare(addresses: &Addresses) -> anyhow::Result<()> {
        let http = Client::builder().no_proxy().build()?;
        let api = &addresses.commands[0];
        for (path, body) in [(PRODUCTS, PRODUCT), (PATH, BODY)] {
            let answer = post(&http, &format!("{api}{path}"), body).await.context("the pulse")?;
            answer.error_for_status().context("the pulse")?;
        }
        Ok(())
    }

    /// Begins.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn start(addresses: &Addresses) -> anyhow::Result<Self> {
        let http = Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let (taken, mut clients) = (<[Arc<AtomicU64>; 2]>::default(), JoinSet::new());
        for (api, taken) in addresses.commands.iter().zip(&taken) {
            for _ in 0..CLIENTS {
                let (http, api, taken) = (http.clone(), api.clone(), taken.clone());
                clients.spawn(async move {
                    loop {
                        match post(&http, &format!("{api}{PATH}"), BODY).await {
                            Ok(answer) if answer.status().is_success() => {
                                taken.fetch_add(1, Ordering::Relaxed);
                            }
                            _ => sleep(PAUSE).await,
                        }
                    }
                });
            }
        }
        Ok(Self { taken, _clients: clients })
    }

    /// How many commands a command-api has taken so far.
    pub fn taken(&self, api: usize) -> u64 {
        self.taken[api].load(Ordering::Relaxed)
    }
}

async fn post(http: &Client, url: &str, body: &'static str) -> reqwest::Result<reqwest::Response> {
    let post = http.post(url).header("content-type", "application/json");
    post.header("idempotency-key", Uuid::now_v7().to_string()).body(body).send().await
}
