//! What goes wrong at a payment gateway, and on the way to it: answers that are lost after the
//! deed, banks that take nothing back, webhooks that come late and twice, and people who refund in
//! the gateway's own dashboard. Its books are never lost: no gateway loses them.

use anyhow::{Result, ensure};
use chrono::{TimeDelta, Utc};
use futures::FutureExt as _;
use serde_json::{Value, json};

use super::{Fault, Step};
use crate::cluster::{Cluster, Part};

/// Requests that go wrong each time.
const REQUESTS: u32 = 5;
/// Payments of which something is refunded in the dashboard, the newest first, and how much, in
/// cents.
const REFUNDS: usize = 5;
const REFUND_CENTS: &str = "100";
/// How old those are at most: less than the checks of a round take.
const RECENT: TimeDelta = TimeDelta::seconds(10);

/// It does what it is asked, or not, and its answers say less than that.
pub struct Answers {
    /// What becomes of a request: as the stand-in calls it.
    pub kind: &'static str,
    /// Requests in whose method and path this stands.
    pub on: &'static str,
    /// What that is called.
    pub name: &'static str,
}

impl Fault for Answers {
    fn name(&self) -> &'static str {
        self.name
    }

    fn part(&self) -> Part {
        Part::Stripe
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        let fault = json!({"on": self.on, "kind": self.kind, "times": REQUESTS});
        direct(cluster, "faults", fault).boxed()
    }
}

/// It keeps what it has to tell to itself, and then says everything twice.
pub struct Webhooks;

impl Fault for Webhooks {
    fn name(&self) -> &'static str {
        "webhooks late and twice"
    }

    fn part(&self) -> Part {
        Part::Stripe
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        direct(cluster, "webhooks", json!({"hold": true})).boxed()
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        async move {
            direct(cluster, "webhooks", json!({"twice": true})).await?;
            direct(cluster, "webhooks", json!({})).await
        }
        .boxed()
    }
}

/// Somebody refunds where the engine is not asked, while it is told late.
pub struct Dashboard;

impl Fault for Dashboard {
    fn name(&self) -> &'static str {
        "refunds in the dashboard"
    }

    fn part(&self) -> Part {
        Part::Stripe
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        async move {
            // Those of an earlier round were checked already.
            let since = (Utc::now() - RECENT).timestamp().to_string();
            let query = [("limit", "100"), ("created[gte]", since.as_str())];
            let taken = cluster.addresses().stripe.intents(&query).await?;
            let taken = taken.iter().filter(|intent| intent["status"] == "succeeded");
            for intent in taken.take(REFUNDS) {
                let id = intent["id"].as_str().unwrap_or_default();
                let form = [("payment_intent", id), ("amount", REFUND_CENTS)];
                // Of some there is not so much left: the gateway says so, and nothing has happened.
                cluster.addresses().stripe.ask("refunds", &form).await?;
            }
            Ok(())
        }
        .boxed()
    }
}

async fn direct(cluster: &Cluster, what: &str, how: Value) -> Result<()> {
    let answer = cluster.addresses().stripe.direct(what, &how).await?;
    ensure!(answer.is_success(), "the stand-in does not take {how}: {answer}");
    Ok(())
}
