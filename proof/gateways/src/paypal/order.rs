//! An order: what a payer is asked to allow.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::books::Books;
use super::money::Money;
use super::payment::{Authorization, Refund};
use super::problem::Problem;
use crate::stand::Answer;

/// The longest texts of a purchase unit, in characters.
const BOUNDS: &[(&str, usize)] =
    &[("reference_id", 256), ("custom_id", 255), ("invoice_id", 127), ("description", 127)];

/// An order.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// How much.
    pub amount: Money,
    /// What the caller keeps with it.
    pub custom_id: Option<String>,
    reference_id: String,
    status: Status,
    return_url: Option<String>,
    cancel_url: Option<String>,
    /// Whether it names PayPal as its source, and not by the older way.
    has_source: bool,
    payer_has_money: bool,
    base: String,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Created,
    PayerActionRequired,
    Approved,
    Completed,
}

impl Order {
    /// As it is answered.
    pub fn json(&self, books: &Books) -> Value {
        let status = match self.status {
            Status::Created => "CREATED",
            Status::PayerActionRequired => "PAYER_ACTION_REQUIRED",
            Status::Approved => "APPROVED",
            Status::Completed => "COMPLETED",
        };
        let rel = if self.has_source { "payer-action" } else { "approve" };
        let base = &self.base;
        let own = format!("{base}/v2/checkout/orders/{}", self.id);
        let authorizations = || books.authorizations.values().filter(|it| it.order_id == self.id);
        let mut order = json!({
            "id": self.id, "intent": "AUTHORIZE", "status": status,
            "payment_source": { "paypal": {} },
            "purchase_units": [{
                "reference_id": self.reference_id, "amount": self.amount.json(),
                "custom_id": self.custom_id,
            }],
            "links": [
                { "href": own, "rel": "self", "method": "GET" },
                { "href": format!("{base}/checkoutnow?token={}", self.id), "rel": rel,
                  "method": "GET" },
            ],
        });
        if authorizations().next().is_some() {
            let of_order = |id: &str| authorizations().any(|it| it.id == id);
            let captures = books.captures.values().filter(|it| of_order(&it.authorization_id));
            let taken: Vec<_> = captures.collect();
            let refunds =
                books.refunds.values().filter(|it| taken.iter().any(|c| c.id == it.capture_id));
            order["purchase_units"][0]["payments"] = json!({
                "authorizations": authorizations().map(Authorization::json).collect::<Vec<_>>(),
                "captures": taken.iter().map(|it| it.json()).collect::<Vec<_>>(),
                "refunds": refunds.map(Refund::json).collect::<Vec<_>>(),
            });
        }
        order
    }
}

impl Books {
    /// An order by its id.
    pub fn order(&self, id: &str) -> Result<&Order, Problem> {
        self.orders.get(id).ok_or_else(|| Problem::missing("INVALID_RESOURCE_ID", id))
    }

    fn order_mut(&mut self, id: &str) -> Result<&mut Order, Problem> {
        self.orders.get_mut(id).ok_or_else(|| Problem::missing("INVALID_RESOURCE_ID", id))
    }

    /// `POST /v2/checkout/orders`, of which the stand-in knows those that are authorised first.
    pub fn create_order(&mut self, body: &Value, keyed: bool) -> Result<Answer, Problem> {
        match body["intent"].as_str() {
            None => return Err(Problem::required("/intent")),
            Some("AUTHORIZE") => {}
            Some(_) => return Err(Problem::invalid("INVALID_PARAMETER_VALUE", "/intent")),
        }
        let units = body["purchase_units"].as_array();
        let [unit] = units.ok_or_else(|| Problem::required("/purchase_units"))?.as_slice() else {
            return Err(Problem::invalid("INVALID_ARRAY_MAX_ITEMS", "/purchase_units"));
        };
        let place = "/purchase_units/@reference_id=='default'";
        for (name, longest) in BOUNDS {
            let text = match &unit[*name] {
                Value::Null => continue,
                Value::String(text) => text,
                _ => return Err(Problem::invalid("INVALID_PARAMETER_SYNTAX", name)),
            };
            if text.is_empty() || text.chars().count() > *longest {
                let field = format!("{place}/{name}");
                return Err(Problem::invalid("INVALID_STRING_LENGTH", &field));
            }
        }
        let amount = Money::read(&unit["amount"], &format!("{place}/amount"))?;
        let has_source = body["payment_source"].is_object();
        if has_source && !keyed {
            return Err(Problem::invalid("PAYPAL_REQUEST_ID_REQUIRED", "/PayPal-Request-Id"));
        }
        let context = if has_source {
            &body["payment_source"]["paypal"]["experience_context"]
        } else {
            &body["application_context"]
        };
        let url = |name: &str| match &context[name] {
            Value::Null => Ok(None),
            Value::String(url) if url.starts_with("http") => Ok(Some(url.clone())),
            _ => Err(Problem::invalid("INVALID_PARAMETER_SYNTAX", name)),
        };
        let text = |name: &str| unit[name].as_str().map(str::to_owned);
        let id = self.id("5O");
        let order = Order {
            id: id.clone(),
            amount,
            custom_id: text("custom_id"),
            reference_id: text("reference_id").unwrap_or_else(|| "default".to_owned()),
            status: if has_source { Status::PayerActionRequired } else { Status::Created },
            return_url: url("return_url")?,
            cancel_url: url("cancel_url")?,
            has_source,
            payer_has_money: true,
            base: self.base.clone(),
        };
        let json = order.json(self);
        self.orders.insert(id, order);
        // The older way makes it, the newer one has it made and asks for the payer.
        let status = if has_source { StatusCode::OK } else { StatusCode::CREATED };
        Ok(Answer::json(status, json))
    }

    /// What the payer did on his page; where he goes next.
    pub fn approved(&mut self, id: &str, outcome: &str) -> Result<String, Problem> {
        let order = self.order_mut(id)?;
        let open = [Status::Created, Status::PayerActionRequired, Status::Approved];
        if !open.contains(&order.status) {
            return Err(Problem::unprocessable("ORDER_ALREADY_COMPLETED"));
        }
        let (url, mark) = match outcome {
            "approve" | "decline" => {
                order.payer_has_money = outcome == "approve";
                order.status = Status::Approved;
                (order.return_url.clone(), "&PayerID=STANDIN")
            }
            "cancel" => (order.cancel_url.clone(), ""),
            _ => return Err(Problem::invalid("INVALID_PARAMETER_VALUE", "/outcome")),
        };
        if outcome != "cancel" {
            let json = self.order(id)?.json(self);
            self.tell("CHECKOUT.ORDER.APPROVED", "checkout-order", &json);
        }
        let url = url.unwrap_or_default();
        Ok(format!("{url}{}token={id}{mark}", if url.contains('?') { '&' } else { '?' }))
    }

    /// `POST /v2/checkout/orders/{id}/authorize`.
    pub fn authorize(&mut self, id: &str, no: bool) -> Result<Value, Problem> {
        let order = self.order(id)?;
        match order.status {
            Status::Created => return Err(Problem::unprocessable("ORDER_NOT_APPROVED")),
            Status::PayerActionRequired => {
                return Err(Problem::unprocessable("PAYER_ACTION_REQUIRED"));
            }
            Status::Completed => return Err(Problem::unprocessable("ORDER_ALREADY_AUTHORIZED")),
            Status::Approved => {}
        }
        if no || !order.payer_has_money {
            // He may choose another way to pay, on the same page.
            return Err(Problem::unprocessable("INSTRUMENT_DECLINED"));
        }
        let (amount, custom_id) = (order.amount.clone(), order.custom_id.clone());
        let authorization = Authorization::new(self.id("0V"), id.to_owned(), amount, custom_id);
        let json = authorization.json();
        self.authorizations.insert(authorization.id.clone(), authorization);
        self.order_mut(id)?.status = Status::Completed;
        self.tell("PAYMENT.AUTHORIZATION.CREATED", "authorization", &json);
        Ok(self.order(id)?.json(self))
    }
}
