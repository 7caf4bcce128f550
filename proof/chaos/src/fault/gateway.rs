//! What goes wrong at a payment gateway, and on the way to it: answers that are lost after the
//! deed, banks that take nothing back, webhooks that come late and twice, people who refund in the
//! gateway's own dashboard, and shoppers who dispute. Its books are never lost: no gateway loses
//! them.

use anyhow::{Result, ensure};
use chrono::{TimeDelta, Utc};
use futures::FutureExt as _;
use serde_json::{Value, json};

use super::{Fault, Step};
use crate::cluster::{Cluster, Part};

/// Requests that go wrong each time.
const REQUESTS: u32 = 5;
/// Payments to which something happens that nobody asked for, the newest first.
const PAYMENTS: usize = 5;
/// What is refunded in the dashboard, in cents.
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
            for id in taken_lately(cluster).await? {
                let form = [("payment_intent", id.as_str()), ("amount", REFUND_CENTS)];
                // Of some there is not so much left: the gateway says so, and nothing has happened.
                cluster.addresses().stripe.ask("refunds", &form).await?;
            }
            Ok(())
        }
        .boxed()
    }
}

/// Shoppers dispute what they paid; every other one of them is right.
pub struct Disputes;

impl Fault for Disputes {
    fn name(&self) -> &'static str {
        "disputes"
    }

    fn part(&self) -> Part {
        Part::Stripe
    }

    fn inject<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        async move {
            for id in taken_lately(cluster).await? {
                // Of some nothing is left.
                cluster
                    .addresses()
                    .stripe
                    .direct("disputes", &json!({"payment_intent": id}))
                    .await?;
            }
            Ok(())
        }
        .boxed()
    }

    fn heal<'a>(&'a self, cluster: &'a mut Cluster) -> Step<'a> {
        async move {
            let stripe = &cluster.addresses().stripe;
            let disputes = stripe.disputes(&[("limit", "100")]).await?;
            let open = disputes.iter().filter(|dispute| dispute["status"] == "needs_response");
            let evidence = ["winning_evidence", "losing_evidence"];
            for (dispute, evidence) in open.zip(evidence.into_iter().cycle()) {
                let id = dispute["id"].as_str().unwrap_or_default();
                let form = [("evidence[uncategorized_text]", evidence), ("submit", "true")];
                let answer = stripe.ask(&format!("disputes/{id}"), &form).await?;
                ensure!(answer.is_success(), "the stand-in decides no dispute: {answer}");
            }
            Ok(())
        }
        .boxed()
    }
}

/// Payments of this round of which money was taken: those of an earlier one were checked already.
async fn taken_lately(cluster: &Cluster) -> Result<Vec<String>> {
    let since = (Utc::now() - RECENT).timestamp().to_string();
    let query = [("limit", "100"), ("created[gte]", since.as_str())];
    let intents = cluster.addresses().stripe.intents(&query).await?;
    let taken = intents.iter().filter(|intent| intent["status"] == "succeeded");
    Ok(taken.take(PAYMENTS).filter_map(|intent| intent["id"].as_str().map(str::to_owned)).collect())
}

async fn direct(cluster: &Cluster, what: &str, how: Value) -> Result<()> {
    let answer = cluster.addresses().stripe.direct(what, &how).await?;
    ensure!(answer.is_success(), "the stand-in does not take {how}: {answer}");
    Ok(())
}
