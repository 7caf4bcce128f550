//! Money that goes back to the shopper.

use serde_json::{Value, json};

use super::books::{Books, Metadata, list};
use super::currency;
use super::params::Params;
use super::problem::Problem;

/// Why somebody gives money back.
const REASONS: &[&str] = &["duplicate", "fraudulent", "requested_by_customer"];

/// A refund.
#[derive(Clone, Debug)]
pub struct Refund {
    id: String,
    intent: String,
    charge: String,
    amount: i64,
    currency: String,
    failed: bool,
    reason: Option<String>,
    metadata: Metadata,
    created: u64,
}

impl Refund {
    fn json(&self) -> Value {
        json!({
            "id": self.id, "object": "refund", "amount": self.amount, "currency": self.currency,
            "payment_intent": self.intent, "charge": self.charge, "reason": self.reason,
            "status": if self.failed { "failed" } else { "succeeded" },
            "failure_reason": self.failed.then_some("declined"),
            "metadata": self.metadata, "created": self.created,
        })
    }
}

impl Books {
    /// `POST /v1/refunds`.
    pub fn create_refund(&mut self, params: &mut Params, no: bool) -> Result<Value, Problem> {
        let (intent, charge) = (params.text("payment_intent")?, params.text("charge")?);
        let amount = params.integer("amount", 1)?;
        let reason = params.word("reason", REASONS)?;
        let metadata = params.metadata()?;
        params.done()?;
        let charge_id = match (intent, charge) {
            (Some(intent), None) => {
                let intent = self.intent(&intent)?;
                let charge = intent.charge.clone().filter(|_| !intent.has_no_money());
                charge.ok_or_else(|| {
                    let message = "This PaymentIntent does not have a successful charge to refund.";
                    Problem::state(message, &intent.json())
                })?
            }
            (None, Some(charge)) => charge,
            _ => return Err(Problem::plain("One of payment_intent and charge is to be given.")),
        };
        let found = self.charges.get_mut(&charge_id);
        let charge = found.ok_or_else(|| Problem::missing("charge", "charge", &charge_id))?;
        let left = charge.captured - charge.refunded;
        if left == 0 {
            let message = format!("Charge {charge_id} has already been refunded.");
            return Err(Problem::coded("charge_already_refunded", "charge", &message));
        }
        if charge.disputed {
            let message = format!("Charge {charge_id} has been charged back; cannot refund.");
            return Err(Problem::coded("charge_disputed", "charge", &message));
        }
        let amount = amount.unwrap_or(left);
        currency::whole(&charge.currency, amount)?;
        if amount > left {
            let message = format!("Refund amount ({amount}) is greater than unrefunded ({left}).");
            return Err(Problem::coded("amount_too_large", "amount", &message));
        }
        if !no {
            charge.refunded += amount;
        }
        let (intent, currency) = (charge.intent.clone(), charge.currency.clone());
        let id = self.id("re");
        let refund = Refund {
            id: id.clone(),
            intent,
            charge: charge_id.clone(),
            amount,
            currency,
            failed: no,
            reason,
            metadata,
            created: super::now(),
        };
        let json = refund.json();
        self.refunds.insert(id, refund);
        self.tell("refund.created", &json);
        if no {
            self.tell("refund.failed", &json);
        } else {
            let charge = self.charge(&charge_id)?;
            self.tell("charge.refunded", &charge);
        }
        Ok(json)
    }

    /// A refund by its id.
    pub fn refund(&self, id: &str) -> Result<Value, Problem> {
        let refund = self.refunds.get(id).ok_or_else(|| Problem::missing("refund", "id", id))?;
        Ok(refund.json())
    }

    /// `GET /v1/refunds`.
    pub fn list_refunds(&self, params: &mut Params) -> Result<Value, Problem> {
        let (intent, charge) = (params.text("payment_intent")?, params.text("charge")?);
        let wanted = |refund: &&Refund| {
            intent.as_ref().is_none_or(|intent| refund.intent == *intent)
                && charge.as_ref().is_none_or(|charge| refund.charge == *charge)
        };
        list("/v1/refunds", self.refunds.values().filter(wanted).map(Refund::json), params)
    }
}
