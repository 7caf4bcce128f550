//! Which product a SKU belongs to: the reason why no two products can sell the same one.
//!
//! `free → assigned → free`. Only [`crate::command::product`] speaks to it, in the same append as
//! the product's own events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::ProductId;
use crate::text::Sku;

events! {
    /// A product took it.
    Assigned = "sku.assigned", schema 1;
    /// Its product gave it up.
    Released = "sku.released", schema 1;
}

/// `sku.assigned`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assigned {
    /// The product that took it.
    pub product_id: ProductId,
}

/// `sku.released`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Released {
    /// The product that gave it up.
    pub product_id: ProductId,
}

/// Of the shape of [`Assignment`] and of its fold. Raise it with every change of either: snapshots
/// of another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 1;

/// Why it refuses, as [`crate::Refusal`] keeps it.
pub type Refusal = Error;

/// The owner of a SKU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The product that sells it now.
    pub product_id: Option<ProductId>,
    /// The product that sold it last, while none does.
    pub last_product_id: Option<ProductId>,
}

impl Assignment {
    /// How many things it holds beside itself.
    #[allow(clippy::unused_self, reason = "as the others have it")]
    pub fn items(&self) -> usize {
        0
    }

    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Assigned(assigned) => {
                *self = Self { product_id: Some(assigned.product_id), last_product_id: None };
            }
            Event::Released(released) => {
                *self = Self { product_id: None, last_product_id: Some(released.product_id) };
            }
        }
    }
}

refusals! {
    /// Why SKUs refused.
    Error {
        /// Other products have them.
        Taken(TakenSkus) = "sku_taken", Passing, "another product has {0}";
    }
}

/// A SKU that another product has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenSku {
    /// Which.
    pub sku: Sku,
    /// Whose it is.
    pub product_id: ProductId,
}

/// All SKUs that other products have of those that one wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TakenSkus(pub Vec<TakenSku>);

impl std::fmt::Display for TakenSkus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let skus: Vec<&str> = self.0.iter().map(|taken| taken.sku.as_str()).collect();
        f.write_str(if skus.len() == 1 { "SKU " } else { "SKUs " })?;
        f.write_str(&skus.join(", "))
    }
}

impl Assignment {
    /// A product takes it; none if it has it, and the owner if another has it.
    pub fn assign(&self, product_id: ProductId) -> Result<Vec<Event>, ProductId> {
        match self.product_id {
            None => Ok(vec![Assigned { product_id }.into()]),
            Some(owner) if owner == product_id => Ok(vec![]),
            Some(owner) => Err(owner),
        }
    }

    /// Whether another product had it before this one, which has not got it yet.
    pub fn changes_hands(&self, product_id: ProductId) -> bool {
        self.last_product_id.is_some_and(|last| last != product_id)
    }

    /// A product gives it up; none if it has not got it.
    pub fn release(&self, product_id: ProductId) -> Vec<Event> {
        let owns = self.product_id == Some(product_id);
        owns.then(|| Released { product_id }.into()).into_iter().collect()
    }
}
