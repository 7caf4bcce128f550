//! Decisions about products.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ATTRIBUTES_MAX, Archived, CATEGORY_LEVELS_MAX, Changed, Created, Details, Event, MEDIA_MAX,
    PRICES_MAX, PricesSet, Product, Published, Restored, SkusOfArchived, Status, Unpublished,
    VARIANTS_MAX, VariantChange, VariantRemoved, VariantSet,
};
use crate::money::Money;
use crate::text::Sku;

refusals! {
    /// Why a product refused.
    Error {
        /// Its id is in use.
        AlreadyExists = "product_already_exists", Conflict, "a product with this id exists already";
        /// There is none.
        NotFound = "product_not_found", NotFound, "there is no such product";
        /// It was withdrawn.
        Archived = "product_archived", Conflict,
            "the product is archived: restore it before anything else";
        /// Nothing to sell.
        NothingToSell = "nothing_to_sell", Conflict,
            "a product needs a variant with a price before it can be published";
        /// It sells no such variant.
        NoSuchVariant = "variant_not_found", NotFound, "the product has no such variant";
        /// A list is longer than allowed.
        TooMany(String) = "too_many_items", Invalid, "too many {0}";
        /// The same SKU twice in one command.
        DuplicateSku(Sku) = "duplicate_sku", Invalid, "SKU {0} is named twice";
        /// Two prices in one currency.
        DuplicateCurrency(Sku) = "duplicate_currency", Invalid,
            "SKU {0} has two prices in one currency";
        /// A published product would be left with nothing to sell.
        LastVariant = "last_variant", Conflict,
            "a published product must keep a variant with a price";
    }
}

/// Each gives the events of one decision; none where all is so already.
impl Product {
    /// Brings it into the catalogue, as a draft.
    pub fn create(&self, details: Details, variants: Vec<VariantSet>) -> Result<Vec<Event>, Error> {
        if self.status != Status::Unborn {
            return Err(Error::AlreadyExists);
        }
        check_bounds(details.category.len(), details.attributes.len(), details.media.len())?;
        if variants.len() > VARIANTS_MAX {
            return Err(Error::TooMany("variants".to_owned()));
        }
        let mut seen = BTreeSet::new();
        for variant in &variants {
            check_variant(variant)?;
            if !seen.insert(&variant.sku) {
                return Err(Error::DuplicateSku(variant.sku.clone()));
            }
        }
        let mut events = vec![Created { details }.into()];
        events.extend(variants.into_iter().map(Event::from));
        Ok(events)
    }

    /// Changes some of its details. The state keeps no descriptions to compare with: a change is
    /// taken at its word.
    pub fn change(&self, changed: Changed) -> Result<Vec<Event>, Error> {
        self.must_live()?;
        if changed == Changed::default() {
            return Ok(vec![]);
        }
        check_bounds(
            changed.category.as_ref().map_or(0, Vec::len),
            changed.attributes.as_ref().map_or(0, BTreeMap::len),
            changed.media.as_ref().map_or(0, Vec::len),
        )?;
        Ok(vec![changed.into()])
    }

    /// Adds or replaces a variant. Where only its prices are others, nothing else is told.
    pub fn set_variant(&self, variant: VariantSet) -> Result<Vec<Event>, Error> {
        self.must_live()?;
        check_variant(&variant)?;
        match self.variants.get(&variant.sku) {
            Some(current) if *current == variant => return Ok(vec![]),
            None if self.variants.len() >= VARIANTS_MAX => {
                return Err(Error::TooMany("variants".to_owned()));
            }
            Some(_) | None => {}
        }
        if self.status == Status::Published
            && !sellable(&variant)
            && !others_sellable(self, &variant.sku)
        {
            return Err(Error::LastVariant);
        }
        let with_these_prices = |current: &VariantSet| {
            let prices = variant.prices.clone();
            VariantSet { prices, ..current.clone() }
        };
        if self.variants.get(&variant.sku).map(with_these_prices).as_ref() == Some(&variant) {
            return Ok(vec![PricesSet { sku: variant.sku, prices: variant.prices }.into()]);
        }
        Ok(vec![variant.into()])
    }

    /// Changes what is named of a variant, and leaves the rest.
    pub fn change_variant(&self, sku: &Sku, change: VariantChange) -> Result<Vec<Event>, Error> {
        self.must_live()?;
        let variant = self.variants.get(sku).ok_or(Error::NoSuchVariant)?;
        self.set_variant(change.apply(variant.clone()))
    }

    /// Sets what a variant costs.
    pub fn set_prices(&self, sku: &Sku, prices: Vec<Money>) -> Result<Vec<Event>, Error> {
        let prices = Some(Some(prices));
        self.change_variant(sku, VariantChange { prices, ..VariantChange::default() })
    }

    /// Stops selling a variant. Also while it is archived: what another product has taken must not
    /// keep the rest from coming back.
    pub fn remove_variant(&self, sku: Sku) -> Result<Vec<Event>, Error> {
        self.must_exist()?;
        if !self.variants.contains_key(&sku) {
            return Err(Error::NoSuchVariant);
        }
        if self.status == Status::Published && !others_sellable(self, &sku) {
            return Err(Error::LastVariant);
        }
        Ok(vec![VariantRemoved { sku }.into()])
    }

    /// Puts it up for sale.
    pub fn publish(&self) -> Result<Vec<Event>, Error> {
        self.must_live()?;
        if self.status == Status::Published {
            return Ok(vec![]);
        }
        if !self.variants.values().any(sellable) {
            return Err(Error::NothingToSell);
        }
        Ok(vec![Published {}.into()])
    }

    /// Takes it off sale: it is a draft again.
    pub fn unpublish(&self) -> Result<Vec<Event>, Error> {
        self.must_live()?;
        let is_published = self.status == Status::Published;
        Ok(is_published.then(|| Unpublished {}.into()).into_iter().collect())
    }

    /// Withdraws it. SKUs that were kept may be freed later by asking again; those that were freed
    /// come back with [`Product::restore`].
    pub fn archive(&self, skus: SkusOfArchived) -> Result<Vec<Event>, Error> {
        self.must_exist()?;
        let frees_none = self.skus_freed || skus == SkusOfArchived::Keep;
        if self.status == Status::Archived && frees_none {
            return Ok(vec![]);
        }
        Ok(vec![Archived { skus }.into()])
    }

    /// Brings it back from the archive, as a draft.
    pub fn restore(&self) -> Result<Vec<Event>, Error> {
        self.must_exist()?;
        let is_archived = self.status == Status::Archived;
        Ok(is_archived.then(|| Restored {}.into()).into_iter().collect())
    }

    fn must_exist(&self) -> Result<(), Error> {
        if self.status == Status::Unborn { Err(Error::NotFound) } else { Ok(()) }
    }

    fn must_live(&self) -> Result<(), Error> {
        self.must_exist()?;
        if self.status == Status::Archived { Err(Error::Archived) } else { Ok(()) }
    }
}

fn sellable(variant: &VariantSet) -> bool {
    !variant.prices.is_empty()
}

fn others_sellable(product: &Product, sku: &Sku) -> bool {
    product.variants.iter().any(|(other, variant)| other != sku && sellable(variant))
}

fn check_bounds(levels: usize, attributes: usize, media: usize) -> Result<(), Error> {
    let bounds = [
        (levels, CATEGORY_LEVELS_MAX, "category levels"),
        (attributes, ATTRIBUTES_MAX, "attributes"),
        (media, MEDIA_MAX, "media"),
    ];
    match bounds.into_iter().find(|(count, max, _)| count > max) {
        Some((_, _, what)) => Err(Error::TooMany(what.to_owned())),
        None => Ok(()),
    }
}

fn check_variant(variant: &VariantSet) -> Result<(), Error> {
    if variant.prices.len() > PRICES_MAX {
        return Err(Error::TooMany("prices".to_owned()));
    }
    let currencies: BTreeSet<_> = variant.prices.iter().map(|price| price.currency()).collect();
    if currencies.len() < variant.prices.len() {
        return Err(Error::DuplicateCurrency(variant.sku.clone()));
    }
    Ok(())
}
