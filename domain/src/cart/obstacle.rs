//! What keeps a line of a cart from being bought: said alike by checkout, which refuses it, and by
//! what readers see of the cart before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};

/// What keeps a line from being bought as it stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Obstacle {
    /// No product has the SKU any more.
    #[error("no product has this SKU any more")]
    UnknownSku,
    /// The product it was put in from does not sell it any more.
    #[error("the product it was put in from does not sell it any more")]
    NotForSale,
    /// It has no price in the cart's currency any more.
    #[error("it is not sold in {currency} any more")]
    NotPricedInCurrency {
        /// The cart's.
        currency: Currency,
    },
    /// It costs more than the shopper saw.
    #[error("one costs {now}, {seen} when it was put in: setting its quantity again accepts that")]
    PriceChanged {
        /// What the shopper saw.
        seen: Money,
        /// What it costs now.
        now: Money,
    },
    /// Fewer units are left than the line holds.
    #[error("{wanted} wanted, {available} available")]
    OutOfStock {
        /// Units wanted.
        wanted: u32,
        /// Units left.
        available: i64,
    },
}

impl Obstacle {
    /// The stable code, as it is serialised.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownSku => "unknown_sku",
            Self::NotForSale => "not_for_sale",
            Self::NotPricedInCurrency { .. } => "not_priced_in_currency",
            Self::PriceChanged { .. } => "price_changed",
            Self::OutOfStock { .. } => "out_of_stock",
        }
    }
}
