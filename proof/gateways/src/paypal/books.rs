//! All that a stand-in of PayPal knows, and the events that tell of it.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::order::Order;
use super::payment::{Authorization, Capture, Refund};
use super::problem::Problem;

/// Everything.
pub struct Books {
    /// Where this is.
    pub base: String,
    /// What payers are asked for.
    pub orders: BTreeMap<String, Order>,
    /// What they allowed.
    pub authorizations: BTreeMap<String, Authorization>,
    /// What was taken.
    pub captures: BTreeMap<String, Capture>,
    /// What went back.
    pub refunds: BTreeMap<String, Refund>,
    disputes: BTreeMap<String, Value>,
    events: Vec<Value>,
    sent: usize,
    ids: u64,
}

/// A time as PayPal writes it.
pub fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Books {
    /// Empty ones.
    pub fn new(base: String) -> Self {
        let (orders, authorizations, captures, refunds) = <(_, _, _, _)>::default();
        let (disputes, events, sent, ids) = <(_, _, _, _)>::default();
        Self { base, orders, authorizations, captures, refunds, disputes, events, sent, ids }
    }

    /// A new id.
    pub fn id(&mut self, kind: &str) -> String {
        self.ids += 1;
        format!("{kind}STANDIN{:07}", self.ids)
    }

    /// Writes down that something happened to an object.
    pub fn tell(&mut self, kind: &str, resource_type: &str, resource: &Value) {
        let id = self.id("WH-");
        self.events.push(json!({
            "id": id, "event_version": "1.0", "create_time": written(Utc::now()),
            "resource_type": resource_type, "resource_version": "2.0", "event_type": kind,
            "summary": kind, "resource": resource, "links": [],
        }));
    }

    /// Events that were not sent yet.
    pub fn unsent(&mut self) -> Vec<Value> {
        let from = std::mem::replace(&mut self.sent, self.events.len());
        self.events[from..].to_vec()
    }

    /// An event, if it was told just so.
    pub fn told(&self, event: &Value) -> Option<&Value> {
        self.events.iter().find(|told| *told == event)
    }

    /// The payer of a capture disputes it.
    pub fn open_dispute(&mut self, capture_id: &str) -> Result<Value, Problem> {
        let capture = self.capture_of(capture_id)?;
        let dispute = json!({
            "dispute_amount": capture.amount.json(), "reason": "UNAUTHORISED",
            "status": "WAITING_FOR_SELLER_RESPONSE", "create_time": written(Utc::now()),
            "disputed_transactions": [{
                "seller_transaction_id": capture_id, "custom": capture.custom_id,
            }],
        });
        let id = self.id("PP-D-");
        let mut dispute = dispute;
        dispute["dispute_id"] = json!(id);
        self.disputes.insert(id, dispute.clone());
        self.tell("CUSTOMER.DISPUTE.CREATED", "dispute", &dispute);
        Ok(dispute)
    }

    /// A dispute is decided: `RESOLVED_SELLER_FAVOUR` or `RESOLVED_BUYER_FAVOUR`.
    pub fn end_dispute(&mut self, id: &str, outcome: &str) -> Result<Value, Problem> {
        if !["RESOLVED_SELLER_FAVOUR", "RESOLVED_BUYER_FAVOUR"].contains(&outcome) {
            return Err(Problem::invalid("INVALID_PARAMETER_VALUE", "/outcome"));
        }
        let dispute = self.disputes.get_mut(id);
        let dispute = dispute.ok_or_else(|| Problem::missing("INVALID_RESOURCE_ID", id))?;
        dispute["status"] = json!("RESOLVED");
        dispute["dispute_outcome"] = json!({ "outcome_code": outcome });
        let dispute = dispute.clone();
        self.tell("CUSTOMER.DISPUTE.RESOLVED", "dispute", &dispute);
        Ok(dispute)
    }
}
