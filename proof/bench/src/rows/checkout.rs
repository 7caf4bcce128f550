//! Row `checkout`: whole checkouts over HTTP, each counted when its order is confirmed, while all
//! of the engine runs; against row `append`, whose commands are the smallest there are and go to a
//! command-api alone. A checkout is five commands of the shopper and one of the payment process: a
//! cart is opened, filled with two lines and checked out, the order is paid by card. One follower
//! of the live events hears of confirmations for all, as a storefront would.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use super::append;
use crate::ground::{Ground, wait_until_shown};
use crate::load::catalogue;
use crate::load::client::Connection;
use crate::load::drive::{Pace, WARM_UP};
use crate::load::figures::{Figures, Latencies, cpu_time};
use crate::load::wire::{Request, Wire};
use crate::measured::{Goal, Measured};

/// Shoppers at once.
const CONNECTIONS: usize = 32;
/// Products on sale.
const PRODUCTS: usize = 50;
/// Lines of each cart.
const LINES_PER_CART: usize = 2;
/// Units of each SKU, as many as one receipt may be of: more than are ever sold.
const UNITS: u32 = 1_000_000;
/// How long a confirmation may take before something is wrong.
const CONFIRMED_MAX: Duration = Duration::from_mins(1);

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    ground.nats().await?;
    ground.meilisearch().await?;
    let commands = ground.command_api("command-api").await?;
    let baseline = append::per_second(ground, &commands).await?;
    ground.projector(&[]).await?;
    let query = ground.query_api().await?;
    // What row append left is folded first: a shop sells all day, and catches up once.
    wait_until_shown(&query, &[]).await?;
    let pace = Pace::on(&commands.address, CONNECTIONS, ground.seconds);
    let figures = drive(&pace, &query.address).await?;
    Ok(vec![Measured {
        name: ground.row.to_owned(),
        value: figures.per_second,
        unit: "1/s",
        baseline,
        baseline_is: "row append",
        goal: Goal::AtLeast { land: 0.02, goal: 0.05 },
        details: json!({
            "p50_ms": figures.p50_ms, "p99_ms": figures.p99_ms, "load_cpus": figures.load_cpus,
        }),
    }])
}

/// Those who wait for the confirmation of their orders.
type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<()>>>>;

/// What is read of a live event.
#[derive(Deserialize)]
struct Confirmed {
    stream: String,
}

/// Drives checkouts and returns the figures.
async fn drive(pace: &Pace, reads: &str) -> Result<Figures> {
    let mut connection = Connection::open(&pace.addresses[0]).await?;
    let skus = catalogue::offer(&mut connection, PRODUCTS).await?;
    let stocked = skus.iter().map(|sku| {
        let data = json!({"location": "main", "quantity": UNITS});
        format!(
            "{}\n",
            json!({"command": "stock.receive", "key": Uuid::now_v7(), "id": sku, "data": data})
        )
    });
    ensure!(connection.batch(stocked.collect()).await? == skus.len(), "not all is in stock");
    let (skus, waiting) = (Arc::new(skus), Waiting::default());
    let mut follower = JoinSet::new();
    follower.spawn(follow(follow_from(reads).await?, waiting.clone()));

    let start = Instant::now() + WARM_UP;
    let end = start + Duration::from_secs(pace.seconds);
    let mut shoppers = JoinSet::new();
    for (number, address) in pace.addresses.iter().cycle().take(pace.connections).enumerate() {
        let (wire, skus, waiting) = (Wire::open(address).await?, skus.clone(), waiting.clone());
        let run = Uuid::now_v7().simple().to_string();
        let shopper = Shopper { wire, skus, waiting, run, number, commands: 0 };
        shoppers.spawn(shopper.shop(start, end));
    }
    sleep_until(start).await;
    let cpu_before = cpu_time();
    sleep_until(end).await;
    let cpu = cpu_time().saturating_sub(cpu_before);
    let mut latencies = Latencies::default();
    while let Some(shopped) = shoppers.join_next().await {
        latencies.extend(shopped??);
    }
    let mut figures = latencies.summary(pace.seconds as f64);
    figures.load_cpus = Some(cpu.as_secs_f64() / pace.seconds as f64);
    Ok(figures)
}

/// The live confirmations from now on.
async fn follow_from(reads: &str) -> Result<reqwest::Response> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let asked = client
        .get(format!("http://{reads}/v1/events?types=order.confirmed"))
        .header("accept", "text/event-stream");
    Ok(asked.send().await?.error_for_status()?)
}

/// Tells those who wait.
async fn follow(mut events: reqwest::Response, waiting: Waiting) -> Result<()> {
    let mut rest: Vec<u8> = Vec::new();
    while let Some(piece) = events.chunk().await? {
        rest.extend_from_slice(&piece);
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else { continue };
        for line in rest.drain(..=end).as_slice().split(|byte| *byte == b'\n') {
            if let Some(data) = line.strip_prefix(b"data: ") {
                let Confirmed { stream } = serde_json::from_slice(data)?;
                let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(told) = waiting.remove(&stream) {
                    let _ = told.send(());
                }
            }
        }
    }
    Ok(())
}

/// One shopper after the other, on one connection.
struct Shopper {
    wire: Wire,
    skus: Arc<Vec<String>>,
    waiting: Waiting,
    run: String,
    number: usize,
    commands: usize,
}

impl Shopper {
    async fn shop(mut self, start: Instant, end: Instant) -> Result<Latencies> {
        let mut latencies = Latencies::default();
        loop {
            let began = Instant::now();
            if began >= end {
                return Ok(latencies);
            }
            self.check_out().await?;
            let confirmed = Instant::now();
            // What was confirmed within the span counts, whenever it was begun.
            if confirmed >= start && confirmed < end {
                latencies.add(confirmed - began);
            }
        }
    }

    /// From the open cart to the confirmed order.
    async fn check_out(&mut self) -> Result<()> {
        let (cart, order) = (Uuid::now_v7(), Uuid::now_v7());
        self.command("/v1/carts", &json!({"id": cart, "currency": "EUR"})).await?;
        for line in 0..LINES_PER_CART {
            let sku = &self.skus[(self.number + line * 7 + self.commands) % self.skus.len()];
            let body = json!({"sku": sku, "quantity": 1});
            self.command(&format!("/v1/carts/{cart}/lines"), &body).await?;
        }
        let body = json!({"order_id": order});
        self.command(&format!("/v1/carts/{cart}/checkout"), &body).await?;
        let (told, confirmed) = oneshot::channel();
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(format!("order-{order}"), told);
        let body = json!({"order_id": order, "method": "card", "token": "tok_success"});
        self.command("/v1/payments", &body).await?;
        let heard = timeout(CONFIRMED_MAX, confirmed).await;
        heard.context("an order is not confirmed")?.context("the live events ended")
    }

    async fn command(&mut self, path: &str, body: &Value) -> Result<()> {
        self.commands += 1;
        let request = Request::post(path.to_owned(), body.to_string())
            .with("idempotency-key", format!("{}-{}", self.run, self.commands));
        let answer = self.wire.ask(&request).await?;
        let said = String::from_utf8_lossy(answer.body);
        ensure!((200..300).contains(&answer.status), "{path}: {}: {said}", answer.status);
        Ok(())
    }
}
