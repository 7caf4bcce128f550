//! What can happen to an order, as stored.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{
    AddressId, CartId, CustomerId, FulfilmentId, GuestId, PaymentId, ProductId, ReturnId,
};
use crate::money::Money;
use crate::options::Options;
use crate::order::returning::ReturnCorrected;
use crate::text::{Label, Note, Quantity, Sku};

events! {
    /// A cart became an order, its units reserved; or one of another shop's books was recorded.
    Placed = "order.placed", schema 1;
    /// A guest's became a customer's.
    Assigned = "order.assigned", schema 1;
    /// Somebody began to pay it.
    PaymentStarted = "order.payment_started", schema 1;
    /// That payment came to nothing.
    PaymentEnded = "order.payment_ended", schema 1;
    /// Its units stay reserved for longer, because the shopper is at their bank.
    HoldProlonged = "order.hold_prolonged", schema 1;
    /// It is certain: paid for, to be paid on delivery, or free.
    Confirmed = "order.confirmed", schema 1;
    /// What stood for its money ended before anything of it left.
    Unsecured = "order.unsecured", schema 1;
    /// Another payment stands for its money.
    Secured = "order.secured", schema 1;
    /// It goes to another address.
    AddressChanged = "order.address_changed", schema 1;
    /// Some of it is to go out in a parcel.
    FulfilmentPlanned = "order.fulfilment_planned", schema 1;
    /// A parcel left.
    FulfilmentShipped = "order.fulfilment_shipped", schema 1;
    /// A parcel reached its end.
    FulfilmentClosed = "order.fulfilment_closed", schema 1;
    /// Some of what is in a parcel was handed over.
    UnitsDelivered = "order.units_delivered", schema 1;
    /// A parcel that was told to be handed over was not.
    DeliveryCorrected = "order.delivery_corrected", schema 1;
    /// Units will not come.
    UnitsCancelled = "order.units_cancelled", schema 1;
    /// Delivered units are to come back.
    ReturnOpened = "order.return_opened", schema 1;
    /// Delivered units came back.
    UnitsReturned = "order.units_returned", schema 1;
    /// Other units came back than was told, or another part of their price is withheld.
    ReturnCorrected = "order.return_corrected", schema 1;
    /// What was to come back and did not stays with the customer.
    ReturnClosed = "order.return_closed", schema 1;
    /// Every unit was delivered or is off.
    Completed = "order.completed", schema 1;
    /// It is off; nothing is reserved for it any more.
    Cancelled = "order.cancelled", schema 1;
    /// It had expired, and was paid after all.
    Reinstated = "order.reinstated", schema 1;
    /// More was taken for it than all of it was sold for, as by two payments: that goes back.
    Overpaid = "order.overpaid", schema 1;
    /// Some of that was never taken: it had been told by mistake.
    OverpaidCorrected = "order.overpaid_corrected", schema 1;
    /// Somebody who works here wrote something about it.
    NoteAdded = "order.note_added", schema 1;
}

/// One SKU of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PlacedLine")]
pub struct Line {
    /// What.
    pub sku: Sku,
    /// Of which product.
    pub product_id: ProductId,
    /// What the product was called.
    pub title: Label,
    /// What the variant was called beside that, if it had a name of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_title: Option<Label>,
    /// What set the variant apart.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// How many.
    pub quantity: Quantity,
    /// What one costs.
    pub unit_price: Money,
    /// `quantity × unit_price`; of a recorded order what all of them cost, so the price is rounded.
    pub total: Money,
}

/// Units of one SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
}

/// How an order is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    /// By card, through a gateway.
    Card,
    /// By `PayPal`.
    Paypal,
    /// In cash, to the courier.
    CashOnDelivery,
    /// Outside of the shop's gateways: by invoice, by bank transfer, or before an order was
    /// recorded here.
    External,
}

/// How a parcel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParcelOutcome {
    /// It was handed over.
    Delivered,
    /// It was called off before it left.
    Cancelled,
    /// It came back without having been handed over.
    Returned,
    /// Nobody knows where it is.
    Lost,
}

/// Why an order is off: a word in `reason`, and in `note` what somebody said, as the document has
/// both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reason", content = "note", rename_all = "snake_case")]
pub enum CancelReason {
    /// Somebody asked for it, in these words.
    Requested(Note),
    /// Nobody paid in time.
    Expired,
    /// Nothing of it could be delivered.
    Undeliverable,
}

/// `order.placed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Placed {
    /// The cart it was; none if it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cart_id: Option<CartId>,
    /// Whose it is, unless a guest's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The guest whose cart it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_id: Option<GuestId>,
    /// Where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_id: Option<AddressId>,
    /// What was bought, each SKU once.
    pub lines: Vec<Line>,
    /// The sum of the lines.
    pub total: Money,
    /// When it is cancelled if it is still unpaid, unless it was recorded.
    pub reserved_until: DateTime<Utc>,
    /// Whether it was sold before it came to this log: nothing was reserved for it here, and it
    /// does not expire.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recorded: bool,
}

/// `order.assigned`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assigned {
    /// Whose it is from now on, and its payments with it.
    pub customer_id: CustomerId,
}

/// `order.payment_started`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentStarted {
    /// The payment.
    pub payment_id: PaymentId,
    /// How.
    pub method: PaymentMethod,
}

/// `order.payment_ended`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentEnded {
    /// The payment. Another may be begun.
    pub payment_id: PaymentId,
}

/// `order.unsecured`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unsecured {
    /// The payment that stood for it last.
    pub payment_id: PaymentId,
    /// When it is cancelled if it is not paid otherwise.
    pub reserved_until: DateTime<Utc>,
}

/// `order.secured`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Secured {
    /// The payment; none where less is owed by now than was taken before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
}

/// `order.hold_prolonged`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HoldProlonged {
    /// When it is cancelled now if it is still unpaid.
    pub reserved_until: DateTime<Utc>,
}

/// `order.confirmed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Confirmed {
    /// The payment that made it certain; none for an order that costs nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
    /// What is owed for it.
    pub total: Money,
    /// How many units it has.
    pub units: u64,
    /// What was taken before, and told as beyond what it was sold for: it pays for it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepaid: Option<Money>,
}

/// `order.address_changed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddressChanged {
    /// Where it goes now.
    pub address_id: AddressId,
}

/// `order.fulfilment_planned`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FulfilmentPlanned {
    /// The parcel.
    pub fulfilment_id: FulfilmentId,
    /// What goes into it.
    pub lines: Vec<Units>,
}

/// `order.fulfilment_shipped`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FulfilmentShipped {
    /// The parcel.
    pub fulfilment_id: FulfilmentId,
    /// What is in it.
    pub lines: Vec<Units>,
}

/// `order.fulfilment_closed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FulfilmentClosed {
    /// The parcel.
    pub fulfilment_id: FulfilmentId,
    /// How it ended.
    pub outcome: ParcelOutcome,
    /// What was in it.
    pub lines: Vec<Units>,
    /// What of that came back and is to be sent in another: it is owed as before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<Units>,
    /// How much less is owed, because its units came back or were lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Whether it had been lost, or told to have come back, and its units were off for that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
    /// How much more is owed, because it was found and handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regained: Option<Money>,
}

/// `order.units_delivered`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnitsDelivered {
    /// The parcel, whose other units are still on their way, or off.
    pub fulfilment_id: FulfilmentId,
    /// What was handed over of it.
    pub lines: Vec<Units>,
    /// Whether the parcel had been lost, and its units were off for that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
    /// How much more is owed, because they were found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regained: Option<Money>,
}

/// `order.delivery_corrected`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryCorrected {
    /// The parcel. If the order was completed, it is not any more.
    pub fulfilment_id: FulfilmentId,
    /// All that is in it: it is on its way.
    pub lines: Vec<Units>,
}

/// `order.units_cancelled`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnitsCancelled {
    /// What will not come.
    pub lines: Vec<Units>,
    /// Why.
    pub reason: Note,
    /// How much less is owed.
    pub amount: Money,
    /// Whether the order was certain before.
    pub was_confirmed: bool,
}

/// `order.return_opened`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReturnOpened {
    /// The return.
    pub return_id: ReturnId,
    /// What is to come back.
    pub lines: Vec<Units>,
}

/// `order.units_returned`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnitsReturned {
    /// The return.
    pub return_id: ReturnId,
    /// What came back, in whatever condition.
    pub lines: Vec<Units>,
    /// How much less is owed.
    pub amount: Money,
    /// What of their price stays owed, because they were worth less when they came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Money>,
}

/// `order.return_closed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReturnClosed {
    /// The return.
    pub return_id: ReturnId,
    /// What did not come back.
    pub lines: Vec<Units>,
}

/// `order.completed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Completed {}

/// `order.cancelled`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cancelled {
    /// Why.
    #[serde(flatten)]
    pub reason: CancelReason,
    /// Whether it had been certain before.
    pub was_confirmed: bool,
    /// What was owed for it.
    pub total: Money,
    /// How many units it had.
    pub units: u64,
}

/// `order.reinstated`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reinstated {}

/// `order.overpaid`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Overpaid {
    /// What was paid last.
    pub payment_id: PaymentId,
    /// How much of it is beyond what all of the order was sold for.
    pub amount: Money,
}

/// `order.overpaid_corrected`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OverpaidCorrected {
    /// Of which less was taken than had been told.
    pub payment_id: PaymentId,
    /// By how much less the order is overpaid.
    pub amount: Money,
}

/// `order.note_added`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NoteAdded {
    /// What they wrote, for those who work here alone.
    pub note: Note,
}
