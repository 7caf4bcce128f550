//! What a SKU is sold as, and for how much: the only source of prices.

use super::Stop;
use crate::ids::ProductId;
use crate::money::{Currency, Money};
use crate::product::Status;
use crate::refusal::{OfSku, OfferError};
use crate::state::Streams;
use crate::text::{Label, Sku};

/// A SKU on offer.
pub(super) struct Offer {
    pub product_id: ProductId,
    pub title: Label,
    pub unit_price: Money,
}

/// The product that sells `sku`.
pub(super) fn owner(streams: Streams, sku: &Sku) -> Result<ProductId, Stop> {
    streams.sku(sku)?.product_id.ok_or_else(|| refuse(sku, OfferError::UnknownSku))
}

/// What `sku` is sold as in `currency`.
pub(super) fn find(streams: Streams, sku: &Sku, currency: Currency) -> Result<Offer, Stop> {
    let product_id = owner(streams, sku)?;
    let product = streams.product(&product_id)?;
    let title = match (product.status, &product.title) {
        (Status::Published, Some(title)) => title.clone(),
        _ => return Err(not_for_sale(sku)),
    };
    let unit_price =
        product.price(sku, currency).ok_or_else(|| refuse(sku, OfferError::NotPriced(currency)))?;
    Ok(Offer { product_id, title, unit_price })
}

/// The refusal of a SKU whose product is not for sale.
pub(super) fn not_for_sale(sku: &Sku) -> Stop {
    refuse(sku, OfferError::NotForSale)
}

fn refuse(sku: &Sku, error: OfferError) -> Stop {
    OfSku { sku: sku.clone(), error }.into()
}
