//! Commands to one SKU's stock, over however many command-apis: a hot stream.

use anyhow::Result;
use serde_json::Value;
use uuid::Uuid;

use crate::catalogue;
use crate::client::Connection;
use crate::drive::{Caller, Pace, closed_loop};
use crate::wire::Request;

/// How hard to drive.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pace: Pace,
}

/// Drives one SKU and returns the figures.
pub async fn run(args: &Args) -> Result<Value> {
    let mut connection = Connection::open(&args.pace.addresses[0]).await?;
    let skus = catalogue::offer(&mut connection, 1).await?;
    closed_loop(&args.pace, |_| Clerk::of(&skus[0])).await
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
        let body = r#"{"location":"hall","quantity":1}"#.to_owned();
        Request::post(self.path.clone(), body)
            .with("idempotency-key", format!("{}-{}", self.run, self.commands))
    }
}
