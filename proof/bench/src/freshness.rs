//! How long after a command's answer a reader sees what it did, while the shop is busy; and, in
//! turns with that and on the same busy machine, a bare script that does the same hops: a commit,
//! a message through JetStream, a commit.

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

use crate::carts::{PRODUCTS, Shopper};
use crate::catalogue;
use crate::client::Connection;
use crate::drive::{Caller as _, Pace, open_loop};
use crate::figures::Latencies;
use crate::wire::{Request, Wire};

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

/// Where everything is, and how busy it is to be.
#[derive(clap::Args)]
pub struct Args {
    /// Where command-api listens
    #[arg(long)]
    commands: String,
    /// Where query-api listens
    #[arg(long)]
    reads: String,
    /// Cart commands per second in the background
    #[arg(long)]
    rate: f64,
    /// Postgres, for the bare script
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database: String,
    /// NATS, for the bare script
    #[arg(long, env = "NATS_URL", hide_env_values = true)]
    nats: String,
    /// Seconds measured
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Keeps the shop busy and looks; returns both sides' figures.
pub async fn run(args: &Args) -> Result<Value> {
    let mut connection = Connection::open(&args.commands).await?;
    let skus = Arc::new(catalogue::offer(&mut connection, PRODUCTS).await?);
    let pace = Pace {
        addresses: vec![args.commands.clone()],
        connections: 64,
        seconds: args.seconds,
        warm_up: 1,
    };
    let start = Instant::now() + Duration::from_secs(pace.warm_up);
    let end = start + Duration::from_secs(pace.seconds);
    let mut probes = JoinSet::new();
    for number in 0..PROBES {
        let mut engine = Engine::open(args, number, skus.clone()).await?;
        let mut bare = Bare::open(args, number).await?;
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
    let background =
        open_loop(&pace, args.rate, |number| Shopper::new(number, skus.clone())).await?;
    let (mut shown, mut hopped) = (Latencies::default(), Latencies::default());
    while let Some(probe) = probes.join_next().await {
        let (one, other) = probe??;
        shown.extend(one);
        hopped.extend(other);
    }
    let seconds = pace.seconds as f64;
    Ok(json!({
        "shown": shown.summary(seconds), "bare": hopped.summary(seconds), "background": background,
    }))
}

/// One who asks a command and then reads the cart as of its position.
struct Engine {
    commands: Wire,
    reads: Wire,
    shopper: Shopper,
}

impl Engine {
    async fn open(args: &Args, number: usize, skus: Arc<Vec<String>>) -> Result<Self> {
        let (commands, reads) = (Wire::open(&args.commands).await?, Wire::open(&args.reads).await?);
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
    async fn open(args: &Args, number: usize) -> Result<Self> {
        let mut log = PgConnection::connect(&args.database).await?;
        let view = PgConnection::connect(&args.database).await?;
        sqlx::raw_sql(
            "CREATE TABLE IF NOT EXISTS bare_log
                 (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data json NOT NULL);
             CREATE TABLE IF NOT EXISTS bare_view (id uuid PRIMARY KEY, document json NOT NULL)",
        )
        .execute(&mut log)
        .await?;
        let bus = jetstream::new(async_nats::connect(&args.nats).await?);
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
