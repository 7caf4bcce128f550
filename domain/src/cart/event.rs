//! What can happen to a cart, as stored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{CartId, CustomerId, GuestId, OrderId, ProductId};
use crate::money::{Currency, Money};
use crate::options::Options;
use crate::text::{Label, Quantity, Sku};

events! {
    /// It was opened, empty.
    Created = "cart.created", schema 1;
    /// A guest's became a customer's.
    Assigned = "cart.assigned", schema 1;
    /// A SKU was put in.
    LineAdded = "cart.line_added", schema 1;
    /// A line has another quantity, or was set to what its SKU is sold as and costs by then.
    LineChanged = "cart.line_changed", schema 1;
    /// A SKU was taken out.
    LineRemoved = "cart.line_removed", schema 1;
    /// It became an order.
    CheckedOut = "cart.checked_out", schema 1;
    /// Its order is off, and it is open again with its lines as they were.
    Reopened = "cart.reopened", schema 1;
    /// It was given up.
    Abandoned = "cart.abandoned", schema 1;
    /// What is in it was put into another, which goes on in its place.
    Merged = "cart.merged", schema 1;
}

/// `cart.created`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Created {
    /// What it is priced in.
    pub currency: Currency,
    /// Whose it is, unless a guest's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The guest who opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_id: Option<GuestId>,
}

/// `cart.assigned`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assigned {
    /// Whose it is from now on.
    pub customer_id: CustomerId,
}

/// `cart.line_added`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineAdded {
    /// What.
    pub sku: Sku,
    /// Of which product.
    pub product_id: ProductId,
    /// What the product is called now.
    pub title: Label,
    /// What the variant is called beside that, if it has a name of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_title: Option<Label>,
    /// What sets the variant apart.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// How many.
    pub quantity: Quantity,
    /// What one costs now.
    pub unit_price: Money,
}

/// `cart.line_changed`: the line as it is from now on, all units alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineChanged {
    /// What.
    pub sku: Sku,
    /// Of which product: another one, if the SKU went to it since.
    pub product_id: ProductId,
    /// What the product is called now.
    pub title: Label,
    /// What the variant is called beside that, if it has a name of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_title: Option<Label>,
    /// What sets the variant apart.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// How many.
    pub quantity: Quantity,
    /// What one costs now.
    pub unit_price: Money,
    /// What one cost before, if that was something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price_before: Option<Money>,
}

/// `cart.line_removed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineRemoved {
    /// What.
    pub sku: Sku,
}

/// `cart.checked_out`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckedOut {
    /// The order it became.
    pub order_id: OrderId,
}

/// `cart.reopened`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reopened {
    /// The order it had become. The next checkout makes another.
    pub order_id: OrderId,
}

/// `cart.abandoned`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Abandoned {
    /// Whether it was given up by itself, for nobody had touched it for long.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
}

/// `cart.merged`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Merged {
    /// The other.
    pub into: CartId,
}
