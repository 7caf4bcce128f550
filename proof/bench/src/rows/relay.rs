//! Row `relay`: events per second from the log to `JetStream`, against the same payloads published
//! raw to a stream of the same kind, pipelined.
//!
//! The raw side is the harder one to reach: everything lies ready in memory, and nothing is
//! expected of the stream's sequence, which the relay has checked with every message.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream::stream::{Config, Stream};
use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use event_store::{jetstream as log_stream, read, relay};
use futures::TryStreamExt as _;
use serde_json::json;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::fill;
use crate::ground::{Ground, on_all_threads};
use crate::measured::{Goal, Measured};

/// Events in the log.
const EVENTS: i64 = 200_000;
const EVENTS_QUICK: i64 = 50_000;
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

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let (database, nats) = (ground.database().await?, ground.nats().await?);
    // The stream is made while the log is empty: then all of the log is to be published. One that
    // is made later begins after the log's head.
    let (of, on) = (database.clone(), nats.clone());
    on_all_threads(async move {
        let (db, bus) = connect(&of, &on).await?;
        relayed(&db, &bus, 0).await
    })
    .await?;
    fill::log(&database, if ground.quick { EVENTS_QUICK } else { EVENTS }).await?;
    let published = on_all_threads(async move { publish(&database, &nats).await }).await?;
    Ok(vec![Measured {
        name: ground.row.to_owned(),
        value: published.per_second,
        unit: "events/s",
        baseline: published.raw_per_second,
        baseline_is: "raw publish, 512 under way",
        goal: Goal::AtLeast { land: 0.7, goal: 0.9 },
        details: json!({
            "events": published.events, "bytes_per_event": published.bytes_per_event,
        }),
    }])
}

/// What both sides came to.
struct Published {
    events: usize,
    bytes_per_event: usize,
    per_second: f64,
    raw_per_second: f64,
}

/// Raw, by the relay, and raw again.
async fn publish(database: &str, nats: &str) -> Result<Published> {
    let (db, bus) = connect(database, nats).await?;
    let head = u64::try_from(read::head(&db).await?)?;
    let messages = messages(&db).await?;
    let bytes: usize = messages.iter().map(|(_, payload)| payload.len()).sum();
    let before = raw(&bus, &messages).await?;
    let per_second = relayed(&db, &bus, head).await?.context("there was too little to relay")?;
    let after = raw(&bus, &messages).await?;
    Ok(Published {
        events: messages.len(),
        bytes_per_event: bytes / messages.len().max(1),
        per_second,
        raw_per_second: f64::midpoint(before, after),
    })
}

async fn connect(database: &str, nats: &str) -> Result<(PgPool, Context)> {
    Ok((PgPool::connect(database).await?, jetstream::new(async_nats::connect(nats).await?)))
}

/// The whole log as the relay would publish it, on the raw stream's subjects.
async fn messages(db: &PgPool) -> Result<Vec<(String, Bytes)>> {
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
async fn relayed(db: &PgPool, bus: &Context, head: u64) -> Result<Option<f64>> {
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

async fn watch(bus: &Context, head: u64) -> Result<Option<f64>> {
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
async fn raw(bus: &Context, messages: &[(String, Bytes)]) -> Result<f64> {
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
