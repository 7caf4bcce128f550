//! Row `freshness`: from a command's answer to a read that shows its effect, at half of full load,
//! against a bare script that does the same hops: it commits, sends a message through `JetStream`
//! and commits. The whole engine runs, and both sides take turns on it while it is busy.
//!
//! Full load is what this very stack takes when driven as fast as it answers: row `append` runs
//! without relay and projectors, and half of its rate can be more than all of them together carry.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use async_nats::jetstream::{self, stream};
use futures::StreamExt as _;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::ground::{Ground, wait_until_shown};
use crate::inserts::CLIENTS;
use crate::load::carts::{self, PRODUCTS, Shopper};
use crate::load::catalogue;
use crate::load::client::Connection;
use crate::load::drive::{Caller as _, Pace, WARM_UP, open_loop};
use crate::load::figures::{Figures, Latencies};
use crate::load::wire::{Request, Wire};
use crate::measured::{Goal, Measured};

/// Of the full load.
const LOAD: f64 = 0.5;
/// Seconds to find out what full load is.
const FULL_SECONDS: u64 = 3;
/// Those who look, each one thing at a time.
const PROBES: usize = 2;
/// How long a read may wait, in seconds.
const WAIT: &str = "wait=10";
/// What the bare script writes: of the size of a cart's event.
const BARE_DATA: &str = concat!(
    r#"{"sku":"0192d3a0b7c87f0ea1b2c3d4e5f60718-12","#,
    r#""product_id":"0192d3a0-b7c8-7f0e-a1b2-c3d4e5f60718","title":"Bench 12","quantity":1,"#,
    r#""unit_price":{"amount":"19.99","currency":"EUR"}}"#,
);

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let nats = ground.nats().await?;
    ground.meilisearch().await?;
    let commands = ground.command_api("command-api").await?;
    ground.projector(&[]).await?;
    let query = ground.query_api().await?;
    let full = carts::drive(&Pace::on(&commands.address, CLIENTS, FULL_SECONDS)).await?.per_second;
    wait_until_shown(&query, &[]).await?;
    let database = ground.database().await?;
    let at = Addresses { commands: commands.address, reads: query.address, database, nats };
    let Seen { shown, bare, background } = look(&at, full * LOAD, ground.seconds).await?;
    let line = |percentile: &str, value, baseline| Measured {
        name: format!("{} {percentile}", ground.row),
        value,
        unit: "ms",
        baseline,
        baseline_is: "two commits and a NATS hop, on the same busy machine",
        goal: Goal::AtMost { land: 3.0, goal: 1.5 },
        details: json!({
            "probes": shown.count, "full_load": full, "load": background.per_second,
            "load_p99_ms": background.p99_ms, "load_cpus": background.load_cpus,
        }),
    };
    Ok(vec![line("p50", shown.p50_ms, bare.p50_ms), line("p99", shown.p99_ms, bare.p99_ms)])
}

/// Where everything is.
pub struct Addresses {
    pub commands: String,
    pub reads: String,
    pub database: String,
    pub nats: String,
}

/// Both sides, and how busy the shop was meanwhile.
pub struct Seen {
    pub shown: Figures,
    bare: Figures,
    background: Figures,
}

/// Keeps the shop busy with so many cart commands a second, and looks.
pub async fn look(at: &Addresses, rate: f64, seconds: u64) -> Result<Seen> {
    let mut connection = Connection::open(&at.commands).await?;
    let skus = Arc::new(catalogue::offer(&mut connection, PRODUCTS).await?);
    let start = Instant::now() + WARM_UP;
    let end = start + Duration::from_secs(seconds);
    let mut probes = JoinSet::new();
    for number in 0..PROBES {
        let mut engine = Engine::open(at, number, skus.clone()).await?;
        let mut bare = Bare::open(at, number).await?;
        probes.spawn(async move {
            let (mut shown, mut hopped) = (Latencies::default(), Latencies::default());
            while Instant::now() < end {
                let (one, other) = (engine.probe().await?, bare.probe().await?);
                if Instant::now() >= start {
                    shown.add(one);
                    hopped.add(other);
                }
            }
            anyhow::Ok((shown, hopped))
        });
    }
    let pace = Pace::on(&at.commands, CLIENTS, seconds);
    let background = open_loop(&pace, rate, |number| Shopper::new(number, skus.clone())).await?;
    let (mut shown, mut hopped) = (Latencies::default(), Latencies::default());
    while let Some(probe) = probes.join_next().await {
        let (one, other) = probe??;
        shown.extend(one);
        hopped.extend(other);
    }
    let seconds = seconds as f64;
    Ok(Seen { shown: shown.summary(seconds), bare: hopped.summary(seconds), background })
}

/// One who asks a command and then reads the cart as of its position.
struct Engine {
    commands: Wire,
    reads: Wire,
    shopper: Shopper,
}

impl Engine {
    async fn open(at: &Addresses, number: usize, skus: Arc<Vec<String>>) -> Result<Self> {
        let (commands, reads) = (Wire::open(&at.commands).await?, Wire::open(&at.reads).await?);
        Ok(Self { commands, reads, shopper: Shopper::new(number, skus) })
    }

    /// From the command's answer to the read's.
    async fn probe(&mut self) -> Result<Duration> {
        let answer = self.commands.ask(&self.shopper.next()).await?;
        let answered = Instant::now();
        self.shopper.hear(&answer)?;
        let accepted: Value = serde_json::from_slice(answer.body)?;
        let position = accepted["position"].as_i64().context("an answer without a position")?;
        let path = format!("/v1/carts/{}?min_position={position}", self.shopper.cart());
        let read = self.reads.ask(&Request::get(path).with("prefer", WAIT.to_owned())).await?;
        let shown = answered.elapsed();
        ensure!(read.status == 200, "{}: {}", read.status, String::from_utf8_lossy(read.body));
        Ok(shown)
    }
}

/// The bare script, on connections of its own.
struct Bare {
    log: PgConnection,
    view: PgConnection,
    bus: jetstream::Context,
    subject: String,
    heard: Pin<Box<Ordered>>,
}

impl Bare {
    async fn open(at: &Addresses, number: usize) -> Result<Self> {
        let mut log = PgConnection::connect(&at.database).await?;
        let view = PgConnection::connect(&at.database).await?;
        sqlx::raw_sql(
            "CREATE TABLE IF NOT EXISTS bare_log
                 (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data json NOT NULL);
             CREATE TABLE IF NOT EXISTS bare_view (id uuid PRIMARY KEY, document json NOT NULL)",
        )
        .execute(&mut log)
        .await?;
        let bus = jetstream::new(async_nats::connect(&at.nats).await?);
        let (name, subject) = (format!("bare-{number}"), format!("bare.{number}"));
        let subjects = vec![subject.clone()];
        let stream = stream::Config { name, subjects, ..stream::Config::default() };
        let stream = bus.create_stream(stream).await?;
        let heard = stream.create_consumer(OrderedConfig::default()).await?.messages().await?;
        Ok(Self { log, view, bus, subject, heard: Box::pin(heard) })
    }

    /// Commits, publishes, hears of it and commits.
    async fn probe(&mut self) -> Result<Duration> {
        let began = Instant::now();
        sqlx::query("INSERT INTO bare_log (data) VALUES ($1::json)")
            .bind(BARE_DATA)
            .execute(&mut self.log)
            .await?;
        let acknowledged = self.bus.publish(self.subject.clone(), BARE_DATA.into()).await?;
        self.heard.next().await.context("the stream ended")??;
        sqlx::query("INSERT INTO bare_view (id, document) VALUES ($1, $2::json)")
            .bind(Uuid::now_v7())
            .bind(BARE_DATA)
            .execute(&mut self.view)
            .await?;
        let took = began.elapsed();
        acknowledged.await?;
        Ok(took)
    }
}
