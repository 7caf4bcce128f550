//! What can happen to an order, as stored.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{CartId, CustomerId, FulfilmentId, PaymentId, ProductId};
use crate::money::Money;
use crate::text::{Label, Note, Quantity, Sku};

events! {
    /// A cart became an order; its units are reserved.
    Placed = "order.placed", schema 1;
    /// Somebody began to pay it.
    PaymentStarted = "order.payment_started", schema 1;
    /// It is certain: paid for, or to be paid on delivery.
    Confirmed = "order.confirmed", schema 1;
    /// Some of it is to go out in a parcel.
    FulfilmentPlanned = "order.fulfilment_planned", schema 1;
    /// A parcel reached its end.
    FulfilmentClosed = "order.fulfilment_closed", schema 1;
    /// All of it was delivered.
    Completed = "order.completed", schema 1;
    /// It is off; nothing is reserved for it any more.
    Cancelled = "order.cancelled", schema 1;
}

/// One SKU of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What.
    pub sku: Sku,
    /// Of which product.
    pub product_id: ProductId,
    /// What the product was called.
    pub title: Label,
    /// How many.
    pub quantity: Quantity,
    /// What one costs.
    pub unit_price: Money,
    /// `quantity × unit_price`.
    pub total: Money,
}

/// Units of one SKU in a parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
}

/// How an order is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    /// Through the gateway.
    Card,
    /// In cash, to the courier.
    CashOnDelivery,
}

/// How a parcel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was handed over.
    Delivered,
    /// It was called off before it left.
    Cancelled,
    /// It came back.
    Returned,
}

/// Why an order is off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Somebody asked for it.
    Requested(Note),
    /// The payment was declined.
    PaymentFailed,
    /// Nobody paid in time.
    Expired,
    /// The authorisation was given back.
    PaymentVoided,
    /// The authorisation lapsed before it was captured.
    AuthorizationExpired,
    /// The courier brought everything back.
    Undeliverable,
}

/// `order.placed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The cart it was.
    pub cart_id: CartId,
    /// Whose it is, unless a guest's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// What was bought, each SKU once.
    pub lines: Vec<Line>,
    /// The sum of the lines.
    pub total: Money,
    /// When it is cancelled if it is still unpaid.
    pub reserved_until: DateTime<Utc>,
}

/// `order.payment_started`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentStarted {
    /// The payment.
    pub payment_id: PaymentId,
    /// How.
    pub method: PaymentMethod,
}

/// `order.confirmed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// The payment that made it certain.
    pub payment_id: PaymentId,
    /// What the order is worth.
    pub total: Money,
    /// How many units it has.
    pub units: u64,
}

/// `order.fulfilment_planned`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FulfilmentPlanned {
    /// The parcel.
    pub fulfilment_id: FulfilmentId,
    /// What goes into it.
    pub lines: Vec<Units>,
}

/// `order.fulfilment_closed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FulfilmentClosed {
    /// The parcel.
    pub fulfilment_id: FulfilmentId,
    /// How it ended.
    pub outcome: Outcome,
}

/// `order.completed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {}

/// `order.cancelled`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// Why.
    pub reason: CancelReason,
    /// Whether it had been certain before.
    pub was_confirmed: bool,
    /// What the order was worth.
    pub total: Money,
    /// How many units it had.
    pub units: u64,
}
