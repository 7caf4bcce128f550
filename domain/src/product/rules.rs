//! Decisions about products.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ATTRIBUTES_MAX, Archived, CATEGORY_LEVELS_MAX, Changed, Created, Details, Event, MEDIA_MAX,
    PRICES_MAX, PricesSet, Product, Published, Restored, SkusOfArchived, Status, Unpublished,
    VARIANTS_MAX, VariantChange, VariantRemoved, VariantSet,
};
use crate::money::Money;
use crate::refusal::All;
use crate::text::{Prose, Sku};

refusals! {
    /// Why a product refused.
    Error {
        /// Its id is in use.
        AlreadyExists = "product_already_exists", Conflict, "a product with this id exists already";
        /// There is none.
        NotFound = "product_not_found", NotFound, "there is no such product";
        /// It was withdrawn.
        Archived = "product_archived", Passing,
            "the product is archived: restore it before anything else";
        /// Nothing to sell.
        NothingToSell = "nothing_to_sell", Passing,
            "a product needs a variant with a price before it can be published";
        /// It sells no such variant.
        NoSuchVariant = "variant_not_found", NotFound, "the product has no such variant";
        /// A list is longer than allowed.
        TooMany(All<&'static str>) = "too_many_items", Invalid, "too many {0}";
        /// More prices than a variant may have.
        TooManyPrices(All<Sku>) = "too_many_prices", Invalid,
            "these SKUs have more than 200 prices: {0}";
        /// The same SKU twice in one command.
        DuplicateSku(All<Sku>) = "duplicate_sku", Invalid, "these SKUs are named twice: {0}";
        /// Two prices in one currency.
        DuplicateCurrency(All<Sku>) = "duplicate_currency", Invalid,
            "these SKUs have two prices in one currency: {0}";
        /// Several of these at once.
        Several(All<Error>) = "product_invalid", Invalid, "{0}";
        /// A published product would be left with nothing to sell.
        LastVariant = "last_variant", Passing,
            "a published product must keep a variant with a price";
    }
}

/// Each gives the events of one decision; none where all is so already.
impl Product {
    /// Brings it into the catalogue, as a draft.
    pub fn create(
        &self,
        mut details: Details,
        variants: Vec<VariantSet>,
    ) -> Result<Vec<Event>, Error> {
        if self.status != Status::Unborn {
            return Err(Error::AlreadyExists);
        }
        let bounds = check_bounds(&[
            (details.category.len(), CATEGORY_LEVELS_MAX, "category levels"),
            (details.attributes.len(), ATTRIBUTES_MAX, "attributes"),
            (details.media.len(), MEDIA_MAX, "media"),
            (variants.len(), VARIANTS_MAX, "variants"),
        ]);
        let mut seen = BTreeSet::new();
        let twice = variants.iter().map(|variant| &variant.sku).filter(|sku| !seen.insert(*sku));
        let twice = any(twice.cloned(), Error::DuplicateSku);
        refuse([bounds, twice].into_iter().chain(check_variants(&variants)))?;
        details.description = details.description.filter(|text| !text.is_blank());
        let mut events = vec![Created { details }.into()];
        events.extend(variants.into_iter().map(Event::from));
        Ok(events)
    }

    /// Changes some of its details. The state keeps no descriptions to compare with: a change is
    /// taken at its word.
    pub fn change(&self, mut changed: Changed) -> Result<Vec<Event>, Error> {
        self.must_live()?;
        if changed == Changed::default() {
            return Ok(vec![]);
        }
        let attributes = changed.attributes.as_ref().map_or(0, BTreeMap::len);
        check_bounds(&[
            (changed.category.as_ref().map_or(0, Vec::len), CATEGORY_LEVELS_MAX, "category levels"),
            (attributes, ATTRIBUTES_MAX, "attributes"),
            (changed.media.as_ref().map_or(0, Vec::len), MEDIA_MAX, "media"),
        ])
        .map_or(Ok(()), Err)?;
        let shown = |text: Option<Prose>| text.filter(|text| !text.is_blank());
        changed.description = changed.description.map(shown);
        Ok(vec![changed.into()])
    }

    /// Adds or replaces a variant. Where only its prices are others, nothing else is told.
    pub fn set_variant(&self, variant: VariantSet) -> Result<Vec<Event>, Error> {
        self.must_live()?;
        refuse(check_variants(std::slice::from_ref(&variant)))?;
        match self.variants.get(&variant.sku) {
            Some(current) if *current == variant => return Ok(vec![]),
            None if self.variants.len() >= VARIANTS_MAX => {
                return Err(Error::TooMany(All(vec!["variants"])));
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

/// Each with how many may be there at most, and its name.
fn check_bounds(bounds: &[(usize, usize, &'static str)]) -> Option<Error> {
    let beyond = bounds.iter().filter(|(count, max, _)| count > max).map(|(_, _, what)| *what);
    any(beyond, Error::TooMany)
}

fn check_variants(variants: &[VariantSet]) -> [Option<Error>; 2] {
    let too_many = variants.iter().filter(|variant| variant.prices.len() > PRICES_MAX);
    let too_many = any(too_many.map(|variant| variant.sku.clone()), Error::TooManyPrices);
    let twice = |variant: &&VariantSet| {
        let currencies: BTreeSet<_> = variant.prices.iter().map(|price| price.currency()).collect();
        currencies.len() < variant.prices.len()
    };
    let twice = variants.iter().filter(twice).map(|variant| variant.sku.clone());
    [too_many, any(twice, Error::DuplicateCurrency)]
}

/// What is wrong with those, if there are any.
fn any<T>(those: impl Iterator<Item = T>, error: fn(All<T>) -> Error) -> Option<Error> {
    let those: Vec<T> = those.collect();
    (!those.is_empty()).then(|| error(All(those)))
}

/// Refuses what is wrong: the one thing by its own code, or all of them together.
fn refuse(wrongs: impl IntoIterator<Item = Option<Error>>) -> Result<(), Error> {
    let mut wrongs: Vec<Error> = wrongs.into_iter().flatten().collect();
    match wrongs.pop() {
        None => Ok(()),
        Some(only) if wrongs.is_empty() => Err(only),
        Some(last) => {
            wrongs.push(last);
            Err(Error::Several(All(wrongs)))
        }
    }
}
