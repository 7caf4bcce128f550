//! Commands to products.

use std::collections::BTreeMap;

use domain::command::product::Command as Product;
use domain::product::{Changed, Details, Media, SkusOfArchived, VariantChange, VariantSet};
use domain::text::{Label, Prose};
use domain::{Command, Money, Options, ProductId, Sku};
use identity::Access::Staff;
use schemars::JsonSchema;
use serde::Deserialize;
use service::problem::Problem;

use super::{Address, Body, Edge, Route, plain};

pub(super) const ROUTES: &[Route] = &[
    Route::post::<Create>(Staff, "product.create", "/v1/products"),
    Route::patch::<Changed>(Staff, "product.change", "/v1/products/{id}"),
    Route::put::<SetVariant>(Staff, "product.set_variant", "/v1/products/{id}/variants/{sku}"),
    Route::patch::<VariantChange>(
        Staff,
        "product.change_variant",
        "/v1/products/{id}/variants/{sku}",
    ),
    Route::put::<SetPrices>(Staff, "product.set_prices", "/v1/products/{id}/variants/{sku}/prices"),
    Route::delete::<RemoveVariant>(
        Staff,
        "product.remove_variant",
        "/v1/products/{id}/variants/{sku}",
    ),
    Route::post::<Publish>(Staff, "product.publish", "/v1/products/{id}/publish"),
    Route::post::<Unpublish>(Staff, "product.unpublish", "/v1/products/{id}/unpublish"),
    Route::post::<Archive>(Staff, "product.archive", "/v1/products/{id}/archive"),
    Route::post::<Restore>(Staff, "product.restore", "/v1/products/{id}/restore"),
];

/// Makes a product, a draft until it is published.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    id: Option<ProductId>,
    title: Label,
    description: Option<Prose>,
    brand: Option<Label>,
    #[serde(default)]
    category: Vec<Label>,
    #[serde(default)]
    attributes: BTreeMap<Label, Label>,
    #[serde(default)]
    media: Vec<Media>,
    #[serde(default)]
    variants: Vec<Variant>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Variant {
    sku: Sku,
    title: Option<Label>,
    #[serde(default)]
    options: Options,
    prices: Vec<Money>,
    barcode: Option<Label>,
}

impl From<Variant> for VariantSet {
    fn from(variant: Variant) -> Self {
        let Variant { sku, title, options, prices, barcode } = variant;
        Self { sku, title, options, prices, barcode }
    }
}

impl Body for Create {
    fn command(self, _: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { id, title, description, brand, category, attributes, media, variants } = self;
        let details = Details { title, description, brand, category, attributes, media };
        let variants = variants.into_iter().map(VariantSet::from).collect();
        Ok(Command::Product(Edge::id(id, ProductId), Product::Create { details, variants }))
    }
}

// The body of a change is the change itself: a field that is absent stays as it was.
impl Body for Changed {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        Ok(Command::Product(address.id()?, Product::Change(self)))
    }
}

/// Sets a variant, whole. One that is not there is made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetVariant {
    title: Option<Label>,
    #[serde(default)]
    options: Options,
    prices: Vec<Money>,
    barcode: Option<Label>,
}

impl Body for SetVariant {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { title, options, prices, barcode } = self;
        let variant = VariantSet { sku: address.sku()?, title, options, prices, barcode };
        Ok(Command::Product(address.id()?, Product::SetVariant(variant)))
    }
}

// As with the product: what is absent stays, what is null goes.
impl Body for VariantChange {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        Ok(Command::Product(address.id()?, Product::ChangeVariant(address.sku()?, self)))
    }
}

/// Sets what a variant costs, in all currencies.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetPrices {
    prices: Vec<Money>,
}

impl Body for SetPrices {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let set = Product::SetPrices(address.sku()?, self.prices);
        Ok(Command::Product(address.id()?, set))
    }
}

/// Withdraws a product. It keeps its SKUs unless told otherwise.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Archive {
    #[serde(default)]
    skus: SkusOfArchived,
}

impl Body for Archive {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        Ok(Command::Product(address.id()?, Product::Archive(self.skus)))
    }
}

plain! {
    /// Takes a variant out; its SKU is free.
    RemoveVariant => |address| {
        Command::Product(address.id()?, Product::RemoveVariant(address.sku()?))
    };
    /// Puts a product on sale.
    Publish => |address| Command::Product(address.id()?, Product::Publish);
    /// Takes a product off sale; it is a draft again.
    Unpublish => |address| Command::Product(address.id()?, Product::Unpublish);
    /// Brings an archived product back as a draft, with its SKUs if nobody else has them.
    Restore => |address| Command::Product(address.id()?, Product::Restore);
}
