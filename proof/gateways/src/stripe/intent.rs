//! A PaymentIntent: one payment, from the card to the money.

use serde_json::{Value, json};

use super::books::{Books, Metadata, list};
use super::card::{self, Card};
use super::charge::Charge;
use super::currency;
use super::params::Params;
use super::problem::Problem;

/// A payment.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Its id.
    pub id: String,
    /// How much was asked for.
    pub amount: i64,
    /// Of what, in small letters.
    pub currency: String,
    /// What the caller keeps with it.
    pub metadata: Metadata,
    /// What was charged last, if anything was.
    pub charge: Option<String>,
    status: Status,
    manual: bool,
    /// Whether the caller confirms again once the shopper was at his bank.
    by_hand: bool,
    /// Whether the shopper was there.
    authenticated: bool,
    method: Option<String>,
    return_url: Option<String>,
    received: i64,
    error: Value,
    bank: String,
    created: u64,
    description: Option<String>,
    cancellation_reason: Option<String>,
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    RequiresCapture,
    Succeeded,
    Canceled,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

/// What lets the shopper in who pays, and nobody else may know.
pub fn secret(id: &str) -> String {
    format!("{id}_secret_standin")
}

impl Intent {
    /// As it is answered.
    pub fn json(&self) -> Value {
        let capturable = if self.status == Status::RequiresCapture { self.amount } else { 0 };
        let next_action = (self.status == Status::RequiresAction).then(|| match &self.return_url {
            Some(return_url) => json!({
                "type": "redirect_to_url",
                "redirect_to_url": { "url": self.bank, "return_url": return_url },
            }),
            None => json!({ "type": "use_stripe_sdk", "use_stripe_sdk": {} }),
        });
        json!({
            "id": self.id, "object": "payment_intent", "amount": self.amount,
            "amount_capturable": capturable, "amount_received": self.received,
            "currency": self.currency, "status": self.status.name(),
            "capture_method": if self.manual { "manual" } else { "automatic" },
            "payment_method": self.method, "latest_charge": self.charge,
            "metadata": self.metadata, "next_action": next_action,
            "last_payment_error": self.error, "created": self.created, "livemode": false,
            "client_secret": secret(&self.id),
            "cancellation_reason": self.cancellation_reason, "description": self.description,
            "payment_method_types": ["card"],
            "confirmation_method": if self.by_hand { "manual" } else { "automatic" },
        })
    }

    /// Whether there is nothing to be refunded of it.
    pub fn has_no_money(&self) -> bool {
        self.status != Status::Succeeded
    }

    fn wrong_state(&self, what: &str) -> Problem {
        let status = self.status.name();
        let message =
            format!("This PaymentIntent could not be {what} because it has a status of {status}.");
        Problem::state(&message, &self.json())
    }
}

impl Books {
    /// A payment by its id.
    pub fn intent(&self, id: &str) -> Result<&Intent, Problem> {
        self.intents.get(id).ok_or_else(|| Problem::missing("payment_intent", "intent", id))
    }

    fn intent_mut(&mut self, id: &str) -> Result<&mut Intent, Problem> {
        self.intents.get_mut(id).ok_or_else(|| Problem::missing("payment_intent", "intent", id))
    }

    /// `POST /v1/payment_intents`.
    pub fn create_intent(&mut self, params: &mut Params, no: bool) -> Result<Value, Problem> {
        let currency = params.required("currency")?;
        let amount = params.integer("amount", 1)?;
        let amount = amount.ok_or_else(|| {
            Problem::coded("parameter_missing", "amount", "Missing required param: amount.")
        })?;
        currency::check(&currency, amount)?;
        let manual = params.word("capture_method", &["automatic", "manual", "automatic_async"])?;
        let by_hand = params.word("confirmation_method", &["automatic", "manual"])?;
        let types = params.texts("payment_method_types")?;
        if types.iter().any(|kind| kind != "card") {
            return Err(Problem::invalid("payment_method_types", "only card is known here"));
        }
        let automatic = params
            .object("automatic_payment_methods", &["enabled", "allow_redirects"])?
            .map(|mut automatic| automatic.word("allow_redirects", &["always", "never"]))
            .transpose()?;
        params.object("shipping", &["address", "name", "carrier", "phone", "tracking_number"])?;
        let description = params.text("description")?;
        let metadata = params.metadata()?;
        let confirm = params.flag("confirm")?;
        let (method, return_url) = Self::terms(params, confirm)?;
        // Who names no kinds of payment methods gets those that may lead to another page.
        let redirects = types.is_empty() && automatic.flatten().as_deref() != Some("never");
        if confirm && redirects && return_url.is_none() {
            return Err(Problem::plain("You must provide a `return_url` when confirming"));
        }
        params.done()?;
        let id = self.id("pi");
        let bank = format!("{}/authenticate/{id}?client_secret={}", self.base, secret(&id));
        let status = match method {
            Some(_) => Status::RequiresConfirmation,
            None => Status::RequiresPaymentMethod,
        };
        let intent = Intent {
            id: id.clone(),
            amount,
            currency,
            metadata,
            charge: None,
            status,
            manual: manual.as_deref() == Some("manual"),
            by_hand: by_hand.as_deref() == Some("manual"),
            authenticated: false,
            method,
            return_url,
            received: 0,
            error: Value::Null,
            bank,
            created: super::now(),
            description,
            cancellation_reason: None,
        };
        self.tell("payment_intent.created", &intent.json());
        self.intents.insert(id.clone(), intent);
        if confirm { self.confirm(&id, no) } else { Ok(self.intent(&id)?.json()) }
    }

    /// The card and the way back, of which the way back is only taken when it is confirmed.
    fn terms(
        params: &mut Params,
        confirm: bool,
    ) -> Result<(Option<String>, Option<String>), Problem> {
        let method = params.text("payment_method")?;
        if let Some(id) = method.as_deref().filter(|id| card::card(id).is_none()) {
            return Err(Problem::missing("PaymentMethod", "payment_method", id));
        }
        let return_url = params.text("return_url")?;
        let url = |url: &str| url.starts_with("http://") || url.starts_with("https://");
        match &return_url {
            Some(_) if !confirm => {
                let message = "`return_url` can only be given when confirming";
                return Err(Problem::coded("parameter_invalid", "return_url", message));
            }
            Some(given) if !url(given) => {
                return Err(Problem::coded("url_invalid", "return_url", "Not a valid URL"));
            }
            _ => {}
        }
        Ok((method, return_url))
    }

    /// `POST /v1/payment_intents/{id}/confirm`.
    pub fn confirm_intent(
        &mut self,
        id: &str,
        params: &mut Params,
        no: bool,
    ) -> Result<Value, Problem> {
        self.intent(id)?;
        let (method, return_url) = Self::terms(params, true)?;
        params.done()?;
        let intent = self.intent_mut(id)?;
        intent.method = method.or(intent.method.take());
        intent.return_url = return_url.or(intent.return_url.take());
        self.confirm(id, no)
    }

    fn confirm(&mut self, id: &str, no: bool) -> Result<Value, Problem> {
        let intent = self.intent_mut(id)?;
        if ![Status::RequiresPaymentMethod, Status::RequiresConfirmation].contains(&intent.status) {
            return Err(intent.wrong_state("confirmed"));
        }
        let Some(card) = intent.method.as_deref().and_then(card::card) else {
            return Err(Problem::plain("You cannot confirm it without a payment method."));
        };
        if card.asks && !intent.authenticated {
            intent.status = Status::RequiresAction;
            let json = intent.json();
            self.tell("payment_intent.requires_action", &json);
            return Ok(json);
        }
        self.charge_card(id, card, no)
    }

    /// The shopper has come back from his bank; where he goes next.
    pub fn authenticated(&mut self, id: &str, success: bool) -> Result<String, Problem> {
        let intent = self.intent_mut(id)?;
        let card = intent.method.as_deref().and_then(card::card);
        let Some(card) = card.filter(|_| intent.status == Status::RequiresAction) else {
            return Err(intent.wrong_state("authenticated"));
        };
        let back = intent.return_url.clone().unwrap_or_default();
        let how = if success && intent.by_hand {
            intent.authenticated = true;
            intent.status = Status::RequiresConfirmation;
            "succeeded"
        } else if success {
            match self.charge_card(id, card, false) {
                Ok(_) => "succeeded",
                Err(_) => "failed",
            }
        } else {
            self.refused(id, None, card::unauthenticated())?;
            "failed"
        };
        let mark = if back.contains('?') { '&' } else { '?' };
        Ok(format!("{back}{mark}payment_intent={id}&redirect_status={how}"))
    }

    fn refused(&mut self, id: &str, charge: Option<String>, error: Value) -> Result<(), Problem> {
        let intent = self.intent_mut(id)?;
        intent.status = Status::RequiresPaymentMethod;
        intent.method = None;
        intent.charge = charge.or(intent.charge.take());
        intent.error = error;
        let json = intent.json();
        self.tell("payment_intent.payment_failed", &json);
        Ok(())
    }

    fn charge_card(&mut self, id: &str, card: Card, no: bool) -> Result<Value, Problem> {
        let declined = card.declined.or(no.then_some(card::DECLINED));
        let charge_id = self.id("ch");
        let intent = self.intent_mut(id)?;
        let charge = Charge {
            id: charge_id.clone(),
            intent: id.to_owned(),
            amount: intent.amount,
            currency: intent.currency.clone(),
            captured: 0,
            refunded: 0,
            transaction: None,
            disputed: false,
            failed: declined.is_some(),
            created: super::now(),
        };
        let (manual, amount) = (intent.manual, intent.amount);
        self.charges.insert(charge_id.clone(), charge);
        if let Some(declined) = declined {
            let error = card::error(declined, Some(&charge_id));
            self.refused(id, Some(charge_id.clone()), error.clone())?;
            let charge = self.charge(&charge_id)?;
            self.tell("charge.failed", &charge);
            return Err(Problem::card(error, self.intent(id)?.json()));
        }
        let intent = self.intent_mut(id)?;
        intent.charge = Some(charge_id.clone());
        intent.status = Status::RequiresCapture;
        intent.error = Value::Null;
        let json = intent.json();
        let charge = self.charge(&charge_id)?;
        self.tell("charge.succeeded", &charge);
        if manual {
            self.tell("payment_intent.amount_capturable_updated", &json);
            return Ok(json);
        }
        self.take(id, amount)
    }

    /// `POST /v1/payment_intents/{id}/capture`: once; what is left of it is let go.
    pub fn capture_intent(
        &mut self,
        id: &str,
        params: &mut Params,
        no: bool,
    ) -> Result<Value, Problem> {
        let amount = params.integer("amount_to_capture", 1)?;
        let metadata = params.metadata()?;
        params.done()?;
        let intent = self.intent_mut(id)?;
        if intent.status != Status::RequiresCapture {
            return Err(intent.wrong_state("captured"));
        }
        let amount = amount.unwrap_or(intent.amount);
        currency::whole(&intent.currency, amount)?;
        if amount > intent.amount {
            let message = "The amount to capture is greater than what was authorised.";
            return Err(Problem::coded("amount_too_large", "amount_to_capture", message));
        }
        if no {
            let error = card::error(card::DECLINED, intent.charge.as_deref());
            return Err(Problem::card(error, intent.json()));
        }
        intent.metadata.extend(metadata);
        self.take(id, amount)
    }

    fn take(&mut self, id: &str, amount: i64) -> Result<Value, Problem> {
        let transaction = self.id("txn");
        let intent = self.intent_mut(id)?;
        intent.status = Status::Succeeded;
        intent.received = amount;
        let (json, method) = (intent.json(), intent.method.clone());
        let charge_id = intent.charge.clone().unwrap_or_default();
        if let Some(charge) = self.charges.get_mut(&charge_id) {
            charge.captured = amount;
            charge.transaction = Some(transaction);
        }
        let charge = self.charge(&charge_id)?;
        self.tell("charge.captured", &charge);
        self.tell("payment_intent.succeeded", &json);
        if method.as_deref().and_then(card::card).is_some_and(|card| card.disputes) {
            self.open_dispute(id)?;
        }
        Ok(json)
    }

    /// `POST /v1/payment_intents/{id}/cancel`.
    pub fn cancel_intent(&mut self, id: &str, params: &mut Params) -> Result<Value, Problem> {
        let reasons = ["duplicate", "fraudulent", "requested_by_customer", "abandoned"];
        let reason = params.word("cancellation_reason", &reasons)?;
        params.done()?;
        let intent = self.intent_mut(id)?;
        if [Status::Succeeded, Status::Canceled].contains(&intent.status) {
            return Err(intent.wrong_state("canceled"));
        }
        intent.status = Status::Canceled;
        intent.cancellation_reason = reason;
        let json = intent.json();
        self.tell("payment_intent.canceled", &json);
        Ok(json)
    }

    /// `GET /v1/payment_intents`.
    pub fn list_intents(&self, params: &mut Params) -> Result<Value, Problem> {
        let since = params
            .object("created", &["gte"])?
            .map(|mut created| created.integer("gte", 0))
            .transpose()?
            .flatten()
            .unwrap_or(0);
        let since = u64::try_from(since).unwrap_or(0);
        let wanted = self.intents.values().filter(|intent| intent.created >= since);
        list("/v1/payment_intents", wanted.map(Intent::json), params)
    }
}
