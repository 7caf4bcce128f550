//! A cart: what somebody means to buy, at the prices they were shown.
//!
//! `open → checked_out | abandoned | merged`; `checked_out → open`, once its order is off.

pub mod document;
mod event;
pub(crate) mod obstacle;
mod offer;
mod rules;

pub use event::{
    Abandoned, Assigned, CheckedOut, Created, Event, LineAdded, LineChanged, LineRemoved, Merged,
    Reopened,
};
pub use obstacle::Obstacle;
pub use offer::OnOffer;
pub use rules::{Error, Misfit};

use serde::{Deserialize, Serialize};

use crate::ids::{OrderId, ProductId};
use crate::money::{Currency, Money};
use crate::options::Options;
use crate::owner::Owner;
use crate::text::{Label, Quantity, Sku};

/// Lines a cart may have.
pub const LINES_MAX: usize = 200;

/// Where a cart stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Never created.
    #[default]
    Unborn,
    /// Being filled.
    Open,
    /// Became an order.
    CheckedOut,
    /// Given up.
    Abandoned,
    /// Goes on as a part of another.
    Merged,
}

/// One SKU in a cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What.
    pub sku: Sku,
    /// Of which product.
    pub product_id: ProductId,
    /// What the product was called when the line was last set.
    pub title: Label,
    /// What the variant was called beside that, if it had a name of its own.
    #[serde(default)]
    pub variant_title: Option<Label>,
    /// What set the variant apart then.
    pub options: Options,
    /// How many.
    pub quantity: Quantity,
    /// What one cost when the line was last set.
    pub unit_price: Money,
}

/// Of the shape of [`Cart`] and of its fold. Raise it with every change of either: snapshots of
/// another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 5;

/// Why it refuses, as [`crate::Refusal`] keeps it.
pub type Refusal = Error;

/// A cart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// Where it stands in its life.
    pub status: Status,
    /// What it is priced in, once it exists.
    pub currency: Option<Currency>,
    /// Whose it is.
    pub owner: Owner,
    /// What is in it, in the order it was put there.
    pub lines: Vec<Line>,
    /// The order it became; none while it is open.
    pub order_id: Option<OrderId>,
}

impl Cart {
    /// How many things it holds beside itself.
    pub fn items(&self) -> usize {
        self.lines.iter().map(|line| 1 + line.options.as_slice().len()).sum()
    }

    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Created(created) => {
                self.status = Status::Open;
                self.currency = Some(created.currency);
                let Created { customer_id, guest_id, .. } = *created;
                self.owner = Owner { customer_id, guest_id };
            }
            Event::Assigned(assigned) => self.owner = Owner::customer(assigned.customer_id),
            Event::LineAdded(added) => self.lines.push(Line {
                sku: added.sku.clone(),
                product_id: added.product_id,
                title: added.title.clone(),
                variant_title: added.variant_title.clone(),
                options: added.options.clone(),
                quantity: added.quantity,
                unit_price: added.unit_price,
            }),
            Event::LineChanged(changed) => {
                if let Some(line) = self.lines.iter_mut().find(|line| line.sku == changed.sku) {
                    line.product_id = changed.product_id;
                    line.title.clone_from(&changed.title);
                    line.variant_title.clone_from(&changed.variant_title);
                    line.options.clone_from(&changed.options);
                    line.quantity = changed.quantity;
                    line.unit_price = changed.unit_price;
                }
            }
            Event::LineRemoved(removed) => self.lines.retain(|line| line.sku != removed.sku),
            Event::CheckedOut(checked_out) => {
                self.status = Status::CheckedOut;
                self.order_id = Some(checked_out.order_id);
            }
            Event::Reopened(_) => {
                self.status = Status::Open;
                self.order_id = None;
            }
            Event::Abandoned(_) => self.status = Status::Abandoned,
            Event::Merged(_) => self.status = Status::Merged,
        }
    }

    /// The line of a SKU.
    pub fn line(&self, sku: &Sku) -> Option<&Line> {
        self.lines.iter().find(|line| line.sku == *sku)
    }
}
