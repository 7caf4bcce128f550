//! The relay row: how fast the engine's relay publishes a log to `JetStream`, and how fast the same
//! payloads are published raw.
//!
//! The raw side is the harder one to reach: everything lies ready in memory, and nothing is
//! expected of the stream's sequence, which the relay has checked with every message.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use async_nats::jetstream::stream::{Config, Stream};
use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use event_store::{jetstream as log_stream, read, relay};
use futures::TryStreamExt as _;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio_util::sync::CancellationToken;

/// The stream that the relay fills.
const STREAM: &str = "commerce";
/// The stream that is filled raw.
const RAW_STREAM: &str = "raw";
/// Raw publishes under way at once.
const WINDOW_MESSAGES: usize = 512;
/// Events read from the log at once.
const PAGE_EVENTS: i64 = 10_000;
/// How often the stream is asked how far it is.
const POLL: Duration = Duration::from_millis(5);
/// How long the relay may take.
const TIMEOUT: Duration = Duration::from_mins(5);

/// What to publish, and where.
#[derive(clap::Args)]
pub struct Args {
    /// The database that holds the log
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database: PgConnectOptions,
    /// NATS
    #[arg(long, env = "NATS_URL", hide_env_values = true)]
    nats: String,
    /// Only have the relay make the stream. To be called while the log is empty: a stream that is
    /// made later begins after the log's head, and there would be nothing to publish
    #[arg(long)]
    prepare: bool,
}

/// Drives the row and returns its figures.
pub async fn run(args: &Args) -> anyhow::Result<Value> {
    let db = PgPool::connect_with(args.database.clone()).await?;
    let bus = jetstream::new(async_nats::connect(&args.nats).await?);
    let head = u64::try_from(read::head(&db).await?)?;
    if args.prepare {
        relayed(&db, &bus, head).await?;
        return Ok(json!({ "head": head }));
    }
    let messages = messages(&db).await?;
    let bytes: usize = messages.iter().map(|(_, payload)| payload.len()).sum();
    let before = raw(&bus, &messages).await?;
    let per_second = relayed(&db, &bus, head).await?.context("there was too little to relay")?;
    let after = raw(&bus, &messages).await?;
    Ok(json!({
        "events": messages.len(),
        "bytes_per_event": bytes / messages.len().max(1),
        "per_second": per_second,
        "raw_per_second": f64::midpoint(before, after),
    }))
}

/// The whole log as the relay would publish it, on the raw stream's subjects.
async fn messages(db: &PgPool) -> anyhow::Result<Vec<(String, Bytes)>> {
    let head = read::head(db).await?;
    let mut messages = Vec::with_capacity(usize::try_from(head)?);
    let mut pages = std::pin::pin!(read::pages(db.clone(), 0, head, PAGE_EVENTS));
    while let Some(page) = pages.try_next().await? {
        for event in page {
            let payload = serde_json::to_vec(&event)?;
            messages.push((log_stream::subject(RAW_STREAM, &event), payload.into()));
        }
    }
    Ok(messages)
}

/// Runs the relay until the stream's last sequence is `head`. Returns events per second, counted
/// from the first that was seen in the stream: before that, a relay stands by for half a second to
/// see whether another one publishes. None if it was at the head when it was first seen.
async fn relayed(db: &PgPool, bus: &Context, head: u64) -> anyhow::Result<Option<f64>> {
    let stop = CancellationToken::new();
    let _stop_on_return = stop.clone().drop_guard();
    let running =
        tokio::spawn(relay::run(db.clone(), bus.clone(), STREAM.to_owned(), stop.clone()));
    let rate = tokio::time::timeout(TIMEOUT, watch(bus, head)).await;
    let rate = rate.context("the relay did not come to the head")??;
    stop.cancel();
    running.await?;
    Ok(rate)
}

async fn watch(bus: &Context, head: u64) -> anyhow::Result<Option<f64>> {
    let mut stream: Stream = loop {
        match bus.get_stream(STREAM).await {
            Ok(stream) => break stream,
            Err(_) => tokio::time::sleep(POLL).await,
        }
    };
    let empty = stream.cached_info().state.last_sequence;
    let mut first: Option<(Instant, u64)> = None;
    loop {
        let last = stream.info().await?.state.last_sequence;
        ensure!(last <= head, "the stream holds more than the log");
        if last == head {
            let rate =
                |(at, from): (Instant, u64)| (head - from) as f64 / at.elapsed().as_secs_f64();
            return Ok(first.map(rate));
        }
        if last > empty {
            first.get_or_insert((Instant::now(), last));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Publishes to a stream made like the relay's and returns messages per second.
async fn raw(bus: &Context, messages: &[(String, Bytes)]) -> anyhow::Result<f64> {
    let config = Config {
        name: RAW_STREAM.to_owned(),
        subjects: vec![format!("{RAW_STREAM}.events.>")],
        ..bus.get_stream(STREAM).await?.cached_info().config.clone()
    };
    bus.create_stream(config).await?;
    let mut acknowledgements = VecDeque::with_capacity(WINDOW_MESSAGES);
    let start = Instant::now();
    for (subject, payload) in messages {
        if acknowledgements.len() == WINDOW_MESSAGES
            && let Some(oldest) = acknowledgements.pop_front()
        {
            oldest.await?;
        }
        acknowledgements.push_back(bus.publish(subject.clone(), payload.clone()).await?);
    }
    for acknowledgement in acknowledgements {
        acknowledgement.await?;
    }
    let seconds = start.elapsed().as_secs_f64();
    bus.delete_stream(RAW_STREAM).await?;
    Ok(messages.len() as f64 / seconds)
}
