//! What a payer allowed, what was taken of it, and what went back.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::books::{Books, written};
use super::money::Money;
use super::problem::Problem;

/// How long an authorisation holds.
const HOLDS_DAYS: i64 = 29;

/// What a payer allowed to be taken.
#[derive(Clone, Debug)]
pub struct Authorization {
    /// Its id.
    pub id: String,
    /// Of which order.
    pub order_id: String,
    amount: Money,
    custom_id: Option<String>,
    taken: Decimal,
    closed: bool,
    voided: bool,
    created: DateTime<Utc>,
}

/// What was taken.
#[derive(Clone, Debug)]
pub struct Capture {
    /// Its id.
    pub id: String,
    /// Of which authorisation.
    pub authorization_id: String,
    /// How much.
    pub amount: Money,
    /// What the order's caller keeps with it.
    pub custom_id: Option<String>,
    order_id: String,
    invoice_id: Option<String>,
    is_final: bool,
    refunded: Decimal,
}

/// What went back.
#[derive(Clone, Debug)]
pub struct Refund {
    id: String,
    /// Of which capture.
    pub capture_id: String,
    amount: Money,
    custom_id: Option<String>,
    invoice_id: Option<String>,
    base: String,
}

impl Authorization {
    /// A new one.
    pub fn new(id: String, order_id: String, amount: Money, custom_id: Option<String>) -> Self {
        let (taken, created) = (Decimal::ZERO, Utc::now());
        Self { id, order_id, amount, custom_id, taken, closed: false, voided: false, created }
    }

    /// As it is answered.
    pub fn json(&self) -> Value {
        let status = match (self.voided, self.closed, self.taken.is_zero()) {
            (true, ..) => "VOIDED",
            (_, true, _) => "CAPTURED",
            (_, _, false) => "PARTIALLY_CAPTURED",
            _ => "CREATED",
        };
        json!({
            "id": self.id, "status": status, "amount": self.amount.json(),
            "custom_id": self.custom_id,
            "expiration_time": written(self.created + TimeDelta::days(HOLDS_DAYS)),
            "create_time": written(self.created),
            "supplementary_data": { "related_ids": { "order_id": self.order_id } },
            "links": [],
        })
    }
}

impl Capture {
    /// As it is answered.
    pub fn json(&self) -> Value {
        let status = match (self.refunded.is_zero(), self.refunded == self.amount.value) {
            (true, _) => "COMPLETED",
            (_, true) => "REFUNDED",
            _ => "PARTIALLY_REFUNDED",
        };
        // 3.49 % and 49.
        let fee = (self.amount.value * Decimal::new(349, 4) + Decimal::new(49, 2)).round_dp(2);
        let fee = fee.min(self.amount.value);
        json!({
            "id": self.id, "status": status, "amount": self.amount.json(),
            "custom_id": self.custom_id, "invoice_id": self.invoice_id,
            "final_capture": self.is_final,
            "seller_receivable_breakdown": {
                "gross_amount": self.amount.json(), "paypal_fee": self.amount.of(fee),
                "net_amount": self.amount.of(self.amount.value - fee),
            },
            "supplementary_data": { "related_ids": {
                "order_id": self.order_id, "authorization_id": self.authorization_id,
            } },
            "links": [],
        })
    }
}

impl Refund {
    /// As it is answered.
    pub fn json(&self) -> Value {
        let up = format!("{}/v2/payments/captures/{}", self.base, self.capture_id);
        json!({
            "id": self.id, "status": "COMPLETED", "amount": self.amount.json(),
            "custom_id": self.custom_id, "invoice_id": self.invoice_id,
            "links": [{ "href": up, "rel": "up", "method": "GET" }],
        })
    }
}

/// A text of a body, within its bound.
fn text(body: &Value, name: &str, longest: usize) -> Result<Option<String>, Problem> {
    match &body[name] {
        Value::Null => Ok(None),
        Value::String(text) if (1..=longest).contains(&text.chars().count()) => {
            Ok(Some(text.clone()))
        }
        _ => Err(Problem::invalid("INVALID_STRING_LENGTH", &format!("/{name}"))),
    }
}

/// How much a body asks for: all that is left, unless it says.
fn amount(body: &Value, of: &Money, left: Decimal) -> Result<Money, Problem> {
    if body["amount"].is_null() {
        return Ok(Money { value: left, currency: of.currency.clone() });
    }
    let amount = Money::read(&body["amount"], "/amount")?;
    if amount.currency != of.currency {
        return Err(Problem::unprocessable("CURRENCY_MISMATCH"));
    }
    Ok(amount)
}

impl Books {
    /// An authorisation by its id.
    pub fn authorization(&self, id: &str) -> Result<&Authorization, Problem> {
        self.authorizations.get(id).ok_or_else(|| Problem::missing("INVALID_RESOURCE_ID", id))
    }

    /// A capture by its id.
    pub fn capture_of(&self, id: &str) -> Result<&Capture, Problem> {
        self.captures.get(id).ok_or_else(|| Problem::missing("INVALID_RESOURCE_ID", id))
    }

    /// A refund by its id.
    pub fn refund_of(&self, id: &str) -> Result<&Refund, Problem> {
        self.refunds.get(id).ok_or_else(|| Problem::missing("INVALID_RESOURCE_ID", id))
    }

    /// `POST /v2/payments/authorizations/{id}/capture`. More than was authorised is refused, as it
    /// is to sellers who have not been allowed a little more.
    pub fn capture(&mut self, id: &str, body: &Value, no: bool) -> Result<Value, Problem> {
        let allowed = self.authorization(id)?.clone();
        if allowed.voided {
            return Err(Problem::unprocessable("AUTHORIZATION_VOIDED"));
        }
        if allowed.closed {
            return Err(Problem::unprocessable("AUTHORIZATION_ALREADY_CAPTURED"));
        }
        let left = allowed.amount.value - allowed.taken;
        let amount = amount(body, &allowed.amount, left)?;
        if amount.value > left {
            return Err(Problem::unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED"));
        }
        let invoice_id = text(body, "invoice_id", 127)?;
        let known = self.captures.values().any(|it| it.invoice_id == invoice_id);
        if invoice_id.is_some() && known {
            return Err(Problem::unprocessable("DUPLICATE_INVOICE_ID"));
        }
        let is_final = match &body["final_capture"] {
            Value::Null => false,
            Value::Bool(is_final) => *is_final,
            _ => return Err(Problem::invalid("INVALID_PARAMETER_SYNTAX", "/final_capture")),
        };
        if no {
            return Err(Problem::unprocessable("TRANSACTION_REFUSED"));
        }
        let capture = Capture {
            id: self.id("2G"),
            authorization_id: id.to_owned(),
            amount,
            custom_id: allowed.custom_id,
            order_id: allowed.order_id,
            invoice_id,
            is_final,
            refunded: Decimal::ZERO,
        };
        if let Some(allowed) = self.authorizations.get_mut(id) {
            allowed.taken += capture.amount.value;
            allowed.closed = is_final || allowed.taken == allowed.amount.value;
        }
        let json = capture.json();
        self.captures.insert(capture.id.clone(), capture);
        self.tell("PAYMENT.CAPTURE.COMPLETED", "capture", &json);
        Ok(json)
    }

    /// `POST /v2/payments/authorizations/{id}/void`: what is left of it is let go.
    pub fn void(&mut self, id: &str) -> Result<Value, Problem> {
        let unknown = || Problem::missing("INVALID_RESOURCE_ID", id);
        let allowed = self.authorizations.get_mut(id).ok_or_else(unknown)?;
        if allowed.voided {
            return Err(Problem::unprocessable("PREVIOUSLY_VOIDED"));
        }
        if allowed.closed {
            return Err(Problem::unprocessable("PREVIOUSLY_CAPTURED"));
        }
        allowed.voided = true;
        let json = allowed.json();
        self.tell("PAYMENT.AUTHORIZATION.VOIDED", "authorization", &json);
        Ok(json)
    }

    /// `POST /v2/payments/captures/{id}/refund`.
    pub fn refund(&mut self, id: &str, body: &Value, no: bool) -> Result<Value, Problem> {
        let taken = self.capture_of(id)?;
        let left = taken.amount.value - taken.refunded;
        if left.is_zero() {
            return Err(Problem::unprocessable("CAPTURE_FULLY_REFUNDED"));
        }
        let amount = amount(body, &taken.amount, left)?;
        if amount.value > left {
            return Err(Problem::unprocessable("REFUND_AMOUNT_EXCEEDED"));
        }
        let custom_id = text(body, "custom_id", 127)?.or_else(|| taken.custom_id.clone());
        let invoice_id = text(body, "invoice_id", 127)?;
        if no {
            return Err(Problem::unprocessable("REFUND_FAILED_INSUFFICIENT_FUNDS"));
        }
        let (capture_id, base) = (id.to_owned(), self.base.clone());
        let refund = Refund { id: self.id("1J"), capture_id, amount, custom_id, invoice_id, base };
        if let Some(taken) = self.captures.get_mut(id) {
            taken.refunded += refund.amount.value;
        }
        let json = refund.json();
        self.refunds.insert(refund.id.clone(), refund);
        self.tell("PAYMENT.CAPTURE.REFUNDED", "refund", &json);
        Ok(json)
    }
}
