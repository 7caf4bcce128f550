//! A charge: what a bank was asked for, and what came of it.

use serde_json::{Value, json};

use super::books::{Books, Metadata};
use super::problem::Problem;

/// How long an authorisation holds, in seconds: seven days.
const HOLDS_SECONDS: u64 = 7 * 24 * 60 * 60;

/// What was charged for a payment.
#[derive(Clone, Debug)]
pub struct Charge {
    /// Its id.
    pub id: String,
    /// Of which payment.
    pub intent: String,
    /// How much was authorised.
    pub amount: i64,
    /// Of what.
    pub currency: String,
    /// How much of it was captured.
    pub captured: i64,
    /// How much of that went back.
    pub refunded: i64,
    /// The movement of money, once there is one.
    pub transaction: Option<String>,
    /// Whether the shopper disputes it.
    pub disputed: bool,
    /// Whether the bank refused it.
    pub failed: bool,
    /// Seconds since 1970.
    pub created: u64,
}

impl Charge {
    fn json(&self, metadata: &Metadata) -> Value {
        json!({
            "id": self.id, "object": "charge", "amount": self.amount, "currency": self.currency,
            "amount_captured": self.captured, "amount_refunded": self.refunded,
            "captured": self.captured > 0, "refunded": self.refunded == self.captured
                && self.captured > 0,
            "disputed": self.disputed, "payment_intent": self.intent, "metadata": metadata,
            "balance_transaction": self.transaction, "created": self.created,
            "status": if self.failed { "failed" } else { "succeeded" },
            "payment_method_details": { "type": "card", "card": {
                "capture_before": (self.captured == 0).then_some(self.created + HOLDS_SECONDS),
            } },
        })
    }
}

impl Books {
    /// A charge, as it is answered.
    pub fn charge(&self, id: &str) -> Result<Value, Problem> {
        let charge = self.charges.get(id).ok_or_else(|| Problem::missing("charge", "id", id))?;
        Ok(charge.json(&self.intent(&charge.intent)?.metadata))
    }
}
