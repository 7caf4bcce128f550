//! `/v1/products`: the catalogue. What is published is for everybody; drafts, archived products and
//! the past are for those who are trusted and ask for them.

use domain::product::document::{self, Document};
use domain::{ProductId, ReadModel};
use serde::Deserialize;
use service::Problem;

use crate::caller::Caller;
use crate::cursor::Kind;
use crate::list::{ListQuery, query, sorts};
use crate::listing::{CREATED, Listing, SortKeys};
use crate::one::resource;

resource! {
    /// A product.
    Product = "product", of Products in "products";
    stream Product(ProductId);
    document Document, by document::fold;
    strangers "id = $1 AND status = 'published'";
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
        status: Status,
        category: Option<String>,
        brand: Option<String>,
        sort: Sorting,
    }
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Draft,
    #[default]
    Published,
    Archived,
    Any,
}

impl ListQuery for Products {
    fn listing(self, caller: Caller) -> Result<Listing, Problem> {
        let status = match self.status {
            Status::Draft => Some("draft"),
            Status::Published => Some("published"),
            Status::Archived => Some("archived"),
            Status::Any => None,
        };
        if status != Some("published") {
            caller.must_be_trusted()?;
        }
        Ok(Listing::of(ReadModel::Products, "products", self.sort.into())
            .only("status =", status)
            .only("brand =", self.brand)
            .only("category @>", self.category.map(|name| vec![name])))
    }
}
