//! What can happen to a cart, as stored.

use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, OrderId, ProductId};
use crate::money::{Currency, Money};
use crate::text::{Label, Quantity, Sku};

events! {
    /// It was opened, empty.
    Created = "cart.created", schema 1;
    /// A SKU was put in.
    LineAdded = "cart.line_added", schema 1;
    /// A line has another quantity or price.
    LineChanged = "cart.line_changed", schema 1;
    /// A SKU was taken out.
    LineRemoved = "cart.line_removed", schema 1;
    /// It became an order.
    CheckedOut = "cart.checked_out", schema 1;
    /// It was given up.
    Abandoned = "cart.abandoned", schema 1;
}

/// `cart.created`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// What it is priced in.
    pub currency: Currency,
    /// Whose it is, unless a guest's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
}

/// `cart.line_added`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineAdded {
    /// What.
    pub sku: Sku,
    /// Of which product.
    pub product_id: ProductId,
    /// What the product is called now.
    pub title: Label,
    /// How many.
    pub quantity: Quantity,
    /// What one costs now.
    pub unit_price: Money,
}

/// `cart.line_changed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineChanged {
    /// What.
    pub sku: Sku,
    /// How many from now on.
    pub quantity: Quantity,
    /// What one costs now.
    pub unit_price: Money,
}

/// `cart.line_removed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRemoved {
    /// What.
    pub sku: Sku,
}

/// `cart.checked_out`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedOut {
    /// The order it became.
    pub order_id: OrderId,
}

/// `cart.abandoned`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abandoned {}
