//! Row `in-process`: the carts of row `append`, submitted to the writer in this process as
//! command-api submits them, without HTTP; against one INSERT of one event per transaction, and
//! against the same carts in other libraries.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use chrono::Utc;
use domain::command::{cart, product as products};
use domain::product::{Details, VariantSet};
use domain::{CartId, Command, Options, Owner, ProductId, Quantity, Sku};
use event_store::writer::Settings;
use event_store::{Outcome, Request, Writer};
use serde::Deserialize;
use serde_json::{Map, from_value, json};
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::ground::{Ground, in_turns, on_all_threads, output};
use crate::inserts::{self, CLIENTS, Inserts};
use crate::load::carts::{LINES_PER_CART, PRODUCTS};
use crate::load::drive::WARM_UP;
use crate::load::figures::{Figures, Latencies};
use crate::measured::{Goal, Measured};

/// The peers, other event-sourcing libraries for Postgres as published, with the engine's cart in
/// them: under which names their program knows them (`benches/peers`).
const PEERS: [&str; 2] = ["cqrs-es", "esrs"];
/// Connections that the writer may open: more than it needs.
const CONNECTIONS: u32 = 4;

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    ground.peers()?;
    let inserts = Inserts::prepare(ground).await?;
    let database = ground.database().await?;
    let turns = if ground.quick { 1 } else { 2 };
    let slice = ground.seconds.div_ceil(turns.into());
    let (mut figures, mut rates) = (Figures::default(), PEERS.map(|name| (name, 0.0)));
    let (baseline, value) = in_turns(
        turns,
        async || {
            for (name, rate) in &mut rates {
                *rate += peer(ground, name, slice).await? / f64::from(turns);
            }
            inserts.per_second(ground, slice).await
        },
        async || {
            figures = on_all_threads(carts(database.clone(), slice)).await?;
            Ok(figures.per_second)
        },
    )
    .await?;
    let best = rates.iter().map(|(_, rate)| *rate).reduce(f64::max);
    let rates: Map<_, _> =
        rates.into_iter().map(|(name, rate)| (name.to_owned(), json!(rate))).collect();
    let against = |name: &str, baseline, baseline_is, goal, details| {
        let (name, unit) = (name.to_owned(), "commands/s");
        Measured { name, value, unit, baseline, baseline_is, goal, details }
    };
    let latencies = json!({ "p50_ms": figures.p50_ms, "p99_ms": figures.p99_ms });
    let goal = Goal::AtLeast { land: 1.5, goal: 2.5 };
    Ok(vec![
        against(ground.row, baseline, inserts::NAME, goal, latencies),
        against(
            "in-process, best peer",
            best.context("there are no peers")?,
            "the best of cqrs-es and esrs",
            Goal::AtLeast { land: 7.0, goal: 7.0 },
            json!({ "peers": rates }),
        ),
    ])
}

/// What the peers' program prints.
#[derive(Deserialize)]
struct Reached {
    per_second: f64,
}

/// Has a peer fill carts for so many seconds, after a warm-up. Returns commands per second.
async fn peer(ground: &Ground<'_>, name: &str, seconds: u64) -> Result<f64> {
    let mut command = ground.peers()?;
    command.arg(name).args(["--tasks", &CLIENTS.to_string(), "--seconds", &seconds.to_string()]);
    let printed = output(&mut command, name).await?.stdout;
    let reached: Reached = serde_json::from_slice(&printed)
        .context("a peer printed something else than its figures")?;
    Ok(reached.per_second)
}

/// Fills carts for so many seconds, after a warm-up.
async fn carts(database: String, seconds: u64) -> Result<Figures> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(&database).await?;
    // With the bounds it has in command-api. It ends with the runtime that it is started in.
    let (writer, _ends_by_itself) = Writer::start(&pool, Settings::default());
    let skus: Arc<[Sku]> = offer(&writer, PRODUCTS).await?.into();
    let start = Instant::now() + WARM_UP;
    let end = start + Duration::from_secs(seconds);
    let mut shoppers = JoinSet::new();
    for number in 0..CLIENTS {
        shoppers.spawn(shop_until(end, start, writer.clone(), skus.clone(), number));
    }
    let mut latencies = Latencies::default();
    while let Some(shopper) = shoppers.join_next().await {
        latencies.extend(shopper??);
    }
    Ok(latencies.summary(seconds as f64))
}

/// Fills one cart after the other. What is answered between `start` and `end` counts.
async fn shop_until(
    end: Instant,
    start: Instant,
    writer: Writer,
    skus: Arc<[Sku]>,
    number: usize,
) -> Result<Latencies> {
    let run = Uuid::now_v7().simple();
    let mut latencies = Latencies::default();
    let mut cart_id = CartId(Uuid::nil());
    for commands in 0.. {
        let line = commands % (LINES_PER_CART + 1);
        let command = if line == 0 {
            cart_id = CartId(Uuid::now_v7());
            cart::Command::Create { currency: "EUR".parse()?, owner: Owner::default() }
        } else {
            let sku = skus[(number + line * 7 + commands) % skus.len()].clone();
            cart::Command::AddLine { sku, quantity: Quantity::try_from(1)? }
        };
        let asked = Instant::now();
        let key = format!("c:{run}-{commands}");
        ask(&writer, key, Command::Cart(cart_id, command)).await?;
        let heard = Instant::now();
        if heard >= end {
            break;
        }
        if heard >= start {
            latencies.add(heard - asked);
        }
    }
    Ok(latencies)
}

/// Submits a command under a key and waits until it is durable. `Err` if it was refused.
async fn ask(writer: &Writer, key: String, command: Command) -> Result<()> {
    let request = Request {
        key: Some(key),
        fingerprint: Uuid::now_v7(),
        correlation_id: Some(Uuid::now_v7()),
        ..Request::new(command, Utc::now())
    };
    match writer.submit(request).await?.outcome {
        Outcome::Accepted { .. } => Ok(()),
        Outcome::Refused(refusal) => bail!("refused: {refusal:?}"),
    }
}

/// Puts products on sale for carts to hold; returns their SKUs.
async fn offer(writer: &Writer, products: usize) -> Result<Vec<Sku>> {
    let run = Uuid::now_v7().simple();
    let mut skus = Vec::with_capacity(products);
    for number in 0..products {
        let id = ProductId(Uuid::now_v7());
        let sku: Sku = format!("{run}-{number}").parse()?;
        let details = Details {
            title: format!("Bench {number}").parse()?,
            description: None,
            brand: None,
            category: vec![],
            attributes: BTreeMap::new(),
            media: vec![],
        };
        let variant = VariantSet {
            sku: sku.clone(),
            title: None,
            options: Options::default(),
            prices: vec![from_value(json!({"amount": "19.99", "currency": "EUR"}))?],
            barcode: None,
        };
        let create = products::Command::Create { details, variants: vec![variant] };
        ask(writer, format!("c:{sku}-c"), Command::Product(id, create)).await?;
        let publish = Command::Product(id, products::Command::Publish);
        ask(writer, format!("c:{sku}-p"), publish).await?;
        skus.push(sku);
    }
    Ok(skus)
}
