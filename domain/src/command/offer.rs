//! What a SKU is sold as, and for how much: the only source of prices.

use super::Stop;
use crate::cart::OnOffer;
use crate::ids::ProductId;
use crate::money::Currency;
use crate::product::Status;
use crate::refusal::{OfSku, OfferError};
use crate::state::{Missing, Streams};
use crate::text::Sku;

/// The product that sells `sku`.
pub(super) fn owner(streams: Streams, sku: &Sku) -> Result<ProductId, Stop> {
    let owner = streams.sku(sku)?.product_id;
    owner.ok_or_else(|| OfSku { sku: sku.clone(), error: OfferError::UnknownSku }.into())
}

/// What `sku` is sold as in `currency`.
pub(super) fn find(streams: Streams, sku: &Sku, currency: Currency) -> Result<OnOffer, Stop> {
    look(streams, sku, currency)?.map_err(|error| OfSku { sku: sku.clone(), error }.into())
}

/// The same, for those to whom it is no end that there is no offer.
pub(super) fn look(
    streams: Streams,
    sku: &Sku,
    currency: Currency,
) -> Result<Result<OnOffer, OfferError>, Missing> {
    let Some(product_id) = streams.sku(sku)?.product_id else {
        return Ok(Err(OfferError::UnknownSku));
    };
    let product = streams.product(&product_id)?;
    let (Status::Published, Some(title)) = (product.status, &product.title) else {
        return Ok(Err(OfferError::NotForSale));
    };
    let variant = product.variants.get(sku);
    let priced = variant.and_then(|variant| Some((variant, variant.price(currency)?)));
    Ok(priced.ok_or(OfferError::NotPriced(currency)).map(|(variant, unit_price)| OnOffer {
        product_id,
        title: title.clone(),
        variant_title: variant.title.clone(),
        options: variant.options.clone(),
        unit_price,
    }))
}
