//! Why a command was refused, under a code that never changes.
//!
//! Of every aggregate they stand with its rules; here is what they have in common, and those of
//! several aggregates together. What they mean in HTTP is command-api's business.

use serde::{Deserialize, Serialize};

use crate::cart::Obstacle;
use crate::money::Currency;
use crate::text::Sku;

/// What sort of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What the command speaks of does not exist.
    NotFound,
    /// The state of things does not allow it now.
    Conflict,
    /// It would never be allowed.
    Invalid,
    /// The caller's precondition does not hold.
    Precondition,
}

/// A refusal with its code, which [`refusals!`] makes.
pub(crate) trait Coded {
    /// The stable code and the sort of refusal.
    fn code(&self) -> (&'static str, Kind);
}

/// A refusal that speaks of one of several SKUs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("SKU {sku}: {error}")]
pub struct OfSku<E: std::fmt::Display> {
    /// Which.
    pub sku: Sku,
    /// Why.
    pub error: E,
}

impl<E: Coded + std::fmt::Display> Coded for OfSku<E> {
    fn code(&self) -> (&'static str, Kind) {
        self.error.code()
    }
}

refusals! {
    /// Why a SKU cannot be bought.
    OfferError {
        /// No product sells it.
        UnknownSku = "unknown_sku", NotFound, "no product has this SKU";
        /// Its product is a draft or archived.
        NotForSale = "not_for_sale", Conflict, "the product is not for sale";
        /// It has no price in the cart's currency.
        NotPriced(Currency) = "not_priced_in_currency", Conflict, "it is not sold in {0}";
    }
}

refusals! {
    /// Why a checkout was refused.
    CheckoutError {
        /// Some lines cannot be bought as they stand: all of them, each with all that is wrong.
        Refused(Vec<RefusedLine>) = "checkout_refused", Conflict,
            "some lines cannot be bought as they stand in the cart";
    }
}

/// A line that cannot be bought as it stands, and one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedLine {
    /// The position of the line in the cart, from 0.
    pub line: usize,
    /// What.
    pub sku: Sku,
    /// Why.
    #[serde(flatten)]
    pub problem: Obstacle,
}
