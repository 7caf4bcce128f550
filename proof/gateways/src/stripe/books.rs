//! All that a stand-in of Stripe knows, and the events that tell of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::charge::Charge;
use super::intent::Intent;
use super::params::Params;
use super::problem::Problem;
use super::refund::Refund;

/// The version that events are written in.
pub const API_VERSION: &str = "2025-09-30.clover";
/// The longest list that is answered at once, and how long one is unless it is said.
const LIST_MAX: i64 = 100;
const LIST_DEFAULT: i64 = 10;

/// Everything.
pub struct Books {
    /// Where this is.
    pub base: String,
    /// The payments.
    pub intents: BTreeMap<String, Intent>,
    /// What was charged for them.
    pub charges: BTreeMap<String, Charge>,
    /// What went back.
    pub refunds: BTreeMap<String, Refund>,
    /// What shoppers dispute.
    pub disputes: BTreeMap<String, Value>,
    events: Vec<Value>,
    sent: usize,
    ids: u64,
    requests: u64,
}

impl Books {
    /// Empty ones.
    pub fn new(base: String) -> Self {
        let (intents, charges, refunds, disputes) = <(_, _, _, _)>::default();
        let (events, sent, ids, requests) = <(_, _, _, _)>::default();
        Self { base, intents, charges, refunds, disputes, events, sent, ids, requests }
    }

    /// A new id. Ids grow, so that the last one made is the last one in order.
    pub fn id(&mut self, kind: &str) -> String {
        self.ids += 1;
        format!("{kind}_standin{:012}", self.ids)
    }

    /// The number of a request.
    pub fn request_id(&mut self) -> String {
        self.requests += 1;
        format!("req_standin{:012}", self.requests)
    }

    /// Writes down that something happened to an object.
    pub fn tell(&mut self, kind: &str, object: &Value) {
        let id = self.id("evt");
        self.events.push(json!({
            "id": id, "object": "event", "api_version": API_VERSION, "created": super::now(),
            "type": kind, "data": { "object": object }, "livemode": false, "pending_webhooks": 1,
            "request": { "id": null, "idempotency_key": null },
        }));
    }

    /// Events that were not sent yet.
    pub fn unsent(&mut self) -> Vec<Value> {
        let from = std::mem::replace(&mut self.sent, self.events.len());
        self.events[from..].to_vec()
    }

    /// The events, the newest first.
    pub fn list_events(&self, params: &mut Params) -> Result<Value, Problem> {
        let kind = params.text("type")?;
        let wanted = |event: &&Value| kind.as_deref().is_none_or(|kind| event["type"] == kind);
        list("/v1/events", self.events.iter().filter(wanted).cloned(), params)
    }

    /// One of them.
    pub fn event(&self, id: &str) -> Result<Value, Problem> {
        let event = self.events.iter().find(|event| event["id"] == id);
        event.cloned().ok_or_else(|| Problem::missing("event", "id", id))
    }

    /// What a charge came to, less what it cost: 2.9 % and 30.
    pub fn balance_transaction(&self, id: &str) -> Result<Value, Problem> {
        let charge = self.charges.values().find(|charge| charge.transaction.as_deref() == Some(id));
        let charge = charge.ok_or_else(|| Problem::missing("balance transaction", "id", id))?;
        let fee = charge.captured * 29 / 1000 + 30;
        Ok(json!({
            "id": id, "object": "balance_transaction", "amount": charge.captured,
            "currency": charge.currency, "fee": fee, "net": charge.captured - fee,
            "source": charge.id, "type": "charge", "status": "pending", "exchange_rate": null,
            "fee_details": [{ "amount": fee, "currency": charge.currency, "type": "stripe_fee" }],
        }))
    }

    /// An object in which ids are replaced by what they stand for, as it was asked.
    pub fn expanded(&self, mut object: Value, expand: &[String]) -> Result<Value, Problem> {
        for path in expand {
            let names: Vec<&str> = path.split('.').collect();
            self.expand(&mut object, &names)?;
        }
        Ok(object)
    }

    fn expand(&self, at: &mut Value, names: &[&str]) -> Result<(), Problem> {
        if let Some(list) = at.as_array_mut() {
            return list.iter_mut().try_for_each(|at| self.expand(at, names));
        }
        let Some((name, rest)) = names.split_first() else { return Ok(()) };
        let found = at.as_object_mut().and_then(|object| object.get_mut(*name));
        let unknown = || Problem::plain(&format!("This property cannot be expanded ({name})."));
        let found = found.ok_or_else(unknown)?;
        if let Some(id) = found.as_str() {
            *found = self.by_id(id)?;
        } else if found.is_null() {
            return Ok(());
        }
        self.expand(found, rest)
    }

    fn by_id(&self, id: &str) -> Result<Value, Problem> {
        match id.split('_').next() {
            Some("pi") => self.intent(id).map(Intent::json),
            Some("ch") => self.charge(id),
            Some("txn") => self.balance_transaction(id),
            Some("re") => self.refund(id),
            _ => Err(Problem::plain("This property cannot be expanded.")),
        }
    }
}

/// A list, the newest first: of `objects`, which come the oldest first.
pub fn list(
    url: &str,
    objects: impl DoubleEndedIterator<Item = Value>,
    params: &mut Params,
) -> Result<Value, Problem> {
    let limit = params.integer("limit", 1)?.unwrap_or(LIST_DEFAULT);
    if limit > LIST_MAX {
        return Err(Problem::invalid("limit", "This value must be less than or equal to 100."));
    }
    let after = params.text("starting_after")?;
    let mut rest = objects.rev();
    if let Some(after) = &after {
        let known = rest.any(|object| object["id"] == after.as_str());
        if !known {
            return Err(Problem::missing("object", "starting_after", after));
        }
    }
    let data: Vec<Value> = rest.by_ref().take(usize::try_from(limit).unwrap_or(0)).collect();
    let has_more = rest.next().is_some();
    Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": data }))
}

/// Metadata as a caller gave it.
pub type Metadata = Map<String, Value>;
