//! Why a command was refused, under a code that never changes.
//!
//! Of every aggregate they stand with its rules; here is what they have in common, and those of
//! several aggregates together. What they mean in HTTP is command-api's business.

use serde::{Deserialize, Serialize};

use crate::cart::obstacle::Obstacle;
use crate::money::Currency;
use crate::text::Sku;

/// What sort of refusal it is. The name of a sort that is not known, because another program kept
/// it, is read as a conflict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", from = "String")]
pub enum Kind {
    /// What the command speaks of does not exist.
    NotFound,
    /// The same, but it has a name that people give, and somebody may be about to: not kept, as
    /// what is [`Self::Passing`].
    Unknown,
    /// The state of things does not allow it, and will not.
    #[default]
    Conflict,
    /// The same, but that may stop holding, by whatever else is done: a gateway answers, goods come
    /// in, a line is put into the cart. It is not kept: the next try under the key is decided anew.
    Passing,
    /// It would never be allowed.
    Invalid,
    /// The caller's precondition does not hold.
    Precondition,
}

impl Kind {
    /// Whether it may stop holding.
    pub fn passes(self) -> bool {
        matches!(self, Self::Unknown | Self::Passing)
    }
}

impl From<String> for Kind {
    fn from(name: String) -> Self {
        match name.as_str() {
            "not_found" => Self::NotFound,
            "unknown" => Self::Unknown,
            "passing" => Self::Passing,
            "invalid" => Self::Invalid,
            "precondition" => Self::Precondition,
            _ => Self::Conflict,
        }
    }
}

/// A refusal with its code, which [`refusals!`] makes.
pub(crate) trait Coded {
    /// The stable code and the sort of refusal.
    fn code(&self) -> (&'static str, Kind);
}

/// A refusal that speaks of one of several SKUs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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

/// All that a refusal speaks of, so that its caller need not ask again for each. Never none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct All<T>(pub Vec<T>);

impl<T: std::fmt::Display> std::fmt::Display for All<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, one) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("; ")?;
            }
            one.fmt(f)?;
        }
        Ok(())
    }
}

impl<T: std::fmt::Debug + std::fmt::Display> std::error::Error for All<T> {}

/// The code of the first that does not pass by itself, or of the first.
impl<T: Coded> Coded for All<T> {
    fn code(&self) -> (&'static str, Kind) {
        let mut codes = self.0.iter().map(Coded::code);
        let stands = codes.clone().find(|(_, kind)| !kind.passes());
        stands.or_else(|| codes.next()).unwrap_or(("refused", Kind::Conflict))
    }
}

refusals! {
    /// Why a SKU cannot be bought.
    OfferError {
        /// No product sells it.
        UnknownSku = "unknown_sku", Unknown, "no product has this SKU";
        /// Its product is a draft or archived.
        NotForSale = "not_for_sale", Passing, "the product is not for sale";
        /// It has no price in the cart's currency.
        NotPriced(Currency) = "not_priced_in_currency", Passing, "it is not sold in {0}";
    }
}

refusals! {
    /// Why a checkout was refused.
    CheckoutError {
        /// Some lines cannot be bought as they stand: all of them, each with all that is wrong.
        /// More may arrive, and a line may be set again.
        Refused(Vec<RefusedLine>) = "checkout_refused", Passing,
            "some lines cannot be bought as they stand in the cart";
    }
}

/// A stream that has moved on since the caller read what was made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MovedStream {
    /// Its name.
    pub stream: String,
    /// The version it had then.
    pub expected: i64,
    /// The version it has.
    pub actual: i64,
}

/// A line that cannot be bought as it stands, and one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedLine {
    /// The position of the line in the cart, from 0.
    pub line: usize,
    /// What.
    pub sku: Sku,
    /// Why.
    #[serde(flatten)]
    pub problem: Obstacle,
}
