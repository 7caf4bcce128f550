//! What can happen to a payment, as stored. Every event names its order, because an order and its
//! payments are read together. The payloads of those of cash are in `cash`, those of what was told
//! wrongly in `correcting`.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cash::{Collected, CollectionDue, Remitted, Uncollected};
use super::correcting::{CollectionCorrected, RefundCorrected, RemittanceCorrected};
use crate::ids::{CustomerId, GuestId, OrderId};
use crate::money::Money;
use crate::order::PaymentMethod;
use crate::text::{GatewayName, MediaUrl, Note, Token};

events! {
    /// Somebody began to pay.
    Created = "payment.created", schema 1;
    /// Its order, a guest's, became a customer's.
    Assigned = "payment.assigned", schema 1;
    /// The gateway is to be asked for something.
    Requested = "payment.requested", schema 1;
    /// The customer must confirm at their bank.
    ActionRequired = "payment.action_required", schema 1;
    /// The money is set aside.
    Authorized = "payment.authorized", schema 1;
    /// Some or all of it was taken.
    Captured = "payment.captured", schema 1;
    /// What was set aside and not taken is free again.
    Voided = "payment.voided", schema 1;
    /// The authorisation lapsed.
    Expired = "payment.expired", schema 1;
    /// Some or all of it was given back.
    Refunded = "payment.refunded", schema 1;
    /// It was not what was told that was given back by hand.
    RefundCorrected = "payment.refund_corrected", schema 1;
    /// It will not be paid this way.
    Failed = "payment.failed", schema 1;
    /// The gateway refused a capture, void or refund.
    RequestFailed = "payment.request_failed", schema 1;
    /// Nobody knows yet whether the gateway did it.
    OutcomeUnknown = "payment.outcome_unknown", schema 1;
    /// A person found out what no machine could.
    Resolved = "payment.resolved", schema 1;
    /// Something was done with it in the gateway's own dashboard.
    Reported = "payment.reported", schema 1;
    /// The customer disputes it at their bank.
    Disputed = "payment.disputed", schema 1;
    /// What had gone back is here again after all.
    Restored = "payment.restored", schema 1;
    /// The courier is to collect it.
    CollectionDue = "payment.collection_due", schema 1;
    /// The courier collected some or all of it.
    Collected = "payment.collected", schema 1;
    /// It was not what was told that the courier collected.
    CollectionCorrected = "payment.collection_corrected", schema 1;
    /// The courier handed it over, or what is not is waited for no more.
    Remitted = "payment.remitted", schema 1;
    /// It was not what was told that the courier handed over, or will not.
    RemittanceCorrected = "payment.remittance_corrected", schema 1;
    /// Nothing more of it is collected.
    Uncollected = "payment.uncollected", schema 1;
}

/// What a gateway can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "GatewayOperation")]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Set the money aside; of a payment that the gateway knows already, go on with that.
    Authorize,
    /// Take it.
    Capture,
    /// Let go what is set aside and not taken.
    Void,
    /// Give money back.
    Refund,
}

/// When the money is taken that was set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapturePolicy {
    /// As soon as it is set aside.
    AtOnce,
    /// When goods leave, as much as they cost.
    #[default]
    AtShipment,
    /// When somebody says so.
    ByHand,
}

/// How far a dispute has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStage {
    /// The bank asks.
    Opened,
    /// The money stays.
    Won,
    /// The bank took the money back.
    Lost,
}

/// What had gone back, and came again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Restoration {
    /// A refund that was done failed afterwards: the customer's bank did not take it.
    Refund,
    /// A dispute that was lost was won in the end.
    Dispute,
}

/// `payment.created`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Created {
    /// What is paid.
    pub order_id: OrderId,
    /// Whose order that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The guest whose order that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_id: Option<GuestId>,
    /// How.
    pub method: PaymentMethod,
    /// Through which gateway; none for cash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayName>,
    /// How much.
    pub amount: Money,
    /// When it is taken.
    #[serde(default)]
    pub capture: CapturePolicy,
    /// Whether the gateway takes money once and lets go of the rest with that.
    #[serde(default)]
    pub once: bool,
    /// The gateway's token for the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// Where the customer comes back to from their bank.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<MediaUrl>,
}

/// `payment.assigned`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assigned {
    /// Its order.
    pub order_id: OrderId,
    /// Whose that is from now on.
    pub customer_id: CustomerId,
}

/// `payment.requested`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requested {
    /// What is paid.
    pub order_id: OrderId,
    /// What the gateway is asked for.
    pub operation: Operation,
    /// How much of it.
    pub amount: Money,
    /// The number of the request of this payment, from 1. With the payment's id it makes the key
    /// under which the gateway does it once, however often it is asked.
    pub request: u32,
    /// Why, of a refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Note>,
}

/// `payment.action_required`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActionRequired {
    /// What is paid.
    pub order_id: OrderId,
    /// The request that this answers.
    pub request: u32,
    /// The gateway's name for what it has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Token>,
    /// Where the customer confirms, without what lets them in there where that can be sealed.
    pub url: MediaUrl,
}

/// `payment.authorized`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Authorized {
    /// What is paid.
    pub order_id: OrderId,
    /// The request that this answers; none if the gateway told it without being asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<u32>,
    /// How much is set aside.
    pub amount: Money,
    /// The gateway's name for it.
    pub reference: Token,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// `payment.captured`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Captured {
    /// What is paid.
    pub order_id: OrderId,
    /// The request that this answers.
    pub request: u32,
    /// How much was taken this time.
    pub amount: Money,
    /// The gateway's name for the capture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Token>,
    /// What the gateway keeps for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee: Option<Money>,
    /// Whether nothing more can be taken.
    #[serde(default)]
    pub last: bool,
}

/// `payment.voided`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Voided {
    /// What was to be paid.
    pub order_id: OrderId,
    /// The request that this answers; none if nobody here asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<u32>,
}

/// `payment.expired`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Expired {
    /// What was to be paid.
    pub order_id: OrderId,
}

/// `payment.refunded`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refunded {
    /// What was paid.
    pub order_id: OrderId,
    /// The request that this answers; none for cash paid out by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<u32>,
    /// How much was given back this time.
    pub amount: Money,
    /// The gateway's name for the refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Token>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Note>,
}

/// `payment.failed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failed {
    /// What was to be paid.
    pub order_id: OrderId,
    /// Why, in the gateway's words or ours.
    pub reason: Note,
}

/// `payment.request_failed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestFailed {
    /// What is paid.
    pub order_id: OrderId,
    /// What the gateway was asked for.
    pub operation: Operation,
    /// In which request.
    pub request: u32,
    /// Why it refused.
    pub reason: Note,
}

/// `payment.outcome_unknown`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeUnknown {
    /// What is paid.
    pub order_id: OrderId,
    /// What the gateway was asked for.
    pub operation: Operation,
    /// In which request.
    pub request: u32,
}

/// `payment.resolved`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Resolved {
    /// What is paid.
    pub order_id: OrderId,
    /// Which request; the event after this one says what came of it.
    pub request: u32,
    /// Who says so, and how they know.
    pub note: Note,
}

/// `payment.reported`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reported {
    /// What is paid.
    pub order_id: OrderId,
    /// What was done: a capture or a refund.
    pub operation: Operation,
    /// How much of it.
    pub amount: Money,
    /// The gateway's name for it, by which it is known if it is told again.
    pub reference: Token,
}

/// `payment.disputed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Disputed {
    /// What was paid.
    pub order_id: OrderId,
    /// The gateway's name for the dispute.
    pub reference: Token,
    /// How much is disputed.
    pub amount: Money,
    /// How far it has come.
    pub stage: DisputeStage,
}

/// `payment.restored`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Restored {
    /// What was paid.
    pub order_id: OrderId,
    /// What had taken it.
    pub what: Restoration,
    /// How much.
    pub amount: Money,
    /// The gateway's name for the refund or the dispute.
    pub reference: Token,
    /// Why, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Note>,
}

impl Refunded {
    /// Whether no gateway was asked for it.
    pub fn is_by_hand(&self) -> bool {
        self.request.is_none()
    }
}

impl Event {
    /// The order that is paid.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::Created(Created { order_id, .. })
            | Self::Assigned(Assigned { order_id, .. })
            | Self::Requested(Requested { order_id, .. })
            | Self::ActionRequired(ActionRequired { order_id, .. })
            | Self::Authorized(Authorized { order_id, .. })
            | Self::Captured(Captured { order_id, .. })
            | Self::Voided(Voided { order_id, .. })
            | Self::Expired(Expired { order_id })
            | Self::Refunded(Refunded { order_id, .. })
            | Self::RefundCorrected(RefundCorrected { order_id, .. })
            | Self::Failed(Failed { order_id, .. })
            | Self::RequestFailed(RequestFailed { order_id, .. })
            | Self::OutcomeUnknown(OutcomeUnknown { order_id, .. })
            | Self::Resolved(Resolved { order_id, .. })
            | Self::Reported(Reported { order_id, .. })
            | Self::Disputed(Disputed { order_id, .. })
            | Self::Restored(Restored { order_id, .. })
            | Self::CollectionDue(CollectionDue { order_id, .. })
            | Self::Collected(Collected { order_id, .. })
            | Self::CollectionCorrected(CollectionCorrected { order_id, .. })
            | Self::Remitted(Remitted { order_id, .. })
            | Self::RemittanceCorrected(RemittanceCorrected { order_id, .. })
            | Self::Uncollected(Uncollected { order_id, .. }) => *order_id,
        }
    }
}
