//! The engine's own writer in this process, asked as command-api asks it, without HTTP.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use chrono::Utc;
use domain::command::product as products;
use domain::product::{Details, VariantSet};
use domain::{Command, ProductId, Sku};
use event_store::writer::Settings;
use event_store::{Outcome, Request, Writer};
use serde_json::{from_value, json};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use uuid::Uuid;

/// Connections that the writer may open: more than it needs.
const CONNECTIONS: u32 = 4;

/// Starts a writer with the bounds it has in command-api. It ends with the program.
pub async fn start(database: &PgConnectOptions) -> Result<Writer> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS);
    let pool = pool.connect_with(database.clone()).await?;
    Ok(Writer::start(&pool, Settings::default()).0)
}

/// Submits a command under a key and waits until it is durable. `Err` if it was refused.
pub async fn ask(writer: &Writer, key: String, command: Command) -> Result<()> {
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
pub async fn offer(writer: &Writer, products: usize) -> Result<Vec<Sku>> {
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
            options: BTreeMap::new(),
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
