//! Which product a SKU belongs to: the reason why no two products can sell the same one.
//!
//! `free → assigned → free`. Only [`crate::command::product`] speaks to it, in the same append as
//! the product's own events.

use serde::{Deserialize, Serialize};

use crate::ids::ProductId;

events! {
    /// A product took it.
    Assigned = "sku.assigned", schema 1;
    /// Its product gave it up.
    Released = "sku.released", schema 1;
}

/// `sku.assigned`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assigned {
    /// The product that took it.
    pub product_id: ProductId,
}

/// `sku.released`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// The product that gave it up.
    pub product_id: ProductId,
}

/// The owner of a SKU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The product that sells it now.
    pub product_id: Option<ProductId>,
}

impl Assignment {
    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Assigned(assigned) => self.product_id = Some(assigned.product_id),
            Event::Released(_) => self.product_id = None,
        }
    }
}

/// What can be asked of a SKU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Take it for a product.
    Assign(ProductId),
    /// Give it up.
    Release(ProductId),
}

/// Why a SKU refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Error {
    /// Another product sells it.
    #[error("another product sells this SKU")]
    Taken,
}

/// Turns a command into events. Asking for what is already so gives none.
pub fn decide(state: &Assignment, command: Command) -> Result<Vec<Event>, Error> {
    match (command, state.product_id) {
        (Command::Assign(product_id), None) => Ok(vec![Assigned { product_id }.into()]),
        (Command::Assign(product_id), Some(owner)) if owner == product_id => Ok(vec![]),
        (Command::Release(product_id), Some(owner)) if owner == product_id => {
            Ok(vec![Released { product_id }.into()])
        }
        (Command::Assign(_), Some(_)) => Err(Error::Taken),
        (Command::Release(_), _) => Ok(vec![]),
    }
}
