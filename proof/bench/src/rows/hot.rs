//! Row `hot`: commands to one SKU's stock from 64 connections over two command-apis, against row
//! `append`, whose commands are spread over many streams and go to one process.

use anyhow::Result;
use serde_json::json;
use uuid::Uuid;

use super::append;
use crate::ground::Ground;
use crate::inserts::CLIENTS;
use crate::load::catalogue;
use crate::load::client::Connection;
use crate::load::drive::{Caller, Pace, closed_loop};
use crate::load::wire::Request;
use crate::measured::{Goal, Measured};

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let one = ground.command_api("command-api").await?;
    let baseline = append::per_second(ground, &one).await?;
    let other = ground.command_api("command-api-2").await?;
    let skus = catalogue::offer(&mut Connection::open(&one.address).await?, 1).await?;
    let addresses = vec![one.address, other.address];
    let pace = Pace { addresses, connections: CLIENTS, seconds: ground.seconds };
    let figures = closed_loop(&pace, |_| Clerk::of(&skus[0])).await?;
    Ok(vec![Measured {
        name: ground.row.to_owned(),
        value: figures.per_second,
        unit: "commands/s",
        baseline,
        baseline_is: "row append",
        goal: Goal::AtLeast { land: 0.5, goal: 0.9 },
        details: json!({
            "p50_ms": figures.p50_ms, "p99_ms": figures.p99_ms, "load_cpus": figures.load_cpus,
        }),
    }])
}

/// Takes in one unit after the other.
pub struct Clerk {
    path: String,
    run: String,
    commands: u64,
}

impl Clerk {
    /// For the stock of this SKU.
    pub fn of(sku: &str) -> Self {
        let path = format!("/v1/stock/{sku}/receive");
        Self { path, run: Uuid::now_v7().simple().to_string(), commands: 0 }
    }
}

impl Caller for Clerk {
    fn next(&mut self) -> Request {
        self.commands += 1;
        let body = r#"{"location":"main","quantity":1}"#.to_owned();
        Request::post(self.path.clone(), body)
            .with("idempotency-key", format!("{}-{}", self.run, self.commands))
    }
}
