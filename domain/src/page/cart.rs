//! A cart as it is shown: with what its lines are today, out of the documents of the products and
//! the stock that have their SKUs. That is put beside the cart's document when it is read, and
//! never folded into it: what others do to a product or its stock is no event of the cart.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cart::document::{self, Status};
use crate::cart::{Obstacle, OnOffer};
use crate::ids::{CartId, CustomerId, GuestId, OrderId, ProductId};
use crate::money::{Currency, Money};
use crate::product::{self, VariantSet};
use crate::refusal::OfferError;
use crate::text::{Label, MediaUrl};

/// A cart, its lines with what they are today while it is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Cart", extend("examples" = [crate::page::example::cart()]))]
pub struct Document {
    id: CartId,
    version: i64,
    position: i64,
    status: Status,
    currency: Currency,
    customer_id: Option<CustomerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_id: Option<GuestId>,
    order_id: Option<OrderId>,
    /// The cart in which it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<CartId>,
    /// What is in it, in the order it was put there.
    pub lines: Vec<Line>,
    units: u64,
    total: Option<Money>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// One SKU in a cart, and what it is today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "CartLineToday")]
pub struct Line {
    /// As it stands in the cart.
    #[serde(flatten)]
    pub line: document::Line,
    /// As the SKU is sold now; none where the cart is no longer open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub today: Option<Today>,
}

/// What a line is today, as far as the read models know, which may be a moment behind: what counts
/// is what checkout says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Today")]
pub struct Today {
    /// The product's first picture.
    pub image: Option<MediaUrl>,
    /// Units that may be sold.
    pub available: i64,
    /// Units that can be had, now or later: some may be promised beyond what is there.
    pub obtainable: i64,
    /// What one costs, if it can be bought.
    pub unit_price: Option<Money>,
    /// What checkout will refuse of it.
    pub problems: Vec<Obstacle>,
}

/// What is known of a line's SKU.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SkuFacts {
    /// The variant, with its product; none if no product has the SKU.
    pub sold: Option<Sold>,
    /// Units that may be sold.
    pub available: i64,
    /// Units that can be had, now or later: some may be promised beyond what is there.
    pub obtainable: i64,
}

/// A variant and its product, as they are read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sold {
    /// The product.
    pub product_id: ProductId,
    /// Whether it is for sale.
    pub status: product::document::Status,
    /// What it is called.
    pub title: Label,
    /// Its first picture.
    pub image: Option<MediaUrl>,
    /// The variant.
    pub variant: VariantSet,
}

impl Document {
    /// The cart, and beside each line what is known of its SKU, in the order of the lines.
    pub fn of(cart: document::Document, known: Vec<SkuFacts>) -> Self {
        let document::Document { id, version, position, status, currency, .. } = cart;
        let document::Document { customer_id, guest_id, order_id, merged_into, .. } = cart;
        let mut known = known.into_iter().map(Some).chain(std::iter::repeat(None));
        let lines = cart.lines.into_iter().map(|line| {
            let known = known.next().flatten().filter(|_| status == Status::Open);
            let today = known.map(|known| today(&line, known, currency));
            Line { line, today }
        });
        Self {
            id,
            version,
            position,
            status,
            currency,
            customer_id,
            guest_id,
            order_id,
            merged_into,
            lines: lines.collect(),
            units: cart.units,
            total: cart.total,
            created_at: cart.created_at,
            updated_at: cart.updated_at,
        }
    }
}

fn today(line: &document::Line, known: SkuFacts, currency: Currency) -> Today {
    let SkuFacts { sold, available, obtainable } = known;
    let image = sold.as_ref().and_then(|sold| sold.image.clone());
    let offer = offer(sold, currency);
    let wanted = line.quantity.get();
    let short = Obstacle::OutOfStock { wanted, available: obtainable };
    let shortage = (obtainable < i64::from(wanted)).then_some(short);
    let problems = line.bare().problem(offer.as_ref()).into_iter().chain(shortage).collect();
    let unit_price = offer.ok().map(|offer| offer.unit_price);
    Today { image, available, obtainable, unit_price, problems }
}

fn offer(sold: Option<Sold>, currency: Currency) -> Result<OnOffer, OfferError> {
    let Sold { product_id, status, title, variant, .. } = sold.ok_or(OfferError::UnknownSku)?;
    if status != product::document::Status::Published {
        return Err(OfferError::NotForSale);
    }
    let unit_price = variant.price(currency).ok_or(OfferError::NotPriced(currency))?;
    let VariantSet { title: variant_title, options, .. } = variant;
    Ok(OnOffer { product_id, title, variant_title, options, unit_price })
}
