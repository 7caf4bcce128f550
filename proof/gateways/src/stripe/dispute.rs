//! What a shopper disputes at his bank.

use serde_json::{Value, json};

use super::books::{Books, list};
use super::params::Params;
use super::problem::Problem;

/// What decides a dispute in test mode, given as evidence.
const WINNING: &str = "winning_evidence";
const LOSING: &str = "losing_evidence";

impl Books {
    /// The shopper of this payment disputes all that was captured.
    pub fn open_dispute(&mut self, intent: &str) -> Result<Value, Problem> {
        let charge = self.intent(intent)?.charge.clone();
        let found = charge.and_then(|charge| self.charges.get_mut(&charge));
        let charge = found.ok_or_else(|| Problem::missing("charge", "charge", intent))?;
        if charge.captured == 0 || charge.disputed {
            return Err(Problem::plain("There is nothing to be disputed."));
        }
        charge.disputed = true;
        let mut dispute = json!({
            "object": "dispute", "amount": charge.captured - charge.refunded,
            "currency": charge.currency, "charge": charge.id, "payment_intent": intent,
            "status": "needs_response", "reason": "fraudulent", "created": super::now(),
            "metadata": {}, "evidence": {}, "livemode": false,
        });
        let id = self.id("du");
        dispute["id"] = json!(id);
        self.disputes.insert(id, dispute.clone());
        self.tell("charge.dispute.created", &dispute);
        Ok(dispute)
    }

    /// A dispute by its id.
    pub fn dispute(&self, id: &str) -> Result<Value, Problem> {
        let dispute = self.disputes.get(id).cloned();
        dispute.ok_or_else(|| Problem::missing("dispute", "id", id))
    }

    /// `GET /v1/disputes`.
    pub fn list_disputes(&self, params: &mut Params) -> Result<Value, Problem> {
        let intent = params.text("payment_intent")?;
        let wanted = |dispute: &&Value| {
            intent.as_deref().is_none_or(|intent| dispute["payment_intent"] == intent)
        };
        list("/v1/disputes", self.disputes.values().filter(wanted).cloned(), params)
    }

    /// `POST /v1/disputes/{id}`: evidence, by which it is decided once it is submitted.
    pub fn answer_dispute(&mut self, id: &str, params: &mut Params) -> Result<Value, Problem> {
        let evidence = params.object("evidence", &["uncategorized_text"])?;
        let text = match evidence {
            Some(mut evidence) => evidence.text("uncategorized_text")?,
            None => None,
        };
        let submit = params.flag("submit")?;
        params.done()?;
        match text.as_deref().filter(|_| submit) {
            Some(WINNING) => self.end_dispute(id, "won"),
            Some(LOSING) => self.end_dispute(id, "lost"),
            _ => self.dispute(id),
        }
    }

    /// `POST /v1/disputes/{id}/close`: given up.
    pub fn close_dispute(&mut self, id: &str) -> Result<Value, Problem> {
        self.end_dispute(id, "lost")
    }

    fn end_dispute(&mut self, id: &str, status: &str) -> Result<Value, Problem> {
        let mut dispute = self.dispute(id)?;
        if dispute["status"] != "needs_response" {
            return Err(Problem::plain("This dispute is already closed"));
        }
        dispute["status"] = json!(status);
        let charge = dispute["charge"].as_str().unwrap_or_default();
        if let Some(charge) = self.charges.get_mut(charge).filter(|_| status == "won") {
            charge.disputed = false;
        }
        self.disputes.insert(id.to_owned(), dispute.clone());
        self.tell("charge.dispute.closed", &dispute);
        Ok(dispute)
    }
}
