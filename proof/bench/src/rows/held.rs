//! Row `held`: appends and fresh reads after an hour's worth of batches behind a snapshot that is
//! still open, as a dump's, an analyst's or a replica's is, against the same before it was opened.
//! Behind it nothing that was written can be cleared away: what is written in place again and again
//! is what grows, and whoever looks at it walks through all of it. The whole engine runs.
//!
//! The hour is made short by making batches small: one connection, whose every command is one.

use anyhow::{Context as _, Result};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use super::freshness::{Addresses, look};
use crate::ground::{Ground, wait_until_shown};
use crate::inserts::CLIENTS;
use crate::load::carts;
use crate::load::drive::Pace;
use crate::measured::{Goal, Measured};
use crate::terminal;

/// An hour of 50 batches a second, which is what a few thousand commands a second are.
const BATCHES: i64 = 180_000;
/// The same where everything is to be small.
const BATCHES_QUICK: i64 = 5_000;
/// How long batches are made until they are counted, in seconds.
const STRETCH_SECONDS: u64 = 10;
/// Of the rate before, while fresh reads are looked at on both sides.
const LOAD: f64 = 0.5;

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let nats = ground.nats().await?;
    ground.meilisearch().await?;
    let commands = ground.command_api("command-api").await?.address;
    ground.projector(&[]).await?;
    let query = ground.query_api().await?;
    let database = ground.database().await?;
    let mut holder = PgConnection::connect(&database).await?;
    let at = Addresses { commands, reads: query.address.clone(), database, nats };
    let append = async || {
        let figures = carts::drive(&Pace::on(&at.commands, CLIENTS, ground.seconds)).await?;
        wait_until_shown(&query, &[]).await?;
        anyhow::Ok(figures.per_second)
    };
    // Once for nothing: the first minute of a database is not like the others.
    append().await?;
    let before = append().await?;
    let fresh_before = look(&at, before * LOAD, ground.seconds).await?.shown;

    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ").execute(&mut holder).await?;
    let opened_at = head(&mut holder).await?;
    let batches = if ground.quick { BATCHES_QUICK } else { BATCHES };
    let mut counter = PgConnection::connect(&at.database).await?;
    let mut made = 0;
    while made < batches {
        carts::drive(&Pace::on(&at.commands, 1, STRETCH_SECONDS)).await?;
        made = head(&mut counter).await? - opened_at;
        terminal::step("Holding", &format!("a snapshot open for {made} of {batches} batches"));
    }
    wait_until_shown(&query, &[]).await?;
    let behind = append().await?;
    let fresh_behind = look(&at, before * LOAD, ground.seconds).await?.shown;
    let still_open = head(&mut holder).await.context("the snapshot was lost meanwhile")?;
    anyhow::ensure!(still_open == opened_at, "the snapshot moved on");

    let line = |name: &str, value, baseline, unit, goal| Measured {
        name: format!("{} {name}", ground.row),
        value,
        unit,
        baseline,
        baseline_is: "the same before the snapshot was opened",
        goal,
        details: json!({ "batches": made }),
    };
    let rate = Goal::AtLeast { land: 0.8, goal: 0.95 };
    let time = Goal::AtMost { land: 1.3, goal: 1.1 };
    Ok(vec![
        line("append", behind, before, "commands/s", rate),
        line("fresh p50", fresh_behind.p50_ms, fresh_before.p50_ms, "ms", time),
        line("fresh p99", fresh_behind.p99_ms, fresh_before.p99_ms, "ms", time),
    ])
}

/// Where the log ends, as this connection sees it.
async fn head(connection: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT position FROM log_head").fetch_one(connection).await?)
}
