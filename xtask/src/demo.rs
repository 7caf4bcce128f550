//! The demo shop: a catalogue with stock, and orders in several states. Plain files in
//! `deploy/demo`, sent through the same doors as everybody's commands.
//!
//! Every command carries a fixed key, so loading twice, also after a crash in between, changes
//! nothing. What needs an order confirmed, which happens on its own once the payment went
//! through, is in a second file.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::layout::Layout;
use crate::process::{Stack, run_logged};
use crate::servers::Urls;
use crate::services::{Ports, Services};
use crate::{http, interrupt, progress};

/// The order the documentation follows through every API: paid by card, delivered. Its delivery is
/// the last command of all: an order that is completed shows that the whole demo is there.
pub const ORDER: &str = "0190d000-0000-7000-8000-000000000201";
/// How long the payments may take to be authorised.
const CONFIRM_TIMEOUT: Duration = Duration::from_mins(1);
/// Pause between two looks at an order.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Loads what is missing of the demo.
pub fn load(
    layout: &Layout,
    services: &Services,
    urls: &Urls,
    ports: Ports,
    stack: &Stack,
) -> Result<()> {
    let demo = layout.root.join("deploy/demo");
    if status_of(ORDER, ports)?.as_deref() == Some("completed") {
        progress::step("Keeping", "the demo shop and all that happened in it");
        return Ok(());
    }
    progress::step("Loading", "the demo catalogue with its stock");
    let mut import = services.command_api(urls)?;
    import.args(["import", "products"]).arg(demo.join("products.csv")).args(["--currency", "EUR"]);
    run_logged(&mut import, "import the demo catalogue", &stack.log("import"))?;

    progress::step("Loading", "the demo orders");
    send(&demo.join("orders.ndjson"), ports)?;
    let fulfilments = demo.join("fulfilments.ndjson");
    for order in orders_to_fulfil(&fulfilments)? {
        wait_until_confirmed(&order, ports)?;
    }
    send(&fulfilments, ports)
}

/// Sends a file of commands as one batch and insists that each is accepted.
fn send(file: &Path, ports: Ports) -> Result<()> {
    let commands = read(file)?;
    let url = format!("{}/v1/batch", ports.command_url());
    let answer = http::post(&url, "application/x-ndjson", &commands)?;
    if !answer.is_success() {
        bail!("command-api refused {} ({}): {}", file.display(), answer.status, answer.body);
    }
    let verdicts: Vec<&str> = answer.body.lines().collect();
    if let Some(refused) = verdicts.iter().find(|verdict| !is_accepted(verdict)) {
        bail!("command-api refused a command of {}: {refused}", file.display());
    }
    let sent = commands.lines().filter(|line| !line.trim().is_empty()).count();
    if verdicts.len() != sent {
        bail!("command-api answered {} of {sent} commands of {}", verdicts.len(), file.display());
    }
    Ok(())
}

fn is_accepted(verdict: &str) -> bool {
    let verdict: Value = serde_json::from_str(verdict).unwrap_or_default();
    verdict["status"].as_u64().is_some_and(|status| (200..300).contains(&status))
}

/// The orders the commands in `file` make fulfilments for.
fn orders_to_fulfil(file: &Path) -> Result<Vec<String>> {
    let mut orders = Vec::new();
    for line in read(file)?.lines().filter(|line| !line.trim().is_empty()) {
        let command: Value = serde_json::from_str(line)
            .with_context(|| format!("{} holds a line that is no JSON", file.display()))?;
        if let Some(order) = command["data"]["order_id"].as_str() {
            orders.push(order.to_owned());
        }
    }
    Ok(orders)
}

fn wait_until_confirmed(order: &str, ports: Ports) -> Result<()> {
    let deadline = Instant::now() + CONFIRM_TIMEOUT;
    loop {
        let status = status_of(order, ports)?;
        match status.as_deref() {
            Some("confirmed" | "completed") => return Ok(()),
            Some("cancelled") => bail!("the demo order {order} was cancelled"),
            _ if Instant::now() > deadline => bail!(
                "the demo order {order} was not confirmed within {} s (it is {}): the log of \
                 command-api says why",
                CONFIRM_TIMEOUT.as_secs(),
                status.as_deref().unwrap_or("not to be read yet")
            ),
            _ => {}
        }
        interrupt::check()?;
        thread::sleep(POLL_INTERVAL);
    }
}

/// The status of an order as query-api tells it; `None` while it knows no such order.
fn status_of(order: &str, ports: Ports) -> Result<Option<String>> {
    let answer = http::get(&format!("{}/v1/orders/{order}", ports.query_url()))?;
    match answer.status {
        200 => {
            let body: Value =
                serde_json::from_str(&answer.body).context("query-api answered no JSON")?;
            Ok(body["status"].as_str().map(str::to_owned))
        }
        404 => Ok(None),
        status => bail!("query-api answered {status} about the order {order}: {}", answer.body),
    }
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
