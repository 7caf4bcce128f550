//! What a SKU is sold as today, and whether a line of a cart can be bought so.

use super::Line;
use super::obstacle::Obstacle;
use crate::ids::ProductId;
use crate::money::Money;
use crate::options::Options;
use crate::refusal::OfferError;
use crate::text::Label;

/// A SKU on offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnOffer {
    /// The product that sells it.
    pub product_id: ProductId,
    /// What the product is called.
    pub title: Label,
    /// What the variant is called beside that, if it has a name of its own.
    pub variant_title: Option<Label>,
    /// What sets the variant apart.
    pub options: Options,
    /// What one costs.
    pub unit_price: Money,
}

impl Line {
    /// What of today's offer keeps it from being bought. A lower price does not: a shopper pays
    /// what they saw, or less.
    pub fn problem(&self, offer: Result<&OnOffer, &OfferError>) -> Option<Obstacle> {
        let seen = self.unit_price;
        match offer {
            Err(OfferError::UnknownSku) => Some(Obstacle::UnknownSku),
            Err(OfferError::NotForSale) => Some(Obstacle::NotForSale),
            Err(OfferError::NotPriced(currency)) => {
                Some(Obstacle::NotPricedInCurrency { currency: *currency })
            }
            // The SKU went to another product: this one is not sold any more.
            Ok(offer) if offer.product_id != self.product_id => Some(Obstacle::NotForSale),
            Ok(OnOffer { unit_price: now, .. }) if now.amount() > seen.amount() => {
                Some(Obstacle::PriceChanged { seen, now: *now })
            }
            Ok(_) => None,
        }
    }
}
