//! The document of a cart.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Event;
use crate::StreamId;
use crate::cart;
use crate::ids::{CartId, CustomerId, GuestId, OrderId, ProductId};
use crate::money::{Currency, Money};
use crate::options::Options;
use crate::seen::{Seen, stamp};
use crate::text::{Label, Quantity, Sku};

/// Where a cart stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CartStatus")]
#[serde(rename_all = "snake_case")]
pub enum Status {
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CartLine")]
pub struct Line {
    /// What.
    pub sku: Sku,
    /// Of which product.
    pub product_id: ProductId,
    /// What the product was called when the line was last set.
    pub title: Label,
    /// What the variant was called beside that, if it had a name of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_title: Option<Label>,
    /// What set the variant apart then.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// How many.
    pub quantity: Quantity,
    /// What one cost when the line was last set.
    pub unit_price: Money,
    /// What one cost before that, if it was something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price_before: Option<Money>,
    /// `quantity × unit_price`; nothing if that is more than an order may cost.
    pub total: Option<Money>,
}

impl Line {
    /// The line as decisions see it.
    pub(crate) fn bare(&self) -> cart::Line {
        let Self { sku, product_id, title, variant_title, options, .. } = self.clone();
        let Self { quantity, unit_price, .. } = *self;
        cart::Line { sku, product_id, title, variant_title, options, quantity, unit_price }
    }
}

/// A cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PastCart", extend("examples" = [crate::page::example::past_cart()]))]
pub struct Document {
    /// Its id.
    pub id: CartId,
    /// The version of its stream.
    pub version: i64,
    /// The position of the last event in it.
    pub position: i64,
    /// Where it stands in its life.
    pub status: Status,
    /// What it is priced in.
    pub currency: Currency,
    /// Whose it is, unless a guest's.
    pub customer_id: Option<CustomerId>,
    /// The guest whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_id: Option<GuestId>,
    /// The order it became; none while it is open.
    pub order_id: Option<OrderId>,
    /// The cart in which it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<CartId>,
    /// What is in it, in the order it was put there.
    pub lines: Vec<Line>,
    /// Units of all lines.
    pub units: u64,
    /// The sum of the lines; nothing if that is more than an order may cost.
    pub total: Option<Money>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The document after an event.
pub fn fold(document: Option<Document>, seen: &Seen) -> Option<Document> {
    let (Event::Cart(event), StreamId::Cart(id)) = (seen.event, seen.stream) else {
        return document;
    };
    if let cart::Event::Created(created) = event {
        return document.or_else(|| Some(create(*id, created, seen)));
    }
    let mut document = document?;
    if document.id == *id {
        document.apply(event);
        stamp!(document, seen);
    }
    Some(document)
}

fn create(id: CartId, created: &cart::Created, seen: &Seen) -> Document {
    Document {
        id,
        version: seen.version,
        position: seen.position,
        status: Status::Open,
        currency: created.currency,
        customer_id: created.customer_id,
        guest_id: created.guest_id,
        order_id: None,
        merged_into: None,
        lines: vec![],
        units: 0,
        total: Some(Money::zero(created.currency)),
        created_at: seen.occurred_at,
        updated_at: seen.occurred_at,
    }
}

impl Document {
    fn apply(&mut self, event: &cart::Event) {
        match event {
            cart::Event::Created(_) => {}
            cart::Event::Assigned(assigned) => {
                self.customer_id = Some(assigned.customer_id);
                self.guest_id = None;
            }
            cart::Event::LineAdded(added) => self.lines.push(Line {
                sku: added.sku.clone(),
                product_id: added.product_id,
                title: added.title.clone(),
                variant_title: added.variant_title.clone(),
                options: added.options.clone(),
                quantity: added.quantity,
                unit_price: added.unit_price,
                unit_price_before: None,
                total: added.unit_price.times(added.quantity.get()),
            }),
            cart::Event::LineChanged(changed) => {
                if let Some(line) = self.lines.iter_mut().find(|line| line.sku == changed.sku) {
                    line.product_id = changed.product_id;
                    line.title.clone_from(&changed.title);
                    line.variant_title.clone_from(&changed.variant_title);
                    line.options.clone_from(&changed.options);
                    line.quantity = changed.quantity;
                    line.unit_price = changed.unit_price;
                    line.unit_price_before = changed.unit_price_before;
                    line.total = changed.unit_price.times(changed.quantity.get());
                }
            }
            cart::Event::LineRemoved(removed) => self.lines.retain(|line| line.sku != removed.sku),
            cart::Event::CheckedOut(checked_out) => {
                self.status = Status::CheckedOut;
                self.order_id = Some(checked_out.order_id);
            }
            cart::Event::Reopened(_) => {
                self.status = Status::Open;
                self.order_id = None;
            }
            cart::Event::Abandoned(_) => self.status = Status::Abandoned,
            cart::Event::Merged(merged) => {
                self.status = Status::Merged;
                self.merged_into = Some(merged.into);
            }
        }
        self.units = self.lines.iter().map(|line| u64::from(line.quantity.get())).sum();
        let zero = Money::zero(self.currency);
        self.total = self.lines.iter().try_fold(zero, |sum, line| sum.plus(line.total?));
    }
}
