//! What can happen to a payment, as stored. Every event names its order, because an order and its
//! payments are read together.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::OrderId;
use crate::money::Money;
use crate::order::PaymentMethod;
use crate::text::{MediaUrl, Note, Token};

events! {
    /// Somebody began to pay.
    Created = "payment.created", schema 1;
    /// The gateway is to be asked for something.
    Requested = "payment.requested", schema 1;
    /// The customer must confirm at their bank.
    ActionRequired = "payment.action_required", schema 1;
    /// The money is set aside.
    Authorized = "payment.authorized", schema 1;
    /// Some or all of it was taken.
    Captured = "payment.captured", schema 1;
    /// The authorisation was given back.
    Voided = "payment.voided", schema 1;
    /// The authorisation lapsed.
    Expired = "payment.expired", schema 1;
    /// Some or all of it was given back.
    Refunded = "payment.refunded", schema 1;
    /// It will not be paid this way.
    Failed = "payment.failed", schema 1;
    /// The gateway refused a capture, void or refund.
    RequestFailed = "payment.request_failed", schema 1;
    /// Nobody knows yet whether the gateway did it.
    OutcomeUnknown = "payment.outcome_unknown", schema 1;
    /// The courier is to collect it.
    CollectionDue = "payment.collection_due", schema 1;
    /// The courier collected it.
    Collected = "payment.collected", schema 1;
    /// The courier handed it over.
    Remitted = "payment.remitted", schema 1;
    /// The courier could not collect it.
    Uncollected = "payment.uncollected", schema 1;
}

/// What a gateway can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Set the money aside.
    Authorize,
    /// Take it.
    Capture,
    /// Give the authorisation back.
    Void,
    /// Give money back.
    Refund,
}

/// `payment.created`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// What is paid.
    pub order_id: OrderId,
    /// How.
    pub method: PaymentMethod,
    /// How much.
    pub amount: Money,
    /// The gateway's token for the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
}

/// `payment.requested`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    /// What is paid.
    pub order_id: OrderId,
    /// What the gateway is asked for.
    pub operation: Operation,
    /// How much of it.
    pub amount: Money,
    /// The how manieth request of this payment, from 1. With the payment's id it makes the key
    /// under which the gateway does it once, however often it is asked.
    pub request: u32,
}

/// `payment.action_required`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRequired {
    /// What is paid.
    pub order_id: OrderId,
    /// Where the customer confirms.
    pub url: MediaUrl,
}

/// `payment.authorized`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorized {
    /// What is paid.
    pub order_id: OrderId,
    /// How much is set aside.
    pub amount: Money,
    /// The gateway's name for it.
    pub reference: Token,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// `payment.captured`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// What is paid.
    pub order_id: OrderId,
    /// How much was taken this time.
    pub amount: Money,
}

/// `payment.voided`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voided {
    /// What was to be paid.
    pub order_id: OrderId,
}

/// `payment.expired`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    /// What was to be paid.
    pub order_id: OrderId,
}

/// `payment.refunded`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// What was paid.
    pub order_id: OrderId,
    /// How much was given back this time.
    pub amount: Money,
}

/// `payment.failed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// What was to be paid.
    pub order_id: OrderId,
    /// Why, in the gateway's words or ours.
    pub reason: Note,
}

/// `payment.request_failed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestFailed {
    /// What is paid.
    pub order_id: OrderId,
    /// What the gateway was asked for.
    pub operation: Operation,
    /// Why it refused.
    pub reason: Note,
}

/// `payment.outcome_unknown`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeUnknown {
    /// What is paid.
    pub order_id: OrderId,
    /// What the gateway was asked for.
    pub operation: Operation,
    /// In which request.
    pub request: u32,
}

/// `payment.collection_due`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionDue {
    /// What is paid.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
}

/// `payment.collected`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// What was paid.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
}

/// `payment.remitted`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remitted {
    /// What was paid.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
}

/// `payment.uncollected`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncollected {
    /// What was to be paid.
    pub order_id: OrderId,
}

impl Event {
    /// The order that is paid.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::Created(Created { order_id, .. })
            | Self::Requested(Requested { order_id, .. })
            | Self::ActionRequired(ActionRequired { order_id, .. })
            | Self::Authorized(Authorized { order_id, .. })
            | Self::Captured(Captured { order_id, .. })
            | Self::Voided(Voided { order_id })
            | Self::Expired(Expired { order_id })
            | Self::Refunded(Refunded { order_id, .. })
            | Self::Failed(Failed { order_id, .. })
            | Self::RequestFailed(RequestFailed { order_id, .. })
            | Self::OutcomeUnknown(OutcomeUnknown { order_id, .. })
            | Self::CollectionDue(CollectionDue { order_id, .. })
            | Self::Collected(Collected { order_id, .. })
            | Self::Remitted(Remitted { order_id, .. })
            | Self::Uncollected(Uncollected { order_id }) => *order_id,
        }
    }
}
