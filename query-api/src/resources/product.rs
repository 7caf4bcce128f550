//! `/v1/products`: the catalogue. What is published is for everybody; drafts, archived products and
//! the past are for those who are trusted and ask for them.

use axum::http::StatusCode;
use domain::product::document::{self, Document};
use domain::{ProductId, ReadModel};
use identity::Principal;
use schemars::JsonSchema;
use serde::Deserialize;
use service::Problem;
use uuid::Uuid;

use crate::app::App;
use crate::cursor::Kind;
use crate::included::Include;
use crate::list::{ListQuery, query, sorts};
use crate::listing::{CREATED, LIMIT_MAX, Listing, SortKeys};
use crate::one::{Id, resource};
use crate::scope::must_work_here;

resource! {
    /// A product.
    Product = "product", of Products in "products";
    stream Product(ProductId);
    document Document, by document::fold;
    strangers "id = $1 AND status = 'published'";
    includes Stock;
}

const TITLE: SortKeys = &[("title_key", Kind::Text), ("id", Kind::Id)];

sorts! {
    Oldest = "created_at", "products", CREATED up;
    #[default]
    Newest = "-created_at", "products -", CREATED down;
    Title = "title", "products title_key", TITLE up;
    TitleDown = "-title", "products -title_key", TITLE down;
}

query! {
    /// Which products.
    Products {
        /// Only these.
        id: Vec<Id>,
        /// Only those that have one of these SKUs.
        sku: Vec<String>,
        /// Only those of which a variant has one of these barcodes.
        barcode: Vec<String>,
        /// Where they stand: strangers see those that are published.
        status: Status,
        /// In this category, by its name.
        category: Option<String>,
        /// Of this brand.
        brand: Option<String>,
        sort: Sorting,
    }
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Status {
    Draft,
    #[default]
    Published,
    Archived,
    Any,
}

impl ListQuery for Products {
    const INCLUDES: Option<Include> = Some(Include::Stock);

    async fn listing(self, _: &App, principal: Principal) -> Result<Listing, Problem> {
        let status = match self.status {
            Status::Draft => Some("draft"),
            Status::Published => Some("published"),
            Status::Archived => Some("archived"),
            Status::Any => None,
        };
        if status != Some("published") {
            must_work_here(principal)?;
        }
        for (name, count) in
            [("id", self.id.len()), ("sku", self.sku.len()), ("barcode", self.barcode.len())]
        {
            if count > usize::from(LIMIT_MAX) {
                return Err(too_many(name));
            }
        }
        let ids = self.id.into_iter().map(|id| id.0).collect();
        let some = |names: Vec<String>| (!names.is_empty()).then_some(names);
        Ok(Listing::of(ReadModel::Products, "products", self.sort.into())
            .any_of::<Uuid>("id", ids)
            .only("skus &&", some(self.sku))
            .only("barcodes &&", some(self.barcode))
            .only("status =", status)
            .only("brand =", self.brand)
            .only("category @>", self.category.map(|name| vec![name])))
    }
}

/// More are named than a page can show.
fn too_many(name: &'static str) -> Problem {
    let problem = "a parameter of the query is wrong";
    let detail = format!("at most {LIMIT_MAX} of them");
    Problem::new(StatusCode::BAD_REQUEST, "invalid_query", problem)
        .parameter(name, "too_many", detail)
}
